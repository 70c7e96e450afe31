//! A thing is declared once: every file is part of the program, and every table's file is in its table.

use super::source::{Breach, Source, is_word, rust_files};

/// Folders whose files are the entries of a table in the file of the same name.
const TABLES: &[&str] = &["src/store/projection", "src/cli/command", "src/tui/screen", "src/tui/widget", "src/app"];

#[test]
fn every_file_is_declared_by_its_parent_once() {
    let sources = ["src", "tests/it"].map(rust_files).into_iter().flatten().collect::<Vec<_>>();
    super::report(sources.iter().filter_map(|source| declared(source, &sources)));
}

#[test]
fn every_file_of_a_table_is_used_by_the_table() {
    let sources = rust_files("src");
    super::report(TABLES.iter().flat_map(|table| registered(table, &sources)));
}

fn declared(source: &Source, sources: &[Source]) -> Option<Breach> {
    let (folder, name) = folder_and_name(&source.path)?;
    let parents = match folder {
        "src" if name == "lib" || name == "main" => return None,
        "tests/it" if name == "main" => return None,
        "src" => vec!["src/lib.rs".to_owned()],
        "tests/it" => vec!["tests/it/main.rs".to_owned()],
        _ => vec![format!("{folder}.rs")],
    };
    let times: usize =
        sources.iter().filter(|parent| parents.contains(&parent.path)).map(|parent| declarations(parent, name)).sum();
    (times != 1).then(|| {
        source.breach(0, format!("declared {times} times in {}, expected `mod {name};` once", parents.join(", ")))
    })
}

fn registered(table: &str, sources: &[Source]) -> Vec<Breach> {
    let Some(parent) = sources.iter().find(|source| source.path == format!("{table}.rs")) else { return Vec::new() };
    let entry = |source: &Source| folder_and_name(&source.path).is_some_and(|(folder, _)| folder == table);
    let entries: Vec<&Source> = sources.iter().filter(|source| entry(source)).collect();
    let forgotten = |source: &&Source| {
        let name = folder_and_name(&source.path).map_or("", |(_, name)| name);
        let here = parent.words(name).count() > declarations(parent, name);
        // What entries share lies beside them.
        let shared = entries.iter().any(|other| other.path != source.path && other.words(name).next().is_some());
        !here && !shared && !is_public(parent, name)
    };
    entries
        .iter()
        .copied()
        .filter(forgotten)
        .map(|source| source.breach(0, format!("not registered in {}", parent.path)))
        .collect()
}

fn folder_and_name(path: &str) -> Option<(&str, &str)> {
    let (folder, file) = path.rsplit_once('/')?;
    Some((folder, file.strip_suffix(".rs")?))
}

/// How often `mod name` stands in the code, or a line of the table of rules, which makes the modules itself.
fn declarations(parent: &Source, name: &str) -> usize {
    let table = parent.code.split_once("\nrules! {").map_or("", |(_, table)| table);
    let lines = table.lines().filter(|line| line.trim().strip_suffix(',') == Some(name)).count();
    lines + parent.words("mod").filter(|at| module_at(parent, *at) == name).count()
}

/// A public module is used by its path; only a private one can be forgotten.
fn is_public(parent: &Source, name: &str) -> bool {
    parent.words("mod").any(|at| {
        let line = parent.code[..at].lines().next_back().unwrap_or_default().trim();
        module_at(parent, at) == name && line.starts_with("pub")
    })
}

fn module_at(parent: &Source, at: usize) -> &str {
    let rest = parent.code[at + "mod".len()..].trim_start();
    &rest[..rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())]
}

#[test]
fn a_forgotten_file_and_a_forgotten_entry_are_found() {
    let parent = Source::new("src/tui/screen.rs", "mod flakes;\nmod history;\nstatic ALL: &[S] = &[flakes::SCREEN];\n");
    let child = |name: &str| Source::new(&format!("src/tui/screen/{name}.rs"), "//! x\n");
    let sources = [parent, child("flakes"), child("history"), child("lost")];
    assert_eq!(declared(&sources[1], &sources), None);
    assert!(declared(&sources[3], &sources).is_some());
    let found = registered("src/tui/screen", &sources);
    assert_eq!(
        found.iter().map(|breach| breach.path.as_str()).collect::<Vec<_>>(),
        ["src/tui/screen/history.rs", "src/tui/screen/lost.rs"]
    );
}
