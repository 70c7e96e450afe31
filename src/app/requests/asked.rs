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
    /// The field or header that is not as it must be, and what it must be: one in which it says which message it is, or where
    /// it belongs, when that is no id, or who asks, when that is too long a name.
    unfit: Option<(&'static str, &'static str)>,
    /// Who asks, in their own words.
    pub(super) actor: Option<String>,
    /// Its own fields; none when the body is no JSON object.
    pub(super) fields: Option<Map<String, Value>>,
    /// Whether that is because its values lie deeper in each other than is read.
    too_deep: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Command,
    Query,
}

/// How deep objects and lists may lie in each other: what the parser reads.
const DEEPEST: usize = 127;

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
        let body = if request.body.is_empty() {
            Ok(Value::Object(Map::new()))
        } else {
            serde_json::from_slice::<Value>(&request.body)
        };
        // The parser has no other word for it.
        let too_deep = body.as_ref().is_err_and(|error| error.to_string().starts_with("recursion limit"));
        let body = body.unwrap_or(Value::Null);
        let (identity, named) = identity(request, &body, clock);
        let actor = actor(request, &body);
        let misread = misread(request, &body);
        let too_long = actor.filter(|(_, name)| name.len() > LONGEST_ACTOR);
        let unfit = misread.map(|field| (field, "a UUID"));
        let unfit = unfit.or_else(|| too_long.map(|(field, _)| (field, "a name of at most 256 bytes")));
        let actor = actor.filter(|_| too_long.is_none()).map(|(_, name)| name.to_owned());
        Some(Self { kind, what, identity, named, unfit, actor, fields: fields(body), too_deep })
    }

    /// Who names a message and is not understood would not be recognised when it comes again; and a name of any length would
    /// stand in events that nobody takes in.
    pub(super) fn refuse_unfit(&self) -> Result<(), Refusal> {
        self.unfit.map_or(Ok(()), |(field, must)| Err(Refusal::invalid(field, must)))
    }

    /// Why a body without fields is refused.
    pub(super) fn refuse_body(&self) -> Refusal {
        let must = if self.too_deep {
            format!("the values of the body lie in each other at most {DEEPEST} deep")
        } else {
            "the body must be a JSON object".to_owned()
        };
        Refusal::rejected("invalid", must)
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

/// The names under which a message says an id of one kind, in bodies and in headers. Those in the middle mean nothing else:
/// what stands there and is no id is refused.
struct Names {
    in_bodies: &'static [&'static str],
    in_headers: &'static [&'static str],
    /// Names that others use for other things as well.
    besides: (&'static [&'static str], &'static [&'static str]),
}

const MESSAGE: Names = Names {
    in_bodies: &["message_id", "command_id", "query_id"],
    in_headers: &[header::MESSAGE_ID, "X-Command-ID"],
    besides: (&["id"], &["Message-Id", "CIM-Message-Id", header::NATS_MSG_ID]),
};
const CORRELATION: Names = Names {
    in_bodies: &["correlation_id"],
    in_headers: &[header::CORRELATION_ID, "CIM-Correlation-Id", "Correlation-Id"],
    besides: (&[], &[]),
};
const CAUSATION: Names = Names {
    in_bodies: &["causation_id"],
    in_headers: &[header::CAUSATION_ID, "Cim-Causation-Id"],
    besides: (&[], &["In-Reply-To"]),
};

/// Where in a body ids may stand: beside the fields, or where other domains put them.
fn places(body: &Value) -> impl Iterator<Item = &Value> + Clone {
    let inside = WRAPPERS.into_iter().flat_map(|wrapper| {
        let inner = &body[wrapper];
        [&inner["identity"], &inner["metadata"], inner]
    });
    [&body["identity"], &body["metadata"], body].into_iter().chain(inside)
}

