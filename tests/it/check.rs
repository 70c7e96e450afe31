//! `check`, `fix` and what a scan records of rules, by the program and on real files and repositories.
#![expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test that cannot build its world fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use cim_domain_nix::app::scan::{ScanRequest, Wanted};
use cim_domain_nix::domain::finding::Severity;
use cim_domain_nix::lint::Selection;
use cim_domain_nix::store::view::{self, At};
use serde_json::Value;

use crate::git_program::Git;
use crate::scan::Estate;

/// Two things to find, one of them safe to mend.
const BAD: &str = "{ lib, ... }:\n{\n  a = let in lib.version;\n  b = [ undefined ];\n}\n";

/// A folder of its own, and a home beside it.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("tree")).expect("a tree");
        Self { folder }
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join("tree").canonicalize().expect("the tree is there")
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.tree().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, text).expect("the file is written");
        path
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_cim-nix"));
        program.env_clear().env("HOME", self.folder.path()).env("XDG_CACHE_HOME", self.folder.path().join("cache"));
        program.args(words).current_dir(self.tree()).output().expect("the program runs")
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(words);
        serde_json::from_slice(&output.stdout).expect("the answer is JSON")
    }

    fn rules(&self, words: &[&str]) -> Vec<String> {
        rules(&self.json(&[words, &["--json"]].concat()))
    }
}

