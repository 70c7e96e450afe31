//! Secrets that are written with percent codes, as in `?url=https%3A%2F%2Fme%3Apassword%40example.org`.

use super::Found;

/// So often may a text be encoded.
const DEEPEST: usize = 3;

/// What is found in a text, and in what its percent codes stand for; at the places that these have in the text.
pub(super) fn find(text: &str, find: impl Fn(&str) -> Vec<Found>) -> Vec<Found> {
    let mut found = find(text);
    let mut layer = decode(text);
    for _ in 1..DEEPEST {
        let Some(Decoded { text, places }) = &layer else { return found };
        found.extend(find(text).into_iter().filter_map(|found| found.moved(places)));
        layer = decode(text).and_then(|inner| inner.seen_through(places));
    }
    found.extend(
        layer.iter().flat_map(|layer| find(&layer.text).into_iter().filter_map(|found| found.moved(&layer.places))),
    );
    found
}

/// A text without its percent codes.
struct Decoded {
    text: String,
    /// Where each byte of it stood, and where all of it ended.
    places: Vec<usize>,
}

impl Decoded {
    fn seen_through(self, outer: &[usize]) -> Option<Self> {
        let places: Option<_> = self.places.iter().map(|at| outer.get(*at).copied()).collect();
        Some(Self { text: self.text, places: places? })
    }
}

impl Found {
    fn moved(self, places: &[usize]) -> Option<Self> {
        Some(Self { start: *places.get(self.start)?, end: *places.get(self.end)?, ..self })
    }
}

/// Without the codes of ASCII characters: what else stands in a code is no part of what a secret is known by.
fn decode(text: &str) -> Option<Decoded> {
    let mut decoded = Decoded { text: String::new(), places: Vec::new() };
    let mut copied = 0;
    for (at, _) in text.match_indices('%') {
        let Some(letter) = text.get(at + 1..at + 3).and_then(ascii).filter(|_| at >= copied) else { continue };
        decoded.text.push_str(text.get(copied..at)?);
        decoded.places.extend(copied..=at);
        decoded.text.push(letter);
        copied = at + "%00".len();
    }
    if copied == 0 {
        return None;
    }
    decoded.text.push_str(text.get(copied..)?);
    decoded.places.extend(copied..=text.len());
    Some(decoded)
}

/// The character of two hexadecimal digits.
fn ascii(digits: &str) -> Option<char> {
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|byte| hex && byte.is_ascii()).map(char::from)
}
