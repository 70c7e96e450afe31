//! What no retry cures: each is told by its name, with the next step, and the ledger works on without it.

use std::time::Duration;

use cim_domain_nix::app::clock::Clock;
use cim_domain_nix::app::origin;
use cim_domain_nix::app::sync::engine::Outcome;
use cim_domain_nix::app::sync::{Place, SyncError};
use cim_domain_nix::bus::{BusError, Layout};
use serde_json::json;

use super::admin::Admin;
use super::machine::{Machine, target};
use crate::nats::Server;

/// A blocked delivery names its reason, says what was seen, and knows the next step.
pub(super) fn assert_blocked(outcome: &Outcome, reason: &str, words: &str) {
    let status = &outcome.status;
    assert_eq!((status.state.as_str(), status.reason.as_deref()), ("blocked", Some(reason)), "{outcome:#?}");
    let error = status.last_error.as_deref().unwrap_or_default();
    assert!(error.contains(words), "`{error}` does not say `{words}`");
    assert!(cim_domain_nix::app::sync::engine::hint(reason).is_some());
}

/// Users of a server: an administrator, and `ada` with these permissions.
fn users(permissions: &str) -> String {
    format!(
        "authorization {{ users: [ {{ user: admin, password: all }}, \
         {{ user: ada, password: secret, permissions: {{ {permissions} }} }} ] }}"
    )
}

/// What a workstation with these permissions comes to; it has one event to send, and one of another machine to take.
fn with_permissions(permissions: &str) -> (Outcome, Machine, Server) {
    let server = Server::with(&users(permissions));
    let admin = Admin::known_to(&server);
    admin.set_up(false).unwrap();
    let mut place = Place { target: target(&server.url()), layout: Layout::default() };
    (place.target.user, place.target.password) = (Some("admin".to_owned()), Some("all".to_owned()));
    let bob = Machine::at("bob", &place);
    bob.discover(1);
    bob.synced();
    (place.target.user, place.target.password) = (Some("ada".to_owned()), Some("secret".to_owned()));
    place.target.patience = Duration::from_millis(500);
    let ada = Machine::at("ada", &place);
    ada.discover(1);
    (ada.sync(), ada, server)
}

#[test]
fn who_may_not_publish_is_told_so_and_works_on() {
    let (outcome, ada, _server) = with_permissions("publish: { deny: [\"nix.ledger.>\"] }");
    let own = ada.session.store.origin().public_key.clone();
    let sentence = format!(
        "the server does not let this account publish to `nix.ledger.{own}.flake.discovered`, which sharing events needs"
    );
    assert_blocked(&outcome, "permission", &sentence);
    ada.change(1, 1);
    assert_eq!((ada.status().backlog, ada.shared().len()), (2, 3), "what bob shared came in all the same");
}

#[test]
fn who_may_not_read_is_told_so() {
    for (denied, words) in [
        (
            "publish: { deny: [\"$JS.API.DIRECT.GET.>\"] }",
            "publish to `$JS.API.DIRECT.GET.NIX_LEDGER.nix.ledger.ORIGIN.>`, which asking what the exchange holds needs",
        ),
        ("publish: { deny: [\"$JS.API.CONSUMER.CREATE.>\"] }", "publish to `$JS.API.CONSUMER.CREATE.NIX_LEDGER"),
        ("publish: { deny: [\"$JS.API.CONSUMER.MSG.NEXT.>\"] }", "publish to `$JS.API.CONSUMER.MSG.NEXT.NIX_LEDGER."),
        ("subscribe: { deny: [\"_INBOX.>\"] }", "subscribe to `_INBOX."),
    ] {
        let (outcome, ada, _server) = with_permissions(denied);
        let words = words.replace("ORIGIN", &ada.session.store.origin().public_key);
        assert_blocked(&outcome, "permission", &format!("the server does not let this account {words}"));
        let purpose = if denied.contains("CONSUMER") { "reading the exchange" } else { "" };
        assert_blocked(&outcome, "permission", purpose);
        ada.discover(2);
    }
}

#[test]
fn who_may_not_use_jetstream_at_all_is_told_so() {
    let (outcome, ..) = with_permissions("publish: { deny: [\"$JS.API.>\"] }");
    let sentence = "publish to `$JS.API.STREAM.INFO.NIX_LEDGER`, which looking at the exchange needs";
    assert_blocked(&outcome, "permission", sentence);
}

