//! What happened, in a few words, from an event's payload. Reads what is there and keeps silent about the rest, so that
//! an event of a later release is no failure.

use serde_json::Value;

/// A few words about an event.
pub(super) fn words(kind: &str, payload: &Value) -> String {
    let text = |key: &str| payload.get(key).and_then(Value::as_str).unwrap_or_default();
    match kind {
        _ if payload.is_null() => "erased".to_owned(),
        "flake.discovered" => payload
            .pointer("/facts/description")
            .and_then(Value::as_str)
            .map_or_else(|| text("directory").to_owned(), str::to_owned),
        "flake.input_added" | "flake.input_removed" => {
            let input = payload.get("input").unwrap_or(payload);
            let field = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default();
            format!("{} {}", field("name"), field("url")).trim_end().to_owned()
        }
        "flake.input_changed" => {
            let field = |path: &str| payload.pointer(path).and_then(Value::as_str).unwrap_or_default();
            format!("{} {} → {}", field("/to/name"), field("/from/url"), field("/to/url"))
        }
        "flake.updated" => changes(payload),
        "lock_history.recorded" => {
            let summary = payload.pointer("/commit/summary").and_then(Value::as_str).unwrap_or_default();
            let changes = changes(payload);
            if summary.is_empty() { changes } else { format!("{summary} ({changes})") }
        }
        "lock_history.unreachable" => {
            first_and_more(payload.get("commits"), |commit| Some(commit.as_str()?.chars().take(7).collect()))
        }
        "flake.removed" | "flake.forgotten" => text("directory").to_owned(),
        "flake.observer_changed" => "the same files, read by a newer release".to_owned(),
        "flake.succeeded" => format!("goes on from {}", text("stream")),
        "finding.raised" | "finding.changed" => first_and_more(payload.get("findings"), |finding| {
            finding.get("message").and_then(Value::as_str).map(str::to_owned)
        }),
        "finding.resolved" => first_and_more(payload.get("fingerprints"), |name| {
            let fingerprint = name.as_str()?;
            Some(format!("gone: {}", fingerprint.split_once(':').map_or(fingerprint, |(code, _)| code)))
        }),
        "finding.suppressed" => first_and_more(payload.get("findings"), |finding| {
            let fingerprint = finding.get("fingerprint")?.as_str()?;
            Some(format!("meant: {}", fingerprint.split_once(':').map_or(fingerprint, |(code, _)| code)))
        }),
        "ledger.erased" => text("reason").to_owned(),
        "config.activated" | "config.rolled_back" => generation(payload),
        _ if kind.starts_with("config.") => told(text("name"), &["modules", "users", "services"], payload),
        _ if kind.starts_with("module.") => told(text("file"), &["declared", "defined", "imports"], payload),
        _ if kind.starts_with("overlay.") => told(text("file"), &["adds"], payload),
        "pins.updated" => first_and_more(payload.get("changes"), change),
        _ if kind.starts_with("pins.") => told(text("file"), &["pins"], payload),
        _ => match (short(payload.get("from")), short(payload.get("to"))) {
            (Some(from), Some(to)) => format!("{from} → {to}"),
            (None, Some(to)) => to,
            (Some(from), None) => format!("{from} is gone"),
            (None, None) => String::new(),
        },
    }
}

/// `nixpkgs a1b2c3d → d4e5f60, and 3 more`.
fn changes(payload: &Value) -> String {
    first_and_more(payload.get("changes"), change)
}

/// An input of a lock, or a pin: `nixpkgs a1b2c3d → d4e5f60`.
fn change(change: &Value) -> Option<String> {
    let input = ["input", "name"].iter().find_map(|key| change.get(key)?.as_str())?;
    let side = |key: &str| change.get(key).filter(|side| !side.is_null()).map(revision);
    Some(match (side("from"), side("to")) {
        (Some(from), Some(to)) => format!("{input} {from} → {to}"),
        (None, Some(to)) => format!("{input} added at {to}"),
        (Some(from), None) => format!("{input} removed, was {from}"),
        (None, None) => input.to_owned(),
    })
}

/// `generation 42, 26.05.20261101.647b2b7`.
fn generation(payload: &Value) -> String {
    let number = |key: &str| payload.get(key).and_then(Value::as_i64);
    let back = number("from").map(|from| format!("from {from} back to ")).unwrap_or_default();
    let Some(to) = number("generation") else { return String::new() };
    match payload.get("version").and_then(Value::as_str) {
        Some(version) => format!("{back}generation {to}, {version}"),
        None => format!("{back}generation {to}"),
    }
}

