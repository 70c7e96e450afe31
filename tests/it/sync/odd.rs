//! Messages and requests whose headers the client cannot read: it drops the connection over them, and one of them it does not
//! survive. Whoever sends them stops nobody.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use cim_domain_nix::app::sync::{Place, parked, verify};
use cim_domain_nix::bus::Layout;
use cim_domain_nix::store::backup::restore;
use futures_util::{FutureExt, StreamExt};

use super::admin::Admin;
use super::copies::backup;
use super::damaged::{BYTES, EVENTS};
use super::machine::{Machine, target};
use super::republished::Stored;
use super::requests::World;
use super::stranger::Stranger;
use crate::nats::Server;
use crate::proxy::Proxy;

/// Headers that no client reads, and the words that name them.
const ODD: [(&[u8], &str); 6] = [
    (b"NATS/1.0\r\nX-Actor: Zo\xeb\r\n\r\n", "header `X-Actor` is not UTF-8"),
    (b"NATS/1.0\r\nblah\r\n\r\n", "header `blah` has no `:`"),
    (b"NATS/1.0\r\nX-Actor: a\nb\r\n\r\n", "header `b` has no `:`"),
    (b"NATS/1.0\r\nX Actor: a\r\n\r\n", "header `X Actor` has a name"),
    (b"NATS/2.0\r\nX-A: b\r\n\r\n", "begin with `NATS/2.0`"),
    // The client panics over it.
    (b"NATS/1.0\r\nX-Actor: a\rb\r\n\r\n", "header `X-Actor` holds the end of a line"),
];

/// Somebody who writes on the wire as they like.
struct Wire(BufReader<TcpStream>);

impl Wire {
    fn to(port: u16, login: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(format!("CONNECT {{{login}\"verbose\":false,\"headers\":true}}\r\n").as_bytes()).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends these headers as they are, and waits until the server has them.
    fn send(&mut self, subject: &str, headers: &[u8]) {
        let head = format!("HPUB {subject} {} {}\r\n", headers.len(), headers.len() + 2);
        let message = [head.as_bytes(), headers, b"{}\r\nPING\r\n"].concat();
        self.0.get_mut().write_all(&message).unwrap();
        let mut line = String::new();
        while !line.starts_with("PONG") {
            line.clear();
            assert!(self.0.read_line(&mut line).unwrap() > 0 && !line.starts_with("-ERR"), "{line}");
        }
    }
}

fn wire(server: &Server) -> Wire {
    server.let_a_stranger_in();
    Wire::to(server.port(), "")
}

const NOBODY: &str = "nix.ledger.nobody.flake.discovered";

#[test]
fn a_message_whose_headers_nobody_can_read_is_parked_and_stops_nobody() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    bob.synced();
    let mut wire = wire(&server);
    for (headers, _) in ODD {
        wire.send(NOBODY, headers);
    }
    ada.discover(2);
    let begun = Instant::now();
    assert_eq!(ada.synced().parked, 6);
    assert_eq!((bob.synced().taken, bob.status().parked), (1, 6));
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    let list = || parked::list(&bob.session.store.reader().unwrap()).unwrap();
    for (row, (headers, words)) in list().iter().zip(ODD) {
        assert!(row.reason.contains(words), "{words}: {row:?}");
        assert_eq!(row.message, format!("{}{{}}", String::from_utf8_lossy(headers)));
    }
    // Whoever comes late, and whoever reads it again, meets the same.
    let carol = Machine::new("carol", &server);
    assert_eq!((carol.synced().taken, carol.status().parked), (2, 6));
    parked::retry(&bob.session, list()[0].id).unwrap();
    assert_eq!((bob.synced().taken, bob.status().parked), (0, 6));
    assert_eq!((bob.synced().parked, bob.shared()), (0, ada.shared()));
}

#[test]
fn a_message_below_an_origin_is_its_own_whatever_event_its_subject_names() {
    for (headers, words) in [ODD[0], ODD[5]] {
        let server = Server::start();
        let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
        ada.discover(1);
        ada.synced();
        let mut stranger = Stranger::new(&server);
        let (event, signature) = stranger.next("flake.forgotten", "{}");
        stranger.publish(&event, Some(&signature));
        assert_eq!((ada.synced().taken, bob.synced().taken), (1, 2));
        let running = ada.start();
        let key = stranger.key.public_key();
        wire(&server).send(&format!("nix.ledger.{key}.flake.b$"), headers);
        bob.discover(1);
        ada.until("the message parked", |report| report.parked == 1);
        assert_eq!(bob.synced().parked, 1, "{words}");
        let row = parked::list(&bob.session.store.reader().unwrap()).unwrap().remove(0);
        assert_eq!(row.origin.as_ref(), Some(&key), "{row:?}");
        ada.until("what bob sent", |_| ada.shared() == bob.shared());
        // From here on it costs nobody a connection.
        let connections = running.connections();
        let begun = Instant::now();
        for number in 2..5 {
            bob.discover(number);
            bob.synced();
            ada.until("what bob sent", |_| ada.shared() == bob.shared());
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert_eq!(running.connections(), connections);
        running.stop();
    }
}

#[test]
fn what_an_older_release_parked_as_nobodys_costs_a_connection_once() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    let mut stranger = Stranger::new(&server);
    let (event, signature) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&event, Some(&signature));
    let key = stranger.key.public_key();
    wire(&server).send(&format!("nix.ledger.{key}.flake.b$"), ODD[0].0);
    assert_eq!((bob.synced().taken, bob.status().parked), (2, 1));
    let ledger = rusqlite::Connection::open(bob.session.store.path()).unwrap();
    ledger
        .execute_batch("UPDATE parked SET origin = NULL; UPDATE origins SET state = 'active', reason = NULL")
        .unwrap();
    drop(ledger);
    bob.synced();
    let begun = Instant::now();
    for number in 2..5 {
        ada.discover(number);
        ada.synced();
        assert_eq!(bob.synced().taken, 1);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!((bob.status().parked, bob.shared()), (1, ada.shared()));
}

