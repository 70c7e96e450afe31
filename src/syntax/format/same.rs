//! Whether two texts say the same: their trees without white space, and the words of their comments.
//!
//! What a formatter may change is listed here and nowhere else: white space, the indentation of `''…''` strings that Nix
//! strips, the commas of argument patterns, and quotes around an address that had none.

use rnix::SyntaxKind::{
    self, NODE_LITERAL, NODE_PATTERN, NODE_STRING, TOKEN_COMMA, TOKEN_COMMENT, TOKEN_STRING_CONTENT, TOKEN_STRING_END,
    TOKEN_STRING_START, TOKEN_URI, TOKEN_WHITESPACE,
};
use rnix::{NodeOrToken, SyntaxNode, SyntaxToken, TextRange, ast};
use rowan::WalkEvent;
use rowan::ast::AstNode;

use crate::syntax::tree::{Part, Tree, parts};

/// A piece of what a text says, in the order of the text.
#[derive(Debug)]
enum Piece {
    Open(SyntaxKind),
    Close,
    Token(SyntaxToken),
    /// What a string literal says; `None` stands for an expression, whose own pieces follow.
    Text(Vec<Option<String>>),
}

impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Open(one), Self::Open(other)) => one == other,
            (Self::Close, Self::Close) => true,
            (Self::Token(one), Self::Token(other)) => one.kind() == other.kind() && one.text() == other.text(),
            (Self::Text(one), Self::Text(other)) => one == other,
            _ => false,
        }
    }
}

/// Where the first text begins to say something else than the second; at its end when that is what the second goes on after.
pub(super) fn first_difference(before: &Tree, after: &Tree) -> Option<TextRange> {
    let end = TextRange::empty(before.root().syntax().text_range().end());
    let (mut one, mut other) = (pieces(before), pieces(after));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return None,
            (Some((_, piece)), Some((_, same))) if piece == same => {}
            (found, _) => return Some(found.map_or(end, |(range, _)| range)),
        }
    }
}

/// The comment of the first text in which something stands that stands nowhere in the comments of the second.
pub(super) fn lost_comment(before: &Tree, after: &Tree) -> Option<TextRange> {
    let mut kept = words(after);
    kept.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let mut wanted = words(before);
    wanted.sort_by(|one, other| one.0.cmp(&other.0));
    let mut kept = kept.into_iter().peekable();
    let lost = wanted.into_iter().find(|(word, _)| {
        while kept.next_if(|(other, _)| other < word).is_some() {}
        kept.next_if(|(other, _)| other == word).is_none()
    });
    lost.map(|(_, range)| range)
}

/// Every word of every comment; the signs that make it a comment are none.
fn words(tree: &Tree) -> Vec<(String, TextRange)> {
    let tokens = tree.root().syntax().descendants_with_tokens().filter_map(NodeOrToken::into_token);
    let comments = tokens.filter(|token| token.kind() == TOKEN_COMMENT);
    comments
        .flat_map(|comment| {
            let range = comment.text_range();
            let words = comment.text().split_whitespace().map(|word| word.trim_matches(['#', '/', '*']));
            let words: Vec<_> = words.filter(|word| !word.is_empty()).map(|word| (word.to_owned(), range)).collect();
            words
        })
        .collect()
}

/// What a text says, piece by piece, each with its place.
fn pieces(tree: &Tree) -> impl Iterator<Item = (TextRange, Piece)> {
    tree.root().syntax().preorder_with_tokens().filter_map(|event| match event {
        WalkEvent::Enter(NodeOrToken::Node(node)) => Some((node.text_range(), opened(&node))),
        WalkEvent::Leave(NodeOrToken::Node(node)) => Some((node.text_range(), Piece::Close)),
        WalkEvent::Enter(NodeOrToken::Token(token)) if says_something(&token) => {
            Some((token.text_range(), Piece::Token(token)))
        }
        _ => None,
    })
}

fn opened(node: &SyntaxNode) -> Piece {
    match node.kind() {
        NODE_STRING => match ast::Str::cast(node.clone()).as_ref().and_then(parts) {
            // A piece without a character says nothing.
            Some(parts) => {
                Piece::Text(parts.into_iter().map(text_of).filter(|text| text.as_deref() != Some("")).collect())
            }
            None => Piece::Text(vec![Some(node.text().to_string())]),
        },
        // An address without quotes is a string to Nix.
        NODE_LITERAL => match node.first_token() {
            Some(token) if token.kind() == TOKEN_URI => Piece::Text(vec![Some(token.text().to_owned())]),
            _ => Piece::Open(NODE_LITERAL),
        },
        kind => Piece::Open(kind),
    }
}

fn text_of(part: Part) -> Option<String> {
    match part {
        Part::Text(text) => Some(text),
        Part::Expression(_) => None,
    }
}

/// Whether a token says more than the node it stands in.
fn says_something(token: &SyntaxToken) -> bool {
    match token.kind() {
        TOKEN_WHITESPACE | TOKEN_COMMENT | TOKEN_URI => false,
        TOKEN_STRING_START | TOKEN_STRING_CONTENT | TOKEN_STRING_END => {
            token.parent().is_none_or(|parent| parent.kind() != NODE_STRING)
        }
        TOKEN_COMMA => {
            token.parent().is_none_or(|parent| ![NODE_PATTERN, SyntaxKind::NODE_PAT_ENTRY].contains(&parent.kind()))
        }
        _ => true,
    }
}
