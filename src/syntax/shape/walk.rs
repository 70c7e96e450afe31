//! The way into an expression: through parentheses, `let`, `with`, `assert` and functions to what stands inside.

use rnix::TextRange;
use rnix::ast::{self, AttrSet, Entry, Expr, HasEntry, Param};
use rowan::ast::AstNode;

use super::ANY_NAME;
use crate::syntax::tree;

/// Functions of functions beyond these are not looked into.
const MAX_FUNCTIONS: usize = 8;
/// Calls with more arguments than these are none of those that we know.
const MAX_ARGUMENTS: usize = 4;

/// A file: the functions around, and what they return.
pub(super) struct File {
    pub(super) functions: Vec<Function>,
    pub(super) body: Expr,
}

/// What one function takes.
pub(super) enum Function {
    /// `name:`
    Plain(String),
    /// `{ a, b, ... }:`, and whether it takes more.
    Pattern(Vec<String>, bool),
}

/// Opens a file.
pub(super) fn open(expression: Expr) -> File {
    let mut file = File { functions: Vec::new(), body: inside(expression) };
    while file.functions.len() < MAX_FUNCTIONS {
        let Expr::Lambda(lambda) = &file.body else { break };
        let (Some(function), Some(body)) = (lambda.param().and_then(|param| function(&param)), lambda.body()) else {
            break;
        };
        file.functions.push(function);
        file.body = inside(body);
    }
    file
}

fn function(param: &Param) -> Option<Function> {
    match param {
        Param::IdentParam(param) => Some(Function::Plain(param.ident()?.to_string())),
        Param::Pattern(pattern) => {
            let names = pattern.pat_entries().filter_map(|entry| Some(entry.ident()?.to_string()));
            Some(Function::Pattern(names.collect(), pattern.ellipsis_token().is_some()))
        }
    }
}

/// What parentheses, `let … in`, `with` and `assert` stand around.
pub(in crate::syntax) fn inside(mut expression: Expr) -> Expr {
    loop {
        let inner = match &expression {
            Expr::Paren(paren) => paren.expr(),
            Expr::LetIn(block) => block.body(),
            Expr::With(with) => with.body(),
            Expr::Assert(assert) => assert.body(),
            _ => None,
        };
        match inner {
            Some(inner) => expression = inner,
            None => return expression,
        }
    }
}

/// One attribute of a set: its path, where that is written, and its value; an inherited one has none.
pub(super) struct Attribute {
    pub(super) path: Vec<String>,
    pub(super) at: TextRange,
    pub(super) value: Option<Expr>,
}

/// The attributes of a set that is written out.
pub(super) fn attributes(set: &AttrSet) -> Vec<Attribute> {
    let mut all = Vec::new();
    for entry in set.entries() {
        match entry {
            Entry::AttrpathValue(binding) => {
                if let Some(path) = binding.attrpath() {
                    let names = path.attrs().map(|attr| name(&attr)).collect();
                    all.push(Attribute { path: names, at: path.syntax().text_range(), value: binding.value() });
                }
            }
            Entry::Inherit(inherit) => all.extend(inherit.attrs().map(|attr| Attribute {
                path: vec![name(&attr)],
                at: attr.syntax().text_range(),
                value: None,
            })),
        }
    }
    all
}

fn name(attr: &ast::Attr) -> String {
    tree::attr_name(attr).unwrap_or_else(|| ANY_NAME.to_owned())
}

/// A call of a named function: its last name, as `mkIf` of `lib.mkIf`, and the arguments.
pub(super) fn call(apply: &ast::Apply) -> Option<(String, Vec<Expr>)> {
    let mut arguments = vec![apply.argument()?];
    let mut function = apply.lambda()?;
    while let Expr::Apply(inner) = &function {
        if arguments.len() == MAX_ARGUMENTS {
            return None;
        }
        arguments.push(inner.argument()?);
        function = inner.lambda()?;
    }
    arguments.reverse();
    Some((last_name(&function)?, arguments))
}

fn last_name(function: &Expr) -> Option<String> {
    match function {
        Expr::Ident(ident) => Some(ident.to_string()),
        Expr::Select(select) => tree::attr_name(&select.attrpath()?.attrs().last()?),
        Expr::Paren(paren) => last_name(&paren.expr()?),
        _ => None,
    }
}
