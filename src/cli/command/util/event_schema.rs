//! The reference of the events: what `assets/event-schema.json` holds, which a test makes from the catalogue and the
//! golden file of every event.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::failure::Failure;

const SCHEMA: &str = include_str!("../../../../assets/event-schema.json");

/// The whole reference as data: `cim-nix/event-schema/1`.
pub(super) const fn json() -> &'static str {
    SCHEMA
}

/// The whole reference.
pub(super) fn markdown() -> Result<String, Failure> {
    let schema: Value = serde_json::from_str(SCHEMA).map_err(Failure::internal)?;
    let mut text = String::from(
        "<!-- Made by `cim-nix util event-schema`; a test keeps it so. -->\n\n# Events\n\n\
         What happened, in the past tense. `cim-nix log`, `v1_events` and exports hold these. A payload only ever gains \
         fields; when its shape must change, its schema version goes up and every older one is still read.\n",
    );
    for event in schema.get("events").and_then(Value::as_array).into_iter().flatten() {
        let field = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let version = event.get("schema_version").cloned().unwrap_or_default();
        let _ = writeln!(text, "\n## `{}`\n\n{} Schema version {version}.\n", field("type"), field("doc"));
        text.push_str("| field | holds |\n|---|---|\n");
        fields("", event.get("payload"), &mut text);
        let example = event.get("example").and_then(|example| serde_json::to_string_pretty(example).ok());
        let _ = writeln!(text, "\n```json\n{}\n```", example.unwrap_or_default());
    }
    Ok(text)
}

/// Every field below a schema, with its path.
fn fields(path: &str, schema: Option<&Value>, text: &mut String) {
    let Some(properties) = schema.and_then(|schema| schema.get("properties")?.as_object()) else { return };
    for (name, below) in properties {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let _ = writeln!(text, "| `{path}` | {} |", kind(below));
        deeper(&path, below, text);
    }
}

/// What lies in a list, an object by name or an object with fields.
fn deeper(path: &str, schema: &Value, text: &mut String) {
    if let Some(items) = schema.get("items") {
        deeper(&format!("{path}[]"), items, text);
    }
    if let Some(named) = schema.get("additionalProperties").filter(|named| named.is_object()) {
        deeper(&format!("{path}.<name>"), named, text);
    }
    fields(path, Some(schema), text);
}

fn kind(schema: &Value) -> String {
    let own = match schema.get("type") {
        Some(Value::String(one)) => one.clone(),
        Some(Value::Array(some)) => some.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    };
    let own = own.as_str();
    match schema.get("items").and_then(|items| items.get("type")?.as_str()) {
        Some(items) => format!("{own} of {items}"),
        None if schema.get("additionalProperties") == Some(&Value::Bool(true)) => {
            "attributes as Nix has them".to_owned()
        }
        None if schema.get("additionalProperties").is_some() => "object by name".to_owned(),
        None => own.to_owned(),
    }
}
