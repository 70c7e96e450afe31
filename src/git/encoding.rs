//! The words of a commit in the encoding that its header names, as git decodes them where it shows them.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use gix::bstr::{BStr, ByteSlice};

/// The text; what the encoding does not have is replaced, and what names none that is known is read as UTF-8.
pub(super) fn decode<'t>(text: &'t BStr, encoding: Option<&BStr>) -> Cow<'t, str> {
    match encoding.and_then(|label| named(label)) {
        Some(encoding) => encoding.decode_without_bom_handling(text).0,
        None => text.to_str_lossy(),
    }
}

fn named(label: &[u8]) -> Option<&'static Encoding> {
    // What git writes of old; it has no other name for it either.
    let label = if label.trim().eq_ignore_ascii_case(b"latin-1") { b"latin1" } else { label };
    // No commit is written in these: its lines would not be lines.
    Encoding::for_label_no_replacement(label).filter(|encoding| ![UTF_16BE, UTF_16LE].contains(encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_its_header_says_and_otherwise_as_utf8() {
        let read = |label: &str, text: &[u8]| decode(text.into(), Some(label.into())).into_owned();
        for label in ["ISO-8859-1", "latin1", "latin-1", "Latin-1", "iso8859-1", "windows-1252", "cp1252"] {
            assert_eq!(read(label, b"J\xfcrgen"), "Jürgen", "{label}");
        }
        assert_eq!(read("ISO-8859-15", b"\xa4"), "€");
        assert_eq!(read("KOI8-R", b"\xcd\xc9\xd2"), "мир");
        assert_eq!(read("Shift_JIS", b"\x93\xfa\x96\x7b"), "日本");
        for label in ["UTF-8", "utf8", "UTF-16", "x-unknown", ""] {
            assert_eq!(read(label, "Jürgen\u{feff}".as_bytes()), "Jürgen\u{feff}", "{label}");
            assert_eq!(read(label, b"J\xfcrgen"), "J\u{fffd}rgen", "{label}");
        }
        assert_eq!(decode(b"J\xfcrgen".into(), None), "J\u{fffd}rgen");
    }
}
