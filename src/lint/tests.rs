//! What every rule must keep, walked through the table, and the ways of suppressions, flakes and fingerprints.

use std::collections::BTreeSet;

use super::rules::RULES;
use super::*;
use crate::syntax::edit::apply;
use crate::syntax::names::builtins::Release;

mod style;

const TODAY: &str = "2026-11-28";
/// Noon of that day.
const NOW: i64 = 1_795_867_200;

fn only(rule: &Rule) -> Linter {
    let (only, nix) = (vec![rule.name.to_owned()], Some(Release(2, 18)));
    Linter::new(&Selection { only, nix, ..Selection::default() }, TODAY)
}

/// The findings of one rule alone, and of those rules that a suppression needs beside it.
fn found(rule: &'static Rule, text: &str) -> Vec<Finding> {
    let linter =
        if rule.name.starts_with("suppression-") { Linter::new(&Selection::default(), TODAY) } else { only(rule) };
    linter.check(text).into_iter().filter(|finding| finding.rule.name == rule.name).collect()
}

/// The findings of one rule on an example, whatever it is of.
fn shown(rule: &'static Rule, example: Example) -> Vec<Finding> {
    match example {
        Example::Nix(text) => found(rule, text),
        Example::Beside(text, (name, other)) => {
            let exports = crate::syntax::exports::read(&tree::parse(other)).map(std::sync::Arc::new);
            let ask = |link: &crate::syntax::links::Link| match (link.path == name, &exports) {
                (false, _) => Linked::Missing,
                (true, None) => Linked::There,
                (true, Some(exports)) => Linked::File(exports.clone()),
            };
            only(rule).check_beside(text, Beside::new(&ask))
        }
        Example::Flake { nix, lock } => {
            let present = |text: &'static str| Some(text).filter(|text| !text.is_empty());
            let found = only(rule).check_flake(present(nix), present(lock), Some(NOW));
            [found.nix, found.lock].concat()
        }
        Example::Words(_) => Vec::new(),
    }
}

#[test]
fn every_rule_has_a_name_of_its_own_and_says_why() {
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
    for rule in RULES {
        assert!(
            rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{}",
            rule.name
        );
        assert!(rule.why.ends_with('.') && !rule.summary.ends_with('.'), "{}: {}", rule.name, rule.why);
    }
}

#[test]
fn every_rule_finds_its_bad_example_and_nothing_in_the_good_one() {
    for rule in RULES {
        if matches!(rule.bad, Example::Words(_)) {
            let unseen = matches!(rule.check, Check::Scan | Check::Reading);
            assert!(unseen, "{} looks at texts, so its examples are texts", rule.name);
            continue;
        }
        assert!(!shown(rule, rule.bad).is_empty(), "{} finds nothing in its bad example", rule.name);
        let wrong = shown(rule, rule.good);
        assert!(wrong.is_empty(), "{} finds in its good example: {wrong:?}", rule.name);
    }
}

#[test]
fn a_flake_of_an_example_can_be_read() {
    for rule in RULES {
        let Example::Flake { nix, lock } = rule.good else { continue };
        let problems = if nix.is_empty() { Vec::new() } else { tree::parse(nix).problems };
        assert_eq!(problems, [], "{}", rule.name);
        let problems = if lock.is_empty() { Vec::new() } else { crate::syntax::lock::read(lock).problems };
        assert_eq!(problems, [], "{}", rule.name);
    }
}

#[test]
fn safe_fixes_make_the_good_example_of_the_bad_one() {
    for rule in RULES.iter().filter(|rule| rule.fix == Safety::Safe) {
        let (Example::Nix(bad), Example::Nix(good)) = (rule.bad, rule.good) else {
            panic!("{} is safe without an example that shows it", rule.name)
        };
        assert_eq!(fix::fix(&only(rule), bad, Safety::Safe).text, good, "{}", rule.name);
    }
}

#[test]
fn a_long_chain_is_mended_to_its_end() {
    let linter = Linter::new(&Selection::default(), TODAY);
    let mended = fix::fix(&linter, &vec!["[ ]"; 120].join(" ++ "), Safety::Safe);
    assert_eq!(fix::fix(&linter, &mended.text, Safety::Safe).text, mended.text);
    assert!(mended.text.len() < 20 && mended.made.len() > 64, "{}", mended.text);
}

#[test]
fn every_fix_of_an_example_leaves_text_that_can_be_read() {
    for rule in RULES {
        let Example::Nix(bad) = rule.bad else { continue };
        for finding in found(rule, bad) {
            let Some(fix) = finding.fix else { continue };
            let text = apply(bad, &fix.edits).expect("edits that fit");
            assert_eq!(tree::parse(&text).problems, [], "{}: {text}", rule.name);
        }
    }
}

