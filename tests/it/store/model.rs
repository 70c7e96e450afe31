//! The store against the simplest thing that could be right: a list of events in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// One command: its id, and for every stream written the version it expects (none: any) and how many events.
#[derive(Debug, Clone)]
struct Step {
    command: u128,
    writes: Vec<(u128, Option<u64>, u8)>,
    /// Whether the next one is handed in before this one is answered.
    hurried: bool,
    reopen: bool,
}

/// What the store should hold.
#[derive(Debug, Default)]
struct Model {
    /// Stream and version of every event, in order of position.
    events: Vec<(u128, u64)>,
    versions: BTreeMap<u128, u64>,
    commands: BTreeMap<u128, (Option<i64>, Option<i64>)>,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Stored(Option<i64>, Option<i64>),
    Repeated(Option<i64>, Option<i64>),
    Conflict(u64),
}

impl Model {
    fn step(&mut self, step: &Step) -> Outcome {
        if let Some((first, last)) = self.commands.get(&step.command) {
            return Outcome::Repeated(*first, *last);
        }
        let (mut events, mut versions) = (self.events.clone(), self.versions.clone());
        for (stream, expected, count) in &step.writes {
            let version = versions.entry(*stream).or_default();
            if expected.is_some_and(|expected| expected != *version) {
                return Outcome::Conflict(*version);
            }
            for _ in 0..*count {
                *version += 1;
                events.push((*stream, *version));
            }
        }
        let new = events.len() > self.events.len();
        let first = new.then(|| i64::try_from(self.events.len()).unwrap() + 1);
        let last = new.then(|| i64::try_from(events.len()).unwrap());
        (self.events, self.versions) = (events, versions);
        if new {
            self.commands.insert(step.command, (first, last));
        }
        Outcome::Stored(first, last)
    }
}

fn step() -> impl Strategy<Value = Step> {
    let write = (0..4_u128, prop::option::weighted(0.5, 0..4_u64), 0..3_u8);
    (1..25_u128, prop::collection::vec(write, 0..3), any::<bool>(), prop::bool::weighted(0.05))
        .prop_map(|(command, writes, hurried, reopen)| Step { command, writes, hurried, reopen })
}

fn append_of(step: &Step, ids: &mut u128) -> Append {
    let writes = step.writes.iter().map(|(stream, expected, count)| {
        let events = (0..*count).map(|_| {
            *ids += 1;
            event(*ids, &format!("event {ids}"))
        });
        let expected = expected.map_or(Expected::Any, Expected::Version);
        write(flake(*stream), expected, events.collect())
    });
    command(step.command, writes.collect())
}

fn outcome(answer: Result<Receipt, StoreError>) -> Outcome {
    match answer.map_err(|error| (error.to_string(), error)) {
        Ok(Receipt::Stored { first, last, events }) => {
            let count = first.zip(last).map_or(0, |(first, last)| last - first + 1);
            assert_eq!(usize::try_from(count).unwrap(), events);
            Outcome::Stored(first, last)
        }
        Ok(Receipt::Repeated { first, last, .. }) => Outcome::Repeated(first, last),
        Err((_, StoreError::Conflict { actual, .. })) => Outcome::Conflict(actual),
        Err((text, _)) => unreachable!("{text}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_does_what_a_list_would(steps in prop::collection::vec(step(), 1..40)) {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = directory.path().join("ledger.db");
        let mut store = open(&path);
        let mut model = Model::default();
        let (mut ids, mut waiting) = (0, Vec::new());
        for step in &steps {
            waiting.push((store.submit(append_of(step, &mut ids)).unwrap(), model.step(step)));
            if step.hurried {
                continue;
            }
            for (ticket, expected) in waiting.drain(..) {
                prop_assert_eq!(outcome(ticket.wait()), expected);
            }
            if step.reopen {
                drop(store);
                store = open(&path);
            }
        }
        for (ticket, expected) in waiting {
            prop_assert_eq!(outcome(ticket.wait()), expected);
        }
        let stored = store.reader().unwrap().recorded(0, usize::MAX).unwrap();
        let stored: Vec<_> = stored.iter().map(|event| (event.stream.clone(), event.version)).collect();
        let expected: Vec<_> = model.events.iter().map(|(stream, version)| (flake(*stream).to_string(), *version)).collect();
        prop_assert_eq!(stored, expected);
        assert_contiguous(&store);
        drop(store);
        assert_sound(&path);
    }
}
