//! Values inside payloads: free-form attributes, whole numbers and paths, so that every one of them reads back as
//! it was and no payload holds a number that JSON readers disagree about.

use std::borrow::Cow;
use std::fmt;

use data_encoding::BASE64;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

use crate::domain::Attrs;
use crate::domain::path::RecordedPath;

/// The largest whole number that every JSON reader keeps exactly (RFC 8785, RFC 7493).
const EXACT: u64 = (1 << 53) - 1;
/// An object with this one key holds a number as text: a fraction, or one beyond [`EXACT`].
pub(super) const NUMBER: &str = "$number";

/// Free-form attributes whose numbers are safe to store; nearly all of them are so as they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredAttrs<'a>(Cow<'a, Map<String, Value>>);

impl<'a> From<&'a Attrs> for StoredAttrs<'a> {
    fn from(attrs: &'a Attrs) -> Self {
        if attrs.values().all(is_plain) {
            return Self(Cow::Borrowed(attrs));
        }
        Self(Cow::Owned(attrs.iter().map(|(name, value)| (name.clone(), guard(value))).collect()))
    }
}

impl From<StoredAttrs<'_>> for Attrs {
    fn from(stored: StoredAttrs<'_>) -> Self {
        let mut attrs = stored.0.into_owned();
        for value in attrs.values_mut().filter(|value| value.is_object() || value.is_array()) {
            *value = unguard(std::mem::take(value));
        }
        attrs
    }
}

/// A whole number: a JSON number when it is exact everywhere, its decimal text when not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole(pub(super) i128);

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(number) if number.unsigned_abs() <= EXACT => serializer.serialize_i64(number),
            _ => serializer.collect_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or its decimal text")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(number.into()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Whole, E> {
                Ok(Whole(number.into()))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Whole, E> {
                text.parse().map(Whole).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl Whole {
    /// As a count; what does not fit becomes the nearest bound.
    pub(super) fn saturating_u64(self) -> u64 {
        u64::try_from(self.0).unwrap_or(if self.0 < 0 { 0 } else { u64::MAX })
    }

    /// As a time; what does not fit becomes the nearest bound.
    pub(super) fn saturating_i64(self) -> i64 {
        i64::try_from(self.0).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }
}

/// The bytes of a path that is no UTF-8, beside the field with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathBytes(Vec<u8>);

impl Serialize for PathBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&BASE64.encode_display(&self.0))
    }
}

impl<'de> Deserialize<'de> for PathBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map(Self).map_err(de::Error::custom)
    }
}

/// A path as its two fields.
pub(super) fn split_path(path: &RecordedPath) -> (String, Option<PathBytes>) {
    (path.text().to_owned(), path.bytes().map(|bytes| PathBytes(bytes.to_vec())))
}

/// A path from its two fields.
pub(super) fn join_path(text: String, bytes: Option<PathBytes>) -> RecordedPath {
    RecordedPath::from_parts(text, bytes.map(|bytes| bytes.0))
}

/// Leaves out a field that has its usual value.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(super) const fn is_true(value: &bool) -> bool {
    *value
}

/// The usual value of a field that was left out.
pub(super) const fn yes() -> bool {
    true
}

/// Whether a value is stored as it is.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Number(number) => is_exact(number),
        Value::Array(items) => items.iter().all(is_plain),
        Value::Object(fields) => fields.len() != 1 && fields.values().all(is_plain),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn guard(value: &Value) -> Value {
    match value {
        Value::Number(number) if !is_exact(number) => single(NUMBER.to_owned(), Value::String(number.to_string())),
        Value::Array(items) => Value::Array(items.iter().map(guard).collect()),
        Value::Object(fields) => {
            let escaped = fields.len() == 1 && fields.keys().all(|name| is_reserved(name));
            let prefix = if escaped { "$" } else { "" };
            Value::Object(fields.iter().map(|(name, value)| (format!("{prefix}{name}"), guard(value))).collect())
        }
        other => other.clone(),
    }
}

fn unguard(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(unguard).collect()),
        Value::Object(fields) if fields.len() == 1 => unguard_single(fields),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, unguard(value))).collect())
        }
        other => other,
    }
}

fn unguard_single(fields: Map<String, Value>) -> Value {
    let number = fields.get(NUMBER).and_then(Value::as_str).and_then(parse_number);
    if let Some(number) = number {
        return Value::Number(number);
    }
    let plain = |(name, value): (String, Value)| match name.strip_prefix('$') {
        Some(rest) if is_reserved(rest) => (rest.to_owned(), unguard(value)),
        _ => (name, unguard(value)),
    };
    Value::Object(fields.into_iter().map(plain).collect())
}

fn single(name: String, value: Value) -> Value {
    Value::Object(std::iter::once((name, value)).collect())
}

/// `$number`, however often it has been escaped.
fn is_reserved(name: &str) -> bool {
    name.strip_suffix("number").is_some_and(|dollars| !dollars.is_empty() && dollars.bytes().all(|b| b == b'$'))
}

fn is_exact(number: &Number) -> bool {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => number <= EXACT,
        (None, Some(number)) => number.unsigned_abs() <= EXACT,
        (None, None) => false,
    }
}

fn parse_number(text: &str) -> Option<Number> {
    if let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    text.parse().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter_map("finite", |n| Number::from_f64(n).map(Value::Number)),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let key = prop_oneof!["\\$\\$?\\$?number", "[a-z]{1,4}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..3)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn has_odd_number(value: &Value) -> bool {
        match value {
            Value::Number(number) => !is_exact(number),
            Value::Array(items) => items.iter().any(has_odd_number),
            Value::Object(fields) => fields.values().any(has_odd_number),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn any_attribute_reads_back_and_holds_no_odd_number(value in any_value()) {
            let attrs: Attrs = [("a".to_owned(), value)].into_iter().collect();
            let text = super::super::write(StoredAttrs::from(&attrs)).unwrap();
            prop_assert!(!has_odd_number(&serde_json::from_str(&text).unwrap()));
            let stored: StoredAttrs<'_> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(Attrs::from(stored), attrs);
        }
    }

    #[test]
    fn a_number_beyond_the_exact_range_is_text() {
        let attrs: Attrs = [("a".to_owned(), json!(1.5)), ("b".to_owned(), json!(7))].into_iter().collect();
        let text = serde_json::to_value(StoredAttrs::from(&attrs)).unwrap();
        assert_eq!(text, json!({"a": {"$number": "1.5"}, "b": 7}));
        assert_eq!(serde_json::to_value(Whole(i128::from(u64::MAX))).unwrap(), json!("18446744073709551615"));
    }
}
