//! Streams that are not as they must be, and those that a server refuses: each told by its name before anything is sent in vain.

use cim_domain_nix::app::sync::SyncError;
use cim_domain_nix::bus::{BusError, Layout};
use serde_json::{Value, json};

use super::admin::Admin;
use super::machine::Machine;
use super::refused::assert_blocked;
use crate::nats::Server;

/// Deletes the exchange and makes it anew, as it should be but for these.
fn make_anew(admin: &Admin, changes: &Value) {
    let mut config = admin.info("NIX_LEDGER")["config"].clone();
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    admin.call("STREAM.DELETE.NIX_LEDGER", &json!({}));
    admin.call("STREAM.CREATE.NIX_LEDGER", &config);
}

/// A server whose exchange is so, and a machine that is told.
fn blocked_by(changes: &Value, words: &str) -> (Server, Admin, Machine) {
    let server = Server::start();
    let admin = Admin::of(&server);
    admin.set_up(false).unwrap();
    make_anew(&admin, changes);
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    assert_blocked(&ada.sync(), "stream_differs", words);
    (server, admin, ada)
}

#[test]
fn a_stream_to_which_events_are_sent_in_vain_is_seen_and_an_upgrade_mends_it() {
    for (changes, words) in [
        (json!({ "subject_transform": { "src": "nix.ledger.>", "dest": "zz.>" } }), "it must not transform subjects"),
        (json!({ "no_ack": true, "allow_atomic": false }), "it must acknowledge what is sent to it"),
        (
            json!({ "consumer_limits": { "inactive_threshold": 5_000_000_000_u64 } }),
            "it must keep consumers that are idle for 30 s",
        ),
        (
            json!({ "deny_purge": false, "deny_delete": false, "allow_rollup_hdrs": true, "max_msgs_per_subject": 5,
                    "discard_new_per_subject": true }),
            "it must deny deleting and purging",
        ),
    ] {
        let (server, admin, ada) = blocked_by(&changes, words);
        let refused = admin.set_up(false).unwrap_err().to_string();
        assert!(refused.contains("NIX_LEDGER") && refused.contains(words), "{refused}");
        admin.set_up(true).unwrap();
        assert_eq!(ada.synced().sent, 1);
        assert_eq!(Machine::new("bob", &server).synced().taken, 1, "{changes}");
    }
}

#[test]
fn what_no_upgrade_changes_is_said_to_be_made_anew() {
    for (changes, words) in [
        (json!({ "subjects": ["nix.ledger.*.*.*", "x.>"] }), "it has subjects of others: name another stream"),
        (json!({ "max_consumers": 2 }), "it must allow 3 consumers or more"),
        (json!({ "storage": "memory" }), "it must be stored in files"),
        (json!({ "retention": "workqueue" }), "it must be no work queue"),
        (json!({ "persist_mode": "async", "allow_atomic": false }), "it must be written before it is acknowledged"),
        (
            json!({ "mirror": { "name": "OTHER" }, "subjects": null, "republish": null, "deny_purge": false,
                    "deny_delete": false, "allow_atomic": false }),
            "it must be no mirror",
        ),
    ] {
        let (_server, admin, _ada) = blocked_by(&changes, words);
        for upgrade in [false, true] {
            let refused = admin.set_up(upgrade).unwrap_err();
            assert!(matches!(refused, SyncError::Bus(BusError::StreamDiffers { .. })), "{refused:?}");
            let refused = refused.to_string();
            assert!(refused.contains(words) && refused.contains("deleted and made anew"), "{refused}");
        }
    }
}

#[test]
fn a_stream_that_the_server_refuses_is_named_and_is_not_tried_in_vain() {
    let server = Server::start();
    let admin = Admin::of(&server);
    let replicas = Layout { replicas: 3, ..Layout::default() };
    let refused = admin.set_up_as(&replicas, false).unwrap_err();
    assert!(matches!(refused, SyncError::Bus(BusError::StreamRefused { .. })), "{refused:?}");
    assert!(refused.to_string().contains("NIX_LEDGER: replicas > 1"), "{refused}");
    admin.call("STREAM.CREATE.OTHER", &json!({ "name": "OTHER", "subjects": ["nix.>"], "storage": "file" }));
    let refused = admin.set_up(false).unwrap_err();
    assert!(refused.to_string().contains("NIX_LEDGER: subjects overlap"), "{refused}");
    // A server of its own is set up by the first who comes.
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    assert_blocked(&ada.sync(), "stream_refused", "the server refuses NIX_LEDGER: subjects overlap");
}

#[test]
fn names_that_no_stream_can_have_are_refused_before_the_server_is_asked() {
    let server = Server::start();
    let admin = Admin::of(&server);
    for (ledger, events, words) in [
        ("A.B", "E", "`sync.ledger` (`CIM_NIX_SYNC_LEDGER`) cannot be used: `A.B` is no name of a stream"),
        ("S", "S", "`sync.events` (`CIM_NIX_SYNC_EVENTS`) cannot be used: `S` is the name of the exchange already"),
    ] {
        let layout = Layout { ledger: ledger.to_owned(), events: events.to_owned(), ..Layout::default() };
        let refused = admin.set_up_as(&layout, false).unwrap_err().to_string();
        assert!(refused.starts_with(words), "{refused}");
        let mut ada = Machine::new("ada", &server);
        ada.place.layout = layout;
        ada.discover(1);
        assert_blocked(&ada.sync(), "setting", words);
    }
}