#[test]
fn a_message_that_cannot_be_read_for_now_holds_up_no_other_origin_and_is_read_later() {
    let server = Server::start();
    let proxy = Proxy::to(server.port());
    let place = Place { target: target(&proxy.url()), layout: Layout::default() };
    let (ada, bob) = (Machine::new("ada", &server), Machine::at("bob", &place));
    bob.synced();
    let mut stranger = Stranger::new(&server);
    let (event, signature) = stranger.next("flake.forgotten", "{}");
    stranger.publish(&event, Some(&signature));
    assert_eq!(bob.synced().taken, 1, "the stranger comes first");
    ada.discover(1);
    ada.synced();
    let key = stranger.key.public_key();
    wire(&server).send(&format!("nix.ledger.{key}.flake.b$"), b"NATS/1.0\r\nX-A: b\r\n\r\n");
    assert_eq!((bob.synced().taken, bob.status().parked), (1, 1));
    ada.change(1, 1);
    ada.synced();
    // As an older release left it, and where the cursor is behind what is missing.
    let ledger = rusqlite::Connection::open(bob.session.store.path()).unwrap();
    ledger
        .execute_batch(
            "UPDATE parked SET origin = NULL; UPDATE origins SET state = 'active', reason = NULL; \
             UPDATE remotes SET taken_seq = taken_seq + 1",
        )
        .unwrap();
    drop(ledger);
    proxy.let_one_in();
    let running = bob.start();
    let told = "reading a message that was passed over failed";
    let is_told = |error: &Option<String>| error.as_ref().is_some_and(|error| error.contains(told));
    bob.until("what failed told", |report| is_told(&report.remote.status.last_error));
    bob.until("what ada sent", |_| {
        bob.count("SELECT count(*) FROM events WHERE type = 'flake.description_changed'") == 1
    });
    let report = bob.until("a pause", |report| report.remote.status.next_attempt_at.is_some());
    assert_eq!((report.remote.status.state.as_str(), running.connections()), ("live", 1), "{report:?}");
    assert_eq!(bob.count("SELECT count(*) FROM v1_origins WHERE state = 'quarantined'"), 0);
    proxy.let_in();
    bob.until("the message parked", |report| {
        report.remote.status.last_error.is_none()
            && bob.count("SELECT count(*) FROM v1_origins WHERE state = 'quarantined'") == 1
    });
    running.stop();
    assert_eq!(bob.status().parked, 1);
}

#[test]
fn a_running_engine_passes_over_what_it_cannot_read() {
    let server = Server::start();
    let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
    ada.discover(1);
    ada.synced();
    let running = bob.start();
    bob.until("one event", |_| bob.shared().len() == 1);
    let mut wire = wire(&server);
    for (count, (headers, _)) in (1..).zip([ODD[0], ODD[3], ODD[5]]) {
        wire.send(NOBODY, headers);
        ada.change(1, 1);
        bob.until("the message parked", |report| report.parked == count);
    }
    ada.synced();
    bob.until("all events", |_| bob.shared() == ada.shared());
    running.stop();
}

#[test]
fn a_message_under_our_own_name_that_cannot_be_read_is_a_forgery() {
    for (headers, words) in ODD {
        let server = Server::start();
        let mut place = Machine::new("eve", &server).place.clone();
        place.target.patience = Duration::from_secs(1);
        let (ada, bob) = (Machine::at("ada", &place), Machine::new("bob", &server));
        ada.discover(1);
        ada.synced();
        bob.synced();
        let key = ada.session.store.origin().public_key.clone();
        wire(&server).send(&format!("nix.ledger.{key}.flake.discovered"), headers);
        let outcome = ada.sync();
        assert_eq!(outcome.status.reason.as_deref(), Some("forged"), "{words}: {outcome:?}");
        assert_eq!(bob.synced().parked, 1, "{words}");
        assert_eq!(bob.count("SELECT count(*) FROM v1_origins WHERE state = 'quarantined'"), 1, "{words}");
    }
}