/// What the findings of all rules are called, with their lines.
fn all(text: &str) -> Vec<String> {
    let findings = Linter::new(&Selection::default(), TODAY).check(text);
    findings.iter().map(|finding| format!("{}:{}", finding.place.line, finding.rule.name)).collect()
}

#[test]
fn a_comment_alone_covers_what_follows_and_one_after_code_its_line() {
    assert_eq!(
        all("{\n  # cim-nix: allow(empty-let) meant\n  a = {\n    b = let in 1;\n  };\n  c = let in 1;\n}"),
        ["6:empty-let"]
    );
    assert_eq!(all("{\n  a = let in 1; # cim-nix: allow(empty-let) meant\n  c = let in 1;\n}"), ["3:empty-let"]);
    assert_eq!(all("# cim-nix: allow(empty-let) generated\n{\n  a = let in 1;\n  c = let in 1;\n}"), [""; 0]);
}

#[test]
fn in_a_generated_file_only_what_no_edit_mends_is_told() {
    let crate2nix = "# This file was @generated by crate2nix 0.15.0 with the command:\n#   \"generate\"\n\n";
    let nixos = "# Do not modify this file!  It was generated by ‘nixos-generate-config’\n# and may be overwritten.\n";
    let node2nix = "/* This file has been generated by node2nix 1.11.1. Do not edit! */\n";
    let flake_file = "# DO-NOT-EDIT. This file was auto-generated using github:vic/flake-file.\n";
    for head in [crate2nix, nixos, node2nix, flake_file] {
        assert_eq!(all(&format!("{head}let in rec {{ a = 1; }}")), [""; 0], "{head}");
        let told =
            all(&format!("{head}{{ a = b; pw = let x = 1; in fetchurl {{ url = \"https://example.org\"; }}; }}"));
        assert!(told.iter().any(|it| it.ends_with(":undefined-name")), "{told:?}");
        assert!(!told.iter().any(|it| it.ends_with(":unused-let")), "{told:?}");
    }
    for head in ["# Is generated by hand.\n", "# Do not edit without asking.\n", "\"@generated\" + ", ""] {
        assert_ne!(all(&format!("{head}rec {{ a = 1; }}")), [""; 0], "{head}");
    }
    assert_ne!(all("let in rec { a = 1; } # @generated"), [""; 0]);
}

#[test]
fn a_comment_on_what_only_the_files_beside_show_is_not_called_unused_without_them() {
    let text = "# cim-nix: allow(import-not-there) a machine makes it for itself\nimport ./hardware.nix";
    assert_eq!(all(text), [""; 0]);
    let linter = Linter::new(&Selection::default(), TODAY);
    let found = |linked: Linked| {
        let ask = |_: &crate::syntax::links::Link| linked.clone();
        linter.check_beside(text, Beside::new(&ask)).into_iter().map(|finding| finding.rule.name).collect::<Vec<_>>()
    };
    assert_eq!(found(Linked::Missing), [""; 0]);
    assert_eq!(found(Linked::There), ["suppression-unused"]);
}

#[test]
fn a_comment_in_a_text_that_makes_no_sense_is_not_called_unused() {
    assert_eq!(all("{\n  # cim-nix: allow(empty-let) meant\n  a = let in 1;\n  b = ;\n}"), ["4:syntax-error"]);
    let text = "# cim-nix: allow(description-missing) generated\nimport ./flake.nix";
    assert!(!all_of_flake(text, None).0.contains(&"suppression-unused"));
}

#[test]
fn a_suppression_ends_on_its_day() {
    assert_eq!(all("# cim-nix: allow(empty-let) x until 2026-11-28\nlet in 1"), [""; 0]);
    assert_eq!(
        all("# cim-nix: allow(empty-let) x until 2026-11-27\nlet in 1"),
        ["1:suppression-expired", "2:empty-let"]
    );
}

#[test]
fn a_fingerprint_stays_when_lines_move_and_tells_twins_apart() {
    let prints = |text: &str| -> Vec<String> {
        Linter::new(&Selection::default(), TODAY).check(text).into_iter().map(|finding| finding.fingerprint).collect()
    };
    let before = prints("{ a = let in 1; b = [ (let in 2) (let in 2) ]; }");
    let after = prints("{\n  new = 0;\n  a = let\n in 1;\n  b = [ (let in 2) (let in 2) ]; }");
    assert_eq!(before, after);
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), before.len());
}

const REGISTRY: &str = "{ inputs.nixpkgs.url = \"nixpkgs\"; outputs = _: { }; }";

