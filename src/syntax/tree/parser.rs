//! The parser's hands: it looks ahead, takes tokens, opens and closes nodes, counts depth and notes what is wrong.
//!
//! The grammar is in `expression` and `binding`. Two measures bound the stack: `nesting`, how deep the grammar has called
//! itself, and `height`, how tall the tree has grown by wrapping (`a + a + a` nests to the left without any call).

use rnix::{NixLanguage, SyntaxKind};
use rowan::{Checkpoint, GreenNode, GreenNodeBuilder, Language};

use super::token::{self, Token};
use crate::syntax::secret;

pub(super) const SYNTAX_ERROR: &str = "syntax-error";
const TOO_DEEP: &str = "too-deep";

/// How deep expressions may nest.
const MAX_NESTING: u32 = 384;
/// How tall the tree may grow; dropping and walking it take stack for each step.
const MAX_HEIGHT: u32 = 2048;
/// Beyond this many, more faults tell a person nothing.
const MAX_FAULTS: usize = 100;

/// Some editors begin a file with it, and none shows it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Something wrong with the text.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) message: String,
}

/// Parses any text; the tree holds every byte of it.
pub(super) fn parse(text: &str) -> (GreenNode, Vec<Fault>) {
    let (tokens, cut) = token::tokens(text);
    let mut parser = Parser::new(tokens, text.len());
    if let Some(start) = cut {
        parser.note(
            TOO_DEEP,
            start,
            text.len(),
            "the chain of names and operators here is too long to read".to_owned(),
        );
    }
    parser.root();
    (parser.builder.finish(), parser.faults)
}

/// A place in the tree where a node may be opened later, and the height of what stands before it in the same node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    checkpoint: Checkpoint,
    outer: u32,
}

/// What is open around the present place: a closer of one of these ends a broken inner construct.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) braces: u32,
    pub(super) brackets: u32,
    pub(super) parens: u32,
    pub(super) interpolations: u32,
    pub(super) lets: u32,
}

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    /// The first token not yet in the tree.
    placed: usize,
    /// The first token from there that is neither white space nor comment.
    ahead: usize,
    end: usize,
    builder: GreenNodeBuilder<'static>,
    faults: Vec<Fault>,
    /// Where the present whole expression begins: there alone a function needs no parentheses.
    whole: usize,
    /// Where a function ended: nothing goes on there that would take it for an operand.
    function_end: Option<usize>,
    nesting: u32,
    height: u32,
    heights: Vec<u32>,
    pub(super) open: Open,
}

impl<'a> Parser<'a> {
    fn new(tokens: Vec<Token<'a>>, end: usize) -> Self {
        let mut parser = Self {
            tokens,
            placed: 0,
            ahead: 0,
            end,
            builder: GreenNodeBuilder::new(),
            faults: Vec::new(),
            whole: 0,
            function_end: None,
            nesting: 0,
            height: 0,
            heights: Vec::new(),
            open: Open::default(),
        };
        parser.ahead = parser.significant(0);
        parser
    }

    fn root(&mut self) {
        self.builder.start_node(raw(SyntaxKind::NODE_ROOT));
        self.expression();
        if self.peek().is_some() {
            self.unexpected("expected the end of the file");
            self.place_rest();
        }
        self.trivia();
        self.builder.finish_node();
    }

    // Looking.

    pub(super) fn peek(&self) -> Option<SyntaxKind> {
        self.tokens.get(self.ahead).map(|token| token.kind)
    }

    pub(super) fn at(&self, kind: SyntaxKind) -> bool {
        self.peek() == Some(kind)
    }

