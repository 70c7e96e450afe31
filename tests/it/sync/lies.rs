//! What others write: poison holds up its origin alone, and nobody speaks in another's name.

use async_nats::HeaderMap;
use cim_domain_nix::app::sync::{SyncError, parked};
use cim_domain_nix::store::inbox::{Chunk, Unreadable};
use serde_json::json;

use super::admin::Admin;
use super::machine::Machine;
use super::stranger::Stranger;
use crate::nats::Server;

fn state_of(machine: &Machine, key: &str) -> (String, Option<String>) {
    let reader = machine.session.store.reader().unwrap();
    let sql = "SELECT state, reason FROM origins WHERE public_key = ?1";
    reader.query_row(sql, [key], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn garbage_is_parked_and_stops_nobody() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.synced();
    let mut stranger = Stranger::new(&server);
    stranger.send("nix.ledger.nobody.flake.updated", HeaderMap::new(), b"\xff\x00 not json".to_vec());
    stranger.send("nix.ledger.nobody.flake.updated", HeaderMap::new(), b"{\"event_type\":\"FlakeCreated\"}".to_vec());
    let (good, signature) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&good, Some(&signature));
    ada.discover(2);
    ada.synced();
    let bob = Machine::new("bob", &server);
    assert_eq!((bob.synced().taken, bob.synced().taken), (3, 0));
    let parked = parked::list(&bob.session.store.reader().unwrap()).unwrap();
    assert_eq!(parked.len(), 2);
    assert!(parked.iter().all(|row| row.reason.contains("no envelope") && row.origin.is_none()), "{parked:#?}");
    assert_eq!(state_of(&bob, &stranger.key.public_key()).0, "active");
}

#[test]
fn a_message_of_nobody_is_read_again_when_that_is_asked_for() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.discover(2);
    ada.synced();
    let garbage = Stranger::new(&server);
    garbage.send("nix.ledger.nobody.flake.updated", HeaderMap::new(), b"not json".to_vec());
    let bob = Machine::new("bob", &server);
    // As if an older release had not been able to read ada's first message, and knew nothing of her.
    let unread = Unreadable {
        remote_seq: 1,
        subject: "nix.ledger.ada.flake.discovered".to_owned(),
        text: "{}".to_owned(),
        origin: None,
        why: "of a release to come".to_owned(),
    };
    let epoch = ada.session.store.reader().unwrap().remote("exchange").unwrap().epoch.unwrap();
    bob.session.store.set_epoch("exchange", &epoch, 1).unwrap();
    bob.session.store.take_in("exchange", Chunk { unreadable: vec![unread], up_to: 2, ..Chunk::default() }, 1).unwrap();
    assert_eq!((bob.synced().taken, bob.status().parked), (0, 2), "it begins behind them");
    let list = || parked::list(&bob.session.store.reader().unwrap()).unwrap();
    let of = |number: u64| list().into_iter().find(|row| row.remote_seq == number).unwrap().id;
    parked::retry(&bob.session, of(3)).unwrap();
    let outcome = bob.synced();
    assert_eq!((outcome.taken, outcome.parked, list().len()), (0, 1, 2), "read again, and parked again");
    parked::retry(&bob.session, of(1)).unwrap();
    let outcome = bob.synced();
    assert_eq!((outcome.taken, list().len()), (2, 1), "read again, with what follows");
    assert_eq!(bob.count("SELECT count(*) FROM parked"), 1, "and nothing is left of it");
    parked::discard(&bob.session, of(3)).unwrap();
    assert_eq!((bob.synced().parked, list().len()), (0, 0));
    assert_eq!(bob.shared(), ada.shared());
}

