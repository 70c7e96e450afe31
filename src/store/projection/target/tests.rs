//! Whenever rows are written and memory is let go, the tables come to the same.

use proptest::prelude::*;
use rusqlite::Connection;
use uuid::Uuid;

use super::super::{Body, Keeps, View};
use super::*;
use crate::domain::catalogue::{self, Kind};
use crate::store::projection::ApplyError;

static TABLE: Table = Table {
    name: "things",
    key: &["place TEXT", "name TEXT"],
    values: &["value INTEGER", "half INTEGER"],
    stream: "'thing/' || t.place",
    keeps: Keeps::Intervals,
    // Stays the same now and then when the other changes.
    indexes: &["half"],
    past_indexes: &[],
};

#[derive(Debug)]
struct Things;

impl Projection for Things {
    fn name(&self) -> &'static str {
        "things"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static Table] {
        const TABLES: &[&Table] = &[&TABLE];
        TABLES
    }

    fn views(&self) -> &'static [View] {
        &[]
    }

    fn kinds(&self) -> &'static [Kind] {
        &[]
    }

    fn apply(&self, _: &Target<'_>, _: &Applied<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}

/// What one event does.
#[derive(Debug, Clone)]
enum Step {
    Put {
        place: u8,
        name: u8,
        value: Option<i64>,
    },
    End {
        place: u8,
        name: u8,
    },
    /// Ends all of a place.
    Clear {
        place: u8,
    },
}

/// What happens after an event.
#[derive(Debug, Clone, Copy)]
enum After {
    Nothing,
    Past,
    Some,
    Everything,
    Forgotten,
    Undone,
}

fn step() -> impl Strategy<Value = Step> {
    let (place, name) = (0..3_u8, 0..3_u8);
    prop_oneof![
        6 => (place.clone(), name.clone(), proptest::option::of(0..3_i64)).prop_map(|(place, name, value)| Step::Put { place, name, value }),
        3 => (place.clone(), name).prop_map(|(place, name)| Step::End { place, name }),
        1 => place.prop_map(|place| Step::Clear { place }),
    ]
}

fn after() -> impl Strategy<Value = After> {
    prop_oneof![
        4 => Just(After::Nothing), 1 => Just(After::Past), 1 => Just(After::Some), 1 => Just(After::Everything),
        1 => Just(After::Forgotten), 1 => Just(After::Undone),
    ]
}

fn event(position: i64, occurred_at: i64) -> Applied<'static> {
    Applied {
        position,
        event_id: Uuid::nil(),
        origin: 1,
        foreign: false,
        stream: "x/y",
        occurred_at,
        kind: catalogue::FLAKE_UPDATED,
        body: Body::Stored { schema: 1, payload: "{}" },
    }
}

fn key(place: u8, name: u8) -> [Cell; 2] {
    [format!("place-{place}").into(), format!("name-{name}").into()]
}

fn values(value: Option<i64>) -> Vec<Cell> {
    vec![value.into(), value.map(|value| value / 2).into()]
}

fn run(target: &Target<'_>, step: &Step, event: &Applied<'_>) {
    match step {
        Step::Put { place, name, value } => {
            target.put(&TABLE, &key(*place, *name), values(*value), event).unwrap();
        }
        Step::End { place, name } => drop(target.end(&TABLE, &key(*place, *name), event).unwrap()),
        Step::Clear { place } => {
            let [place, _] = key(*place, 0);
            for (rest, _) in target.all_now(&TABLE, &place).unwrap() {
                let key: Vec<Cell> = std::iter::once(&place).chain(rest.iter()).cloned().collect();
                target.end(&TABLE, &key, event).unwrap();
            }
        }
    }
}

fn tables() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&TABLE.ddl(1)).unwrap();
    connection
}

fn rows(connection: &Connection) -> Vec<Vec<Cell>> {
    let sql = format!("SELECT * FROM ({}) ORDER BY 1, 2, from_position", TABLE.select_all(1));
    let mut statement = connection.prepare(&sql).unwrap();
    let columns = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    statement.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap()
}

