//! Secrets in text, taken out before anything is stored: credentials in URLs, known token shapes, secret-named values.
//!
//! Knows text only. Takes time linear in it, leaves hashes, revisions and public keys alone, and doing it twice changes
//! nothing. When in doubt a value goes: a lost value can be looked up in its file, a stored secret cannot be taken back.

use std::borrow::Cow;

use serde_json::Value;

use super::{Attrs, Span};

mod block;
mod credential;
mod encoded;
mod hook;
mod named;
mod shape;

pub(crate) use named::is_plain_word;

/// What the marker begins with that takes the place of a secret.
pub const MARKER: &str = "<redacted:";

/// A text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text, each secret replaced by a marker such as `<redacted:github-token>`.
    pub text: String,
    /// What was taken out, in text order; empty when the text is unchanged.
    pub found: Vec<Secret>,
}

/// A secret that was taken out. What it was is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secret {
    /// What kind, as in `github-token`.
    pub kind: &'static str,
    /// Where it stood in the text that was given.
    pub span: Span,
}

/// A stretch of text that holds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    start: usize,
    end: usize,
    kind: &'static str,
}

/// Takes the secrets out of any text.
pub fn redact(text: &str) -> Redacted {
    settle(text, |text| merge(find(text)))
}

/// So many bytes of a longer text decide whether what is left of it when it is cut is a piece of a secret.
pub(super) const WINDOW: usize = 1024;

/// The first characters of a text, with a sign where it was longer. What is cut is cleaned before: a piece of a secret is not
/// known for one.
pub(super) fn cut(text: &str, characters: usize) -> String {
    if text.char_indices().nth(characters).is_none() {
        return text.to_owned();
    }
    let clean = redact(text.get(..text.floor_char_boundary(WINDOW)).unwrap_or(text)).text;
    match clean.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
        None => clean,
    }
}

/// A text in which every byte of a secret is a star, with its lines as they are: for whoever shows a file. Places stay.
pub fn masked(text: &str) -> Cow<'_, str> {
    let found = redact(text).found;
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for Secret { span, .. } in found {
        masked.push_str(text.get(done..span.start).unwrap_or_default());
        let stars = |c: char| if matches!(c, '\n' | '\r') { c.to_string() } else { "*".repeat(c.len_utf8()) };
        masked.extend(text.get(span.start..span.end).unwrap_or_default().chars().map(stars));
        done = span.end;
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(masked)
}

/// Takes the secrets out of the value of a setting; of one with a secret's name the whole value.
pub fn redact_setting(name: &str, value: &str) -> Redacted {
    match named::setting(name) {
        named::Meaning::Secret => replace(value, whole(value, 0, value.len())),
        named::Meaning::TokensByHost => settle(value, by_host),
        named::Meaning::Host => settle(value, |value| merge(of_host(value))),
        named::Meaning::Other => redact(value),
    }
}

/// Takes the secrets out of attribute names and values, at any depth. Spans are those within each single text.
pub fn redact_attrs(attrs: &Attrs) -> (Attrs, Vec<Secret>) {
    let mut found = Vec::new();
    (clean_attrs(attrs, &mut found), found)
}

/// Whether [`redact_attrs`] would leave everything as it is.
pub fn are_clean(attrs: &Attrs) -> bool {
    attrs.iter().all(|(name, value)| find(name).is_empty() && is_clean(name, value))
}

fn is_clean(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => match named::setting(name) {
            named::Meaning::Secret => whole(text, 0, text.len()).is_empty(),
            named::Meaning::TokensByHost => by_host(text).is_empty(),
            named::Meaning::Host => of_host(text).is_empty(),
            named::Meaning::Other => find(text).is_empty(),
        },
        Value::Array(values) => values.iter().all(|value| is_clean(name, value)),
        Value::Object(attrs) => are_clean(attrs),
        Value::Number(_) => named::setting(name) != named::Meaning::Secret,
        Value::Null | Value::Bool(_) => true,
    }
}

/// Replaces what is found until nothing is: a marker, once in place, may make what is around it look like a secret.
fn settle(text: &str, find: impl Fn(&str) -> Vec<Found>) -> Redacted {
    const MOST_ROUNDS: usize = 8;
    let mut clean = replace(text, find(text));
    for _ in 1..MOST_ROUNDS {
        let found = if clean.found.is_empty() { Vec::new() } else { find(&clean.text) };
        if found.is_empty() {
            break;
        }
        clean.text = replace(&clean.text, found).text;
    }
    clean
}

/// Secrets that their shape alone makes certain, whatever the text is: private keys, tokens, and passwords in URLs. What
/// only a name makes likely is left out.
pub fn certain(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    let finders: [Finder; 6] =
        [block::private_keys, shape::tokens, hook::webhooks, hook::telegram, block::nix_keys, credential::urls];
    for find in finders {
        find(text, &mut found);
    }
    if found.is_empty() { Vec::new() } else { replace(text, merge(found)).found }
}

type Finder = fn(&str, &mut Vec<Found>);

fn find(text: &str) -> Vec<Found> {
    encoded::find(text, as_written)
}