#[test]
fn a_tampered_event_quarantines_its_origin_and_no_other() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    bob.synced();
    let mut stranger = Stranger::new(&server);
    let (first, signature) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&first, Some(&signature));
    let (mut second, signature) = stranger.next("flake.forgotten", "{}");
    second.actor = "ada@ada".to_owned();
    stranger.publish(&second, Some(&signature));
    ada.discover(1);
    ada.synced();
    let outcome = bob.synced();
    assert_eq!((outcome.taken, outcome.parked), (2, 1), "the first event and ada's");
    let (state, reason) = state_of(&bob, &stranger.key.public_key());
    assert_eq!(state, "quarantined");
    assert!(reason.unwrap().contains("not what its link"), "the reason is told");
    // What comes after is not taken either, and the machine stays in step with the rest.
    let (third, signature) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&third, Some(&signature));
    ada.discover(2);
    ada.synced();
    assert_eq!(bob.synced().taken, 1);
    // Tried again it is refused again; discarded, its origin is let go.
    let id = parked::list(&bob.session.store.reader().unwrap()).unwrap()[0].id;
    parked::retry(&bob.session, id).unwrap();
    bob.synced();
    assert_eq!(state_of(&bob, &stranger.key.public_key()).0, "quarantined");
    let again = parked::list(&bob.session.store.reader().unwrap()).unwrap();
    parked::discard(&bob.session, again[0].id).unwrap();
    assert_eq!(state_of(&bob, &stranger.key.public_key()).0, "retired");
    bob.synced();
    assert_eq!(bob.status().parked, 0);
    // Until it is listened to again.
    let key = stranger.key.public_key();
    assert_eq!(parked::listen_again(&bob.session, &key[..12]).unwrap(), key);
    bob.synced();
    assert_eq!((state_of(&bob, &key).0.as_str(), bob.status().parked), ("quarantined", 1));
    assert_eq!(parked::listen_again(&bob.session, &key).unwrap(), key);
    assert_eq!((state_of(&bob, &key).0.as_str(), bob.status().parked), ("active", 0));
    for nobody in ["U", "nobody", ""] {
        let refused = parked::listen_again(&bob.session, nobody);
        assert!(matches!(refused, Err(SyncError::NoSuchOrigin(_))), "{nobody}: {refused:?}");
    }
    let own = &bob.session.store.origin().public_key;
    assert!(matches!(parked::listen_again(&bob.session, own), Err(SyncError::LeftBehind(_))));
}

#[test]
fn an_origin_that_was_given_up_is_listened_to_again_when_that_is_asked_for() {
    let server = Server::start();
    let bob = Machine::new("bob", &server);
    bob.synced();
    let mut stranger = Stranger::new(&server);
    let (event, signature) = stranger.next("flake.forgotten", "{}");
    let subject = format!("nix.ledger.{}.flake.forgotten", stranger.key.public_key());
    stranger.send(&subject, HeaderMap::new(), b"not json".to_vec());
    stranger.publish(&event, Some(&signature));
    assert_eq!((bob.synced().parked, bob.shared().len()), (1, 0));
    let id = parked::list(&bob.session.store.reader().unwrap()).unwrap()[0].id;
    parked::discard(&bob.session, id).unwrap();
    assert_eq!(bob.synced().taken, 0, "nothing of it");
    // The stream was made anew meanwhile, without the garbage.
    let admin = Admin::of(&server);
    admin.call("STREAM.DELETE.NIX_LEDGER", &json!({}));
    admin.set_up(false).unwrap();
    stranger.publish(&event, Some(&signature));
    assert_eq!(bob.synced().taken, 0, "nor of what it sends again");
    parked::listen_again(&bob.session, &stranger.key.public_key()).unwrap();
    assert_eq!((bob.synced().taken, bob.status().parked), (1, 0));
}

#[test]
fn nobody_writes_to_a_stream_of_another_origin() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    bob.synced();
    let stream = format!("flake/{}", ada.flake(1));
    let mut stranger = Stranger::new(&server);
    let (theft, signature) = stranger.next_in(&stream, 2, "flake.forgotten", "{}");
    stranger.publish(&theft, Some(&signature));
    for machine in [&ada, &bob] {
        let outcome = machine.synced();
        assert_eq!((outcome.taken, outcome.parked), (0, 1));
        let (state, reason) = state_of(machine, &stranger.key.public_key());
        assert_eq!(state, "quarantined");
        assert!(reason.unwrap().contains("another origin's"));
        assert_eq!(machine.count("SELECT count(*) FROM v1_flakes"), 1, "the flake is still there");
    }
}

#[test]
fn a_signature_of_another_key_is_refused() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.synced();
    let (mut stranger, other) = (Stranger::new(&server), Stranger::new(&server));
    let (event, _) = stranger.next("flake.forgotten", "{}");
    let forged = other.key.sign(b"something else").unwrap();
    stranger.publish(&event, Some(&forged));
    assert_eq!(ada.synced().parked, 1);
    assert!(state_of(&ada, &stranger.key.public_key()).1.unwrap().contains("signature"));
}

