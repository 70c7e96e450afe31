//! Sources that are pinned without a flake: the files of npins and niv, and the channels of Nix itself.
//!
//! Each pin becomes attributes as a `flake.lock` would write them: `type`, `owner`, `repo`, `url`, `rev`, `ref`, and the
//! `hash` as its tool writes it. Fields that are not known here are left out; one of them may be a token.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Attrs, Problem, Span};

mod channels;
mod niv;
mod npins;

pub use channels::{installed, subscribed};

/// What is pinned, by name.
pub type Pins = BTreeMap<String, Attrs>;

/// A file of pins as it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PinFile {
    /// What could be read.
    pub pins: Pins,
    /// The names of pins that are there and could not be read.
    pub unread: BTreeSet<String>,
    /// What is wrong with the text.
    pub problems: Vec<Problem>,
}

/// Reads the `sources.json` of npins, of any version. Codes of its problems: `pins-json`, `pins-shape`.
pub fn npins(text: &str) -> PinFile {
    read(text, npins::read)
}

/// Reads the `sources.json` of niv. Codes of its problems as for [`npins()`].
pub fn niv(text: &str) -> PinFile {
    read(text, niv::read)
}

fn read(text: &str, of: fn(&Attrs, &mut PinFile)) -> PinFile {
    let mut file = PinFile::default();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => of(&fields, &mut file),
        Ok(_) => file.wrong("pins-shape", None, "the file holds no object; write it anew with the tool that made it"),
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            file.wrong("pins-json", Some(line), "this is no JSON; write the file anew with the tool that made it");
        }
    }
    file
}

impl PinFile {
    fn wrong(&mut self, code: &'static str, line: Option<u32>, message: impl Into<String>) {
        let span = line.map(|line| Span { start: 0, end: 0, line });
        self.problems.push(Problem { code, span, message: message.into() });
    }

    /// Takes every pin of an object with a reader of one.
    fn take(&mut self, pins: &Attrs, read: impl Fn(&Attrs) -> Option<Attrs>) {
        for (name, value) in pins {
            if let Some(attrs) = value.as_object().and_then(&read) {
                self.pins.insert(name.clone(), attrs);
            } else {
                self.unread.insert(name.clone());
                self.wrong("pins-shape", None, format!("the pin `{name}` is not written as expected"));
            }
        }
    }
}

/// Attributes, put together field by field; what is missing is left out.
#[derive(Default)]
struct Written(Attrs);

impl Written {
    fn new(kind: &str) -> Self {
        Self::default().with("type", Some(kind))
    }

    fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }
}

fn text<'a>(fields: &'a Attrs, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

#[cfg(test)]
mod tests;
