//! What scripts may rely on: the commands, the fields of their documents, and the columns of `plain`.

use serde_json::{Value, json};

/// What one command answers.
pub(super) struct Promise {
    /// The words of the command.
    pub(super) words: &'static [&'static str],
    /// An example of the shape: an object has these fields and may have more, a list has at least one element and all are
    /// like the first, `null` stands for anything.
    pub(super) shape: Value,
    /// The columns of `plain`; after one that ends in `…` it may be repeated.
    pub(super) plain: &'static [&'static str],
}

const fn promise(words: &'static [&'static str], shape: Value, plain: &'static [&'static str]) -> Promise {
    Promise { words, shape, plain }
}

/// All that is promised.
pub(super) fn promised() -> Vec<Promise> {
    [of_flakes(), of_files(), of_the_ledger(), of_deeds()].into_iter().flatten().collect()
}

fn of_flakes() -> Vec<Promise> {
    let listed = json!({"id": "", "origin": "", "path": "", "description": "", "lineage": "", "inputs": 0, "lock_nodes": 0,
        "nixpkgs_age_days": 0.5, "problems": 0});
    let input = json!({"name": "", "url": null, "attrs": null, "follows": null, "flake": true, "overrides": {}, "locked": {},
        "node": ""});
    let change = json!({"occurred_at": "", "commit": "", "author": "", "input": "", "node": "", "from": null, "to": null,
        "event_id": ""});
    vec![
        promise(
            &["flake", "list"],
            json!({"schema": "cim-nix/flake-list/1", "flakes": [listed]}),
            &["id", "path", "inputs", "lock nodes", "age of nixpkgs in days", "problems", "lineage", "description"],
        ),
        promise(
            &["flake", "inputs", "dotfiles"],
            json!({"schema": "cim-nix/flake-inputs/1", "inputs": [input]}),
            &["name", "reference or what it follows", "lock node", "locked source"],
        ),
        promise(
            &["flake", "history", "dotfiles"],
            json!({"schema": "cim-nix/flake-history/1", "changes": [change]}),
            &["time", "commit", "author", "input", "source before", "source after"],
        ),
        promise(
            &["flake", "duplicates"],
            json!({"schema": "cim-nix/flake-duplicates/1",
                "flakes": [{"id": "", "path": "", "groups": [{"key": "", "nodes": [""]}]}]}),
            &["id", "path", "key=node,node…"],
        ),
        promise(
            &["flake", "add-input", "x", "github:o/x", "--flake", "~/src/website", "--dry-run"],
            json!({"schema": "cim-nix/flake-edit/1", "path": "", "dry_run": true, "changed": true,
                "edits": [{"start": 0, "end": 0, "text": ""}], "diff": "", "warnings": null, "notes": [""],
                "lock": {"state": "", "reason": null}, "command_id": null, "undoes": null, "recorded": false, "events": 0}),
            &["path", "changed or same", "command id", "state of the lock"],
        ),
        promise(
            &["config", "list"],
            json!({"schema": "cim-nix/config-list/1", "configs": [{"flake": "", "flake_path": "", "kind": "", "name": "",
                "system": null, "modules": [""], "users": null, "services": null, "unknown": [""], "left_out": 0,
                "since": ""}]}),
            &["flake", "kind", "name", "system", "modules", "users", "services"],
        ),
    ]
}

fn of_files() -> Vec<Promise> {
    let problem = json!({"path": "", "line": null, "message": ""});
    vec![
        promise(
            &["scan", "~/src"],
            json!({"schema": "cim-nix/scan/1", "flakes": {"seen": 0, "new": 0, "changed": 0, "removed": 0}, "files": 0,
                "events": 0, "problems": [problem]}),
            &["path", "line", "severity", "code", "message"],
        ),
        promise(
            &["problem", "list"],
            json!({"schema": "cim-nix/problem-list/1", "problems": [{"flake": "", "flake_path": "", "origin": "", "path": "",
                "line": null, "code": "", "severity": "", "message": "", "since": "", "fingerprint": ""}]}),
            &["path", "line", "severity", "code", "since", "message"],
        ),
        promise(
            &["check", "~/src", "--fail-on", "never"],
            json!({"schema": "cim-nix/check/1", "files": 0, "findings": [{"rule": "", "severity": "", "path": "", "line": 0,
                "column": 0, "end_line": 0, "end_column": 0, "message": "", "fix": null, "fingerprint": ""}],
                "summary": {}}),
            &["path", "line", "column", "severity", "rule", "message"],
        ),
        promise(
            &["module", "list"],
            json!({"schema": "cim-nix/module-list/1", "modules": [{"flake": "", "flake_path": "", "path": "", "kind": "",
                "declared": 0, "defined": 0, "imports": 0, "left_out": 0, "since": ""}]}),
            &["path", "kind", "options declared", "options defined", "imports", "since"],
        ),
        promise(
            &["module", "options"],
            json!({"schema": "cim-nix/module-options/1", "options": [{"option": "", "how": "", "flake": "", "flake_path": "",
                "path": "", "since": ""}]}),
            &["option", "declared or defined", "path", "since"],
        ),
        promise(
            &["overlay", "list"],
            json!({"schema": "cim-nix/overlay-list/1", "overlays": [{"flake": "", "flake_path": "", "path": "", "adds": [""],
                "left_out": 0, "since": ""}]}),
            &["path", "names", "since"],
        ),
    ]
}

