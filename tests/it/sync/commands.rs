//! Commands over the wire to a machine whose own `serve` answers: they look, and write, as its user's own commands do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use cim_domain_nix::store::{Append, EditRow, LocalNote, Undo};
use serde_json::{Value, json};
use uuid::Uuid;

use super::machine::Machine;
use super::processes::program;
use crate::contract;
use crate::git_program::Git;
use crate::nats::Server;

/// What is well-formed and found fault with.
const OLD_STYLE: &str = "{ outputs = { self }: { overlay = a: b: { }; }; }";
/// Where an input can be added.
const FLAKE: &str =
    "{\n  # ours\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs\";\n\n  outputs = { self, nixpkgs }: { };\n}\n";
const ADDED: &str = "github:numtide/flake-utils";
/// Every command that writes.
const WRITING: (&str, &str) = ("CIM_NIX_SYNC_COMMANDS", "flake.create,flake.add_input,flake.remove_input");
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

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// Runs a command of the user's, in a directory below the root.
    fn run(&self, directory: &str, arguments: &str) -> Output {
        let mut command = program(&self.ada, &self.server.url(), arguments);
        command.current_dir(self.at(directory));
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Scans, as the user does, and shares what lies below the root: only there is anything done for others.
    fn scan(&self) {
        self.run("", &format!("scan {}", self.root.path().display()));
        self.run("", &format!("roots share {}", self.root.path().display()));
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

/// A machine whose root holds one flake that is known, and which does what writes.
fn writing(settings: &[(&'static str, &str)]) -> Served {
    let mut side = Served::new(settings);
    side.write("one/flake.nix", FLAKE);
    side.scan();
    side.serve();
    side
}

#[test]
fn inputs_are_added_and_removed_for_others_as_the_user_does_it_and_once() {
    let bin = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (nix, started) = (bin.path().join("nix"), bin.path().join("started"));
    fs::write(&nix, format!("#!/bin/sh\ntouch {}\necho nix 2.30.0\n", started.display())).unwrap();
    fs::set_permissions(&nix, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut side = writing(&[WRITING, ("PATH", &format!("{}:/usr/bin:/bin", bin.path().display()))]);
    side.write("one/flake.lock", LOCK);
    side.scan();
    let (id, conversation) = (Uuid::now_v7(), Uuid::now_v7());
    let body = json!({ "message_id": id, "actor": "carol", "flake": side.at("one"), "name": "utils", "url": ADDED });
    let mut first = body.clone();
    first["correlation_id"] = json!(conversation);
    let added = side.ask("flake.add_input", &first);
    assert_eq!((&added["code"], &added["correlation_id"]), (&json!("done"), &json!(conversation)), "{added}");
    let events = added["events"].as_array().unwrap();
    let recorded = format!(
        "SELECT count(*) FROM v1_events WHERE correlation_id = '{conversation}' AND causation_id = '{id}' \
         AND actor LIKE 'bus:carol (%' AND type NOT LIKE 'finding.%'"
    );
    assert!(!events.is_empty() && side.ada.count(&recorded) == i64::try_from(events.len()).unwrap(), "{added}");
    assert_eq!(side.ada.count("SELECT count(*) FROM v1_events WHERE type = 'flake.input_added'"), 1);
    // So that whoever sees it first knows whose doing it is.
    let note = format!(
        "SELECT count(*) FROM commands WHERE name = 'note_edit' AND correlation_id = x'{}' AND actor LIKE 'bus:carol (%'",
        conversation.simple()
    );
    assert_eq!(side.ada.count(&note), 1);
    let text = side.read("one/flake.nix");
    assert!(text.contains("# ours") && text.contains(ADDED) && text.contains("{ self, nixpkgs, utils }"), "{text}");
    // The same again, by somebody who does not know the conversation, also after a restart.
    for restarted in [false, true] {
        if restarted {
            side.serve();
        }
        let again = side.ask("flake.add_input", &body);
        assert_eq!((&again["code"], &again["events"]), (&json!("repeated"), &added["events"]), "{again}");
        assert_eq!(again["correlation_id"], json!(conversation), "{again}");
        assert_eq!(side.read("one/flake.nix"), text);
    }
    let other = side.ask("flake.remove_input", &json!({ "message_id": id, "flake": side.at("one"), "name": "utils" }));
    assert_eq!((&other["code"], &other["field"]), (&json!("invalid"), &json!("message_id")), "{other}");
    let twice = side.ask("flake.add_input", &json!({ "flake": side.at("one"), "name": "utils", "url": ADDED }));
    assert_eq!(twice["code"], "refused", "{twice}");
    // The user takes back what others did, one edit of a file at a time, though they are of one conversation.
    let flake: String = {
        let reader = side.ada.session.store.reader().unwrap();
        reader.query_row("SELECT id FROM v1_flakes", [], |row| row.get(0)).unwrap()
    };
    let remove = json!({ "correlation_id": conversation, "flake": flake, "name": "utils" });
    let removed = side.ask("flake.remove_input", &remove);
    assert_eq!(removed["code"], "done", "{removed}");
    assert_eq!(side.read("one/flake.nix"), FLAKE);
    assert_eq!(side.ask("flake.remove_input", &remove)["code"], "refused", "there is none any more");
    side.run("one", "undo --no-lock");
    assert_eq!(side.read("one/flake.nix"), text);
    side.run("one", "undo --no-lock");
    assert_eq!(side.read("one/flake.nix"), FLAKE);
    assert_eq!(side.read("one/flake.lock"), LOCK);
    assert!(!started.exists(), "nothing starts Nix for others");
}

#[test]
fn a_flake_is_made_for_others_below_a_root_and_never_over_anything() {
    let mut side = writing(&[WRITING, ("CIM_NIX_EXCLUDES", "left/")]);
    let outside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::os::unix::fs::symlink(outside.path(), side.at("out")).unwrap();
    std::os::unix::fs::symlink("nowhere", side.at("dangling")).unwrap();
    let mut body = path(&side.at("two"));
    body["message_id"] = json!(Uuid::now_v7());
    let made = side.ask("flake.create", &body);
    assert_eq!(made["code"], "done", "{made}");
    assert!(!made["events"].as_array().unwrap().is_empty(), "{made}");
    let skeleton = include_str!("../../../assets/flake-new/flake.nix");
    assert_eq!(side.read("two/flake.nix"), skeleton);
    side.write("two/flake.nix", FLAKE);
    for restarted in [false, true] {
        if restarted {
            side.serve();
        }
        let again = side.ask("flake.create", &body);
        assert_eq!((&again["code"], &again["events"]), (&json!("repeated"), &made["events"]), "{again}");
        assert_eq!(side.read("two/flake.nix"), FLAKE);
    }
    let at = |name: &str| path(&side.at(name));
    for (body, code) in [
        (at("one"), "refused"),
        (at("dangling"), "refused"),
        (at("left"), "refused"),
        (at("one/flake.nix/x"), "invalid"),
        (at("missing/new"), "invalid"),
        (at("missing/of/missing/new"), "invalid"),
        (at("out/new"), "invalid"),
        (at("../new"), "outside_roots"),
        (path(&outside.path().join("new")), "outside_roots"),
        (at("-rf"), "invalid"),
        (at(".hidden"), "invalid"),
        (at("a\nb"), "invalid"),
        (at(".."), "invalid"),
        (json!({ "path": "new" }), "invalid"),
        (json!({ "path": 7 }), "invalid"),
        (json!({}), "invalid"),
    ] {
        let reply = side.ask("flake.create", &body);
        assert_eq!(reply["code"], code, "{body}: {reply}");
    }
    let mut names: Vec<_> = fs::read_dir(side.root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["dangling", "one", "out", "two"]);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(!side.at("../new").exists());
}

#[test]
fn nothing_is_written_for_others_unless_the_settings_say_so() {
    let side = writing(&[]);
    let events = side.events();
    for (command, body) in [
        ("flake.add_input", json!({ "flake": side.at("one"), "name": "utils", "url": ADDED })),
        ("flake.remove_input", json!({ "flake": side.at("one"), "name": "nixpkgs" })),
        ("flake.create", path(&side.at("two"))),
    ] {
        assert_eq!(side.ask(command, &body)["code"], "not_allowed", "{command}");
    }
    assert_eq!(side.ask("flake.update", &json!({ "flake": side.at("one") }))["code"], "not_supported");
    assert_eq!((side.read("one/flake.nix").as_str(), side.events()), (FLAKE, events));
    assert!(!side.at("two").exists());
}

#[test]
fn a_link_leads_what_is_written_for_others_out_of_no_root() {
    let outside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let theirs = outside.path().join("flake.nix");
    fs::write(&theirs, FLAKE).unwrap();
    let mut side = Served::new(&[WRITING]);
    for name in ["one", "away", "aside"] {
        side.write(&format!("{name}/flake.nix"), FLAKE);
    }
    fs::create_dir(side.at("linked")).unwrap();
    std::os::unix::fs::symlink(&theirs, side.at("linked/flake.nix")).unwrap();
    side.scan();
    assert_eq!(side.ada.count("SELECT count(*) FROM v1_flakes"), 4, "what a link leads to is read");
    for (name, to) in [("away", outside.path().to_owned()), ("aside", side.at("one"))] {
        fs::remove_dir_all(side.at(name)).unwrap();
        std::os::unix::fs::symlink(to, side.at(name)).unwrap();
    }
    side.serve();
    let add = |flake: &Path| side.ask("flake.add_input", &json!({ "flake": flake, "name": "utils", "url": ADDED }));
    assert_eq!(add(&side.at("linked"))["code"], "outside_roots");
    for name in ["away", "aside"] {
        // Whether it was noticed yet that the flake is gone there.
        let reply = add(&side.at(name));
        assert!(["outside_roots", "not_found"].contains(&reply["code"].as_str().unwrap()), "{name}: {reply}");
    }
    assert_eq!(add(outside.path())["code"], "not_found");
    assert_eq!((fs::read_to_string(&theirs).unwrap().as_str(), side.read("one/flake.nix").as_str()), (FLAKE, FLAKE));
    assert_eq!(add(&side.at("one"))["code"], "done");
}

#[test]
fn nothing_is_written_for_others_in_what_is_private() {
    let mut side = Served::new(&[WRITING]);
    side.write("one/flake.nix", FLAKE);
    side.write("kept/flake.nix", FLAKE);
    side.write("kept/of/another/flake.nix", FLAKE);
    fs::create_dir(side.at("linked")).unwrap();
    std::os::unix::fs::symlink(side.at("kept/of/another/flake.nix"), side.at("linked/flake.nix")).unwrap();
    side.scan();
    side.run("", &format!("roots add {}", side.at("kept").display()));
    fs::create_dir(side.at("gone")).unwrap();
    side.run("", &format!("roots add {}", side.at("gone").display()));
    fs::remove_dir(side.at("gone")).unwrap();
    side.serve();
    let add =
        |flake: &str| side.ask("flake.add_input", &json!({ "flake": side.at(flake), "name": "utils", "url": ADDED }));
    assert_eq!(add("one")["code"], "done");
    assert_eq!(add("linked")["code"], "outside_roots");
    let (private, unknown) = (add("kept"), add("nowhere"));
    assert_eq!((&private["code"], &private["message"]), (&json!("not_found"), &unknown["message"]));
    let unknown = side.ask("flake.create", &path(&side.at("nowhere/new")));
    assert_eq!((&unknown["code"], &unknown["field"]), (&json!("invalid"), &json!("path")), "{unknown}");
    for place in ["kept/new", "kept/of/new", "kept/nowhere/new"] {
        let private = side.ask("flake.create", &path(&side.at(place)));
        let said = |reply: &Value| [&reply["code"], &reply["message"], &reply["field"]].map(Clone::clone);
        assert_eq!(said(&private), said(&unknown), "{place}");
    }
    // Nor is told whether there is something where a private root is, or was.
    let (there, gone) =
        (side.ask("flake.create", &path(&side.at("kept"))), side.ask("flake.create", &path(&side.at("gone"))));
    assert_eq!(there["code"], "outside_roots");
    assert_eq!((&there["code"], &there["message"]), (&gone["code"], &gone["message"]));
    for place in ["kept", "kept/of/another"] {
        assert_eq!(side.read(&format!("{place}/flake.nix")), FLAKE);
    }
    assert!(!side.at("kept/new").exists() && !side.at("gone").exists());
}

#[test]
fn a_command_below_a_private_root_that_was_renamed_is_refused() {
    let mut side = Served::new(&[WRITING]);
    side.write("one/flake.nix", FLAKE);
    side.write("kept/of/flake.nix", FLAKE);
    side.scan();
    side.run("", &format!("roots add {}", side.at("kept").display()));
    side.serve();
    let unknown = side.ask("flake.create", &path(&side.at("nowhere/new")));
    // Before the next look at what changed.
    fs::rename(side.at("kept"), side.at("own")).unwrap();
    let private = side.ask("flake.create", &path(&side.at("own/new")));
    let said = |reply: &Value| [&reply["code"], &reply["message"], &reply["field"]].map(Clone::clone);
    assert_eq!(said(&private), said(&unknown));
    assert!(!side.at("own/new").exists());
    let made = side.ask("flake.create", &path(&side.at("new")));
    assert_eq!(made["code"], "done", "{made}");
}

#[test]
fn fields_of_what_writes_are_refused_by_name_and_nothing_of_a_secret_is_written_or_repeated() {
    let side = writing(&[WRITING]);
    let events = side.events();
    let good = json!({ "flake": side.at("one"), "name": "utils", "url": ADDED });
    let secret = "https://ada:hunter2secret@git.example.org/a.git";
    let bad: [(&str, &[Value]); 4] = [
        ("name", &["", "-x", "--impure", "a b", "a\nb", "a/b", "1a", "self", "é", "a;b"].map(Value::from)),
        ("url", &["", "-x", "github:o/r\n", "github:o", "GitHub:o/r", "wat:x", secret].map(Value::from)),
        ("is_flake", &[json!("no"), json!(1)]),
        ("flake", &[json!(""), json!(7), Value::Null]),
    ];
    for (field, values) in bad {
        for value in values.iter().chain(&[json!([]), json!("x".repeat(4_000))]) {
            let mut body = good.clone();
            body[field] = value.clone();
            let reply = side.ask("flake.add_input", &body);
            if field == "flake" && value.as_str().is_some_and(|text| !text.is_empty()) {
                assert_eq!(reply["code"], "not_found", "{reply}");
            } else {
                assert_eq!((&reply["code"], &reply["field"]), (&json!("invalid"), &json!(field)), "{value}: {reply}");
            }
            assert!(!reply.to_string().contains("hunter2"), "{reply}");
        }
    }
    let reply = side.ask("flake.remove_input", &json!({ "flake": side.at("one"), "name": "nixpkgs", "force": "yes" }));
    assert_eq!((&reply["code"], &reply["field"]), (&json!("invalid"), &json!("force")), "{reply}");
    assert_eq!((side.read("one/flake.nix").as_str(), side.events()), (FLAKE, events));
}

#[test]
fn what_was_written_for_others_before_it_ended_is_recorded_as_theirs_and_not_done_again() {
    let mut side = writing(&[WRITING]);
    side.end();
    let (id, conversation) = (Uuid::now_v7(), Uuid::now_v7());
    let text = FLAKE.replace("\n\n", "\n  inputs.utils.url = \"github:numtide/flake-utils\";\n\n");
    let hash = |text: &str| *blake3::hash(text.as_bytes()).as_bytes();
    let (command, path) = (id, side.at("one/flake.nix"));
    let note = EditRow {
        command,
        name: "add_input".to_owned(),
        correlation: conversation,
        path: path.clone(),
        before: hash(FLAKE),
        after: hash(&text),
        undo: Undo::Edits(Vec::new()),
        at: side.ada.session.clock.now(),
        undoes: None,
        seen: false,
    };
    let (session, notes) = (&side.ada.session, vec![LocalNote::EditLeft(Box::new(note))]);
    let (command, received_at) = (session.command("note_edit"), session.clock.now());
    session.store.append(Append { command, received_at, writes: Vec::new(), notes }).unwrap();
    fs::write(&path, &text).unwrap();
    side.serve();
    let body = json!({ "message_id": id, "flake": side.at("one"), "name": "utils", "url": ADDED });
    let reply = side.ask("flake.add_input", &body);
    assert_eq!(reply["ok"], true, "{reply}");
    assert_eq!(side.ask("flake.add_input", &body)["code"], "repeated");
    assert_eq!(side.read("one/flake.nix"), text);
    let sql = format!("SELECT count(*) FROM v1_events WHERE type = 'flake.input_added' AND causation_id = '{id}'");
    assert_eq!(side.ada.count(&sql), 1);
}
