//! What a string literal says: escapes, and the indentation that `''…''` strips, exactly as Nix does it.

use rnix::SyntaxKind::{TOKEN_STRING_CONTENT, TOKEN_STRING_END, TOKEN_STRING_START};
use rnix::{NodeOrToken, ast};
use rowan::ast::AstNode;

/// A piece of a string: text with its escapes resolved, or an interpolated expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// What stands in `${…}`; nothing when it is missing.
    Expression(Option<ast::Expr>),
}

/// The pieces of a string literal; `None` when the literal is broken.
pub fn parts(literal: &ast::Str) -> Option<Vec<Part>> {
    let mut pieces = Vec::new();
    let mut indented = false;
    for child in literal.syntax().children_with_tokens() {
        match child {
            NodeOrToken::Token(token) if token.kind() == TOKEN_STRING_START => indented = token.text() == "''",
            NodeOrToken::Token(token) if token.kind() == TOKEN_STRING_END => {
                return Some(if indented { strip_indentation(pieces) } else { joined(pieces) });
            }
            NodeOrToken::Token(token) if token.kind() == TOKEN_STRING_CONTENT && indented => {
                let text = if pieces.is_empty() { without_first_line(token.text()) } else { token.text() };
                indented_pieces(text, &mut pieces);
            }
            NodeOrToken::Token(token) if token.kind() == TOKEN_STRING_CONTENT => {
                pieces.push(Piece { part: Part::Text(unescape(token.text())), indents: false });
            }
            NodeOrToken::Node(node) => {
                let expression = ast::Interpol::cast(node)?.expr();
                pieces.push(Piece { part: Part::Expression(expression), indents: false });
            }
            NodeOrToken::Token(_) => return None,
        }
    }
    None
}

/// The text of a string whose every interpolation is itself such a string; `None` for all others.
pub fn string(literal: &ast::Str) -> Option<String> {
    let mut text = String::new();
    for part in parts(literal)? {
        match part {
            Part::Text(piece) => text.push_str(&piece),
            Part::Expression(Some(ast::Expr::Str(inner))) => text.push_str(&string(&inner)?),
            Part::Expression(_) => return None,
        }
    }
    Some(text)
}

/// The name an attribute has, when it is written out.
pub fn attr_name(attr: &ast::Attr) -> Option<String> {
    match attr {
        ast::Attr::Ident(ident) => Some(ident.ident_token()?.text().to_owned()),
        ast::Attr::Str(literal) => string(literal),
        ast::Attr::Dynamic(dynamic) => match dynamic.expr()? {
            ast::Expr::Str(literal) => string(&literal),
            _ => None,
        },
    }
}

/// A part, and whether its spaces count as indentation: escaped characters do not.
struct Piece {
    part: Part,
    indents: bool,
}

fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => text.extend(rest.next().map(escaped)),
            '\r' => {
                rest.next_if_eq(&'\n');
                text.push('\n');
            }
            other => text.push(other),
        }
    }
    text
}

fn escaped(c: char) -> char {
    match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}

/// Nix drops the rest of the line after the opening quotes when it is blank.
fn without_first_line(text: &str) -> &str {
    match text.split_once('\n') {
        Some((first, rest)) if first.chars().all(|c| c == ' ') => rest,
        _ => text,
    }
}

/// Splits as the lexer of Nix does, because escapes end the indentation of their line.
fn indented_pieces(raw: &str, pieces: &mut Vec<Piece>) {
    let mut plain = String::new();
    let mut rest = raw;
    // An interpolation at once after the quotes must not be taken for the first line.
    if raw.is_empty() {
        pieces.push(Piece { part: Part::Text(String::new()), indents: true });
    }
    while let Some(c) = rest.chars().next() {
        let (taken, escape) = next_indented(rest, c);
        if let Some(text) = escape {
            flush(&mut plain, pieces);
            pieces.push(Piece { part: Part::Text(text), indents: false });
        } else {
            plain.push_str(rest.get(..taken).unwrap_or_default());
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    flush(&mut plain, pieces);
}

/// Bytes taken, and what an escape stands for.
fn next_indented(rest: &str, first: char) -> (usize, Option<String>) {
    if let Some(after) = rest.strip_prefix("''\\") {
        let c = after.chars().next();
        return (3 + c.map_or(0, char::len_utf8), Some(c.map(escaped).into_iter().collect()));
    }
    if rest.starts_with("''$") {
        return (3, Some("$".to_owned()));
    }
    if rest.starts_with("'''") {
        return (3, Some("''".to_owned()));
    }
    let second = rest.chars().nth(1);
    match (first, second) {
        ('\'', None | Some('\'' | '$')) | ('$', None | Some('{' | '\'')) => (1, Some(first.to_string())),
        ('\'' | '$', Some(c)) => (1 + c.len_utf8(), None),
        _ => (first.len_utf8(), None),
    }
}

fn flush(plain: &mut String, pieces: &mut Vec<Piece>) {
    if !plain.is_empty() {
        pieces.push(Piece { part: Part::Text(std::mem::take(plain)), indents: true });
    }
}

fn strip_indentation(pieces: Vec<Piece>) -> Vec<Part> {
    let indent = smallest_indent(&pieces);
    let last = pieces.len().saturating_sub(1);
    let mut line = LineStart { at_start: true, dropped: 0 };
    let mut stripped = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.into_iter().enumerate() {
        let part = match piece.part {
            Part::Text(text) => {
                let mut text = line.strip(&text, indent);
                if index == last {
                    drop_blank_last_line(&mut text);
                }
                Part::Text(text)
            }
            expression @ Part::Expression(_) => {
                line = LineStart { at_start: false, dropped: 0 };
                expression
            }
        };
        stripped.push(Piece { part, indents: false });
    }
    joined(stripped)
}

fn smallest_indent(pieces: &[Piece]) -> usize {
    let (mut smallest, mut current, mut at_start) = (usize::MAX, 0, true);
    for piece in pieces {
        match &piece.part {
            Part::Text(text) if piece.indents => {
                for c in text.chars() {
                    match (at_start, c) {
                        (true, ' ') => current += 1,
                        (_, '\n') => (at_start, current) = (true, 0),
                        (true, _) => (at_start, smallest) = (false, smallest.min(current)),
                        (false, _) => {}
                    }
                }
            }
            _ if at_start => (at_start, smallest) = (false, smallest.min(current)),
            _ => {}
        }
    }
    smallest
}

struct LineStart {
    at_start: bool,
    dropped: usize,
}

impl LineStart {
    fn strip(&mut self, text: &str, indent: usize) -> String {
        let mut kept = String::with_capacity(text.len());
        for c in text.chars() {
            if self.at_start && c == ' ' {
                self.dropped += 1;
                if self.dropped <= indent {
                    continue;
                }
            } else if self.at_start {
                self.dropped = 0;
                self.at_start = c == '\n';
            } else {
                self.at_start = c == '\n';
            }
            kept.push(c);
        }
        kept
    }
}

fn drop_blank_last_line(text: &mut String) {
    if let Some((before, last)) = text.rsplit_once('\n')
        && last.chars().all(|c| c == ' ')
    {
        text.truncate(before.len() + 1);
    }
}

/// Neighbouring texts become one.
fn joined(pieces: Vec<Piece>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for Piece { part, .. } in pieces {
        match (parts.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, part) => parts.push(part),
        }
    }
    parts
}
