//! `cim-nix serve` as a whole: sees what its user edits, survives a ledger that cannot be written, tells what it does,
//! and ends in time whatever the server does.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use cim_domain_nix::app::scan::{ScanRequest, scan};
use cim_domain_nix::app::sync::{LEASE, consent};
use cim_domain_nix::app::{AppError, origin};
use cim_domain_nix::store::view::{self, At, Whose};
use serde_json::Value;

use super::machine::Machine;
use super::processes::program;
use crate::nats::Server;
use crate::proxy::{Line, Proxy};

/// A machine whose root holds a flake, and the process that serves it.
struct Served {
    ada: Machine,
    root: tempfile::TempDir,
    child: Option<Child>,
}

impl Served {
    fn new(server: &Server) -> Self {
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let side = Self { ada: Machine::new("ada", server), root, child: None };
        side.describe("first");
        let request = ScanRequest { paths: vec![side.root.path().to_owned()], threads: 1, ..ScanRequest::default() };
        scan(&side.ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
        consent::share(&side.ada.session, &consent::Which::All).unwrap();
        side
    }

    fn describe(&self, words: &str) {
        let text = format!("{{ description = \"{words}\"; outputs = _: {{ }}; }}");
        fs::write(self.root.path().join("flake.nix"), text).unwrap();
    }

    fn start(&mut self, url: &str, change: impl FnOnce(&mut Command)) {
        let mut command = program(&self.ada, url, "serve --listen off --interval 600");
        command.stderr(fs::File::create(self.said_to()).unwrap());
        change(&mut command);
        self.child = Some(command.spawn().unwrap());
    }

    fn said_to(&self) -> std::path::PathBuf {
        self.ada.folder().join("said")
    }

    fn said(&self) -> String {
        fs::read_to_string(self.said_to()).unwrap()
    }

    fn live(&self) {
        self.ada.until("live", |report| report.remote.status.state == "live" && report.backlog == 0);
    }

    /// Asks it to end; how long that took.
    fn end(&mut self) -> Duration {
        let mut child = self.child.take().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let begun = Instant::now();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.said());
        begun.elapsed()
    }

