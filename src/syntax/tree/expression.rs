//! The grammar of expressions, by operator levels.

use rnix::SyntaxKind::{
    self, NODE_APPLY, NODE_ASSERT, NODE_BIN_OP, NODE_CUR_POS, NODE_HAS_ATTR, NODE_IDENT, NODE_IDENT_PARAM,
    NODE_IF_ELSE, NODE_INTERPOL, NODE_LAMBDA, NODE_LEGACY_LET, NODE_LET_IN, NODE_LIST, NODE_LITERAL, NODE_PAREN,
    NODE_PAT_BIND, NODE_PATH_ABS, NODE_PATH_HOME, NODE_PATH_REL, NODE_PATH_SEARCH, NODE_PATTERN, NODE_SELECT,
    NODE_STRING, NODE_UNARY_OP, NODE_WITH, TOKEN_ADD, TOKEN_AND_AND, TOKEN_ASSERT, TOKEN_AT, TOKEN_COLON, TOKEN_CONCAT,
    TOKEN_CUR_POS, TOKEN_DIV, TOKEN_DOT, TOKEN_ELSE, TOKEN_EQUAL, TOKEN_ERROR, TOKEN_FLOAT, TOKEN_IDENT, TOKEN_IF,
    TOKEN_IMPLICATION, TOKEN_IN, TOKEN_INTEGER, TOKEN_INTERPOL_END, TOKEN_INTERPOL_START, TOKEN_INVERT, TOKEN_L_BRACE,
    TOKEN_L_BRACK, TOKEN_L_PAREN, TOKEN_LESS, TOKEN_LESS_OR_EQ, TOKEN_LET, TOKEN_MORE, TOKEN_MORE_OR_EQ, TOKEN_MUL,
    TOKEN_NOT_EQUAL, TOKEN_OR, TOKEN_OR_OR, TOKEN_PATH_ABS, TOKEN_PATH_HOME, TOKEN_PATH_REL, TOKEN_PATH_SEARCH,
    TOKEN_PIPE_LEFT, TOKEN_PIPE_RIGHT, TOKEN_QUESTION, TOKEN_R_BRACK, TOKEN_R_PAREN, TOKEN_REC, TOKEN_SEMICOLON,
    TOKEN_STRING_CONTENT, TOKEN_STRING_END, TOKEN_STRING_START, TOKEN_SUB, TOKEN_THEN, TOKEN_UPDATE, TOKEN_URI,
    TOKEN_WITH,
};

use super::parser::{Mark, Parser};

/// How an operator groups with others of its level.
#[derive(Clone, Copy)]
enum Grouping {
    Left,
    Right,
    Alone,
    HasAttr,
}

/// The level below application: the operand of a minus.
const NEGATION: u8 = 15;
/// Pipes one way are not mixed with those the other way.
const PIPES: u8 = 2;
/// The operand of `!` reaches as far as sums do.
const INVERSION: u8 = 10;

