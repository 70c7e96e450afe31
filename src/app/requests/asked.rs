//! What was asked: subject, identity and payload, in any dialect of CIM.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::clock::Clock;
use super::reply::Refusal;
use crate::bus::{Request, header};
use crate::domain::id::{CausationId, CorrelationId, MessageId, read_id};
use crate::domain::message::MessageIdentity;

/// A command or a query.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    kind: Kind,
    /// What it asks for: `flake.scan`.
    pub(super) what: String,
    /// Its place in the conversation.
    pub(super) identity: MessageIdentity,
    /// Whether it said which message it is: only then can it be told from another one.
    pub(super) named: bool,
    /// The field or header that is not as it must be, and what it must be: the one in which it says which message it is, when
    /// that is no id, or who asks, when that is too long a name.
    unfit: Option<(&'static str, &'static str)>,
    /// Who asks, in their own words.
    pub(super) actor: Option<String>,
    /// Its own fields; none when the body is no JSON object.
    pub(super) fields: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Command,
    Query,
}

/// Where other domains put a command's own fields.
const WRAPPERS: [&str; 3] = ["command", "payload", "query"];

impl Asked {
    /// Reads a request; none when its subject is not of the grammar.
    pub(super) fn read(subject: &str, request: &Request, clock: &Clock) -> Option<Self> {
        let mut tokens = subject.strip_prefix("nix.")?.split('.');
        let kind = match tokens.next()? {
            "cmd" => Kind::Command,
            "query" => Kind::Query,
            _ => return None,
        };
        let what = format!("{}.{}", tokens.next()?, tokens.next()?);
        // A fifth token names the machine: only its own ever arrives.
        if tokens.nth(1).is_some() {
            return None;
        }
        let body: Option<Value> = if request.body.is_empty() {
            Some(Value::Object(Map::new()))
        } else {
            serde_json::from_slice(&request.body).ok()
        };
        let body = body.unwrap_or(Value::Null);
        let (identity, named) = identity(request, &body, clock);
        let actor = actor(request, &body);
        let misread = if named { None } else { misread(request, &body) };
        let too_long = actor.filter(|(_, name)| name.len() > LONGEST_ACTOR);
        let unfit = misread.map(|field| (field, "a UUID"));
        let unfit = unfit.or_else(|| too_long.map(|(field, _)| (field, "a name of at most 256 bytes")));
        let actor = actor.filter(|_| too_long.is_none()).map(|(_, name)| name.to_owned());
        Some(Self { kind, what, identity, named, unfit, actor, fields: fields(body) })
    }

    /// Who names a message and is not understood would not be recognised when it comes again; and a name of any length would
    /// stand in events that nobody takes in.
    pub(super) fn refuse_unfit(&self) -> Result<(), Refusal> {
        self.unfit.map_or(Ok(()), |(field, must)| Err(Refusal::invalid(field, must)))
    }

    /// Whether it asks for something to be done.
    pub(super) fn is_command(&self) -> bool {
        self.kind == Kind::Command
    }

    /// One of its fields.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.as_ref().and_then(|fields| fields.get(name)).filter(|value| !value.is_null())
    }
}

fn fields(body: Value) -> Option<Map<String, Value>> {
    let Value::Object(mut outer) = body else { return None };
    for wrapper in WRAPPERS {
        if let Some(Value::Object(_)) = outer.get(wrapper)
            && let Some(Value::Object(inner)) = outer.remove(wrapper)
        {
            return Some(inner);
        }
    }
    Some(outer)
}

/// Where a message says which one it is, and means nothing else.
const OWN_IDS: [&str; 3] = ["message_id", "command_id", "query_id"];
const OWN_HEADERS: [&str; 2] = [header::MESSAGE_ID, "X-Command-ID"];

/// Where it is said who asks, in a header or in the body.
const ACTOR_HEADERS: [&str; 3] = [header::ACTOR, "X-User-ID", "Sender"];
const ACTOR_FIELDS: [&str; 2] = ["issued_by", "actor"];
/// The longest name of who asks, in bytes.
const LONGEST_ACTOR: usize = 256;

/// Who asks, and where that is said.
fn actor<'a>(request: &'a Request, body: &'a Value) -> Option<(&'static str, &'a str)> {
    let in_header = |name: &'static str| request.header(&[name]).map(|actor| (name, actor));
    let in_body = |name: &'static str| body[name].as_str().map(|actor| (name, actor));
    ACTOR_HEADERS.into_iter().find_map(in_header).or_else(|| ACTOR_FIELDS.into_iter().find_map(in_body))
}

fn misread(request: &Request, body: &Value) -> Option<&'static str> {
    let places = [&body["identity"], &body["metadata"], &body["command"]["identity"], body];
    let in_body = OWN_IDS.into_iter().find(|name| places.iter().any(|place| !place[*name].is_null()));
    in_body.or_else(|| OWN_HEADERS.into_iter().find(|name| request.header(&[*name]).is_some()))
}

