//! The line between a machine and the server: cut, slow, deaf, half open, and leading elsewhere.

use std::time::Duration;

use cim_domain_nix::app::sync::Place;
use cim_domain_nix::bus::Layout;
use serde_json::json;

use super::admin::Admin;
use super::machine::{Machine, target};
use crate::nats::{Server, free_port};
use crate::proxy::{Line, Proxy};

/// A server, a line to it, a machine at the end of the line, and one beside the server.
struct World {
    server: Server,
    proxy: Proxy,
    ada: Machine,
    bob: Machine,
}

impl World {
    fn new() -> Self {
        let server = Server::start();
        let proxy = Proxy::to(server.port());
        let mut place = Place { target: target(&proxy.url()), layout: Layout::default() };
        place.target.patience = Duration::from_millis(500);
        let (ada, bob) = (Machine::at("ada", &place), Machine::new("bob", &server));
        ada.synced();
        Self { server, proxy, ada, bob }
    }

    /// Both have everything, once, and the server as well.
    fn in_step(&self, events: usize) {
        let admin = Admin::of(&self.server);
        // A server that was killed may have lost batches that it had acknowledged, until whoever sent them has asked it again.
        let is_there = || admin.messages() >= events as u64;
        self.ada.until("everything", |report| report.backlog == 0 && self.ada.shared().len() == events && is_there());
        self.bob.synced();
        assert_eq!(self.ada.shared(), self.bob.shared());
        assert_eq!(admin.messages(), events as u64, "nothing twice");
    }
}

#[test]
fn an_acknowledgement_that_never_comes_sends_nothing_twice() {
    let world = World::new();
    let running = world.ada.start();
    world.ada.until("live", |report| report.remote.status.state == "live");
    for round in 0..3 {
        world.proxy.set(Line::Deaf);
        world.ada.discover(round);
        world.ada.change(round, 9);
        let there = Admin::of(&world.server);
        let begun = std::time::Instant::now();
        while there.messages() < 10 * (u64::try_from(round).unwrap() + 1) && begun.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(20));
        }
        world.proxy.set(Line::Cut);
        world.proxy.set(Line::Good);
    }
    world.in_step(30);
    running.stop();
}

/// The server stores what it was sent, its answer is lost on the line, and the process ends before it learns of it.
fn lose_the_answer(world: &World, words: &'static str, stored: u64) {
    world.proxy.deaf_after(words);
    let outcome = world.ada.sync();
    let error = outcome.status.last_error.clone().unwrap_or_default();
    assert!(!outcome.synced && error.contains("no answer within"), "{outcome:?}");
    assert!(world.ada.status().remote.acked < 10, "the answer came");
    assert_eq!(Admin::of(&world.server).messages(), stored, "the server has it");
    world.proxy.set(Line::Cut);
    world.proxy.set(Line::Good);
}

#[test]
fn an_acknowledgement_that_was_lost_sends_nothing_twice() {
    let world = World::new();
    world.ada.discover(1);
    world.ada.change(1, 9);
    lose_the_answer(&world, "Nats-Batch-Commit", 10);
    world.ada.change(1, 1);
    assert_eq!(world.ada.synced().sent, 11, "what has arrived is counted once that is known");
    world.in_step(11);
}

#[test]
fn an_acknowledgement_of_a_single_message_that_was_lost_sends_nothing_twice() {
    let world = World::new();
    Admin::of(&world.server).change("NIX_LEDGER", &json!({ "allow_atomic": false }));
    world.ada.discover(1);
    world.ada.change(1, 9);
    // The fifth message is fenced by the fourth.
    lose_the_answer(&world, "Nats-Expected-Last-Subject-Sequence: 4\r\n", 5);
    assert_eq!(world.ada.status().remote.acked, 4);
    assert_eq!(world.ada.synced().sent, 6);
    world.in_step(10);
}