    /// Waits until it has ended; its exit code.
    fn ends_by_itself(&mut self) -> Option<i32> {
        let (begun, mut child) = (Instant::now(), self.child.take().unwrap());
        loop {
            match child.try_wait().unwrap() {
                Some(status) => return status.code(),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
            if begun.elapsed() > Duration::from_secs(20) {
                child.kill().unwrap();
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap_or_default();
            child.wait().map(drop).unwrap_or_default();
        }
    }
}

fn description(machine: &Machine) -> Option<String> {
    let flakes = view::flakes(&machine.session.store.reader().unwrap(), Whose::All, At::Now).unwrap();
    flakes.into_iter().next().and_then(|flake| flake.description)
}

#[test]
fn an_edit_of_a_flake_is_on_other_machines_soon_after() {
    let server = Server::start();
    let mut side = Served::new(&server);
    side.start(&server.url(), |_| {});
    side.live();
    let bob = Machine::new("bob", &server);
    let running = bob.start();
    bob.until("the flake", |_| description(&bob).as_deref() == Some("first"));
    side.describe("second");
    bob.until("the edit", |_| description(&bob).as_deref() == Some("second"));
    // As editors do: another file takes its place.
    let beside = side.root.path().join(".flake.nix.swp");
    fs::write(&beside, "{ description = \"third\"; outputs = _: { }; }").unwrap();
    fs::rename(&beside, side.root.path().join("flake.nix")).unwrap();
    bob.until("what took its place", |_| description(&bob).as_deref() == Some("third"));
    // A flake that is new beside it.
    fs::create_dir(side.root.path().join("new")).unwrap();
    fs::write(side.root.path().join("new/flake.nix"), "{ outputs = _: { }; }").unwrap();
    bob.until("the new flake", |_| bob.count("SELECT count(*) FROM v1_flakes") == 2);
    running.stop();
    assert!(side.end() < Duration::from_secs(5));
    assert_eq!(side.ada.shared(), bob.shared());
}

#[test]
fn nothing_outside_the_roots_becomes_one_and_nothing_of_it_is_recorded() {
    let server = Server::start();
    let mut side = Served::new(&server);
    // The root is a flake itself, so that what lies beside it lies beside a flake.
    let outside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let secret =
        || fs::write(outside.path().join("flake.nix"), "{ description = \"secret\"; outputs = _: { }; }").unwrap();
    secret();
    side.start(&server.url(), |_| {});
    side.live();
    side.describe("second");
    side.ada.until("it watches", |_| description(&side.ada).as_deref() == Some("second"));
    std::os::unix::fs::symlink(outside.path(), side.root.path().join("link")).unwrap();
    let beside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(beside.path().join("flake.nix"), "{ description = \"secret\"; outputs = _: { }; }").unwrap();
    secret();
    // What is told after all that, and recorded.
    fs::create_dir(side.root.path().join("new")).unwrap();
    fs::write(side.root.path().join("new/flake.nix"), "{ outputs = _: { }; }").unwrap();
    side.ada.until("the new flake", |_| side.ada.count("SELECT count(*) FROM v1_flakes") >= 2);
    std::thread::sleep(Duration::from_secs(2));
    let reader = side.ada.session.store.reader().unwrap();
    let roots: Vec<_> = reader.roots().unwrap().into_iter().map(|root| root.path).collect();
    let own = side.root.path().canonicalize().unwrap();
    assert!(roots.contains(&own) && roots.len() == 2, "the test's own root is the other one: {roots:?}");
    assert_eq!(side.ada.count("SELECT count(*) FROM v1_flakes"), 2);
    side.end();
}

/// How long a process was at work so far, in hundredths of a second.
fn worked(child: &Child) -> u64 {
    let told = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let fields: Vec<&str> = told.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

/// Records an edit, and looks how much processes do afterwards.
fn rest(side: &Served, children: &[&Child]) {
    side.describe("second");
    side.ada.until("the edit", |_| description(&side.ada).as_deref() == Some("second"));
    std::thread::sleep(Duration::from_secs(1));
    let before: Vec<u64> = children.iter().map(|child| worked(child)).collect();
    std::thread::sleep(Duration::from_secs(4));
    let done: Vec<u64> = children.iter().zip(before).map(|(child, before)| worked(child) - before).collect();
    assert!(done.iter().all(|done| *done < 60), "{done:?} of 400 hundredths of a second");
}

#[test]
fn it_rests_where_nothing_is_shared_and_nothing_happens() {
    let server = Server::start();
    let mut side = Served::new(&server);
    consent::disable(&side.ada.session).unwrap();
    side.start(&server.url(), |_| {});
    rest(&side, &[side.child.as_ref().unwrap()]);
}

#[test]
fn two_of_one_ledger_rest_when_nothing_happens() {
    let server = Server::start();
    let mut side = Served::new(&server);
    side.start(&server.url(), |_| {});
    side.live();
    let mut other = Served { ada: Machine::new("bob", &server), root: tempfile::tempdir().unwrap(), child: None };
    other.child = Some(program(&side.ada, &server.url(), "serve --listen off --interval 600").spawn().unwrap());
    rest(&side, &[side.child.as_ref().unwrap(), other.child.as_ref().unwrap()]);
}

#[test]
fn a_directory_that_is_renamed_keeps_its_history_and_one_that_is_removed_is_gone_at_once() {
    let server = Server::start();
    let mut side = Served::new(&server);
    let at = |name: &str| side.root.path().join(name);
    for name in ["kept", "dropped"] {
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("flake.nix"), format!("{{ description = \"{name}\"; outputs = _: {{ }}; }}")).unwrap();
    }
    let (kept, moved, dropped) = (at("kept"), at("moved"), at("dropped"));
    side.start(&server.url(), |_| {});
    side.live();
    let known = |side: &Served| {
        let flakes = view::flakes(&side.ada.session.store.reader().unwrap(), Whose::All, At::Now).unwrap();
        flakes.into_iter().map(|flake| (flake.path.to_path(), flake.id)).collect::<BTreeMap<_, _>>()
    };
    side.ada.until("all three", |_| known(&side).len() == 3);
    let before = known(&side);
    fs::rename(&kept, &moved).unwrap();
    side.ada.until("it was moved", |_| known(&side).contains_key(&moved));
    assert_eq!((known(&side).len(), known(&side)[&moved]), (3, before[&kept]));
    fs::remove_dir_all(&dropped).unwrap();
    side.ada.until("it is gone", |_| !known(&side).contains_key(&dropped));
    assert_eq!(side.ada.count("SELECT count(*) FROM v1_events WHERE type IN ('flake.moved', 'flake.removed')"), 2);
    assert!(side.end() < Duration::from_secs(5));
}

#[test]
fn a_ledger_that_cannot_be_written_for_a_while_stops_nothing_for_good() {
    let server = Server::start();
    let mut side = Served::new(&server);
    side.start(&server.url(), |_| {});
    side.live();
    // Somebody holds the file for longer than anybody waits for it.
    let other = rusqlite::Connection::open(side.ada.session.store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    side.describe("second");
    let begun = Instant::now();
    while !(side.said().contains("trying again in 5 s") && side.said().contains("a scan failed")) {
        assert!(begun.elapsed() < Duration::from_secs(40), "{}", side.said());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(description(&side.ada).as_deref(), Some("first"));
    other.execute_batch("ROLLBACK").unwrap();
    // The edit that could not be recorded is seen with the next one, or just before it when the machine is slow.
    side.ada.until("live again", |report| report.remote.status.state == "live" && report.holder.is_some());
    side.describe("third");
    side.ada.until("sent", |report| {
        description(&side.ada).as_deref() == Some("third") && (2..=3).contains(&report.shared) && report.backlog == 0
    });
    assert!(side.end() < Duration::from_secs(5));
    super::processes::assert_clean(&side.ada);
}

#[test]
fn a_ledger_whose_file_goes_away_ends_it_so_that_it_can_be_started_anew() {
    let server = Server::start();
    let mut side = Served::new(&server);
    side.start(&server.url(), |_| {});
    side.live();
    let database = side.ada.session.store.path().to_owned();
    fs::rename(&database, database.with_extension("moved")).unwrap();
    assert_eq!(side.ends_by_itself(), Some(4), "{}", side.said());
    assert!(side.said().contains("was replaced, moved or deleted while it was open"), "{}", side.said());
    assert!(!database.exists(), "nothing was made in its place");
}

#[test]
fn a_ledger_that_becomes_another_origins_ends_it_so_that_it_can_be_started_anew() {
    let server = Server::start();
    let mut side = Served::new(&server);
    side.start(&server.url(), |_| {});
    side.live();
    let events = side.ada.count("SELECT count(*) FROM events");
    // As in its pause after a failure, nobody holds the lease.
    loop {
        if let Some(holder) = side.ada.status().holder {
            side.ada.session.store.release_lease(LEASE, &holder).unwrap();
        }
        match origin::fork(side.ada.beside()) {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, AppError::Delivering { .. }), "{error}"),
        }
    }
    side.describe("second");
    assert_eq!(side.ends_by_itself(), Some(4), "{}", side.said());
    assert!(side.said().contains("became the ledger of another origin while it was open"), "{}", side.said());
    assert_eq!(side.ada.count("SELECT count(*) FROM events"), events, "{}", side.said());
    side.start(&server.url(), |_| {});
    let own = "SELECT count(*) FROM outbox WHERE origin = (SELECT id FROM origins WHERE is_self = 1)";
    side.ada.until("sent", |report| side.ada.count(own) > 0 && report.backlog == 0);
    assert!(side.end() < Duration::from_secs(5));
    side.ada.assert_sound();
}

#[test]
fn it_ends_within_seconds_when_the_server_hangs() {
    let server = Server::start();
    let mut side = Served::new(&server);
    for hangs in ["from the first word on", "while it follows", "while it sends", "while it asks again"] {
        let proxy = Proxy::to(server.port());
        if hangs == "from the first word on" {
            proxy.set(Line::HalfOpen);
        }
        side.start(&proxy.url(), |_| {});
        if hangs == "from the first word on" {
            std::thread::sleep(Duration::from_millis(1_500));
        } else {
            side.live();
            side.ada.until("holds the lease", |report| report.holder.is_some());
            proxy.set(Line::HalfOpen);
        }
        match hangs {
            "while it sends" => side.ada.discover(1),
            "while it asks again" => {
                side.ada.discover(2);
                std::thread::sleep(Duration::from_secs(6));
            }
            _ => {}
        }
        std::thread::sleep(Duration::from_millis(300));
        let took = side.end();
        assert!(took < Duration::from_millis(2_500), "{hangs}: it took {took:?}: {}", side.said());
        assert_eq!(side.ada.status().holder, None, "{hangs}: the lease is given back");
    }
    // Nothing of it is lost, and nothing is there twice.
    let bob = Machine::new("bob", &server);
    side.ada.synced();
    bob.synced();
    assert_eq!(side.ada.shared(), bob.shared());
}

#[test]
fn what_it_logs_as_json_names_the_conversation() {
    let server = Server::start();
    let mut side = Served::new(&server);
    side.start(&server.url(), |command| {
        command.env("CIM_NIX_LOG", "cim_domain_nix=debug").env("CIM_NIX_LOG_FORMAT", "json");
    });
    side.live();
    side.describe("second");
    side.ada.until("the edit", |report| report.shared == 2 && report.backlog == 0);
    side.end();
    let log = log_below(side.ada.folder()).expect("a log file");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()), "{log}");
    let correlation: String = side
        .ada
        .session
        .store
        .reader()
        .unwrap()
        .query_row("SELECT correlation_id FROM v1_events WHERE type = 'flake.description_changed'", [], |row| {
            row.get(0)
        })
        .unwrap();
    let scanned = |line: &&Value| line["fields"]["message"] == "scanned" && line["fields"]["events"] == 1;
    let told: Vec<&Value> = lines.iter().filter(scanned).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert_eq!((&told[0]["span"]["name"], &told[0]["span"]["correlation_id"]), (&"scan".into(), &correlation.into()));
    assert!(lines.iter().any(|line| line["fields"]["message"] == "delivery" && line["fields"]["state"] == "live"));
}

