//! Requests over a real server: every one is answered, in any dialect, and none does what it must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::HeaderMap;
use cim_domain_nix::app::requests::command::COMMANDS;
use cim_domain_nix::app::requests::query::QUERIES;
use cim_domain_nix::app::requests::{Desk, SERVICE};
use cim_domain_nix::app::scan::{ScanRequest, scan};
use cim_domain_nix::app::sync::Place;
use cim_domain_nix::app::sync::consent::{self, Which};
use cim_domain_nix::app::sync::engine::{self, Link, Until};
use serde_json::{Value, json};
use uuid::Uuid;

use super::estates::generation;
use super::machine::Machine;
use crate::contract;
use crate::nats::Server;

/// A machine that answers, with one real flake below its shared root, and somebody who asks.
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) flakes: tempfile::TempDir,
    stop: Arc<AtomicBool>,
    link: Link,
    thread: Option<std::thread::JoinHandle<()>>,
    runtime: tokio::runtime::Runtime,
    client: async_nats::Client,
    pub(super) server: Server,
}

/// A machine that answers and accepts no command.
pub(super) struct Answering {
    machine: Machine,
    pub(super) desk: Arc<Desk>,
    stop: Arc<AtomicBool>,
    link: Link,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Answering {
    pub(super) fn start(name: &str, place: &Place) -> Self {
        let machine = Machine::at(name, place);
        let (stop, link, place) = (Arc::new(AtomicBool::new(false)), Link::default(), place.clone());
        let desk = Arc::new(Desk::open(machine.session.clone(), ScanRequest::default(), Vec::new()).unwrap());
        let (session, stopping, linked) = (machine.session.clone(), stop.clone(), link.clone());
        let answering = Some(Arc::clone(&desk));
        let thread = std::thread::spawn(move || {
            engine::run_with(&session, &|| place.clone(), &linked, Until::Stopped, &stopping, answering).unwrap();
        });
        machine.until("live", |report| report.remote.status.state == "live");
        Self { machine, desk, stop, link, thread: Some(thread) }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.link.nudge();
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}

impl World {
    pub(super) fn new(allowed: &[&str]) -> Self {
        let server = Server::start();
        let machine = Machine::new("ada", &server);
        let flakes = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let flake = "{ description = \"x\"; inputs.nixpkgs.url = \"github:NixOS/nixpkgs\"; outputs = { self, nixpkgs }: { \
                     packages.x86_64-linux.tool = 1; nixosConfigurations.laptop = 2; homeConfigurations.ada = 3; }; }";
        std::fs::create_dir(flakes.path().join("one")).unwrap();
        std::fs::write(flakes.path().join("one/flake.nix"), flake).unwrap();
        cim_domain_nix::app::roots::add(&machine.session, flakes.path()).unwrap();
        consent::share(&machine.session, &Which::All).unwrap();
        let (stop, link) = (Arc::new(AtomicBool::new(false)), Link::default());
        let allowed = allowed.iter().map(|name| (*name).to_owned()).collect();
        let desk = Arc::new(Desk::open(machine.session.clone(), ScanRequest::default(), allowed).unwrap());
        let (session, place, stopping, linked) =
            (machine.session.clone(), machine.place.clone(), stop.clone(), link.clone());
        let thread = std::thread::spawn(move || {
            engine::run_with(&session, &|| place.clone(), &linked, Until::Stopped, &stopping, Some(desk)).unwrap();
        });
        machine.until("live", |report| report.remote.status.state == "live");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async_nats::connect(server.url())).unwrap();
        Self { machine, flakes, stop, link, thread: Some(thread), runtime, client, server }
    }

    /// The port of its server.
    pub(super) const fn port(&self) -> u16 {
        self.server.port()
    }

    /// Waits until requests are answered.
    pub(super) fn until_answered(&self) {
        let begun = std::time::Instant::now();
        let ask = || {
            let request = async_nats::Request::new().payload("{}".into()).timeout(Some(Duration::from_millis(300)));
            self.runtime.block_on(self.client.send_request("health.nix", request))
        };
        while ask().is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody answers");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the machine announces from here on.
    pub(super) fn announced(&self) -> async_nats::Subscriber {
        // By then, what it announced before has come to the server.
        self.until_answered();
        let announced = self.runtime.block_on(self.client.subscribe("discovery.announce")).unwrap();
        self.runtime.block_on(self.client.flush()).unwrap();
        announced
    }

    fn ask_with(&self, subject: &str, headers: HeaderMap, body: Vec<u8>) -> Value {
        let request = async_nats::Request::new().headers(headers).payload(body.into());
        let reply = self.runtime.block_on(self.client.send_request(subject.to_owned(), request));
        let reply = reply.unwrap_or_else(|error| panic!("{subject}: {error}"));
        let reply = serde_json::from_slice(&reply.payload).unwrap();
        if subject.starts_with("nix.") {
            assert_eq!(contract::misfit_of_reply(&reply), None, "{subject}: {reply:#}");
        }
        if subject.starts_with("nix.query.") && reply["ok"] == true {
            assert_eq!(contract::misfit_of_result(subject, &reply["result"]), None, "{subject}: {reply:#}");
        }
        reply
    }

    /// The headers of the reply.
    fn headers_of(&self, subject: &str, body: &Value) -> HeaderMap {
        let request = async_nats::Request::new().payload(body.to_string().into_bytes().into());
        let reply = self.runtime.block_on(self.client.send_request(subject.to_owned(), request)).unwrap();
        reply.headers.unwrap_or_default()
    }

    /// Asks for an answer on any subject, and waits for none.
    pub(super) fn lead_astray(&self, subject: &str, reply: &str, body: &Value) {
        let asked = self.client.publish_with_reply(subject.to_owned(), reply.to_owned(), body.to_string().into());
        self.runtime.block_on(asked).unwrap();
    }

    pub(super) fn ask(&self, subject: &str, body: &Value) -> Value {
        self.ask_with(subject, HeaderMap::new(), body.to_string().into_bytes())
    }

    pub(super) fn path(&self) -> String {
        self.flakes.path().join("one").to_str().unwrap().to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.link.nudge();
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}

#[test]
fn every_published_command_and_query_is_answered() {
    let world = World::new(&[]);
    for command in COMMANDS {
        let reply = world.ask(&format!("nix.cmd.{}", command.name), &json!({}));
        assert_eq!((&reply["ok"], &reply["status"]), (&json!(false), &json!("rejected")), "{}: {reply}", command.name);
        assert!(
            reply["message"].is_string() && reply["command_id"].is_string() && reply["events"].is_array(),
            "{reply}"
        );
    }
    for query in QUERIES {
        let reply = world.ask(&format!("nix.query.{}", query.name), &json!({ "flake": "/nowhere", "name": "nothing" }));
        assert!(reply["ok"].is_boolean() && reply["code"].is_string(), "{}: {reply}", query.name);
        // What helps at this machine's command line helps nobody elsewhere.
        assert!(!reply["message"].as_str().unwrap().contains("`cim-nix"), "{}: {reply}", query.name);
    }
    for subject in ["nix.cmd.spaceship.launch", "nix.query.spaceship.get"] {
        assert!(world.ask(subject, &json!({}))["code"].as_str().unwrap().starts_with("unknown"));
    }
    for body in [&b"\xff\xfe"[..], b"[1,2]", b"\"text\"", b"{"] {
        let reply = world.ask_with("nix.query.flake.get", HeaderMap::new(), body.to_vec());
        assert_eq!(reply["code"], "invalid", "{reply}");
    }
}

#[test]
fn nothing_is_done_that_is_not_on_the_list_and_activation_never() {
    let world = World::new(&["flake.forget", "config.activate", "config.rollback"]);
    let before = world.machine.count("SELECT count(*) FROM events");
    let reply = world.ask("nix.cmd.flake.scan", &json!({ "path": world.path() }));
    assert_eq!(reply["code"], "not_allowed");
    for name in ["activate", "rollback"] {
        let reply = world.ask(&format!("nix.cmd.config.{name}"), &json!({ "name": "laptop" }));
        assert_eq!(reply["code"], "not_supported", "{reply}");
    }
    assert_eq!(world.machine.count("SELECT count(*) FROM events"), before);
}

#[test]
fn a_command_in_a_foreign_dialect_becomes_our_event_and_the_conversation_goes_on() {
    let world = World::new(&["flake.scan", "flake.forget"]);
    let (command, conversation) = (Uuid::now_v7(), Uuid::now_v7());
    let mut headers = HeaderMap::new();
    headers.insert("CIM-Correlation-Id", format!("correlation:{conversation}").as_str());
    let body = json!({
        "id": { "Uuid": command.to_string() }, "issued_by": "cim-domain-git", "command": { "path": world.path() },
    });
    let reply = world.ask_with("nix.cmd.flake.scan", headers.clone(), body.to_string().into_bytes());
    assert_eq!((&reply["ok"], &reply["code"]), (&json!(true), &json!("done")), "{reply}");
    let events = reply["events"].as_array().unwrap();
    assert!(!events.is_empty(), "{reply}");
    assert_eq!(reply["correlation_id"], json!(conversation.to_string()));
    // Problems that were found are private: of them the asker is told nothing.
    let sql =
        format!("SELECT count(*) FROM v1_events WHERE correlation_id = '{conversation}' AND type NOT LIKE 'finding.%'");
    assert_eq!(world.machine.count(&sql), i64::try_from(events.len()).unwrap());
    let sql = format!("{sql} AND actor LIKE 'bus:cim-domain-git (%'");
    assert_eq!(world.machine.count(&sql), i64::try_from(events.len()).unwrap(), "who asked for it");
    // The same command again has no effect again, and the same answer.
    let again = world.ask_with("nix.cmd.flake.scan", headers, body.to_string().into_bytes());
    assert_eq!((&again["code"], &again["events"]), (&json!("repeated"), &reply["events"]), "{again}");
    // Who asks again need not know the conversation, and the id is of no other command.
    let again = world.ask("nix.cmd.flake.scan", &body);
    assert_eq!((&again["code"], &again["events"]), (&json!("repeated"), &reply["events"]), "{again}");
    assert_eq!(again["correlation_id"], json!(conversation.to_string()), "that in which it was done");
    let other = world.ask("nix.cmd.flake.forget", &json!({ "id": command.to_string(), "flake": world.path() }));
    assert_eq!((&other["code"], &other["field"]), (&json!("invalid"), &json!("message_id")), "{other}");
    // Forgetting what was found, addressed to this machine alone.
    let here = format!("nix.cmd.flake.forget.{}", world.machine.session.store.origin().public_key);
    let reply = world.ask(&here, &json!({ "flake": world.path() }));
    assert_eq!((&reply["ok"], reply["events"].as_array().unwrap().len()), (&json!(true), 1), "{reply}");
    // What was forgotten here nobody brings back from elsewhere.
    let reply = world.ask("nix.cmd.flake.scan", &json!({ "path": world.path() }));
    assert_eq!((&reply["code"], reply["events"].as_array().unwrap().len()), (&json!("done"), 0), "{reply}");
    assert!(reply["message"].as_str().unwrap().contains("forgotten"), "{reply}");
    assert_eq!(world.machine.count("SELECT count(*) FROM v1_flakes"), 0);
}

#[test]
fn a_command_whose_id_stands_in_its_wrapper_is_the_same_when_it_comes_again() {
    let world = World::new(&["flake.scan"]);
    for (wrapper, name) in [("command", "command_id"), ("payload", "message_id")] {
        let id = Uuid::now_v7().to_string();
        let body = json!({ wrapper: { name: id, "path": world.path() } });
        let reply = world.ask("nix.cmd.flake.scan", &body);
        assert_eq!((&reply["code"], &reply["command_id"]), (&json!("done"), &json!(id)), "{reply}");
        assert_eq!(world.ask("nix.cmd.flake.scan", &body)["code"], "repeated");
    }
    let refused = world.ask("nix.cmd.flake.scan", &json!({ "correlation_id": "zz", "path": world.path() }));
    assert_eq!((&refused["code"], &refused["field"]), (&json!("invalid"), &json!("correlation_id")), "{refused}");
}

#[test]
fn a_command_to_any_machine_goes_to_one_that_accepts_it_and_without_one_is_answered_all_the_same() {
    let world = World::new(&["flake.scan"]);
    let ada = world.machine.session.store.origin().public_key.clone();
    let others: Vec<Answering> = ["bob", "carol"].map(|name| Answering::start(name, &world.machine.place)).into();
    for _ in 0..20 {
        let reply = world.ask("nix.cmd.flake.scan", &json!({ "path": world.path() }));
        assert_eq!((&reply["code"], &reply["answered_by"]), (&json!("done"), &json!(ada)), "{reply}");
    }
    // What none of them accepts is refused by one of them, and addressed to itself by each.
    let reply = world.ask("nix.cmd.flake.forget", &json!({ "flake": "/nowhere" }));
    assert_eq!(reply["code"], "not_allowed", "{reply}");
    for other in &others {
        let own = other.machine.session.store.origin().public_key.clone();
        let reply = world.ask(&format!("nix.cmd.flake.scan.{own}"), &json!({ "path": world.path() }));
        assert_eq!((&reply["code"], &reply["answered_by"]), (&json!("not_allowed"), &json!(own)), "{reply}");
    }
    // Whose it is, is told by whoever refuses as well.
    let bob = &others[0].machine;
    bob.discover(1);
    world.machine.until("bob's flake", |_| {
        world.machine.count("SELECT count(*) FROM v1_flakes WHERE path LIKE '%flake-1'") == 1
    });
    let reply = world.ask(&format!("nix.cmd.flake.forget.{ada}"), &json!({ "flake": bob.flake(1).to_string() }));
    let own = json!(bob.session.store.origin().public_key);
    assert_eq!(
        (&reply["code"], &reply["origin"], &reply["answered_by"]),
        (&json!("owned_by"), &own, &json!(ada)),
        "{reply}"
    );
    // The one that accepts goes: somebody answers, and at once.
    world.stop.store(true, Ordering::Relaxed);
    world.machine.until("it has gone", |report| report.holder.is_none());
    let begun = std::time::Instant::now();
    let reply = world.ask("nix.cmd.flake.scan", &json!({ "path": world.path() }));
    assert_eq!(reply["code"], "not_allowed", "{reply}");
    assert_ne!(reply["answered_by"], json!(ada));
    assert!(begun.elapsed() < std::time::Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn paths_outside_the_roots_and_wrong_fields_are_refused_by_name() {
    let world = World::new(&["flake.scan"]);
    let scan = |body: &Value| world.ask("nix.cmd.flake.scan", body);
    for path in ["/etc", "/", "/nowhere", &format!("{}/../..", world.path())] {
        assert_eq!(scan(&json!({ "path": path }))["code"], "outside_roots", "{path}");
    }
    for body in
        [json!({}), json!({ "path": 7 }), json!({ "path": "" }), json!({ "path": "one" }), json!({ "path": "-rf" })]
    {
        let reply = scan(&body);
        assert_eq!((&reply["code"], &reply["field"]), (&json!("invalid"), &json!("path")), "{body}: {reply}");
    }
}

#[test]
fn a_name_that_no_other_ledger_would_take_in_is_refused_before_anything_is_recorded() {
    let world = World::new(&["flake.scan"]);
    let before = world.machine.count("SELECT count(*) FROM events");
    for bytes in [257, 2_000, 60_000] {
        let name = "x".repeat(bytes);
        for (field, headers) in [("actor", None), ("issued_by", None), ("X-Actor", Some("X-Actor"))] {
            if headers.is_some() && bytes > 2_000 {
                continue;
            }
            let (mut map, mut body) = (HeaderMap::new(), json!({ "path": world.path() }));
            match headers {
                Some(header) => map.insert(header, name.as_str()),
                None => body[field] = name.clone().into(),
            }
            let reply = world.ask_with("nix.cmd.flake.scan", map, body.to_string().into_bytes());
            assert_eq!((&reply["code"], &reply["field"]), (&json!("invalid"), &json!(field)), "{bytes}: {reply}");
        }
    }
    assert_eq!(world.machine.count("SELECT count(*) FROM events"), before);
    let reply = world.ask("nix.cmd.flake.scan", &json!({ "path": world.path(), "actor": "é".repeat(128) }));
    assert_eq!(reply["code"], "done", "{reply}");
    world.machine.until("end", |report| report.shared > 0 && report.backlog == 0);
    let bob = Machine::at("bob", &world.machine.place);
    assert_eq!(i64::try_from(bob.synced().taken).unwrap(), world.machine.status().shared);
    assert_eq!(bob.status().parked, 0);
}

#[test]
fn another_machines_flake_is_its_owners_business() {
    let world = World::new(&["flake.forget", "flake.add_input", "flake.remove_input"]);
    let bob = Machine::at("bob", &world.machine.place);
    bob.discover(1);
    bob.synced();
    world.machine.until("bob's flake", |_| world.machine.count("SELECT count(*) FROM v1_flakes") == 1);
    for command in ["forget", "add_input", "remove_input"] {
        let body = json!({ "flake": bob.flake(1).to_string(), "name": "x", "url": "github:o/r" });
        let reply = world.ask(&format!("nix.cmd.flake.{command}"), &body);
        assert_eq!(reply["code"], "owned_by", "{reply}");
        assert_eq!(reply["origin"], json!(bob.session.store.origin().public_key));
    }
}

#[test]
fn queries_are_answered_from_the_read_model_page_by_page() {
    let world = World::new(&["flake.scan"]);
    world.ask("nix.cmd.flake.scan", &json!({ "path": world.path() }));
    let result = |subject: &str, body: &Value| {
        let reply = world.ask(subject, body);
        assert_eq!(reply["ok"], true, "{subject}: {reply}");
        assert!(reply["as_of"][0]["own"] == true, "{reply}");
        reply["result"].clone()
    };
    let list = result("nix.query.flake.list", &json!({}));
    assert_eq!((&list["total"], &list["items"][0]["description"]), (&json!(1), &json!("x")));
    let flake = result("nix.query.flake.get", &json!({ "flake": world.path() }));
    assert_eq!(flake["inputs"][0]["url"], "github:NixOS/nixpkgs");
    let inputs = result("nix.query.flake.get_inputs", &json!({ "flake": list["items"][0]["id"] }));
    assert_eq!(inputs["inputs"][0]["name"], "nixpkgs");
    let configs = result("nix.query.config.list", &json!({}));
    assert_eq!((&configs["items"][0]["name"], &configs["items"][0]["seen"]), (&json!("laptop"), &Value::Null));
    assert_eq!(result("nix.query.home.list", &json!({}))["items"][0]["name"], "ada");
    let package = result("nix.query.package.get_status", &json!({ "name": "tool" }));
    assert_eq!(package["status"], "unknown", "no build was seen, and none is claimed");
    for number in 0..5 {
        world.machine.discover(number);
    }
    consent::follow(&world.machine.session).unwrap();
    for limit in [json!(0), json!(-1), json!(1.5), json!("2")] {
        let refused = world.ask("nix.query.flake.list", &json!({ "limit": limit }));
        assert_eq!((&refused["code"], &refused["field"]), (&json!("invalid"), &json!("limit")), "{limit}: {refused}");
    }
    for (subject, after) in [("flake.list", "bogus"), ("module.list", "bogus"), ("flake.list", "0")] {
        let refused = world.ask(&format!("nix.query.{subject}"), &json!({ "after": after }));
        assert_eq!((&refused["code"], &refused["field"]), (&json!("invalid"), &json!("after")), "{refused}");
    }
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = result("nix.query.flake.list", &json!({ "limit": 2, "after": after }));
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    let count = seen.len();
    seen.dedup();
    assert_eq!((count, seen.len()), (6, 6));
}

#[test]
fn files_that_are_modules_or_overlays_and_generations_that_ran_are_told() {
    let world = World::new(&[]);
    consent::share_system(&world.machine.session).unwrap();
    let flake = "{ outputs = { nixpkgs, ... }: { nixosConfigurations.desk = nixpkgs.lib.nixosSystem { modules = [ ./web.nix ]; }; }; }";
    let write = |path: &str, text: &str| std::fs::write(world.flakes.path().join("one").join(path), text).unwrap();
    write("flake.nix", flake);
    write("web.nix", "{ config, lib, ... }: { services.nginx.enable = true; }");
    write("hello.nix", "final: prev: { hello = prev.hello.overrideAttrs (_: { }); }");
    let system = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let scanned = || {
        let request = ScanRequest {
            paths: vec![world.flakes.path().to_owned()],
            modules: true,
            system: Some(system.path().to_owned()),
            ..ScanRequest::default()
        };
        scan(&world.machine.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
        consent::follow(&world.machine.session).unwrap();
    };
    scanned();
    let result = |subject: &str, body: &Value| world.ask(subject, body)["result"].clone();
    let module = result("nix.query.module.get", &json!({ "name": "web.nix" }));
    assert_eq!((&module["items"][0]["seen"]["defined"], &module["items"][0]["path"]), (&json!(1), &json!("web.nix")));
    let overlays = result("nix.query.overlay.list", &json!({}));
    assert_eq!(overlays["items"][0]["seen"]["adds"], json!(["hello"]));
    let desk = json!({ "name": "desk" });
    assert_eq!(result("nix.query.config.get_current", &desk)["generations"], "unknown", "nothing was seen to run");
    for number in 1..=2 {
        generation(system.path(), number);
        scanned();
    }
    let current = result("nix.query.config.get_current", &desk);
    assert_eq!(current["generations"].as_array().map(Vec::len), Some(1), "{current}");
    assert_eq!(current["generations"][0]["generation"], 2);
    let history = result("nix.query.config.get_history", &desk);
    let numbers: Vec<_> =
        history["generations"].as_array().unwrap().iter().map(|one| one["generation"].clone()).collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn health_discovery_and_the_service_protocol_tell_what_is() {
    let world = World::new(&["flake.scan"]);
    for subject in ["health.cim-domain-nix", "health.nix"] {
        let health = world.ask(subject, &json!({}));
        assert_eq!(health["status"], "healthy", "{health:#}");
        assert_eq!(health["checks"]["synchronisation"]["message"], "live");
        assert_eq!(health["details"]["connections"]["nats"], "live");
        assert_eq!(health["checks"]["breaker"]["message"], "closed");
        assert_eq!(health["checks"]["watching"]["status"], "unknown", "nobody watches here: {health:#}");
        assert_eq!(health["checks"]["outbox"]["message"], "0 events are not sent yet");
        assert!(health["checks"]["nix"]["message"].is_string(), "{health:#}");
        // Nothing is said of the pages: looking at them reads the whole ledger, and anybody may ask.
        assert_eq!(health["checks"]["schema"]["status"], "ok", "{health:#}");
        assert_eq!(health["checks"]["pages"], Value::Null, "{health:#}");
    }
    let discovery = world.ask("discovery.cim-domain-nix", &json!({}));
    assert!(discovery["service"]["capabilities"].as_array().unwrap().contains(&json!("cmd.flake.scan")), "{discovery}");
    let metrics = world.ask("metrics.nix", &json!({}));
    assert!(metrics["events"].is_u64() && metrics["metrics"]["scans"].is_u64(), "{metrics}");
    let ping = world.ask(&format!("$SRV.PING.{SERVICE}"), &json!({}));
    assert_eq!(ping["name"], SERVICE);
    // NATS tools look at headers, and at the statistics of each endpoint.
    let headers = world.headers_of("nix.query.flake.get", &json!({}));
    let header = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
    assert_eq!(header("Nats-Service-Error-Code").as_deref(), Some("400"));
    assert_eq!(header("Nats-Service-Error").as_deref(), Some("invalid"));
    assert!(world.headers_of("nix.query.flake.list", &json!({})).is_empty());
    let stats = world.ask(&format!("$SRV.STATS.{SERVICE}"), &json!({}));
    let endpoints = stats["endpoints"].as_array().unwrap();
    assert!(endpoints.len() >= 8, "{stats}");
    assert!(stats["started"].as_str().is_some_and(|since| since.ends_with('Z')), "{stats}");
    let queries = endpoints.iter().find(|endpoint| endpoint["name"] == "queries").unwrap();
    assert_eq!((&queries["num_requests"], &queries["data"]), (&json!(2), &json!({ "rejected": 1, "failed": 0 })));
    assert_eq!(world.ask(&format!("$SRV.INFO.{SERVICE}"), &json!({}))["name"], SERVICE);
    // A key that is gone is a real trouble, and told as one.
    std::fs::remove_file(format!("{}.key", world.machine.session.store.path().display())).unwrap();
    world.machine.discover(9);
    world.machine.until("blocked", |report| report.remote.status.state == "blocked");
    let health = world.ask("health.nix", &json!({}));
    assert_eq!(health["status"], "unhealthy", "{health:#}");
    let outbox = health["checks"]["outbox"]["message"].as_str().unwrap();
    assert!(outbox.contains("the oldest for "), "{outbox}");
    // What is refused is called by its own id, a query as well.
    let id = Uuid::now_v7().to_string();
    let refused = world.ask("nix.query.flake.get", &json!({ "query_id": id }));
    assert_eq!((&refused["field"], &refused["query_id"]), (&json!("flake"), &json!(id)), "{refused}");
}