#[test]
fn an_acknowledgement_that_was_lost_for_longer_than_the_server_knows_ids_sends_nothing_twice() {
    for (atomic, words, stored) in
        [(true, "Nats-Batch-Commit", 10), (false, "Nats-Expected-Last-Subject-Sequence: 4\r\n", 5)]
    {
        let world = World::new();
        let admin = Admin::of(&world.server);
        admin.change("NIX_LEDGER", &json!({ "allow_atomic": atomic }));
        world.ada.discover(1);
        world.ada.change(1, 9);
        lose_the_answer(&world, words, stored);
        // As if two minutes had passed: the server forgets the ids of what it has.
        admin.change("NIX_LEDGER", &json!({ "duplicate_window": 100_000_000 }));
        std::thread::sleep(Duration::from_secs(1));
        admin.change("NIX_LEDGER", &json!({ "duplicate_window": 120_000_000_000_u64 }));
        world.ada.synced();
        world.in_step(10);
    }
}

#[test]
fn a_partition_loses_nothing_and_heals() {
    let world = World::new();
    let running = world.ada.start();
    world.ada.until("live", |report| report.remote.status.state == "live");
    for line in [Line::Cut, Line::HalfOpen] {
        let number = if line == Line::Cut { 1 } else { 2 };
        world.proxy.set(line);
        world.ada.discover(number);
        world.ada.change(number, 20);
        world.bob.discover(number);
        world.bob.synced();
        world.ada.until("trouble", |report| {
            report.remote.status.state != "live" && report.backlog > 0 && report.remote.status.last_error.is_some()
        });
        // What was swallowed is lost to both ends: the line that heals is another one.
        world.proxy.set(Line::Cut);
        world.proxy.set(Line::Good);
        world.ada.until("all sent", |report| report.backlog == 0);
    }
    world.in_step(44);
    running.stop();
}

#[test]
fn a_reader_that_does_not_keep_up_is_cut_off_and_loses_nothing() {
    let server = Server::with("write_deadline: \"1s\"");
    let proxy = Proxy::to(server.port());
    let mut place = Place { target: target(&proxy.url()), layout: Layout::default() };
    place.target.patience = Duration::from_secs(1);
    let (ada, bob) = (Machine::new("ada", &server), Machine::at("bob", &place));
    ada.discover(1);
    ada.synced();
    let running = bob.start();
    bob.until("live", |report| report.remote.status.state == "live" && bob.shared().len() == 1);
    proxy.set(Line::Stuck);
    // More than what lies between the two can hold.
    ada.fill(1, 150, 200_000);
    ada.synced();
    let begun = std::time::Instant::now();
    while !server.said().contains("Slow Consumer") {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", server.said());
        std::thread::sleep(Duration::from_millis(50));
    }
    bob.discover(1);
    let report = bob.until("trouble", |report| report.remote.status.last_error.is_some());
    assert!(report.backlog == 1 && report.remote.status.state != "live", "{report:#?}");
    assert!(bob.shared().len() < 151, "nothing was held back");
    proxy.set(Line::Good);
    bob.until("everything", |report| {
        report.remote.status.state == "live" && report.backlog == 0 && bob.shared().len() == 152
    });
    running.stop();
    ada.synced();
    assert_eq!(ada.shared(), bob.shared());
    assert_eq!(Admin::of(&server).messages(), 152, "nothing twice");
}

#[test]
fn a_slow_line_is_only_slow() {
    let world = World::new();
    world.proxy.set(Line::Slow);
    world.ada.discover(1);
    world.ada.change(1, 1_200);
    world.ada.synced();
    world.in_step(1_201);
}

#[test]
fn a_server_killed_under_a_batch_has_all_of_it_or_nothing() {
    let mut world = World::new();
    let running = world.ada.start();
    world.ada.until("live", |report| report.remote.status.state == "live");
    world.proxy.set(Line::Slow);
    for round in 0..3 {
        world.ada.discover(round);
        world.ada.change(round, 400);
        std::thread::sleep(Duration::from_millis(40 + 35 * u64::try_from(round).unwrap()));
        world.server.down();
        world.server.up();
    }
    world.proxy.set(Line::Good);
    world.in_step(1_203);
    running.stop();
}

#[test]
fn a_list_of_servers_works_with_the_dead_ones_in_it() {
    let server = Server::start();
    let dead = format!("nats://127.0.0.1:{}", free_port());
    let mute = Proxy::to(server.port());
    mute.set(Line::HalfOpen);
    let mut place =
        Place { target: target(&format!("{dead},{},{}", mute.url(), server.url())), layout: Layout::default() };
    place.target.patience = Duration::from_millis(700);
    let ada = Machine::at("ada", &place);
    ada.discover(1);
    assert_eq!(ada.synced().sent, 1);
}

