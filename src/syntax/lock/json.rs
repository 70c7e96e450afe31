//! JSON kept as written: every key in order, twice when it stands twice; and where the nodes of a lock file stand.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::syntax::{Problem, Span};

/// A JSON value whose objects keep duplicate keys. Floats, which Nix never writes, are kept as text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The same as a plain value; of a key that stands twice the last wins.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(value) => Value::Number(value),
            Self::Text(value) => Value::String(value),
            Self::List(values) => values.into_iter().map(Self::into_value).collect(),
            Self::Object(fields) => fields.into_iter().map(|(name, value)| (name, value.into_value())).collect(),
        }
    }
}

/// Parses the whole text; anything else than one JSON value is the problem `lock-syntax`.
pub(super) fn parse(text: &str) -> Result<Json, Problem> {
    serde_json::from_str(text).map_err(|error| Problem {
        code: "lock-syntax",
        span: Some(place(text, error.line(), error.column())),
        message: format!("flake.lock is not JSON ({error}); restore it from git or run `nix flake lock`"),
    })
}

/// Where the keys of the nodes stand, in the order of the text; of `nodes` twice, those of the last.
pub(super) fn node_spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut in_nodes = false;
    for (depth, key, span) in (Keys { text, at: 0, line: 1, depth: 0 }) {
        match depth {
            1 => {
                in_nodes = key == "nodes";
                if in_nodes {
                    spans.clear();
                }
            }
            2 if in_nodes => spans.push(span),
            _ => {}
        }
    }
    spans
}

/// A walk over the keys of valid JSON, without reading values.
struct Keys<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    depth: usize,
}

impl<'t> Iterator for Keys<'t> {
    /// Depth (1 is the outermost object), key, and the span of the key with its quotes.
    type Item = (usize, &'t str, Span);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            let start = self.at;
            self.at += 1;
            match byte {
                b'\n' => self.line = self.line.saturating_add(1),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'"' => {
                    self.at = string_end(bytes, self.at);
                    let rest = bytes.get(self.at..).unwrap_or_default();
                    if rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':') {
                        let key = self.text.get(start + 1..self.at - 1).unwrap_or_default();
                        return Some((self.depth, key, Span { start, end: self.at, line: self.line }));
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// One past the closing quote of the string whose first byte is at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len().max(1)
}

/// The span of one byte at a line and column, both counted from 1.
fn place(text: &str, line: usize, column: usize) -> Span {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let start = (before + column.saturating_sub(1)).min(text.len());
    Span { start, end: (start + 1).min(text.len()), line: u32::try_from(line.max(1)).unwrap_or(u32::MAX) }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Json::Object(fields))
    }
}
