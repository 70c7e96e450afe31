//! A real Nix reads what edits left: the old inputs and the change, in every style that inputs are written in. And it
//! brings locks up to date where it is on `PATH`.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test makes its own world")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cim_domain_nix::syntax::edit::{EditError, Note, Operation, plan};
use cim_domain_nix::syntax::flake;
use serde_json::{Value, json};

use crate::parts::{NIX, NixStore, repository};

/// What Nix says of the inputs of several files; paths as texts, for they are not there.
fn inputs_of(files: &[PathBuf]) -> Vec<Value> {
    let files: Vec<String> = files.iter().map(|file| format!("{:?}", file.to_str().unwrap())).collect();
    let show = "let show = v: if builtins.isAttrs v then builtins.mapAttrs (_: show) v \
                else if builtins.isPath v then toString v else v; in";
    let all = format!("{show} map (file: show ((import file).inputs or {{ }})) [ {} ]", files.join(" "));
    NixStore::new().unwrap().eval(&all).unwrap().as_array().unwrap().clone()
}

/// Operations that mean something to most flakes.
fn operations(text: &str) -> Vec<Operation> {
    let file = flake::read(text);
    let add = |flake| Operation::AddInput { name: "new".to_owned(), url: "github:o/new?dir=${a}\"".to_owned(), flake };
    let mut operations = vec![add(true), add(false)];
    let mut declared: Vec<String> = file.inputs.into_iter().filter(|i| i.declared).map(|i| i.name).collect();
    declared.retain(|name| !name.contains('/'));
    for name in &declared {
        operations.push(Operation::RemoveInput { name: name.clone(), force: true });
        operations.push(Operation::SetUrl { name: name.clone(), url: "github:o/other".to_owned() });
        operations.push(Operation::Follow { path: format!("{name}/in.side"), target: declared[0].clone() });
        operations.push(Operation::Follow { path: format!("{name}/a/b"), target: String::new() });
        operations.push(Operation::Unfollow { path: format!("{name}/nixpkgs") });
    }
    operations
}

/// What Nix must say after an operation, made of what it said before.
fn expected(before: &Value, operation: &Operation) -> Value {
    let mut inputs = before.clone();
    match operation {
        Operation::AddInput { name, url, flake } => {
            inputs[name] = if *flake { json!({ "url": url }) } else { json!({ "url": url, "flake": false }) };
        }
        Operation::RemoveInput { name, .. } => {
            inputs.as_object_mut().unwrap().remove(name);
            inputs.as_object_mut().unwrap().values_mut().for_each(|input| forget(input, name));
        }
        Operation::SetUrl { name, url } => {
            let input = inputs[name].as_object_mut().unwrap();
            input.retain(|attribute, _| ["flake", "inputs"].contains(&attribute.as_str()));
            input.insert("url".to_owned(), json!(url));
        }
        Operation::Follow { path, target } => {
            overridden(&mut inputs, path).insert("follows".to_owned(), json!(target));
        }
        Operation::Unfollow { path } => drop(overridden(&mut inputs, path).remove("follows")),
    }
    inputs
}

fn forget(input: &mut Value, name: &str) {
    if let Some(inputs) = input.get_mut("inputs").and_then(Value::as_object_mut) {
        for inner in inputs.values_mut() {
            let target = inner.get("follows").and_then(Value::as_str);
            if target.is_some_and(|target| target.split('/').next() == Some(name)) {
                inner.as_object_mut().unwrap().remove("follows");
            }
            forget(inner, name);
        }
    }
}

/// The set that an input path stands for, made when it is not there.
fn overridden<'v>(inputs: &'v mut Value, path: &str) -> &'v mut serde_json::Map<String, Value> {
    let mut names = path.split('/');
    let mut at = &mut inputs[names.next().unwrap()];
    for name in names {
        at = &mut at["inputs"][name];
    }
    if at.is_null() {
        *at = json!({});
    }
    at.as_object_mut().unwrap()
}

/// A set in which nothing is said says nothing.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), without_empty(value)));
            Value::Object(fields.filter(|(_, value)| *value != json!({})).collect())
        }
        other => other.clone(),
    }
}

