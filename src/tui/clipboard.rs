//! Copying through the terminal (OSC 52), which works on this machine and over SSH and needs no program. Inside tmux, which as it
//! comes lets no such sequence through, into its paste buffer: tmux itself tells the terminal outside.

use std::io::{self, Write};

use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;

/// The longest text that terminals commonly take.
const LONGEST: usize = 70_000;

/// Gives the text to tmux, where there is one, and else to the terminal's clipboard; says which way it went.
pub(crate) fn copy(out: &mut impl Write, text: &str, tmux: Option<Load<'_>>) -> io::Result<String> {
    if tmux.is_some_and(|load| load(text)) {
        return Ok(format!("copied to the paste buffer of tmux: {text}"));
    }
    if text.len() > LONGEST {
        return Ok("too long to copy through the terminal".to_owned());
    }
    out.write_all(sequence(text, tmux.is_some()).as_bytes())?;
    out.flush()?;
    let way = if tmux.is_some() { "sent through tmux to the terminal, if both let it" } else { "sent to the terminal" };
    Ok(format!("{way}: {text}"))
}

/// Puts a text into the paste buffer of tmux; says whether it is there.
pub(crate) type Load<'a> = &'a dyn Fn(&str) -> bool;

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
        let said = copy(&mut out, &"x".repeat(LONGEST + 1), None).unwrap();
        assert!(out.is_empty() && said.contains("too long"));
    }

    #[test]
    fn a_text_goes_to_tmux_alone_and_past_it_where_it_does_not_take_it() {
        let mut out = Vec::new();
        assert_eq!(copy(&mut out, "hi", Some(&|text| text == "hi")).unwrap(), "copied to the paste buffer of tmux: hi");
        assert!(out.is_empty());
        assert!(copy(&mut out, "hi", Some(&|_| false)).unwrap().contains("if both let it"));
        assert_eq!(out, sequence("hi", true).as_bytes());
    }
}
