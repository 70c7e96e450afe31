//! A call of a function that has a name: what many rules look at. Must not know what the functions do.

use std::cell::OnceCell;

use rnix::ast::{self, AttrSet, Expr};
use rnix::{SyntaxKind, SyntaxNode, SyntaxToken, TextRange};
use rowan::ast::AstNode;

use super::attributes::Attributes;
use crate::syntax::names::Names;

/// `function argument`, the function being a name or taken from a set by its name.
#[derive(Debug, Clone)]
pub struct Call {
    node: SyntaxNode,
    name: SyntaxToken,
    attributes: OnceCell<Option<Attributes>>,
}

impl Call {
    /// The call at a node, when the function has a name. A function with two arguments is two nodes; only the inner one is
    /// a call of the name.
    pub(super) fn of(node: &SyntaxNode) -> Option<Self> {
        let name = name_of(&node.first_child()?)?;
        Some(Self { node: node.clone(), name, attributes: OnceCell::new() })
    }

    /// The call that an expression is, with all its arguments.
    pub fn of_expression(expression: &Expr) -> Option<Self> {
        let Expr::Apply(_) = expression else { return None };
        let functions = std::iter::successors(Some(expression.syntax().clone()), SyntaxNode::first_child);
        let applied = functions.take_while(|node| node.kind() == SyntaxKind::NODE_APPLY);
        Self::of(&applied.last()?)
    }

    /// The last name of the function, as in `mkIf` of `lib.mkIf`.
    pub fn name(&self) -> &str {
        self.name.text()
    }

    /// Where that name stands.
    pub fn range(&self) -> TextRange {
        self.name.text_range()
    }

    /// The call with its first argument alone.
    pub fn node(&self) -> &SyntaxNode {
        &self.node
    }

    /// The call with all its arguments.
    pub fn whole(&self) -> SyntaxNode {
        let around = |node: &SyntaxNode| {
            node.parent().filter(|parent| is_apply(parent) && parent.first_child().as_ref() == Some(node))
        };
        std::iter::successors(Some(self.node.clone()), around).last().unwrap_or_else(|| self.node.clone())
    }

    /// The function, as it is written.
    pub fn function(&self) -> Option<Expr> {
        ast::Apply::cast(self.node.clone())?.lambda()
    }

    /// The first argument, without parentheses.
    pub fn argument(&self) -> Option<Expr> {
        bare(ast::Apply::cast(self.node.clone())?.argument())
    }

    /// All arguments, without parentheses.
    pub fn arguments(&self) -> Vec<Expr> {
        let calls = std::iter::successors(Some(self.node.clone()), |node| {
            node.parent().filter(|parent| is_apply(parent) && parent.first_child().as_ref() == Some(node))
        });
        calls.filter_map(|node| bare(ast::Apply::cast(node)?.argument())).collect()
    }

    /// The names that lead to the function, as in `pkgs`, `stdenv`, `mkDerivation`; none when it is taken from something
    /// that has no name.
    pub fn path(&self) -> Option<Vec<String>> {
        path(&ast::Apply::cast(self.node.clone())?.lambda()?)
    }

    /// Whether it is the function of Nix itself, with or without `builtins.`.
    pub fn is_builtin(&self, names: &Names<'_>) -> bool {
        let Some(function) = self.node.first_child() else { return false };
        let base = if function.kind() == SyntaxKind::NODE_SELECT { function.first_child() } else { Some(function) };
        base.is_some_and(|base| names.is_global(base.text_range()))
    }

    /// The attributes of [`Self::set`], read once for all rules.
    pub fn attributes(&self) -> Option<&Attributes> {
        self.attributes.get_or_init(|| self.set().as_ref().map(Attributes::of)).as_ref()
    }

    /// The set that is the first argument, or what a function that is the first argument returns:
    /// `mkDerivation (final: { … })`.
    pub fn set(&self) -> Option<AttrSet> {
        let mut expression = self.argument()?;
        loop {
            expression = match expression {
                Expr::AttrSet(set) => return Some(set),
                Expr::Paren(paren) => paren.expr()?,
                Expr::Lambda(lambda) => lambda.body()?,
                Expr::LetIn(block) => block.body()?,
                Expr::With(with) => with.body()?,
                _ => return None,
            };
        }
    }
}

/// The names of an expression such as `a.b.c`.
pub(super) fn path(expression: &Expr) -> Option<Vec<String>> {
    match expression {
        Expr::Ident(name) => Some(vec![name.syntax().text().to_string()]),
        Expr::Select(select) if select.default_expr().is_none() => {
            let mut names = path(&select.expr()?)?;
            for attribute in select.attrpath()?.attrs() {
                names.push(crate::syntax::tree::attr_name(&attribute)?);
            }
            Some(names)
        }
        _ => None,
    }
}

fn is_apply(node: &SyntaxNode) -> bool {
    node.kind() == SyntaxKind::NODE_APPLY
}

fn bare(mut expression: Option<Expr>) -> Option<Expr> {
    while let Some(Expr::Paren(paren)) = &expression {
        expression = paren.expr();
    }
    expression
}

/// The last name of a function that has one.
fn name_of(function: &SyntaxNode) -> Option<SyntaxToken> {
    let ident = match function.kind() {
        SyntaxKind::NODE_IDENT => function.clone(),
        SyntaxKind::NODE_SELECT => last_name(&function.last_child()?)?,
        _ => return None,
    };
    ident.first_token()
}

/// The last name of an attribute path, when it is a plain one.
pub(super) fn last_name(path: &SyntaxNode) -> Option<SyntaxNode> {
    let last = if path.kind() == SyntaxKind::NODE_ATTRPATH { path.last_child() } else { None };
    last.filter(|last| last.kind() == SyntaxKind::NODE_IDENT)
}
