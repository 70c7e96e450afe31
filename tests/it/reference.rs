//! The reference pages are what the program prints of itself. `UPDATE=1` writes them anew.

use std::path::Path;
use std::process::Command;

#[test]
fn the_reference_is_what_the_program_says_of_itself() {
    for (page, topic) in [
        ("reference/sql", "sql-schema"),
        ("reference/cli", "cli-reference"),
        ("reference/events", "event-schema"),
        ("reference/settings", "settings-reference"),
        ("reference/wire", "wire-schema"),
        ("lints", "lint-reference"),
    ] {
        #[expect(clippy::disallowed_methods, reason = "the program is run as people run it")]
        let mut program = Command::new(env!("CARGO_BIN_EXE_cim-nix"));
        let output = program.args(["util", topic]).output().expect("the program runs");
        let printed = String::from_utf8(output.stdout).expect("the page is text");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/{page}.md"));
        if std::env::var_os("UPDATE").is_some() {
            #[expect(clippy::disallowed_methods, reason = "a developer asked for it")]
            std::fs::write(&path, &printed).expect("the page is written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == printed, "docs/{page}.md is not what `cim-nix util {topic}` prints; run with UPDATE=1");
    }
}
