//! The bindings of one set or `let`, merged as Nix merges them: `a.b = 1; a = { c = 2; };` is one `a`.

use std::collections::BTreeMap;
use std::rc::Rc;

use rnix::{TextRange, ast};
use rowan::ast::AstNode;

use crate::syntax::tree;

/// Longer attribute paths than this are not followed; each name is a level of the set they make.
const MAX_PATH: usize = 16;

/// What stands under each name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bindings {
    pub(crate) slots: BTreeMap<String, Slot>,
    /// Names that are computed, so not known.
    pub(crate) computed: Vec<TextRange>,
    /// Attribute paths defined twice, which Nix refuses; the first definition counts.
    pub(crate) duplicates: Vec<(String, TextRange)>,
}

/// What stands under one name.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// The name where it is first written.
    pub(crate) at: TextRange,
    pub(crate) content: Content,
}

/// How a name is defined.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Value(ast::Expr),
    /// A literal set, or several merged; and the `rec` sets among them, whose names are visible inside.
    Nested(Rc<Bindings>, Vec<ast::AttrSet>),
    /// `inherit name;`
    Inherit,
    /// `inherit (from) name;`
    InheritFrom(ast::Expr),
    /// Nothing stands after the `=`.
    Missing,
}

impl Bindings {
    pub(crate) fn of(node: &impl ast::HasEntry) -> Self {
        let mut bindings = Self::default();
        for entry in node.entries() {
            match entry {
                ast::Entry::Inherit(inherit) => bindings.inherit(&inherit),
                ast::Entry::AttrpathValue(binding) => bindings.bind(&binding),
            }
        }
        bindings
    }

    fn bind(&mut self, binding: &ast::AttrpathValue) {
        let Some(path) = binding.attrpath() else { return };
        let at = path.syntax().text_range();
        let mut names = Vec::new();
        for attr in path.attrs() {
            let Some(name) = tree::attr_name(&attr).filter(|_| names.len() < MAX_PATH) else {
                return self.computed.push(at);
            };
            names.push((name, attr.syntax().text_range()));
        }
        self.insert(&names, binding.value().map_or(Content::Missing, content));
    }

    fn inherit(&mut self, inherit: &ast::Inherit) {
        let from = inherit.from();
        for attr in inherit.attrs() {
            let at = attr.syntax().text_range();
            let Some(name) = tree::attr_name(&attr) else {
                self.computed.push(at);
                continue;
            };
            let content = match &from {
                None => Content::Inherit,
                Some(from) => from.expr().map_or(Content::Missing, Content::InheritFrom),
            };
            self.insert(&[(name, at)], content);
        }
    }

    fn insert(&mut self, names: &[(String, TextRange)], content: Content) {
        let [(name, at), rest @ ..] = names else { return };
        let content = if rest.is_empty() {
            content
        } else {
            let mut inner = Self::default();
            inner.insert(rest, content);
            Content::Nested(Rc::new(inner), Vec::new())
        };
        self.add(name.clone(), Slot { at: *at, content });
    }

    fn add(&mut self, name: String, slot: Slot) {
        match self.slots.get_mut(&name) {
            None => {
                self.slots.insert(name, slot);
            }
            Some(first) => match (&mut first.content, slot.content) {
                (Content::Nested(first, scopes), Content::Nested(second, more)) => {
                    scopes.extend(more);
                    let first = Rc::make_mut(first);
                    let second = Rc::unwrap_or_clone(second);
                    first.computed.extend(second.computed);
                    first.duplicates.extend(second.duplicates);
                    for (name, slot) in second.slots {
                        first.add(name, slot);
                    }
                }
                _ => self.duplicates.push((name, slot.at)),
            },
        }
    }
}

fn content(value: ast::Expr) -> Content {
    let mut inner = value.clone();
    while let ast::Expr::Paren(paren) = &inner {
        let Some(next) = paren.expr() else { return Content::Missing };
        inner = next;
    }
    match inner {
        ast::Expr::AttrSet(set) => {
            let scopes = if set.rec_token().is_some() { vec![set.clone()] } else { Vec::new() };
            Content::Nested(Rc::new(Bindings::of(&set)), scopes)
        }
        ast::Expr::Error(_) => Content::Missing,
        _ => Content::Value(value),
    }
}
