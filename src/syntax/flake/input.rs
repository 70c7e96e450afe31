//! One declared input and its overrides.

use rnix::TextRange;

use super::{Input, Override, Reading, reason, scalar};
use crate::syntax::value::{Member, Set, Value};

impl Reading<'_> {
    pub(super) fn declared(&mut self, inputs: &Set, name: &str, at: TextRange) -> Input {
        let mut input = Input::new(name.to_owned(), self.tree.span(at));
        if let Some(set) = self.input_set(inputs, name, at, name) {
            let read = self.reference(&set, name);
            (input.url, input.attrs, input.follows) = (read.url, read.attrs, read.follows);
            input.flake = read.flake.unwrap_or(true);
            self.overrides(&set, name, "", &mut input);
        }
        input
    }

    /// The set that describes one input; `path` is its name for people.
    fn input_set(&mut self, inputs: &Set, name: &str, at: TextRange, path: &str) -> Option<Set> {
        match inputs.get(name, &self.reader) {
            Member::Present(Value::Set(set)) => {
                if !inputs.is_literal(name) {
                    self.refused(at, path);
                }
                self.duplicates(&format!("{path}."), &set);
                for unknown in set.doubts() {
                    self.say(
                        "dynamic-input",
                        unknown.at,
                        format!("attributes of `{path}` come from {}", unknown.reason),
                    );
                }
                Some(set)
            }
            Member::Present(value @ (Value::Unknown(_) | Value::Outside(_) | Value::Call(..))) => {
                self.say("dynamic-input", at, format!("the input `{path}` comes from {}", reason(&value)));
                None
            }
            Member::Present(_) => {
                self.say("invalid-input", at, format!("the input `{path}` is not a set; write `{path}.url = …`"));
                None
            }
            Member::Uncertain(unknown) => {
                self.say("dynamic-input", at, format!("the input `{path}` comes from {}", unknown.reason));
                None
            }
            Member::Absent => None,
        }
    }

    fn reference(&mut self, set: &Set, path: &str) -> Override {
        let mut read = Override::default();
        let typed = set.slot("type").is_some();
        for (name, at) in set.names() {
            if name == "inputs" {
                continue;
            }
            if !matches!(name.as_str(), "url" | "follows" | "flake") {
                self.refuse_attribute(path, &name, typed, at);
            }
            let value = match set.get(&name, &self.reader) {
                Member::Present(value) => value,
                Member::Uncertain(unknown) => Value::Unknown(unknown),
                Member::Absent => continue,
            };
            let known = match (name.as_str(), &value) {
                ("url", Value::Text(url)) => read.url.replace(url.clone()).is_none(),
                ("url", Value::Path(written)) => read.url.replace(path_url(written)).is_none(),
                ("follows", Value::Text(follows)) => read.follows.replace(follows.clone()).is_none(),
                ("flake", Value::Bool(flake)) => read.flake.replace(*flake).is_none(),
                ("url" | "follows" | "flake", _) => false,
                (_, value) => scalar(value).is_some_and(|value| read.attrs.insert(name.clone(), value).is_none()),
            };
            if !known {
                // The keys of `verified-fetches`, which is experimental.
                if name == "publicKeys" && matches!(value, Value::List(_)) {
                    continue;
                }
                let message =
                    format!("`{path}.{name}` is not known without evaluation: it comes from {}", reason(&value));
                self.say("dynamic-input", at, message);
            } else if !set.is_literal(&name) {
                self.refused(at, &format!("{path}.{name}"));
            }
        }
        read
    }

    /// Sets below each other end by themselves: the tree is not deeper than the parser allows.
    fn overrides(&mut self, set: &Set, path: &str, below: &str, input: &mut Input) {
        let inputs = match set.get("inputs", &self.reader) {
            Member::Present(Value::Set(inputs)) => inputs,
            Member::Absent => return,
            Member::Present(_) | Member::Uncertain(_) => {
                let at = set.slot("inputs").map_or_else(|| TextRange::empty(0.into()), |slot| slot.at);
                return self.say(
                    "dynamic-input",
                    at,
                    format!("the inputs of `{path}` are not known without evaluation"),
                );
            }
        };
        self.duplicates(&format!("{path}.inputs."), &inputs);
        for (name, at) in inputs.names() {
            let full = format!("{path}.inputs.{name}");
            let Some(set) = self.input_set(&inputs, &name, at, &full) else { continue };
            let read = self.reference(&set, &full);
            let key = if below.is_empty() { name } else { format!("{below}/{name}") };
            if read != Override::default() {
                input.overrides.insert(key.clone(), read);
            }
            self.overrides(&set, &full, &key, input);
        }
    }

    fn refused(&mut self, at: TextRange, path: &str) {
        self.say("dynamic-input", at, format!("nix refuses `{path}` because it is not written as a literal"));
    }
}

/// As Nix turns a path literal into a URL: relative to the flake, without a leading `./`.
fn path_url(written: &str) -> String {
    format!("path:{}", written.strip_prefix("./").unwrap_or(written))
}
