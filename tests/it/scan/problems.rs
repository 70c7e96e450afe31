//! The problems a beginner meets are named, stay named on the next scan, and are resolved when they are gone.

use cim_domain_nix::app::scan::Wanted;
use cim_domain_nix::domain::finding::Severity;
use cim_domain_nix::lint::Selection;

use super::*;

#[test]
fn a_lock_without_a_flake_is_named_until_it_is_gone() {
    let estate = Estate::new();
    let path = estate.write("a/flake.lock", &lock('a'));
    assert_eq!(Estate::codes(&estate.scan()), ["lock-without-flake"]);
    let again = estate.scan();
    assert_eq!((Estate::codes(&again), again.events), (vec!["lock-without-flake"], 0));
    fs::remove_file(path).expect("removed");
    assert_eq!(Estate::codes(&estate.scan()), Vec::<&str>::new());
    assert_eq!(estate.types(), ["finding.raised", "finding.resolved"]);
}

#[test]
fn a_flake_that_git_ignores_is_not_taken_for_a_lost_one() {
    let estate = Estate::new();
    let git = estate.git("a");
    estate.write("a/.gitignore", "flake.nix\n");
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    git.commit_all("first");
    let report = estate.scan();
    assert_eq!(Estate::codes(&report), ["lock-without-flake"]);
    assert!(report.problems[0].message.contains("ignored by git"), "{report:?}");
    git.run(&["add", "--force", "flake.nix"]);
    assert_eq!(Estate::codes(&estate.scan()), Vec::<&str>::new(), "git has it, and so has Nix");
    estate.write("b/flake.nix", FLAKE);
    estate.write("b/flake.lock", &lock('a'));
    let request = ScanRequest { excludes: vec!["/b/flake.nix".into()], ..ScanRequest::default() };
    assert_eq!(Estate::codes(&estate.scan_with(&request)), Vec::<&str>::new(), "it was asked for");
}

#[test]
fn findings_of_rules_in_a_flake_are_counted_when_they_come_and_go() {
    let estate = Estate::new();
    let rules = Some(Wanted { selection: Selection::default(), least: Severity::Info });
    let request = ScanRequest { paths: vec![estate.root()], rules, ..ScanRequest::default() };
    estate.git("a");
    estate.write(
        "a/flake.nix",
        "{ inputs.a.url = github:a/b; nixConfig.sandbox = false; outputs = { a, ... }: { b = a; }; }",
    );
    let report = estate.scan_with(&request);
    let codes = Estate::codes(&report);
    assert!(codes.contains(&"url-literal") && codes.contains(&"unsafe-nix-config") && codes.contains(&"not-in-git"));
    // Whether git has a file is no finding in its text.
    assert_eq!(report.raised, codes.len() as u64 - 1, "{report:?}");
    assert_eq!(estate.scan_with(&request).raised, 0);
    estate.write("a/flake.nix", "{ outputs = _: { }; }");
    let after = estate.scan_with(&request);
    // It still has no description.
    assert_eq!((after.raised, after.resolved), (0, report.raised - 1), "{after:?}");
}

#[test]
fn a_flake_that_git_does_not_know_is_invisible_to_nix() {
    let estate = Estate::new();
    let git = estate.git("a");
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    assert_eq!(Estate::codes(&estate.scan()), ["not-in-git", "not-in-git"]);
    git.run(&["add", "flake.nix", "flake.lock"]);
    assert_eq!(Estate::codes(&estate.scan()), Vec::<&str>::new());
}

#[test]
fn in_a_home_that_git_ignores_by_default_a_flake_is_found_and_the_advice_works() {
    let estate = Estate::new();
    let git = estate.git("");
    estate.write(".gitignore", "/*\n!.gitignore\n");
    git.commit_all("first");
    estate.write("src/a/flake.nix", "{ outputs = _: { }; }");
    let report = estate.scan();
    assert_eq!((Estate::codes(&report), report.seen), (vec!["not-in-git"], 1));
    let message = &report.problems[0].message;
    assert!(message.contains("`git add --force flake.nix`"), "{message}");
    git.run(&["add", "--force", "src/a/flake.nix"]);
    assert_eq!(Estate::codes(&estate.scan()), Vec::<&str>::new());
}

