//! Files of which too much is to be told for one event: they are recorded as far as they can be, and stand in nobody's way.

use std::fmt::Write;

use cim_domain_nix::app::scan::Wanted;
use cim_domain_nix::domain::finding::Severity;
use cim_domain_nix::lint::Selection;

use super::*;

fn request(estate: &Estate) -> ScanRequest {
    let rules = Some(Wanted { selection: Selection::default(), least: Severity::Warning });
    ScanRequest { paths: vec![estate.root()], modules: true, rules, ..ScanRequest::default() }
}

/// A text with as many findings as numbers.
fn faulty(numbers: std::ops::Range<u32>) -> String {
    let mut text = "let\n".to_owned();
    for number in numbers {
        writeln!(text, "  generated-by-a-program-{number} = {number};").expect("text");
    }
    text + "in 1\n"
}

fn overlay(names: u32) -> String {
    let mut text = "final: prev: {\n".to_owned();
    for number in 0..names {
        writeln!(text, "  package-with-a-name-of-some-length-{number} = {number};").expect("text");
    }
    text + "}\n"
}

fn count(estate: &Estate, sql: &str) -> u32 {
    let reader = estate.session.store.reader().expect("a reader");
    reader.query_row(sql, [], |row| row.get(0)).expect("a number")
}

/// Open problems in files of a name.
fn open_in(estate: &Estate, name: &str) -> u32 {
    count(estate, &format!("SELECT count(*) FROM v1_problems WHERE path LIKE '%/{name}'"))
}

fn overlays(estate: &Estate) -> u32 {
    count(estate, "SELECT count(*) FROM v1_overlays")
}

fn assert_rebuilt_equals_live(estate: &Estate) {
    assert_eq!(estate.session.store.compare(None).expect("compared"), []);
}

#[test]
fn thousands_of_findings_and_names_in_one_file_are_recorded_with_the_files_beside_it() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/generated.nix", &faulty(0..5_000));
    estate.write("a/small.nix", "final: prev: { mine = 1; }");
    estate.write("a/large.nix", &overlay(15_000));
    estate.write("b/flake.nix", &format!("{{ outputs = _: {}; }}", faulty(0..3_000)));
    let report = estate.scan_with(&request(&estate));
    assert!(!Estate::codes(&report).contains(&"too-large"), "{report:?}");
    assert_eq!((open_in(&estate, "generated.nix"), overlays(&estate)), (5_000, 2));
    assert!(open_in(&estate, "b/flake.nix") >= 3_000);
    assert!(report.raised >= 8_000, "{report:?}");
    assert_eq!(estate.scan_with(&request(&estate)).events, 0, "seeing twice says nothing");
    // All of them on another line, then half of them gone, then all.
    estate.write("a/generated.nix", &format!("\n{}", faulty(0..5_000)));
    estate.scan_with(&request(&estate));
    estate.write("a/generated.nix", &faulty(0..2_500));
    estate.scan_with(&request(&estate));
    assert_eq!(open_in(&estate, "generated.nix"), 2_500);
    estate.write("a/generated.nix", "1\n");
    let report = estate.scan_with(&request(&estate));
    assert_eq!((report.resolved, open_in(&estate, "generated.nix")), (2_500, 0));
    assert_rebuilt_equals_live(&estate);
}

#[test]
fn a_file_of_which_nothing_can_be_recorded_is_a_problem_and_the_others_are_recorded() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    for number in 0..9 {
        estate.write(&format!("a/small-{number}.nix"), "final: prev: { mine = 1; }");
    }
    // One finding that names a name of more than an event may hold.
    estate.write("a/small-5-and-a-half.nix", &format!("let {} = 1; in 2\n", "a".repeat(300_000)));
    for _ in 0..2 {
        let report = estate.scan_with(&request(&estate));
        let told: Vec<_> = report.problems.iter().filter(|problem| problem.code == "too-large").collect();
        assert!(matches!(&told[..], [one] if one.path.ends_with("small-5-and-a-half.nix")), "{told:?}");
        assert_eq!(overlays(&estate), 9);
    }
    assert_eq!(estate.scan_with(&request(&estate)).events, 0);
    estate.write("a/small-5-and-a-half.nix", "final: prev: { mine = 1; }");
    assert!(!Estate::codes(&estate.scan_with(&request(&estate))).contains(&"too-large"));
    assert_eq!(overlays(&estate), 10);
}