/// The text of the one log file below a folder.
fn log_below(folder: &std::path::Path) -> Option<String> {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = if path.is_dir() { log_below(&path) } else { None };
        if found.is_some() {
            return found;
        }
        if path.extension().is_some_and(|extension| extension == "log") {
            let mut text = String::new();
            fs::File::open(path).unwrap().read_to_string(&mut text).unwrap();
            return Some(text);
        }
    }
    None
}

/// What is answered at an address: the first line, when anything is.
fn asked(address: &str, path: &str) -> Option<String> {
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.lines().next().map(str::to_owned)
}

#[test]
fn health_is_told_again_once_files_may_be_opened_again() {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
    let server = Server::start();
    let mut side = Served::new(&server);
    let mut serving = program(&side.ada, &server.url(), "serve --listen 127.0.0.1:0 --interval 600");
    side.child = Some(serving.stderr(fs::File::create(side.said_to()).unwrap()).spawn().unwrap());
    side.live();
    let said = side.said();
    let address = said.split("http://").nth(1).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(asked(&address, "/healthz").as_deref(), Some("HTTP/1.1 200 OK"));
    let pid = Pid::from_child(side.child.as_ref().unwrap());
    let few = Rlimit { current: Some(3), ..getrlimit(Resource::Nofile) };
    let before = prlimit(Some(pid), Resource::Nofile, few).unwrap();
    assert_eq!(asked(&address, "/healthz"), None, "no connection can be taken");
    prlimit(Some(pid), Resource::Nofile, before).unwrap();
    let begun = Instant::now();
    while asked(&address, "/healthz").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", side.said());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(asked(&address, "/metrics").as_deref(), Some("HTTP/1.1 200 OK"));
    side.end();
}
