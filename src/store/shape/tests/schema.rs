//! The reference of the events, `assets/event-schema.json`: which fields every payload has, taken from many events of
//! each kind as they are written down. `UPDATE=1` writes it anew.

use std::collections::{BTreeMap, BTreeSet};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::*;

/// Enough for every field that may be absent to be there at least once.
const SAMPLES: usize = 6000;

/// Objects whose keys are names that people chose, not fields.
const BY_NAME: [&str; 5] = ["inputs", "overrides", "nix_config", "nodes", "pins"];

/// Objects that hold whatever a flake reference or a lock holds.
const ATTRIBUTES: [&str; 3] = ["attrs", "locked", "original"];

/// What is known of the values at one place.
#[derive(Default)]
struct Place {
    seen: usize,
    types: BTreeSet<&'static str>,
    fields: BTreeMap<String, Place>,
    items: Option<Box<Place>>,
    by_name: Option<Box<Place>>,
    open: bool,
}

impl Place {
    fn learn(&mut self, value: &Value, path: &[&str], kind: Kind) {
        self.seen += 1;
        self.types.insert(match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        });
        let below = |name| path.iter().copied().chain([name]).collect::<Vec<&str>>();
        match value {
            Value::Array(items) => {
                let place = self.items.get_or_insert_default();
                for item in items {
                    place.learn(item, &below("[]"), kind);
                }
            }
            Value::Object(_) if holds_attributes(path) => self.open = true,
            Value::Object(fields) if is_by_name(path, kind) => {
                let place = self.by_name.get_or_insert_default();
                for value in fields.values() {
                    place.learn(value, &below("*"), kind);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.fields.entry(name.clone()).or_default().learn(value, &below(name), kind);
                }
            }
            _ => {}
        }
    }

    fn schema(&self) -> Value {
        let types: Vec<&str> = self.types.iter().copied().collect();
        let mut schema = serde_json::Map::new();
        match types[..] {
            [] => {}
            [one] => drop(schema.insert("type".into(), one.into())),
            _ => drop(schema.insert("type".into(), types.into())),
        }
        if !self.fields.is_empty() {
            let fields = self.fields.iter().map(|(name, place)| (name.clone(), place.schema()));
            schema.insert("properties".into(), Value::Object(fields.collect()));
            let always = self.fields.iter().filter(|(_, place)| place.seen == self.seen);
            let always: Vec<&str> = always.map(|(name, _)| name.as_str()).collect();
            if !always.is_empty() {
                schema.insert("required".into(), always.into());
            }
        }
        if let Some(items) = &self.items {
            schema.insert("items".into(), items.schema());
        }
        if let Some(by_name) = &self.by_name {
            schema.insert("additionalProperties".into(), by_name.schema());
        }
        if self.open {
            schema.insert("additionalProperties".into(), true.into());
        }
        Value::Object(schema)
    }
}

fn holds_attributes(path: &[&str]) -> bool {
    let change = matches!(path, [.., "changes", "[]", "from" | "to"] | ["pins", "*"]);
    change || path.last().is_some_and(|name| ATTRIBUTES.contains(name))
}

fn is_by_name(path: &[&str], kind: Kind) -> bool {
    let settings = kind.action == "nix_config_changed" && matches!(path, ["from" | "to"]);
    settings || path.last().is_some_and(|name| BY_NAME.contains(name))
}

fn reference() -> Value {
    let mut runner = TestRunner::deterministic();
    let strategy = any::event();
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    for _ in 0..SAMPLES {
        let (kind, payload) = encode(&strategy.new_tree(&mut runner).unwrap().current()).unwrap();
        let payload: Value = serde_json::from_str(&payload).unwrap();
        places.entry(kind.name()).or_default().learn(&payload, &[], kind);
    }
    for kind in EVENTS {
        // Made-up numbers are seldom small enough to be written as such.
        let (_, payload) = encode(&sample::event(*kind)).unwrap();
        let payload: Value = serde_json::from_str(&payload).unwrap();
        places.entry(kind.name()).or_default().learn(&payload, &[], *kind);
    }
    let event = |kind: &Kind| {
        let (_, example) = encode(&sample::event(*kind)).unwrap();
        json!({
            "type": kind.name(),
            "doc": kind.doc,
            "schema_version": kind.schema,
            "payload": places.get(&kind.name()).map_or(Value::Null, Place::schema),
            "example": serde_json::from_str::<Value>(&example).unwrap(),
        })
    };
    json!({ "schema": "cim-nix/event-schema/1", "events": EVENTS.iter().map(event).collect::<Vec<_>>() })
}

#[test]
fn the_reference_has_every_field_that_is_written() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/event-schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&reference()).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        #[expect(clippy::disallowed_methods, reason = "a developer asked for it")]
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        kept == text,
        "assets/event-schema.json is not what is written; run with UPDATE=1, then `--test it reference`"
    );
}