#[test]
fn a_lock_that_is_not_committed_is_dirty() {
    let estate = Estate::new();
    let git = estate.git("a");
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    git.commit_all("first");
    assert_eq!(Estate::codes(&estate.scan()), Vec::<&str>::new());
    estate.write("a/flake.lock", &lock('b'));
    assert_eq!(Estate::codes(&estate.scan()), ["dirty-lock"]);
    let again = estate.scan();
    assert_eq!((Estate::codes(&again), again.events), (vec!["dirty-lock"], 0));
    git.run(&["add", "flake.lock"]);
    let staged = estate.scan();
    let advice = staged.problems[0].message.split('`').nth(1).expect("a command").to_owned();
    git.run(&advice.split(' ').skip(1).collect::<Vec<_>>());
    assert_eq!(Estate::codes(&estate.scan()), Vec::<&str>::new(), "`{advice}` puts back what was staged as well");
}

#[test]
fn a_lock_that_git_converts_on_checkout_is_not_dirty() {
    for (attributes, eol) in [("* text eol=crlf\n", "lf"), ("* text=auto eol=crlf\n", "lf"), ("* text\n", "crlf")] {
        let estate = Estate::new();
        let git = estate.git("a");
        git.run(&["config", "core.eol", eol]);
        estate.write("a/.gitattributes", "");
        estate.write("a/flake.nix", FLAKE);
        estate.write("a/flake.lock", &lock('a'));
        git.commit_all("first");
        estate.write("a/.gitattributes", attributes);
        git.commit_all("Convert");
        fs::remove_file(estate.root().join("a/flake.lock")).expect("removed");
        git.run(&["checkout", "-q", "--", "flake.lock"]);
        let there = fs::read(estate.root().join("a/flake.lock")).expect("checked out");
        assert_ne!(there, lock('a').as_bytes(), "{attributes}");
        assert_eq!(git.run(&["status", "--porcelain"]), "", "{attributes}");
        assert!(!Estate::codes(&estate.scan()).contains(&"dirty-lock"), "{attributes}");
    }
}

#[test]
fn a_lock_that_git_converts_and_that_was_changed_is_dirty() {
    let estate = Estate::new();
    let git = estate.git("a");
    estate.write("a/.gitattributes", "* text eol=crlf\n");
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    git.commit_all("first");
    estate.write("a/flake.lock", &lock('b').replace('\n', "\r\n"));
    assert_eq!(Estate::codes(&estate.scan()), ["dirty-lock"]);
}

#[test]
fn whether_a_lock_that_a_program_filters_is_dirty_is_not_claimed() {
    let estate = Estate::new();
    let git = estate.git("a");
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    git.run(&["config", "filter.indent.clean", "sed 's/^/ /'"]);
    estate.write("a/.gitattributes", "flake.lock filter=indent\n");
    git.commit_all("first");
    assert_eq!(git.run(&["status", "--porcelain"]), "");
    assert_eq!(Estate::codes(&estate.scan()), Vec::<&str>::new());
}

/// The problems of a scan, as `file code`.
fn told(report: &ScanReport) -> Vec<String> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    report.problems.iter().map(|problem| format!("{} {}", name(&problem.path), problem.code)).collect()
}

#[test]
fn a_damaged_repository_is_one_problem_per_cause() {
    for (damaged, expected) in [
        (".git/index", "flake.nix git-unreadable"),
        (".git/refs/heads/main", "flake.lock git-unreadable"),
        ("HEAD's commit", "flake.lock git-unreadable"),
        ("HEAD's tree", "flake.lock git-unreadable"),
    ] {
        let estate = Estate::new();
        let git = estate.git("a");
        estate.write("a/flake.nix", FLAKE);
        estate.write("a/flake.lock", &lock('a'));
        git.commit_all("first");
        let object = |revision: &str| {
            let id = git.run(&["rev-parse", revision]);
            format!(".git/objects/{}/{}", &id[..2], &id[2..])
        };
        let file = match damaged {
            "HEAD's commit" => object("HEAD"),
            "HEAD's tree" => object("HEAD^{tree}"),
            file => file.to_owned(),
        };
        fs::remove_file(estate.root().join("a").join(&file)).expect("it is there");
        estate.write(&format!("a/{file}"), "damaged beyond repair");
        assert_eq!(told(&estate.scan()), [expected], "{damaged}");
    }
}

