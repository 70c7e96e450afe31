//! Answering requests over a real server, whatever becomes of the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cim_domain_nix::bus::{About, Answer, Answered, Bus, Endpoint, Link, Target, Who};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::admin::Admin;
use super::machine::Machine;
use super::processes::Serving;
use super::requests::{Answering, World};
use crate::nats::Server;

#[test]
fn a_panic_in_an_answer_is_an_answer_and_the_next_request_is_answered_too() {
    let server = Server::start();
    let target = Target { servers: vec![server.url()], ..Target::default() };
    let bus = Bus::connect(&target, "answers", Link::default()).unwrap();
    let answer: Answer = Arc::new(|request| {
        // The program leaves a process alive whose panic is on a thread of this name.
        assert_eq!(std::thread::current().name(), Some("bus"));
        assert_ne!(request.body, b"panic", "on purpose");
        Answered { body: b"{\"ok\":true}".to_vec(), miss: None }
    });
    let endpoint = Endpoint { name: "test".to_owned(), subject: "test.answers".to_owned(), who: Who::One };
    let about = About { name: "answers", version: "0.1.0", description: "a test", origin: "UABC", since: 0 };
    let _answering = bus.answer(about, &[endpoint], &answer).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = runtime.block_on(async_nats::connect(server.url())).unwrap();
    let ask = |body: &'static str| {
        let reply = runtime.block_on(client.request("test.answers", body.into())).unwrap();
        let code =
            reply.headers.as_ref().and_then(|headers| headers.get("Nats-Service-Error")).map(ToString::to_string);
        (serde_json::from_slice::<Value>(&reply.payload).unwrap(), code)
    };
    for _ in 0..6 {
        let (reply, code) = ask("panic");
        assert_eq!((&reply["ok"], &reply["code"]), (&Value::Bool(false), &Value::from("internal")), "{reply}");
        assert_eq!(code.as_deref(), Some("internal"));
    }
    let (reply, code) = ask("fine");
    assert_eq!((&reply["ok"], code), (&Value::Bool(true), None));
}

#[test]
fn an_answer_too_large_for_the_server_is_told_to_be_so() {
    let server = Server::with("max_payload: 262144");
    let target = Target { servers: vec![server.url()], ..Target::default() };
    let bus = Bus::connect(&target, "answers", Link::default()).unwrap();
    let answer: Answer = Arc::new(|request| {
        let bytes = std::str::from_utf8(&request.body).unwrap().parse().unwrap();
        Answered { body: format!("{{\"ok\":true,\"text\":\"{}\"}}", "x".repeat(bytes)).into(), miss: None }
    });
    let endpoint = Endpoint { name: "test".to_owned(), subject: "test.answers".to_owned(), who: Who::One };
    let about = About { name: "answers", version: "0.1.0", description: "a test", origin: "UABC", since: 0 };
    let _answering = bus.answer(about, &[endpoint], &answer).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = runtime.block_on(async_nats::connect(server.url())).unwrap();
    for (bytes, code) in [("261000", Value::Null), ("262130", "too_large".into()), ("300000", "too_large".into())] {
        let reply = runtime.block_on(client.request("test.answers", bytes.into())).unwrap();
        let reply: Value = serde_json::from_slice(&reply.payload).unwrap();
        assert_eq!(reply["code"], code, "{bytes}");
    }
}

/// A machine that answers requests for itself alone, and somebody who asks more than can be answered.
struct Flood {
    serving: Serving,
    ada: Machine,
    _server: Server,
    runtime: tokio::runtime::Runtime,
    client: async_nats::Client,
}

impl Flood {
    fn new() -> Self {
        let server = Server::start();
        let ada = Machine::new("ada", &server);
        let serving = Serving::start(&ada, &server.url());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async_nats::connect(server.url())).unwrap();
        let flood = Self { serving, ada, _server: server, runtime, client };
        flood.ada.until("somebody who answers", |_| flood.ask(1).is_some());
        flood
    }

    /// The code of the answer to a request of so many bytes and some.
    fn ask(&self, bytes: usize) -> Option<String> {
        let reply = self.runtime.block_on(self.client.request(SCAN, body(bytes).into())).ok()?;
        let reply: Value = serde_json::from_slice(&reply.payload).unwrap();
        Some(reply["code"].as_str().unwrap().to_owned())
    }

    /// Asks so often, hears as many answers as there are to be, and says by how many bytes the machine has grown.
    fn grows(&self, (requests, bytes): (usize, usize), answers: usize) -> u64 {
        let before = self.serving.peak();
        self.runtime.block_on(async {
            let inbox = self.client.new_inbox();
            let mut heard = self.client.subscribe(inbox.clone()).await.unwrap();
            for _ in 0..requests {
                self.client.publish_with_reply(SCAN, inbox.clone(), body(bytes).into()).await.unwrap();
            }
            for _ in 0..answers {
                tokio::time::timeout(Duration::from_secs(30), heard.next()).await.unwrap().unwrap();
            }
        });
        self.serving.peak() - before
    }
}

