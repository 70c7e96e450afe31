//! URLs taken apart and percent encoding, as loosely as Nix does it.

use std::collections::BTreeMap;

/// A URL in its parts. The path is as written, the query is decoded.
#[derive(Debug, Clone)]
pub(super) struct Url<'t> {
    pub(super) scheme: &'t str,
    pub(super) authority: Option<&'t str>,
    pub(super) path: &'t str,
    pub(super) query: BTreeMap<String, String>,
    pub(super) fragment: Option<String>,
}

impl<'t> Url<'t> {
    /// `None` when the text does not begin with a scheme.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        if !is_scheme(scheme) {
            return None;
        }
        let (rest, query, fragment) = tail(rest);
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Some(Self { scheme, authority, path, query, fragment })
    }

    /// Path segments, decoded, empty ones left out.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
    }

    /// The URL again with another scheme, what is left of the query, and without the fragment.
    pub(super) fn with_scheme(&self, scheme: &str) -> String {
        let slashes = if self.authority.is_some() { "//" } else { "" };
        let authority = self.authority.unwrap_or_default();
        format!("{scheme}:{slashes}{authority}{}{}", self.path, query(&self.query))
    }
}

/// What stands before `?`, the decoded query, and the decoded fragment.
pub(super) fn tail(text: &str) -> (&str, BTreeMap<String, String>, Option<String>) {
    let (rest, fragment) = match text.split_once('#') {
        Some((rest, fragment)) => (rest, Some(decode(fragment)).filter(|fragment| !fragment.is_empty())),
        None => (text, None),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    (rest, query.map(|(name, value)| (decode(name), decode(value))).collect(), fragment)
}

/// `?a=b&c=d` in name order, or nothing.
pub(super) fn query(parameters: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name, QUERY), encode(value, QUERY))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

const QUERY: &[u8] = b"/?:@!$'()*,;";

/// Percent-encodes everything but letters, digits, `-._~` and the bytes in `keep`.
pub(super) fn encode(text: &str, keep: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    encoded
}

/// Undoes percent encoding; what is not a code, or not UTF-8 afterwards, stays as written.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let (value, width) = code.and_then(hex).map_or((byte, 1), |value| (value, 3));
        decoded.push(value);
        at += width;
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

fn hex(digits: &[u8]) -> Option<u8> {
    let mut value = 0;
    for digit in digits {
        value = value * 16 + u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
    }
    Some(value)
}

/// Nix takes capitals for no scheme: `GitHub:o/r` is a path to it.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+.-".contains(&byte))
}
