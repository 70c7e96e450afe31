//! The reference of the wire, made from the tables that answer requests and from the envelope of events.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::app::requests::schema;

/// `cim-nix/wire-schema/1`.
#[derive(Debug, Serialize)]
pub(super) struct Schema {
    schema: &'static str,
    #[serde(flatten)]
    wire: Value,
}

/// The whole reference as data.
pub(super) fn document() -> Schema {
    Schema { schema: "cim-nix/wire-schema/1", wire: schema::document() }
}

/// The whole reference.
pub(super) fn markdown() -> String {
    let document = schema::document();
    let mut text = String::from(
        "<!-- Made by `cim-nix util wire-schema`; a test keeps it so. -->\n\n# The wire\n\n\
         What goes over NATS. `cim-nix util wire-schema --json` prints the same with a JSON Schema for every body. Fields, \
         codes and subjects are only added to.\n\n\
         | subject | what it is |\n|---|---|\n\
         | `nix.ledger.<origin>.<aggregate>.<action>` | an event, for the exchange between machines: stream `NIX_LEDGER` |\n\
         | `nix.event.<aggregate>.<action>` | the same event for everybody, made by the server: stream `NIX_EVENTS` |\n\
         | `nix.cmd.<aggregate>.<action>` | a command to one of the machines that accept it |\n\
         | `nix.cmd.<aggregate>.<action>.<origin>` | a command to one machine |\n\
         | `nix.query.<aggregate>.<action>` | a query to any machine |\n\
         | `nix.query.<aggregate>.<action>.<origin>` | a query to one machine |\n\
         | `health.cim-domain-nix`, `health.nix` | how a machine is |\n\
         | `discovery.cim-domain-nix` | what a machine can do; also published to `discovery.announce` when `serve` connects |\n\
         | `metrics.nix` | the counts of `/metrics` as JSON, below `metrics` each by its name there without `cim_nix_` and `_total` |\n\
         | `$SRV.PING`, `$SRV.INFO`, `$SRV.STATS` | the same service, as NATS tools look for it |\n\n\
         An origin is the public key of a ledger, as `cim-nix info` shows it. Requests are answered while `serve` runs.\n",
    );
    text.push_str("\n## Events\n\nThe body is the whole envelope; [Events](events.md) describes every payload.\n\n");
    body(&document["event"]["body"], &mut text);
    text.push_str("\nThe same facts stand in headers:\n\n");
    headers(&document["event"]["headers"], &mut text);
    let _ = writeln!(text, "\n```json\n{}\n```", pretty(&document["event"]["example"]));
    text.push_str(
        "\n## Requests\n\nA request is a JSON object with the fields below, or an empty body when there are none. They may stand \
         in `command`, `query` or `payload`, as other domains write them. Who it is may stand in headers:\n\n",
    );
    headers(&document["headers"], &mut text);
    text.push_str(
        "\n### Commands\n\nA machine does only what its setting `sync.commands` names, which is empty by default. A command to any \
         machine goes to one of those that accept it; where there are none, one of the others answers, with `not_allowed`. Who accepts \
         a command says so on `discovery.cim-domain-nix.nix.cmd.<aggregate>.<action>`, which a machine asks before it refuses. \
         A command reaches what the machine shares, and nothing else.\n\n\
         | subject | fields | done | what it does |\n|---|---|---|---|\n",
    );
    for command in list(&document["commands"]) {
        let done = if command["done"] == true { "yes" } else { "no" };
        let (subject, doc) = (word(&command["subject"]), word(&command["doc"]));
        let _ = writeln!(text, "| `{subject}` | {} | {done} | {doc} |", fields(&command["request"]));
    }
    text.push_str(
        "\n### Queries\n\nAn answer holds what the machine that answers shares, and what others shared with it. What is private is answered \
         for as what there is not, and counts in no `total`.\n\n| subject | fields | what it answers |\n|---|---|---|\n",
    );
    for query in list(&document["queries"]) {
        let (subject, doc) = (word(&query["subject"]), word(&query["doc"]));
        let _ = writeln!(text, "| `{subject}` | {} | {doc} |", fields(&query["request"]));
    }
    text.push_str(
        "\n## Replies\n\nEvery command and query is answered, at a reply subject that begins with `_`, as inboxes do; one that \
         names another subject is passed over and not done. A command's events belong to the asker's conversation; their cause is \
         the command, or, for a scan, the command `observe` that it makes for each flake. What is no success says so in headers \
         as well, where NATS tools look: `Nats-Service-Error` is its code, `Nats-Service-Error-Code` 400 when it was rejected and \
         500 otherwise; `$SRV.STATS` counts both, in `data` of each endpoint. `cim-nix util wire-schema --json` has the schema of \
         each query's result.\n\n",
    );
    body(&document["reply"], &mut text);
    text.push_str("\n| code | status | meaning |\n|---|---|---|\n");
    for code in list(&document["codes"]) {
        let _ = writeln!(text, "| `{}` | {} | {} |", word(&code["code"]), word(&code["status"]), word(&code["doc"]));
    }
    text.push_str("\n## Examples\n");
    for example in list(&document["examples"]) {
        let _ = writeln!(text, "\n`{}`\n\n```json\n{}\n```", word(&example["subject"]), pretty(&example["request"]));
        let _ = writeln!(text, "\n```json\n{}\n```", pretty(&example["reply"]));
    }
    text
}

fn body(schema: &Value, text: &mut String) {
    let required = list(&schema["required"]);
    text.push_str("| field | type | always | holds |\n|---|---|---|---|\n");
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let always = if required.iter().any(|one| one == name) { "yes" } else { "no" };
        let _ = writeln!(text, "| `{name}` | {} | {always} | {} |", kind(field), word(&field["description"]));
    }
}

fn headers(named: &Value, text: &mut String) {
    text.push_str("| header | holds |\n|---|---|\n");
    for header in list(named) {
        let _ = writeln!(text, "| `{}` | {} |", word(&header["name"]), word(&header["doc"]));
    }
}

fn fields(schema: &Value) -> String {
    let required = list(&schema["required"]);
    let field = |(name, field): (&String, &Value)| {
        let may = if required.iter().any(|one| one == name) { "" } else { ", if wanted" };
        format!("`{name}`: {}{may}", word(&field["description"]))
    };
    let fields: Vec<String> = schema["properties"].as_object().into_iter().flatten().map(field).collect();
    if fields.is_empty() { "none".to_owned() } else { fields.join("; ") }
}

fn kind(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(one) => one.clone(),
        Value::Array(some) => some.iter().map(word).collect::<Vec<_>>().join(" or "),
        _ => "string".to_owned(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
