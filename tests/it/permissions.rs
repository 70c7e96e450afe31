//! The server configuration that the documentation advises, on a real server: what each user may do, and what not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test makes its own world, and fails when it cannot")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use async_nats::HeaderMap;
use cim_domain_nix::app::clock::Clock;
use cim_domain_nix::bus::{Bus, BusError, Exchange, Layout, Link, Outgoing, SetUp, Target};
use futures_util::StreamExt;
use futures_util::future::join;
use serde_json::Value;

use crate::nats::Server;
use crate::parts::repository;

/// A public key that is nobody's.
const STRANGER: &str = "UAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct World {
    folder: tempfile::TempDir,
    server: Server,
    origin: String,
}

impl World {
    /// A ledger with a flake, and a server that knows the ledger's key.
    fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let flake = folder.path().join("src/one");
        fs::create_dir_all(&flake).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test makes a flake")]
        fs::write(flake.join("flake.nix"), "{ description = \"one\"; outputs = _: { }; }").unwrap();
        let scanned = program(folder.path(), None, &["scan", "src"]);
        assert!(scanned.status.success(), "{scanned:?}");
        let asked = program(folder.path(), None, &["sql", "--format", "plain", "select public_key from v1_origins"]);
        let origin = String::from_utf8(asked.stdout).unwrap().trim().to_owned();
        assert!(origin.len() == 56 && origin.starts_with('U'), "{origin}");
        let conf = fs::read_to_string(repository().join("tests/fixtures/nats/permissions.conf")).unwrap();
        let server = Server::with(&conf.replace("ORIGIN", &origin));
        Self { folder, server, origin }
    }

    fn bus(&self, user: &str) -> Bus {
        let target = Target {
            servers: vec![self.server.url()],
            user: Some(user.to_owned()),
            password: Some(user.to_owned()),
            inbox_prefix: inbox_prefix(user),
            ..Target::default()
        };
        Bus::connect(&target, user, Link::default()).unwrap()
    }

    fn program(&self, user: &str, words: &[&str]) -> Output {
        program(self.folder.path(), Some((&self.server, user)), words)
    }
}

/// Where a user hears answers.
fn inbox_prefix(user: &str) -> String {
    format!("_INBOX.{user}")
}

fn program(folder: &Path, at: Option<(&Server, &str)>, words: &[&str]) -> Output {
    #[expect(clippy::disallowed_methods, reason = "the program is run as people run it")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_cim-nix"));
    command
        .env_clear()
        .env("HOME", folder)
        .env("USER", "ada")
        .env("CIM_NIX_SYSTEM_ROOT", folder)
        .current_dir(folder)
        .args(words);
    if let Some((server, user)) = at {
        command.env("NATS_URL", server.url()).env("NATS_USER", user).env("NATS_PASSWORD", user);
        command.env("NATS_INBOX_PREFIX", inbox_prefix(user));
    }
    command.output().unwrap()
}

fn message(subject: String) -> Outgoing {
    Outgoing { subject, headers: HeaderMap::new(), body: b"{}".to_vec() }
}

/// Publishing in a name is refused by the server, and nothing of it is stored.
fn assert_mute(bus: &Bus, exchange: &Exchange, origin: &str) {
    let sent = bus.publish(exchange, origin, vec![message(format!("nix.ledger.{origin}.flake.removed"))], 0);
    assert!(matches!(sent, Err(BusError::Permission(_))), "{sent:?}");
}

/// A publish without an answer is refused.
fn assert_silent(bus: &Bus, subject: &str) {
    let before = bus.link().standing();
    bus.announce(subject, b"{}".to_vec()).unwrap();
    let mut now = bus.link().standing();
    for _ in 0..50 {
        if now.violations > before.violations {
            return;
        }
        now = bus.link().wait(&now, Duration::from_millis(100));
    }
    panic!("{subject} was let through: {now:?}");
}

/// Who asks itself for an answer elsewhere may not publish there afterwards either.
fn assert_not_led_astray(world: &World, workstation: &Bus, layout: &Layout) {
    let exchange = || workstation.exchange(layout, Clock::system().now()).unwrap().last;
    let before = exchange();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let login = |user: &str| async_nats::ConnectOptions::with_user_and_password(user.into(), user.into());
        let client = login("workstation").connect(world.server.url()).await.unwrap();
        let mut heard = client.subscribe("discovery.cim-domain-nix.x").await.unwrap();
        let elsewhere = format!("nix.ledger.{STRANGER}.flake.updated");
        client.publish_with_reply("discovery.cim-domain-nix.x", elsewhere.clone(), "".into()).await.unwrap();
        assert!(heard.next().await.is_some_and(|message| message.reply.is_some()));
        client.publish(elsewhere, "{}".into()).await.unwrap();
        client.flush().await.unwrap();
    });
    assert_eq!(exchange(), before);
}

