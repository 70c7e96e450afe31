//! Servers of other versions: too old ones are refused, and one without atomic batches comes to the same.

use cim_domain_nix::app::sync::consent;
use serde_json::json;

use super::admin::Admin;
use super::machine::Machine;
use super::refused::assert_blocked;
use crate::nats::Server;
use crate::parts::{NATS_SERVER_2_9, NATS_SERVER_2_10};

#[test]
fn servers_that_cannot_fence_are_refused_and_nothing_is_sent() {
    for (part, version) in [(NATS_SERVER_2_9, "2.9."), (NATS_SERVER_2_10, "2.10.")] {
        let server = Server::of(part);
        let ada = Machine::new("ada", &server);
        ada.discover(1);
        consent::share(&ada.session, &consent::Which::All).unwrap();
        assert_blocked(&ada.sync(), "server_too_old", &format!("nats-server {version}"));
        let refused = Admin::of(&server).set_up(true).unwrap_err();
        assert!(refused.to_string().contains("2.11 or newer is needed"), "{refused}");
        assert_eq!(ada.status().backlog, 1);
    }
}

#[test]
fn a_server_that_is_updated_in_place_is_taken_up_again() {
    let mut server = Server::of(NATS_SERVER_2_10);
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    assert_blocked(&ada.sync(), "server_too_old", "2.10");
    server.update();
    assert_eq!(ada.synced().sent, 1);
}

#[test]
fn without_atomic_batches_every_message_is_fenced_alone_and_the_result_is_the_same() {
    let server = Server::start();
    let admin = Admin::of(&server);
    admin.set_up(false).unwrap();
    admin.change("NIX_LEDGER", &json!({ "allow_atomic": false }));
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.change(1, 60);
    bob.discover(1);
    assert_eq!((ada.synced().sent, bob.synced().taken), (61, 61));
    // An answer that was lost: nothing is sent twice here either.
    let forgotten = cim_domain_nix::store::remote::Acknowledged { seq: 20, fence: 20 };
    let nobody = cim_domain_nix::store::remote::Lease { name: "relay", holder: "nobody" };
    assert!(ada.session.store.set_acknowledged("exchange", forgotten, None, nobody, 1).unwrap());
    ada.change(1, 1);
    assert_eq!(ada.synced().sent, 42, "what has arrived is counted once that is known");
    bob.synced();
    assert_eq!(ada.shared(), bob.shared());
    assert_eq!(admin.messages(), 63);
    // Batches come back when they are allowed again, in the middle of it all.
    admin.change("NIX_LEDGER", &json!({ "allow_atomic": true }));
    ada.change(1, 30);
    assert_eq!((ada.synced().sent, bob.synced().taken), (30, 30));
    assert_eq!(ada.shared(), bob.shared());
}