#[test]
fn after_every_edit_nix_reads_the_old_inputs_and_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let (mut files, mut checks, mut told) = (Vec::new(), Vec::new(), 0);
    let mut write = |text: &str| {
        let file = folder.path().join(format!("{}.nix", files.len()));
        fs::write(&file, text).unwrap();
        files.push(file);
        files.len() - 1
    };
    let mut flakes: Vec<PathBuf> = ["flakes", "demo"]
        .iter()
        .flat_map(|kind| fs::read_dir(repository().join("tests/fixtures").join(kind)).unwrap())
        .map(|entry| entry.unwrap().path().join("flake.nix"))
        .collect();
    flakes.sort();
    for path in &flakes {
        for windows in [false, true] {
            let text = fs::read_to_string(path).unwrap();
            let text = if windows { text.replace('\n', "\r\n") } else { text };
            let before = write(&text);
            for operation in operations(&text) {
                match plan(&text, &operation) {
                    // Nix knows the names of a whole file before it reads its inputs: the user was told.
                    Ok(plan) if plan.notes.iter().any(|note| matches!(note, Note::StillUsed { .. })) => told += 1,
                    Ok(plan) => checks.push((path.clone(), before, write(&plan.text), operation)),
                    Err(
                        EditError::NotLiteral { .. }
                        | EditError::NotFollowing { .. }
                        | EditError::Follows { .. }
                        | EditError::Aliased { .. },
                    ) => {}
                    // One input is another by its name here, so neither changes alone.
                    Err(EditError::Unsure { .. }) if path.ends_with("rec-names/flake.nix") => {}
                    Err(error) => panic!("{}: {operation:?}: {error}", path.display()),
                }
            }
        }
    }
    let enough = flakes.len() > 20 && checks.len() > 400 && told < checks.len() / 5;
    assert!(enough, "{} edits of {} flakes, {told} that leave a name undefined", checks.len(), flakes.len());
    let said = inputs_of(&files);
    for (path, before, after, operation) in &checks {
        let (wanted, found) = (without_empty(&expected(&said[*before], operation)), without_empty(&said[*after]));
        // An input that is an empty set is one all the same; the rest of it is compared.
        assert_eq!(wanted, found, "{}: {operation:?}\n{}", path.display(), fs::read_to_string(&files[*after]).unwrap());
    }
}

