//! What goes out comes in: shared events of one machine are in the other's log, in order, once, and proved.

use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::scan::{ScanRequest, scan};
use cim_domain_nix::app::sync::{consent, verify};
use cim_domain_nix::store::remote::{Acknowledged, Lease};
use cim_domain_nix::store::view::{self, At};

use super::machine::Machine;
use crate::nats::Server;

#[test]
fn what_one_machine_shares_the_other_has() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    for number in 0..5 {
        ada.discover(number);
        ada.change(number, 3);
    }
    bob.discover(1);
    assert_eq!(ada.synced().sent, 20);
    let outcome = bob.synced();
    assert_eq!((outcome.sent, outcome.taken), (1, 20));
    assert_eq!(ada.synced().taken, 1);
    assert_eq!(ada.shared(), bob.shared());
    assert_eq!(ada.state_hash(), bob.state_hash());
    bob.discover(2);
    assert_ne!(
        ada.state_hash(),
        {
            bob.synced();
            bob.state_hash()
        },
        "what one has and the other has not is told"
    );
    ada.synced();
    let flakes = view::flakes(&bob.session.store.reader().unwrap(), view::Whose::All, At::Now).unwrap();
    assert_eq!(flakes.len(), 7, "the read model has both machines' flakes");
    for machine in [&ada, &bob] {
        let compared = verify::verify(&machine.session, &machine.place).unwrap();
        assert!(
            compared.iter().all(|it| it.different.is_empty() && it.only_here == 0 && it.only_there == 0),
            "{compared:?}"
        );
        assert_eq!(compared.iter().map(|it| it.same).sum::<u64>(), 22);
    }
    assert_eq!(crate::contract::assert_exchange(&server.url()), Some(22), "each is what its schema says");
}

#[test]
fn nothing_leaves_a_machine_before_its_user_says_so() {
    let server = Server::start();
    let (ada, bob) = (Machine::private("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    let outcome = ada.sync();
    assert_eq!((outcome.status.state.as_str(), outcome.synced), ("disabled", false));
    assert!(!server.said().contains("NIX_LEDGER"));
    // Taking part without sharing anything.
    consent::enable(&ada.session, &consent::Which::Named(Vec::new())).unwrap();
    bob.discover(7);
    bob.synced();
    assert_eq!((ada.synced().sent, ada.shared().len()), (0, 1));
    consent::share(&ada.session, &consent::Which::Named(vec![ada.root()])).unwrap();
    assert_eq!(ada.synced().sent, 1);
    // What is recorded after it was unshared stays.
    consent::unshare(&ada.session, &consent::Which::All).unwrap();
    ada.change(1, 2);
    assert_eq!((ada.synced().sent, ada.status().backlog), (0, 0));
    ada.assert_sound();
    // Shared again: what was missing follows, the stream has no gap.
    consent::share(&ada.session, &consent::Which::All).unwrap();
    assert_eq!(ada.synced().sent, 2);
    assert_eq!(bob.synced().taken, 3);
    assert_eq!(ada.shared(), bob.shared());
}

#[test]
fn running_engines_pass_events_on_as_they_are_recorded() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    let running = [ada.start(), bob.start()];
    ada.until("live", |report| report.remote.status.state == "live");
    bob.until("live", |report| report.remote.status.state == "live");
    for number in 0..20 {
        ada.discover(number);
        bob.discover(number);
    }
    let all = |machine: &Machine| machine.until("40 events", |_| machine.shared().len() == 40);
    all(&ada);
    all(&bob);
    assert_eq!(ada.shared(), bob.shared());
    let report = ada.until("nothing left", |report| report.backlog == 0);
    assert!(report.holder.is_some() && report.remote.status.connected_since.is_some(), "{report:?}");
    for engine in running {
        engine.stop();
    }
    assert_eq!(ada.status().holder, None);
}

#[test]
fn a_late_joiner_catches_up_the_whole_history_in_its_order() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    for number in 0..3 {
        ada.discover(number);
        ada.change(number, 700);
    }
    assert_eq!(ada.synced().sent, 2_103);
    let bob = Machine::new("bob", &server);
    assert_eq!(bob.synced().taken, 2_103);
    assert_eq!(ada.shared(), bob.shared());
    let (one, two) = (ada.replayed(), bob.replayed());
    assert_eq!(one, two, "the same events give the same state");
    assert_eq!(one.events, 2_103);
    bob.assert_sound();
}

#[test]
fn only_one_process_of_many_delivers() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    let running = ada.start();
    ada.until("live", |report| report.remote.status.state == "live");
    let outcome = ada.sync();
    // The same process holds it: leases are a process's. Another one's is refused.
    assert!(outcome.elsewhere.is_none());
    running.stop();
    let now = ada.session.clock.now();
    assert!(ada.session.store.lease("relay", "elsewhere (process 1)", now, now + 60_000_000).unwrap());
    assert_eq!(ada.sync().elsewhere.as_deref(), Some("elsewhere (process 1)"));
}