#[test]
fn what_is_not_signed_for_waits() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.synced();
    let mut stranger = Stranger::new(&server);
    let (first, _) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&first, None);
    assert_eq!((ada.synced().taken, ada.status().waiting), (0, 1));
    let (second, signature) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&second, Some(&signature));
    assert_eq!((ada.synced().taken, ada.status().waiting), (2, 0));
}

#[test]
fn a_gap_waits_and_is_filled_when_the_event_comes_late() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.synced();
    let mut stranger = Stranger::new(&server);
    let late = stranger.next("flake.forgotten", "{}");
    let early = stranger.next("flake.forgotten", "{}");
    stranger.publish(&early.0, Some(&early.1));
    assert_eq!((ada.synced().taken, ada.status().waiting), (0, 1));
    stranger.publish(&late.0, Some(&late.1));
    assert_eq!((ada.synced().taken, ada.status().waiting), (2, 0));
}

#[test]
fn what_waits_for_an_event_that_does_not_come_is_bounded_and_comes_when_it_does() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.synced();
    let mut stranger = Stranger::new(&server);
    let late = stranger.next("flake.forgotten", "{}");
    for _ in 2..=2_300 {
        let (event, signature) = stranger.next("flake.forgotten", "{}");
        stranger.publish(&event, Some(&signature));
    }
    assert_eq!((ada.synced().taken, ada.status().waiting), (0, 1_999));
    stranger.publish(&late.0, Some(&late.1));
    let (event, signature) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&event, Some(&signature));
    assert_eq!((ada.synced().taken, ada.status().waiting), (2_301, 0));
}

#[test]
fn events_of_two_that_alternate_wait_for_each_ones_own_and_come_when_that_does() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.synced();
    let mut strangers = [Stranger::new(&server), Stranger::new(&server)];
    let late = strangers.each_mut().map(|stranger| stranger.next("flake.forgotten", "{}"));
    for _ in 0..40 {
        for stranger in &mut strangers {
            let (event, signature) = stranger.next("flake.forgotten", "{}");
            stranger.publish(&event, Some(&signature));
        }
    }
    assert_eq!((ada.synced().taken, ada.status().waiting), (0, 80));
    for (number, stranger) in strangers.iter().enumerate() {
        let (event, signature) = &late[number];
        stranger.publish(event, Some(signature));
        assert_eq!((ada.synced().taken, ada.status().waiting), (41, 40 * u64::from(number == 0)));
    }
}

#[test]
fn events_of_a_newer_release_are_kept_and_passed_over() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.synced();
    let mut stranger = Stranger::new(&server);
    let said = [
        stranger.next("flake.transmogrified", "{\"a\":1}"),
        stranger.next_in("hovercraft/eels", 1, "hovercraft.filled", "null"),
        stranger.next("flake.description_changed", "{\"from\":7}"),
    ];
    for (event, signature) in said {
        stranger.publish(&event, Some(&signature));
    }
    assert_eq!(ada.synced().taken, 3);
    assert_eq!(ada.count("SELECT count(*) FROM v1_events WHERE type = 'flake.transmogrified'"), 1);
    assert_eq!(ada.count("SELECT count(*) FROM v1_projections WHERE state <> 'live' OR behind > 0"), 0);
    ada.discover(1);
    assert_eq!(ada.count("SELECT count(*) FROM v1_flakes"), 1, "the read model goes on");
}

#[test]
fn who_speaks_in_our_name_is_found_out() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    bob.synced();
    let mut stranger = Stranger::new(&server);
    let (mut event, signature) = stranger.next("flake.forgotten", "{}");
    event.origin = ada.session.store.origin().public_key.clone();
    event.origin_sequence = 2;
    stranger.publish(&event, Some(&signature));
    ada.discover(2);
    let outcome = ada.sync();
    assert_eq!(
        (outcome.status.state.as_str(), outcome.status.reason.as_deref()),
        ("blocked", Some("forged")),
        "{outcome:?}"
    );
    bob.sync();
    assert_eq!(state_of(&bob, &event.origin).0, "quarantined");
    assert_eq!(bob.shared().len(), 1, "nothing forged is in the log");
}

