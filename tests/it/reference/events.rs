//! The reference of the events as data, made from the catalogue and the golden file of each event. `UPDATE=1` writes it.
#![expect(clippy::unwrap_used, reason = "a reference that cannot be made fails its test")]

use std::fs;
use std::io::Write as _;

use cim_domain_nix::domain::catalogue::{EVENTS, Kind};
use serde_json::{Map, Value, json};

use crate::parts::repository;

/// Ends of the paths of objects whose names are data: those of inputs and nodes, of settings, of a source's attributes.
const BY_NAME: &[&str] = &[
    "attrs",
    "inputs",
    "lock.nodes",
    "locked",
    "nix_config",
    "original",
    "overrides",
    "changes[].from",
    "changes[].to",
];

#[test]
fn the_reference_of_the_events_is_made_from_the_catalogue_and_the_golden_files() {
    let events: Vec<Value> = EVENTS.iter().map(|kind| described(*kind)).collect();
    let text = format!("{:#}\n", json!({"schema": "cim-nix/event-schema/1", "events": events}));
    let path = repository().join("assets/event-schema.json");
    if std::env::var_os("UPDATE").is_some() {
        fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == text,
        "assets/event-schema.json is old: run with UPDATE=1, twice, as the page is made from it"
    );
}

fn described(kind: Kind) -> Value {
    let file = format!("tests/fixtures/events/{}.v{}.json", kind.name(), kind.schema);
    let example: Value = serde_json::from_str(&fs::read_to_string(repository().join(file)).unwrap()).unwrap();
    json!({"type": kind.name(), "schema_version": kind.schema, "doc": kind.doc, "payload": shape("", &example),
        "example": example})
}

/// What can be read off an example: names of fields and kinds of values.
fn shape(path: &str, value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(_) => json!({"type": "integer"}),
        Value::String(_) => json!({"type": "string"}),
        Value::Array(items) => {
            let items = items.first().map(|item| shape(&format!("{path}[]"), item));
            json!({"type": "array", "items": items.unwrap_or_else(|| json!({}))})
        }
        Value::Object(fields) if BY_NAME.iter().any(|end| path.ends_with(end)) => {
            let kinds: Vec<Value> = fields.values().map(|value| shape(&format!("{path}.*"), value)).collect();
            // Values of many kinds, as a source's attributes have them, are anything.
            let same = kinds.iter().all(|kind| kind.get("type") == kinds[0].get("type"));
            let any = kinds.into_iter().reduce(both).filter(|_| same);
            json!({"type": "object", "additionalProperties": any.unwrap_or_else(|| json!({}))})
        }
        Value::Object(fields) => {
            let below = |name: &String| if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let properties: Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), shape(&below(name), value))).collect();
            json!({"type": "object", "properties": properties})
        }
    }
}

/// The fields of one shape and of another.
fn both(mut one: Value, other: Value) -> Value {
    let Value::Object(mut other) = other else { return one };
    if let (Some(Value::Object(fields)), Some(Value::Object(more))) =
        (one.get_mut("properties"), other.remove("properties"))
    {
        for (name, kind) in more {
            fields.entry(name).or_insert(kind);
        }
    }
    one
}
