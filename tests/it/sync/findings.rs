//! Problems that were found: private, unless their user shares them too.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use cim_domain_nix::app::scan::{ScanRequest, scan};
use cim_domain_nix::app::sync::consent;
use cim_domain_nix::store::view::{self, At, Whose};
use serde_json::{Value, json};

use super::admin::Admin;
use super::machine::Machine;
use super::processes::program;
use crate::nats::Server;

/// A machine with a root of two directories: a flake that cannot be read whole, and a lock without a flake.
struct Troubled {
    ada: Machine,
    root: tempfile::TempDir,
}

const BROKEN: &str = "{ description = \"x\"; inputs.a.url = ; outputs = _: { }; }";

impl Troubled {
    fn new(server: &Server) -> Self {
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for directory in ["flake", "lock"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        fs::write(root.path().join("flake/flake.nix"), BROKEN).unwrap();
        fs::write(root.path().join("lock/flake.lock"), "{ \"version\": 7 }").unwrap();
        let troubled = Self { ada: Machine::new("ada", server), root };
        troubled.scan();
        consent::share(&troubled.ada.session, &consent::Which::All).unwrap();
        troubled
    }

    fn scan(&self) {
        let request = ScanRequest { paths: vec![self.root.path().to_owned()], threads: 1, ..ScanRequest::default() };
        scan(&self.ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
    }

    /// How many events of findings are recorded, and how many of them are in the outbox.
    fn findings(&self) -> (i64, i64) {
        let recorded = "SELECT count(*) FROM events WHERE stream LIKE 'finding/%'";
        let sent = format!("{recorded} AND position IN (SELECT position FROM outbox)");
        (self.ada.count(recorded), self.ada.count(&sent))
    }
}

/// How many problems the one flake has, as the list of flakes and the view say it.
fn counted(machine: &Machine) -> (Option<u64>, Option<i64>) {
    let reader = machine.session.store.reader().unwrap();
    let rows = view::flakes(&reader, Whose::All, At::Now).unwrap();
    assert_eq!(rows.len(), 1);
    (rows[0].problems, reader.query_row("SELECT problems FROM v1_flakes", [], |row| row.get(0)).unwrap())
}

/// What `flake show` says of the one flake.
fn shown(machine: &Machine) -> (Value, String) {
    let reader = machine.session.store.reader().unwrap();
    let id = view::flakes(&reader, Whose::All, At::Now).unwrap()[0].id;
    let says = |arguments: &str| {
        let said = program(machine, "nats://127.0.0.1:1", arguments).stdout(Stdio::piped()).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        String::from_utf8(said.stdout).unwrap()
    };
    let json = says(&format!("flake show {id} --json"));
    (serde_json::from_str(&json).unwrap(), says(&format!("flake show {id}")))
}

/// The subjects of everything on the server that tells of findings: of the exchange and of the public log.
fn on_the_server(server: &Server) -> Vec<String> {
    let admin = Admin::of(server);
    let subjects = |stream: &str| {
        let held = || {
            let answer = admin.call(&format!("STREAM.INFO.{stream}"), &json!({ "subjects_filter": ">" }));
            answer["state"]["subjects"].as_object().cloned().unwrap_or_default()
        };
        // The public log follows the exchange in its own time.
        let begun = Instant::now();
        while held().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{stream} holds nothing at all");
            std::thread::sleep(Duration::from_millis(20));
        }
        let found = held();
        found.into_iter().map(|(subject, _)| subject)
    };
    ["NIX_LEDGER", "NIX_EVENTS"]
        .into_iter()
        .flat_map(subjects)
        .filter(|subject| subject.contains(".finding."))
        .collect()
}

#[test]
fn findings_stay_private() {
    let server = Server::start();
    let troubled = Troubled::new(&server);
    let (recorded, shared) = troubled.findings();
    assert!(recorded >= 2 && shared == 0, "{recorded} recorded, {shared} shared");
    assert_eq!(troubled.ada.synced().sent, 1, "the flake that could be read");
    // What is found while a process delivers is no different.
    let running = troubled.ada.start();
    fs::write(troubled.root.path().join("flake/flake.nix"), BROKEN.replace("outputs", "inputs.b.url = ; outputs"))
        .unwrap();
    troubled.scan();
    troubled.ada.until("everything sent", |report| report.backlog == 0 && report.remote.status.state == "live");
    running.stop();
    assert!(troubled.findings().0 > recorded && troubled.findings().1 == 0, "{:?}", troubled.findings());
    assert_eq!(on_the_server(&server), Vec::<String>::new());
    let bob = Machine::new("bob", &server);
    bob.synced();
    assert_eq!(bob.count("SELECT count(*) FROM v1_problems"), 0);
    assert_eq!(counted(&bob), (None, None), "unknown, and not none");
    assert!(counted(&troubled.ada).0 > Some(0) && counted(&troubled.ada).1 > Some(0));
    let (json, page) = shown(&bob);
    assert_eq!((&json["problems"], &json["flake"]["problems"]), (&Value::Null, &Value::Null));
    assert!(page.ends_with("\n\nproblems\n  unknown: its machine has shared none\n"), "{page}");
}

#[test]
fn findings_are_shared_when_that_is_asked_for_and_kept_again_when_not() {
    let server = Server::start();
    let troubled = Troubled::new(&server);
    troubled.ada.synced();
    let released = consent::share_findings(&troubled.ada.session).unwrap();
    let (recorded, shared) = troubled.findings();
    assert_eq!(
        (shared, i64::try_from(released.events).unwrap()),
        (recorded, recorded),
        "with everything from the first on"
    );
    assert_eq!(troubled.ada.synced().sent, u64::try_from(recorded).unwrap());
    assert!(on_the_server(&server).iter().any(|subject| subject.ends_with(".finding.raised")));
    let bob = Machine::new("bob", &server);
    bob.synced();
    assert_eq!(counted(&bob), counted(&troubled.ada));
    let (json, page) = shown(&bob);
    let problems = json["problems"].as_array().unwrap();
    assert_eq!(Some(problems.len() as u64), counted(&bob).0);
    assert!(!problems.is_empty() && page.contains(problems[0]["code"].as_str().unwrap()), "{page}");
    let before = bob.count("SELECT min(position) - 1 FROM events WHERE type LIKE 'finding.%'");
    let then = view::flakes(&bob.session.store.reader().unwrap(), Whose::All, At::Position(before)).unwrap();
    assert_eq!(then.iter().map(|flake| flake.problems).collect::<Vec<_>>(), [None], "nothing was known by then");
    let told = |machine: &Machine| {
        let reader = machine.session.store.reader().unwrap();
        let problems = view::problems(&reader, Whose::All, At::Now).unwrap();
        problems.into_iter().map(|problem| (problem.path, problem.code)).collect::<Vec<_>>()
    };
    assert!(told(&bob).len() >= 2, "{:?}", told(&bob));
    assert_eq!(told(&bob), told(&troubled.ada));
    assert_eq!(bob.state_hash(), troubled.ada.state_hash());
    // Problems that come later follow by themselves, until they are to be private again.
    let text = BROKEN.replace("outputs", "inputs.b.url = ; outputs");
    fs::write(troubled.root.path().join("flake/flake.nix"), &text).unwrap();
    troubled.scan();
    troubled.ada.synced();
    let (more, shared) = troubled.findings();
    assert!(more > recorded && shared == more, "{more} recorded, {shared} shared");
    assert_eq!(consent::unshare_findings(&troubled.ada.session).unwrap(), 2, "the two files with problems");
    fs::write(troubled.root.path().join("flake/flake.nix"), text.replace("outputs", "inputs.c.url = ; outputs"))
        .unwrap();
    troubled.scan();
    troubled.ada.synced();
    assert!(troubled.findings().0 > more && troubled.findings().1 == more, "{:?}", troubled.findings());
    troubled.ada.assert_sound();
}

#[test]
fn a_root_that_is_shared_without_its_problems_is_so_from_the_first_moment_on() {
    let server = Server::start();
    let troubled = Troubled::new(&server);
    consent::share_findings(&troubled.ada.session).unwrap();
    let (_, shared) = troubled.findings();
    let more = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(more.path().join("flake.nix"), BROKEN).unwrap();
    let request = ScanRequest { paths: vec![more.path().to_owned()], threads: 1, ..ScanRequest::default() };
    scan(&troubled.ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
    let flakes = "SELECT count(*) FROM streams WHERE stream LIKE 'flake/%' AND shared = 1";
    let before = troubled.ada.count(flakes);
    let arguments = format!("sync enable {} --no-findings --no-system", more.path().display());
    assert!(program(&troubled.ada, &server.url(), &arguments).status().unwrap().success());
    assert_eq!(troubled.findings().1, shared, "of those, nothing more");
    assert_eq!(troubled.ada.count(flakes), before + 1);
    let reader = troubled.ada.session.store.reader().unwrap();
    assert!(!reader.are_findings_shared().unwrap() && reader.is_sync_enabled().unwrap());
    troubled.ada.assert_sound();
}
