//! Safe fixes against a real Nix: what a file evaluates to stays the same, whatever was mended in it.
//!
//! `tests/fixtures/fixes/<rule>.nix` holds what the rule mends, and what only looks like it.

use cim_domain_nix::lint::fix::{Fixed, fix};
use cim_domain_nix::lint::rules::RULES;
use cim_domain_nix::lint::{Linter, Rule, Safety, Selection};

use crate::parts::{NixStore, repository};

fn fixture(rule: &str) -> Result<String, String> {
    let path = repository().join("tests/fixtures/fixes").join(format!("{rule}.nix"));
    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Made by all rules at once: fixes must not get into each other's way.
fn mended(text: &str) -> Fixed {
    let only = RULES.iter().map(|rule| rule.name.to_owned()).collect();
    fix(&Linter::new(&Selection { only, ..Selection::default() }, "2026-11-28"), text, Safety::Safe)
}

fn safe() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().filter(|rule| rule.fix == Safety::Safe)
}

#[test]
fn a_real_nix_evaluates_every_file_to_the_same_before_and_after() {
    let store = NixStore::new().unwrap();
    for rule in safe() {
        let before = fixture(rule.name).unwrap();
        let after = mended(&before);
        assert!(after.made.iter().any(|made| made.name == rule.name), "{} mends nothing in its file", rule.name);
        assert!(after.refused.is_empty(), "{}: {:?} broke the text", rule.name, after.refused);
        let both = store.eval(&format!("[ (\n{before}\n) (\n{}\n) ]", after.text)).unwrap();
        assert_eq!(both[0], both[1], "{} became\n{}", rule.name, after.text);
    }
}

#[test]
fn every_file_is_that_of_a_safe_rule() {
    for entry in std::fs::read_dir(repository().join("tests/fixtures/fixes")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(safe().any(|rule| rule.name == name), "{} belongs to no safe rule", path.display());
    }
}
