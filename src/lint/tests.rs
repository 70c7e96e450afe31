use std::collections::BTreeSet;

use super::rules::RULES;
use super::*;
use crate::syntax::edit::apply;

mod style;

const TODAY: &str = "2026-11-28";

fn only(rule: &Rule) -> Linter {
    Linter::new(&Selection { only: vec![rule.name.to_owned()], ..Selection::default() }, TODAY)
}

/// The findings of one rule alone, and of those rules that a suppression needs beside it.
fn found(rule: &'static Rule, text: &str) -> Vec<Finding> {
    let linter =
        if rule.name.starts_with("suppression-") { Linter::new(&Selection::default(), TODAY) } else { only(rule) };
    linter.check(text).into_iter().filter(|finding| finding.rule.name == rule.name).collect()
}

#[test]
fn every_rule_has_a_name_of_its_own_and_says_why() {
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
    for rule in RULES {
        assert!(rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.name);
        assert!(rule.why.ends_with('.') && !rule.summary.ends_with('.'), "{}: {}", rule.name, rule.why);
    }
}

#[test]
fn every_rule_finds_its_bad_example_and_nothing_in_the_good_one() {
    for rule in RULES {
        if let (Example::Nix(bad), Example::Nix(good)) = (rule.bad, rule.good) {
            assert!(!found(rule, bad).is_empty(), "{} finds nothing in its bad example", rule.name);
            let wrong = found(rule, good);
            assert!(wrong.is_empty(), "{} finds in its good example: {wrong:?}", rule.name);
        }
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

proptest::proptest! {
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
