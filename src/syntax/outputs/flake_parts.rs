//! The outputs of `flake-parts.lib.mkFlake { inherit inputs; } module`, as far as the module is written in the file.

use std::collections::BTreeMap;

use rnix::TextRange;

use super::{Gap, Outputs, Walk, depth};
use crate::syntax::value::{ANY_SYSTEM, Lazy, Set, Unknown, Value};

/// Options of `perSystem` that flake-parts itself turns into outputs of the same name.
const PER_SYSTEM: &[&str] = &["packages", "devShells", "checks", "apps", "formatter", "legacyPackages", "bundlers"];

/// Whether this is the function `mkFlake` of one of these inputs.
pub(super) fn is_call(path: &[String], flake_parts: &[&str]) -> bool {
    matches!(path, [input, lib, name] if flake_parts.contains(&input.as_str()) && lib == "lib" && name == "mkFlake")
}

impl Walk<'_> {
    pub(super) fn flake_parts(&self, module: Option<&Lazy>, at: TextRange, outputs: &mut Outputs) {
        let value = match module.map(|module| self.reader.lazy(module)) {
            Some(function @ Value::Function(..)) => {
                let argument = Lazy::known(Value::Unknown(Unknown::new("an argument of a module", at)));
                self.reader.apply(function, argument, at).unwrap_or(Value::Null)
            }
            Some(value) => value,
            None => Value::Null,
        };
        let Value::Set(set) = value else {
            return outputs.unknown.push(self.gap("", &value, at));
        };
        outputs.unknown.extend(self.doubts("", &set));
        let systems = match self.member(&set, "systems") {
            list @ Value::List(_) => self.reader.strings(&Lazy::known(list)),
            _ => None,
        };
        let systems = systems.unwrap_or_else(|| vec![ANY_SYSTEM.to_owned()]);
        for (name, place) in set.names() {
            let value = self.member(&set, &name);
            match (name.as_str(), value) {
                ("systems", _) => {}
                ("imports", Value::List(modules)) if modules.is_empty() => {}
                ("flake", Value::Set(flake)) => self.categories(&flake, outputs),
                ("flake", value) => outputs.unknown.push(self.gap("", &value, place)),
                ("perSystem", value) => self.per_system(&systems, &value, place, outputs),
                (option, _) => outputs.unknown.push(self.module_gap(option, place)),
            }
        }
    }

    fn per_system(&self, systems: &[String], module: &Value, at: TextRange, outputs: &mut Outputs) {
        for system in systems {
            let value = match module {
                Value::Function(..) => {
                    self.reader.apply(module.clone(), arguments(system, at), at).unwrap_or(Value::Null)
                }
                value => value.clone(),
            };
            let Value::Set(set) = value else {
                outputs.unknown.push(self.gap("", &value, at));
                continue;
            };
            outputs.unknown.extend(self.doubts("", &set));
            for (name, place) in set.names() {
                if PER_SYSTEM.contains(&name.as_str()) {
                    let value = Lazy::known(self.member(&set, &name));
                    let one = Set::made(BTreeMap::from([(system.clone(), (value, place))]));
                    self.below(&name, &Value::Set(one), place, depth(&name), outputs);
                } else {
                    outputs.unknown.push(self.module_gap(&format!("perSystem.{name}"), place));
                }
            }
        }
        outputs.unknown.sort_by(|a, b| (a.span, &a.path, &a.reason).cmp(&(b.span, &b.path, &b.reason)));
        outputs.unknown.dedup();
    }

    fn module_gap(&self, option: &str, at: TextRange) -> Gap {
        let reason = format!("the module option `{option}` may add outputs that are not written here");
        Gap { path: String::new(), reason, span: self.tree.span(at) }
    }
}

/// What a `perSystem` module gets: the system when it is known, and much that is not.
fn arguments(system: &str, at: TextRange) -> Lazy {
    let open = Set::open(Unknown::new("an argument of a module", at));
    if system == ANY_SYSTEM {
        return Lazy::known(Value::Set(open));
    }
    let system = Lazy::known(Value::Text(system.to_owned()));
    Lazy::known(Value::Set(open.updated_by(Set::made(BTreeMap::from([("system".to_owned(), (system, at))])))))
}
