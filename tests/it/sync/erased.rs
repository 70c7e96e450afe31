//! Payloads that are blank: where their origin erased them that is taken in, and where somebody else did, it is not.

use cim_domain_nix::app::sync::{consent, parked, verify};
use cim_domain_nix::domain::id::EventId;
use cim_domain_nix::store::check::CheckState;
use cim_domain_nix::store::erase::Erasure;
use cim_domain_nix::store::{self, Access, Store, Who, chain};
use data_encoding::HEXLOWER;
use serde_json::value::RawValue;

use super::machine::Machine;
use super::stranger::Stranger;
use crate::nats::Server;

/// Blanks the shared event of a place, from 1.
fn erase(machine: &Machine, number: usize) {
    let (_, _, id) = machine.shared()[number - 1].clone();
    erase_id(machine, &id);
}

/// Blanks an event of an id.
pub(super) fn erase_id(machine: &Machine, id: &str) {
    assert!(machine.session.store.erase(erasure(machine, id)).unwrap().complete);
}

fn erasure(machine: &Machine, id: &str) -> Erasure {
    Erasure {
        command: machine.session.command("erase"),
        at: machine.session.clock.now(),
        event: EventId::new(uuid::Uuid::parse_str(id).unwrap()),
        record: EventId::new(machine.session.clock.new_id()),
        reason: "a secret".to_owned(),
    }
}

fn blank(machine: &Machine) -> i64 {
    machine.count("SELECT count(*) FROM events WHERE payload = 'null'")
}

#[test]
fn a_payload_that_somebody_else_made_blank_quarantines_its_origin_until_the_server_has_it_again() {
    let mut server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    bob.synced();
    let mut stranger = Stranger::new(&server);
    let (first, signature) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&first, Some(&signature));
    let (second, signed) = stranger.next("flake.forgotten", "{}");
    let mut made_blank = second.clone();
    made_blank.payload = RawValue::from_string("null".to_owned()).unwrap();
    // Nor does a signature of something else say that it was erased.
    stranger.publish_erased(&made_blank, &signed, &signature);
    ada.discover(1);
    ada.synced();
    let outcome = bob.synced();
    assert_eq!((outcome.taken, outcome.parked, blank(&bob)), (2, 1, 0), "the first event, and ada's");
    let row = &parked::list(&bob.session.store.reader().unwrap()).unwrap()[0];
    assert!(row.reason.contains("event 2 of this origin is blank"), "{}", row.reason);
    bob.assert_sound();
    let compared = verify::verify(&bob.session, &bob.place).unwrap();
    let of_stranger = compared.iter().find(|compared| compared.origin == stranger.key.public_key()).unwrap();
    assert_eq!((of_stranger.same, &of_stranger.unproved), (1, &vec![2]), "{of_stranger:?}");
    server.down();
    server.lose_disk();
    server.up();
    ada.synced();
    let again = Stranger::new(&server);
    again.publish(&first, Some(&signature));
    again.publish(&second, Some(&signed));
    parked::retry(&bob.session, row.id).unwrap();
    assert_eq!((bob.synced().taken, bob.status().parked), (1, 0));
    bob.assert_sound();
}

#[test]
fn what_its_origin_erased_is_taken_in_blank_however_much_later_that_is_said() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.change(1, 2_500);
    consent::share(&ada.session, &consent::Which::All).unwrap();
    erase(&ada, 2);
    ada.synced();
    let bob = Machine::new("bob", &server);
    assert_eq!((bob.synced().taken, bob.status().parked, blank(&bob)), (2_502, 0, 1));
    assert_eq!(bob.shared(), ada.shared());
    bob.assert_sound();
}

