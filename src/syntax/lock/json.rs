//! JSON kept as written: every key in order, twice when it stands twice; and where the nodes of a lock file stand.
//!
//! Text is borrowed wherever it has no escapes: most of what a lock says is looked at once and dropped.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::syntax::{Problem, Span};

/// The fields of an object, every one that the text has, in its order.
pub(super) type Fields<'t> = Vec<(Text<'t>, Json<'t>)>;

/// A JSON value whose objects keep duplicate keys. Floats, which Nix never writes, are kept as text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json<'t> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text<'t>),
    List(Vec<Json<'t>>),
    Object(Fields<'t>),
}

/// A string, borrowed from the text when it has no escapes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text<'t>(Cow<'t, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl Json<'_> {
    /// The same as a plain value; of a key that stands twice the last wins.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(value) => Value::Number(value),
            Self::Text(value) => Value::String(value.into_string()),
            Self::List(values) => values.into_iter().map(Self::into_value).collect(),
            Self::Object(fields) => {
                fields.into_iter().map(|(name, value)| (name.into_string(), value.into_value())).collect()
            }
        }
    }
}

/// A part of the `nodes` of a lock file, handed on as soon as it is read.
pub(super) enum Piece<'t> {
    /// The `nodes` begin; those that were handed on before count no longer.
    Begin,
    /// One node, by its key.
    Node(Text<'t>, Json<'t>),
}

/// Parses the whole text; anything else than one JSON value is the problem `lock-syntax`. The nodes go to `take`; an
/// object without fields stands in their place.
pub(super) fn parse<'t>(text: &'t str, take: &mut dyn FnMut(Piece<'t>)) -> Result<Json<'t>, Problem> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let top = Read::Top(take).deserialize(&mut deserializer).and_then(|top| deserializer.end().map(|()| top));
    top.map_err(|error| Problem {
        code: super::SYNTAX,
        span: Some(place(text, error.line(), error.column())),
        message: format!("flake.lock is not JSON ({error}); restore it from git or run `nix flake lock`"),
    })
}

/// Tells where keys stand, which must come in the order of the text.
pub(super) struct Places<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> Places<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// None for a key with escapes, which is not borrowed: see [`node_spans`].
    pub(super) fn of_key(&mut self, key: &Text<'t>) -> Option<Span> {
        let Cow::Borrowed(key) = key.0 else { return None };
        let start = key.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?.checked_sub(1)?;
        self.line = self.line.saturating_add(lines(self.text.as_bytes().get(self.at..start)?));
        self.at = start;
        Some(Span { start, end: start + key.len() + 2, line: self.line })
    }
}

fn lines(bytes: &[u8]) -> u32 {
    // Pieces that a byte can count are what the compiler makes fast.
    bytes.chunks(255).map(|piece| u32::from(piece.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>())).sum()
}

/// Where the keys of the nodes stand, by a walk over the whole text; of `nodes` twice, those of the last.
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

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read::Plain)
    }
}

/// What a value is read as.
enum Read<'a, 'de> {
    Plain,
    /// The lock file, with its nodes handed on.
    Top(&'a mut dyn FnMut(Piece<'de>)),
    /// Its nodes.
    Nodes(&'a mut dyn FnMut(Piece<'de>)),
}

impl<'de> DeserializeSeed<'de> for Read<'_, 'de> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Read<'_, 'de> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Json::Text(Text(Cow::Owned(value.to_string()))))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Text(Cow::Borrowed(value))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Text(Cow::Owned(value.to_owned()))))
    }

    fn visit_string<E>(self, value: String) -> Result<Json<'de>, E> {
        Ok(Json::Text(Text(Cow::Owned(value))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut fields = Vec::new();
        match self {
            Self::Plain => {
                fields.reserve(8);
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
            }
            Self::Top(take) => {
                while let Some(name) = map.next_key::<Text<'de>>()? {
                    let nodes = name.as_str() == "nodes";
                    let read = if nodes { Read::Nodes(&mut *take) } else { Read::Plain };
                    fields.push((name, map.next_value_seed(read)?));
                }
            }
            Self::Nodes(take) => {
                take(Piece::Begin);
                while let Some((key, value)) = map.next_entry()? {
                    take(Piece::Node(key, value));
                }
            }
        }
        Ok(Json::Object(fields))
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ReadText)
    }
}

struct ReadText;

impl<'de> Visitor<'de> for ReadText {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(value.to_owned())))
    }
}
