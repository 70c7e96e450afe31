//! Whole processes: killed without a word, two on one ledger, and ledgers that are copied or lose a secret.

use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use cim_domain_nix::app::clock::Clock;
use cim_domain_nix::app::ledger::{self, Who};
use cim_domain_nix::app::sync::engine::{self, Link, Until};
use cim_domain_nix::app::sync::{LEASE, REMOTE, consent};
use cim_domain_nix::domain::id::EventId;
use cim_domain_nix::store::backup::BackupOptions;
use cim_domain_nix::store::check::CheckState;
use cim_domain_nix::store::erase::Erasure;
use cim_domain_nix::store::remote::Status;
use serde_json::json;

use super::admin::Admin;
use super::machine::{Machine, record_change};
use crate::nats::Server;

/// The program on a machine's ledger.
pub(super) fn program(machine: &Machine, url: &str, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cim-nix"));
    command.args(arguments.split(' ')).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", machine.folder());
    // Where coverage is measured, it is told where to write that.
    command.envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)));
    command
        .env("CIM_NIX_DB", machine.session.store.path())
        .env("CIM_NIX_SYSTEM_ROOT", machine.folder())
        .env("NATS_URL", url);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn says(machine: &Machine, server: &Server, arguments: &str) -> Output {
    program(machine, &server.url(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

/// A running `cim-nix serve`, killed when dropped.
pub(super) struct Serving(Child);

impl Serving {
    pub(super) fn start(machine: &Machine, url: &str) -> Self {
        Self(program(machine, url, "serve --listen off").spawn().unwrap())
    }

    pub(super) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// The most memory that it had so far, in bytes.
    pub(super) fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    fn is(&self, holder: Option<&str>) -> bool {
        holder.is_some_and(|holder| holder.ends_with(&format!("(process {})", self.0.id())))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        self.0.wait().map(drop).unwrap_or_default();
    }
}

pub(super) fn assert_clean(machine: &Machine) {
    let checks = cim_domain_nix::store::verify::verify(machine.session.store.path());
    let bad: Vec<_> = checks.iter().filter(|check| check.state != CheckState::Ok).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn a_process_killed_while_it_sends_and_takes_loses_nothing_and_repeats_nothing() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    bob.discover(1);
    bob.change(1, 1_500);
    bob.synced();
    ada.discover(1);
    ada.change(1, 1_500);
    for round in 0..8_u64 {
        let mut serving = Serving::start(&ada, &server.url());
        for part in 0..4 {
            std::thread::sleep(Duration::from_millis(25 + (round * 37 + part * 11) % 60));
            ada.change(1, 25);
        }
        serving.kill();
    }
    ada.until("the lease has run out", |report| report.holder.is_none());
    ada.synced();
    bob.synced();
    assert_eq!((ada.shared().len(), ada.shared()), (3_802, bob.shared()));
    assert_eq!(Admin::of(&server).messages(), 3_802, "nothing twice");
    assert_clean(&ada);
}

#[test]
fn when_who_delivered_was_killed_nothing_says_that_it_is_connected() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    let mut serving = Serving::start(&ada, &server.url());
    ada.until("live", |report| report.remote.status.state == "live" && serving.is(report.holder.as_deref()));
    let seen = |ada: &Machine| {
        let sql = "SELECT state || ' ' || (connected_since IS NOT NULL) FROM v1_sync";
        let reader = ada.session.store.reader().unwrap();
        reader.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(seen(&ada), "live 1");
    serving.kill();
    ada.until("the lease has run out", |report| report.holder.is_none());
    let status = ada.status().remote.status;
    assert_eq!((status.state.as_str(), status.connected_since), ("offline", None));
    assert_eq!(seen(&ada), "offline 0");
}

#[test]
fn of_two_processes_one_delivers_and_the_other_takes_over_when_it_dies() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    let mut both = [Serving::start(&ada, &server.url()), Serving::start(&ada, &server.url())];
    let report = ada.until("live", |report| report.remote.status.state == "live" && report.holder.is_some());
    let first = both.iter().position(|it| it.is(report.holder.as_deref())).unwrap();
    ada.discover(1);
    ada.until("sent", |report| report.shared == 1 && report.backlog == 0);
    both[first].kill();
    ada.discover(2);
    let other = &both[1 - first];
    ada.until("taken over", |report| other.is(report.holder.as_deref()) && report.shared == 2 && report.backlog == 0);
    assert_eq!(Admin::of(&server).messages(), 2);
}

#[test]
fn asking_for_it_once_while_a_process_is_at_it_waits_for_that_one() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    let serving = Serving::start(&ada, &server.url());
    ada.until("live", |report| report.remote.status.state == "live" && serving.is(report.holder.as_deref()));
    ada.discover(1);
    ada.change(1, 50);
    let said = says(&ada, &server, "sync now");
    assert!(said.status.success(), "{said:?}");
    assert_eq!((ada.status().backlog, ada.status().shared), (0, 51), "{said:?}");
    assert_eq!(Admin::of(&server).messages(), 51);
}

#[test]
fn asking_for_it_once_where_it_is_off_waits_for_nobody() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    consent::disable(&ada.session).unwrap();
    let serving = Serving::start(&ada, &server.url());
    ada.until("the lease", |report| serving.is(report.holder.as_deref()));
    let begun = std::time::Instant::now();
    let said = says(&ada, &server, "sync now --wait 60");
    let text = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.status.code(), Some(1), "{text}");
    assert!(text.contains("synchronisation is off") && text.contains("sync enable"), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn asking_for_it_once_ends_when_it_is_turned_off_meanwhile() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    let now = ada.session.clock.now();
    assert!(ada.session.store.lease(LEASE, "elsewhere (process 1)", now, now + 60_000_000).unwrap());
    let mut child = program(&ada, &server.url(), "sync now --wait 60").stderr(Stdio::piped()).spawn().unwrap();
    let mut byte = [0];
    std::io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut byte).unwrap();
    let begun = std::time::Instant::now();
    consent::disable(&ada.session).unwrap();
    let said = child.wait_with_output().unwrap();
    let text = String::from_utf8(said.stderr).unwrap();
    assert!(text.contains("synchronisation is off"), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn ctrl_c_ends_asking_for_it_once_wherever_it_waits() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    let interrupt = |url: &str, waits: &dyn Fn(&mut std::process::Child)| {
        let asking = &mut program(&ada, url, "sync now --wait 60");
        let mut child = asking.stderr(Stdio::piped()).spawn().unwrap();
        waits(&mut child);
        let begun = std::time::Instant::now();
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
        let said = child.wait_with_output().unwrap();
        let text = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(130), "{text}");
        assert!(text.contains("synchronising was stopped before its end"), "{text}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    };
    // For a server that takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let held = std::cell::RefCell::new(None);
    interrupt(&format!("nats://{}", silent.local_addr().unwrap()), &|_| {
        held.replace(Some(silent.accept().unwrap()));
    });
    // For another process that is at it.
    let now = ada.session.clock.now();
    assert!(ada.session.store.lease(LEASE, "elsewhere (process 1)", now, now + 60_000_000).unwrap());
    interrupt(&server.url(), &|child| {
        let mut byte = [0];
        std::io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut byte).unwrap();
    });
}