#[test]
fn in_a_repository_of_sha256_names_flakes_are_recorded_and_one_problem_says_what_is_unknown() {
    for history in [true, false] {
        let estate = Estate::new();
        let git = estate.git("");
        git.run(&["init", "-q", "--object-format=sha256", "a"]);
        estate.write("a/flake.nix", FLAKE);
        estate.write("a/flake.lock", &lock('a'));
        let paths = vec![estate.root().join("a")];
        let report = estate.scan_with(&ScanRequest { paths, history, ..ScanRequest::default() });
        assert_eq!((told(&report), estate.flakes().len()), (vec!["flake.nix git-unreadable".to_owned()], 1));
        let message = &report.problems[0].message;
        assert!(message.ends_with("only SHA-1 is read; its git facts are unknown"), "{message}");
    }
}

#[test]
fn an_input_that_is_not_locked_is_named_with_its_line() {
    let estate = Estate::new();
    let text = FLAKE.replace("  outputs", "  inputs.extra.url = \"github:a/b\";\n  outputs").replace(" }:", ", ... }:");
    estate.write("a/flake.nix", &text);
    estate.write("a/flake.lock", &lock('a'));
    let report = estate.scan();
    assert_eq!(Estate::codes(&report), ["input-not-locked"]);
    assert_eq!(report.problems[0].line, Some(4));
}

#[test]
fn a_broken_flake_is_recorded_with_what_could_be_read() {
    let estate = Estate::new();
    estate.write("a/flake.nix", "{ inputs.a.url = \"github:a/a\"; inputs.b.url = ; outputs = _: { }");
    let report = estate.scan();
    assert!(Estate::codes(&report).contains(&"syntax-error"), "{report:?}");
    assert_eq!(estate.flakes().len(), 1);
}

#[test]
fn a_conflict_is_recorded_marker_by_marker_as_the_scan_shows_it() {
    let estate = Estate::new();
    let conflict =
        "<<<<<<< HEAD\n  inputs.a.url = \"a\";\n=======\n  inputs.a.url = \"b\";\n>>>>>>> 1a2b3c4 (Take another b)\n";
    estate.write("a/flake.nix", &FLAKE.replace("  outputs", &format!("{conflict}  outputs")));
    let report = estate.scan();
    let markers = report.problems.iter().filter(|problem| problem.code == "conflict-marker");
    assert_eq!(markers.map(|problem| problem.line).collect::<Vec<_>>(), [Some(4), Some(6), Some(8)]);
    let reader = estate.session.store.reader().expect("a reader");
    assert_eq!(
        view::problems(&reader, view::Whose::Own, view::At::Now).expect("problems").len(),
        report.problems.len()
    );
}

#[test]
fn a_problem_that_only_moves_goes_to_its_new_line_and_keeps_its_age() {
    let estate = Estate::new();
    let text = FLAKE.replace("  outputs", "  inputs.extra.url = \"github:a/b\";\n  outputs");
    estate.write("a/flake.nix", &text);
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    let open = || {
        let reader = estate.session.store.reader().expect("a reader");
        view::problems(&reader, view::Whose::Own, view::At::Now).expect("problems").remove(0)
    };
    let before = open();
    estate.write("a/flake.nix", &format!("# one\n# two\n{text}"));
    let report = estate.scan();
    assert_eq!((report.events, report.problems[0].line), (1, Some(6)));
    assert_eq!(estate.types().last().map(String::as_str), Some("finding.changed"));
    let after = open();
    assert_eq!((before.line, after.line, after.since), (Some(4), Some(6), before.since));
    let again = estate.scan();
    assert_eq!((again.events, again.problems[0].line), (0, Some(6)));
}

#[test]
fn how_a_flake_gets_into_git_is_said_anew_where_its_repository_ignores_everything_from_now_on_or_no_more() {
    let estate = Estate::new();
    estate.git("a");
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    let advice = || column(&estate.session, "SELECT message FROM v1_problems WHERE code = 'not-in-git' ORDER BY path");
    let said = |forced: bool| {
        let report = estate.scan();
        let said: Vec<&str> = report.problems.iter().map(|problem| &*problem.message).collect();
        for text in advice().iter().map(String::as_str).chain(said) {
            assert_eq!(text.contains("git add --force flake."), forced, "{text}");
        }
        assert_eq!((advice().len(), estate.scan().events), (2, 0));
    };
    said(false);
    let rules = estate.write("a/.gitignore", "*\n");
    said(true);
    fs::remove_file(rules).expect("removed");
    said(false);
    estate.write("a/.git/info/exclude", "*\n");
    said(true);
}