#[test]
fn the_permissions_of_a_workstation_are_enough() {
    let allowed = "publish: [\"nix.ledger.>\", \"$JS.API.STREAM.INFO.NIX_LEDGER\", \"$JS.API.DIRECT.GET.NIX_LEDGER.>\", \
                   \"$JS.API.CONSUMER.CREATE.NIX_LEDGER\", \"$JS.API.CONSUMER.CREATE.NIX_LEDGER.>\", \"$JS.API.CONSUMER.MSG.NEXT.NIX_LEDGER.>\", \
                   \"$JS.API.CONSUMER.DELETE.NIX_LEDGER.>\", \"$JS.FC.>\"], subscribe: [\"_INBOX.>\"]";
    let (outcome, ada, _server) = with_permissions(allowed);
    assert!(outcome.synced, "{outcome:?}");
    assert_eq!(ada.shared().len(), 2);
}

#[test]
fn a_server_without_jetstream_is_told_apart() {
    let server = Server::without_jetstream("");
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    assert_blocked(&ada.sync(), "no_jetstream", "JetStream");
    let account = Server::with(
        "accounts { A { users: [ { user: ada, password: secret } ] }, J { jetstream: enabled, users: [ { user: jane, password: secret } ] } }",
    );
    let mut place = Place { target: target(&account.url()), layout: Layout::default() };
    (place.target.user, place.target.password) = (Some("ada".to_owned()), Some("secret".to_owned()));
    let ada = Machine::at("ada", &place);
    ada.discover(1);
    assert_blocked(&ada.sync(), "no_jetstream", "JetStream");
}

#[test]
fn a_server_that_takes_small_messages_only_is_refused() {
    let server = Server::with("max_payload: 128KB");
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    assert_blocked(&ada.sync(), "payload_limit", "131072 bytes, at least 262144 are needed");
}

#[test]
fn an_event_too_large_for_the_server_waits_after_all_before_it_have_gone() {
    let mut server = Server::with("max_payload: 262144");
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.fill(1, 1, 250 << 10);
    ada.change(1, 3);
    assert_eq!(ada.synced().sent, 5, "what fits is sent");
    ada.change(1, 2);
    ada.fill(1, 1, 262_000);
    ada.change(1, 1);
    let outcome = ada.sync();
    assert_blocked(&outcome, "payload_limit", "event 8 of this origin needs a message of 26");
    assert_blocked(&outcome, "payload_limit", " bytes, and the server takes at most 262144 bytes");
    assert_eq!((outcome.sent, ada.status().backlog), (2, 2), "what stands before it has gone, and nothing else");
    assert_eq!(bob.synced().taken, 7);
    server.configure("max_payload: 512KB");
    server.up();
    assert_eq!((ada.synced().sent, bob.synced().taken), (2, 2));
    assert_eq!(ada.shared(), bob.shared());
}

#[test]
fn a_full_stream_blocks_the_way_out_alone_until_its_limit_is_raised() {
    let server = Server::start();
    let admin = Admin::of(&server);
    admin.set_up_as(&Layout { max_bytes: Some(64 << 10), ..Layout::default() }, false).unwrap();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    bob.discover(1);
    bob.synced();
    ada.discover(1);
    ada.change(1, 400);
    let outcome = ada.sync();
    assert_blocked(&outcome, "stream_full", "NIX_LEDGER is full");
    assert_eq!(outcome.taken, 1, "what others shared before comes in");
    ada.change(1, 1);
    assert_eq!(ada.status().backlog, 402);
    admin.change("NIX_LEDGER", &json!({ "max_bytes": 64 << 20 }));
    assert_eq!(ada.synced().sent, 402);
    assert_eq!(bob.synced().taken, 402);
    assert_eq!(ada.shared(), bob.shared());
}

#[test]
fn a_stream_that_differs_is_left_alone_until_an_administrator_upgrades_it() {
    let server = Server::start();
    let admin = Admin::of(&server);
    let config = json!({
        "name": "NIX_LEDGER", "subjects": ["nix.ledger.*.*.*"], "storage": "file", "retention": "limits", "discard": "old",
        "max_age": 86_400_000_000_000_u64, "max_bytes": 5_000_000, "max_msgs": 1_000, "max_msg_size": 1_000,
        "num_replicas": 1, "compression": "s2", "metadata": { "owner": "ops" }, "duplicate_window": 1_000_000_000,
        "max_consumers": 50
    });
    admin.call("STREAM.CREATE.NIX_LEDGER", &config);
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    assert_blocked(&ada.sync(), "stream_differs", "it must keep messages of any age");
    let refused = admin.set_up(false);
    assert!(matches!(refused, Err(SyncError::Bus(BusError::StreamDiffers { .. }))), "{refused:?}");
    assert_eq!(admin.info("NIX_LEDGER")["config"]["max_msgs"], 1_000, "nothing was changed");
    admin.set_up(true).unwrap();
    let found = admin.info("NIX_LEDGER")["config"].clone();
    for (key, value) in [("max_bytes", json!(5_000_000)), ("compression", json!("s2")), ("max_consumers", json!(50))] {
        assert_eq!(found[key], value, "{key} is the administrator's");
    }
    assert_eq!(found["metadata"]["owner"], "ops");
    assert_eq!(ada.synced().sent, 1);
    // The public log is made from it, and its own age is the administrator's.
    admin.change("NIX_EVENTS", &json!({ "max_age": 3_600_000_000_000_u64, "subjects": ["other.>"] }));
    admin.set_up(true).unwrap();
    let found = admin.info("NIX_EVENTS")["config"].clone();
    assert_eq!((&found["max_age"], &found["subjects"]), (&json!(3_600_000_000_000_u64), &serde_json::Value::Null));
}

