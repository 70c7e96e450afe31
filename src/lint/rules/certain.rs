//! What is certain of an expression without knowing the rest of the program. Shared by the rules; finds nothing itself.

use rnix::ast::{self, BinOpKind, Expr, UnaryOpKind};
use rnix::{SyntaxNode, TextRange};
use rowan::ast::AstNode;

use crate::lint::File;
use crate::syntax::names::Names;

/// The expression without parentheses around it.
pub(super) fn bare(mut expression: Expr) -> Expr {
    while let Expr::Paren(paren) = &expression {
        let Some(inner) = paren.expr() else { break };
        expression = inner;
    }
    expression
}

/// `true` or `false`, when it is the one that Nix defines.
pub(super) fn literal_bool(expression: &Expr, names: &Names<'_>) -> Option<bool> {
    let Expr::Ident(name) = bare(expression.clone()) else { return None };
    let value = match name.syntax().text().to_string().as_str() {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    names.is_global(name.syntax().text_range()).then_some(value)
}

/// Whether the value is certainly a truth value, when there is one: Nix would refuse anything else here.
pub(super) fn is_bool(expression: &Expr, names: &Names<'_>) -> bool {
    match bare(expression.clone()) {
        Expr::BinOp(operation) => operation.operator().is_some_and(makes_bool),
        Expr::UnaryOp(operation) => operation.operator() == Some(UnaryOpKind::Invert),
        Expr::HasAttr(_) => true,
        Expr::IfElse(choice) => {
            let sides = [choice.body(), choice.else_body()];
            sides.iter().all(|side| side.as_ref().is_some_and(|side| is_bool(side, names)))
        }
        other => literal_bool(&other, names).is_some(),
    }
}

fn makes_bool(operator: BinOpKind) -> bool {
    use BinOpKind::{And, Equal, Implication, Less, LessOrEq, More, MoreOrEq, NotEqual, Or};
    matches!(operator, And | Equal | Implication | Less | LessOrEq | More | MoreOrEq | NotEqual | Or)
}

/// Whether the expression stays one when another stands beside it: as an argument, an item of a list, before a dot.
pub(super) fn is_tight(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Ident(_)
            | Expr::Paren(_)
            | Expr::Str(_)
            | Expr::List(_)
            | Expr::AttrSet(_)
            | Expr::Select(_)
            | Expr::PathAbs(_)
            | Expr::PathRel(_)
            | Expr::PathHome(_)
            | Expr::PathSearch(_)
    )
}

/// Whether a comment stands inside: what is rewritten would lose it.
pub(super) fn has_comment(node: &impl ast::AstNode) -> bool {
    let tokens = node.syntax().descendants_with_tokens().filter_map(rnix::NodeOrToken::into_token);
    tokens.into_iter().any(|token| token.kind() == rnix::SyntaxKind::TOKEN_COMMENT)
}

/// The largest node that covers exactly this range.
pub(super) fn node_at(file: &File<'_>, range: TextRange) -> Option<SyntaxNode> {
    let root = file.tree.root().syntax();
    if range.is_empty() || !root.text_range().contains_range(range) {
        return None;
    }
    let token = root.token_at_offset(range.start()).right_biased()?;
    token.parent_ancestors().take_while(|node| range.contains_range(node.text_range())).last()
}

/// Whether a comment stands in a range of the text.
pub(super) fn holds_comment(file: &File<'_>, range: TextRange) -> bool {
    let root = file.tree.root().syntax();
    if range.is_empty() || !root.text_range().contains_range(range) {
        return false;
    }
    let first = root.token_at_offset(range.start()).right_biased();
    let tokens = std::iter::successors(first, rnix::SyntaxToken::next_token);
    let mut inside = tokens.into_iter().take_while(|token| token.text_range().start() < range.end());
    inside.any(|token| token.kind() == rnix::SyntaxKind::TOKEN_COMMENT)
}

/// The expression that an attribute is taken from, when it is the `builtins` that Nix defines.
pub(super) fn is_builtins(expression: &Expr, names: &Names<'_>) -> bool {
    matches!(expression, Expr::Ident(name) if name.syntax().text() == "builtins" && names.is_global(name.syntax().text_range()))
}
