//! The reference of the wire: its examples fit its schemas, and what is not as it must be does not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a document that is not whole fails its test")]

use std::fs;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::parts::repository;

fn document() -> Value {
    cim_domain_nix::app::requests::schema::document()
}

/// What of a value does not fit a schema; of JSON Schema, the words that our schemas use.
fn misfits(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    };
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().map(|kind| kind.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind)) {
        found.push(format!("{at}: {value} is no {kinds:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    let text = value.as_str().unwrap_or_default();
    if schema["format"] == "uuid" && Uuid::parse_str(text).is_err() {
        found.push(format!("{at}: {text} is no UUID"));
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        assert_eq!(pattern, "^[0-9a-f]{64}$", "the only pattern there is");
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            found.push(format!("{at}: {text} is no hash"));
        }
    }
    if value.as_str().is_some_and(str::is_empty) && schema["minLength"] == 1 {
        found.push(format!("{at}: is empty"));
    }
    if schema["minimum"].as_i64().is_some_and(|least| value.as_i64().is_some_and(|number| number < least)) {
        found.push(format!("{at}: {value} is too small"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            found.push(format!("{at}: no {name}"));
        }
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            found.extend(misfits(below, value, &format!("{at}.{name}")));
        }
    }
    if let (true, Some(items)) = (schema["items"].is_object(), value.as_array()) {
        found.extend(items.iter().flat_map(|item| misfits(&schema["items"], item, &format!("{at}[]"))));
    }
    found
}

#[test]
fn every_example_of_the_reference_fits_its_schema() {
    let document = document();
    let event = &document["event"];
    assert_eq!(misfits(&event["body"], &event["example"], "event"), Vec::<String>::new());
    let subjects: Vec<&Value> =
        ["commands", "queries"].iter().flat_map(|list| document[*list].as_array().unwrap()).collect();
    let examples = document["examples"].as_array().unwrap();
    assert!(examples.len() >= 3);
    for example in examples {
        let subject = example["subject"].as_str().unwrap();
        let four: Vec<&str> = subject.split('.').take(4).collect();
        let four = four.join(".");
        let published = subjects.iter().find(|published| published["subject"] == four.as_str()).unwrap();
        assert_eq!(misfits(&published["request"], &example["request"], subject), Vec::<String>::new());
        assert_eq!(misfits(&document["reply"], &example["reply"], subject), Vec::<String>::new());
    }
}

#[test]
fn the_page_holds_the_examples_as_they_are() {
    let page = fs::read_to_string(repository().join("docs/reference/wire.md")).unwrap();
    let shown: Vec<Value> = page
        .split("```json\n")
        .skip(1)
        .filter_map(|block| block.split("\n```").next())
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let document = document();
    let examples = document["examples"].as_array().unwrap();
    let expected = examples.iter().flat_map(|example| [example["request"].clone(), example["reply"].clone()]);
    assert_eq!(shown, std::iter::once(document["event"]["example"].clone()).chain(expected).collect::<Vec<_>>());
}

#[test]
fn what_is_not_as_it_must_be_does_not_fit() {
    let document = document();
    let (body, reply) = (&document["event"]["body"], &document["reply"]);
    let spoilt = |name: &str, value: Value| {
        let mut event = document["event"]["example"].clone();
        event[name] = value;
        misfits(body, &event, "event").len()
    };
    for (name, value) in [
        ("event_id", json!("x")),
        ("version", json!(0)),
        ("origin_chain", json!("AB")),
        ("payload", json!(7)),
        ("type", Value::Null),
    ] {
        assert_eq!(spoilt(name, value), 1, "{name}");
    }
    let mut answer = document["examples"][0]["reply"].clone();
    answer["code"] = json!("maybe");
    answer.as_object_mut().unwrap().remove("ok");
    assert_eq!(misfits(reply, &answer, "reply").len(), 2);
}
