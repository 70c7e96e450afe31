//! Servers that are late, die, forget, refuse and lie.

use std::path::Path;

use cim_domain_nix::app::sync::{consent, verify};
use serde_json::json;

use super::admin::Admin;
use super::machine::Machine;
use crate::nats::Server;

#[test]
fn a_machine_starts_without_a_server_and_goes_on_when_one_appears() {
    let mut server = Server::stopped("");
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    consent::share(&ada.session, &consent::Which::All).unwrap();
    let running = ada.start();
    let report = ada.until("backoff", |report| report.remote.status.state == "backoff");
    assert!(report.remote.status.last_error.unwrap().contains("no server answers"));
    assert_eq!(report.backlog, 1);
    server.up();
    ada.until("live", |report| report.remote.status.state == "live" && report.backlog == 0);
    running.stop();
}

#[test]
fn a_server_that_is_killed_and_started_again_misses_nothing() {
    let mut server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    let running = [ada.start(), bob.start()];
    for round in 0..4 {
        ada.discover(round);
        ada.change(round, 20);
        server.down();
        bob.discover(round);
        bob.change(round, 20);
        server.up();
    }
    for machine in [&ada, &bob] {
        machine.until("everything", |report| report.backlog == 0 && machine.shared().len() == 168);
    }
    assert_eq!(ada.shared(), bob.shared());
    for engine in running {
        engine.stop();
    }
}

#[test]
fn a_server_that_was_restored_from_a_backup_gets_the_end_that_it_lacks() {
    let mut server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.change(1, 4);
    ada.synced();
    server.down();
    let (store, backup) = (server.folder().join("store"), server.folder().join("backup"));
    copy(&store, &backup);
    server.up();
    ada.change(1, 3);
    ada.synced();
    server.down();
    std::fs::remove_dir_all(&store).unwrap();
    copy(&backup, &store);
    server.up();
    // Others are there first: the numbers of what was lost are theirs by now.
    bob.discover(1);
    bob.change(1, 9);
    bob.synced();
    ada.change(1, 1);
    assert_eq!(ada.synced().sent, 4);
    bob.synced();
    assert_eq!((ada.shared(), ada.shared().len()), (bob.shared(), 19));
    let compared = verify::verify(&ada.session, &ada.place).unwrap();
    assert!(compared.iter().all(|it| it.is_good() && it.only_there == 0 && it.only_here == 0), "{compared:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn a_server_that_lost_its_disk_is_filled_again_from_the_machines() {
    let mut server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.change(1, 30);
    bob.discover(1);
    for machine in [&ada, &bob, &ada] {
        machine.synced();
    }
    server.down();
    server.lose_disk();
    server.up();
    ada.change(1, 1);
    assert_eq!(ada.synced().sent, 32, "everything is sent again");
    let outcome = bob.synced();
    assert_eq!((outcome.sent, outcome.taken), (1, 1), "what was known is passed over");
    ada.synced();
    assert_eq!(ada.shared(), bob.shared());
    let carol = Machine::new("carol", &server);
    carol.synced();
    assert_eq!(carol.shared(), ada.shared());
}

/// An exchange that nobody can read: others have all of the consumers that it may have.
fn unreadable(server: &Server) -> (Admin, impl Fn(&Admin) + use<>) {
    let admin = Admin::of(server);
    let config = json!({ "name": "NIX_LEDGER", "subjects": ["nix.ledger.*.*.*"], "max_consumers": 3 });
    admin.call("STREAM.CREATE.NIX_LEDGER", &config);
    admin.set_up(true).unwrap();
    let others = ["one", "two", "three"];
    for name in others {
        let config = json!({ "durable_name": name, "ack_policy": "none" });
        let taken = json!({ "stream_name": "NIX_LEDGER", "config": config });
        admin.call(&format!("CONSUMER.CREATE.NIX_LEDGER.{name}"), &taken);
    }
    let free = move |admin: &Admin| {
        for name in others {
            admin.call(&format!("CONSUMER.DELETE.NIX_LEDGER.{name}"), &json!({}));
        }
    };
    (admin, free)
}

#[test]
fn what_others_sent_is_asked_for_more_and_more_rarely_while_it_cannot_be_read_and_sending_goes_on() {
    let server = Server::start();
    let (admin, free) = unreadable(&server);
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    let running = ada.start();
    let now = || ada.session.clock.now();
    // The sixth pause is of four seconds or more.
    let far = ada.until("long pauses", |report| {
        let next = report.remote.status.next_attempt_at;
        next.is_some_and(|next| next - now() > 3_000_000)
    });
    let error = far.remote.status.last_error.unwrap_or_default();
    assert!(error.contains("consumer"), "{error}");
    let sent_in = || {
        let begun = std::time::Instant::now();
        ada.change(1, 1);
        ada.until("backlog sent", |report| report.backlog == 0);
        begun.elapsed()
    };
    // What is sent waits for no pause.
    assert!((0..5).map(|_| sent_in()).min().unwrap().as_millis() < 1_000);
    let report = ada.until("error", |report| report.remote.status.last_error.is_some());
    assert_eq!((report.remote.status.state.as_str(), report.remote.status.attempts), ("live", 0));
    let checks = cim_domain_nix::app::sync::status::checks(&report, now());
    assert_eq!(checks[0].detail, format!("live: {error}"));
    free(&admin);
    // Who asks does not wait for the end of a pause.
    let asked = now();
    ada.session.store.ask_whether_synced(asked).unwrap();
    ada.until("recovery", |report| {
        let status = &report.remote.status;
        status.last_error.is_none() && report.remote.synced_at.is_some_and(|at| at >= asked)
    });
    assert!(now() - asked < 3_000_000);
    running.stop();
}

#[test]
fn who_synchronises_once_sends_what_is_new_and_says_that_nothing_can_be_read() {
    let server = Server::start();
    let (admin, free) = unreadable(&server);
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    let outcome = ada.sync();
    assert_eq!((outcome.sent, outcome.synced, outcome.status.state.as_str()), (1, false, "live"));
    assert!(outcome.status.last_error.unwrap().contains("consumer"));
    free(&admin);
    assert_eq!(ada.synced().taken, 0);
}
