//! Who may use whom: the arrows between the rooms of the house.

use super::source::{Breach, Source, is_word, rust_files};

/// A room, and what it may use. `store::view` means that part of the room only.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("syntax", &[]),
    ("config", &[]),
    ("lint", &["domain", "syntax"]),
    ("store", &["domain", "syntax"]),
    ("git", &["domain", "syntax"]),
    ("nix", &["domain", "syntax"]),
    ("scan", &["domain", "syntax"]),
    ("process", &["domain", "syntax"]),
    ("bus", &["domain", "syntax"]),
    ("app", &["domain", "syntax", "lint", "store", "git", "nix", "scan", "process", "bus", "config"]),
    ("cli", &["domain", "syntax", "lint", "config", "store::view", "store::projection", "app"]),
    ("serve", &["domain", "syntax", "lint", "config", "store::view", "store::projection", "app"]),
    ("tui", &["domain", "syntax", "lint", "config", "store::view", "store::projection", "app"]),
];

#[test]
fn rooms_use_each_other_only_along_the_arrows() {
    let sources = rust_files("src");
    super::report(sources.iter().filter(|source| !is_index(source)).flat_map(check));
}

#[test]
fn every_room_is_in_the_table() {
    for source in rust_files("src").iter().filter(|source| !is_index(source)) {
        assert!(ARROWS.iter().any(|(room, _)| *room == source.room()), "{} is in no room of the table", source.path);
    }
}

/// `main.rs` and `lib.rs` start the faces and name the rooms.
fn is_index(source: &Source) -> bool {
    ["src/main.rs", "src/lib.rs"].contains(&source.path.as_str())
}

fn check(source: &Source) -> Vec<Breach> {
    let room = source.room();
    let allowed = ARROWS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, allowed)| allowed);
    let mut breaches = Vec::new();
    for (at, path) in paths_from_the_root(source) {
        let used = path.split("::").next().unwrap_or_default();
        let rooms = ARROWS.iter().any(|(name, _)| *name == used);
        let fits = allowed.iter().any(|arrow| path == *arrow || path.starts_with(&format!("{arrow}::")));
        // An error has to be printed by whoever shows it.
        let error = path.ends_with("Error") && allowed.iter().any(|arrow| arrow.starts_with(used));
        if rooms && used != room && !fits && !error {
            breaches.push(source.breach(at, format!("{room} may not use {path}; it may use {}", allowed.join(", "))));
        }
    }
    breaches
}

/// Every path that starts at the crate's root, without `crate::`, with groups written out.
fn paths_from_the_root(source: &Source) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for at in source.words("crate") {
        if let Some(tree) = source.code[at..].strip_prefix("crate::") {
            let mut found = Vec::new();
            expand(tree, "", &mut found);
            paths.extend(found.into_iter().map(|path| (at, path)));
        }
    }
    paths.extend(climbs(source));
    paths
}

/// `a::{b, c::d}` → `a::b`, `a::c::d`; returns what follows the tree.
fn expand<'a>(tree: &'a str, prefix: &str, found: &mut Vec<String>) -> &'a str {
    let tree = tree.trim_start();
    if let Some(mut group) = tree.strip_prefix('{') {
        loop {
            group = group.trim_start();
            if let Some(rest) = group.strip_prefix('}') {
                return rest;
            }
            let rest = expand(group, prefix, found);
            // `self`, `as name` and commas between the members.
            let next = rest.find([',', '}']).unwrap_or(rest.len());
            group = rest[next..].trim_start_matches(',');
            if group.is_empty() {
                return group;
            }
        }
    }
    let name_end = tree.find(|c: char| !is_word(c)).unwrap_or(tree.len());
    let (name, rest) = tree.split_at(name_end);
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
    match rest.strip_prefix("::") {
        Some(below) if !below.starts_with('<') => expand(below, &path, found),
        _ => {
            found.push(if name.is_empty() || name == "self" { prefix.to_owned() } else { path });
            rest
        }
    }
}

/// Paths that climb with `super` up to the root.
fn climbs(source: &Source) -> Vec<(usize, String)> {
    let depth = source.path.trim_start_matches("src/").split('/').count();
    let mut paths = Vec::new();
    let mut done = 0;
    for at in source.words("super") {
        if at < done {
            continue;
        }
        let mut tree = &source.code[at..];
        let mut steps = 0;
        while let Some(rest) = tree.strip_prefix("super::") {
            tree = rest;
            steps += 1;
        }
        done = source.code.len() - tree.len();
        if steps > 0 && steps >= depth + inline_modules(&source.code[..at]) {
            let mut found = Vec::new();
            expand(tree, "", &mut found);
            paths.extend(found.into_iter().map(|path| (at, path)));
        }
    }
    paths
}

/// How many `mod name {` are open at the end of the code.
fn inline_modules(code: &str) -> usize {
    let mut open = Vec::new();
    for (at, c) in code.char_indices() {
        match c {
            '{' => {
                let mut words = code[..at].split_whitespace().rev();
                open.push(words.next().is_some() && words.next() == Some("mod"));
            }
            '}' => drop(open.pop()),
            _ => {}
        }
    }
    open.into_iter().filter(|module| *module).count()
}

#[test]
fn an_arrow_the_wrong_way_is_found_in_every_spelling() {
    for text in [
        "use crate::store::Log;",
        "use crate::{\n    domain::Id,\n    store::{Log, self},\n};",
        "fn f() { crate::store::open(); }",
        "use super::super::store::Log;",
        "mod tests { use super::super::super::store::Log; }",
    ] {
        let found = check(&Source::new("src/domain/id.rs", text));
        assert!(!found.is_empty(), "not found in {text}");
        assert!(found.iter().all(|breach| breach.why.contains("store")), "{found:?}");
    }
}

#[test]
fn faces_see_views_and_errors_of_the_store_only() {
    let used = |path: &str| check(&Source::new("src/tui/screen/flakes.rs", &format!("use crate::{path};")));
    assert_eq!(used("store::view::FlakeRow"), []);
    assert_eq!(used("store::StoreError"), []);
    assert_eq!(used("app::scan"), []);
    assert_eq!(used("store::Store").len(), 1);
    assert_eq!(used("cli::printer").len(), 1);
}

#[test]
fn a_test_module_may_use_its_own_room() {
    let text = "mod tests { use super::*; use super::super::id::Id; }";
    assert_eq!(check(&Source::new("src/domain/id.rs", text)), []);
}