    pub(super) fn token(&self) -> Option<Token<'a>> {
        self.tokens.get(self.ahead).copied()
    }

    /// The kind of the very next token, white space included.
    pub(super) fn peek_raw(&self) -> Option<SyntaxKind> {
        self.tokens.get(self.placed).map(|token| token.kind)
    }

    /// The kinds from the next significant token on.
    pub(super) fn kinds(&self) -> impl Iterator<Item = SyntaxKind> + '_ {
        self.tokens.iter().skip(self.ahead).map(|token| token.kind).filter(|kind| !kind.is_trivia())
    }

    fn significant(&self, from: usize) -> usize {
        let rest = self.tokens.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|token| token.kind.is_trivia()).count()
    }

    /// A whole expression begins here.
    pub(super) fn begin_whole(&mut self) {
        self.whole = self.ahead;
    }

    /// Whether what stands ahead begins a whole expression, and is no operand.
    pub(super) fn at_whole(&self) -> bool {
        self.whole == self.ahead
    }

    pub(super) fn end_function(&mut self) {
        self.function_end = Some(self.ahead);
    }

    /// Whether a function has just ended here.
    pub(super) fn after_function(&self) -> bool {
        self.function_end == Some(self.ahead)
    }

    // Taking.

    pub(super) fn bump(&mut self) {
        if let Some(kind) = self.peek() {
            self.bump_as(kind);
        }
    }

    pub(super) fn bump_as(&mut self, kind: SyntaxKind) {
        self.trivia();
        if let Some(token) = self.token() {
            self.builder.token(raw(kind), token.text);
            self.placed = self.ahead + 1;
            self.ahead = self.significant(self.placed);
        }
    }

    /// Takes the next token into an error node.
    pub(super) fn bump_error(&mut self) {
        self.start(SyntaxKind::NODE_ERROR);
        self.bump();
        self.finish();
    }

    fn trivia(&mut self) {
        while self.placed < self.ahead {
            self.place();
        }
    }

    fn place(&mut self) {
        if let Some(token) = self.tokens.get(self.placed) {
            self.builder.token(raw(token.kind), token.text);
        }
        self.placed += 1;
    }

    fn place_rest(&mut self) {
        self.start(SyntaxKind::NODE_ERROR);
        while self.placed < self.tokens.len() {
            self.place();
        }
        self.ahead = self.placed;
        self.finish();
    }

    // Building.

    pub(super) fn start(&mut self, kind: SyntaxKind) {
        self.trivia();
        self.builder.start_node(raw(kind));
        self.heights.push(std::mem::take(&mut self.height));
    }

    pub(super) fn finish(&mut self) {
        self.builder.finish_node();
        self.height = self.heights.pop().unwrap_or_default().max(self.height + 1);
    }

    /// Remembers this place; every mark is given to [`Self::settle`] in the end.
    pub(super) fn mark(&mut self) -> Mark {
        self.trivia();
        Mark { checkpoint: self.builder.checkpoint(), outer: std::mem::take(&mut self.height) }
    }

    pub(super) fn settle(&mut self, mark: &Mark) {
        self.height = self.height.max(mark.outer);
    }

    /// Puts all that came since the mark into one node.
    pub(super) fn wrap(&mut self, mark: &Mark, kind: SyntaxKind) {
        if self.height >= MAX_HEIGHT {
            self.halt();
            return;
        }
        self.builder.start_node_at(mark.checkpoint, raw(kind));
        self.builder.finish_node();
        self.height += 1;
    }

    /// Goes one level deeper, unless that is too deep: then the rest of the text is taken as an error.
    pub(super) fn nested(&mut self, grammar: impl FnOnce(&mut Self)) {
        if self.nesting >= MAX_NESTING {
            self.halt();
            return;
        }
        self.nesting += 1;
        grammar(self);
        self.nesting -= 1;
    }

    fn halt(&mut self) {
        let start = self.token().map_or(self.end, |token| token.start);
        self.note(
            TOO_DEEP,
            start,
            self.end,
            "the nesting is too deep to read; the rest of the file was left out".to_owned(),
        );
        if self.peek().is_some() {
            self.place_rest();
        }
    }

    // Saying what is wrong.

    /// `wanted` is what was expected here, as in "expected an expression".
    pub(super) fn unexpected(&mut self, wanted: &str) {
        let (start, end, found) = match self.token() {
            Some(token) if token.text.starts_with(BYTE_ORDER_MARK) => {
                let found = "found a byte order mark (U+FEFF), which Nix refuses; save the file without it";
                (token.start, token.end(), found.to_owned())
            }
            Some(token) => (token.start, token.end(), format!("found `{}`", shorten(token.text))),
            None => (self.end, self.end, "found the end of the file".to_owned()),
        };
        self.note(SYNTAX_ERROR, start, end, format!("{wanted}, {found}"));
    }

    /// A fault right after the last token taken.
    pub(super) fn missing(&mut self, message: &str) {
        let before = self.tokens.get(..self.placed).unwrap_or_default();
        let last = before.iter().rfind(|token| !token.kind.is_trivia());
        let end = last.map_or(0, Token::end);
        self.note(SYNTAX_ERROR, last.map_or(0, |token| token.start), end, message.to_owned());
    }

    /// A fault that belongs to the token that opened something.
    pub(super) fn unclosed(&mut self, opener: Option<Token<'_>>) {
        if let Some(token) = opener {
            let message = format!("this `{}` is never closed", shorten(token.text));
            self.note(SYNTAX_ERROR, token.start, token.end(), message);
        }
    }

    fn note(&mut self, code: &'static str, start: usize, end: usize, message: String) {
        let said_here = self
            .faults
            .last()
            .is_some_and(|fault| fault.code == TOO_DEEP || (fault.code == code && fault.start == start));
        if !said_here && self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { code, start, end, message });
        }
    }
}

/// Nesting limits shown to the tests of this room.
#[cfg(test)]
pub(super) const LIMITS: (u32, u32) = (MAX_NESTING, MAX_HEIGHT);

fn raw(kind: SyntaxKind) -> rowan::SyntaxKind {
    NixLanguage::kind_to_raw(kind)
}

fn shorten(text: &str) -> String {
    if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
        return text.escape_unicode().take(40).collect();
    }
    secret::cut(text.lines().next().unwrap_or_default(), 30)
}