#[test]
fn a_forked_ledger_stays_blocked_however_often_it_is_tried() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.synced();
    let copy = ada.folder().join("copy.db");
    ada.session.store.backup(&copy, BackupOptions::default(), &mut |_, _| {}).unwrap();
    let key = |path: &std::path::Path| format!("{}.key", path.display());
    std::fs::copy(key(ada.session.store.path()), key(&copy)).unwrap();
    let who = Who { host: "twin".to_owned(), user: "ada".to_owned() };
    let twin = ledger::open(&copy, who, Clock::system()).unwrap();
    ada.change(1, 1);
    ada.synced();
    for round in 0..3 {
        record_change(&twin, ada.flake(1), 3);
        let outcome = engine::run(&twin, &ada.place, &Link::default(), Until::Synced, &AtomicBool::new(false)).unwrap();
        assert_eq!(outcome.status.reason.as_deref(), Some("forked"), "round {round}: {outcome:?}");
        assert_eq!(outcome.sent, 0);
    }
    assert_eq!(Admin::of(&server).messages(), 2);
}

#[test]
fn a_machine_that_got_another_name_is_shown_under_it() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    bob.synced();
    let own = &ada.session.store.origin().public_key;
    let host = |of: &Machine| {
        let sql = "SELECT host FROM v1_origins WHERE public_key = ?1";
        of.session.store.reader().unwrap().query_row(sql, [own], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!((host(&ada), host(&bob)), ("ada".to_owned(), "ada".to_owned()));
    let who = Who { host: "lovelace".to_owned(), user: "ada".to_owned() };
    let renamed = ledger::open(ada.session.store.path(), who, Clock::system()).unwrap();
    assert_eq!(host(&ada), "lovelace", "here at once");
    record_change(&renamed, ada.flake(1), 1);
    engine::run(&renamed, &ada.place, &Link::default(), Until::Synced, &AtomicBool::new(false)).unwrap();
    bob.synced();
    assert_eq!(host(&bob), "lovelace", "elsewhere with the next change");
    let carol = Machine::at("carol", &ada.place);
    carol.synced();
    assert_eq!(host(&carol), "lovelace");
    assert_clean(&bob);
}

#[test]
fn an_erased_event_is_blank_on_every_machine_and_both_verify() {
    let mut server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.change(1, 4);
    ada.synced();
    bob.synced();
    let (_, _, id) = ada.shared()[2].clone();
    let erasure = Erasure {
        command: ada.session.command("erase"),
        at: ada.session.clock.now(),
        event: EventId::new(uuid::Uuid::parse_str(&id).unwrap()),
        record: EventId::new(ada.session.clock.new_id()),
        reason: "a secret".to_owned(),
    };
    assert!(ada.session.store.erase(erasure).unwrap().complete);
    ada.change(1, 1);
    assert_eq!(ada.synced().sent, 2, "what says that it is erased is shared");
    bob.synced();
    // One that comes later gets the text from the server, and blanks it in the same breath.
    let carol = Machine::new("carol", &server);
    carol.synced();
    // And one that comes after the server was filled anew gets a blank.
    server.down();
    server.lose_disk();
    server.up();
    ada.synced();
    let dave = Machine::new("dave", &server);
    dave.synced();
    for machine in [&ada, &bob, &carol, &dave] {
        assert_eq!(machine.shared(), ada.shared());
        let blank = format!("SELECT count(*) FROM events WHERE payload = 'null' AND lower(hex(event_id)) = '{id}'");
        assert_eq!(machine.count(&blank), 1);
        assert_eq!(machine.count("SELECT count(*) FROM v1_events WHERE payload LIKE '%change 1%'"), 0);
        assert_clean(machine);
    }
}

#[test]
fn settings_that_are_corrected_while_it_serves_are_used_once_somebody_asks() {
    let server = Server::with("authorization { user: ada, password: right }");
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    let settings = ada.folder().join(".config/cim-nix");
    std::fs::create_dir_all(&settings).unwrap();
    let password = |word: &str| {
        let text = format!("[sync]\nuser = \"ada\"\npassword = \"{word}\"\n");
        std::fs::write(settings.join("config.toml"), text).unwrap();
    };
    password("wrong");
    let serving = Serving::start(&ada, &server.url());
    ada.until("blocked", |report| {
        report.remote.status.reason.as_deref() == Some("unauthorized") && serving.is(report.holder.as_deref())
    });
    // It is tried once more for who asks, and told as it is.
    let attempts = ada.status().remote.status.attempts;
    let refused = says(&ada, &server, "sync now");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("waiting for it") && said.contains("refuses these credentials"), "{said}");
    assert_eq!(ada.status().remote.status.attempts, attempts + 1);
    password("right");
    let done = says(&ada, &server, "sync now");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(ada.status().remote.status.state, "live");
}

