//! Credentials by where they stand: before the host of a URL, behind `Bearer` and `Basic`, in a netrc.

use super::Found;
use super::shape::{base64, run};

/// Schemes whose user name alone is no secret: `git@github.com`.
const SSH_LIKE: [&str; 7] = ["ssh", "git+ssh", "hg+ssh", "svn+ssh", "git", "sftp", "rsync"];

/// The kind of what stands before the `@` of a URL.
pub(super) const IN_URL: &str = "url-credentials";

/// Finds what stands before the `@` of a URL.
pub(super) fn urls(text: &str, found: &mut Vec<Found>) {
    for (at, slashes) in text.match_indices("://") {
        let start = at + slashes.len();
        let rest = text.get(start..).unwrap_or_default();
        let stop = |next: char| next.is_ascii_whitespace() || matches!(next, '/' | '?' | '#' | '"' | '`' | '\\');
        let authority = rest.split(stop).next().unwrap_or_default();
        let Some((user, _)) = authority.rsplit_once('@').filter(|_| !is_placeholder(authority)) else { continue };
        if !user.is_empty() && (has_password(user) || !SSH_LIKE.contains(&scheme(text, at))) {
            found.push(Found { start, end: start + user.len(), kind: IN_URL });
        }
    }
}

/// Where the user stands in a host that begins at an offset, as `me:password@` in `me:password@example.org`; none where it is
/// no more than the `git` of everybody, or computed.
pub(super) fn user(text: &str, start: usize) -> Option<(usize, usize)> {
    const LONGEST: usize = 2048;
    let rest = text.as_bytes().get(start..)?;
    let length =
        run(rest.get(..rest.len().min(LONGEST))?, |byte| !byte.is_ascii_whitespace() && !b"/?#&\"`\\".contains(&byte));
    let authority = text.get(start..start + length)?;
    let (user, _) = authority.rsplit_once('@').filter(|_| !is_placeholder(authority))?;
    (!user.is_empty() && user != "git" && !user.starts_with("${")).then(|| (start, start + user.len()))
}

/// `@name@`, where a text is put in before it is used, as `substituteAll` does.
fn is_placeholder(authority: &str) -> bool {
    let name = authority.strip_prefix('@').and_then(|rest| rest.strip_suffix('@'));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}

/// Whether there is a colon, other than that of a marker.
pub(super) fn has_password(user: &str) -> bool {
    user.matches(':').count() > user.matches("<redacted:").count()
}

/// The scheme that ends at an offset; longer ones than Nix has are cut.
fn scheme(text: &str, end: usize) -> &str {
    const LONGEST: usize = 16;
    let bytes = text.as_bytes().get(..end).unwrap_or_default();
    let letters =
        bytes.iter().rev().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    text.get(end - letters.count()..end).unwrap_or_default()
}

/// Finds the value behind `Bearer` and `Basic`, where it is one: prose has these words, too.
pub(super) fn headers(text: &str, found: &mut Vec<Found>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(space) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b' ')) {
        let (before, start) = (bytes.get(..at + space).unwrap_or_default(), at + space + 1);
        at = start;
        let bearer = ends_with(before, b"bearer");
        if !bearer && !ends_with(before, b"basic") {
            continue;
        }
        let rest = bytes.get(start..).unwrap_or_default();
        let length = run(rest, |byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
        let value = rest.get(..length).unwrap_or_default();
        let digits = value.iter().any(u8::is_ascii_digit);
        if (bearer && digits && length >= 16) || (!bearer && is_user_and_password(value)) {
            found.push(Found {
                start,
                end: start + length,
                kind: if bearer { "bearer-token" } else { "basic-credentials" },
            });
            at = start + length;
        }
    }
}

fn ends_with(text: &[u8], word: &[u8]) -> bool {
    let Some(start) = text.len().checked_sub(word.len()) else { return false };
    let begins = !start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    begins && text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Base64 of printable text with a colon in it.
fn is_user_and_password(value: &[u8]) -> bool {
    let digits = run(value, base64);
    if value.get(digits..).unwrap_or_default().iter().any(|byte| *byte != b'=') {
        return false;
    }
    let (mut bits, mut count, mut colon) = (0_u32, 0, false);
    for byte in value.get(..digits).unwrap_or_default() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = (bits << 6) | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            let decoded = (bits >> count) & 0xFF;
            bits &= (1 << count) - 1;
            colon |= decoded == u32::from(b':');
            if decoded < 0x20 {
                return false;
            }
        }
    }
    colon
}

/// Finds the passwords of a netrc: `machine h login u password p`, in either order.
pub(super) fn netrc(text: &str, found: &mut Vec<Found>) {
    let mut before = ["", ""];
    let mut words = text.split_ascii_whitespace().peekable();
    while let Some(word) = words.next() {
        if let (true, Some(value)) = (word == "password" && is_entry(before), words.peek()) {
            let start = value.as_ptr().addr() - text.as_ptr().addr();
            found.push(Found { start, end: start + value.len(), kind: "netrc-password" });
        }
        before = [before[1], word];
    }
}

/// Whether the two words before `password` are those of a netrc entry.
fn is_entry(before: [&str; 2]) -> bool {
    matches!(before, ["machine" | "login" | "account", _] | [_, "default"])
}