fn rules(document: &Value) -> Vec<String> {
    let findings = document["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["rule"].as_str().expect("a rule").to_owned()).collect()
}

#[test]
fn the_answer_has_the_promised_shape() {
    let world = World::new();
    world.write("a.nix", BAD);
    let answer = world.json(&["check", "--json"]);
    assert_eq!(answer["schema"], "cim-nix/check/1");
    assert_eq!(answer["files"], 1);
    assert_eq!(answer["summary"], serde_json::json!({ "error": 1, "warning": 1, "info": 0 }));
    let finding = &answer["findings"][0];
    assert_eq!(finding["rule"], "empty-let");
    assert_eq!(finding["path"], "a.nix");
    assert_eq!((&finding["line"], &finding["column"]), (&3.into(), &7.into()));
    assert_eq!((&finding["end_line"], &finding["end_column"]), (&3.into(), &25.into()));
    assert_eq!(finding["fix"]["safety"], "safe");
    assert_eq!(finding["fix"]["edits"][0], serde_json::json!({ "start": 22, "end": 29, "text": "" }));
    assert!(answer["findings"][1]["fix"].is_null());
}

#[test]
fn the_exit_code_says_whether_anything_is_as_bad_as_asked() {
    let world = World::new();
    world.write("hint.nix", "{ f, x }: { a = (f x); }\n");
    let code = |words: &[&str]| world.run(words).status.code();
    assert_eq!(code(&["check"]), Some(0), "hints alone do not fail");
    assert_eq!(code(&["check", "--fail-on", "info"]), Some(1));
    world.write("warning.nix", "let in 1\n");
    assert_eq!(code(&["check"]), Some(1));
    assert_eq!(code(&["check", "--fail-on", "error"]), Some(0));
    assert_eq!(code(&["check", "--disable", "empty-let"]), Some(0));
    world.write("error.nix", "{ a = ; }\n");
    assert_eq!(code(&["check", "--fail-on", "error"]), Some(1));
    assert_eq!(code(&["check", "--fail-on", "never"]), Some(0));
    assert_eq!(code(&["check", "--only", "no-such-rule"]), Some(2));
    assert_eq!(code(&["check", "nowhere"]), Some(1));
    world.write(".cim-nix.toml", "[rules]\ndisabled = [\"empty-lte\"]\n");
    assert_eq!(code(&["check"]), Some(3), "a misspelled rule of the settings is not passed over");
    assert_eq!(code(&["scan", "."]), Some(3));
}

#[test]
fn what_a_file_says_of_another_is_told_and_looked_at_again_when_the_other_changes() {
    let world = World::new();
    let lib = world.write("lib/default.nix", "{ lib }: { inherit (lib) version; }\n");
    world.write("a.nix", "{ lib }: let own = import ./lib { inherit lib; x = 1; }; in [ own.version own.revision ]\n");
    world.write("b.nix", "{ imports = [ ./gone.nix ]; }\n");
    let all = ["import-argument", "import-without-attribute", "import-not-there"];
    assert_eq!(world.rules(&["check"]), all);
    // What changed just now is not remembered.
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(world.rules(&["check"]), all);
    assert_eq!(world.rules(&["check"]), all, "remembered");
    fs::write(&lib, "{ lib, ... }: { inherit (lib) version; revision = 1; }\n").expect("the file is written");
    assert_eq!(world.rules(&["check"]), ["import-not-there"]);
    world.write("gone.nix", "{ }\n");
    assert_eq!(world.rules(&["check"]), [""; 0]);
    fs::remove_file(&lib).expect("the file is removed");
    assert_eq!(world.rules(&["check"]), ["import-not-there"], "of a directory, its default.nix");
}

#[test]
fn what_a_file_says_of_another_is_old_when_it_was_so_in_the_commit() {
    let world = World::new();
    let git = Git::init(&world.tree());
    world.write("lib.nix", "{ version = 1; }\n");
    world.write("a.nix", "[ (import ./lib.nix).version (import ./lib.nix).name ]\n");
    git.commit_all("first");
    assert_eq!(world.rules(&["check"]), ["import-without-attribute"]);
    assert_eq!(world.rules(&["check", "--new-since", "HEAD"]), [""; 0]);
    world.write("lib.nix", "{ name = 1; }\n");
    assert_eq!(world.rules(&["check", "--new-since", "HEAD"]), ["import-without-attribute"]);
}

#[test]
fn a_flake_named_alone_is_judged_with_its_lock_and_a_lock_with_its_flake() {
    let world = World::new();
    world.write("flake.nix", "{ description = \"x\"; inputs = { }; outputs = { self }: { a = let in self; }; }\n");
    world.write("flake.lock", "{ \"nodes\": { \"root\": { } }, \"root\": \"root\", \"version\": 7 }\n");
    assert_eq!(world.rules(&["check", "flake.nix"]), ["empty-let"]);
    assert_eq!(world.rules(&["check", "flake.lock"]), [""; 0]);
    fs::remove_file(world.tree().join("flake.nix")).expect("the flake is removed");
    assert_eq!(world.rules(&["check", "flake.lock"]), ["lock-without-flake"]);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_checked() {
    let world = World::new();
    world.write("good.nix", "let in 1\n");
    fs::write(world.tree().join("noise.nix"), [0_u8, 159, 146, 150, 255].repeat(1000)).expect("noise");
    fs::write(world.tree().join("huge.nix"), vec![b' '; 17 * 1024 * 1024]).expect("a large file");
    std::os::unix::fs::symlink("loop.nix", world.tree().join("loop.nix")).expect("a link to itself");
    let found = world.rules(&["check"]);
    assert!(found.contains(&"empty-let".to_owned()) && found.contains(&"syntax-error".to_owned()), "{found:?}");
    let has = |rule: &str| found.iter().any(|known| known == rule);
    assert!(has("unreadable") && has("too-large"), "as a scan calls it: {found:?}");
}

#[test]
fn a_lock_behind_a_link_that_leads_nowhere_is_not_missing() {
    let world = World::new();
    world.write(
        "flake.nix",
        "{ description = \"d\"; inputs.a.url = \"github:a/b\"; outputs = { a, ... }: { lib = a; }; }",
    );
    let missing = || world.rules(&["check", "flake.nix"]).contains(&"no-lock".to_owned());
    let lock = world.tree().join("flake.lock");
    // What was found is remembered from one run to the next.
    for _ in 0..2 {
        assert!(missing());
        std::os::unix::fs::symlink("/nowhere/at/all", &lock).expect("a link");
        assert!(!missing());
        fs::remove_file(&lock).expect("removed");
    }
}

#[test]
fn sarif_is_what_the_format_knows_and_its_fingerprints_outlive_moved_lines() {
    let world = World::new();
    world.write("a b/ä.nix", BAD);
    let sarif = |world: &World| -> Value {
        let output = world.run(&["check", "--sarif", "--no-cache"]);
        let text = String::from_utf8(output.stdout).expect("text");
        let read: serde_sarif::sarif::Sarif = serde_json::from_str(&text).expect("a SARIF document");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let again = serde_json::to_value(&read).expect("JSON");
        assert_eq!(document, again, "a field that the format does not know, or reads otherwise");
        document
    };
    let places = |document: &Value| -> Vec<u64> {
        let results = document["runs"][0]["results"].as_array().expect("results").iter();
        let region = |result: &Value| result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64();
        results.map(|result| region(result).expect("a line")).collect()
    };
    world.write("whole/flake.nix", "{ inputs.a.url = \"github:o/a\"; outputs = { self, a }: { lib.b = a; }; }\n");
    let whole = sarif(&world);
    assert!(whole.to_string().contains("no-lock"), "it is about the file as a whole");
    assert!(places(&whole).iter().all(|line| *line > 0), "lines are counted from 1");
    fs::remove_dir_all(world.tree().join("whole")).expect("the flake is removed");
    let prints = |document: &Value| -> Vec<String> {
        let results = document["runs"][0]["results"].as_array().expect("results");
        results.iter().map(|result| result["partialFingerprints"]["cimNix/v1"].to_string()).collect()
    };
    let before = sarif(&world);
    let result = &before["runs"][0]["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%A4.nix");
    assert_eq!(place["region"]["startLine"], 3);
    let rule = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
    assert_eq!(before["runs"][0]["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
    world.write("a b/ä.nix", &BAD.replacen("{\n", "{\n  # more\n\n  new = 1;\n", 1));
    let after = sarif(&world);
    assert_eq!(prints(&before), prints(&after));
    assert_eq!(after["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 6);
}

#[test]
fn an_unchanged_file_is_not_read_again_and_a_changed_one_is() {
    let world = World::new();
    let path = world.write("a.nix", BAD);
    // Nothing is remembered of a file that changed just now: it might change again within one tick of its clock.
    world.run(&["check"]);
    std::thread::sleep(Duration::from_millis(2100));
    let first = world.run(&["check", "--json"]).stdout;
    let cached: Vec<PathBuf> = fs::read_dir(world.folder.path().join("cache/cim-nix/check"))
        .expect("the cache is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let [cache] = &cached[..] else { panic!("{cached:?}") };
    let text = fs::read_to_string(cache).expect("the cache is text");
    assert_eq!(text.lines().count(), 2, "{text}");
    assert_eq!(world.run(&["check", "--json"]).stdout, first);
    // What stands in the cache is what is shown: the file is not read.
    fs::write(cache, text.replace("`undefined` is not", "`remembered` is not")).expect("the cache is written");
    assert!(world.json(&["check", "--json"]).to_string().contains("remembered"));
    assert!(!world.json(&["check", "--json", "--no-cache"]).to_string().contains("remembered"));
    // Other rules, other text, or a cache that is broken: everything is looked at.
    assert_eq!(world.rules(&["check", "--only", "empty-let"]), ["empty-let"]);
    fs::write(cache, text.replace("{\"p\"", "{{")).expect("the cache is written");
    assert_eq!(world.rules(&["check"]).len(), 2);
    fs::write(path, "1\n").expect("the file is written");
    assert_eq!(world.rules(&["check"]), [""; 0]);
}

#[test]
fn new_since_a_commit_is_what_its_text_did_not_show() {
    let world = World::new();
    let git = Git::init(&world.tree());
    world.write("a.nix", BAD);
    world.write("flake.nix", "{ outputs = _: { x = let in 1; }; }\n");
    git.commit_all("first");
    world.write("a.nix", &BAD.replace("b = [", "new = let in 2;\n  b = ["));
    world.write("c.nix", "let in 3\n");
    assert_eq!(world.rules(&["check", "--new-since", "HEAD"]), ["empty-let", "empty-let"]);
    git.commit_all("second");
    assert_eq!(world.rules(&["check", "--new-since", "HEAD"]), [""; 0]);
    assert_eq!(world.rules(&["check", "--new-since", "HEAD~1"]).len(), 2);
    assert_eq!(world.run(&["check", "--new-since", "HEAD"]).status.code(), Some(0));
    let unknown = world.run(&["check", "--new-since", "no-such-branch"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no-such-branch"));
}

#[test]
fn new_since_a_moment_is_what_the_ledger_did_not_hold_and_what_is_recorded_is_held() {
    let world = World::new();
    world.write("a.nix", "let in 1\n");
    assert_eq!(world.run(&["check", "--record"]).status.code(), Some(1), "below no root");
    assert_eq!(world.run(&["scan", "."]).status.code(), Some(0));
    let last = |field: &str| {
        let log = world.json(&["log", "--json"]);
        let events = log["events"].as_array().expect("events").clone();
        events.last().expect("an event")[field].clone()
    };
    let moment = format!("#{}", last("position"));
    world.write("b.nix", "{ a = undefined; }\n");
    assert_eq!(world.rules(&["check", "--new-since", &moment]), ["undefined-name"]);
    assert_eq!(world.rules(&["check", "--new-since", "1d"]).len(), 2, "a day ago there was nothing");
    world.run(&["check", "--record"]);
    assert_eq!(last("type"), "finding.raised");
    let event = last("event_id").as_str().expect("an id").to_owned();
    assert_eq!(world.rules(&["check", "--new-since", &event]), [""; 0]);
    assert_eq!(world.run(&["check", "--new-since", "#9999"]).status.code(), Some(2), "there is no such event");
}

/// Rules with hints, as `rules.record = "info"` says.
fn request(root: &Path) -> ScanRequest {
    let rules = Some(Wanted { selection: Selection::default(), least: Severity::Info });
    ScanRequest { paths: vec![root.to_owned()], rules, ..ScanRequest::default() }
}

fn open(estate: &Estate) -> Vec<(String, String)> {
    let reader = estate.session.store.reader().expect("a reader");
    let rows = view::problems(&reader, view::Whose::Own, At::Now).expect("problems");
    let root = estate.root();
    let inside = |path: PathBuf| path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
    let of_rules = rows.into_iter().filter(|row| !["no-lock", "description-missing"].contains(&row.code.as_str()));
    let mut open: Vec<_> = of_rules.map(|row| (inside(row.path.to_path()), row.code)).collect();
    open.sort();
    open
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect()
}

#[test]
fn a_scan_records_what_appears_and_what_goes_and_nothing_twice() {
    let estate = Estate::new();
    let path = estate.write("one/modules/a.nix", BAD);
    estate.write("one/flake.nix", "{ outputs = _: { x = let in 1; }; }\n");
    estate.write("alone/b.nix", "let in 1\n");
    let report = estate.scan_with(&request(&estate.root()));
    // The flake has no description either.
    assert_eq!((report.raised, report.resolved), (5, 0));
    let all = pairs(&[
        ("alone/b.nix", "empty-let"),
        ("one/flake.nix", "empty-let"),
        ("one/modules/a.nix", "empty-let"),
        ("one/modules/a.nix", "undefined-name"),
    ]);
    assert_eq!(open(&estate), all);
    let again = estate.scan_with(&request(&estate.root()));
    assert_eq!((again.events, again.raised, again.resolved), (0, 0, 0));
    fs::write(&path, BAD.replace("let in ", "")).expect("the file is written");
    let mended = estate.scan_with(&request(&estate.root()));
    assert_eq!((mended.raised, mended.resolved), (0, 1));
    fs::remove_file(&path).expect("the file is removed");
    let gone = estate.scan_with(&request(&estate.root()));
    assert_eq!((gone.raised, gone.resolved), (0, 1));
    assert_eq!(open(&estate), pairs(&[("alone/b.nix", "empty-let"), ("one/flake.nix", "empty-let")]));
}

#[test]
fn what_a_comment_allows_is_recorded_as_meant_with_its_reason_and_is_open_again_without_it() {
    let estate = Estate::new();
    let text = "[\n(let in 1)\n(let in 1)\n(let in 1)\n]\n";
    let path = estate.write("a.nix", text);
    assert_eq!(estate.scan_with(&request(&estate.root())).raised, 3);
    let comment = "(let in 1) # cim-nix: allow(empty-let) an example until 2099-01-01\n";
    let allowed = text.replacen("(let in 1)\n", comment, 1);
    fs::write(&path, &allowed).expect("the file is written");
    let report = estate.scan_with(&request(&estate.root()));
    assert_eq!((report.raised, report.resolved), (0, 0));
    assert_eq!(open(&estate).len(), 2);
    let last = || {
        let reader = estate.session.store.reader().expect("a reader");
        let all = reader.recorded(0, 10_000).expect("events");
        all.into_iter().rfind(|event| event.kind != "finding.changed").expect("an event")
    };
    assert_eq!(last().kind, "finding.suppressed");
    let payload: serde_json::Value = serde_json::from_str(&last().payload).expect("JSON");
    assert_eq!(payload["findings"][0]["why"], "an example");
    assert_eq!(payload["findings"][0]["until"], "2099-01-01");
    assert_eq!(payload["findings"].as_array().map(Vec::len), Some(1), "one of three alike, and not the last");
    assert_eq!(estate.scan_with(&request(&estate.root())).events, 0);
    fs::write(&path, text).expect("the file is written");
    assert_eq!(estate.scan_with(&request(&estate.root())).raised, 1);
    assert_eq!(open(&estate).len(), 3);
}

#[test]
fn what_is_found_in_a_flake_that_moved_is_open_at_its_new_place_alone() {
    let estate = Estate::new();
    let git = estate.git("old");
    git.run(&["remote", "add", "origin", "https://git.example.org/a/b"]);
    estate.write("old/flake.nix", "{ outputs = _: { }; }\n");
    estate.write("old/sub/a.nix", BAD);
    git.commit_all("first");
    estate.scan_with(&request(&estate.root()));
    fs::rename(estate.root().join("old"), estate.root().join("new")).expect("the flake is moved");
    estate.scan_with(&request(&estate.root()));
    assert_eq!(open(&estate), pairs(&[("new/sub/a.nix", "empty-let"), ("new/sub/a.nix", "undefined-name")]));
    let again = estate.scan_with(&request(&estate.root()));
    assert_eq!(again.events, 0);
}

#[test]
fn other_rules_have_every_file_looked_at_again() {
    let estate = Estate::new();
    estate.write("a.nix", BAD);
    let all = request(&estate.root());
    estate.scan_with(&all);
    let selection = Selection { disabled: vec!["empty-let".into()], ..Selection::default() };
    let fewer = ScanRequest { rules: Some(Wanted { selection, least: Severity::Info }), ..all.clone() };
    let report = estate.scan_with(&fewer);
    assert_eq!((report.raised, report.resolved), (0, 1));
    assert_eq!(estate.scan_with(&all).raised, 1);
}

#[test]
fn no_secret_of_a_message_is_recorded() {
    let estate = Estate::new();
    let token = format!("ghp_{}", "a1B2".repeat(9));
    estate.write("a.nix", &format!("{{ x }}: (x ? {token}) == true\n"));
    // Of what is long, the first words are quoted.
    estate
        .write("b/flake.nix", &format!("{{ inputs.x = {{ url = \"github:a/b\"; }} {token}; outputs = _: {{ }}; }}\n"));
    estate.scan_with(&request(&estate.root()));
    assert!(open(&estate).len() > 2);
    let token = token.get(.."ghp_a1B2a1".len()).unwrap_or(&token);
    let bytes = fs::read(estate.database()).expect("the ledger is read");
    let wal = fs::read(estate.database().with_extension("db-wal")).unwrap_or_default();
    let holds = |bytes: &[u8]| bytes.windows(token.len()).any(|window| window == token.as_bytes());
    assert!(!holds(&bytes) && !holds(&wal));
}

#[test]
fn no_secret_is_printed() {
    let world = World::new();
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let text = format!(
        "{{ x }}:\nrec {{\n  a = (\"{token}\");\n  services.y.settings.password = \"hunter2hunter2\";\n  b = x ? {token} == true;\n  c = {token};\n}}\n"
    );
    world.write("a.nix", &text);
    for words in [&["check"][..], &["check", "--json"], &["check", "--sarif"], &["check", "--format", "plain"]] {
        let output = world.run(words);
        let said = String::from_utf8_lossy(&output.stdout);
        for rule in ["redundant-parentheses", "password-in-store", "undefined-name"] {
            assert!(said.contains(rule), "{words:?}: {said}");
        }
        assert!(!said.contains("a1B2a1B2") && !said.contains("hunter2"), "{words:?}: {said}");
    }
    // Where it stands is shown as ever.
    let said = String::from_utf8_lossy(&world.run(&["check", "a.nix"]).stdout).into_owned();
    assert!(said.contains(&format!("c = {};", "*".repeat(token.len()))), "{said}");
}

#[test]
fn outputs_of_a_flake_keep_what_nix_gives_them() {
    let world = World::new();
    let flake = "{\n  inputs.a.url = \"github:o/a\";\n  outputs = { self, a }: { x = let in { y }: 1; };\n}\n";
    let path = world.write("flake.nix", flake);
    assert_eq!(world.run(&["fix", "--review"]).status.code(), Some(0));
    let fixed = fs::read_to_string(path).expect("the flake");
    assert!(fixed.contains("outputs = { self, a }:") && !fixed.contains("let in"), "{fixed}");
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_not_counted() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let (a, _) = (world.write("a.nix", BAD), world.write("b.nix", "let in 1\n"));
    fs::set_permissions(&a, fs::Permissions::from_mode(0o444)).expect("the mode is set");
    let output = world.run(&["fix", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let fixed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(fixed["changed"].as_array().map(Vec::len), Some(1));
    assert_eq!(fixed["changed"][0]["path"], "b.nix");
    assert!(fixed["failed"][0]["message"].as_str().is_some_and(|why| why.contains("read-only")), "{fixed}");
    assert_eq!(fs::read_to_string(&a).expect("the file"), BAD);
}

#[test]
fn a_fix_is_made_recorded_and_taken_back() {
    let world = World::new();
    let (a, b) = (world.write("a.nix", BAD), world.write("b.nix", "let in 1\n"));
    assert_eq!(world.run(&["scan", "."]).status.code(), Some(0));
    let planned = world.json(&["fix", "--dry-run", "--json"]);
    assert_eq!(planned["changed"][0]["fixes"], serde_json::json!({ "empty-let": 1 }));
    assert_eq!(fs::read_to_string(&a).expect("the file"), BAD, "a dry run writes nothing");
    let fixed = world.json(&["fix", "--json"]);
    assert_eq!((&fixed["recorded"], &fixed["events"]), (&true.into(), &2.into()));
    assert_eq!(fs::read_to_string(&a).expect("the file"), BAD.replace("let in ", ""));
    assert_eq!(fs::read_to_string(&b).expect("the file"), "1\n");
    let log = world.json(&["log", "--type", "finding.resolved", "--json"]);
    let events = log["events"].as_array().expect("events");
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["correlation_id"], events[1]["correlation_id"], "one conversation");
    assert_ne!(events[0]["causation_id"], events[1]["causation_id"], "each by the edit of its file");
    assert_eq!(world.run(&["undo"]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&a).expect("the file"), BAD);
    assert_eq!(
        fs::read_to_string(&b).expect("the file"),
        "let in 1\n",
        "what was made together is taken back together"
    );
    assert_eq!(world.run(&["fix"]).status.code(), Some(0));
}