#[test]
fn what_is_kept_by_turning_synchronisation_off_is_what_was_said_then() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    let serving = Serving::start(&ada, &server.url());
    ada.until("live", |report| report.remote.status.state == "live" && serving.is(report.holder.as_deref()));
    ada.discover(1);
    let mut kept = 0;
    for round in 0..5 {
        ada.change(1, 6_000);
        consent::enable(&ada.session, &consent::Which::Named(Vec::new())).unwrap();
        ada.until("something was sent", |report| report.backlog < kept + 6_000);
        consent::disable(&ada.session).unwrap();
        kept = i64::try_from(consent::waiting(&ada.session).unwrap().all).unwrap();
        assert!(kept > 0, "it was too fast for this test");
        std::thread::sleep(Duration::from_millis(700));
        let report = ada.status();
        assert_eq!((report.backlog, report.remote.status.state.as_str()), (kept, "disabled"), "round {round}");
        assert_eq!(Admin::of(&server).messages(), u64::try_from(report.remote.acked).unwrap());
    }
}

#[test]
fn who_turns_synchronisation_off_learns_who_has_not_stopped_and_does_not_wait_for_the_dead() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    let lease = |holder: &str, until: i64| {
        let now = ada.session.clock.now();
        assert!(ada.session.store.lease(LEASE, holder, now, now + until).unwrap(), "{holder}");
    };
    lease("ada (process 4194999)", 60_000_000);
    let begun = std::time::Instant::now();
    assert_eq!(consent::disable(&ada.session).unwrap(), None);
    assert!(begun.elapsed() < Duration::from_secs(1));
    ada.session.store.release_lease(LEASE, "ada (process 4194999)").unwrap();
    lease("elsewhere (process 1)", 60_000_000);
    let status = Status { state: "live".to_owned(), ..Status::default() };
    ada.session.store.set_status(REMOTE, status, ada.session.clock.now()).unwrap();
    assert_eq!(consent::disable(&ada.session).unwrap().as_deref(), Some("elsewhere (process 1)"));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn who_turns_synchronisation_off_does_not_wait_for_a_process_that_never_reached_a_server() {
    let mut server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.synced();
    server.down();
    // It takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let serving = Serving::start(&ada, &format!("nats://{}", silent.local_addr().unwrap()));
    ada.until("the lease", |report| serving.is(report.holder.as_deref()));
    let (_held, begun) = (silent.accept().unwrap(), std::time::Instant::now());
    assert_eq!(consent::disable(&ada.session).unwrap(), None);
    assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_is_named_while_it_serves_is_used_without_anybody_asking() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    let settings = ada.folder().join(".config/cim-nix");
    std::fs::create_dir_all(&settings).unwrap();
    let name = |servers: &str| {
        std::fs::write(settings.join("config.toml"), format!("[sync]\nservers = \"{servers}\"\n")).unwrap();
    };
    name("");
    let serving = Serving(program(&ada, "", "serve --listen off").env_remove("NATS_URL").spawn().unwrap());
    ada.until("the lease", |report| serving.is(report.holder.as_deref()));
    std::thread::sleep(Duration::from_secs(2));
    name(&server.url());
    ada.until("sent", |report| report.remote.status.state == "live" && report.remote.acked == 1);
}