#[test]
fn what_its_origin_signed_to_have_erased_is_proved_until_its_event_says_so_and_also_in_an_export() {
    let server = Server::start();
    let bob = Machine::new("bob", &server);
    bob.synced();
    let mut stranger = Stranger::new(&server);
    let (whole, signature) = stranger.next("flake.forgotten", "{}");
    let mut erased = whole.clone();
    erased.payload = RawValue::from_string("null".to_owned()).unwrap();
    let content = chain::content("{}");
    let said = stranger.key.sign(&chain::erasure(&erased.origin, erased.event_id, &content)).unwrap();
    stranger.publish_erased(&erased, &signature, &said);
    assert_eq!((bob.synced().taken, blank(&bob)), (1, 1));
    bob.assert_sound();
    let export = bob.folder().join("export.jsonl");
    let mut out = Vec::new();
    bob.session.store.export(&mut out, &export).unwrap();
    let text = String::from_utf8(out).unwrap();
    let path = bob.folder().join("copy.db");
    let import = || {
        let who = Who { host: "h".to_owned(), user: "u".to_owned() };
        Store::open(&path, Access::ReadWrite, &who, 0).unwrap().import(&export)
    };
    let forged = text.replace(&HEXLOWER.encode(&said), &HEXLOWER.encode(&signature));
    std::fs::write(&export, forged).unwrap();
    let refused = import().unwrap_err().to_string();
    assert!(refused.contains("no event says that it was erased"), "{refused}");
    std::fs::write(&export, text).unwrap();
    assert_eq!(import().unwrap().stored, 1);
    let mut checks = store::verify::verify(&path);
    // The key stays where it is.
    checks.retain(|check| check.name != "origin" && check.state != CheckState::Ok);
    assert!(checks.is_empty(), "{checks:#?}");
    let payload = format!(
        r#"{{"content":"{}","event":"{}","reason":"a secret","stream":"{}"}}"#,
        chain::content_text(&content),
        erased.event_id,
        erased.stream
    );
    let stream = format!("ledger/{}.shared", erased.origin);
    let (event, signature) = stranger.next_in(&stream, 1, "ledger.erased", &payload);
    stranger.publish(&event, Some(&signature));
    assert_eq!((bob.synced().taken, bob.count("SELECT count(*) FROM erasures")), (1, 0));
    bob.assert_sound();
}

/// Publishes an event, and that it was erased.
fn publish_and_erase(stranger: &mut Stranger, number: u64) {
    let (event, signature) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&event, Some(&signature));
    let payload = format!(
        r#"{{"content":"{}","event":"{}","reason":"","stream":"{}"}}"#,
        event.content_id, event.event_id, event.stream
    );
    let stream = format!("ledger/{}.shared", event.origin);
    let (erased, signature) = stranger.next_in(&stream, number, "ledger.erased", &payload);
    stranger.publish(&erased, Some(&signature));
}

#[test]
fn who_erases_over_and_over_makes_others_build_anew_once_in_a_while_and_all_of_it_goes() {
    let server = Server::start();
    let bob = Machine::new("bob", &server);
    let mut stranger = Stranger::new(&server);
    let built = || bob.count("SELECT sum(generation) FROM projections WHERE state = 'live'");
    let pending = || bob.count("SELECT count(*) FROM meta WHERE key = 'erasure_pending'");
    bob.synced();
    let running = bob.start();
    publish_and_erase(&mut stranger, 1);
    bob.until("the first erasure", |_| blank(&bob) == 1 && pending() == 0);
    let first = built();
    for number in 2..12 {
        publish_and_erase(&mut stranger, number);
        bob.until("the erasure", |_| blank(&bob) == i64::try_from(number).unwrap());
    }
    assert_eq!((built(), pending()), (first, 1), "it is not their turn yet");
    // Nor is it the turn of whoever opens the ledger beside it.
    drop(bob.beside());
    assert_eq!((built(), pending()), (first, 1));
    bob.until("all to be gone", |_| pending() == 0);
    let projections = bob.count("SELECT count(*) FROM projections WHERE state = 'live'");
    assert_eq!(built(), first + projections, "it was done once for all of them");
    publish_and_erase(&mut stranger, 12);
    bob.until("the erasure", |_| blank(&bob) == 12);
    assert_eq!(pending(), 1);
    running.stop();
    // Who does it once leaves nothing behind.
    bob.synced();
    assert_eq!(pending(), 0);
    bob.assert_sound();
}

#[test]
fn what_is_erased_here_does_not_wait_for_its_turn() {
    let server = Server::start();
    let bob = Machine::new("bob", &server);
    let mut stranger = Stranger::new(&server);
    bob.discover(1);
    bob.change(1, 1);
    bob.synced();
    let running = bob.start();
    publish_and_erase(&mut stranger, 1);
    bob.until("the first erasure", |_| blank(&bob) == 1);
    running.stop();
    let pending = "SELECT count(*) FROM meta WHERE key = 'erasure_pending'";
    let id: String = {
        let reader = bob.session.store.reader().unwrap();
        let sql = "SELECT lower(hex(event_id)) FROM events WHERE type = 'flake.discovered'";
        reader.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    erase_id(&bob, &id);
    assert_eq!(bob.count(pending), 0);
    let id: String = {
        let reader = bob.session.store.reader().unwrap();
        let sql = "SELECT lower(hex(event_id)) FROM events WHERE type = 'flake.description_changed'";
        reader.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let reader = bob.session.store.reader().unwrap();
    let moment = reader.unchecked_transaction().unwrap();
    moment.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0)).unwrap();
    assert!(!bob.session.store.erase(erasure(&bob, &id)).unwrap().complete, "a reader is in the way");
    // So it is for the next one, and its turn is not waited for by the one after that.
    drop(bob.beside());
    assert_eq!(bob.count(pending), 1);
    drop(moment);
    drop(bob.beside());
    assert_eq!(bob.count(pending), 0);
}