/// What the findings of all rules on a flake are called: of `flake.nix`, then of `flake.lock`.
fn all_of_flake(nix: &str, lock: Option<&str>) -> (Vec<&'static str>, Vec<&'static str>) {
    let found = Linter::new(&Selection::default(), TODAY).check_flake(Some(nix), lock, Some(NOW));
    let names = |findings: &[Finding]| findings.iter().map(|finding| finding.rule.name).collect();
    (names(&found.nix), names(&found.lock))
}

#[test]
fn a_finding_about_a_flake_keeps_the_fingerprint_that_ledgers_have() {
    let found = only(Rule::named("input-not-locked").expect("a rule")).check_flake(
        Some(REGISTRY),
        Some(r#"{ "nodes": { "root": { } }, "root": "root", "version": 7 }"#),
        None,
    );
    let [finding] = found.nix.as_slice() else { panic!("{found:?}") };
    assert_eq!(finding.message, "input `nixpkgs` is not in flake.lock; run `nix flake lock`");
    let seed = format!("input-not-locked\0{}\0{}", finding.message, 0);
    let hash = blake3::hash(seed.as_bytes()).to_hex();
    assert_eq!(finding.fingerprint, format!("input-not-locked:{}", &hash[..16]));
    assert_eq!(finding.place, Place { line: 1, column: 10, end_line: 1, end_column: 17 });
}

#[test]
fn a_name_that_a_flake_defines_twice_is_told_once() {
    for twice in ["description = \"b\";", "inputs.a.url = \"github:o/b\";", "inputs.a = { url = \"github:o/b\"; };"] {
        let nix =
            format!("{{\n description = \"a\";\n inputs.a.url = \"github:o/a\";\n {twice}\n outputs = i: i.a; }}");
        let found = Linter::new(&Selection::default(), TODAY).check_flake(Some(&nix), None, None).nix;
        let told: Vec<_> = found.iter().filter(|finding| finding.rule.name == "duplicate-attribute").collect();
        let [told] = told.as_slice() else { panic!("{twice}: {told:?}") };
        assert!(told.message.contains("is defined already, on line") && told.place.line == 4, "{told:?}");
    }
    assert!(all_of_flake("{ inputs.a.url = \"k:a\"; inputs.a.url = \"k:b\"; outputs = ; }", None).0.len() >= 2);
}

#[test]
fn a_comment_at_the_top_of_a_flake_covers_its_lock() {
    let lock = r#"{ "nodes": { "root": { } }, "root": "root", "root": "root", "version": 7 }"#;
    let comment = "# cim-nix: allow(lock-duplicate-key, input-not-locked, description-missing) later\n";
    let nix = format!("{comment}{{ inputs.x.url = \"github:a/b\"; outputs = i: i.x; }}");
    assert_eq!(all_of_flake(&nix, Some(lock)), (vec![], vec![]));
    let (nix, lock) = all_of_flake(&nix.replace(comment, ""), Some(lock));
    assert_eq!((nix.contains(&"input-not-locked"), lock), (true, vec!["lock-duplicate-key"]));
}

#[test]
fn a_comment_on_what_only_a_flake_shows_is_not_unused_in_a_plain_text() {
    let text = format!("# cim-nix: allow(lock-stale) not yet\n{REGISTRY}");
    assert_eq!(all(&text), [""; 0]);
    assert!(all_of_flake(&text, None).0.contains(&"suppression-unused"));
}

#[test]
fn a_broken_flake_is_told_so_and_its_lock_is_checked_still() {
    let (nix, lock) = all_of_flake("{ inputs = ", Some(r#"{ "nodes": { }, "root": "root", "version": 7 }"#));
    assert!(nix.contains(&"syntax-error") && !nix.contains(&"description-missing"), "{nix:?}");
    assert_eq!(lock, ["lock-missing-root"]);
}

proptest::proptest! {
    #[test]
    fn any_flake_is_checked(nix in "[{}]?(inputs|outputs|url|follows|description|self|a|github:a/b|[=;:{}.,@\" ]){0,40}", lock in ".{0,80}") {
        Linter::new(&Selection::default(), TODAY).check_flake(Some(&nix), Some(&lock), Some(NOW));
    }

    #[test]
    fn any_text_is_checked_and_mended(text in "(let|in|rec|with|inherit|if|then|else|true|==|//|[ab=;:{}()\\[\\]?.,@\"$ ]|\n){0,60}") {
        let linter = Linter::new(&Selection::default(), TODAY);
        linter.check(&text);
        let fixed = fix::fix(&linter, &text, Safety::Review);
        proptest::prop_assert!(fixed.refused.is_empty(), "{:?} broke {text:?}", fixed.refused);
        let sound = tree::parse(&text).problems.is_empty();
        proptest::prop_assert!(!sound || tree::parse(&fixed.text).problems.is_empty());
    }
}
