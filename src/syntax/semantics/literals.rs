//! Numbers that Nix cannot hold, and bytes that its strings cannot.

use rnix::SyntaxKind::{TOKEN_FLOAT, TOKEN_INTEGER, TOKEN_STRING_CONTENT};
use rnix::{NodeOrToken, SyntaxNode};

use super::{Found, INVALID_NUMBER, NULL_BYTE};

/// A number has 64 bits; a minus before it is an operation, so the smallest one cannot be written.
pub(super) fn number(literal: &SyntaxNode, found: &mut Found<'_>) {
    let Some(token) = literal.first_token() else { return };
    let text = token.text();
    let message = match token.kind() {
        TOKEN_INTEGER if text.parse::<i64>().is_err() => format!("`{text}` does not fit into 64 bits"),
        TOKEN_FLOAT if !fits(text) => format!("`{text}` is larger, or smaller, than a number can be"),
        _ => return,
    };
    found.say(INVALID_NUMBER, token.text_range(), message);
}

/// Nix takes what the C library takes: neither what is infinite nor what is lost below the smallest number.
fn fits(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = mantissa.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    is_zero || text.parse::<f64>().is_ok_and(f64::is_normal)
}

pub(super) fn text(string: &SyntaxNode, found: &mut Found<'_>) {
    for token in string.children_with_tokens().filter_map(NodeOrToken::into_token) {
        if token.kind() == TOKEN_STRING_CONTENT && token.text().contains('\0') {
            found.say(NULL_BYTE, token.text_range(), "a string cannot hold a null byte".to_owned());
        }
    }
}
