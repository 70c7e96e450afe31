//! What scripts rely on: the fields of the documents of `--json`, their kinds, and their names in `jsonl`.

use serde_json::{Value, json};

use super::scene::{Estate, Scene};

/// The documents that are promised, each with an example of its shape: an object has these fields and may have more,
/// a list has at least one element and all are like the first, `null` stands for anything.
fn promised() -> Vec<(&'static [&'static str], Value)> {
    let problem = json!({"path": "", "line": null, "message": ""});
    let listed = json!({"id": "", "origin": "", "path": "", "description": "", "lineage": "", "inputs": 0, "lock_nodes": 0,
        "nixpkgs_age_days": 0.5, "problems": 0});
    let input = json!({"name": "", "url": null, "attrs": null, "follows": null, "flake": true, "overrides": {}, "locked": {},
        "node": ""});
    vec![
        (
            &["scan", "~/src"],
            json!({"schema": "cim-nix/scan/1", "flakes": {"seen": 0, "new": 0, "changed": 0, "removed": 0}, "files": 0,
                "events": 0, "problems": [problem]}),
        ),
        (&["flake", "list"], json!({"schema": "cim-nix/flake-list/1", "flakes": [listed]})),
        (&["flake", "inputs", "dotfiles"], json!({"schema": "cim-nix/flake-inputs/1", "inputs": [input]})),
        (&["log"], json!({"schema": "cim-nix/log/1", "events": [event()]})),
        (
            &["flake", "history", "dotfiles"],
            json!({"schema": "cim-nix/flake-history/1", "changes": [{"occurred_at": "", "commit": "", "author": "",
                "input": "", "node": "", "from": null, "to": null, "event_id": ""}]}),
        ),
        (
            &["flake", "duplicates"],
            json!({"schema": "cim-nix/flake-duplicates/1",
                "flakes": [{"id": "", "path": "", "groups": [{"key": "", "nodes": [""]}]}]}),
        ),
        (
            &["problem", "list"],
            json!({"schema": "cim-nix/problem-list/1", "problems": [{"flake": "", "flake_path": "", "path": "",
                "line": null, "code": "", "severity": "", "message": "", "since": "", "fingerprint": ""}]}),
        ),
        (
            &["config", "list"],
            json!({"schema": "cim-nix/config-list/1", "configs": [{"flake": "", "flake_path": "", "kind": "", "name": "",
                "system": null, "modules": [""], "users": null, "services": null, "unknown": [""], "left_out": 0,
                "since": ""}]}),
        ),
        (
            &["module", "list"],
            json!({"schema": "cim-nix/module-list/1", "modules": [{"flake": "", "flake_path": "", "path": "", "kind": "",
                "declared": 0, "defined": 0, "imports": 0, "left_out": 0, "since": ""}]}),
        ),
        (
            &["module", "options"],
            json!({"schema": "cim-nix/module-options/1", "options": [{"option": "", "how": "", "flake": "", "flake_path": "",
                "path": "", "since": ""}]}),
        ),
        (
            &["overlay", "list"],
            json!({"schema": "cim-nix/overlay-list/1", "overlays": [{"flake": "", "flake_path": "", "path": "", "adds": [""],
                "left_out": 0, "since": ""}]}),
        ),
        (
            &["flake", "add-input", "x", "github:o/x", "--flake", "~/src/website", "--dry-run"],
            json!({"schema": "cim-nix/flake-edit/1", "path": "", "dry_run": true, "changed": true,
                "edits": [{"start": 0, "end": 0, "text": ""}], "diff": "", "warnings": null, "notes": [""],
                "lock": {"state": "", "reason": null}, "command_id": null, "undoes": null, "recorded": false, "events": 0}),
        ),
        (&["sql", "select 1 as a"], json!({"schema": "cim-nix/sql/1", "columns": [""], "rows": [[0]]})),
    ]
}

fn event() -> Value {
    json!({"position": 0, "event_id": "", "stream": "", "version": 0, "type": "", "occurred_at": "", "recorded_at": "",
        "correlation_id": "", "causation_id": "", "actor": "", "origin": "", "payload": {}})
}

#[test]
fn every_document_has_the_fields_that_are_promised() {
    let scene = Scene::new(&Estate::new());
    scene.scan();
    // A lock that is not committed is a problem, so that there is one.
    scene.says(&["cp", "~/examples/updated.lock", "~/src/homelab/flake.lock"]);
    scene.says(&["cp", "~/examples/web.nix", "~/src/homelab/cellar.nix"]);
    scene.says(&["cp", "~/examples/overlay.nix", "~/src/homelab/overlay.nix"]);
    for (words, shape) in promised() {
        let document = said(&scene, words, "--json");
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["schema"], shape["schema"]);
        compare(&shape, &document, &words.join(" "));
    }
    for line in said(&scene, &["log"], "--format=jsonl").lines() {
        compare(&event(), &serde_json::from_str(line).unwrap(), "log, a line");
    }
}

#[test]
fn sides_of_changes_and_overrides_say_what_is_promised() {
    let scene = Scene::new(&Estate::new());
    scene.scan();
    scene.says(&["mkdir", "~/src/forms"]);
    scene.says(&["cp", "~/examples/forms.nix", "~/src/forms/flake.nix"]);
    scene.says(&["cim-nix", "scan"]);
    let inputs =
        |flake| -> Value { serde_json::from_str(&said(&scene, &["flake", "inputs", flake], "--json")).unwrap() };
    let find = |document: &Value, name: &str| {
        document["inputs"].as_array().unwrap().iter().find(|input| input["name"] == name).unwrap().clone()
    };
    assert_eq!(find(&inputs("dotfiles"), "agenix")["overrides"]["nixpkgs"], json!({"follows": "nixpkgs"}));
    let forms = inputs("forms");
    assert_eq!(find(&forms, "overridden")["overrides"]["deep/deeper"], json!({"url": "github:o/deeper"}));
    assert_eq!(find(&forms, "by-attributes")["attrs"]["owner"], "o");
    assert_eq!(find(&forms, "followed")["follows"], "by-url");
    let changes: Value =
        serde_json::from_str(&said(&scene, &["flake", "history", "dotfiles", "--limit=1"], "--json")).unwrap();
    for side in ["from", "to"] {
        assert!(changes["changes"][0][side]["rev"].is_string(), "{changes}");
    }
}

fn said(scene: &Scene, words: &[&str], format: &str) -> String {
    let mut line = vec!["cim-nix", format];
    line.extend(words);
    scene.says(&line)
}

fn compare(shape: &Value, found: &Value, at: &str) {
    match (shape, found) {
        (Value::Object(fields), Value::Object(found)) => {
            for (name, shape) in fields {
                assert!(found.contains_key(name), "{at}: no field `{name}`");
                compare(shape, &found[name], &format!("{at}.{name}"));
            }
        }
        (Value::Array(shape), Value::Array(found)) => {
            assert!(!found.is_empty(), "{at}: nothing to compare");
            for element in found {
                compare(&shape[0], element, &format!("{at}[]"));
            }
        }
        (Value::Null, _) => {}
        (Value::Number(shape), Value::Number(found)) => assert!(shape.is_f64() || !found.is_f64(), "{at}: {found}"),
        _ => assert_eq!(std::mem::discriminant(shape), std::mem::discriminant(found), "{at}: {found}"),
    }
}