#[test]
fn a_workstation_shares_in_its_own_name_and_in_no_other() {
    let world = World::new();
    let admin = world.bus("admin");
    let layout = Layout::default();
    assert_eq!(admin.set_up_ledger(&layout, false), Ok(SetUp::Made));
    assert_eq!(admin.set_up_events(&layout, false), Ok(SetUp::Made));
    let enabled = world.program("workstation", &["sync", "enable", "--all"]);
    assert!(enabled.status.success(), "{enabled:?}");
    let synced = world.program("workstation", &["sync", "now", "--json"]);
    assert!(synced.status.success(), "{synced:?}\n{}", world.server.said());
    let said: Value = serde_json::from_slice(&synced.stdout).unwrap();
    assert!(said["sent"].as_u64().unwrap() > 0, "{said}");
    let verified = world.program("workstation", &["sync", "verify"]);
    assert!(verified.status.success(), "{verified:?}");

    let workstation = world.bus("workstation");
    let now = Clock::system().now();
    let exchange = workstation.exchange(&layout, now).unwrap();
    assert_eq!(workstation.held(&exchange, &world.origin).unwrap().seq.unsigned_abs(), exchange.last);
    assert_mute(&workstation, &exchange, STRANGER);
    for subject in [
        "nix.event.flake.created",
        "nix.cmd.flake.scan",
        "$JS.API.STREAM.DELETE.NIX_LEDGER",
        "$JS.API.STREAM.PURGE.NIX_LEDGER",
        "$JS.API.STREAM.UPDATE.NIX_LEDGER",
    ] {
        assert_silent(&workstation, subject);
    }
    assert_not_led_astray(&world, &workstation, &layout);
    let elsewhere = Layout { ledger: "OTHER".to_owned(), ..Layout::default() };
    assert!(workstation.set_up_ledger(&elsewhere, false).is_err());
}

#[test]
fn readers_and_developers_share_nothing() {
    let world = World::new();
    let layout = Layout::default();
    world.bus("admin").set_up_ledger(&layout, false).unwrap();
    let reader = world.bus("reader");
    let exchange = reader.exchange(&layout, Clock::system().now()).unwrap();
    assert_eq!(reader.held(&exchange, &world.origin).unwrap().seq, 0);
    reader.follow(&exchange, None, 0).unwrap();
    assert_mute(&reader, &exchange, &world.origin);
    assert_silent(&reader, "nix.cmd.flake.scan");
    let developer = world.bus("developer");
    assert_mute(&developer, &exchange, &world.origin);
    assert_silent(&developer, "nix.event.flake.created");
    let before = developer.link().standing().violations;
    developer.announce("nix.cmd.flake.scan", b"{}".to_vec()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(developer.link().standing().violations, before, "a developer may ask");
}

/// What somebody hears of a subject within a moment, with the complaints of the server.
async fn listens(client: &async_nats::Client, subject: String) -> Option<async_nats::Message> {
    let mut heard = client.subscribe(subject).await.unwrap();
    client.flush().await.unwrap();
    tokio::time::timeout(Duration::from_millis(500), heard.next()).await.ok().flatten()
}

#[test]
fn nobody_hears_the_answers_to_others() {
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let login = |user: &str| async_nats::ConnectOptions::with_user_and_password(user.into(), user.into());
        let admin = login("admin").connect(world.server.url()).await.unwrap();
        for user in ["workstation", "developer", "reader"] {
            let client = login(user).connect(world.server.url()).await.unwrap();
            let say = async {
                for _ in 0..20 {
                    for subject in ["_INBOX.x.1", "_INBOX.other.x.1"] {
                        admin.publish(subject, "private".into()).await.unwrap();
                    }
                    admin.publish(format!("{}.x.1", inbox_prefix(user)), "own".into()).await.unwrap();
                    admin.flush().await.unwrap();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let listen = async {
                let all = listens(&client, "_INBOX.>".to_owned()).await;
                let others = listens(&client, "_INBOX.other.>".to_owned()).await;
                assert!(all.is_none() && others.is_none(), "{user} hears {all:?} and {others:?}");
            };
            join(say, listen).await;
            let own = listens(&client, format!("{}.>", inbox_prefix(user)));
            let say = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                admin.publish(format!("{}.x.1", inbox_prefix(user)), "own".into()).await.unwrap();
            };
            assert!(join(own, say).await.0.is_some(), "{user} hears nothing");
        }
    });
}

#[test]
fn a_prefix_that_nobody_would_answer_to_is_refused_by_name() {
    let world = World::new();
    assert!(world.program("workstation", &["sync", "enable", "--all"]).status.success());
    let refused = world.program("workstation/../nix.*", &["sync", "now"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("`sync.inbox_prefix`"), "{said}");
}

#[test]
fn what_may_not_share_is_told_why_and_loses_nothing() {
    let world = World::new();
    world.bus("admin").set_up_ledger(&Layout::default(), false).unwrap();
    assert!(world.program("reader", &["sync", "enable", "--all"]).status.success());
    let refused = world.program("reader", &["sync", "now"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    let sentence = format!(
        "error: the server does not let this account publish to `nix.ledger.{}.flake.discovered`, which sharing events needs\n\
         hint: ask the server's administrator to allow it: `docs/sync.md` lists what a workstation needs\n",
        world.origin
    );
    assert!(said.contains(&sentence), "{said}");
    let status = world.program("reader", &["sync", "status"]);
    let said = String::from_utf8_lossy(&status.stdout);
    assert!(said.contains("blocked (permission)") && said.contains("which sharing events needs"), "{said}");
    let nobody = world.program("nobody", &["sync", "now"]);
    let said = String::from_utf8_lossy(&nobody.stderr);
    assert_eq!(nobody.status.code(), Some(1), "{said}");
    assert!(said.contains("refuses these credentials") && !said.contains("password"), "{said}");
    assert!(world.program("workstation", &["sync", "now"]).status.success());
}