/// A flake with two inputs below it, and a ledger, beside a Nix of their own.
struct World {
    store: NixStore,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { store: NixStore::new().unwrap(), folder: tempfile::tempdir().unwrap() };
        for name in ["a", "b"] {
            world.write(&format!("flake/{name}/flake.nix"), "{ outputs = _: { }; }\n");
        }
        world.write("flake/flake.nix", "{\n  inputs.a.url = \"path:./a\";\n  outputs = { self, a }: { };\n}\n");
        world
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    fn run(&self, words: &[&str]) -> Output {
        let nix = self.store.command(NIX).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cim-nix"));
        command.envs(nix.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let folder = PathBuf::from(nix.get_program()).parent().unwrap().to_owned();
        let system = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&system))).unwrap();
        command.env("PATH", path).env("CIM_NIX_DB", self.folder.path().join("ledger.db"));
        command.args(words).current_dir(self.folder.path().join("flake")).output().unwrap()
    }

    fn says(&self, words: &[&str]) -> Value {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn where_nix_is_the_lock_follows_every_edit_in_the_same_command() {
    let world = World::new();
    world.says(&["scan", "--json", "."]);
    let edited = world.says(&["flake", "add-input", "b", "path:./b", "--json"]);
    assert_eq!(edited["lock"]["state"], "fresh", "{edited}");
    assert!(world.read("flake/flake.lock").contains("\"./b\""));
    let log = world.says(&["log", "--json"]);
    let of_it = |event: &&Value| event["causation_id"] == edited["command_id"];
    let types: Vec<_> = log["events"].as_array().unwrap().iter().filter(of_it).map(|event| &event["type"]).collect();
    for kind in ["flake.input_added", "flake.updated"] {
        assert!(types.contains(&&json!(kind)), "{kind}: {log:#}");
    }
    let undone = world.says(&["undo", "--json"]);
    assert_eq!((&undone["lock"]["state"], &undone["undoes"]), (&json!("fresh"), &edited["command_id"]));
    assert!(!world.read("flake/flake.lock").contains("\"./b\""));
    assert_eq!(world.says(&["scan", "--json"])["events"], 0);
}

#[test]
fn an_input_that_nix_cannot_fetch_leaves_the_edit_and_says_so() {
    let world = World::new();
    let edited = world.says(&["flake", "add-input", "c", "path:./nowhere", "--json"]);
    assert_eq!((&edited["lock"]["state"], &edited["changed"]), (&json!("stale"), &json!(true)), "{edited}");
    assert!(edited["lock"]["reason"].as_str().unwrap().contains("`nix flake lock` failed"), "{edited}");
    assert!(world.read("flake/flake.nix").contains("inputs.c.url"));
    assert_eq!(edited["recorded"], false, "there is no ledger, and an edit makes none");
    assert!(!world.folder.path().join("ledger.db").exists());
}

#[test]
fn an_update_is_recorded_with_what_was_locked_before_and_after() {
    let world = World::new();
    let elsewhere = world.folder.path().canonicalize().unwrap().join("elsewhere");
    world.write("elsewhere/flake.nix", "{ outputs = _: { old = 1; }; }\n");
    let url = format!("path:{}", elsewhere.display());
    world.says(&["flake", "add-input", "far", &url, "--json"]);
    world.says(&["scan", "--json", "."]);
    world.write("elsewhere/flake.nix", "{ outputs = _: { new = 1; }; }\n");
    let lock = world.read("flake/flake.lock");
    let planned = world.says(&["flake", "update", "far", "--dry-run", "--json"]);
    assert_eq!(planned["changes"][0]["input"], "far", "{planned}");
    assert_eq!(world.read("flake/flake.lock"), lock, "nothing is written for show");
    let updated = world.says(&["flake", "update", "far", "--json"]);
    let change = &updated["changes"][0];
    assert_ne!(change["from"]["narHash"], change["to"]["narHash"], "{updated}");
    assert_eq!(updated["changes"], planned["changes"]);
    assert!(updated["events"].as_u64().unwrap() >= 1);
    let log = world.says(&["log", "--json", "--type", "flake.updated"]);
    assert_eq!(log["events"].as_array().unwrap().len(), 1, "{log}");
    let refused = world.run(&["flake", "update", "nowhere"]);
    assert_eq!(refused.status.code(), Some(1));
    fs::remove_dir_all(&elsewhere).unwrap();
    let failed = world.run(&["flake", "update"]);
    assert_eq!(failed.status.code(), Some(5), "{}", String::from_utf8_lossy(&failed.stderr));
}

#[test]
fn the_skeleton_of_a_new_flake_is_whole() {
    let world = World::new();
    let made = world.says(&["flake", "new", "../fresh", "--json"]);
    let path = Path::new(made["path"].as_str().unwrap()).to_owned();
    let outputs = "
      let
        names = [ \"x86_64-linux\" \"aarch64-linux\" \"x86_64-darwin\" \"aarch64-darwin\" ];
        genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
        pkgs = { hello = \"hello\"; git = \"git\"; nixfmt-tree = \"fmt\"; mkShell = shell: shell; };
        nixpkgs = { lib = { inherit genAttrs; }; legacyPackages = genAttrs names (_: pkgs); };
      in";
    let all = format!("{outputs} (import {}).outputs {{ inherit nixpkgs; self = {{ }}; }}", path.display());
    let said = world.store.eval(&all).unwrap();
    for system in ["x86_64-linux", "aarch64-darwin"] {
        assert_eq!(said["packages"][system]["default"], "hello");
        assert_eq!(said["devShells"][system]["default"]["packages"], json!(["git"]));
        assert_eq!(said["formatter"][system], "fmt");
    }
}
