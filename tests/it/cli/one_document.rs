//! Every command that is done with `--json` prints one document of its own name: a script has something to read of each.

use std::fs;

use serde_json::Value;

use super::scene::{Estate, Scene};
use crate::parts::repository;

/// What is done, in this order, in one world with a server; words that do not begin with `cim-nix` make the next possible.
const DONE: &[&str] = &[
    "cim-nix info",
    "cim-nix info --settings",
    "cim-nix doctor",
    "cim-nix scan ~/src",
    "cim-nix scan --explain ~/src/website",
    "cim-nix scan --after-nix -- build",
    "cim-nix flake list",
    "cim-nix flake show website",
    "cim-nix flake inputs website",
    "cim-nix flake history website",
    "cim-nix flake duplicates",
    "cim-nix flake graph website",
    "cim-nix module list",
    "cim-nix module options",
    "cim-nix overlay list",
    "cim-nix config list",
    "cim-nix config show laptop",
    "cim-nix problem list",
    "cim-nix check ~/src --fail-on never",
    "cim-nix fix ~/src/website",
    "cim-nix explain empty-let",
    "cim-nix log",
    "cim-nix event show #1",
    "cim-nix diff #1",
    "cim-nix sql select~1",
    "cim-nix fmt ~/src/website",
    "cim-nix system status",
    "cim-nix system history",
    "cim-nix pin list",
    "cim-nix flake add-input a github:o/a --no-lock --flake ~/src/website",
    "cim-nix flake set-url a github:o/b --no-lock --flake ~/src/website",
    "cd ~/src/website",
    "cim-nix undo --no-lock",
    "cd ~",
    "cim-nix flake remove-input a --no-lock --flake ~/src/website",
    "cim-nix flake follow treefmt-nix/nixpkgs nixpkgs --no-lock --flake ~/src/website",
    "cim-nix flake unfollow treefmt-nix/nixpkgs --no-lock --flake ~/src/website",
    "cim-nix flake dedupe --all --no-lock --flake ~/src/website",
    "cim-nix flake new ~/src/fresh",
    "cim-nix roots list",
    "mkdir ~/zone",
    "cim-nix roots add ~/zone",
    "cim-nix roots share ~/src",
    "cim-nix roots add ~/src/homelab",
    "cim-nix roots unshare ~/src",
    "cim-nix roots forget ~/zone",
    "cim-nix sync enable",
    "cim-nix sync enable --all --findings",
    "cim-nix sync enable --no-findings --no-system",
    "cim-nix sync setup --public",
    "cim-nix sync now",
    "cim-nix sync status",
    "cim-nix sync verify",
    "cim-nix fleet",
    "cim-nix fleet flakes",
    PARKED,
    "cim-nix sync parked list",
    "cim-nix sync parked show 1",
    "cim-nix sync parked retry 1",
    PARKED,
    "cim-nix sync parked discard 1",
    "cim-nix sync disable",
    "cim-nix forget website",
    "cim-nix store check",
    "cim-nix store verify",
    "cim-nix store rebuild",
    "cim-nix store replay",
    "cim-nix store backup ~/copy.db",
    "cim-nix store restore ~/copy.db --force",
    "cim-nix store erase #2 --reason test --yes",
    "cim-nix store export ~/events.jsonl",
    "cim-nix --db ~/new.db store import ~/events.jsonl",
    "cim-nix origin show",
    "cim-nix --db ~/other.db sync enable --quiet",
    "cim-nix --db ~/fresh.db sync enable --quiet",
    "cim-nix --db ~/fresh.db origin adopt ~/other.db.key",
    "cim-nix origin fork --yes",
    "cim-nix util sql-schema",
    "cim-nix util event-schema",
    "cim-nix util wire-schema",
    "cim-nix util man ~/manual",
];

/// A message that could not be taken in.
const PARKED: &str = "sqlite3 ~/.local/share/cim-nix/ledger.db insert~or~replace~into~parked~(id,remote_seq,subject,message,reason,parked_at)\
    ~values~(1,7,'nix.ledger.UABC.flake.created','no~json','its~body~is~no~envelope',1795514400000000)";

/// Commands that print no document, and why.
const NOT_DONE: &[(&str, &str)] = &[
    ("cim-nix", "the terminal UI"),
    ("serve", "runs until it is stopped"),
    ("hook git", "prints a script to be sourced or saved"),
    ("hook shell", "prints a script to be sourced or saved"),
    ("util completions", "prints a script to be sourced or saved"),
    ("util cli-reference", "prints a page in Markdown"),
    ("util lint-reference", "prints a page in Markdown"),
    ("util settings-reference", "prints a page in Markdown"),
    ("flake update", "needs Nix: its own tests read its document"),
];

#[test]
fn every_command_that_is_done_prints_one_document() {
    let mut scene = Scene::new(&Estate::new());
    scene.scan();
    scene.serve();
    scene.says(&["cp", "~/examples/laptop.nix", "~/src/dotfiles/laptop.nix"]);
    let mut silent = Vec::new();
    for line in DONE {
        let words: Vec<String> = line.split(' ').map(spaced).collect();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words[0] != "cim-nix" {
            scene.says(&words);
            continue;
        }
        words.insert(1, "--json");
        let output = scene.command(&words).output().unwrap();
        let (said, aside) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            silent.push(format!("{line}: {aside}"));
            continue;
        }
        let document: Option<Value> = serde_json::from_str(&said).ok();
        let schema = document.as_ref().and_then(|document| document["schema"].as_str());
        let name = schema.and_then(|schema| schema.strip_prefix("cim-nix/")?.strip_suffix("/1"));
        if name.is_none_or(|name| name.is_empty() || name.contains('/')) {
            silent.push(format!("{line}: {}", said.lines().next().unwrap_or("nothing")));
        }
    }
    assert!(silent.is_empty(), "these print no document: {silent:#?}");
}

#[test]
fn every_command_is_done_or_it_is_said_why_not() {
    let page = fs::read_to_string(repository().join("docs/reference/cli.md")).unwrap();
    let headings =
        page.lines().filter_map(|line| line.trim_start_matches('#').trim().strip_prefix("`cim-nix")?.strip_suffix('`'));
    let commands: Vec<&str> = headings.map(str::trim).collect();
    assert!(commands.len() > 60, "{}", commands.len());
    for command in commands.iter().filter(|command| !command.is_empty()) {
        let holds =
            |line: &&str| line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        let is_group = commands.iter().any(|other| other != command && holds(other)) && *command != "fleet";
        let is_done = DONE.iter().any(|line| {
            let words: Vec<&str> = line.split(' ').skip(1).collect();
            let words = if words[0] == "--db" { &words[2..] } else { &words[..] };
            holds(&words.join(" ").as_str())
        });
        let is_excused = NOT_DONE.iter().any(|(excused, why)| excused == command && !why.is_empty());
        assert!(is_group || is_done != is_excused, "`{command}`: done {is_done}, excused {is_excused}");
    }
}

/// `~` between letters stands for a space.
fn spaced(word: &str) -> String {
    if word.starts_with('~') { word.to_owned() } else { word.replace('~', " ") }
}
