//! The reference of the command line, made from the arguments.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use crate::cli::args::Args;

/// The whole reference.
pub(in crate::cli) fn markdown() -> String {
    let mut root = Args::command().disable_help_subcommand(true);
    root.build();
    let mut text = String::from(
        "<!-- Made by `cim-nix util cli-reference`; a test keeps it so. -->\n\n# Command line reference\n\n\
         Every command prints data on stdout and everything else on stderr. `--format plain`, `json` and `jsonl` and \
         the exit codes are stable; what people see may change.\n",
    );
    section(&root, 2, true, &mut text);
    text
}

fn section(command: &Command, level: usize, with_globals: bool, text: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let _ = writeln!(text, "\n{} `{name}`\n", "#".repeat(level.min(4)));
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        let _ = writeln!(text, "{}\n", about.to_string().trim());
    }
    let usage = command.clone().render_usage().to_string();
    let _ = writeln!(text, "```text\n{}\n```", usage.trim_start_matches("Usage:").trim());
    arguments(command, with_globals, text);
    if let Some(after) = command.get_after_help() {
        let _ = writeln!(text, "\n```text\n{}\n```", after.to_string().trim());
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        section(below, level + 1, false, text);
    }
}

fn arguments(command: &Command, with_globals: bool, text: &mut String) {
    let shown = |arg: &&Arg| !arg.is_hide_set() && (with_globals || !arg.is_global_set()) && arg.get_id() != "help";
    let arguments: Vec<&Arg> = command.get_arguments().filter(shown).collect();
    if arguments.is_empty() {
        return;
    }
    text.push_str("\n| argument | meaning |\n|---|---|\n");
    for arg in arguments {
        let help = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "| `{}` | {}{} |", spelling(arg), cell(&help), values(arg));
    }
}

/// `-q`, `--quiet`; `--db <PATH>`; `<PATH>…`
fn spelling(arg: &Arg) -> String {
    let names: Vec<String> = arg
        .get_short()
        .map(|short| format!("-{short}"))
        .into_iter()
        .chain(arg.get_long().map(|long| format!("--{long}")))
        .collect();
    let takes_value = arg.get_action().takes_values();
    let value = arg
        .get_value_names()
        .and_then(|names| names.first())
        .map_or_else(|| arg.get_id().to_string(), ToString::to_string);
    match (names.is_empty(), takes_value) {
        (true, _) => format!("<{value}>"),
        (false, true) => format!("{} <{value}>", names.join(", ")),
        (false, false) => names.join(", "),
    }
}

fn values(arg: &Arg) -> String {
    let possible = arg.get_possible_values();
    if possible.is_empty() || !arg.get_action().takes_values() {
        return String::new();
    }
    let value = |value: &clap::builder::PossibleValue| {
        let help = value.get_help().map(|help| format!(" ({})", cell(&help.to_string()))).unwrap_or_default();
        format!("`{}`{help}", value.get_name())
    };
    format!(". One of {}", possible.iter().map(value).collect::<Vec<_>>().join(", "))
}

fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