#[test]
fn a_server_whose_files_vanish_under_it_is_filled_again_when_it_starts_anew() {
    let mut server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    let running = ada.start();
    ada.until("live", |report| report.remote.status.state == "live" && report.backlog == 0);
    server.delete_store();
    ada.discover(2);
    ada.change(2, 100);
    server.down();
    ada.discover(3);
    server.up();
    ada.until("live again", |report| report.remote.status.state == "live" && report.backlog == 0);
    running.stop();
    let carol = Machine::new("carol", &server);
    carol.synced();
    assert_eq!((carol.shared().len(), carol.shared()), (103, ada.shared()));
}

#[test]
fn a_jetstream_that_falls_silent_opens_the_breaker_though_the_connection_stands() {
    let mut server = Server::start();
    let mut place = Place { target: target(&server.url()), layout: Layout::default() };
    place.target.patience = Duration::from_millis(150);
    let ada = Machine::at("ada", &place);
    ada.discover(1);
    let running = ada.start();
    ada.until("live", |report| report.remote.status.state == "live" && report.backlog == 0);
    // What is asked of JetStream goes to somebody who never answers.
    let listener = Admin::of(&server);
    listener.swallow("void.>");
    server.reload("mappings { \"$JS.API.>\": \"void.>\", \"nix.ledger.*.*.*\": \"void.{{wildcard(1)}}\" }");
    ada.discover(2);
    let report = ada.until("open", |report| report.remote.status.state == "open");
    assert!(report.remote.status.connected_since.is_some() && report.backlog == 1, "{report:#?}");
    assert!(report.remote.status.last_error.as_ref().unwrap().contains("no answer within"), "{report:#?}");
    ada.change(2, 3);
    running.stop();
    server.configure("");
    server.up();
    assert_eq!(ada.synced().sent, 4);
}

#[test]
fn nothing_is_left_only_when_what_came_meanwhile_is_taken_in() {
    let world = World::new();
    let running = world.ada.start();
    world.ada.until("live", |report| report.remote.status.state == "live");
    for round in 1..=3 {
        world.proxy.set(Line::Cut);
        world.ada.until("cut off", |report| report.remote.status.state != "live");
        world.bob.discover(round);
        world.bob.change(round, 3_000);
        world.bob.synced();
        let asked = world.ada.session.clock.now();
        world.ada.session.store.ask_whether_synced(asked).unwrap();
        world.proxy.set(Line::Good);
        world.ada.until("in step", |report| report.remote.synced_at.is_some_and(|synced| synced >= asked));
        assert_eq!(world.ada.shared().len(), world.bob.shared().len(), "round {round}");
    }
    running.stop();
}

#[test]
fn a_server_that_is_well_but_for_what_it_is_sent_is_asked_less_and_less_until_it_takes_it() {
    let mut server = Server::start();
    let mut place = Place { target: target(&server.url()), layout: Layout::default() };
    place.target.patience = Duration::from_millis(500);
    let ada = Machine::at("ada", &place);
    ada.discover(1);
    let running = ada.start();
    ada.until("live", |report| report.remote.status.state == "live" && report.backlog == 0);
    Admin::of(&server).swallow("void.>");
    server.reload("mappings { \"nix.ledger.*.*.*\": \"void.{{wildcard(1)}}\" }");
    ada.discover(2);
    let open = ada.until("open", |report| report.remote.status.state == "open");
    assert_eq!((open.remote.status.attempts, open.breaker), (5, "open"), "{open:#?}");
    // It could be asked what it holds each time, and that closed nothing.
    let again =
        ada.until("open again", |report| report.remote.status.state == "open" && report.remote.status.attempts == 6);
    let pause = again.remote.status.next_attempt_at.unwrap() - again.remote.updated_at;
    assert!(pause > 3_000_000, "the pause goes on growing: {pause} µs");
    server.configure("");
    server.up();
    ada.session.store.ask_whether_synced(ada.session.clock.now()).unwrap();
    ada.until("live again", |report| report.remote.status.state == "live" && report.backlog == 0);
    assert_eq!(ada.status().remote.status.attempts, 0);
    running.stop();
}