/// Notes that something that others erased may still be in the files.
fn leave_pending(machine: &Machine) {
    let ledger = rusqlite::Connection::open(machine.session.store.path()).unwrap();
    ledger.execute("INSERT INTO meta (key, value) VALUES ('erasure_pending', '1')", []).unwrap();
}

#[test]
fn what_others_erased_goes_also_while_there_is_no_server() {
    let mut server = Server::start();
    let bob = Machine::new("bob", &server);
    server.down();
    let running = bob.start();
    bob.until("no server", |report| report.remote.status.state == "backoff");
    leave_pending(&bob);
    bob.until("all to be gone", |_| bob.count("SELECT count(*) FROM meta WHERE key = 'erasure_pending'") == 0);
    running.stop();
    bob.assert_sound();
}

#[test]
fn an_erasure_that_failed_is_tried_again_in_its_turn_by_whoever_runs() {
    let server = Server::start();
    let bob = Machine::new("bob", &server);
    bob.synced();
    let sql = |sql: &str| rusqlite::Connection::open(bob.session.store.path()).unwrap().execute_batch(sql).unwrap();
    sql(
        "CREATE TRIGGER refuse BEFORE DELETE ON meta WHEN old.key = 'erasure_pending' BEGIN SELECT raise(ABORT, 'no'); END",
    );
    leave_pending(&bob);
    let running = bob.start();
    bob.until("it to have failed", |_| {
        let sql = "SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE key = 'erasure_turn'";
        let (turn, now) = (bob.count(sql), bob.session.clock.now());
        turn > now && turn - now < 40_000_000
    });
    sql("DROP TRIGGER refuse; UPDATE meta SET value = '0' WHERE key = 'erasure_turn'");
    bob.until("all to be gone", |_| bob.count("SELECT count(*) FROM meta WHERE key = 'erasure_pending'") == 0);
    running.stop();
    bob.assert_sound();
}

#[test]
fn what_was_erased_before_it_was_shared_is_said_to_be_when_it_is_shared() {
    let server = Server::start();
    let ada = Machine::private("ada", &server);
    ada.discover(1);
    ada.change(1, 2);
    let id: String = {
        let reader = ada.session.store.reader().unwrap();
        let sql = "SELECT lower(hex(event_id)) FROM events WHERE position = 2";
        reader.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    erase_id(&ada, &id);
    consent::enable(&ada.session, &consent::Which::All).unwrap();
    ada.synced();
    let bob = Machine::new("bob", &server);
    bob.synced();
    assert_eq!(bob.count("SELECT count(*) FROM events WHERE payload LIKE '%a secret%'"), 0, "the reason stays private");
    assert_eq!((bob.shared(), bob.status().parked, blank(&bob)), (ada.shared(), 0, 1));
    ada.assert_sound();
    bob.assert_sound();
}

#[test]
fn what_a_stranger_says_of_the_events_of_others_erases_nothing_and_breaks_no_proof() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    let (_, _, id) = ada.shared()[0].clone();
    let mut stranger = Stranger::new(&server);
    let id = uuid::Uuid::parse_str(&id).unwrap();
    let content = "bafkr4idoi3orbxx4tnlmfgtoyvvvbdbb6vgaqgjbstsn6jn7g3ymtq6cpe";
    let payload = format!(r#"{{"content":"{content}","event":"{id}","reason":"none","stream":"flake/x"}}"#);
    let stream = format!("ledger/{}", stranger.key.public_key());
    let (erased, signature) = stranger.next_in(&stream, 1, "ledger.erased", &payload);
    stranger.publish(&erased, Some(&signature));
    bob.synced();
    assert_eq!((blank(&bob), bob.count("SELECT count(*) FROM events WHERE type = 'ledger.erased'")), (0, 1));
    bob.assert_sound();
}
