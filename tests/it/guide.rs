//! The guides are true: every command in a `console` block of `docs/` and the README runs, in the example estate, and
//! prints what stands there. `[..]` stands for what differs from run to run.
#![expect(clippy::expect_used, reason = "a test that cannot build its world fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// One command of a guide and what it prints.
struct Step {
    line: usize,
    command: String,
    expected: String,
}

#[test]
fn every_command_of_the_guides_prints_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let world = tempfile::tempdir().expect("a temporary directory");
    let estate = world.path().join("estate");
    run(root, world.path(), &format!("{}/scripts/estate {}", root.display(), estate.display()));
    let mut wrong = Vec::new();
    for guide in ["README.md", "docs/getting-started.md"] {
        let text = std::fs::read_to_string(root.join(guide)).expect("the guide is there");
        for step in steps(&text) {
            let printed = run(world.path(), world.path(), &step.command);
            if !matches(&step.expected, &printed) {
                wrong.push(format!("{guide}:{}: $ {}\n{printed}", step.line, step.command));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn elisions_match_within_a_line_only() {
    assert!(matches("a [..] c\n", "a b c\n"));
    assert!(!matches("a [..] c\n", "a b\nc\n"));
    assert!(!matches("a\n", "a\nb\n"));
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => {
                    steps.push(Step { line: number + 1, command: command.to_owned(), expected: String::new() });
                }
                (None, Some(step)) => step.expected += &format!("{line}\n"),
                (None, None) => {}
            },
        }
    }
    steps
}

fn run(directory: &Path, world: &Path, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_cim-nix")).parent().expect("a directory").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(program).chain(std::env::split_paths(&path))).expect("a PATH");
    #[expect(clippy::disallowed_methods, reason = "guides are run as people run them")]
    let mut shell = Command::new("bash");
    shell.args(["-c", command]).current_dir(directory).env("PATH", path);
    for (name, below) in [("HOME", "home"), ("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state")] {
        let folder: PathBuf = world.join(below);
        std::fs::create_dir_all(&folder).expect("a folder");
        shell.env(name, folder);
    }
    shell.env("XDG_CONFIG_HOME", world.join("config")).env_remove("CIM_NIX_DB");
    let output = shell.output().expect("bash runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "$ {command}\n{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn matches(expected: &str, printed: &str) -> bool {
    let line = |(expected, printed): (&str, &str)| {
        let mut rest = printed;
        let mut parts = expected.split("[..]");
        let first = parts.next().unwrap_or_default();
        let Some(after) = rest.strip_prefix(first) else { return false };
        rest = after;
        let parts: Vec<&str> = parts.collect();
        for (n, part) in parts.iter().enumerate() {
            let last = n + 1 == parts.len();
            let found = if last { rest.ends_with(part).then(|| rest.len() - part.len()) } else { rest.find(part) };
            let Some(at) = found else { return false };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        rest.is_empty()
    };
    let (expected, printed): (Vec<_>, Vec<_>) = (expected.lines().collect(), printed.lines().collect());
    expected.len() == printed.len() && expected.into_iter().zip(printed).all(line)
}
