//! Commands over the wire to a machine whose own `serve` answers: they look, and write, as its user's own commands do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use serde_json::{Value, json};

use super::machine::Machine;
use super::processes::program;
use crate::contract;
use crate::git_program::Git;
use crate::nats::Server;

/// What is well-formed and found fault with.
const OLD_STYLE: &str = "{ outputs = { self }: { overlay = a: b: { }; }; }";
const LOCK: &str = r#"{ "nodes": { "root": {} }, "root": "root", "version": 7 }"#;

/// A machine with a root of real files, the process that serves it, and somebody who asks.
struct Served {
    ada: Machine,
    root: tempfile::TempDir,
    settings: Vec<(&'static str, String)>,
    child: Option<Child>,
    runtime: tokio::runtime::Runtime,
    client: async_nats::Client,
    server: Server,
}

impl Served {
    /// Settings are those of every command here; nothing runs yet.
    fn new(settings: &[(&'static str, &str)]) -> Self {
        let server = Server::start();
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async_nats::connect(server.url())).unwrap();
        let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { ada: Machine::new("ada", &server), root, settings, child: None, runtime, client, server }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(path)
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, arguments: &str) -> Output {
        let mut command = program(&self.ada, &self.server.url(), arguments);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Scans, as the user does.
    fn scan(&self) {
        self.run(&format!("scan {}", self.root.path().display()));
    }

    /// Serves, with a new process when one was there before.
    fn serve(&mut self) {
        self.end();
        let mut command = program(&self.ada, &self.server.url(), "serve --listen off --interval 600");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        self.child = Some(command.spawn().unwrap());
        self.ada.until("live", |report| report.remote.status.state == "live" && report.holder.is_some());
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            child.wait().unwrap();
            self.ada.until("gone", |report| report.holder.is_none());
        }
    }

    /// Gives this machine a command.
    fn ask(&self, command: &str, body: &Value) -> Value {
        let subject = format!("nix.cmd.{command}.{}", self.ada.session.store.origin().public_key);
        let reply = self.runtime.block_on(self.client.request(subject, body.to_string().into()));
        let reply =
            serde_json::from_slice(&reply.unwrap_or_else(|error| panic!("{command}: {error}")).payload).unwrap();
        assert_eq!(contract::misfit_of_reply(&reply), None, "{command}: {reply:#}");
        reply
    }

    fn events(&self) -> i64 {
        self.ada.count("SELECT count(*) FROM events")
    }

    fn open_problems(&self) -> i64 {
        self.ada.count("SELECT count(*) FROM v1_problems")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap_or_default();
            child.wait().map(drop).unwrap_or_default();
        }
    }
}

fn path(path: &Path) -> Value {
    json!({ "path": path.to_str().unwrap() })
}

#[test]
fn a_scan_for_others_is_done_as_the_settings_say_like_those_of_its_own() {
    let mut side = Served::new(&[
        ("CIM_NIX_SYNC_COMMANDS", "flake.scan"),
        ("CIM_NIX_EXCLUDES", "/group/left"),
        ("CIM_NIX_HISTORY_READ", "false"),
    ]);
    side.write("group/one/flake.nix", OLD_STYLE);
    side.write("group/one/flake.lock", LOCK);
    side.write("group/one/module.nix", "{ config, lib, ... }: { services.nginx.enable = true; }");
    side.write("group/left/flake.nix", OLD_STYLE);
    Git::init(&side.at("group")).commit_all("first");
    side.scan();
    side.serve();
    let (events, problems) = (side.events(), side.open_problems());
    assert!(problems > 0, "there is something to lose");
    for place in ["", "group", "group/one"] {
        let reply = side.ask("flake.scan", &path(&side.at(place)));
        assert_eq!((&reply["code"], &reply["events"]), (&json!("done"), &json!([])), "{place}: {reply}");
    }
    let left_out = side.ask("flake.scan", &path(&side.at("group/left")));
    assert_eq!((&left_out["code"], &left_out["events"]), (&json!("refused"), &json!([])), "{left_out}");
    assert_eq!((side.events(), side.open_problems()), (events, problems));
    assert_eq!(side.ada.count("SELECT count(*) FROM v1_flakes WHERE path LIKE '%/left'"), 0);
    // What did change is recorded with all that the settings ask for.
    side.write("group/two/flake.nix", OLD_STYLE);
    side.ask("flake.scan", &path(&side.at("group/two")));
    assert_eq!(side.ada.count("SELECT count(*) FROM v1_problems WHERE code = 'deprecated-output'"), 2);
}
