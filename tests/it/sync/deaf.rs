//! A machine that the server does not let hear requests, or answers: it says so once, everywhere, and hears them when it may.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use cim_domain_nix::app::sync::Place;
use cim_domain_nix::bus::Layout;
use serde_json::Value;

use super::admin::Admin;
use super::machine::{Machine, target};
use super::processes::program;
use super::requests::Answering;
use crate::nats::{Server, free_port};
use crate::proxy::Proxy;

/// An administrator, and `ada`, who may not listen to these subjects.
fn users(denied: &str) -> String {
    format!(
        "authorization {{ users: [ {{ user: admin, password: all }}, \
         {{ user: ada, password: secret, permissions: {{ subscribe: {{ deny: [{denied}] }} }} }} ] }}"
    )
}

/// `cim-nix serve` on a machine's ledger.
struct Serving {
    ada: Machine,
    child: Child,
}

impl Serving {
    fn start(url: &str) -> Self {
        let ada = Machine::at("ada", &Place { target: target(url), layout: Layout::default() });
        ada.discover(1);
        let said = fs::File::create(ada.folder().join("said")).unwrap();
        let mut command = program(&ada, url, "serve --listen off --interval 600");
        let child = command.env("CIM_NIX_LOG", "warn").stderr(said).spawn().unwrap();
        Self { ada, child }
    }

    /// What it says with these words in it.
    fn says(&self, words: &str) -> Vec<String> {
        lines(&self.ada.folder().join("said"), words)
    }

    /// Its warnings in the log with these words in them.
    fn warnings(&self, words: &str) -> Vec<String> {
        let mut warnings = lines(&self.ada.folder().join(".local/state/cim-nix/cim-nix.log"), words);
        warnings.retain(|line| line.contains("WARN"));
        warnings
    }
}

fn lines(path: &Path, words: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "no {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn who_may_not_hear_requests_says_so_once_and_hears_them_when_it_may() {
    let mut server = Server::with(&users("\"nix.query.>\", \"nix.cmd.>\", \"$SRV.>\""));
    let admin = Admin::known_to(&server);
    admin.set_up(false).unwrap();
    let serving = Serving::start(&server.url().replace("://", "://ada:secret@"));
    let health = |status: &str| -> Value {
        until(status, || {
            let health = admin.ask("health.nix")?;
            (health["checks"]["requests"]["status"] == status).then_some(health)
        })
    };
    let found = health("warning");
    assert_ne!(found["status"], "healthy");
    let message = found["checks"]["requests"]["message"].as_str().unwrap();
    let own = &serving.ada.session.store.origin().public_key;
    let subjects = format!("`$SRV.>`, `nix.cmd.*.*`, `nix.cmd.*.*.{own}`, `nix.query.*.*`, `nix.query.*.*.{own}`");
    assert!(message.starts_with(&format!("requests to {subjects} are not answered: ")), "{message}");
    assert!(message.contains("docs/sync.md"), "{message}");
    assert_eq!(admin.ask("metrics.nix").unwrap()["metrics"]["unheard_subjects"], 5);
    assert_eq!((admin.ask("nix.query.flake.list"), admin.ask("$SRV.PING")), (None, None));
    // It is tried again now and then, and nothing more is said of it.
    until("other tries", || (server.said().matches("nix.query.*.*\"").count() >= 3).then_some(()));
    health("warning");
    for told in [serving.says("requests to"), serving.warnings("requests to")] {
        assert!(told.len() == 1 && told[0].contains(&subjects), "{told:#?}");
    }
    // The permission comes.
    server.reload(&users("\"nothing\""));
    let answer = until("answer", || admin.ask("nix.query.flake.list"));
    assert_eq!(answer["ok"], true, "{answer}");
    health("ok");
    assert_eq!(admin.ask("$SRV.PING").unwrap()["name"], "cim-domain-nix");
    assert_eq!(admin.ask("metrics.nix").unwrap()["metrics"]["unheard_subjects"], 0);
    // And goes.
    server.reload(&users("\"nix.query.>\""));
    health("warning");
    // What it prints comes a moment later.
    until("both warnings", || {
        let told = (serving.says("requests to").len(), serving.warnings("requests to").len());
        (told == (2, 2)).then_some(())
    });
    assert_eq!(serving.says("requests are answered again").len(), 1);
}

/// An administrator, and `ada`, who may listen to these subjects alone.
fn listeners(allowed: &str) -> String {
    users("").replace("deny: []", &format!("allow: [{allowed}]"))
}

#[test]
fn who_may_not_hear_answers_hears_them_over_another_connection_when_it_may() {
    let (deaf, hearing) = (listeners("\"nix.>\", \"health.>\""), listeners("\"nix.>\", \"health.>\", \"_INBOX.>\""));
    let mut server = Server::with(&deaf);
    Admin::known_to(&server).set_up(false).unwrap();
    let mut target = target(&server.url().replace("://", "://ada:secret@"));
    target.patience = Duration::from_secs(1);
    let ada = Machine::at("ada", &Place { target, layout: Layout::default() });
    ada.discover(1);
    let running = ada.start();
    for round in 1..=3 {
        let blocked = ada.until("blocked", |report| report.remote.status.state == "blocked");
        let status = blocked.remote.status;
        assert_eq!(status.reason.as_deref(), Some("permission"), "{status:?}");
        assert!(status.last_error.as_ref().unwrap().contains("`_INBOX."), "{status:?}");
        let connections = running.connections();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(running.connections(), connections, "nothing is tried before the pause is over");
        server.reload(&hearing);
        let asked = ada.session.clock.now();
        ada.session.store.ask_whether_synced(asked).unwrap();
        ada.until("all sent", |report| report.backlog == 0 && report.remote.synced_at.is_some_and(|at| at >= asked));
        assert_eq!(running.connections(), connections + 1);
        // What could be heard is not any more.
        server.reload(&deaf);
        ada.change(1, round);
    }
    running.stop();
}

