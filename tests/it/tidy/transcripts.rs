//! Every command has a transcript that shows what it does.

use std::fs;

use crate::parts::repository;

/// Commands whose answer is a text of its own kind whatever the format: there is nothing to show as JSON.
const TEXT_ONLY: &[&str] = &[
    "hook git",
    "hook shell",
    "util completions",
    "util man",
    "util cli-reference",
    "util settings-reference",
    "util lint-reference",
    "store export",
];

#[test]
fn every_command_has_a_transcript_for_people_and_scripts() {
    // A test keeps this page equal to the commands that are registered.
    let page = fs::read_to_string(repository().join("docs/reference/cli.md")).unwrap();
    let commands = leaves(&page);
    assert!(commands.len() > 30, "{commands:?}");
    let wrong: Vec<String> = commands.iter().filter_map(|command| wrong(command)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// What a command's transcript lacks.
fn wrong(command: &str) -> Option<String> {
    let path = format!("tests/cli/{}.trycmd", command.replace(' ', "-"));
    let Ok(text) = fs::read_to_string(repository().join(&path)) else {
        return Some(format!("{path}: `cim-nix {command}` has no transcript: write one, TRYCMD=overwrite fills it"));
    };
    let runs = |with: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with("$ "));
        // Options that hold for every command may stand before it.
        let words = format!(" {command} ");
        lines.any(|line| line.contains("cim-nix ") && format!("{line} ").contains(&words) && line.contains(with))
    };
    if !runs("") {
        return Some(format!("{path}: never runs `cim-nix {command}`"));
    }
    (!TEXT_ONLY.contains(&command) && !runs("--json")).then(|| format!("{path}: never runs it with `--json`"))
}

/// The commands that are no groups of others, from the headings of the reference.
fn leaves(page: &str) -> Vec<&str> {
    let names: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("###"))
        .filter_map(|line| line.split_once("`cim-nix ")?.1.strip_suffix('`'))
        .collect();
    let is_group = |name: &str| names.iter().any(|other| other.starts_with(&format!("{name} ")));
    names.iter().copied().filter(|name| !is_group(name)).collect()
}

#[test]
fn groups_are_no_commands_of_their_own() {
    let page = "## `cim-nix`\n### `cim-nix scan`\n### `cim-nix flake`\n#### `cim-nix flake list`\n";
    assert_eq!(leaves(page), ["scan", "flake list"]);
}
