//! Values whose name says that they are secret: `?access_token=…`, `password = "…"`, settings such as `access-tokens`.

use std::borrow::Cow;

use super::{Found, credential};

/// What the name of a setting says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The value is a secret.
    Secret,
    /// The value is a list of `host=token`.
    TokensByHost,
    /// The value is a host, which may have a user and a password before it.
    Host,
    /// Nothing.
    Other,
}

/// Words that make a name a secret's.
pub(super) const WORDS: [&str; 13] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "signature",
    "apikey",
    "api-key",
    "credential",
    "private-key",
    "access-key",
    "account-key",
    "authorization",
];
/// Whole names that are a secret's.
pub(super) const NAMES: [&str; 5] = ["netrc", "pwd", "pass", "jwt", "bearer"];
/// Names of query parameters that are too common elsewhere.
const IN_QUERY: [&str; 7] = ["key", "sig", "auth", "code", "sas", "session", "pat"];
/// The name of a host, in references such as `github:o/r?host=example.org`.
const HOST: &str = "host";
/// Endings of names whose value only says where or how a secret is kept.
pub(super) const ABOUT: [&str; 12] =
    ["file", "files", "path", "paths", "dir", "directory", "command", "name", "type", "endpoint", "helper", "lifetime"];

/// Longer names than this are not looked at in full.
const LONGEST_NAME: usize = 64;

pub(super) fn setting(name: &str) -> Meaning {
    let name = normal(name);
    match &*name {
        "access-tokens" | "extra-access-tokens" => Meaning::TokensByHost,
        HOST => Meaning::Host,
        name if is_secret(name) => Meaning::Secret,
        _ => Meaning::Other,
    }
}

/// Finds `name=value`, `name = "value"`, `"name": "value"` and the header form `name: value`, with a secret's name.
pub(super) fn assignments(text: &str, found: &mut Vec<Found>) {
    let mut covered = 0;
    for (at, separator) in text.match_indices(['=', ':']) {
        // Inside a value that goes anyway there is nothing to look for, or `a=a=a=…` would be read over and over.
        if at < covered {
            continue;
        }
        let Some((name, in_query)) = name_before(text, at) else { continue };
        let name = normal(name);
        if name == HOST {
            if let Some((start, end)) = user_after(text, at, in_query) {
                covered = end;
                found.push(Found { start, end, kind: credential::IN_URL });
            }
            continue;
        }
        if !(is_secret(&name) || in_query && separator == "=" && is_secret_in_query(&name)) {
            continue;
        }
        if let Some((start, end)) = value_after(text, at, separator, &name) {
            covered = end;
            found.push(Found { start, end, kind: "secret-value" });
        }
    }
}

/// The user before the host that a separator is followed by; outside a query only with a password, as many a program is
/// told `host = "me@example.org"`.
fn user_after(text: &str, at: usize, in_query: bool) -> Option<(usize, usize)> {
    let rest = text.get(at + 1..)?;
    let spaces = rest.bytes().take(LONGEST_NAME).take_while(|byte| *byte == b' ').count();
    let value = rest.get(spaces..)?;
    let quote = ["\"", "\\\""].into_iter().find(|quote| value.starts_with(quote)).map_or(0, str::len);
    let (start, end) = credential::user(text, at + 1 + spaces + quote)?;
    (in_query || credential::has_password(text.get(start..end)?)).then_some((start, end))
}

fn is_secret_in_query(name: &str) -> bool {
    IN_QUERY.contains(&name) || name.ends_with("-pat")
}

fn value_after(text: &str, at: usize, separator: &str, name: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let spaces = bytes.iter().skip(at + 1).take(LONGEST_NAME).take_while(|byte| **byte == b' ').count();
    let start = at + 1 + spaces;
    match (bytes.get(start)?, bytes.get(start + 1)) {
        (b'"', _) => quoted(text, start + 1),
        (b'\\', Some(b'"')) => escaped(text, start + 2),
        (b'=' | b'>' | b'$', _) => None,
        _ if separator == "=" && spaces == 0 => plain(text, start),
        _ if separator == ":" && spaces > 0 && name.ends_with("authorization") => line(text, start),
        _ if separator == ":" && spaces > 0 && (name.contains('-') || name.starts_with("pass")) => plain(text, start),
        _ => None,
    }
}

