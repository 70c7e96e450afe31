//! Every event reads back as it was, and what was written once stays readable for ever.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

pub(in crate::store) mod any;

mod sample;

mod schema;

fn golden_path(kind: Kind, schema: u32) -> PathBuf {
    let name = format!("tests/fixtures/events/{}.v{schema}.json", kind.name());
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The golden file of every event this release writes; made once, with `CIM_NIX_NEW_GOLDEN=1`, then never changed.
#[test]
fn every_event_is_written_as_its_golden_file_says() {
    for kind in EVENTS {
        let path = golden_path(*kind, kind.schema);
        let event = sample::event(*kind);
        let (written_kind, written) = encode(&event).unwrap();
        assert_eq!(written_kind, *kind);
        if std::env::var_os("CIM_NIX_NEW_GOLDEN").is_some() && !path.exists() {
            #[expect(clippy::disallowed_methods, reason = "made once, by hand")]
            std::fs::write(&path, format!("{written}\n")).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(written, golden.trim_end(), "{}", path.display());
    }
}

/// Old versions are never written again, but must be read: every file there is, whatever its version.
#[test]
fn every_golden_file_is_read_and_those_of_this_release_are_written_back_the_same() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/events");
    let mut seen = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (kind, schema) = name.rsplit_once(".v").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let event = decode(kind, schema.parse().unwrap(), text.trim_end()).unwrap();
        let (kind_written, written) = encode(&event).unwrap();
        assert_eq!(kind_written.name(), kind);
        if kind_written.schema.to_string() == schema {
            assert_eq!(written, text.trim_end());
        }
        seen += 1;
    }
    assert!(seen >= EVENTS.len());
}

#[test]
fn fields_of_a_later_release_are_passed_over() {
    let event = decode("flake.removed", 1, r#"{"directory":"/x","directory_was_empty":true}"#).unwrap();
    assert_eq!(encode(&event).unwrap().1, r#"{"directory":"/x"}"#);
}

#[test]
fn what_is_not_known_is_said_and_not_guessed() {
    let kind = "flake.removed".to_owned();
    assert_eq!(decode("flake.flown", 1, "{}"), Err(ShapeError::UnknownType { kind: "flake.flown".to_owned() }));
    assert_eq!(decode("flakeremoved", 1, "{}"), Err(ShapeError::UnknownType { kind: "flakeremoved".to_owned() }));
    assert_eq!(decode(&kind, 2, "{}"), Err(ShapeError::NewerSchema { kind: kind.clone(), found: 2, known: 1 }));
    assert_eq!(decode(&kind, 1, "null"), Err(ShapeError::Erased { kind: kind.clone() }));
    assert!(matches!(decode(&kind, 1, "{}"), Err(ShapeError::Malformed { .. })));
    assert!(matches!(decode(&kind, 1, "{"), Err(ShapeError::Malformed { .. })));
}

#[test]
fn every_shape_declares_its_fields_in_the_order_of_the_text() {
    let sorted: Vec<String> = EVENTS
        .iter()
        .map(|kind| sample::event(*kind))
        // Those are few, and made of parts that lie between each other.
        .filter(|event| !matches!(event, Event::Config(_)))
        .filter(|event| {
            let before = super::canonical::SORTED.get();
            encode(event).unwrap();
            super::canonical::SORTED.get() != before
        })
        .map(|event| event.kind().name())
        .collect();
    assert_eq!(sorted, Vec::<String>::new(), "sorting costs more than everything else about an event");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_event_reads_back_as_it_was(event in any::event()) {
        let (kind, payload) = encode(&event).unwrap();
        prop_assert_eq!(decode(&kind.name(), kind.schema, &payload), Ok(event));
        let value: serde_json::Value = serde_json::from_str(&payload).unwrap();
        prop_assert_eq!(serde_json_canonicalizer::to_string(&value).unwrap(), payload);
    }

    #[test]
    fn no_text_makes_decoding_panic(payload in "\\PC{0,40}", kind in 0..EVENTS.len()) {
        let read = decode(&EVENTS[kind].name(), 1, &payload);
        let structured = payload.starts_with(['\u{7b}', '[']);
        prop_assert!(read.is_err() || structured);
    }
}