#[test]
fn a_stream_that_was_sealed_has_to_be_made_anew() {
    let server = Server::start();
    let admin = Admin::of(&server);
    admin.set_up(false).unwrap();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.synced();
    let running = ada.start();
    ada.until("live", |report| report.remote.status.state == "live" && report.backlog == 0);
    // Whoever publishes already is told by the server.
    admin.change("NIX_LEDGER", &json!({ "sealed": true }));
    ada.change(1, 1);
    let blocked = ada.until("refusal", |report| report.remote.status.state == "blocked").remote.status;
    assert_eq!(blocked.reason.as_deref(), Some("stream_differs"), "{blocked:?}");
    running.stop();
    assert_blocked(&ada.sync(), "stream_differs", "it is sealed, which cannot be undone");
    for upgrade in [false, true] {
        let refused = admin.set_up(upgrade).unwrap_err().to_string();
        assert!(refused.contains("deleted and made anew"), "{refused}");
    }
    admin.call("STREAM.DELETE.NIX_LEDGER", &json!({}));
    admin.set_up(false).unwrap();
    assert_eq!(ada.synced().sent, 2);
}

#[test]
fn an_event_that_no_ledger_takes_in_is_left_behind_by_a_new_origin() {
    for bytes in [2_000, 600_000] {
        let server = Server::start();
        let (mut ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
        ada.discover(1);
        ada.change(1, 1);
        // As an older release recorded it, when somebody asked under such a name.
        ada.replace(|path| {
            let ledger = rusqlite::Connection::open(path).unwrap();
            let triggers =
                "SELECT group_concat('DROP TRIGGER ' || name, '; ') FROM sqlite_schema WHERE type = 'trigger'";
            let drop: String = ledger.query_row(triggers, [], |row| row.get(0)).unwrap();
            ledger.execute_batch(&drop).unwrap();
            let name = "x".repeat(bytes);
            ledger.execute("UPDATE events SET actor = ?1 WHERE position = 2", [&name]).unwrap();
            ledger.execute("UPDATE commands SET actor = ?1 WHERE last_position = 2", [&name]).unwrap();
        });
        bob.discover(7);
        bob.synced();
        let running = ada.start();
        ada.until("refusal", |report| report.remote.status.state == "blocked");
        ada.until("bob's flake", |_| ada.shared().len() == 3);
        running.stop();
        assert_blocked(&ada.sync(), "oversized", &format!("event 2 of this origin names an actor of {bytes} bytes"));
        ada.transform(|session| drop(origin::fork(session).unwrap()));
        ada.discover(1);
        assert_eq!(ada.synced().sent, 1);
        assert_eq!((bob.synced().taken, bob.status().parked), (1, 0));
    }
}

#[test]
fn streams_on_a_server_elsewhere_are_an_administrators_work() {
    let server = Server::start();
    // Reaches this machine, and nobody can tell from the name.
    let place = Place { target: target(&format!("nats://0.0.0.0:{}", server.port())), layout: Layout::default() };
    let ada = Machine::at("ada", &place);
    ada.discover(1);
    assert_blocked(&ada.sync(), "stream_missing", "no stream NIX_LEDGER");
    Admin::of(&server).set_up(false).unwrap();
    assert_eq!(ada.synced().sent, 1);
}

#[test]
fn a_clock_that_is_hours_off_writes_no_history() {
    let server = Server::start();
    // A busy machine adds seconds to one and takes them from the other.
    for (minutes, ahead) in [(-210_i64, "the server's clock is 3 h 3"), (210, "this machine's clock is 3 h ")] {
        let now = Clock::system().now();
        let ada = Machine::with_clock("ada", &server, Clock::fixed(now + minutes * 60_000_000));
        ada.discover(1);
        assert_blocked(&ada.sync(), "clock", ahead);
    }
    let admin = Admin::of(&server);
    admin.set_up(false).unwrap();
    assert_eq!(admin.messages(), 0);
}