#[test]
fn a_connection_on_which_nothing_is_answered_gives_way_to_another_by_and_by() {
    let server = Server::without_jetstream("");
    let listener = Admin::of(&server);
    listener.swallow("$JS.API.>");
    let mut target = target(&server.url());
    target.patience = Duration::from_millis(500);
    let ada = Machine::at("ada", &Place { target, layout: Layout::default() });
    ada.discover(1);
    let running = ada.start();
    let report = ada.until("attempts", |report| report.remote.status.attempts >= 6);
    assert!(report.remote.status.last_error.unwrap().contains("no answer within"));
    // One that could not be made in time is none.
    assert!((2..=3).contains(&running.connections()), "one for two attempts: {}", running.connections());
    running.stop();
}

#[test]
fn what_goes_wrong_again_and_again_is_warned_of_once() {
    let server = Server::without_jetstream("");
    let serving = Serving::start(&server.url());
    let tried = |times| {
        let report = serving.ada.until("attempts", |report| report.remote.status.attempts >= times);
        assert_eq!(report.remote.status.reason.as_deref(), Some("no_jetstream"));
    };
    tried(3);
    let said = serving.warnings("JetStream");
    assert_eq!(said.len(), 1, "{said:#?}");
}

#[test]
fn nobody_is_said_to_be_answered_while_there_is_no_connection() {
    let mut server = Server::start();
    let place = Place { target: target(&server.url()), layout: Layout::default() };
    let ada = Answering::start("ada", &place);
    let until_it_is = |status: &str| {
        until(status, || (ada.desk.health()["checks"]["requests"]["status"] == status).then_some(()));
    };
    until_it_is("ok");
    server.down();
    until_it_is("unknown");
    server.up();
    until_it_is("ok");
}

#[test]
fn who_lost_the_connection_for_requests_alone_says_so_until_it_is_back() {
    let server = Server::start();
    let proxy = Proxy::to(server.port());
    let place = Place { target: target(&proxy.url()), layout: Layout::default() };
    let ada = Answering::start("ada", &place);
    let until_it_is = |status: &str| {
        until(status, || {
            let health = ada.desk.health();
            (health["checks"]["requests"]["status"] == status).then_some(health)
        })
    };
    until_it_is("ok");
    // The exchange was connected first.
    proxy.keep_the_first();
    let health = until_it_is("warning");
    assert_eq!(
        (&health["status"], &health["checks"]["synchronisation"]["message"]),
        (&"degraded".into(), &"live".into())
    );
    let message = health["checks"]["requests"]["message"].as_str().unwrap();
    assert_eq!(message, "requests are not answered: their own connection is lost");
    proxy.let_in();
    until_it_is("ok");
}

/// How many connections of `ada` hear answers, as the server tells over HTTP.
fn hearing(port: u16) -> usize {
    let mut line = TcpStream::connect(("127.0.0.1", port)).unwrap();
    line.write_all(b"GET /connz?subs=1&auth=1 HTTP/1.0\r\n\r\n").unwrap();
    let mut told = String::new();
    line.read_to_string(&mut told).unwrap();
    let told: Value = serde_json::from_str(told.split_once("\r\n\r\n").unwrap().1).unwrap();
    let hears = |connection: &&Value| {
        let mut subjects = connection["subscriptions_list"].as_array().into_iter().flatten().filter_map(Value::as_str);
        connection["authorized_user"] == "ada" && subjects.any(|subject| subject.starts_with("_INBOX."))
    };
    told["connections"].as_array().unwrap().iter().filter(hears).count()
}

#[test]
fn who_asks_who_else_does_it_hears_the_answer_once_it_may() {
    let port = free_port();
    let config = |denied: &str| format!("http: \"127.0.0.1:{port}\"\n{}", users(denied));
    let mut server = Server::with(&config(""));
    let admin = Admin::known_to(&server);
    admin.set_up(false).unwrap();
    let _serving = Serving::start(&server.url().replace("://", "://ada:secret@"));
    // Nobody here does what is asked for, so that it is asked who else does.
    let asked = || until("an answer", || admin.ask("nix.cmd.flake.scan"));
    assert_eq!(asked()["status"], "rejected");
    until("both connections hear", || (hearing(port) == 2).then_some(()));
    server.reload(&config("\"_INBOX.>\""));
    until("neither hears", || {
        admin.ask("nix.cmd.flake.scan");
        (hearing(port) == 0).then_some(())
    });
    server.reload(&config(""));
    until("both connections hear again", || {
        admin.ask("nix.cmd.flake.scan");
        (hearing(port) == 2).then_some(())
    });
}