impl Parser<'_> {
    pub(super) fn expression(&mut self) {
        self.begin_whole();
        self.nested(|parser| match parser.peek() {
            Some(TOKEN_LET) if !parser.at_legacy_let() => parser.let_in(),
            Some(TOKEN_WITH) => parser.prelude(NODE_WITH),
            Some(TOKEN_ASSERT) => parser.prelude(NODE_ASSERT),
            Some(TOKEN_IF) => parser.if_else(),
            _ => parser.operation(0),
        });
    }

    fn let_in(&mut self) {
        let opener = self.token();
        self.start(NODE_LET_IN);
        self.bump();
        self.open.lets += 1;
        self.bindings(TOKEN_IN, opener);
        self.open.lets -= 1;
        self.expression();
        self.finish();
    }

    /// `let { … }`, which stands wherever a set does.
    fn at_legacy_let(&self) -> bool {
        self.at(TOKEN_LET) && self.kinds().nth(1) == Some(TOKEN_L_BRACE)
    }

    fn legacy_let(&mut self) {
        self.start(NODE_LEGACY_LET);
        self.bump();
        self.braces();
        self.finish();
    }

    /// Whether an argument or an item of a list stands ahead.
    fn at_operand(&self) -> bool {
        (self.peek().is_some_and(SyntaxKind::is_fn_arg) || self.at_legacy_let()) && !self.at_binding()
    }

    /// `with a; b` and `assert a; b`.
    fn prelude(&mut self, kind: SyntaxKind) {
        self.start(kind);
        self.bump();
        self.expression();
        self.expect(TOKEN_SEMICOLON, "a `;` is missing after this");
        self.expression();
        self.finish();
    }

    fn if_else(&mut self) {
        self.start(NODE_IF_ELSE);
        self.bump();
        self.expression();
        if self.expect(TOKEN_THEN, "a `then` is missing after this") {
            self.expression();
        }
        if self.expect(TOKEN_ELSE, "an `else` is missing after this") {
            self.expression();
        }
        self.finish();
    }

    fn operation(&mut self, lowest: u8) {
        let mark = self.mark();
        match self.peek() {
            Some(TOKEN_INVERT) => self.prefix(&mark, INVERSION),
            Some(TOKEN_SUB) => self.prefix(&mark, NEGATION),
            _ => self.application(&mark),
        }
        let mut highest = u8::MAX;
        let mut pipe = None;
        while let Some((level, grouping)) = self.peek().and_then(operator) {
            if level < lowest || level > highest || self.after_function() {
                break;
            }
            if level <= PIPES && pipe.replace(level).is_some_and(|other| other != level) {
                self.unexpected("expected no pipe the other way (parentheses are needed around one of them)");
            }
            match grouping {
                Grouping::Right => self.right_operands(&mark, level),
                Grouping::HasAttr => {
                    self.bump();
                    self.attrpath();
                    self.wrap(&mark, NODE_HAS_ATTR);
                }
                Grouping::Left | Grouping::Alone => {
                    self.bump();
                    self.operation(level + 1);
                    self.wrap(&mark, NODE_BIN_OP);
                    if matches!(grouping, Grouping::Alone) {
                        highest = level - 1;
                    }
                }
            }
        }
        self.settle(&mark);
    }

    fn prefix(&mut self, mark: &Mark, operand: u8) {
        self.bump();
        self.nested(|parser| parser.operation(operand));
        self.wrap(mark, NODE_UNARY_OP);
    }

    /// `a ++ b ++ c` groups to the right: all operands first, then the nodes from the last one on.
    fn right_operands(&mut self, first: &Mark, level: u8) {
        let mut marks = Vec::new();
        while self.peek().and_then(operator).is_some_and(|(next, _)| next == level) {
            self.bump();
            marks.push(self.mark());
            self.operation(if level < PIPES { PIPES + 1 } else { level + 1 });
        }
        if let Some(last) = marks.pop() {
            self.settle(&last);
        }
        while let Some(mark) = marks.pop() {
            self.wrap(&mark, NODE_BIN_OP);
            self.settle(&mark);
        }
        self.wrap(first, NODE_BIN_OP);
    }

    fn application(&mut self, mark: &Mark) {
        self.simple(mark);
        while self.at_operand() && !self.after_function() {
            self.operand();
            self.wrap(mark, NODE_APPLY);
        }
    }

    /// One simple expression in its own right: an argument, an item of a list, a default.
    fn operand(&mut self) {
        let mark = self.mark();
        self.simple(&mark);
        self.settle(&mark);
    }

    fn simple(&mut self, mark: &Mark) {
        self.nested(|parser| {
            if parser.primary(mark) && !parser.after_function() {
                parser.selection(mark);
            }
        });
    }

    /// False when there was none.
    fn primary(&mut self, mark: &Mark) -> bool {
        match self.peek() {
            Some(TOKEN_L_PAREN) => self.paren(),
            Some(TOKEN_LET) if self.at_legacy_let() => self.legacy_let(),
            Some(TOKEN_L_BRACE) if self.at_pattern() => self.pattern_lambda(mark),
            Some(TOKEN_L_BRACE | TOKEN_REC) => self.attr_set(),
            Some(TOKEN_L_BRACK) => self.list(),
            Some(TOKEN_STRING_START) => self.string(),
            Some(TOKEN_PATH_ABS) => self.path(NODE_PATH_ABS),
            Some(TOKEN_PATH_REL) => self.path(NODE_PATH_REL),
            Some(TOKEN_PATH_HOME) => self.path(NODE_PATH_HOME),
            Some(TOKEN_PATH_SEARCH) => self.path(NODE_PATH_SEARCH),
            Some(TOKEN_INTEGER | TOKEN_FLOAT | TOKEN_URI) => self.leaf(NODE_LITERAL),
            Some(TOKEN_IDENT) => self.name(mark),
            Some(TOKEN_LET | TOKEN_IF | TOKEN_WITH | TOKEN_ASSERT) => {
                self.unexpected("expected an operand (parentheses are needed around this)");
                self.expression();
            }
            Some(TOKEN_ERROR) => {
                self.unexpected("expected an expression");
                self.bump_error();
            }
            _ => {
                self.unexpected("expected an expression");
                return false;
            }
        }
        true
    }

    /// `.a.b or c`; and the odd `f or`, where Nix takes `or` for a name.
    fn selection(&mut self, mark: &Mark) {
        if self.at(TOKEN_DOT) {
            self.bump();
            self.attrpath();
            if self.at(TOKEN_OR) {
                self.bump();
                self.operand();
            }
            self.wrap(mark, NODE_SELECT);
        } else if self.at(TOKEN_OR) {
            self.start(NODE_IDENT);
            self.bump_as(TOKEN_IDENT);
            self.finish();
            self.wrap(mark, NODE_APPLY);
        }
    }

    fn name(&mut self, mark: &Mark) {
        let after = self.kinds().nth(1);
        match after {
            Some(TOKEN_COLON) => {
                self.whole_function();
                self.leaf(NODE_IDENT);
                self.wrap(mark, NODE_IDENT_PARAM);
                self.lambda_body(mark);
            }
            Some(TOKEN_AT) => {
                self.whole_function();
                self.leaf(NODE_IDENT);
                self.bump();
                self.wrap(mark, NODE_PAT_BIND);
                if self.at(TOKEN_L_BRACE) {
                    self.pattern_entries();
                } else {
                    self.unexpected("expected `{`");
                }
                self.wrap(mark, NODE_PATTERN);
                self.lambda_body(mark);
            }
            _ if self.token().is_some_and(|token| token.text == "__curPos") => {
                self.start(NODE_CUR_POS);
                self.bump_as(TOKEN_CUR_POS);
                self.finish();
            }
            _ => self.leaf(NODE_IDENT),
        }
    }

    /// A function takes all that follows, so as an operand it needs parentheses.
    fn whole_function(&mut self) {
        if !self.at_whole() {
            self.unexpected("expected an operand (a function needs parentheses here)");
        }
    }

    fn pattern_lambda(&mut self, mark: &Mark) {
        self.whole_function();
        self.start(NODE_PATTERN);
        self.pattern_entries();
        if self.at(TOKEN_AT) {
            self.start(NODE_PAT_BIND);
            self.bump();
            if self.at(TOKEN_IDENT) {
                self.leaf(NODE_IDENT);
            } else {
                self.unexpected("expected a name");
            }
            self.finish();
        }
        self.finish();
        self.lambda_body(mark);
    }

    fn lambda_body(&mut self, mark: &Mark) {
        self.expect(TOKEN_COLON, "a `:` is missing after this");
        self.expression();
        self.wrap(mark, NODE_LAMBDA);
        self.end_function();
    }

    fn paren(&mut self) {
        let opener = self.token();
        self.start(NODE_PAREN);
        self.bump();
        self.open.parens += 1;
        self.expression();
        self.close(TOKEN_R_PAREN, opener);
        self.open.parens -= 1;
        self.finish();
    }

    fn list(&mut self) {
        let opener = self.token();
        self.start(NODE_LIST);
        self.bump();
        self.open.brackets += 1;
        loop {
            match self.peek() {
                Some(TOKEN_R_BRACK) => break self.bump(),
                Some(_) if self.at_operand() => self.operand(),
                Some(_) if !self.at_anchor() => {
                    self.unexpected("expected an item of the list (operators need parentheses here)");
                    self.bump_error();
                }
                _ => break self.unclosed(opener),
            }
        }
        self.open.brackets -= 1;
        self.finish();
    }

    pub(super) fn string(&mut self) {
        let opener = self.token();
        self.start(NODE_STRING);
        self.bump();
        loop {
            match self.peek_raw() {
                Some(TOKEN_STRING_END) => break self.bump(),
                Some(TOKEN_STRING_CONTENT) => self.bump(),
                Some(TOKEN_INTERPOL_START) => self.interpolation(NODE_INTERPOL),
                Some(_) => {
                    self.unclosed(opener);
                    self.bump_error();
                }
                None => break self.unclosed(opener),
            }
        }
        self.finish();
    }

    pub(super) fn interpolation(&mut self, kind: SyntaxKind) {
        let opener = self.token();
        self.start(kind);
        self.bump();
        self.open.interpolations += 1;
        self.expression();
        self.close(TOKEN_INTERPOL_END, opener);
        self.open.interpolations -= 1;
        self.finish();
    }

    fn path(&mut self, kind: SyntaxKind) {
        self.start(kind);
        self.bump();
        if kind != NODE_PATH_SEARCH && self.peek_raw() == Some(TOKEN_INTERPOL_START) {
            loop {
                match self.peek_raw() {
                    Some(TOKEN_PATH_ABS | TOKEN_PATH_REL | TOKEN_PATH_HOME) => self.bump(),
                    Some(TOKEN_INTERPOL_START) => self.interpolation(NODE_INTERPOL),
                    _ => break,
                }
            }
        }
        self.finish();
    }

    /// One token in a node of its own.
    pub(super) fn leaf(&mut self, kind: SyntaxKind) {
        self.start(kind);
        self.bump();
        self.finish();
    }
}

fn operator(kind: SyntaxKind) -> Option<(u8, Grouping)> {
    Some(match kind {
        TOKEN_PIPE_LEFT => (1, Grouping::Right),
        TOKEN_PIPE_RIGHT => (2, Grouping::Left),
        TOKEN_IMPLICATION => (3, Grouping::Right),
        TOKEN_OR_OR => (4, Grouping::Left),
        TOKEN_AND_AND => (5, Grouping::Left),
        TOKEN_EQUAL | TOKEN_NOT_EQUAL => (6, Grouping::Alone),
        TOKEN_LESS | TOKEN_LESS_OR_EQ | TOKEN_MORE | TOKEN_MORE_OR_EQ => (7, Grouping::Alone),
        TOKEN_UPDATE => (8, Grouping::Right),
        TOKEN_ADD | TOKEN_SUB => (10, Grouping::Left),
        TOKEN_MUL | TOKEN_DIV => (11, Grouping::Left),
        TOKEN_CONCAT => (12, Grouping::Right),
        TOKEN_QUESTION => (13, Grouping::HasAttr),
        _ => return None,
    })
}
