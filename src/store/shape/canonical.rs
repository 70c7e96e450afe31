//! Canonical JSON (RFC 8785). What is written with its keys in order is canonical as it is, so the shapes declare their fields
//! in order; whatever is not is sorted, at five times the price.

use serde::Serialize;

/// The largest integer that is exact in every reader, and written the same by every writer: 2^53 - 1.
const EXACT: &[u8] = b"9007199254740991";

/// Canonical JSON of a value.
///
/// # Errors
/// When the value is what JSON cannot hold.
pub(super) fn to_string<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    if is_canonical(&text) {
        return Ok(text);
    }
    #[cfg(test)]
    SORTED.set(SORTED.get() + 1);
    serde_json_canonicalizer::to_string(value)
}

#[cfg(test)]
thread_local! {
    /// How many values of this thread had to be sorted.
    pub(super) static SORTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Whether a text that was written by `serde_json` is canonical. Says no where it would have to look closer.
fn is_canonical(text: &str) -> bool {
    let mut left = text.as_bytes();
    let mut around: Vec<Level<'_>> = Vec::with_capacity(8);
    while let Some((&byte, rest)) = left.split_first() {
        let before = std::mem::replace(&mut left, rest);
        match byte {
            b'{' => around.push(Level::Object { last: None }),
            b'[' => around.push(Level::Array),
            b'}' | b']' => drop(around.pop()),
            b'"' => {
                let Some((string, rest)) = string(left) else { return false };
                left = rest;
                // Only a key is followed by a colon.
                if rest.first() == Some(&b':') {
                    match around.last_mut() {
                        Some(Level::Object { last }) if in_order(*last, string) => *last = Some(string),
                        _ => return false,
                    }
                }
            }
            b'0'..=b'9' | b'-' => {
                let digits = if byte == b'-' { left } else { before };
                let (digits, rest) = digits.split_at(digits.iter().take_while(|byte| byte.is_ascii_digit()).count());
                left = rest;
                let exact = digits.len() < EXACT.len() || (digits.len() == EXACT.len() && digits <= EXACT);
                // A fraction is written in many ways, and `-0` is written as `0`.
                if !exact || matches!(left.first(), Some(b'.' | b'e' | b'E')) || (byte == b'-' && digits == b"0") {
                    return false;
                }
            }
            b' ' | b'\n' | b'\r' | b'\t' => return false,
            _ => {}
        }
    }
    true
}

/// What a value is inside of.
enum Level<'a> {
    Array,
    /// The key that came last is what the next one is compared with.
    Object {
        last: Option<&'a [u8]>,
    },
}

/// What is up to the end of a string, and what comes after it.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = 0;
    loop {
        let end = from + memchr::memchr2(b'"', b'\\', text.get(from..)?)?;
        if text.get(end) == Some(&b'"') {
            return Some((text.get(..end)?, text.get(end + 1..)?));
        }
        from = end + 2;
    }
}

/// Whether a key may follow another: compared as bytes, which is the order of UTF-16 as long as both are ASCII.
fn in_order(last: Option<&[u8]>, key: &[u8]) -> bool {
    last.is_none_or(|last| last < key) && key.iter().all(|byte| byte.is_ascii() && *byte != b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_in_order_is_not_sorted() {
        for text in [
            r#"{"a":1,"b":{"a":[{"z":1},{"y":2}],"c":"x\"y"},"c":null}"#,
            r#"["b","a",true,-12,9007199254740991]"#,
            r#"{"":1,"a":":","b":"{"}"#,
            "\"\"",
        ] {
            assert!(is_canonical(text), "{text}");
        }
    }

    #[test]
    fn what_may_not_be_in_order_is() {
        for text in [
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"":1,"":2}"#,
            r#"{"a": 1}"#,
            r#"{"a":{"b":1,"a":2}}"#,
            r#"[{"a":1},{"b":1,"a":2}]"#,
            "1.5",
            "-0",
            "1e3",
            "9007199254740992",
            "12345678901234567",
            "{\"\u{e4}\":1}",
            r#"{"a\n":1}"#,
        ] {
            assert!(!is_canonical(text), "{text}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-9..9_i64).prop_map(Value::from),
            any::<f64>().prop_map(|number| json!(number)),
            ".{0,6}".prop_map(Value::from),
            "[\\x00-\\x7f]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-c\"\\\\\u{e4}\u{ffff}\u{10000}]{0,3}", inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_the_library_writes(value in value()) {
            prop_assert_eq!(to_string(&value).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
        }
    }
}
