//! Tokens with their places, read within a budget.
//!
//! At every token the tokenizer of `rnix` looks to the end of the run of path characters it stands in, so a run of n
//! such tokens costs n². Honest text stays far below the budget; a text made to hang us is cut off.

use rnix::SyntaxKind;

/// Characters the tokenizer may look at beyond one per byte of text.
const LOOKAHEAD: usize = 64 * 1024 * 1024;

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
    let mut stream = rnix::tokenize(text);
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
        tokens.push(Token { kind, text: piece, start });
        start += piece.len();
    }
}

fn path_run(text: &str, start: usize) -> usize {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"/_.+-<".contains(byte)).count()
}
