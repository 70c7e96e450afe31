//! Words of a command line: what comes from a name, a path or a file is shown so that a shell takes it as one word and as
//! nothing else, whoever chose it. Knows no command.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A text as the shell reads it: as it is, where that means the same.
pub fn word(text: &str) -> Cow<'_, str> {
    // A terminal takes a control character that is pasted for a key, also between quotes.
    if text.contains(char::is_control) {
        return Cow::Owned(escaped(text.as_bytes()));
    }
    // Only a NUL cannot be quoted, which is a control character.
    shlex::try_quote(text).unwrap_or_else(|_| Cow::Owned(escaped(text.as_bytes())))
}

/// A path as the shell reads it, byte by byte.
pub fn path(path: &Path) -> String {
    match path.to_str() {
        Some(text) => word(text).into_owned(),
        None => escaped(path.as_os_str().as_bytes()),
    }
}

/// A flag with its value, with a space before it; a value that begins with `-` would be taken for a flag.
pub fn flag(name: &str, value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!(" --{name}{between}{}", word(value))
}

/// A text as the last argument of a command: one that begins with `-` would be taken for a flag.
pub fn argument(text: &str) -> String {
    let apart = if text.starts_with('-') { "-- " } else { "" };
    format!("{apart}{}", word(text))
}

/// Between `$'` and `'`, as bash, zsh and ksh read it, without a byte that is not printable ASCII.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::from("$'");
    for &byte in bytes {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(text, "\\{byte:03o}")),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_word_is_read_back_as_it_was_and_plain_ones_stay_plain() {
        for plain in ["/home/ada/src/a-b_c.d", "0190a1b2", "finding.raised"] {
            assert_eq!(word(plain), plain);
        }
        for odd in
            ["/e/$(touch PWNED)", "a b", "it's", "`x`", "a;b", "!x", "*", "~", "#1", "", "a\\b", "\"", "$HOME", "日 本"]
        {
            let quoted = word(odd);
            assert_ne!(quoted, odd);
            assert_eq!(shlex::split(&quoted), Some(vec![odd.to_owned()]), "{quoted}");
        }
    }

    #[test]
    fn no_control_character_gets_to_the_terminal_that_a_word_is_pasted_into() {
        assert_eq!(word("a\u{3}\nb'\\ é"), "$'a\\003\\012b\\'\\\\ \\303\\251'");
        assert_eq!(word("\u{85}"), "$'\\302\\205'");
        assert_eq!(path(Path::new(OsStr::from_bytes(b"/a b/\xff"))), "$'/a b/\\377'");
        assert_eq!(path(Path::new("/a b")), "'/a b'");
    }

    #[test]
    fn a_value_that_begins_like_a_flag_stays_a_value() {
        assert_eq!(flag("find", "x y"), " --find 'x y'");
        assert_eq!(flag("find", "-x"), " --find=-x");
        assert_eq!((argument("nixpkgs"), argument("--x y")), ("nixpkgs".to_owned(), "-- '--x y'".to_owned()));
    }
}