/// Body before headers, own words before those of others; what is missing is a root's.
fn identity(request: &Request, body: &Value, clock: &Clock) -> (MessageIdentity, bool) {
    let from_body = |names: &[&str]| {
        let places = [&body["identity"], &body["metadata"], &body["command"]["identity"], body];
        places.iter().find_map(|place| names.iter().find_map(|name| read_id(&place[*name])))
    };
    let from_headers = |names: &[&str]| request.header(names).and_then(|text| read_id(&Value::String(text.to_owned())));
    let id = |body_names: &[&str], header_names: &[&str]| from_body(body_names).or_else(|| from_headers(header_names));
    let message: Option<Uuid> = id(
        &["message_id", "command_id", "query_id", "id"],
        &[header::MESSAGE_ID, "X-Command-ID", "Message-Id", "CIM-Message-Id", header::NATS_MSG_ID],
    );
    let correlation = id(&["correlation_id"], &[header::CORRELATION_ID, "CIM-Correlation-Id", "Correlation-Id"]);
    let causation = id(&["causation_id"], &[header::CAUSATION_ID, "Cim-Causation-Id", "In-Reply-To"]);
    let own = message.unwrap_or_else(|| clock.new_id());
    let correlation = correlation.unwrap_or(own);
    let identity = MessageIdentity {
        message_id: MessageId::new(own),
        correlation_id: CorrelationId::new(correlation),
        causation_id: CausationId::new(causation.unwrap_or(correlation)),
    };
    (identity, message.is_some())
}

#[cfg(test)]
mod tests {
    use async_nats::HeaderMap;
    use serde_json::json;

    use super::*;

    const ID: &str = "01935c1d-ffff-7000-8000-000000000001";
    const OTHER: &str = "01935c1d-ffff-7000-8000-000000000002";

    fn asked(subject: &str, headers: &[(&str, &str)], body: &Value) -> Option<Asked> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, *value);
        }
        let request = Request { subject: subject.to_owned(), headers: map, body: body.to_string().into_bytes() };
        Asked::read(subject, &request, &Clock::fixed(1_700_000_000_000_000))
    }

    #[test]
    fn subjects_outside_the_grammar_are_nothing() {
        for subject in ["nix.cmd.flake", "nix.event.flake.created", "nix.cmd.a.b.c.d", "other.cmd.a.b", "nix"] {
            assert!(asked(subject, &[], &json!({})).is_none(), "{subject}");
        }
        let asked = asked("nix.cmd.flake.scan.UABC", &[], &json!({})).unwrap();
        assert_eq!((asked.what.as_str(), asked.is_command()), ("flake.scan", true));
    }

    #[test]
    fn every_dialect_of_identity_is_read() {
        for (headers, body) in [
            (vec![], json!({ "identity": { "message_id": ID, "correlation_id": OTHER } })),
            (
                vec![],
                json!({ "identity": { "message_id": { "Uuid": ID }, "correlation_id": { "kind": "Single", "value": OTHER } } }),
            ),
            (
                vec![("X-Command-ID", ID), ("X-Correlation-ID", "correlation:01935c1d-ffff-7000-8000-000000000002")],
                json!({}),
            ),
            (vec![("CIM-Correlation-Id", OTHER), ("Message-Id", ID)], json!({})),
            (vec![("X-Correlation-ID", OTHER)], json!({ "id": ID, "command": { "path": "/x" } })),
        ] {
            let asked = asked("nix.cmd.flake.scan", &headers, &body).unwrap();
            let identity = asked.identity;
            assert_eq!(identity.message_id.uuid().to_string(), ID, "{headers:?} {body}");
            assert_eq!(identity.correlation_id.uuid().to_string(), OTHER);
            assert_eq!(identity.causation_id.uuid().to_string(), OTHER, "a missing causation is the conversation's");
            assert!(asked.named);
        }
    }

    #[test]
    fn an_id_that_is_none_is_refused_by_the_name_of_its_field() {
        for (headers, body, field) in [
            (vec![], json!({ "message_id": "xx" }), "message_id"),
            (vec![], json!({ "identity": { "command_id": 7 } }), "command_id"),
            (vec![("X-Command-ID", "zz")], json!({}), "X-Command-ID"),
        ] {
            let asked = asked("nix.cmd.flake.scan", &headers, &body).unwrap();
            assert_eq!(asked.refuse_unfit(), Err(Refusal::invalid(field, "a UUID")), "{headers:?} {body}");
        }
        // What has an id all the same, or never meant one.
        for (headers, body) in [
            (vec![], json!({ "message_id": "xx", "command_id": ID })),
            (vec![("X-Command-ID", ID)], json!({ "message_id": null })),
            (vec![("Nats-Msg-Id", "anything")], json!({ "id": "an input" })),
        ] {
            assert_eq!(asked("nix.cmd.flake.scan", &headers, &body).unwrap().refuse_unfit(), Ok(()), "{body}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_refused_by_the_name_of_its_field() {
        let (longest, long) = ("x".repeat(LONGEST_ACTOR), "x".repeat(LONGEST_ACTOR + 1));
        for field in ["X-Actor", "X-User-ID", "Sender", "issued_by", "actor"] {
            let named = |name: &str| {
                let in_body = ACTOR_FIELDS.contains(&field);
                let headers = if in_body { vec![] } else { vec![(field, name)] };
                let body = if in_body { json!({ field: name }) } else { json!({}) };
                asked("nix.cmd.flake.scan", &headers, &body).unwrap()
            };
            let must = "a name of at most 256 bytes";
            assert_eq!(named(&long).refuse_unfit(), Err(Refusal::invalid(field, must)), "{field}");
            assert_eq!((named(&longest).refuse_unfit(), named(&longest).actor), (Ok(()), Some(longest.clone())));
        }
    }

    #[test]
    fn fields_may_stand_in_a_wrapper() {
        for body in
            [json!({ "path": "/x" }), json!({ "command": { "path": "/x" } }), json!({ "payload": { "path": "/x" } })]
        {
            assert_eq!(asked("nix.cmd.flake.scan", &[], &body).unwrap().field("path"), Some(&json!("/x")));
        }
        assert!(asked("nix.cmd.flake.scan", &[], &json!([1])).unwrap().fields.is_none());
    }
}
