//! How an expression is written in another place: with parentheses and spaces where Nix needs them. Shared by the
//! rules; finds nothing itself.

use rnix::ast::{self, BinOpKind, Expr, UnaryOpKind};
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode, SyntaxToken, TextRange};
use rowan::ast::AstNode;

use crate::lint::{Report, replace};
use crate::syntax::edit::Edit;

/// How tightly an expression holds together: lambdas, `let`, `if` least, names and brackets most.
pub(super) type Level = u8;

const OPEN: Level = 0;
/// `a == b`
pub(super) const EQUALITY: Level = 5;
/// `!a`
pub(super) const INVERT: Level = 8;
const HAS_ATTR: Level = 12;
const NEGATE: Level = 13;
const APPLY: Level = 14;
/// What can stand as an argument or an item of a list.
pub(super) const SELECT: Level = 15;
const PRIMARY: Level = 16;

/// How operators group, for the operand on the other side.
#[derive(PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Neither,
}

/// How tightly an expression holds together.
pub(super) fn level(expression: &Expr) -> Level {
    match expression {
        Expr::Lambda(_) | Expr::LetIn(_) | Expr::With(_) | Expr::Assert(_) | Expr::IfElse(_) | Expr::Error(_) => OPEN,
        Expr::BinOp(operation) => operation.operator().map_or(OPEN, |operator| operator_level(operator).0),
        Expr::HasAttr(_) => HAS_ATTR,
        Expr::UnaryOp(operation) if operation.operator() == Some(UnaryOpKind::Invert) => INVERT,
        Expr::UnaryOp(_) => NEGATE,
        Expr::Apply(_) => APPLY,
        Expr::Select(_) => SELECT,
        _ => PRIMARY,
    }
}

fn operator_level(operator: BinOpKind) -> (Level, Side) {
    use BinOpKind as Op;
    match operator {
        Op::PipeRight | Op::PipeLeft => (1, Side::Neither),
        Op::Implication => (2, Side::Right),
        Op::Or => (3, Side::Left),
        Op::And => (4, Side::Left),
        Op::Equal | Op::NotEqual => (EQUALITY, Side::Neither),
        Op::Less | Op::LessOrEq | Op::More | Op::MoreOrEq => (6, Side::Neither),
        Op::Update => (7, Side::Right),
        Op::Add | Op::Sub => (9, Side::Left),
        Op::Mul | Op::Div => (10, Side::Left),
        Op::Concat => (11, Side::Right),
    }
}

/// How tightly an expression must hold together to stand where this node stands.
pub(super) fn needed(node: &SyntaxNode) -> Level {
    let Some(parent) = node.parent() else { return OPEN };
    let first = parent.first_child().as_ref() == Some(node);
    match (parent.kind(), first) {
        (SyntaxKind::NODE_LIST, _) | (SyntaxKind::NODE_SELECT | SyntaxKind::NODE_APPLY, false) => SELECT,
        (SyntaxKind::NODE_SELECT, true) => PRIMARY,
        (SyntaxKind::NODE_APPLY, true) => APPLY,
        (SyntaxKind::NODE_HAS_ATTR, _) => NEGATE,
        (SyntaxKind::NODE_UNARY_OP, _) => match ast::UnaryOp::cast(parent).and_then(|parent| parent.operator()) {
            Some(UnaryOpKind::Invert) => INVERT,
            _ => APPLY,
        },
        (SyntaxKind::NODE_BIN_OP, _) => {
            let operator = ast::BinOp::cast(parent).and_then(|parent| parent.operator());
            let Some((level, side)) = operator.map(operator_level) else { return PRIMARY };
            let own = if first { Side::Left } else { Side::Right };
            level + Level::from(side != own)
        }
        _ => OPEN,
    }
}

/// The text of an expression, in parentheses when it is looser than that.
pub(super) fn at_least(needed: Level, expression: &Expr, report: &Report<'_, '_>) -> String {
    let text = report.text_of(expression.syntax());
    if level(expression) < needed { format!("({text})") } else { text.to_owned() }
}

/// Puts an expression in the place of a node.
pub(super) fn put(node: &SyntaxNode, expression: &Expr, report: &Report<'_, '_>) -> Edit {
    put_text(node, level(expression), report.text_of(expression.syntax()), report)
}

/// Puts the text of an expression that is as tight as `level` in the place of a node.
pub(super) fn put_text(node: &SyntaxNode, level: Level, text: &str, report: &Report<'_, '_>) -> Edit {
    if level < needed(node) {
        spaced(node.text_range(), &format!("({text})"), report)
    } else {
        spaced(node.text_range(), text, report)
    }
}

/// Replaces a range by a text that does not grow together with what stands beside it.
pub(super) fn spaced(range: TextRange, text: &str, report: &Report<'_, '_>) -> Edit {
    let (start, end) = (usize::from(range.start()), usize::from(range.end()));
    let before = report.file.text.get(..start).and_then(|before| before.chars().next_back());
    let after = report.file.text.get(end..).and_then(|after| after.chars().next());
    let parts_before = |c: char| c.is_whitespace() || "([{=!;,".contains(c);
    let parts_after = |c: char| c.is_whitespace() || ")]};,".contains(c);
    // A name before a dot is no path and no number, so it stays what it is.
    let name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'\''))
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let closed = name || text.ends_with([')', ']', '}', '"']);
    let left = if before.is_none_or(parts_before) { "" } else { " " };
    let right = if after.is_none_or(|c| parts_after(c) || closed && c == '.') { "" } else { " " };
    replace(range, format!("{left}{text}{right}"))
}

/// Takes out what stands between the contents of two brackets, as in `] ++ [`; none when a comment stands there.
pub(super) fn seam(close: TextRange, open: TextRange, report: &Report<'_, '_>) -> Option<Edit> {
    let blank = |c: char| c == ' ' || c == '\t';
    let text = report.file.text;
    let before = text.get(..usize::from(close.start()))?;
    let after = text.get(usize::from(open.end())..)?;
    let between = text.get(usize::from(close.end())..usize::from(open.start()))?;
    if between.contains('#') || between.contains("/*") {
        return None;
    }
    let kept = before.trim_end_matches(blank);
    let rest = after.trim_start_matches(blank);
    let (indent, left) = (before.get(kept.len()..)?, after.len() - rest.len());
    let (end, text) = match (kept.ends_with('\n'), rest.starts_with('\n')) {
        (true, true) => (left + 1, String::new()),
        (true, false) => (left, format!("{indent}  ")),
        (false, true) => (left, String::new()),
        (false, false) => (left, " ".to_owned()),
    };
    Some(Edit { start: kept.len(), end: usize::from(open.end()) + end, text })
}

/// The token of an operator or a keyword that stands directly in a node.
pub(super) fn token(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxToken> {
    node.children_with_tokens().filter_map(NodeOrToken::into_token).find(|token| token.kind() == kind)
}

/// Whether two nodes are the same but for white space and comments.
pub(super) fn alike(a: &SyntaxNode, b: &SyntaxNode) -> bool {
    words(a).eq(words(b))
}

/// The tokens of a node without white space and comments.
pub(super) fn words(node: &SyntaxNode) -> impl Iterator<Item = String> {
    let tokens = node.descendants_with_tokens().filter_map(NodeOrToken::into_token);
    tokens.filter(|token| !token.kind().is_trivia()).map(|token| token.text().to_owned())
}

/// The one line of a text that a message has room for.
pub(super) fn brief(text: &str) -> String {
    const ROOM: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= ROOM { line } else { line.chars().take(ROOM).chain("…".chars()).collect() }
}
