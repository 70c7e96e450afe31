//! Ledgers of the oldest schema, brought to this release by processes that are killed.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{assert_contiguous, assert_sound, discovery, open, raw, share, single};
use crate::child::{Part, child};

const OLDEST: &str = include_str!("../../../migrations/V1__ledger.sql");
/// How often a process is killed.
const KILLS: u32 = 30;

/// A ledger of the oldest schema at a path, with its key, and the rows of a ledger of this release that it knew of.
fn make_oldest(new: &Path, path: &Path) {
    let old = raw(path);
    old.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    old.execute_batch(OLDEST).unwrap();
    old.execute("ATTACH ?1 AS new", [new.to_str().unwrap()]).unwrap();
    let records: String = old
        .query_row("SELECT sql FROM new.sqlite_schema WHERE name = 'refinery_schema_history'", [], |row| row.get(0))
        .unwrap();
    old.execute_batch(&records).unwrap();
    old.execute_batch("INSERT INTO meta SELECT * FROM new.meta WHERE key IN ('ledger_id', 'created_at')").unwrap();
    for table in ["origins", "streams", "events", "outbox", "signed_heads", "commands", "roots"] {
        old.execute_batch(&format!("INSERT INTO {table} SELECT * FROM new.{table}")).unwrap();
    }
    old.execute_batch(
        "INSERT INTO refinery_schema_history SELECT * FROM new.refinery_schema_history WHERE version = 1",
    )
    .unwrap();
    let key = |path: &Path| format!("{}.key", path.display());
    fs::copy(key(new), key(path)).unwrap();
}

/// The last migration that was done, and the last that is recorded.
fn schema(path: &Path) -> (i64, i64) {
    let connection = raw(path);
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get(0)).unwrap();
    (number("PRAGMA user_version"), number("SELECT max(version) FROM refinery_schema_history"))
}

/// Everything that was recorded and shared.
fn content(path: &Path) -> Vec<String> {
    let connection = raw(path);
    let sql = "SELECT hex(event_id) || stream || version || payload || hex(chain) FROM events \
               UNION ALL SELECT seq || ' ' || position || hex(chain) FROM outbox \
               UNION ALL SELECT hex(command_id) || result FROM commands \
               UNION ALL SELECT public_key || is_self FROM origins ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// What the read model says of it.
fn flakes(path: &Path) -> Vec<(String, Option<String>)> {
    let reader = open(path).reader().unwrap();
    let mut statement = reader.prepare("SELECT id, description FROM v1_flakes ORDER BY id").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_process_killed_while_it_migrates_the_oldest_ledger_leaves_all_of_it_to_the_next() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let new = directory.path().join("new.db");
    let store = open(&new);
    for number in 0..300 {
        store.append(discovery(number, number, &format!("text {number}"))).unwrap();
    }
    share(&store, &[super::flake(1), super::flake(2)]);
    drop(store);
    let (recorded, known) = (content(&new), flakes(&new));
    // How long it takes when nobody kills it.
    let spared = directory.path().join("spared.db");
    make_oldest(&new, &spared);
    let begun = Instant::now();
    assert!(child(Part::Append, &spared, 0, 0).stdout(Stdio::null()).status().unwrap().success());
    let whole = begun.elapsed();
    assert_eq!((schema(&spared), content(&spared)), ((10, 10), recorded.clone()));
    let (mut before, mut after) = (0, 0);
    // Every other kill goes for the moment at which it is done.
    let (mut early, mut late) = (Duration::ZERO, whole);
    for round in 0..KILLS {
        let path = directory.path().join(format!("{round}.db"));
        make_oldest(&new, &path);
        assert_eq!(schema(&path), (1, 1));
        // A process of the old release that is in the middle of reading.
        let old = raw(&path);
        let mut reading = old.prepare("SELECT position FROM events").unwrap();
        let mut rows = reading.query([]).unwrap();
        assert!(rows.next().unwrap().is_some());
        let mut running = child(Part::Append, &path, 0, 0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pause = if round % 2 == 0 { whole * round / KILLS } else { (early + late) / 2 };
        std::thread::sleep(pause);
        running.kill().unwrap();
        running.wait().unwrap();
        match schema(&path) {
            (1, 1) => {
                before += 1;
                (early, late) = (pause, if late > pause { late } else { whole });
            }
            (10, 10) => {
                after += 1;
                (early, late) = (if early < pause { early } else { Duration::ZERO }, pause);
            }
            half => panic!("round {round}: {half:?}"),
        }
        assert!(rows.next().unwrap().is_some(), "who reads the old one goes on");
        drop(rows);
        assert_eq!(flakes(&path), known, "round {round}");
        assert_eq!((schema(&path), content(&path)), ((10, 10), recorded.clone()), "round {round}");
        assert_contiguous(&open(&path));
        if round % 10 == 9 {
            assert_sound(&path);
        }
        // It goes on, and so would the old release, which leaves a newer schema alone.
        open(&path).append(single(1_000, 1)).unwrap();
    }
    assert!(before > 0 && after > 0, "killed {before} times before it was done and {after} times after, of {whole:?}");
}
