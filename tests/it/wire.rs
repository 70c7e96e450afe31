//! The reference of the wire: its examples fit its schemas, and what is not as it must be does not.

use std::fs;

use serde_json::{Value, json};

use crate::contract::{events, misfit_of_event, misfit_of_payload, misfit_of_reply, misfit_of_request};
use crate::parts::repository;

fn document() -> Value {
    cim_domain_nix::app::requests::schema::document()
}

#[test]
fn every_example_of_the_reference_fits_its_schema() {
    let document = document();
    assert_eq!(misfit_of_event(&document["event"]["example"]), None);
    let examples = document["examples"].as_array().unwrap();
    assert!(examples.len() >= 3);
    for example in examples {
        let subject = example["subject"].as_str().unwrap();
        assert_eq!(misfit_of_request(subject, &example["request"]), None, "{subject}");
        assert_eq!(misfit_of_reply(&example["reply"]), None, "{subject}");
    }
    for event in events() {
        let (kind, version) = (event["type"].as_str().unwrap(), event["schema_version"].as_u64().unwrap());
        assert_eq!(misfit_of_payload(kind, version, &event["example"]), None, "{kind}");
    }
}

#[test]
fn every_golden_file_fits_the_schema_of_its_event() {
    for event in events() {
        let (kind, version) = (event["type"].as_str().unwrap(), event["schema_version"].as_u64().unwrap());
        let path = repository().join(format!("tests/fixtures/events/{kind}.v{version}.json"));
        let golden = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(misfit_of_payload(kind, version, &golden), None, "{kind}");
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
    for (name, value) in [
        ("event_id", json!("x")),
        ("version", json!(0)),
        ("occurred_at", json!("yesterday")),
        ("origin_chain", json!("AB")),
        ("payload", json!(7)),
        ("payload", json!({ "from": 7, "to": "/b" })),
        ("type", Value::Null),
        ("type", json!("flake.transmogrified")),
    ] {
        let mut event = document["event"]["example"].clone();
        event[name] = value;
        assert!(misfit_of_event(&event).is_some(), "{name}: {event}");
    }
    for name in ["event_id", "stream", "version", "type", "origin", "origin_sequence", "origin_chain", "payload"] {
        let mut event = document["event"]["example"].clone();
        event.as_object_mut().unwrap().remove(name);
        assert!(misfit_of_event(&event).is_some(), "without {name}");
    }
    for (name, value) in
        [("code", json!("maybe")), ("status", json!("perhaps")), ("events", json!(["x"])), ("ok", json!(1))]
    {
        let mut answer = document["examples"][0]["reply"].clone();
        answer[name] = value;
        assert!(misfit_of_reply(&answer).is_some(), "{name}");
    }
    assert!(misfit_of_request("nix.query.flake.get", &json!({ "flake": 7 })).is_some());
}
