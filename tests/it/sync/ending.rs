//! `cim-nix serve` is told to end while others ask: each gets an answer, and it ends in time.

use std::fs;
use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Child;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::machine::Machine;
use super::processes::program;
use crate::contract;
use crate::nats::Server;

/// A machine with a shared root of real files, and somebody who asks it for flakes.
struct Asked {
    ada: Machine,
    root: tempfile::TempDir,
    server: Server,
    runtime: tokio::runtime::Runtime,
    client: async_nats::Client,
}

impl Asked {
    fn new() -> Self {
        let server = Server::start();
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async_nats::connect(server.url())).unwrap();
        let side = Self { ada: Machine::new("ada", &server), root, server, runtime, client };
        fs::write(side.root.path().join("flake.nix"), "{ outputs = _: { }; }").unwrap();
        for arguments in ["scan", "roots share"] {
            let arguments = format!("{arguments} {}", side.root.path().display());
            let status = program(&side.ada, &side.server.url(), &arguments).status().unwrap();
            assert!(status.success(), "{arguments}");
        }
        side
    }

    fn serve(&self, change: impl FnOnce(&mut std::process::Command)) -> Child {
        let mut command = program(&self.ada, &self.server.url(), "serve --listen off --interval 600");
        command.env("CIM_NIX_SYNC_COMMANDS", "flake.create");
        change(&mut command);
        let child = command.spawn().unwrap();
        self.ada.until("live", |report| report.remote.status.state == "live" && report.holder.is_some());
        child
    }

    /// Asks for so many new flakes, and does not wait for the answers.
    fn ask(&self, names: std::ops::Range<usize>) -> async_nats::Subscriber {
        let subject = format!("nix.cmd.flake.create.{}", self.ada.session.store.origin().public_key);
        let root = self.root.path().canonicalize().unwrap();
        self.runtime.block_on(async {
            let inbox = self.client.new_inbox();
            let answers = self.client.subscribe(inbox.clone()).await.unwrap();
            for number in names {
                let body = json!({ "path": root.join(format!("new{number}")) }).to_string();
                self.client.publish_with_reply(subject.clone(), inbox.clone(), body.into()).await.unwrap();
            }
            self.client.flush().await.unwrap();
            answers
        })
    }

    /// The codes of so many answers.
    fn codes(&self, answers: &mut async_nats::Subscriber, count: usize) -> Vec<String> {
        let mut codes = Vec::new();
        self.runtime.block_on(async {
            while codes.len() < count {
                let next = tokio::time::timeout(Duration::from_secs(5), answers.next()).await;
                let answer = next.unwrap_or_else(|_| panic!("only {codes:?}")).unwrap();
                let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
                assert_eq!(contract::misfit_of_reply(&answer), None, "{answer:#}");
                codes.push(answer["code"].as_str().unwrap().to_owned());
            }
        });
        codes
    }
}

/// Asks it to end, and waits until it has; how long that took.
fn end(mut child: Child) -> Duration {
    let begun = Instant::now();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
    begun.elapsed()
}

#[test]
fn whoever_asks_while_it_ends_gets_an_answer_and_what_is_not_begun_is_not_done() {
    let side = Asked::new();
    let (mut done, mut refused) = (0, 0);
    for round in 0..4_usize {
        let child = side.serve(|_| {});
        let names = round * 20..round * 20 + 20;
        let mut answers = side.ask(names.clone());
        std::thread::sleep(Duration::from_millis(7) * u32::try_from(round).unwrap());
        assert!(end(child) < Duration::from_secs(5));
        let codes = side.codes(&mut answers, 20);
        assert!(codes.iter().all(|code| code == "done" || code == "stopping"), "{codes:?}");
        let made = names.filter(|number| side.root.path().join(format!("new{number}/flake.nix")).exists()).count();
        assert_eq!(made, codes.iter().filter(|code| *code == "done").count(), "{codes:?}");
        (done, refused) = (done + made, refused + codes.len() - made);
    }
    assert!(refused > 0, "{done} were done before it ended");
    assert_eq!(side.ada.count("SELECT count(*) FROM v1_flakes"), i64::try_from(done).unwrap() + 1);
}

#[test]
fn it_ends_in_time_and_answers_while_another_process_holds_the_ledger() {
    let side = Asked::new();
    let child = side.serve(|_| {});
    let other = rusqlite::Connection::open(side.ada.session.store.path()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut answers = side.ask(0..20);
    std::thread::sleep(Duration::from_millis(300));
    let took = end(child);
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    let codes = side.codes(&mut answers, 20);
    assert!(codes.iter().all(|code| code == "store" || code == "stopping"), "{codes:?}");
    assert!(codes.iter().any(|code| code == "stopping"), "{codes:?}");
    other.execute_batch("ROLLBACK").unwrap();
    super::processes::assert_clean(&side.ada);
}

#[test]
fn it_ends_at_once_while_the_server_is_away_and_nobody_has_asked() {
    let mut side = Asked::new();
    let mut child = side.serve(|command| {
        command.stderr(std::process::Stdio::piped());
    });
    side.server.down();
    side.ada.until("the loss", |report| report.remote.status.connected_since.is_none());
    let mut said = child.stderr.take().unwrap();
    let took = end(child);
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    let mut text = String::new();
    said.read_to_string(&mut text).unwrap();
    assert!(!text.contains("without an answer"), "{text}");
}

#[test]
fn a_service_manager_that_listens_at_an_abstract_name_is_told() {
    let side = Asked::new();
    let name = format!("cim-nix-{}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let hears = || {
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut child = side.serve(|command| {
        command.env("NOTIFY_SOCKET", format!("@{name}")).stderr(std::process::Stdio::piped());
    });
    assert_eq!(hears(), "READY=1\n");
    let mut said = child.stderr.take().unwrap();
    end(child);
    assert_eq!(hears(), "STOPPING=1\n");
    let mut text = String::new();
    said.read_to_string(&mut text).unwrap();
    assert!(!text.contains("does not listen"), "{text}");
}
