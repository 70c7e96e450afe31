//! Copying through the terminal (OSC 52): works on this machine, over SSH and inside tmux, and needs no program.

use std::io::{self, Write};

use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;

/// The longest text that terminals commonly take.
const LONGEST: usize = 70_000;

/// Writes the text to the terminal's clipboard; says which way it went.
pub(crate) fn copy(out: &mut impl Write, text: &str, in_tmux: bool) -> io::Result<String> {
    if text.len() > LONGEST {
        return Ok("too long to copy through the terminal".to_owned());
    }
    out.write_all(sequence(text, in_tmux).as_bytes())?;
    out.flush()?;
    let way = if in_tmux { "through tmux and the terminal" } else { "through the terminal" };
    Ok(format!("copied {way}: {text}"))
}

/// The bytes that do it; tmux hands a wrapped sequence on to the terminal outside.
fn sequence(text: &str, in_tmux: bool) -> String {
    let mut plain = String::new();
    // Writing to a string cannot fail.
    let _ = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut plain);
    if in_tmux {
        let wrapped = format!("\u{1b}Ptmux;{}\u{1b}\\", plain.replace('\u{1b}', "\u{1b}\u{1b}"));
        return plain + &wrapped;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_as_base64_and_through_tmux_as_well() {
        assert_eq!(sequence("hi", false), "\u{1b}]52;c;aGk=\u{1b}\\");
        assert_eq!(
            sequence("hi", true),
            "\u{1b}]52;c;aGk=\u{1b}\\\u{1b}Ptmux;\u{1b}\u{1b}]52;c;aGk=\u{1b}\u{1b}\\\u{1b}\\"
        );
    }

    #[test]
    fn a_huge_text_is_not_sent() {
        let mut out = Vec::new();
        let said = copy(&mut out, &"x".repeat(LONGEST + 1), false).unwrap();
        assert!(out.is_empty() && said.contains("too long"));
    }
}
