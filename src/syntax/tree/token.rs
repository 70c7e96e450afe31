//! Tokens with their places, read within a budget.
//!
//! At every token the tokenizer of `rnix` looks to the end of the run of path characters it stands in, so a run of n
//! such tokens costs n². Honest text stays far below the budget; a text made to hang us is cut off.

use std::borrow::Cow;

use rnix::SyntaxKind;

/// Characters the tokenizer may look at beyond one per byte of text.
const LOOKAHEAD: usize = 64 * 1024 * 1024;
/// Longer names than this before a slash are left as the tokenizer has them.
const MAX_DIVIDEND: usize = 256;

/// One token and its first byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: SyntaxKind,
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// All tokens of the text. When the budget ends first, the rest of the text is one error token, and its place is given.
pub(super) fn tokens(text: &str) -> (Vec<Token<'_>>, Option<usize>) {
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let read = lines_ended(text);
    let mut stream = rnix::tokenize(&read);
    let (mut start, mut run_end, mut looked_at) = (0, 0, 0);
    loop {
        if start >= run_end {
            run_end = start + path_run(text, start);
        }
        looked_at += run_end - start;
        if looked_at > LOOKAHEAD + text.len() {
            tokens.push(Token { kind: SyntaxKind::TOKEN_ERROR, text: text.get(start..).unwrap_or_default(), start });
            return (tokens, Some(start));
        }
        let Some((kind, piece)) = stream.next() else { return (tokens, None) };
        let kind = if is_bad_search_path(kind, piece) { SyntaxKind::TOKEN_ERROR } else { kind };
        let token = Token { kind, text: text.get(start..start + piece.len()).unwrap_or_default(), start };
        if kind == SyntaxKind::TOKEN_WHITESPACE && !token.text.chars().all(is_space) {
            spaces(token, &mut tokens);
        } else if let Some(dividend) = dividend(token) {
            divided(token, dividend, &mut tokens);
        } else if kind == SyntaxKind::TOKEN_FLOAT && token.text == "0." {
            // To Nix a number that begins with a zero has digits after its point.
            let point = text.get(start + 1..start + 2).unwrap_or_default();
            tokens.push(Token { kind: SyntaxKind::TOKEN_INTEGER, text: "0", start });
            tokens.push(Token { kind: SyntaxKind::TOKEN_DOT, text: point, start: start + 1 });
        } else {
            tokens.push(token);
        }
        start += piece.len();
    }
}

/// What is divided in `a/(b)`: the tokenizer takes `a/` for a path that ends too early.
fn dividend(token: Token<'_>) -> Option<&str> {
    let name = token.text.strip_suffix('/').filter(|_| token.kind == SyntaxKind::TOKEN_ERROR)?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.');
    (!name.is_empty() && name.len() <= MAX_DIVIDEND && name.chars().all(is_word)).then_some(name)
}

fn divided<'a>(token: Token<'a>, dividend: &'a str, tokens: &mut Vec<Token<'a>>) {
    let mut start = token.start;
    for (kind, text) in rnix::tokenize(dividend) {
        tokens.push(Token { kind, text, start });
        start += text.len();
    }
    let slash = token.text.get(dividend.len()..).unwrap_or_default();
    tokens.push(Token { kind: SyntaxKind::TOKEN_DIV, text: slash, start });
}

/// Between the slashes of `<a/b>` stands something.
fn is_bad_search_path(kind: SyntaxKind, piece: &str) -> bool {
    kind == SyntaxKind::TOKEN_PATH_SEARCH && ["</", "//", "/>"].iter().any(|bad| piece.contains(bad))
}

/// To Nix a lone carriage return ends a line, and so a comment; to the tokenizer it does not.
fn lines_ended(text: &str) -> Cow<'_, str> {
    let is_lone = |at: usize| text.as_bytes().get(at + 1) != Some(&b'\n');
    if !text.match_indices('\r').any(|(at, _)| is_lone(at)) {
        return Cow::Borrowed(text);
    }
    let line_end = |(at, c): (usize, char)| if c == '\r' && is_lone(at) { '\n' } else { c };
    Cow::Owned(text.char_indices().map(line_end).collect())
}

/// The white space of Nix; the tokenizer takes that of Unicode.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Splits a run of white space where something in it is none to Nix.
fn spaces<'a>(run: Token<'a>, tokens: &mut Vec<Token<'a>>) {
    let mut start = run.start;
    for piece in run.text.split_inclusive(|c| !is_space(c)) {
        let space = piece.trim_end_matches(|c| !is_space(c));
        let (space, other) = piece.split_at(space.len());
        for (kind, text) in [(SyntaxKind::TOKEN_WHITESPACE, space), (SyntaxKind::TOKEN_ERROR, other)] {
            if !text.is_empty() {
                tokens.push(Token { kind, text, start });
                start += text.len();
            }
        }
    }
}

fn path_run(text: &str, start: usize) -> usize {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"/_.+-<".contains(byte)).count()
}