/// The same in the value of a `host`, which may begin with a user.
fn of_host(value: &str) -> Vec<Found> {
    encoded::find(value, |value| {
        let user = credential::user(value, 0).map(|(start, end)| Found { start, end, kind: credential::IN_URL });
        let mut found = as_written(value);
        found.extend(user.filter(|user| !value.get(user.start..user.end).is_none_or(is_marker)));
        found
    })
}

fn as_written(text: &str) -> Vec<Found> {
    // Where finders overlap the earlier one names the kind, so the more telling ones come first.
    const FINDERS: [(u8, Finder); 9] = [
        (SPACE, block::private_keys),
        (0, shape::tokens),
        (SLASH, hook::webhooks),
        (COLON, hook::telegram),
        (COLON, block::nix_keys),
        (SPACE, credential::headers),
        (SPACE, credential::netrc),
        (COLON | AT, credential::urls),
        (SEPARATOR, named::assignments),
    ];
    let has = text.bytes().fold(0, |has, byte| has | mark(byte));
    let mut found = Vec::new();
    for (needs, find) in FINDERS {
        if has & needs == needs {
            find(text, &mut found);
        }
    }
    found.retain(|found| !text.get(found.start..found.end).is_none_or(is_marker));
    found
}

// What a finder cannot do without: most texts are a word or a hash, and are looked through once.
const SPACE: u8 = 1;
const COLON: u8 = 2;
const SEPARATOR: u8 = 4;
const AT: u8 = 8;
const SLASH: u8 = 16;

const fn mark(byte: u8) -> u8 {
    match byte {
        b':' => COLON | SEPARATOR,
        b'=' => SEPARATOR,
        b'@' => AT,
        b'/' => SLASH,
        _ if byte.is_ascii_whitespace() => SPACE,
        _ => 0,
    }
}

fn clean_attrs(attrs: &Attrs, found: &mut Vec<Secret>) -> Attrs {
    let clean = attrs.iter().map(|(name, value)| (keep(redact(name), found), clean_value(name, value, found)));
    clean.collect()
}

fn clean_value(name: &str, value: &Value, found: &mut Vec<Secret>) -> Value {
    match value {
        Value::String(text) => Value::String(keep(redact_setting(name, text), found)),
        Value::Array(values) => values.iter().map(|value| clean_value(name, value, found)).collect(),
        Value::Object(attrs) => Value::Object(clean_attrs(attrs, found)),
        Value::Number(number) if named::setting(name) == named::Meaning::Secret => {
            Value::String(keep(redact_setting(name, &number.to_string()), found))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn keep(redacted: Redacted, found: &mut Vec<Secret>) -> String {
    found.extend(redacted.found);
    redacted.text
}

/// What follows the `=` of each item; the whole item when there is no host before it, or a secret in the host.
fn by_host(value: &str) -> Vec<Found> {
    let mut known = merge(find(value)).into_iter().peekable();
    let items = value.split_ascii_whitespace().flat_map(|item| {
        let start = item.as_ptr().addr() - value.as_ptr().addr();
        let host = item.find('=').map_or(0, |equals| equals + 1);
        while known.next_if(|known| known.end <= start).is_some() {}
        let clean = known.peek().is_none_or(|known| known.start >= start + host);
        whole(value, if clean { start + host } else { start }, start + item.len())
    });
    items.collect()
}

/// The stretch as one secret, unless it is empty or was taken out before.
fn whole(text: &str, start: usize, end: usize) -> Vec<Found> {
    let secret = text.get(start..end).is_some_and(|value| !named::is_plain_word(value) && !is_marker(value));
    if secret { vec![Found { start, end, kind: "secret-setting" }] } else { Vec::new() }
}

/// `<redacted:` and a kind and `>`, and nothing else.
fn is_marker(text: &str) -> bool {
    let kind = text.strip_prefix(MARKER).and_then(|rest| rest.strip_suffix('>'));
    kind.is_some_and(|kind| kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'))
}

/// Overlapping stretches as one, with the kind of the one that was found first; in text order.
fn merge(found: Vec<Found>) -> Vec<Found> {
    let mut ranked: Vec<_> = found.into_iter().enumerate().collect();
    ranked.sort_by_key(|(rank, found)| (found.start, *rank));
    let mut merged: Vec<(usize, Found)> = Vec::new();
    for (rank, next) in ranked {
        match merged.last_mut() {
            Some((first, last)) if next.start < last.end => {
                last.end = last.end.max(next.end);
                if rank < *first {
                    (*first, last.kind) = (rank, next.kind);
                }
            }
            _ => merged.push((rank, next)),
        }
    }
    merged.into_iter().map(|(_, found)| found).collect()
}

fn replace(text: &str, found: Vec<Found>) -> Redacted {
    let mut clean = String::with_capacity(text.len());
    let mut secrets = Vec::with_capacity(found.len());
    let (mut at, mut line) = (0, 1_u32);
    for Found { start, end, kind } in found {
        let before = text.get(at..start).unwrap_or_default();
        line = line.saturating_add(newlines(before));
        clean.push_str(before);
        clean.push_str(MARKER);
        clean.push_str(kind);
        clean.push('>');
        secrets.push(Secret { kind, span: Span { start, end, line } });
        line = line.saturating_add(newlines(text.get(start..end).unwrap_or_default()));
        at = end;
    }
    clean.push_str(text.get(at..).unwrap_or_default());
    Redacted { text: clean, found: secrets }
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