#[test]
fn asking_for_it_once_beside_a_process_that_reaches_no_server_fails_as_soon_as_that_says_so() {
    let server = Server::stopped("");
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    let serving = Serving::start(&ada, &server.url());
    ada.until("the lease", |report| serving.is(report.holder.as_deref()) && report.remote.status.attempts > 0);
    let begun = std::time::Instant::now();
    let said = says(&ada, &server, "sync now --wait 120");
    let text = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.status.code(), Some(6), "{text}");
    assert!(text.contains("no server answers at") && text.contains("nothing is lost"), "{text}");
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
}

#[test]
fn asking_for_it_once_does_it_when_who_was_at_it_is_gone() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    let now = ada.session.clock.now();
    assert!(ada.session.store.lease(LEASE, "elsewhere (process 1)", now, now + 5_000_000).unwrap());
    let said = says(&ada, &server, "sync now --wait 60 --json");
    assert!(said.status.success(), "{said:?}");
    assert!(String::from_utf8(said.stdout).unwrap().contains("\"sent\": 1"), "it did it itself");
}

#[test]
fn asking_for_it_once_counts_what_another_process_does_for_it() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    bob.discover(1);
    bob.synced();
    ada.discover(1);
    // Nothing is sent or taken before it is asked for: nobody is there for whom it would be done.
    let now = ada.session.clock.now();
    assert!(ada.session.store.lease(LEASE, "elsewhere (process 1)", now, now + 60_000_000).unwrap());
    let asking = program(&ada, &server.url(), "sync now --wait 60 --json").stdout(Stdio::piped()).spawn().unwrap();
    ada.until("question", |_| ada.session.store.reader().unwrap().asked_whether_synced().unwrap() > 0);
    ada.session.store.release_lease(LEASE, "elsewhere (process 1)").unwrap();
    let serving = Serving::start(&ada, &server.url());
    let said = asking.wait_with_output().unwrap();
    assert!(said.status.success(), "{said:?}");
    let answer: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!((&answer["sent"], &answer["taken"]), (&json!(1), &json!(1)), "{answer}");
    drop(serving);
}

#[test]
fn whoever_asks_while_others_send_is_told_that_nothing_is_left_when_what_was_there_is_here() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    let running = bob.start();
    bob.until("one event", |report| bob.shared().len() == 1 && report.remote.synced_at.is_some());
    (0..20).for_each(|_| ada.change(1, 1_000));
    let key = &ada.session.store.origin().public_key;
    let here = format!("SELECT count(*) FROM outbox b JOIN origins o ON o.id = b.origin WHERE o.public_key = '{key}'");
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| ada.synced());
        while !sending.is_finished() {
            let there = ada.session.store.reader().unwrap().remote("exchange").unwrap().acked;
            let asked = bob.session.clock.now();
            bob.session.store.ask_whether_synced(asked).unwrap();
            bob.until("an answer", |report| report.remote.synced_at.is_some_and(|at| at >= asked));
            let here = bob.count(&here);
            assert!(here >= there, "nothing is left, with {here} of {there}");
        }
    });
    running.stop();
}
