//! What a node is made of, without a cursor for each piece: for a first look that most nodes do not pass.

use rnix::{NixLanguage, SyntaxKind, TextRange, TextSize};
use rowan::{GreenNodeData, GreenTokenData, Language, NodeOrToken};

/// A node and where it begins: a cursor that only goes down, and costs nothing.
#[derive(Debug, Clone, Copy)]
pub struct Place<'g> {
    /// What it is.
    pub kind: SyntaxKind,
    green: &'g GreenNodeData,
    start: TextSize,
}

impl<'g> Place<'g> {
    /// The root of a tree.
    pub fn root(green: &'g GreenNodeData) -> Self {
        Self { kind: NixLanguage::kind_from_raw(green.kind()), green, start: TextSize::default() }
    }

    /// Where it stands.
    pub fn range(self) -> TextRange {
        TextRange::at(self.start, self.green.text_len())
    }

    /// The nodes below it.
    pub fn children(self) -> impl Iterator<Item = Self> + use<'g> {
        let mut next = self.start;
        self.green.children().filter_map(move |child| {
            let start = next;
            match child {
                NodeOrToken::Node(green) => {
                    next += green.text_len();
                    Some(Self { kind: NixLanguage::kind_from_raw(green.kind()), green, start })
                }
                NodeOrToken::Token(token) => {
                    next += token.text_len();
                    None
                }
            }
        })
    }

    /// The first node below it.
    pub fn first(self) -> Option<Self> {
        self.children().next()
    }

    /// Whether a token of a kind stands in it itself.
    pub fn has(self, kind: SyntaxKind) -> bool {
        tokens(self.green).any(|(found, _)| found == kind)
    }

    /// The node of a kind at a range, here or below.
    pub fn find(self, kind: SyntaxKind, range: TextRange) -> Option<Self> {
        let mut at = self;
        while (at.kind, at.range()) != (kind, range) {
            at = at.children().find(|child| child.range().contains_range(range))?;
        }
        Some(at)
    }
}

/// The nodes below one, with their kinds.
pub fn nodes(green: &GreenNodeData) -> impl Iterator<Item = (SyntaxKind, &GreenNodeData)> {
    green.children().filter_map(|child| match child {
        NodeOrToken::Node(node) => Some((NixLanguage::kind_from_raw(node.kind()), node)),
        NodeOrToken::Token(_) => None,
    })
}

/// The tokens of a node itself, with their kinds.
pub fn tokens(green: &GreenNodeData) -> impl Iterator<Item = (SyntaxKind, &GreenTokenData)> {
    green.children().filter_map(|child| match child {
        NodeOrToken::Node(_) => None,
        NodeOrToken::Token(token) => Some((NixLanguage::kind_from_raw(token.kind()), token)),
    })
}

/// The name that an identifier is.
pub fn identifier(green: &GreenNodeData) -> Option<&str> {
    tokens(green).find(|(kind, _)| *kind == SyntaxKind::TOKEN_IDENT).map(|(_, token)| token.text())
}
