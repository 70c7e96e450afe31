//! The names visible at a place of the text.

use std::cell::OnceCell;
use std::rc::Rc;

use rnix::{TextRange, ast};

use super::{Bindings, Content, Member, Reader, Slot, Unknown, Value};

/// An expression with the names it sees, or a value that is already known.
#[derive(Debug, Clone)]
pub(crate) enum Lazy {
    Written(ast::Expr, Scope),
    Known(Box<Value>),
}

impl Lazy {
    pub(crate) fn written(expression: &ast::Expr, scope: &Scope) -> Self {
        Self::Written(expression.clone(), scope.clone())
    }

    pub(crate) fn known(value: Value) -> Self {
        Self::Known(Box::new(value))
    }
}

/// A chain of frames, the innermost first. The empty one knows only what Nix itself defines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope(Option<Rc<Frame>>);

#[derive(Debug)]
struct Frame {
    names: Names,
    outer: Scope,
}

#[derive(Debug)]
enum Names {
    Let(ast::LetIn, OnceCell<Rc<Bindings>>),
    Rec(ast::AttrSet, OnceCell<Rc<Bindings>>),
    With(Lazy),
    Arguments(Vec<(String, Lazy)>),
}

impl Names {
    fn bindings(&self) -> Option<Rc<Bindings>> {
        match self {
            Self::Let(block, cell) => Some(Rc::clone(cell.get_or_init(|| Rc::new(Bindings::of(block))))),
            Self::Rec(set, cell) => Some(Rc::clone(cell.get_or_init(|| Rc::new(Bindings::of(set))))),
            Self::With(_) | Self::Arguments(_) => None,
        }
    }
}

impl Scope {
    pub(crate) fn with_let(&self, block: &ast::LetIn) -> Self {
        self.push(Names::Let(block.clone(), OnceCell::new()))
    }

    pub(crate) fn with_rec(&self, set: &ast::AttrSet) -> Self {
        self.push(Names::Rec(set.clone(), OnceCell::new()))
    }

    pub(crate) fn with_namespace(&self, namespace: Lazy) -> Self {
        self.push(Names::With(namespace))
    }

    pub(crate) fn with_arguments(&self, arguments: Vec<(String, Lazy)>) -> Self {
        self.push(Names::Arguments(arguments))
    }

    fn push(&self, names: Names) -> Self {
        Self(Some(Rc::new(Frame { names, outer: self.clone() })))
    }

    /// The value of a name, `at` being where it is used.
    pub(crate) fn find(&self, name: &str, at: TextRange, reader: &Reader) -> Value {
        let mut scope = self;
        while let Some(frame) = &scope.0 {
            if let Names::Arguments(arguments) = &frame.names
                && let Some((_, lazy)) = arguments.iter().find(|(argument, _)| argument == name)
            {
                return reader.lazy(lazy);
            }
            if let Some(slot) = frame.names.bindings().and_then(|bindings| bindings.slots.get(name).cloned()) {
                return slot.value(name, scope, &frame.outer, reader);
            }
            scope = &frame.outer;
        }
        constant(name).unwrap_or_else(|| self.find_in_namespaces(name, at, reader))
    }

    /// What `with` brings in counts only when no other scope has the name.
    fn find_in_namespaces(&self, name: &str, at: TextRange, reader: &Reader) -> Value {
        let mut scope = self;
        while let Some(frame) = &scope.0 {
            if let Names::With(namespace) = &frame.names {
                match reader.lazy(namespace) {
                    Value::Set(set) => match set.get(name, reader) {
                        Member::Present(value) => return value,
                        Member::Absent => {}
                        Member::Uncertain(unknown) => return Value::Unknown(unknown),
                    },
                    Value::Outside(mut path) => {
                        path.push(name.to_owned());
                        return Value::Outside(path);
                    }
                    _ => return Value::Unknown(Unknown::new(format!("the name `{name}`"), at)),
                }
            }
            scope = &frame.outer;
        }
        Value::Unknown(Unknown::new(format!("the name `{name}`, which is not defined in this file"), at))
    }
}

impl Slot {
    /// `inner` is the scope of the set's values, `outer` the one around the set (what `inherit` looks into).
    pub(crate) fn value(&self, name: &str, inner: &Scope, outer: &Scope, reader: &Reader) -> Value {
        match &self.content {
            Content::Value(expression) => reader.value(expression, inner),
            Content::Nested(bindings, scopes) => {
                let scope = scopes.iter().fold(inner.clone(), |scope, set| scope.with_rec(set));
                Value::Set(super::Set::nested(bindings, scope, inner.clone()))
            }
            Content::Inherit => outer.find(name, self.at, reader),
            Content::InheritFrom(from) => match reader.value(from, inner) {
                Value::Set(set) => match set.get(name, reader) {
                    Member::Present(value) => value,
                    Member::Absent => Value::Unknown(Unknown::new(format!("the missing name `{name}`"), self.at)),
                    Member::Uncertain(unknown) => Value::Unknown(unknown),
                },
                Value::Outside(mut path) => {
                    path.push(name.to_owned());
                    Value::Outside(path)
                }
                Value::Unknown(unknown) => Value::Unknown(unknown),
                _ => Value::Unknown(super::described(from)),
            },
            Content::Missing => Value::Unknown(Unknown::new("a missing value", self.at)),
        }
    }
}

fn constant(name: &str) -> Option<Value> {
    const FUNCTIONS: &[&str] =
        &["import", "map", "toString", "removeAttrs", "fetchTarball", "fetchGit", "throw", "abort"];
    match name {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        "builtins" => Some(Value::Outside(vec!["builtins".to_owned()])),
        _ if FUNCTIONS.contains(&name) => Some(Value::Outside(vec!["builtins".to_owned(), name.to_owned()])),
        _ => None,
    }
}
