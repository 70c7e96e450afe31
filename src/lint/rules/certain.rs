//! What is certain of an expression without knowing the rest of the program. Shared by the rules; finds nothing itself.

use rnix::ast::{self, BinOpKind, Expr, UnaryOpKind};
use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use crate::lint::File;
use crate::syntax::names::Names;
use crate::syntax::tree::attr_name;

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

/// Whether Nix refuses anything but a truth value in this place, or in the one around it that has the same value.
pub(super) fn wants_bool(node: &SyntaxNode) -> bool {
    let Some(parent) = node.parent() else { return false };
    match parent.kind() {
        SyntaxKind::NODE_PAREN => wants_bool(&parent),
        SyntaxKind::NODE_IF_ELSE | SyntaxKind::NODE_ASSERT => parent.first_child().as_ref() == Some(node),
        SyntaxKind::NODE_UNARY_OP => {
            ast::UnaryOp::cast(parent).and_then(|parent| parent.operator()) == Some(UnaryOpKind::Invert)
        }
        SyntaxKind::NODE_BIN_OP => {
            let operator = ast::BinOp::cast(parent).and_then(|parent| parent.operator());
            matches!(operator, Some(BinOpKind::And | BinOpKind::Or | BinOpKind::Implication))
        }
        _ => false,
    }
}

/// Whether this is what the whole file evaluates to.
pub(super) fn is_file_value(node: &SyntaxNode) -> bool {
    let mut node = node.clone();
    while let Some(parent) = node.parent() {
        let body = match parent.kind() {
            SyntaxKind::NODE_ROOT | SyntaxKind::NODE_PAREN => true,
            SyntaxKind::NODE_LET_IN | SyntaxKind::NODE_WITH | SyntaxKind::NODE_ASSERT => {
                parent.last_child().as_ref() == Some(&node)
            }
            _ => false,
        };
        if !body {
            return false;
        }
        node = parent;
    }
    true
}

/// Whether the value is certainly a list, when there is one.
pub(super) fn is_list(expression: &Expr) -> bool {
    match bare(expression.clone()) {
        Expr::List(_) => true,
        Expr::BinOp(operation) => operation.operator() == Some(BinOpKind::Concat),
        _ => false,
    }
}

/// Whether the value is certainly an attribute set, when there is one.
pub(super) fn is_set(expression: &Expr) -> bool {
    match bare(expression.clone()) {
        Expr::AttrSet(_) => true,
        Expr::BinOp(operation) => operation.operator() == Some(BinOpKind::Update),
        _ => false,
    }
}

/// Whether the value is certainly a string, when there is one.
pub(super) fn is_string(expression: &Expr, names: &Names<'_>) -> bool {
    match bare(expression.clone()) {
        Expr::Str(_) => true,
        // What is added to a string becomes one.
        Expr::BinOp(operation) if operation.operator() == Some(BinOpKind::Add) => {
            operation.lhs().is_some_and(|left| is_string(&left, names))
        }
        apply @ Expr::Apply(_) => {
            let (function, arguments) = call(&apply);
            let Some(name) = builtin_name(&function, names) else { return false };
            matches!(
                (name.as_str(), arguments.len()),
                ("toString" | "readFile" | "toJSON" | "baseNameOf", 1) | ("hashString" | "concatStringsSep", 2)
            )
        }
        _ => false,
    }
}

/// The operator around this place, across parentheses.
pub(super) fn operator_around(node: &SyntaxNode) -> Option<BinOpKind> {
    let parent = node.ancestors().skip(1).find(|parent| parent.kind() != SyntaxKind::NODE_PAREN)?;
    ast::BinOp::cast(parent)?.operator()
}

/// The name of a function that is certainly the one of Nix: `map`, `builtins.map`.
pub(super) fn builtin_name(function: &Expr, names: &Names<'_>) -> Option<String> {
    match function {
        Expr::Ident(name) if names.is_global(name.syntax().text_range()) => Some(name.syntax().text().to_string()),
        Expr::Select(select) if select.or_token().is_none() => {
            let base = select.expr()?;
            let own = base.syntax().text() == "builtins" && names.is_global(base.syntax().text_range());
            let mut path = select.attrpath().filter(|_| own)?.attrs();
            let (Some(name), None) = (path.next(), path.next()) else { return None };
            attr_name(&name)
        }
        _ => None,
    }
}

/// The name of a function that Nix or the library of nixpkgs defines, by the name it is called with: `map`,
/// `builtins.map`, `lib.lists.map`.
pub(super) fn library_name(function: &Expr) -> Option<String> {
    let words = match function {
        Expr::Ident(name) => vec![name.syntax().text().to_string()],
        Expr::Select(select) if select.or_token().is_none() => {
            let base = select.expr()?.syntax().text().to_string();
            let path = select.attrpath()?.attrs().map(|attr| attr_name(&attr)).collect::<Option<Vec<_>>>()?;
            if !matches!(base.as_str(), "builtins" | "lib") && path.first().is_none_or(|first| first != "lib") {
                return None;
            }
            path
        }
        _ => return None,
    };
    words.last().map(|name| name.trim_start_matches("__").to_owned())
}

/// The function and the arguments of an application, across the applications it is made of: `f a b` is `f` with two.
pub(super) fn call(expression: &Expr) -> (Expr, Vec<Expr>) {
    let (mut function, mut arguments) = (expression.clone(), Vec::new());
    while let Expr::Apply(apply) = &function {
        let (Some(next), Some(argument)) = (apply.lambda(), apply.argument()) else { break };
        arguments.push(argument);
        function = next;
    }
    arguments.reverse();
    (function, arguments)
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
    tokens.into_iter().any(|token| token.kind() == SyntaxKind::TOKEN_COMMENT)
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
