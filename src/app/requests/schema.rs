//! The wire as data: subjects, headers, codes, and a JSON Schema for every body, made from the tables that answer.

use serde_json::{Map, Value, json};

use super::command::{COMMANDS, Field};
use super::query::{AS_OF, QUERIES};
use crate::bus::envelope::FIELDS;
pub use crate::bus::header::{OF_EVENTS, OF_REQUESTS};

/// Every code that a reply may carry, with its status and what it means.
pub const CODES: &[(&str, &str, &str)] = &[
    ("done", "accepted", "it was done, or answered"),
    ("repeated", "accepted", "a command of this id was done before; it has no effect again"),
    ("invalid", "rejected", "a field is missing or not as it must be; `field` names it"),
    ("unknown_command", "rejected", "no command of this name is published"),
    ("unknown_query", "rejected", "no query of this name is published"),
    ("not_supported", "rejected", "it is published, and this release does not do it"),
    (
        "not_allowed",
        "rejected",
        "this machine accepts no such command from others, nor does any that could be asked: `sync.commands`",
    ),
    ("owned_by", "rejected", "another machine's business; `origin` names whom to address"),
    ("outside_roots", "rejected", "the path lies below no root that the machine shares"),
    ("not_found", "rejected", "nothing is known under that name, or what is known is not shared"),
    ("ambiguous", "rejected", "several are known under that name"),
    ("refused", "rejected", "it cannot be done, and nothing is broken; `message` says why"),
    ("oversized", "rejected", "a request has at most 64 KiB, headers and body together"),
    ("stopping", "rejected", "the service stops before it is done; ask again"),
    ("conflict", "error", "something else wrote at the same time; ask again"),
    ("store", "error", "the database cannot be used"),
    ("busy", "error", "too many requests wait; ask again later"),
    ("too_large", "error", "the answer is larger than a message may be; ask for less"),
    ("internal", "error", "a mistake in cim-nix"),
    ("unknown_subject", "error", "the subject is not of the grammar"),
];

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Everything that goes over the wire.
pub fn document() -> Value {
    let named = |list: &[(&str, &str)]| -> Value {
        list.iter().map(|(name, doc)| json!({ "name": name, "doc": doc })).collect()
    };
    let commands = COMMANDS.iter().map(|command| {
        json!({
            "subject": format!("nix.cmd.{}", command.name), "doc": command.doc, "done": command.is_done(),
            "request": request(command.fields),
        })
    });
    let queries = QUERIES.iter().map(|query| {
        let mut result = query.result.schema();
        result["$schema"] = json!(DRAFT);
        json!({
            "subject": format!("nix.query.{}", query.name), "doc": query.doc, "request": request(query.fields),
            "result": result,
        })
    });
    let codes = CODES.iter().map(|(code, status, doc)| json!({ "code": code, "status": status, "doc": doc }));
    json!({
        "event": { "headers": named(OF_EVENTS), "body": envelope(), "example": example_event() },
        "headers": named(OF_REQUESTS),
        "commands": commands.collect::<Value>(),
        "queries": queries.collect::<Value>(),
        "reply": reply(),
        "codes": codes.collect::<Value>(),
        "examples": examples(),
    })
}

/// The schema of an event's body.
fn envelope() -> Value {
    let properties = FIELDS.iter().map(|field| {
        let mut schema = match field.kind {
            "id" => json!({ "type": "string", "format": "uuid" }),
            "time" => json!({ "type": ["string", "integer"], "format": "date-time" }),
            "count" => json!({ "type": "integer", "minimum": 1 }),
            "hash" => json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
            "text" => json!({ "type": "string" }),
            _ => json!({ "type": ["object", "null"] }),
        };
        schema["description"] = json!(field.doc);
        (field.name.to_owned(), schema)
    });
    let required: Value = FIELDS.iter().filter(|field| field.always).map(|field| json!(field.name)).collect();
    object(&properties.collect(), &required)
}

/// The schema of a request's own fields.
fn request(fields: &[Field]) -> Value {
    let properties = fields.iter().map(|field| {
        let mut schema = json!({ "type": field.json, "description": field.must });
        match field.json {
            "string" => schema["minLength"] = json!(1),
            "integer" => schema["minimum"] = json!(1),
            _ => {}
        }
        (field.name.to_owned(), schema)
    });
    let required: Value = fields.iter().filter(|field| field.required).map(|field| json!(field.name)).collect();
    object(&properties.collect(), &required)
}

/// The schema of every reply to a command or a query.
fn reply() -> Value {
    let codes: Vec<&str> = CODES.iter().map(|(code, _, _)| *code).collect();
    let text = |doc: &str| json!({ "type": "string", "description": doc });
    let properties = [
        ("ok", json!({ "type": "boolean", "description": "whether it was done" })),
        ("status", json!({ "enum": ["accepted", "rejected", "error"], "description": "in a word" })),
        ("code", json!({ "enum": codes, "description": "why, for programs" })),
        ("message", text("why, for people")),
        (
            "events",
            json!({ "type": "array", "items": { "type": "string", "format": "uuid" }, "description": "the shared events that a command brought about" }),
        ),
        ("command_id", text("the command, as it was named or was given a name")),
        ("query_id", text("the query, likewise")),
        ("correlation_id", text("the conversation")),
        ("answered_by", text("the machine that answers")),
        ("origin", text("with `owned_by`: the machine to address")),
        ("field", text("with `invalid`: the field")),
        (
            "as_of",
            json!({ "type": "array", "items": AS_OF.schema(), "description": "with a query: how fresh each machine's part of the answer is" }),
        ),
        (
            "result",
            json!({ "type": "object", "description": "with a query: the answer, as the query's own `result` describes it" }),
        ),
    ];
    let properties = properties.into_iter().map(|(name, schema)| (name.to_owned(), schema));
    object(&properties.collect(), &json!(["ok", "status", "code", "message", "events", "answered_by"]))
}

