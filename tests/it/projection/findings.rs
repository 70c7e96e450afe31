//! Whatever happens to problems: folding their events gives what the view shows, now and at every moment before, and a
//! problem is as old as it was when it was first seen, wherever it has moved since.

use std::collections::BTreeMap;

use cim_domain_nix::domain::finding::{Seen, Suppressed, decide, event};
use cim_domain_nix::store::Reader;
use cim_domain_nix::store::view::{self, At};
use proptest::prelude::*;

use super::*;

const FILE: &str = "/f/flake.nix";

/// What is shown of one problem: line, severity, message, and since when.
type Shown = (Option<u32>, Severity, String, i64);

/// What the looks at one file saw, one after the other.
fn looks() -> impl Strategy<Value = Vec<Seen>> {
    let severity = prop_oneof![Just(Severity::Warning), Just(Severity::Error)];
    let one = (proptest::option::of(1..4_u32), severity, "[mn]", proptest::bool::weighted(0.2));
    let look = proptest::collection::btree_map("[a-c]", one, 0..3);
    let look = look.prop_map(|all| {
        let mut seen = Seen::default();
        for (name, (line, severity, message, meant)) in all {
            if meant {
                seen.suppressed.push(Suppressed { fingerprint: name, why: "w".to_owned(), until: None });
            } else {
                seen.findings.push(Finding { line, severity, message, ..finding(&name) });
            }
        }
        seen
    });
    proptest::collection::vec(look, 1..10)
}

/// Tells the ledger what the looks saw; returns what is open after each position, beginning with 0, and its time.
fn tell(ledger: &mut Ledger, looks: &[Seen]) -> Vec<(i64, BTreeMap<String, Shown>)> {
    let subject = Subject { flake: None, file: RecordedPath::new(FILE.as_ref()) };
    let (mut told, mut since) = (Vec::new(), BTreeMap::new());
    let mut moments = vec![(BEGIN, BTreeMap::new())];
    for look in looks {
        let events = decide::observe(&event::fold(&told), &subject, look);
        let stream = StreamId::finding(Uuid::from_u128(1));
        ledger.append(stream, events.iter().cloned().map(Event::Finding));
        for happened in events {
            told.push(happened);
            let open = event::fold(&told);
            since.retain(|fingerprint: &String, _| open.contains_key(fingerprint));
            let shown = open.into_iter().map(|(fingerprint, finding)| {
                let since = *since.entry(fingerprint.clone()).or_insert(ledger.now());
                (fingerprint, (finding.line, finding.severity, finding.message, since))
            });
            moments.push((ledger.now(), shown.collect()));
        }
    }
    moments
}

fn check(reader: &Reader, at: At, expected: &BTreeMap<String, Shown>) {
    let rows = view::problems(reader, view::Whose::Own, at).unwrap();
    let shown: BTreeMap<_, _> =
        rows.into_iter().map(|row| (row.fingerprint, (row.line, row.severity, row.message, row.since))).collect();
    assert_eq!(&shown, expected, "at {at:?}");
}

fn check_every_moment(ledger: &Ledger, moments: &[(i64, BTreeMap<String, Shown>)]) {
    let reader = ledger.store.reader().unwrap();
    for (position, (time, open)) in moments.iter().enumerate() {
        check(&reader, At::Position(i64::try_from(position).unwrap()), open);
        let last_then = moments.iter().rfind(|(at, _)| at == time).map_or(open, |(_, open)| open);
        check(&reader, At::Occurred(*time), last_then);
    }
    check(&reader, At::Now, &moments[moments.len() - 1].1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn folding_findings_gives_what_the_view_shows_and_so_does_a_rebuild(looks in looks()) {
        let mut ledger = Ledger::new();
        let moments = tell(&mut ledger, &looks);
        check_every_moment(&ledger, &moments);
        prop_assert_eq!(ledger.store.compare(None).unwrap(), []);
        ledger.store.rebuild(None, &false.into(), &mut |_| {}).unwrap();
        check_every_moment(&ledger, &moments);
        prop_assert_eq!(ledger.store.compare(None).unwrap(), []);
    }
}
