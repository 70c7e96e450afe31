//! Golden files: every version of every event that was ever written can be read for ever.

use std::collections::BTreeSet;

use cim_domain_nix::domain::catalogue::EVENTS;
use cim_domain_nix::store::shape;

use crate::parts::repository;

const FOLDER: &str = "tests/fixtures/events";

#[test]
fn every_version_of_every_event_has_a_golden_file_and_no_file_is_left_over() {
    let expected: BTreeSet<String> = EVENTS
        .iter()
        .flat_map(|kind| (1..=kind.schema).map(|version| format!("{}.v{version}.json", kind.name())))
        .collect();
    let found: BTreeSet<String> = std::fs::read_dir(repository().join(FOLDER))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected, "the files of {FOLDER} and the catalogue differ");
}

#[test]
fn every_golden_file_is_read_and_the_newest_is_written_the_same() {
    for kind in EVENTS {
        for version in 1..=kind.schema {
            let name = format!("{}.v{version}.json", kind.name());
            let text = std::fs::read_to_string(repository().join(FOLDER).join(&name)).unwrap();
            let event = shape::decode(&kind.name(), version, text.trim_end()).unwrap();
            let (written, payload) = shape::encode(&event).unwrap();
            assert_eq!(written, *kind, "{name} is read as another event");
            if version == kind.schema {
                let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
                assert_eq!(value(&payload), value(&text), "{name} is written otherwise than it was read");
            }
        }
    }
}
