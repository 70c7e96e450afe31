//! A server that lost one of its files: messages are missing in the middle of the exchange, and those after them are there.

use async_nats::HeaderMap;
use cim_domain_nix::app::sync::verify::{self, Compared};
use cim_domain_nix::store::backup::restore;
use serde_json::json;

use super::admin::Admin;
use super::copies::backup;
use super::machine::Machine;
use super::republished::Stored;
use super::stranger::Stranger;
use crate::nats::Server;

/// How many events fill three files of the server, and of how many bytes each is.
pub(super) const EVENTS: usize = 110;
pub(super) const BYTES: usize = 250_000;

fn is_good(machine: &Machine) -> bool {
    verify::verify(&machine.session, &machine.place).unwrap().iter().all(Compared::is_good)
}

#[test]
fn an_exchange_that_was_emptied_is_compared_at_once() {
    let server = Server::start();
    let admin = Admin::of(&server);
    admin.call("STREAM.CREATE.NIX_LEDGER", &json!({ "name": "NIX_LEDGER", "subjects": ["nix.ledger.*.*.*"] }));
    Stranger::new(&server).send("nix.ledger.a.b.c", HeaderMap::new(), b"not for long".to_vec());
    admin.call("STREAM.PURGE.NIX_LEDGER", &json!({}));
    admin.set_up(true).unwrap();
    let state = admin.info("NIX_LEDGER")["state"].clone();
    assert_eq!((state["messages"].as_u64(), state["last_seq"].as_u64()), (Some(0), Some(1)), "{state}");
    let ada = Machine::new("ada", &server);
    assert_eq!(verify::verify(&ada.session, &ada.place).unwrap().len(), 1, "this ledger alone");
    ada.discover(1);
    assert_eq!(ada.synced().sent, 1);
    assert!(is_good(&ada));
}

#[test]
fn what_the_server_lost_from_its_middle_is_sent_again_and_taken_by_all() {
    let mut server = Server::start();
    server.let_a_stranger_in();
    let (mut ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    let copy = backup(&ada);
    ada.fill(1, EVENTS, BYTES);
    assert_eq!(ada.synced().sent, EVENTS as u64 + 1);
    server.down();
    server.lose_block(2);
    server.up();
    let admin = Admin::of(&server);
    let lost = admin.info("NIX_LEDGER")["state"]["num_deleted"].as_u64().unwrap();
    assert!(lost > 5 && lost < EVENTS as u64, "{lost}");
    // Whoever comes late has what is before the hole, and says what waits for what.
    let taken = bob.synced().taken;
    let gaps = bob.status().gaps;
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].event.unsigned_abs() > taken, "{gaps:?} {taken}");
    assert!(gaps[0].waiting > 0 && gaps[0].host == "ada" && !is_good(&bob));
    // The owner sends again what is lost, with what comes after it.
    let sent = ada.synced().sent;
    assert!(sent >= lost && sent < EVENTS as u64, "{sent} of {lost}");
    assert_eq!(ada.synced().sent, 0, "once");
    let looked = "SELECT count(*) FROM meta WHERE key = 'sync_holes'";
    assert_eq!(ada.count(looked), 1);
    bob.synced();
    assert_eq!((bob.shared(), bob.status().gaps), (ada.shared(), Vec::new()));
    ada.change(1, 2);
    let carol = Machine::new("carol", &server);
    assert_eq!((ada.synced().sent, carol.synced().taken), (2, EVENTS as u64 + 3));
    bob.synced();
    for machine in [&ada, &bob, &carol] {
        assert!(is_good(machine) && machine.shared() == ada.shared());
        machine.assert_sound();
    }
    // What comes after the hole is there twice, and counts once.
    let compared = verify::verify(&ada.session, &ada.place).unwrap();
    assert_eq!(compared[0].same, EVENTS as u64 + 3, "{compared:?}");
    // It comes back whole from a server on which it stands in another order.
    let (shared, now) = (ada.shared(), ada.session.clock.now());
    ada.replace(|path| drop(restore(&copy, path, true, now).unwrap()));
    assert_eq!(ada.synced().sent, 0);
    assert_eq!(ada.shared(), shared);
}

#[test]
fn a_running_engine_fills_the_hole_of_a_server_that_comes_back() {
    let mut server = Server::start();
    server.let_a_stranger_in();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.fill(1, EVENTS, BYTES);
    let running = ada.start();
    ada.until("all sent", |report| report.shared > 0 && report.backlog == 0);
    server.down();
    server.lose_block(1);
    server.lose_block(2);
    server.up();
    let there = || Admin::of(&server).messages();
    let before = there();
    let begun = std::time::Instant::now();
    while there() < EVENTS as u64 + 1 + before {
        assert!(begun.elapsed() < std::time::Duration::from_mins(1), "{} messages", there());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    running.stop();
    bob.synced();
    assert_eq!(bob.shared(), ada.shared());
}

#[test]
fn an_event_that_somebody_publishes_once_more_after_a_hole_was_filled_is_a_forgery() {
    let mut server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.fill(1, EVENTS, BYTES);
    ada.synced();
    server.let_a_stranger_in();
    server.down();
    server.lose_block(2);
    server.up();
    assert!(ada.synced().sent > 5);
    Stored::read(&Admin::of(&server), 1).send(&Stranger::new(&server));
    let outcome = ada.sync();
    assert_eq!((outcome.sent, outcome.status.reason.as_deref()), (0, Some("forged")), "{outcome:?}");
    assert!(outcome.status.last_error.unwrap().contains("once more"));
}