proptest! {
    #[test]
    fn it_does_not_matter_when_rows_are_written(steps in prop::collection::vec((step(), after(), -2..3_i64), 0..60)) {
        let (eager, lazy) = (tables(), tables());
        let target = Target::fresh(&lazy, &Things, 1);
        for (number, (step, after, jump)) in steps.iter().enumerate() {
            let position = i64::try_from(number).unwrap() + 1;
            // Clocks go backwards as well.
            let event = event(position, position * 10 + jump * 15);
            target.mark();
            run(&target, step, &event);
            if matches!(after, After::Undone) {
                target.undo();
                run(&target, step, &event);
            }
            target.keep();
            match after {
                After::Nothing | After::Undone => {}
                After::Past => target.write_past().unwrap(),
                After::Some => {
                    target.write_past().unwrap();
                    target.write_now(2).unwrap();
                }
                After::Everything => target.write().unwrap(),
                After::Forgotten => {
                    target.write().unwrap();
                    target.forget();
                }
            }
            let at_once = Target::new(&eager, &Things, 1);
            run(&at_once, step, &event);
            at_once.write().unwrap();
        }
        target.write().unwrap();
        prop_assert_eq!(rows(&lazy), rows(&eager));
    }

    #[test]
    fn intervals_of_a_key_follow_each_other(steps in prop::collection::vec((step(), -2..3_i64), 0..60)) {
        let connection = tables();
        let target = Target::fresh(&connection, &Things, 1);
        for (number, (step, jump)) in steps.iter().enumerate() {
            let position = i64::try_from(number).unwrap() + 1;
            run(&target, step, &event(position, position * 10 + jump * 15));
        }
        target.write().unwrap();
        for pair in rows(&connection).windows(2) {
            let [before, after] = pair else { continue };
            let number = |row: &[Cell], column: usize| row[column].integer();
            prop_assert!(number(before, 6).is_none_or(|to| to >= number(before, 4).unwrap()), "ends before it began");
            if before[..2] == after[..2] {
                prop_assert!(number(before, 6).unwrap() <= number(after, 4).unwrap(), "{before:?} {after:?}");
                prop_assert!(number(before, 7).unwrap() <= number(after, 5).unwrap(), "{before:?} {after:?}");
            }
        }
    }
}

#[test]
fn a_row_that_begins_and_ends_with_one_event_never_was() {
    let connection = tables();
    let target = Target::fresh(&connection, &Things, 1);
    target.put(&TABLE, &key(1, 1), values(Some(1)), &event(1, 10)).unwrap();
    target.put(&TABLE, &key(1, 1), values(Some(2)), &event(1, 10)).unwrap();
    target.put(&TABLE, &key(1, 2), values(Some(1)), &event(1, 10)).unwrap();
    target.end(&TABLE, &key(1, 2), &event(1, 10)).unwrap();
    target.write().unwrap();
    let rows = rows(&connection);
    assert_eq!(rows.iter().map(|row| &row[2]).collect::<Vec<_>>(), [&Cell::Integer(2)]);
}

#[test]
fn an_index_whose_values_stay_is_not_written() {
    let connection = tables();
    let target = Target::fresh(&connection, &Things, 1);
    let put = |value| {
        target.put(&TABLE, &key(1, 1), values(Some(value)), &event(value, value)).unwrap();
        target.write().unwrap();
    };
    put(2);
    // `UPDATE OF` asks what a statement sets, as the index does.
    connection
        .execute_batch("CREATE TRIGGER half BEFORE UPDATE OF half ON p_things_1 BEGIN SELECT raise(ABORT, 'set'); END")
        .unwrap();
    put(3);
    assert_eq!(rows(&connection).iter().map(|row| &row[2]).collect::<Vec<_>>(), [&Cell::Integer(2), &Cell::Integer(3)]);
    target.put(&TABLE, &key(1, 1), values(Some(4)), &event(4, 4)).unwrap();
    assert!(target.write().unwrap_err().to_string().contains("set"));
}
