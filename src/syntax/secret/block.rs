//! Keys that are longer than a word: PEM blocks, and the signing keys of Nix caches.

use super::Found;
use super::shape::{base64, run};

/// Finds private keys between `-----BEGIN` and `-----END`; without an end the rest of the text goes.
pub(super) fn private_keys(text: &str, found: &mut Vec<Found>) {
    const DASHES: &str = "-----";
    const LONGEST_LABEL: usize = 64;
    let from = |at: usize| text.get(at..).unwrap_or_default();
    let mut at = 0;
    while let Some(start) = from(at).find("-----BEGIN ").map(|offset| at + offset) {
        let label = start + "-----BEGIN ".len();
        at = label;
        let Some(length) = from(label).find(DASHES) else { break };
        if length > LONGEST_LABEL || !text.get(label..label + length).is_some_and(|label| label.contains("PRIVATE KEY"))
        {
            continue;
        }
        let body = label + length + DASHES.len();
        let end = from(body).find("-----END ").map(|offset| body + offset + "-----END ".len());
        let end = end.and_then(|label| from(label).find(DASHES).map(|length| label + length + DASHES.len()));
        at = end.unwrap_or(text.len());
        found.push(Found { start, end: at, kind: "private-key" });
    }
}

/// Finds the secret half of a cache's key, `name:` and 64 bytes in base64. The public half has 32 bytes and stays.
pub(super) fn nix_keys(text: &str, found: &mut Vec<Found>) {
    const DIGITS: usize = 86;
    let bytes = text.as_bytes();
    for (colon, _) in text.match_indices(':') {
        let (before, start) = (bytes.get(..colon).unwrap_or_default(), colon + 1);
        let named = before.last().is_some_and(u8::is_ascii_graphic);
        let digits = run(bytes.get(start..bytes.len().min(start + DIGITS + 1)).unwrap_or_default(), base64);
        let padded = bytes.get(start + digits..).unwrap_or_default().starts_with(b"==");
        if named && digits == DIGITS && padded && !before.ends_with(b"sha512") {
            found.push(Found { start, end: start + DIGITS + 2, kind: "nix-secret-key" });
        }
    }
}
