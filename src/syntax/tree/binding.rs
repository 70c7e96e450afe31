//! The grammar of bindings: sets, `let`, `inherit`, attribute paths, argument patterns; and how to go on after a fault.

use rnix::SyntaxKind::{
    self, NODE_ATTR_SET, NODE_ATTRPATH, NODE_ATTRPATH_VALUE, NODE_DYNAMIC, NODE_ERROR, NODE_IDENT, NODE_INHERIT,
    NODE_INHERIT_FROM, NODE_PAT_ENTRY, TOKEN_ASSIGN, TOKEN_AT, TOKEN_COLON, TOKEN_COMMA, TOKEN_DOT, TOKEN_ELLIPSIS,
    TOKEN_IDENT, TOKEN_IN, TOKEN_INHERIT, TOKEN_INTERPOL_END, TOKEN_INTERPOL_START, TOKEN_L_BRACE, TOKEN_L_BRACK,
    TOKEN_L_PAREN, TOKEN_OR, TOKEN_QUESTION, TOKEN_R_BRACE, TOKEN_R_BRACK, TOKEN_R_PAREN, TOKEN_REC, TOKEN_SEMICOLON,
    TOKEN_STRING_CONTENT, TOKEN_STRING_END, TOKEN_STRING_START,
};

use super::parser::Parser;
use super::token::Token;