/// A name and what there is of each list: `desk: modules 2, users 1`, or what came and went: `desk: modules +1 -1`.
fn told(name: &str, lists: &[&str], payload: &Value) -> String {
    let entries =
        |value: &Value| value.as_array().map(Vec::len).or_else(|| value.as_object().map(serde_json::Map::len));
    let parts = lists.iter().filter_map(|list| {
        let value = payload.get(list)?;
        let side = |key: &str, sign: &str| {
            value.get(key).and_then(Value::as_array).map(|names| format!("{sign}{}", names.len()))
        };
        let sides: Vec<String> = [side("added", "+"), side("removed", "-")].into_iter().flatten().collect();
        match (sides.is_empty(), entries(value)?) {
            (false, _) => Some(format!("{list} {}", sides.join(" "))),
            (true, 0) => None,
            (true, count) => Some(format!("{list} {count}")),
        }
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { name.to_owned() } else { format!("{name}: {}", parts.join(", ")) }
}

/// The shortest name of a locked source: its revision, else its date, else its hash.
pub(super) fn revision(locked: &Value) -> String {
    let text = |key: &str| locked.get(key).and_then(Value::as_str);
    if let Some(rev) = text("rev").or_else(|| text("dirtyRev")) {
        return rev.chars().take(7).collect();
    }
    let hash = text("narHash").map(|hash| hash.trim_start_matches("sha256-").chars().take(7).collect());
    hash.or_else(|| text("path").map(str::to_owned)).unwrap_or_else(|| "unlocked".to_owned())
}

fn first_and_more(list: Option<&Value>, name: impl Fn(&Value) -> Option<String>) -> String {
    let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let first = items.first().and_then(name).unwrap_or_default();
    match items.len() {
        0 | 1 => first,
        many => format!("{first}, and {} more", many - 1),
    }
}

fn short(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => {
            Some(other.as_object().map_or_else(|| other.to_string(), |fields| format!("{} entries", fields.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_names_the_first_change_and_counts_the_rest() {
        let change = json!({"input": "nixpkgs", "from": {"rev": "a1b2c3d4e5"}, "to": {"rev": "ffffffffff"}});
        let payload =
            json!({"changes": [change, {"input": "x", "from": null, "to": {"narHash": "sha256-abcdefghij"}}]});
        assert_eq!(words("flake.updated", &payload), "nixpkgs a1b2c3d → fffffff, and 1 more");
        let commit = json!({"commit": {"summary": "bump"}, "changes": []});
        assert_eq!(words("lock_history.recorded", &commit), "bump ()");
    }

    /// Every payload that the ledger can hold says something.
    #[test]
    fn every_event_has_words() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/events");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let Some(kind) = name.strip_suffix(".json").and_then(|name| name.rsplit_once(".v")) else { continue };
            let payload = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            assert_ne!(words(kind.0, &payload), "", "{name}");
            count += 1;
        }
        assert!(count > 20, "{count} payloads");
    }

    #[test]
    fn lists_are_counted_and_generations_named() {
        let found = json!({"name": "desk", "modules": ["a", "b"], "users": ["ann"], "services": []});
        assert_eq!(words("config.discovered", &found), "desk: modules 2, users 1");
        let other = json!({"name": "desk", "services": {"added": ["postfix"], "removed": ["nginx", "x"]}});
        assert_eq!(words("config.updated", &other), "desk: services +1 -2");
        let back = json!({"generation": 41, "from": 42, "version": "26.05"});
        assert_eq!(words("config.rolled_back", &back), "from 42 back to generation 41, 26.05");
        let pins = json!({"changes": [{"name": "nixpkgs", "from": {"rev": "a"}, "to": {"rev": "b"}}]});
        assert_eq!(words("pins.updated", &pins), "nixpkgs a → b");
        assert_eq!(words("module.deleted", &json!({"file": "a.nix"})), "a.nix");
    }

    #[test]
    fn what_is_not_known_is_not_a_failure() {
        assert_eq!(words("home.activated", &json!({"generation": 4})), "");
        assert_eq!(words("flake.moved", &json!({"from": "/a", "to": "/b"})), "/a → /b");
        assert_eq!(words("flake.updated", &Value::Null), "erased");
        assert_eq!(words("flake.updated", &json!({"changes": 7})), "");
    }
}