fn object(properties: &Map<String, Value>, required: &Value) -> Value {
    json!({ "$schema": DRAFT, "type": "object", "properties": properties, "required": required, "additionalProperties": true })
}

/// Requests with replies to them, each as it was seen on a real server, ids apart.
fn examples() -> Value {
    const COMMAND: &str = "01935c1d-ffff-7000-8000-000000000001";
    json!([
        {
            "subject": "nix.cmd.flake.scan.UABC",
            "request": { "message_id": COMMAND, "path": "/home/ada/src" },
            "reply": {
                "ok": true, "status": "accepted", "code": "done", "message": "4 flakes seen",
                "answered_by": "UABC", "command_id": COMMAND, "correlation_id": COMMAND,
                "events": ["01935c1d-ffff-7000-8000-000000000002"],
            },
        },
        {
            "subject": "nix.cmd.flake.add_input.UABC",
            "request": {
                "message_id": COMMAND, "flake": "/home/ada/src/infra", "name": "flake-utils",
                "url": "github:numtide/flake-utils",
            },
            "reply": {
                "ok": true, "status": "accepted", "code": "done",
                "message": "added the input `flake-utils`; its lock is left to whoever runs `nix flake lock` there",
                "answered_by": "UABC", "command_id": COMMAND, "correlation_id": COMMAND,
                "events": ["01935c1d-ffff-7000-8000-000000000004", "01935c1d-ffff-7000-8000-000000000005"],
            },
        },
        {
            "subject": "nix.cmd.flake.create",
            "request": { "path": "/home/ada/.ssh" },
            "reply": {
                "ok": false, "status": "rejected", "code": "invalid", "field": "path", "events": [],
                "message": "`path` must be an absolute path that is not there, of a directory in one that is, below a root that the machine shares; its name begins with a letter, a digit or `_`",
                "answered_by": "UABC", "command_id": COMMAND, "correlation_id": COMMAND,
            },
        },
        {
            "subject": "nix.cmd.config.activate",
            "request": {},
            "reply": {
                "ok": false, "status": "rejected", "code": "not_supported", "events": [],
                "message": "not supported over the wire: a person activates, on the machine itself",
                "answered_by": "UABC", "command_id": COMMAND, "correlation_id": COMMAND,
            },
        },
        {
            "subject": "nix.query.flake.get_inputs",
            "request": { "flake": "/home/ada/src/infra" },
            "reply": {
                "ok": true, "status": "accepted", "code": "done", "events": [], "query_id": COMMAND, "correlation_id": COMMAND,
                "answered_by": "UABC",
                "message": "The inputs of a flake, with what they are locked to.",
                "as_of": [{ "origin": "UABC", "machine": "desk", "recorded_at": "2026-11-24T10:01:00Z", "own": true }],
                "result": { "inputs": [{
                    "name": "nixpkgs", "url": "github:NixOS/nixpkgs/nixos-26.05", "attrs": null, "follows": null,
                    "flake": true, "node": "nixpkgs",
                    "locked": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "647b2b7cc2b4e0e8b0ccb64c4a7d0e7f1f3a2b1c" },
                }] },
            },
        },
    ])
}

fn example_event() -> Value {
    json!({
        "event_id": "01935c1d-ffff-7000-8000-000000000002", "stream": "flake/01935c1d-ffff-7000-8000-000000000003",
        "version": 4, "type": "flake.moved", "schema_version": 1, "occurred_at": "2026-11-24T10:01:00.000004Z",
        "recorded_at": "2026-11-24T10:01:00.000007Z", "correlation_id": "01935c1d-ffff-7000-8000-000000000001",
        "causation_id": "01935c1d-ffff-7000-8000-000000000001", "actor": "ada@desk", "origin": "UABC",
        "origin_sequence": 7, "origin_chain": "c7f1092dbf1e5a04093d6c7c945d67a01ab1198c6ff9124fe41befa50716954f",
        "content_id": "bafkr4idoi3orbxx4tnlmfgtoyvvvbdbb6vgaqgjbstsn6jn7g3ymtq6cpe",
        "payload": { "from": "/home/ada/infra", "to": "/home/ada/src/infra" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_is_given_is_in_the_table_and_the_other_way_round() {
        let sources: [&str; 6] = [
            include_str!("../requests.rs"),
            include_str!("command.rs"),
            include_str!("command/write.rs"),
            include_str!("query.rs"),
            include_str!("reply.rs"),
            include_str!("../../bus/answer.rs"),
        ];
        let mut given: Vec<&str> = vec!["done", "repeated"];
        let starts = ["rejected(", "error(", "refusal(true,"];
        for (source, start) in sources.iter().flat_map(|source| starts.map(|start| (source, start))) {
            let text = |rest: &'static str| rest.trim_start().strip_prefix('"')?.split('"').next();
            given.extend(source.split(start).skip(1).filter_map(text));
        }
        for code in &given {
            assert!(CODES.iter().any(|(known, _, _)| known == code), "{code} is not in the table");
        }
        for (code, _, _) in CODES {
            assert!(given.contains(code), "{code} is never given");
        }
    }

    #[test]
    fn the_example_is_an_event_that_can_be_read() {
        let body = example_event().to_string();
        crate::bus::Envelope::read("nix.ledger.UABC.flake.moved", None, body.as_bytes()).unwrap();
    }
}