const SCAN: &str = "nix.cmd.flake.scan";

fn body(bytes: usize) -> String {
    format!("{{\"path\":\"{}\"}}", "x".repeat(bytes))
}

#[test]
fn a_request_larger_than_any_can_be_is_refused_at_once_and_costs_no_memory() {
    let flood = Flood::new();
    let grown = flood.grows((600, 1_000_000), 600);
    assert!(grown < 128 << 20, "{} MiB more", grown >> 20);
    for (bytes, code) in [(60_000, "not_allowed"), (66_000, "oversized"), (1, "not_allowed")] {
        assert_eq!(flood.ask(bytes).as_deref(), Some(code), "{bytes}");
    }
}

#[test]
fn requests_that_come_faster_than_they_can_be_refused_cost_no_memory() {
    let flood = Flood::new();
    let grown = flood.grows((40_000, 30_000), 1_000);
    assert!(grown < 128 << 20, "{} MiB more", grown >> 20);
}

#[test]
fn requests_are_answered_once_the_server_takes_a_connection_that_it_has_refused() {
    let mut server = Server::with("max_connections: 1");
    let place = Machine::new("eve", &server).place.clone();
    // The exchange has the one connection, and there is none for the answers.
    let _answering = Answering::start("ada", &place);
    server.reload("");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = runtime.block_on(async_nats::connect(server.url())).unwrap();
    let begun = Instant::now();
    while runtime.block_on(client.request("health.nix", "{}".into())).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody answers");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn whoever_asks_for_an_answer_elsewhere_has_this_machine_publish_nothing_there() {
    let world = World::new(&["flake.scan", "flake.forget"]);
    let admin = Admin::of(&world.server);
    let own = world.machine.session.store.origin().public_key.clone();
    let messages = || admin.info("NIX_LEDGER")["state"]["messages"].clone();
    world.ask("nix.cmd.flake.scan", &json!({ "path": world.path() }));
    world.machine.until("all sent", |report| report.backlog == 0);
    let before = messages();
    let answered = [
        "nix.query.flake.list",
        "nix.cmd.flake.forget",
        "nix.cmd.package.build",
        "health.nix",
        "metrics.nix",
        "discovery.cim-domain-nix",
        "discovery.cim-domain-nix.nix.cmd.flake.scan",
        "$SRV.PING",
        "$SRV.INFO",
        "$SRV.STATS",
    ];
    let elsewhere =
        [format!("nix.ledger.{own}.flake.updated"), "nix.ledger.UX.flake.updated".into(), "nix.cmd.flake.scan".into()];
    for reply in &elsewhere {
        for subject in answered {
            world.lead_astray(subject, reply, &json!({ "flake": world.path() }));
        }
    }
    // What was asked before was looked at before.
    for subject in answered {
        world.ask(subject, &json!({ "flake": "none" }));
    }
    assert_eq!(messages(), before);
    assert_eq!(world.machine.status().remote.status.state, "live");
    let there = world.ask("nix.query.flake.get", &json!({ "flake": world.path() }));
    assert_eq!(there["ok"], true, "nothing was done either: {there}");
}

#[test]
fn what_a_stream_holds_is_no_command_wherever_the_server_sends_it() {
    let world = World::new(&["flake.scan", "flake.forget"]);
    world.ask("nix.cmd.flake.scan", &json!({ "path": world.path() }));
    let admin = Admin::of(&world.server);
    let config = json!({ "name": "OTHER", "subjects": ["other"], "storage": "file", "allow_direct": true });
    admin.call("STREAM.CREATE.OTHER", &config);
    world.lead_astray("other", "_INBOX.nobody", &json!({ "flake": world.path() }));
    let stored = Instant::now();
    while admin.info("OTHER")["state"]["messages"] == 0 {
        assert!(stored.elapsed() < Duration::from_secs(20), "it is not stored");
    }
    world.lead_astray("$JS.API.DIRECT.GET.OTHER", "nix.cmd.flake.forget", &json!({ "seq": 1 }));
    // What comes later is looked at later; a command is done while a query is answered.
    std::thread::sleep(Duration::from_millis(300));
    world.ask("nix.cmd.flake.forget", &json!({ "flake": "none" }));
    let there = world.ask("nix.query.flake.get", &json!({ "flake": world.path() }));
    assert_eq!(there["ok"], true, "{there}");
}
