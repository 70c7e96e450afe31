//! The configurations that a flake names, with their modules as far as these are written out.
//!
//! A module that is a path literal is told by that path, one that is written in place by its shape; of every other it is said
//! what stands there.

use rnix::TextRange;
use rowan::ast::AstNode;

use super::flake_parts;
use crate::syntax::shape::{self, Shape};
use crate::syntax::tree::Tree;
use crate::syntax::value::{Lazy, Member, Reader, Set, Unknown, Value};

/// The outputs that hold configurations.
const CATEGORIES: &[&str] = &["nixosConfigurations", "darwinConfigurations", "homeConfigurations"];
/// The functions that make one, by their last name.
const MAKERS: &[&str] = &["nixosSystem", "darwinSystem", "homeManagerConfiguration"];

/// One configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The output that holds it, as in `nixosConfigurations`.
    pub category: String,
    /// Its name.
    pub name: String,
    /// The system, where it is written.
    pub system: Option<String>,
    /// Path literals among its modules, as written.
    pub modules: Vec<String>,
    /// Modules that are written in place.
    pub inline: Vec<Shape>,
    /// What stands where a module or all of them are not known, each a few words.
    pub others: Vec<String>,
}

/// Those of what the function `outputs` of a flake returns.
pub(in crate::syntax) fn read(
    tree: &Tree,
    reader: &Reader,
    function: &Value,
    flake_parts: &[&str],
) -> Vec<Configuration> {
    let at = match function {
        Value::Function(lambda, _) => lambda.syntax().text_range(),
        _ => return Vec::new(),
    };
    let found = match reader.apply(function.clone(), Lazy::known(Value::Outside(Vec::new())), at) {
        Some(Value::Set(set)) => Some(set),
        Some(Value::Call(path, arguments, at)) if flake_parts::is_call(&path, flake_parts) && arguments.len() == 2 => {
            arguments.last().and_then(|module| of_module(reader, module, at))
        }
        _ => None,
    };
    found.map(|set| all(tree, reader, &set)).unwrap_or_default()
}

/// The outputs that a module of flake-parts writes out.
fn of_module(reader: &Reader, module: &Lazy, at: TextRange) -> Option<Set> {
    let value = match reader.lazy(module) {
        function @ Value::Function(..) => {
            reader.apply(function, Lazy::known(Value::Unknown(Unknown::new("an argument of a module", at))), at)?
        }
        value => value,
    };
    let Value::Set(set) = value else { return None };
    match set.get("flake", reader) {
        Member::Present(Value::Set(flake)) => Some(flake),
        _ => None,
    }
}

fn all(tree: &Tree, reader: &Reader, outputs: &Set) -> Vec<Configuration> {
    let mut all = Vec::new();
    for category in CATEGORIES {
        let Member::Present(Value::Set(set)) = outputs.get(category, reader) else { continue };
        for (name, _) in set.names() {
            let mut one =
                Configuration { category: (*category).to_owned(), name: name.clone(), ..Configuration::default() };
            match set.get(&name, reader) {
                Member::Present(value) => one.read(tree, reader, &value),
                Member::Uncertain(unknown) => one.others.push(unknown.reason),
                Member::Absent => {}
            }
            all.push(one);
        }
    }
    all
}

impl Configuration {
    fn read(&mut self, tree: &Tree, reader: &Reader, value: &Value) {
        let Value::Call(path, arguments, _) = value else { return self.others.push(described(value)) };
        let made = path.last().is_some_and(|last| MAKERS.contains(&last.as_str()));
        let (true, [argument]) = (made, &arguments[..]) else { return self.others.push(described(value)) };
        let Value::Set(set) = reader.lazy(argument) else { return self.others.push(described(value)) };
        self.system = system(reader, &set);
        match set.get("modules", reader) {
            Member::Present(Value::List(items)) => {
                for item in items {
                    self.module(tree, reader, &item);
                }
            }
            Member::Present(other) => self.others.push(described(&other)),
            Member::Uncertain(unknown) => self.others.push(unknown.reason),
            Member::Absent => {}
        }
    }

    fn module(&mut self, tree: &Tree, reader: &Reader, item: &Lazy) {
        let value = reader.lazy(item);
        if let Some(module) = literal(reader, &value) {
            return self.modules.push(module);
        }
        let shape = match item {
            Lazy::Written(expression, _) => Some(shape::of(expression.clone(), tree)),
            Lazy::Known(_) => None,
        };
        match shape.filter(|shape| shape.kind.is_module()) {
            Some(shape) => self.inline.push(shape),
            None => self.others.push(described(&value)),
        }
    }
}

/// A path literal, or what is imported from one: to the module system that is the same.
fn literal(reader: &Reader, value: &Value) -> Option<String> {
    match value {
        Value::Path(path) => Some(path.clone()),
        Value::Call(function, arguments, _) if function.last().is_some_and(|last| last == "import") => {
            let [argument] = &arguments[..] else { return None };
            if let Value::Path(path) = reader.lazy(argument) { Some(path) } else { None }
        }
        _ => None,
    }
}

/// `system = "…"`, or the one of `pkgs = nixpkgs.legacyPackages.<system>`.
fn system(reader: &Reader, set: &Set) -> Option<String> {
    if let Member::Present(Value::Text(system)) = set.get("system", reader) {
        return Some(system);
    }
    let Member::Present(Value::Outside(path)) = set.get("pkgs", reader) else { return None };
    match &path[..] {
        [.., packages, system] if packages == "legacyPackages" => Some(system.clone()),
        _ => None,
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Outside(path) => format!("`{}`", path.join(".")),
        Value::Call(path, ..) => {
            let path = path.join(".");
            format!("what `{}` makes", path.strip_prefix("builtins.").unwrap_or(&path))
        }
        Value::Unknown(unknown) => unknown.reason.clone(),
        Value::Set(_) | Value::Function(..) => "what is written in flake.nix itself".to_owned(),
        _ => "a value that is no module".to_owned(),
    }
}