#[test]
fn what_a_process_saw_is_not_written_down_when_another_delivers_by_then() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.change(1, 9);
    assert_eq!(ada.synced().sent, 10);
    let acked = || ada.session.store.reader().unwrap().remote("exchange").unwrap().acked;
    let now = ada.session.clock.now();
    let (late, present) = (Lease { name: "relay", holder: "late" }, Lease { name: "relay", holder: "present" });
    assert!(ada.session.store.lease("relay", present.holder, now, now + 60_000_000).unwrap());
    let older = Acknowledged { seq: 3, fence: 3 };
    assert!(!ada.session.store.set_acknowledged("exchange", older, None, late, now).unwrap());
    assert_eq!(acked(), 10);
    assert!(ada.session.store.set_acknowledged("exchange", older, None, present, now).unwrap());
    assert_eq!(acked(), 3);
}

#[test]
fn who_lost_the_lease_takes_nothing_in_until_it_has_it_again() {
    for sends_meanwhile in [false, true] {
        let server = Server::start();
        let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
        let running = ada.start();
        ada.until("live", |report| report.remote.status.state == "live");
        // As after a suspension: another process has taken it when it ran out.
        let now = ada.session.clock.now();
        assert!(ada.session.store.lease("relay", "stranger", now + 60_000_000, now + 30_000_000).unwrap());
        if sends_meanwhile {
            ada.discover(1);
        }
        std::thread::sleep(std::time::Duration::from_secs(6));
        bob.discover(1);
        bob.synced();
        std::thread::sleep(std::time::Duration::from_secs(1));
        let of_bob =
            format!("SELECT count(*) FROM v1_events WHERE origin = '{}'", bob.session.store.origin().public_key);
        assert_eq!(ada.count(&of_bob), 0, "it is the stranger's to take in");
        ada.session.store.release_lease("relay", "stranger").unwrap();
        ada.until("bob's flake", |report| ada.count(&of_bob) == 1 && report.backlog == 0);
        running.stop();
    }
}

#[test]
fn the_public_log_has_every_event_under_its_public_subject() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.change(1, 4);
    ada.synced();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(server.url()).await.unwrap();
        let context = async_nats::jetstream::new(client);
        let mut stream = context.get_stream("NIX_EVENTS").await.unwrap();
        let begun = std::time::Instant::now();
        while stream.info().await.unwrap().state.messages < 5 {
            assert!(begun.elapsed().as_secs() < 20, "the public log lacks events");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let message = stream.get_raw_message(1).await.unwrap();
        assert_eq!(message.subject.as_str(), "nix.event.flake.discovered");
        let body: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(body["payload"]["facts"]["description"], "flake 1", "{body}");
        assert_eq!(message.headers.get("X-Domain").unwrap().as_str(), "nix");
    });
}

#[test]
fn the_same_path_on_two_machines_is_two_flakes() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::write(folder.path().join("flake.nix"), "{ description = \"x\"; outputs = _: { }; }").unwrap();
    let request = ScanRequest { paths: vec![folder.path().to_owned()], threads: 1, ..ScanRequest::default() };
    let look = |machine: &Machine| scan(&machine.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
    assert_eq!(look(&ada).new, 1);
    consent::share(&ada.session, &consent::Which::All).unwrap();
    ada.synced();
    assert_eq!(bob.synced().taken, 1);
    let report = look(&bob);
    assert_eq!((report.new, report.removed), (1, 0), "{report:?}");
    assert_eq!((look(&bob).events, bob.count("SELECT count(*) FROM v1_flakes")), (0, 2));
    std::fs::remove_file(folder.path().join("flake.nix")).unwrap();
    assert_eq!(look(&bob).removed, 1);
    assert_eq!(bob.count("SELECT count(*) FROM v1_flakes"), 1, "what another machine has is for it to say");
}

#[test]
fn a_lease_by_a_clock_that_was_ahead_keeps_nobody_waiting() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    // As whoever is gone left it before the clock was set back by hours.
    let ahead = ada.session.clock.now() + 3 * 3_600_000_000;
    assert!(ada.session.store.lease("relay", "elsewhere (process 1)", ahead, ahead + 10_000_000).unwrap());
    assert_eq!(ada.status().holder, None);
    assert_eq!(ada.count("SELECT count(*) FROM v1_sync WHERE state = 'offline'"), 1);
    let outcome = ada.synced();
    assert_eq!((outcome.elsewhere, outcome.sent), (None, 1));
}
