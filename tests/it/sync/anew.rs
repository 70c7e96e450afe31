//! A stream that an administrator made anew, below those who use it: each sends what it has shared again.

use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use cim_domain_nix::app::origin;
use cim_domain_nix::app::sync::parked;
use cim_domain_nix::app::sync::status::Report;
use serde_json::json;

use super::admin::Admin;
use super::machine::Machine;
use super::stranger::Stranger;
use crate::nats::Server;

fn make_anew(admin: &Admin) {
    for stream in ["NIX_LEDGER", "NIX_EVENTS"] {
        admin.call(&format!("STREAM.DELETE.{stream}"), &json!({}));
    }
    admin.set_up(false).unwrap();
}

/// A ledger with four events, all of them sent, whose engine has nothing to do.
fn idle() -> (Server, Admin, Machine) {
    let server = Server::start();
    let admin = Admin::of(&server);
    admin.set_up(false).unwrap();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.change(1, 3);
    ada.synced();
    (server, admin, ada)
}

fn until_there_are(admin: &Admin, messages: u64) {
    let begun = Instant::now();
    while admin.messages() < messages {
        assert!(begun.elapsed() < Duration::from_secs(30), "the stream has {} messages", admin.messages());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn an_idle_engine_notices_that_the_stream_was_made_anew() {
    let (_server, admin, ada) = idle();
    let running = ada.start();
    ada.until("live", |report| report.remote.status.state == "live" && report.remote.synced_at.is_some());
    make_anew(&admin);
    until_there_are(&admin, 4);
    ada.until("end", |report| report.remote.status.state == "live" && report.backlog == 0);
    running.stop();
    assert_eq!((admin.messages(), ada.synced().sent), (4, 0));
}

#[test]
fn nothing_is_said_to_be_left_before_the_stream_was_looked_at() {
    let (_server, admin, ada) = idle();
    let running = ada.start();
    ada.until("live", |report| report.remote.status.state == "live" && report.remote.synced_at.is_some());
    make_anew(&admin);
    let asked = ada.session.clock.now();
    ada.session.store.ask_whether_synced(asked).unwrap();
    ada.until("answer", |report| report.remote.synced_at.is_some_and(|at| at >= asked));
    assert_eq!(admin.messages(), 4);
    running.stop();
}

/// Somebody has published under ada's name; bob has taken that in as far as it goes.
fn forged() -> (Server, Admin, Machine, Machine) {
    let (server, admin, ada) = idle();
    let bob = Machine::new("bob", &server);
    let stranger = Stranger::new(&server);
    let subject = format!("nix.ledger.{}.flake.forgotten", ada.session.store.origin().public_key);
    stranger.send(&subject, HeaderMap::new(), b"not json".to_vec());
    ada.change(1, 1);
    let blocked = ada.sync().status;
    assert_eq!((blocked.state.as_str(), blocked.reason.as_deref()), ("blocked", Some("forged")), "{blocked:?}");
    bob.discover(1);
    bob.synced();
    assert_eq!(bob.status().parked, 1);
    (server, admin, ada, bob)
}

#[test]
fn a_forgery_is_left_behind_when_the_stream_is_made_anew() {
    let (_server, admin, ada, bob) = forged();
    make_anew(&admin);
    assert_eq!(ada.synced().sent, 5);
    // Whoever has quarantined the origin lets it go on.
    bob.synced();
    assert_eq!(bob.status().parked, 1);
    let id = parked::list(&bob.session.store.reader().unwrap()).unwrap()[0].id;
    parked::retry(&bob.session, id).unwrap();
    bob.synced();
    ada.synced();
    assert_eq!((ada.shared(), ada.shared().len()), (bob.shared(), 6));
    assert_eq!((bob.status().parked, admin.messages()), (0, 6));
}

#[test]
fn a_forgery_is_left_behind_by_an_origin_of_its_own() {
    let (_server, _admin, mut ada, bob) = forged();
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    ada.discover(1);
    assert_eq!(ada.synced().sent, 1);
    assert_eq!(bob.synced().taken, 1);
}

#[test]
fn what_blocks_delivery_is_told_while_the_server_is_away() {
    let (mut server, _admin, ada, _bob) = forged();
    let begun = ada.session.clock.now();
    let running = ada.start();
    let since = |report: &Report| report.remote.status.connected_since.is_some_and(|since| since > begun);
    let before = ada.until("refusal", |report| since(report) && report.remote.status.state == "blocked").remote.status;
    server.down();
    let status = ada.until("loss", |report| report.remote.status.connected_since.is_none()).remote.status;
    assert_eq!((status.reason, status.last_error), (before.reason, before.last_error));
    running.stop();
}
