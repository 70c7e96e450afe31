//! The schemas that other services are given, put to work: a validator of JSON Schema that is not ours looks at the
//! examples, at every event that any test leaves on an exchange, and at every reply that a test is given.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test makes its own world")]

use std::collections::HashMap;
use std::time::Duration;

use boon::{Compiler, SchemaIndex, Schemas};
use cim_domain_nix::app::clock::Clock;
use cim_domain_nix::app::requests::schema;
use cim_domain_nix::bus::header::OF_EVENTS;
use cim_domain_nix::bus::{Bus, Layout, Link, Message, Target};
use serde_json::Value;

use crate::parts::repository;

/// The schemas, compiled.
pub(crate) struct Contract {
    schemas: Schemas,
    event: SchemaIndex,
    reply: SchemaIndex,
    /// Of commands and queries, by subject.
    requests: HashMap<String, SchemaIndex>,
    /// Of what queries answer, by subject, with no field that is not described.
    results: HashMap<String, SchemaIndex>,
    /// Of events, by type and schema version.
    payloads: HashMap<(String, u64), SchemaIndex>,
}

thread_local! {
    static CONTRACT: Contract = Contract::new();
}

/// The reference of the events, as it is committed.
pub(crate) fn events() -> Vec<Value> {
    let text = std::fs::read_to_string(repository().join("assets/event-schema.json")).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(document["events"].take()).unwrap()
}

impl Contract {
    fn new() -> Self {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        let mut schemas = Schemas::new();
        let mut add = |name: &str, schema: &Value| {
            let place = format!("https://cim-nix.invalid/{name}");
            compiler.add_resource(&place, schema.clone()).unwrap();
            compiler.compile(&place, &mut schemas).unwrap_or_else(|error| panic!("{name} is no schema: {error:#}"))
        };
        let document = schema::document();
        let (event, reply) = (add("event", &document["event"]["body"]), add("reply", &document["reply"]));
        let published = ["commands", "queries"].iter().flat_map(|list| document[*list].as_array().unwrap());
        let requests = published.map(|request| {
            let subject = request["subject"].as_str().unwrap();
            (subject.to_owned(), add(subject, &request["request"]))
        });
        let requests = requests.collect();
        let results = document["queries"].as_array().unwrap().iter().map(|query| {
            let subject = query["subject"].as_str().unwrap();
            let mut result = query["result"].clone();
            close(&mut result);
            (subject.to_owned(), add(&format!("{subject}/result"), &result))
        });
        let results = results.collect();
        let payloads = events().into_iter().map(|event| {
            let (kind, version) =
                (event["type"].as_str().unwrap().to_owned(), event["schema_version"].as_u64().unwrap());
            let index = add(&format!("{kind}.{version}"), &event["payload"]);
            ((kind, version), index)
        });
        let payloads = payloads.collect();
        Self { schemas, event, reply, requests, results, payloads }
    }

    fn misfit(&self, schema: SchemaIndex, value: &Value) -> Option<String> {
        self.schemas.validate(value, schema).err().map(|error| format!("{error:#}"))
    }
}

/// What of an event's body, payload included, does not fit.
pub(crate) fn misfit_of_event(body: &Value) -> Option<String> {
    CONTRACT.with(|contract| {
        let kind = (body["type"].as_str().unwrap_or_default().to_owned(), body["schema_version"].as_u64().unwrap_or(0));
        let payload = match contract.payloads.get(&kind) {
            // Erased.
            _ if body["payload"].is_null() => None,
            Some(schema) => contract.misfit(*schema, &body["payload"]),
            None => Some(format!("{kind:?} is not in the reference of events")),
        };
        contract.misfit(contract.event, body).or(payload)
    })
}

/// What of a payload does not fit the schema of its type.
pub(crate) fn misfit_of_payload(kind: &str, version: u64, payload: &Value) -> Option<String> {
    CONTRACT.with(|contract| contract.misfit(contract.payloads[&(kind.to_owned(), version)], payload))
}

/// What of a request to one of the published subjects does not fit.
pub(crate) fn misfit_of_request(subject: &str, request: &Value) -> Option<String> {
    let four = subject.split('.').take(4).collect::<Vec<_>>().join(".");
    CONTRACT.with(|contract| contract.misfit(contract.requests[&four], request))
}

/// Allows no field that a schema does not describe.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(more) = fields.get_mut("additionalProperties") {
                *more = Value::Bool(false);
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// What of the answer to a query does not fit, a field that is not described included.
pub(crate) fn misfit_of_result(subject: &str, result: &Value) -> Option<String> {
    let four = subject.split('.').take(4).collect::<Vec<_>>().join(".");
    CONTRACT.with(|contract| contract.misfit(contract.results[&four], result))
}

/// What of a reply does not fit.
pub(crate) fn misfit_of_reply(reply: &Value) -> Option<String> {
    CONTRACT.with(|contract| contract.misfit(contract.reply, reply))
}

/// Looks at every event on the exchange of a server; how many there were. None when we are not let in, or when there is
/// no exchange.
pub(crate) fn assert_exchange(url: &str) -> Option<usize> {
    let target = Target { servers: vec![url.to_owned()], patience: Duration::from_secs(5), ..Target::default() };
    let bus = Bus::connect(&target, "contract", Link::default()).ok()?;
    let exchange = bus.exchange(&Layout::default(), Clock::system().now()).ok()?;
    let mut events = 0;
    if exchange.last > 0 {
        let mut follow = bus.follow(&exchange, None, 0).unwrap();
        loop {
            let messages = follow.next(500, Duration::from_secs(5)).unwrap();
            let Some(last) = messages.last() else { break };
            let over = last.pending == 0;
            messages.iter().for_each(assert_message);
            events += messages.len();
            if over {
                break;
            }
        }
    }
    Some(events)
}

fn assert_message(message: &Message) {
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    let misfit = misfit_of_event(&body);
    assert_eq!(misfit, None, "{}: {body:#}", message.subject);
    let headers = message.headers.as_ref().unwrap();
    for (name, _) in OF_EVENTS.iter().filter(|(name, _)| !["X-Origin-Signature", "X-Origin-Erasure"].contains(name)) {
        assert!(headers.get(*name).is_some(), "{}: no header {name}", message.subject);
    }
}