/// The name that ends before a separator, spaces and a quote between them left out, and whether a query begins it.
fn name_before(text: &str, separator: usize) -> Option<(&str, bool)> {
    let bytes = text.as_bytes().get(..separator)?;
    let back = |from: usize, fits: fn(&u8) -> bool| {
        let bytes = bytes.get(..from).unwrap_or_default();
        from - bytes.iter().rev().take(LONGEST_NAME).take_while(|byte| fits(byte)).count()
    };
    let end = back(back(separator, |byte| *byte == b' '), |byte| matches!(byte, b'"' | b'\\'));
    let start = back(end, |byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    let name = text.get(start..end).filter(|name| !name.is_empty())?;
    Some((name, matches!(before, Some(b'?' | b'&' | b'#'))))
}

/// What stands between quotes; without the second one, up to the end of the line.
fn quoted(text: &str, start: usize) -> Option<(usize, usize)> {
    let mut escaped = false;
    until(text, start, |byte| {
        let stop = byte == b'\n' || (byte == b'"' && !escaped);
        escaped = byte == b'\\' && !escaped;
        stop
    })
}

/// What stands between quotes that are themselves escaped.
fn escaped(text: &str, start: usize) -> Option<(usize, usize)> {
    until(text, start, |byte| matches!(byte, b'\n' | b'"' | b'\\'))
}

fn plain(text: &str, start: usize) -> Option<(usize, usize)> {
    until(text, start, |byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'&' | b'#' | b'\\'))
}

fn line(text: &str, start: usize) -> Option<(usize, usize)> {
    until(text, start, |byte| matches!(byte, b'\n' | b'\r' | b'"' | b'\\'))
}

/// The stretch up to a byte that stops it, unless it is empty, a plain word, or computed.
fn until(text: &str, start: usize, stop: impl FnMut(u8) -> bool) -> Option<(usize, usize)> {
    let rest = text.get(start..).filter(|rest| !rest.starts_with("${"))?;
    let length = rest.bytes().position(stop).unwrap_or(rest.len());
    (!is_plain_word(rest.get(..length)?)).then_some((start, start + length))
}

/// Values that no secret has.
pub(crate) fn is_plain_word(value: &str) -> bool {
    matches!(value.trim(), "" | "true" | "false" | "null" | "none" | "yes" | "no")
}

/// Whether one of the words ends a word of the name: `githubToken` and `tokens`, but not `tokenizer`.
fn is_secret(name: &str) -> bool {
    let last = name.rsplit('-').next().unwrap_or_default();
    let ends_in_one = || word_ends(name).any(|up_to| WORDS.iter().any(|word| up_to.ends_with(word)));
    !ABOUT.contains(&last) && (NAMES.contains(&name) || ends_in_one())
}

/// The name up to the end of each of its words, and the same without an `s` at its end.
fn word_ends(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.match_indices('-').map(|(at, _)| at).chain([name.len()]);
    let up_to = ends.filter_map(|end| name.get(..end));
    up_to.flat_map(|up_to| [Some(up_to), up_to.strip_suffix('s')].into_iter().flatten())
}

/// Lower case with dashes between words, whichever way they were divided: `apiKey`, `API_KEY`, `api.key`.
fn normal(name: &str) -> Cow<'_, str> {
    if !name.bytes().any(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'.')) {
        return Cow::Borrowed(name);
    }
    let mut normal = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            normal.push('-');
        }
        after_lower = letter.is_ascii_lowercase();
        normal.push(if matches!(letter, '_' | '.') { '-' } else { letter.to_ascii_lowercase() });
    }
    Cow::Owned(normal)
}