/// Bob, who has parked two messages under a stranger's name and one event of theirs, and the stream of the stranger's events.
fn twice_parked(server: &Server) -> (Machine, Stranger) {
    let bob = Machine::new("bob", server);
    bob.synced();
    let mut stranger = Stranger::new(server);
    let (first, signature) = stranger.next("flake.forgotten", "{}");
    let subject = format!("nix.ledger.{}.flake.forgotten", stranger.key.public_key());
    stranger.send(&subject, HeaderMap::new(), b"not json".to_vec());
    stranger.send(&subject, HeaderMap::new(), b"nor this".to_vec());
    stranger.publish(&first, Some(&signature));
    assert_eq!((bob.synced().parked, bob.shared().len()), (2, 0));
    (bob, stranger)
}

#[test]
fn trying_again_takes_the_whole_of_an_origin_and_counts_how_often() {
    let server = Server::start();
    let (bob, stranger) = twice_parked(&server);
    let list = || parked::list(&bob.session.store.reader().unwrap()).unwrap();
    let tried = || list().iter().map(|row| row.attempts).collect::<Vec<_>>();
    assert_eq!(tried(), [1, 1]);
    for round in 2..=3 {
        let first = list()[0].clone();
        parked::retry(&bob.session, first.id).unwrap();
        assert_eq!((tried(), bob.count("SELECT count(*) FROM v1_parked"), bob.status().parked), (vec![], 0, 0));
        bob.synced();
        assert_eq!(tried(), [round, round], "both were read again");
        let row = list()[0].clone();
        assert_eq!((row.id, &row.message), (first.id, &first.message));
        assert!(row.parked_at > first.parked_at);
        assert_eq!(state_of(&bob, &stranger.key.public_key()).0, "quarantined");
    }
    // What is not there any more holds up nobody.
    let admin = Admin::of(&server);
    admin.call("STREAM.DELETE.NIX_LEDGER", &json!({}));
    admin.set_up(false).unwrap();
    let (mut again, id) = (Stranger::new(&server), list()[1].id);
    again.key = nkeys::KeyPair::from_seed(&stranger.key.seed().unwrap()).unwrap();
    let (first, signature) = again.next("flake.forgotten", "{}");
    again.publish(&first, Some(&signature));
    parked::retry(&bob.session, id).unwrap();
    assert_eq!((bob.synced().taken, tried(), bob.status().parked), (1, vec![], 0));
    assert_eq!(state_of(&bob, &stranger.key.public_key()).0, "active");
}

#[test]
fn what_is_parked_of_one_machine_is_bounded() {
    let server = Server::start();
    let (bob, stranger) = twice_parked(&server);
    let subject = format!("nix.ledger.{}.flake.forgotten", stranger.key.public_key());
    for number in 0..150 {
        stranger.send(&subject, HeaderMap::new(), format!("nor that {number}").into_bytes());
    }
    bob.synced();
    assert_eq!(bob.count("SELECT count(*) FROM v1_parked"), 100);
    let id = parked::list(&bob.session.store.reader().unwrap()).unwrap()[0].id;
    parked::retry(&bob.session, id).unwrap();
    bob.synced();
    assert_eq!(bob.count("SELECT count(*) FROM v1_parked"), 100, "read again, and no more of it kept");
}

#[test]
fn something_old_of_a_machine_that_goes_on_is_dropped_and_the_machine_goes_on() {
    let server = Server::start();
    let (bob, stranger) = twice_parked(&server);
    let key = stranger.key.public_key();
    // As an earlier release left it, which let it go on and kept the rest.
    let ledger = rusqlite::Connection::open(bob.session.store.path()).unwrap();
    ledger.execute("UPDATE origins SET state = 'active', reason = NULL WHERE public_key = ?1", [&key]).unwrap();
    let list = || parked::list(&bob.session.store.reader().unwrap()).unwrap();
    assert_eq!(parked::discard(&bob.session, list()[0].id).unwrap(), None);
    assert_eq!((state_of(&bob, &key), list().len()), (("active".to_owned(), None), 1));
    // Where it waits for that, it is not listened to any more, whatever it goes on to send.
    ledger.execute("UPDATE origins SET state = 'quarantined' WHERE public_key = ?1", [&key]).unwrap();
    assert_eq!(parked::discard(&bob.session, list()[0].id).unwrap(), Some(key.clone()));
    assert_eq!(state_of(&bob, &key).0, "retired");
    stranger.send(&format!("nix.ledger.{key}.flake.forgotten"), HeaderMap::new(), b"not json".to_vec());
    assert_eq!((bob.synced().parked, list().len(), state_of(&bob, &key).0.as_str()), (0, 0, "retired"));
}
