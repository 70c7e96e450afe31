//! The cursor: up to which message the exchange was taken in, who moves it, and what is not worth writing down.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use cim_domain_nix::app::sync::parked;
use cim_domain_nix::bus::envelope::{Envelope, chain_text};
use cim_domain_nix::store::inbox::{Chunk, Taken};

use super::machine::Machine;
use super::stranger::Stranger;
use crate::nats::Server;

const REMOTE: &str = "exchange";

fn cursor(machine: &Machine) -> u64 {
    machine.session.store.reader().unwrap().remote(REMOTE).unwrap().taken
}

#[test]
fn a_cursor_that_was_put_back_stays_where_it_was_put() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.discover(2);
    ada.synced();
    bob.synced();
    assert_eq!(cursor(&bob), 2);
    let store = &bob.session.store;
    store.read_again(REMOTE, 2, 1).unwrap();
    // Whoever follows does not know it yet, and comes with what it read since.
    let taken = store.take_in(REMOTE, Chunk { after: 2, up_to: 3, ..Chunk::default() }, 1).unwrap();
    assert_eq!((taken, cursor(&bob)), (Taken { again: Some(1), ..Taken::default() }, 1));
    let taken = store.take_in(REMOTE, Chunk { after: 1, up_to: 3, ..Chunk::default() }, 1).unwrap();
    assert_eq!((taken, cursor(&bob)), (Taken::default(), 3));
}

#[test]
fn a_message_is_read_again_on_request_while_others_never_stop_coming() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    Stranger::new(&server).send("nix.ledger.nobody.flake.updated", HeaderMap::new(), b"not json".to_vec());
    let (sending, taking) = (ada.start(), bob.start());
    bob.until("garbage", |report| report.parked == 1);
    let row = || parked::list(&bob.session.store.reader().unwrap()).unwrap().pop();
    let (first, over) = (row().unwrap(), AtomicBool::new(false));
    let again = || row().is_some_and(|row| row.parked_at > first.parked_at);
    thread::scope(|scope| {
        // More often than the quiet that the way in waits for.
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                ada.change(1, 1);
                thread::sleep(Duration::from_millis(20));
            }
        });
        parked::retry(&bob.session, first.id).unwrap();
        let begun = Instant::now();
        while !again() && begun.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(20));
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(again(), "it was read, and parked, again");
    bob.until("all of ada's", |_| bob.shared() == ada.shared());
    sending.stop();
    taking.stop();
}

#[test]
fn what_comes_back_of_our_own_is_passed_over_and_the_cursor_follows_when_it_is_quiet() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    let running = ada.start();
    ada.discover(1);
    for _ in 0..5 {
        ada.change(1, 10);
    }
    ada.until("cursor", |report| report.backlog == 0 && report.remote.taken == 51);
    let outcome = running.stop();
    assert_eq!((outcome.sent, outcome.taken, outcome.parked), (51, 0, 0));
}

#[test]
fn another_event_under_our_own_number_is_not_passed_over() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    bob.synced();
    let running = ada.start();
    ada.until("connection", |report| report.remote.status.state == "live");
    let mut stranger = Stranger::new(&server);
    let (mut event, signature) = stranger.next("flake.forgotten", "{}");
    event.origin = ada.session.store.origin().public_key.clone();
    // The headers are those of ada's own event; what counts is what the body says.
    let link = ada.session.store.reader().unwrap().shared_link(&event.origin, 1).unwrap().unwrap();
    let own = Envelope { origin_chain: chain_text(&link), ..event.clone() };
    let subject = format!("nix.ledger.{}.{}", event.origin, event.kind);
    stranger.send(&subject, own.headers(Some(&signature)), event.body().unwrap());
    let report = ada.until("refusal", |report| report.remote.status.state == "blocked");
    assert!(matches!(report.remote.status.reason.as_deref(), Some("forked" | "forged")), "{report:#?}");
    running.stop();
}

#[test]
fn an_engine_with_nothing_to_do_leaves_the_ledger_alone() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    let running = ada.start();
    let before = ada.until("end", |report| report.backlog == 0 && report.remote.synced_at.is_some());
    thread::sleep(Duration::from_millis(2_500));
    assert_eq!(ada.status().remote.synced_at, before.remote.synced_at);
    // Who asks is told at once.
    let asked = ada.session.clock.now();
    ada.session.store.ask_whether_synced(asked).unwrap();
    ada.until("answer", |report| report.remote.synced_at.is_some_and(|at| at >= asked));
    running.stop();
}