fn of_the_ledger() -> Vec<Promise> {
    vec![
        promise(
            &["log"],
            json!({"schema": "cim-nix/log/1", "events": [event()]}),
            &["position", "time", "type", "stream", "version", "event id", "actor", "payload"],
        ),
        promise(
            &["diff", "#1"],
            json!({"schema": "cim-nix/diff/1", "differences": [{"id": "", "path": "", "subject": "", "name": null,
                "from": null, "to": null}]}),
            &["flake", "path", "what", "name", "before", "after"],
        ),
        promise(
            &["roots", "list"],
            json!({"schema": "cim-nix/roots/1", "roots": [{"path": "", "added_at": "", "scanned_at": null, "shared": true}]}),
            &["path", "added", "scanned"],
        ),
        promise(
            &["fleet", "flakes"],
            json!({"schema": "cim-nix/fleet-flakes/1", "flakes": [{"id": "", "origin": "", "path": "", "lineage": null,
                "nixpkgs_rev": null, "recorded_at": null}]}),
            &["lineage", "id", "machine", "path", "revision of nixpkgs", "time of that revision", "recorded"],
        ),
        promise(
            &["store", "check"],
            json!({"schema": "cim-nix/checks/1", "checks": [{"name": "", "state": "", "detail": ""}]}),
            &["name", "state", "detail"],
        ),
        promise(
            &["sync", "status"],
            json!({"schema": "cim-nix/sync-status/1", "enabled": true, "state": "", "backlog": 0}),
            &["state", "backlog", "connected since", "last error"],
        ),
        promise(
            &["sql", "select 1 as a"],
            json!({"schema": "cim-nix/sql/1", "columns": [""], "rows": [[0]]}),
            &["those of the query…"],
        ),
    ]
}

/// What is done rather than shown; each can be done again.
fn of_deeds() -> Vec<Promise> {
    vec![
        promise(
            &["roots", "add", "~/src"],
            json!({"schema": "cim-nix/roots-add/1", "roots": [{"path": "", "new": true, "streams_private": 0}],
                "still_to_be_sent": 0}),
            &["path", "whether it is new", "streams that are private again"],
        ),
        promise(
            &["roots", "share", "~/src"],
            json!({"schema": "cim-nix/roots-share/1", "streams": 0, "events": 0}),
            &["streams", "events"],
        ),
        promise(
            &["roots", "unshare", "~/src"],
            json!({"schema": "cim-nix/roots-unshare/1", "streams": 0, "still_to_be_sent": 0}),
            &["streams that are private again", "events that are sent all the same"],
        ),
        promise(
            &["sync", "disable"],
            json!({"schema": "cim-nix/sync-disable/1", "waiting": 0, "still_sending": null}),
            &["events that wait to be sent", "who has not stopped yet"],
        ),
        promise(
            &["store", "export", "~/events.jsonl", "--force"],
            json!({"schema": "cim-nix/store-export/1", "path": "", "events": 0}),
            &["path", "events"],
        ),
    ]
}

/// One event, in `log --json` and on a line of `log --format jsonl`.
pub(super) fn event() -> Value {
    json!({"position": 0, "event_id": "", "stream": "", "version": 0, "type": "", "occurred_at": "", "recorded_at": "",
        "correlation_id": "", "causation_id": "", "actor": "", "origin": "", "payload": {}})
}
