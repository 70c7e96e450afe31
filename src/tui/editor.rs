//! The user's editor, at a line. The terminal must be the editor's while it runs; the caller sees to that.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// Editors that take `+LINE FILE`.
const PLUS: &[&str] = &[
    "vi",
    "vim",
    "nvim",
    "view",
    "gvim",
    "nano",
    "emacs",
    "emacsclient",
    "micro",
    "kak",
    "mg",
    "jed",
    "ne",
    "joe",
    "less",
];
/// Editors that take `FILE:LINE`.
const COLON: &[&str] = &["hx", "helix", "subl", "zed", "zeditor"];
/// Editors that take `-g FILE:LINE`.
const GO: &[&str] = &["code", "codium", "code-insiders", "cursor"];

/// The editors that are told a line.
pub(crate) fn known() -> impl Iterator<Item = &'static str> {
    PLUS.iter().chain(COLON).chain(GO).copied()
}

/// Opens a file; waits until the editor has ended. The error is a sentence.
#[expect(clippy::disallowed_methods, reason = "this is the one home of the editor's process")]
pub(crate) fn open(editor: &str, path: &Path, line: Option<u32>) -> Result<(), String> {
    let (program, arguments) = command(editor, path, line)?;
    let status = Command::new(&program).args(arguments).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the editor `{editor}` ended with {status}")),
        Err(error) => Err(format!("the editor `{editor}` did not start: {error}; set VISUAL or EDITOR")),
    }
}

/// The program and its arguments: what the user wrote, split as a shell does, then the file at its line in the way that
/// the editor understands; an unknown editor gets the file alone.
fn command(editor: &str, path: &Path, line: Option<u32>) -> Result<(String, Vec<OsString>), String> {
    let unfinished = || format!("the editor `{editor}` has a quote that does not end; correct VISUAL or EDITOR");
    let mut words = shlex::split(editor).ok_or_else(unfinished)?.into_iter();
    let program = words.next().ok_or("no editor is set: set VISUAL or EDITOR")?;
    let mut arguments: Vec<OsString> = words.map(OsString::from).collect();
    let name = program.rsplit('/').next().unwrap_or(&program);
    let Some(line) = line else {
        arguments.push(path.into());
        return Ok((program, arguments));
    };
    let mut at_line = path.as_os_str().to_owned();
    at_line.push(format!(":{line}"));
    if PLUS.contains(&name) {
        arguments.extend([format!("+{line}").into(), path.into()]);
    } else if COLON.contains(&name) {
        arguments.push(at_line);
    } else if GO.contains(&name) {
        arguments.extend(["-g".into(), at_line]);
    } else {
        arguments.push(path.into());
    }
    Ok((program, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(editor: &str, line: Option<u32>) -> String {
        let (program, arguments) = command(editor, Path::new("/a b/flake.nix"), line).unwrap();
        let arguments = arguments.iter().map(|a| a.to_string_lossy().into_owned());
        std::iter::once(program).chain(arguments).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn every_editor_is_told_the_line_in_its_own_way() {
        assert_eq!(words("nvim", Some(12)), "nvim|+12|/a b/flake.nix");
        assert_eq!(words("/usr/bin/nano -w", Some(3)), "/usr/bin/nano|-w|+3|/a b/flake.nix");
        assert_eq!(words("hx", Some(3)), "hx|/a b/flake.nix:3");
        assert_eq!(words("code --wait", Some(3)), "code|--wait|-g|/a b/flake.nix:3");
        assert_eq!(words("ed", Some(3)), "ed|/a b/flake.nix");
        assert_eq!(words("vim", None), "vim|/a b/flake.nix");
        assert_eq!(words("emacsclient -t -a \"\"", Some(3)), "emacsclient|-t|-a||+3|/a b/flake.nix");
        assert_eq!(words("vim -c 'set nowrap'", Some(3)), "vim|-c|set nowrap|+3|/a b/flake.nix");
        assert!(command("  ", Path::new("/x"), None).is_err());
        assert!(command("vim 'x", Path::new("/x"), None).unwrap_err().contains("does not end"));
    }

    #[test]
    fn an_editor_that_is_not_there_is_named() {
        let error = open("no-such-editor-here", Path::new("/x"), None).unwrap_err();
        assert!(error.contains("no-such-editor-here") && error.contains("VISUAL"), "{error}");
    }
}