impl Names {
    /// The id, when one can be read: body before headers, own words before those of others.
    fn read(&self, request: &Request, body: &Value) -> Option<Uuid> {
        let in_body = || places(body).find_map(|place| self.in_bodies.iter().find_map(|name| read_id(&place[*name])));
        // A wrapper holds the fields of the command, and what is called so there is not the message's.
        let outside = || [&body["identity"], &body["metadata"], body].into_iter();
        let beside = || outside().find_map(|place| self.besides.0.iter().find_map(|name| read_id(&place[*name])));
        let of_header = |name: &&str| read_id(&Value::String(request.header(&[*name])?.to_owned()));
        let in_headers = || self.in_headers.iter().chain(self.besides.1).find_map(of_header);
        in_body().or_else(beside).or_else(in_headers)
    }

    /// The field or header that stands for an id and is none.
    fn misread(&self, request: &Request, body: &Value) -> Option<&'static str> {
        if self.read(request, body).is_some() {
            return None;
        }
        let is_said = |name: &&&str| places(body).any(|place| !place[**name].is_null());
        let in_header = |name: &&&str| request.header(&[**name]).is_some();
        self.in_bodies.iter().find(is_said).or_else(|| self.in_headers.iter().find(in_header)).copied()
    }
}

fn misread(request: &Request, body: &Value) -> Option<&'static str> {
    [MESSAGE, CORRELATION, CAUSATION].iter().find_map(|names| names.misread(request, body))
}

/// What is missing is a root's.
fn identity(request: &Request, body: &Value, clock: &Clock) -> (MessageIdentity, bool) {
    let message = MESSAGE.read(request, body);
    let own = message.unwrap_or_else(|| clock.new_id());
    let correlation = CORRELATION.read(request, body).unwrap_or(own);
    let identity = MessageIdentity {
        message_id: MessageId::new(own),
        correlation_id: CorrelationId::new(correlation),
        causation_id: CausationId::new(CAUSATION.read(request, body).unwrap_or(correlation)),
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
            (vec![], json!({ "command": { "command_id": ID, "correlation_id": OTHER, "path": "/x" } })),
            (vec![("X-Correlation-ID", OTHER)], json!({ "payload": { "message_id": { "Uuid": ID }, "path": "/x" } })),
            (vec![], json!({ "query": { "identity": { "query_id": ID, "correlation_id": OTHER }, "flake": "x" } })),
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
            (vec![], json!({ "command": { "command_id": "zz", "path": "/x" } }), "command_id"),
            (vec![], json!({ "message_id": ID, "correlation_id": "zz" }), "correlation_id"),
            (vec![("X-Correlation-ID", "zz")], json!({ "message_id": ID }), "X-Correlation-ID"),
            (vec![("X-Causation-ID", "zz")], json!({}), "X-Causation-ID"),
        ] {
            let asked = asked("nix.cmd.flake.scan", &headers, &body).unwrap();
            assert_eq!(asked.refuse_unfit(), Err(Refusal::invalid(field, "a UUID")), "{headers:?} {body}");
        }
        // What has an id all the same, or never meant one.
        for (headers, body) in [
            (vec![], json!({ "message_id": "xx", "command_id": ID })),
            (vec![("X-Command-ID", ID)], json!({ "message_id": null })),
            (vec![("Nats-Msg-Id", "anything")], json!({ "id": "an input" })),
            (vec![("In-Reply-To", "<letter@example>")], json!({ "payload": { "id": "a flake" } })),
            (vec![("X-Correlation-ID", "zz")], json!({ "correlation_id": OTHER })),
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
    fn a_body_that_is_nested_too_deep_is_refused_with_how_deep_it_may_be() {
        let nested = |depth: usize| format!("{}{}", "{\"x\":".repeat(depth - 1), "{}") + &"}".repeat(depth - 1);
        let read = |text: String| {
            let request = Request { subject: String::new(), headers: HeaderMap::new(), body: text.into_bytes() };
            Asked::read("nix.cmd.flake.scan", &request, &Clock::fixed(1_700_000_000_000_000)).unwrap()
        };
        assert!(read(nested(DEEPEST)).fields.is_some());
        let deeper = read(nested(DEEPEST + 1));
        assert!(deeper.fields.is_none());
        let why = "the values of the body lie in each other at most 127 deep";
        assert_eq!(deeper.refuse_body(), Refusal::rejected("invalid", why));
        assert_eq!(read("[".to_owned()).refuse_body(), Refusal::rejected("invalid", "the body must be a JSON object"));
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
