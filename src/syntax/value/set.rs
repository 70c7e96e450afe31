//! A set as far as it is known: layers that `//` laid upon each other.

use std::collections::BTreeMap;
use std::rc::Rc;

use rnix::{TextRange, ast};
use rowan::ast::AstNode;

use super::{Bindings, Content, Lazy, Reader, Scope, Slot, Unknown, Value};

/// Layers, the last one winning.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    layers: Vec<Layer>,
}

/// One operand of `//`.
#[derive(Debug, Clone)]
pub(crate) enum Layer {
    /// Written out; the scope of its values, and the scope around it.
    Written(Rc<Bindings>, Scope, Scope),
    /// Made by a function whose result has these names.
    Made(BTreeMap<String, (Lazy, TextRange)>),
    /// Any names may be in it.
    Open(Unknown),
}

/// What a set says of one name.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    Present(Value),
    Absent,
    /// It may be there, with any value.
    Uncertain(Unknown),
}

impl Set {
    pub(crate) fn literal(set: &ast::AttrSet, scope: &Scope) -> Self {
        let inner = if set.rec_token().is_some() { scope.with_rec(set) } else { scope.clone() };
        Self::nested(&Rc::new(Bindings::of(set)), inner, scope.clone())
    }

    pub(crate) fn nested(bindings: &Rc<Bindings>, inner: Scope, outer: Scope) -> Self {
        Self { layers: vec![Layer::Written(Rc::clone(bindings), inner, outer)] }
    }

    pub(crate) fn made(members: BTreeMap<String, (Lazy, TextRange)>) -> Self {
        Self { layers: vec![Layer::Made(members)] }
    }

    pub(crate) fn open(unknown: Unknown) -> Self {
        Self { layers: vec![Layer::Open(unknown)] }
    }

    pub(crate) fn updated_by(mut self, other: Self) -> Self {
        self.layers.extend(other.layers);
        self
    }

    /// How many operands of `//` it is made of.
    pub(crate) fn layers(&self) -> usize {
        self.layers.len()
    }

    pub(crate) fn get(&self, name: &str, reader: &Reader) -> Member {
        let mut doubt = None;
        for layer in self.layers.iter().rev() {
            let found = match layer {
                Layer::Written(bindings, inner, outer) => {
                    if let Some(at) = bindings.computed.first() {
                        doubt.get_or_insert(Unknown::new("a set with computed names", *at));
                    }
                    bindings.slots.get(name).map(|slot| slot.value(name, inner, outer, reader))
                }
                Layer::Made(members) => members.get(name).map(|(lazy, _)| reader.lazy(lazy)),
                Layer::Open(unknown) => {
                    doubt.get_or_insert(unknown.clone());
                    None
                }
            };
            match (found, &doubt) {
                // A computed name beside a written one cannot be the same: Nix would refuse the set.
                (Some(value), None) => return Member::Present(value),
                (Some(value), Some(_)) if matches!(layer, Layer::Written(..)) && self.layers.len() == 1 => {
                    return Member::Present(value);
                }
                (Some(_), Some(unknown)) => return Member::Uncertain(unknown.clone()),
                (None, _) => {}
            }
        }
        doubt.map_or(Member::Absent, Member::Uncertain)
    }

    /// All names that are certainly there, in the order of the text.
    pub(crate) fn names(&self) -> Vec<(String, TextRange)> {
        let mut names = BTreeMap::new();
        for layer in &self.layers {
            match layer {
                Layer::Written(bindings, ..) => {
                    names.extend(bindings.slots.iter().map(|(name, slot)| (name.clone(), slot.at)));
                }
                Layer::Made(members) => names.extend(members.iter().map(|(name, (_, at))| (name.clone(), *at))),
                Layer::Open(_) => {}
            }
        }
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_by_key(|(_, at)| at.start());
        names
    }

    /// Why there may be more names than these.
    pub(crate) fn doubts(&self) -> Vec<Unknown> {
        let doubts = self.layers.iter().flat_map(|layer| match layer {
            Layer::Written(bindings, ..) => {
                let computed = bindings.computed.iter();
                computed.map(|at| Unknown::new("a computed name", *at)).collect()
            }
            Layer::Made(_) => Vec::new(),
            Layer::Open(unknown) => vec![unknown.clone()],
        });
        doubts.collect()
    }

    /// Names defined twice in one written set.
    pub(crate) fn duplicates(&self) -> Vec<(String, TextRange)> {
        let written = self.layers.iter().filter_map(|layer| match layer {
            Layer::Written(bindings, ..) => Some(bindings.duplicates.clone()),
            Layer::Made(_) | Layer::Open(_) => None,
        });
        written.flatten().collect()
    }

    /// How a name is written, when it is written in this text.
    pub(crate) fn slot(&self, name: &str) -> Option<&Slot> {
        self.layers.iter().rev().find_map(|layer| match layer {
            Layer::Written(bindings, ..) => bindings.slots.get(name),
            Layer::Made(_) | Layer::Open(_) => None,
        })
    }

    /// Whether the value of a name is written as a literal: what Nix takes in the inputs of a flake.
    pub(crate) fn is_literal(&self, name: &str) -> bool {
        self.layers.len() == 1
            && self.slot(name).is_some_and(|slot| match &slot.content {
                Content::Value(expression) => is_literal(expression),
                Content::Nested(bindings, _) => bindings.computed.is_empty(),
                Content::Inherit | Content::InheritFrom(_) | Content::Missing => true,
            })
    }
}

fn is_literal(expression: &ast::Expr) -> bool {
    match expression {
        ast::Expr::Paren(paren) => paren.expr().is_some_and(|inner| is_literal(&inner)),
        ast::Expr::Str(literal) => literal.syntax().children().next().is_none(),
        ast::Expr::Literal(_)
        | ast::Expr::PathAbs(_)
        | ast::Expr::PathRel(_)
        | ast::Expr::PathHome(_)
        | ast::Expr::Ident(_)
        | ast::Expr::List(_)
        | ast::Expr::AttrSet(_)
        | ast::Expr::Lambda(_) => true,
        _ => false,
    }
}