impl Parser<'_> {
    pub(super) fn attr_set(&mut self) {
        self.start(NODE_ATTR_SET);
        if self.at(TOKEN_REC) {
            self.bump();
        }
        self.braces();
        self.finish();
    }

    /// `{ … }` with bindings inside, into the node that is open.
    pub(super) fn braces(&mut self) {
        let opener = self.token();
        if !self.expect(TOKEN_L_BRACE, "a `{` is missing after this") {
            return;
        }
        self.open.braces += 1;
        self.bindings(TOKEN_R_BRACE, opener);
        self.open.braces -= 1;
    }

    /// Bindings up to and including `until`.
    pub(super) fn bindings(&mut self, until: SyntaxKind, opener: Option<Token<'_>>) {
        loop {
            match self.peek() {
                Some(kind) if kind == until => break self.bump(),
                Some(TOKEN_INHERIT) => self.inherit(),
                Some(TOKEN_IDENT | TOKEN_OR | TOKEN_STRING_START | TOKEN_INTERPOL_START) => self.binding(),
                Some(kind) if !self.closes_outer(kind) => {
                    self.unexpected("expected a binding such as `name = value;`");
                    self.bump_error();
                }
                _ => break self.unclosed(opener),
            }
        }
    }

    fn binding(&mut self) {
        self.start(NODE_ATTRPATH_VALUE);
        self.attrpath();
        if self.at(TOKEN_ASSIGN) {
            self.bump();
            self.expression();
        } else {
            self.unexpected("expected `=` after the name");
        }
        self.semicolon();
        self.finish();
    }

    fn inherit(&mut self) {
        self.start(NODE_INHERIT);
        self.bump();
        if self.at(TOKEN_L_PAREN) {
            let opener = self.token();
            self.start(NODE_INHERIT_FROM);
            self.bump();
            self.open.parens += 1;
            self.expression();
            self.close(TOKEN_R_PAREN, opener);
            self.open.parens -= 1;
            self.finish();
        }
        while self.at_attr() && !self.at_binding() {
            self.attr();
        }
        self.semicolon();
        self.finish();
    }

    pub(super) fn attrpath(&mut self) {
        self.start(NODE_ATTRPATH);
        self.attr();
        while self.at(TOKEN_DOT) {
            self.bump();
            self.attr();
        }
        self.finish();
    }

    fn at_attr(&self) -> bool {
        matches!(self.peek(), Some(TOKEN_IDENT | TOKEN_OR | TOKEN_STRING_START | TOKEN_INTERPOL_START))
    }

    fn attr(&mut self) {
        match self.peek() {
            Some(TOKEN_INTERPOL_START) => self.interpolation(NODE_DYNAMIC),
            Some(TOKEN_STRING_START) => self.string(),
            Some(TOKEN_IDENT | TOKEN_OR) => {
                self.start(NODE_IDENT);
                self.bump_as(TOKEN_IDENT);
                self.finish();
            }
            _ => self.unexpected("expected a name"),
        }
    }

    /// Whether the `{` ahead begins the pattern of a function.
    pub(super) fn at_pattern(&self) -> bool {
        let mut kinds = self.kinds().skip(1);
        match (kinds.next(), kinds.next(), kinds.next()) {
            (Some(TOKEN_IDENT), Some(TOKEN_COMMA | TOKEN_QUESTION), _) | (Some(TOKEN_ELLIPSIS), _, _) => true,
            (Some(TOKEN_IDENT), Some(TOKEN_R_BRACE), after) => matches!(after, Some(TOKEN_COLON | TOKEN_AT)),
            (Some(TOKEN_R_BRACE), after, _) => matches!(after, Some(TOKEN_COLON | TOKEN_AT)),
            _ => false,
        }
    }

    /// `{ a, b ? c, ... }`
    pub(super) fn pattern_entries(&mut self) {
        let opener = self.token();
        self.bump();
        self.open.braces += 1;
        loop {
            match self.peek() {
                Some(TOKEN_R_BRACE) => break self.bump(),
                Some(TOKEN_ELLIPSIS) => {
                    self.bump();
                    break self.close(TOKEN_R_BRACE, opener);
                }
                Some(TOKEN_IDENT) => self.pattern_entry(),
                _ => {
                    self.unexpected("expected the name of an argument");
                    break self.close(TOKEN_R_BRACE, opener);
                }
            }
        }
        self.open.braces -= 1;
    }

    fn pattern_entry(&mut self) {
        self.start(NODE_PAT_ENTRY);
        self.leaf(NODE_IDENT);
        if self.at(TOKEN_QUESTION) {
            self.bump();
            self.expression();
        }
        self.finish();
        if self.at(TOKEN_COMMA) {
            self.bump();
        } else if !self.at(TOKEN_R_BRACE) {
            self.missing("a `,` is missing after this");
        }
    }

    // Going on after a fault.

    /// Takes a token of this kind, or says what is missing after the last one and takes nothing.
    pub(super) fn expect(&mut self, kind: SyntaxKind, message: &str) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        } else {
            self.missing(message);
        }
        found
    }

    /// The end of a binding: whatever stands before it is skipped.
    fn semicolon(&mut self) {
        if !self.at(TOKEN_SEMICOLON) {
            self.missing("a `;` is missing after this");
            self.skip_to(TOKEN_SEMICOLON);
        }
        if self.at(TOKEN_SEMICOLON) {
            self.bump();
        }
    }

    /// The end of a bracket: whatever stands before it is skipped.
    pub(super) fn close(&mut self, kind: SyntaxKind, opener: Option<Token<'_>>) {
        if !self.at(kind) {
            match self.peek() {
                Some(_) if !self.at_anchor() => self.unexpected("expected the closing bracket"),
                _ => self.unclosed(opener),
            }
            self.skip_to(kind);
        }
        if self.at(kind) {
            self.bump();
        }
    }

    fn skip_to(&mut self, wanted: SyntaxKind) {
        if self.at(wanted) || self.at_anchor() {
            return;
        }
        self.start(NODE_ERROR);
        let mut depth = 0_u32;
        while let Some(kind) = self.peek() {
            if depth == 0 && (kind == wanted || self.at_anchor()) {
                break;
            }
            match kind {
                TOKEN_L_BRACE | TOKEN_L_BRACK | TOKEN_L_PAREN | TOKEN_INTERPOL_START | TOKEN_STRING_START => depth += 1,
                TOKEN_R_BRACE | TOKEN_R_BRACK | TOKEN_R_PAREN | TOKEN_INTERPOL_END | TOKEN_STRING_END => {
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
            self.bump();
        }
        self.finish();
    }

    /// Whether an enclosing construct goes on at the next token: a broken one leaves it alone.
    pub(super) fn at_anchor(&self) -> bool {
        match self.peek() {
            None | Some(TOKEN_SEMICOLON | TOKEN_INHERIT) => true,
            Some(kind) => self.closes_outer(kind) || self.at_binding(),
        }
    }

    fn closes_outer(&self, kind: SyntaxKind) -> bool {
        match kind {
            TOKEN_R_BRACE => self.open.braces > 0,
            TOKEN_R_BRACK => self.open.brackets > 0,
            TOKEN_R_PAREN => self.open.parens > 0,
            TOKEN_INTERPOL_END => self.open.interpolations > 0,
            TOKEN_IN => self.open.lets > 0,
            _ => false,
        }
    }

    /// Whether `name.name =` stands ahead. No expression goes on like that, so a binding begins here.
    pub(super) fn at_binding(&self) -> bool {
        if self.open.braces == 0 && self.open.lets == 0 {
            return false;
        }
        let mut kinds = self.kinds();
        loop {
            let mut next = match kinds.next() {
                Some(TOKEN_IDENT | TOKEN_OR) => kinds.next(),
                Some(TOKEN_STRING_START) => match (kinds.next(), kinds.next()) {
                    (Some(TOKEN_STRING_CONTENT), Some(TOKEN_STRING_END)) => kinds.next(),
                    _ => return false,
                },
                _ => return false,
            };
            match next.take() {
                Some(TOKEN_ASSIGN) => return true,
                Some(TOKEN_DOT) => {}
                _ => return false,
            }
        }
    }
}
