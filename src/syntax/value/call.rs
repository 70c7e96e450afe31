//! Calls: functions written in the text, and the few library functions whose result has known names.

use std::collections::BTreeMap;

use rnix::{TextRange, ast};
use rowan::ast::AstNode;

use super::{Lazy, Member, Reader, Scope, Set, Unknown, Value, described};

/// Stands for a system that is not known.
pub(crate) const ANY_SYSTEM: &str = "*";

impl Reader {
    pub(super) fn apply_expression(&self, apply: &ast::Apply, scope: &Scope) -> Option<Value> {
        let function = self.value(&apply.lambda()?, scope);
        let argument = Lazy::written(&apply.argument()?, scope);
        let result = self.apply(function, argument, apply.syntax().text_range());
        Some(result.unwrap_or_else(|| Value::Unknown(described(&ast::Expr::Apply(apply.clone())))))
    }

    /// Nothing when the result is not known.
    pub(crate) fn apply(&self, function: Value, argument: Lazy, at: TextRange) -> Option<Value> {
        match function {
            Value::Function(lambda, scope) => self.apply_lambda(&lambda, &scope, argument),
            Value::Outside(path) => self.call(path, vec![argument], at),
            Value::Call(path, mut arguments, _) => {
                arguments.push(argument);
                self.call(path, arguments, at)
            }
            _ => None,
        }
    }

    fn apply_lambda(&self, lambda: &ast::Lambda, scope: &Scope, argument: Lazy) -> Option<Value> {
        let arguments = match lambda.param()? {
            ast::Param::IdentParam(param) => vec![(ident(param.ident())?, argument)],
            ast::Param::Pattern(pattern) => self.destructure(&pattern, scope, argument),
        };
        Some(self.value(&lambda.body()?, &scope.with_arguments(arguments)))
    }

    fn destructure(&self, pattern: &ast::Pattern, scope: &Scope, argument: Lazy) -> Vec<(String, Lazy)> {
        let given = self.lazy(&argument);
        let mut arguments = Vec::new();
        for entry in pattern.pat_entries() {
            let Some(name) = ident(entry.ident()) else { continue };
            let at = entry.syntax().text_range();
            let value = match &given {
                Value::Set(set) => set.get(&name, self),
                Value::Outside(path) => {
                    Member::Present(Value::Outside([&path[..], std::slice::from_ref(&name)].concat()))
                }
                _ => Member::Uncertain(Unknown::new(format!("the argument `{name}`"), at)),
            };
            let lazy = match (value, entry.default()) {
                (Member::Present(value), _) => Lazy::known(value),
                (Member::Uncertain(unknown), _) => Lazy::known(Value::Unknown(unknown)),
                (Member::Absent, Some(default)) => Lazy::written(&default, scope),
                (Member::Absent, None) => {
                    Lazy::known(Value::Unknown(Unknown::new(format!("the argument `{name}`"), at)))
                }
            };
            arguments.push((name, lazy));
        }
        arguments.extend(pattern.pat_bind().and_then(|bind| ident(bind.ident())).map(|name| (name, argument)));
        arguments
    }

    /// A call of something from outside; kept as a call while it has too few arguments to be known.
    fn call(&self, path: Vec<String>, arguments: Vec<Lazy>, at: TextRange) -> Option<Value> {
        let library = path.iter().any(|name| name == "lib" || name == "builtins");
        let name = path.last().filter(|_| library).map(String::as_str);
        match (name, &arguments[..]) {
            (Some("genAttrs" | "eachSystemMap"), [systems, function]) => Some(self.for_each(systems, function, at)),
            (Some("eachDefaultSystemMap"), [function]) => Some(self.for_any_system(function, at)),
            (Some("eachDefaultSystem"), [function]) => Some(self.turned(&[ANY_SYSTEM.to_owned()], function, at)),
            (Some("eachSystem"), [systems, function]) => {
                let systems = self.strings(systems).unwrap_or_else(|| vec![ANY_SYSTEM.to_owned()]);
                Some(self.turned(&systems, function, at))
            }
            (Some("mapAttrs"), [_, set]) => self.mapped(set, at),
            _ => Some(Value::Call(path, arguments, at)),
        }
    }

    /// The texts of a list, when all are known.
    pub(crate) fn strings(&self, list: &Lazy) -> Option<Vec<String>> {
        let Value::List(items) = self.lazy(list) else { return None };
        items.iter().map(|item| if let Value::Text(text) = self.lazy(item) { Some(text) } else { None }).collect()
    }

    fn for_each(&self, systems: &Lazy, function: &Lazy, at: TextRange) -> Value {
        let Some(systems) = self.strings(systems) else { return self.for_any_system(function, at) };
        let members = systems.into_iter().map(|system| (system.clone(), (self.for_one(&system, function, at), at)));
        Value::Set(Set::made(members.collect()))
    }

    fn for_any_system(&self, function: &Lazy, at: TextRange) -> Value {
        let members = BTreeMap::from([(ANY_SYSTEM.to_owned(), (self.for_one(ANY_SYSTEM, function, at), at))]);
        Value::Set(Set::made(members))
    }

    fn for_one(&self, system: &str, function: &Lazy, at: TextRange) -> Lazy {
        let value = self.apply(self.lazy(function), Lazy::known(system_value(system, at)), at);
        Lazy::known(value.unwrap_or_else(|| Value::Unknown(Unknown::new("a function call", at))))
    }

    /// `{ packages.default }` for each system becomes `{ packages.<system>.default }`.
    fn turned(&self, systems: &[String], function: &Lazy, at: TextRange) -> Value {
        let mut turned = BTreeMap::<String, (TextRange, BTreeMap<String, (Lazy, TextRange)>)>::new();
        let mut doubts = Vec::new();
        for system in systems {
            let Value::Set(set) = self.lazy(&self.for_one(system, function, at)) else {
                doubts.push(Unknown::new("a function of the system that is not written here", at));
                continue;
            };
            doubts.extend(set.doubts());
            for (name, place) in set.names() {
                let value = match set.get(&name, self) {
                    Member::Present(value) => value,
                    Member::Absent => continue,
                    Member::Uncertain(unknown) => Value::Unknown(unknown),
                };
                let (_, members) = turned.entry(name).or_insert_with(|| (place, BTreeMap::new()));
                members.insert(system.clone(), (Lazy::known(value), place));
            }
        }
        let members = turned
            .into_iter()
            .map(|(name, (place, systems))| (name, (Lazy::known(Value::Set(Set::made(systems))), place)));
        let known = Set::made(members.collect());
        Value::Set(doubts.into_iter().map(Set::open).fold(known, |set, open| open.updated_by(set)))
    }

    fn mapped(&self, set: &Lazy, at: TextRange) -> Option<Value> {
        let Value::Set(set) = self.lazy(set) else { return None };
        let made = set.names().into_iter().map(|(name, place)| {
            let unknown = Value::Unknown(Unknown::new("a function mapped over a set", at));
            (name, (Lazy::known(unknown), place))
        });
        let known = Set::made(made.collect());
        Some(Value::Set(set.doubts().into_iter().map(Set::open).fold(known, |set, open| open.updated_by(set))))
    }
}

fn system_value(system: &str, at: TextRange) -> Value {
    if system == ANY_SYSTEM {
        Value::Unknown(Unknown::new("the list of systems, which is not written in this file", at))
    } else {
        Value::Text(system.to_owned())
    }
}

pub(crate) fn ident(ident: Option<ast::Ident>) -> Option<String> {
    Some(ident?.ident_token()?.text().to_owned())
}