#[test]
fn a_running_engine_tells_of_a_forgery_that_its_client_does_not_survive() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    let running = ada.start();
    ada.until("all sent", |report| report.shared > 0 && report.backlog == 0);
    let key = ada.session.store.origin().public_key.clone();
    wire(&server).send(&format!("nix.ledger.{key}.flake.discovered"), ODD[5].0);
    let report = ada.until("the forgery", |report| report.remote.status.reason.as_deref() == Some("forged"));
    let error = report.remote.status.last_error.unwrap();
    assert!(error.contains("does not say which event it is"), "{error}");
    running.stop();
}

#[test]
fn what_is_taken_back_is_read_past_what_the_client_does_not_survive() {
    let server = Server::start();
    let mut ada = Machine::new("ada", &server);
    ada.discover(1);
    let copy = backup(&ada);
    ada.change(1, 2);
    ada.synced();
    let key = ada.session.store.origin().public_key.clone();
    let last = Stored::read(&Admin::of(&server), 3);
    wire(&server).send(&format!("nix.ledger.{key}.flake.discovered"), ODD[5].0);
    last.send(&Stranger::new(&server));
    let now = ada.session.clock.now();
    ada.replace(|path| drop(restore(&copy, path, true, now).unwrap()));
    let outcome = ada.sync();
    assert_eq!(outcome.status.reason.as_deref(), Some("forged"), "{outcome:?}");
    assert!(outcome.status.last_error.unwrap().starts_with("message 4: "));
}

#[test]
fn what_the_server_lost_is_found_past_what_the_client_does_not_survive() {
    let mut server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.fill(1, EVENTS, BYTES);
    ada.synced();
    let key = ada.session.store.origin().public_key.clone();
    let last = Stored::read(&Admin::of(&server), EVENTS as u64 + 1);
    wire(&server).send(&format!("nix.ledger.{key}.flake.discovered"), ODD[5].0);
    last.send(&Stranger::new(&server));
    server.down();
    server.lose_block(2);
    server.up();
    let missing = Admin::of(&server).info("NIX_LEDGER")["state"]["num_deleted"].as_u64().unwrap();
    assert!(missing > 5 && missing < EVENTS as u64, "{missing}");
    ada.synced();
    let compared = verify::verify(&ada.session, &ada.place).unwrap();
    let own = compared.iter().find(|it| it.own).unwrap();
    assert_eq!((own.same, &own.missing, own.unreadable), (EVENTS as u64 + 1, &Vec::new(), 1), "{compared:#?}");
}

#[test]
fn what_cannot_be_read_is_counted_by_the_comparison() {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.synced();
    let mut wire = wire(&server);
    (0..3).for_each(|odd| wire.send(NOBODY, ODD[odd].0));
    ada.change(1, 2);
    let late = Machine::new("late", &server);
    assert_eq!((ada.synced().sent, late.synced().taken), (2, 3));
    let compared = verify::verify(&ada.session, &ada.place).unwrap();
    let of =
        |own: bool| compared.iter().filter(|it| it.own == own).map(|it| (it.same, it.unreadable)).collect::<Vec<_>>();
    assert_eq!((of(true), of(false)), (vec![(3, 0)], vec![(0, 3)]), "{compared:#?}");
}

#[test]
fn who_may_not_pass_over_a_message_is_told_what_is_lacking() {
    let users = "authorization { users: [ \
                 { user: admin, password: all, permissions: { publish: \">\", subscribe: \">\" } }, \
                 { user: bob, password: b, permissions: { subscribe: \">\", \
                 publish: { allow: \">\", deny: \"$JS.API.STREAM.MSG.GET.>\" } } } ] }";
    let server = Server::with(users);
    server.let_a_stranger_in();
    Admin::known_to(&server).set_up(false).unwrap();
    let mut target = target(&server.url());
    (target.user, target.password) = (Some("bob".to_owned()), Some("b".to_owned()));
    let bob = Machine::at("bob", &Place { target, layout: Layout::default() });
    bob.synced();
    Wire::to(server.port(), "\"user\":\"admin\",\"pass\":\"all\",").send(NOBODY, ODD[0].0);
    let outcome = bob.sync();
    assert_eq!(outcome.status.reason.as_deref(), Some("permission"), "{outcome:?}");
    let error = outcome.status.last_error.unwrap();
    assert!(error.contains("$JS.API.STREAM.MSG.GET.NIX_LEDGER") && error.contains("passing over"), "{error}");
}

#[test]
fn a_request_whose_headers_cannot_be_read_leaves_the_exchange_alone() {
    let world = World::new(&[]);
    let since = || world.machine.status().remote.status.connected_since.unwrap();
    let begun = since();
    let mut wire = Wire::to(world.port(), "");
    for (headers, _) in ODD {
        wire.send("health.nix", headers);
        wire.send("$SRV.PING", headers);
        world.until_answered();
    }
    assert_eq!((since(), world.machine.status().remote.status.attempts), (begun, 0));
}

#[test]
fn a_message_that_the_client_does_not_survive_leaves_the_desk_open() {
    let world = World::new(&[]);
    let mut announced = world.announced();
    wire(&world.server).send(NOBODY, ODD[5].0);
    world.machine.until("the message parked", |report| report.parked == 1);
    world.until_answered();
    assert!(announced.next().now_or_never().is_none(), "it was opened anew");
}
