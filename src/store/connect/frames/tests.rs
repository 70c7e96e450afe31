//! Whatever is written in which order, the log holds what SQLite means, and others see only what is committed.

use proptest::prelude::*;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

use super::*;

const PAGE: [u8; 512] = [7; 512];
const FRAME: i64 = 536;

fn header(commits: bool) -> [u8; HEADER] {
    let mut header = [1; HEADER];
    header[4..8].copy_from_slice(&u32::from(commits).to_be_bytes());
    header
}

#[test]
fn frames_of_a_commit_come_together() {
    let mut frames = Frames::default();
    assert_eq!(frames.take(&header(false), 32), Write::Kept);
    assert_eq!(frames.take(&PAGE, 56), Write::Kept);
    assert_eq!(frames.take(&header(true), 32 + FRAME), Write::Kept);
    assert_eq!(frames.take(&PAGE, 56 + FRAME), Write::All);
    let (bytes, begin) = frames.waiting().unwrap();
    assert_eq!((bytes.len(), begin), (1072, 32));
    frames.clear();
    assert_eq!(frames.waiting(), None);
}

#[test]
fn what_does_not_follow_is_written_by_itself() {
    let mut frames = Frames::default();
    assert_eq!(frames.take(&[0; 32], 0), Write::Itself, "the header of the log");
    assert_eq!(frames.take(&header(false), 32), Write::Kept);
    assert_eq!(frames.take(&PAGE, 56 + FRAME), Write::Itself, "a page of another frame");
    frames.clear();
    assert_eq!(frames.take(&PAGE, 56), Write::Itself, "a page without its header");
    frames.read = Some(32);
    assert_eq!(frames.take(&header(true), 32), Write::Itself, "a checksum that is mended");
    assert_eq!(frames.take(&header(true), 32), Write::Kept);
}

#[test]
fn much_is_written_before_the_commit() {
    let mut frames = Frames::default();
    let all = (0..10_000).find(|turn| {
        frames.take(&header(false), 32 + turn * FRAME);
        frames.take(&PAGE, 56 + turn * FRAME) == Write::All
    });
    assert_eq!(all, Some(i64::try_from(LIMIT).unwrap() / FRAME));
}

#[test]
fn a_failed_commit_is_void_and_what_may_go_on_is_tried_again() {
    let mut frames = Frames::default();
    frames.take(&header(false), 32);
    frames.take(&PAGE, 56);
    frames.failed();
    assert!(frames.waiting().is_some());
    frames.take(&header(true), 32 + FRAME);
    frames.take(&PAGE, 56 + FRAME);
    frames.failed();
    assert_eq!(frames.waiting(), None);
}

/// What one of two connections does with a table of wide rows.
#[derive(Debug, Clone)]
enum Step {
    /// A transaction of so many rows, which is kept or not; part of it is taken back on the way.
    Write { rows: u8, back: bool, keep: bool, durable: bool },
    /// The log is moved into the file.
    Checkpoint,
}

fn step() -> impl Strategy<Value = Step> {
    let write = (1..60_u8, any::<bool>(), prop::bool::weighted(0.7), any::<bool>())
        .prop_map(|(rows, back, keep, durable)| Step::Write { rows, back, keep, durable });
    prop_oneof![8 => write, 1 => Just(Step::Checkpoint)]
}

/// A connection whose transactions do not fit into its memory.
fn small(path: &Path) -> Connection {
    let connection = super::super::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE);
    let connection = connection.unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.pragma_update(None, "cache_size", 8).unwrap();
    connection.pragma_update(None, "cache_spill", 4).unwrap();
    connection
}

fn run(connection: &Connection, step: &Step, known: &mut Vec<i64>, next: &mut i64) {
    let Step::Write { rows, back, keep, durable } = *step else {
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
        return;
    };
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" }).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = known.clone();
    let put = |number: i64| {
        connection.execute("INSERT INTO t VALUES (?1, ?2)", (number, vec![number.to_le_bytes()[0]; 900])).unwrap();
    };
    for turn in 0..rows {
        put(*next);
        known.push(*next);
        *next += 1;
        if turn == rows / 2 && back {
            connection.execute_batch("SAVEPOINT half").unwrap();
            (0..i64::from(rows)).for_each(|more| put(1_000_000 + *next + more));
            connection.execute_batch("ROLLBACK TO half; RELEASE half").unwrap();
        }
    }
    // Reads pages that were written to the log already.
    connection.query_row("SELECT sum(length(bytes)) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
    connection.execute_batch(if keep { "COMMIT" } else { "ROLLBACK" }).unwrap();
    if !keep {
        *known = before;
    }
}

fn rows(connection: &Connection) -> Vec<i64> {
    let mut statement = connection.prepare("SELECT number, bytes FROM t ORDER BY number").unwrap();
    let read = |row: &rusqlite::Row<'_>| {
        let (number, bytes): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        assert!(bytes.iter().all(|byte| *byte == number.to_le_bytes()[0]), "the row of {number} is another's");
        Ok(number)
    };
    statement.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn two_connections_that_write_by_turns_and_one_that_reads_agree(
        steps in prop::collection::vec((any::<bool>(), step()), 1..20)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let (one, two) = (small(&path), small(&path));
        one.execute_batch("CREATE TABLE t (number INTEGER PRIMARY KEY, bytes BLOB)").unwrap();
        let reader = super::super::to_read(&path).unwrap();
        let (mut known, mut next) = (Vec::new(), 0);
        for (first, step) in &steps {
            run(if *first { &one } else { &two }, step, &mut known, &mut next);
            prop_assert_eq!(&rows(&reader), &known);
        }
        prop_assert_eq!(&rows(&one), &known);
        prop_assert_eq!(&rows(&two), &known);
        let check: String = one.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        prop_assert_eq!(check, "ok");
        // What a process finds that comes after a crash of all: the files as they are.
        let found = folder.path().join("found.db");
        std::fs::copy(&path, &found).unwrap();
        std::fs::copy(folder.path().join("x.db-wal"), folder.path().join("found.db-wal")).unwrap();
        prop_assert_eq!(&rows(&small(&found)), &known);
    }
}

#[test]
fn what_was_rolled_back_while_one_had_the_file_alone_is_gone_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let one = small(&path);
    one.execute_batch("CREATE TABLE t (number INTEGER PRIMARY KEY, bytes BLOB)").unwrap();
    one.pragma_update(None, "locking_mode", "exclusive").unwrap();
    let (mut known, mut next) = (Vec::new(), 0);
    run(&one, &Step::Write { rows: 3, back: false, keep: true, durable: true }, &mut known, &mut next);
    one.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 100..160 {
        one.execute("INSERT INTO t VALUES (?1, ?2)", (number, vec![7_u8; 900])).unwrap();
    }
    one.pragma_update(None, "locking_mode", "normal").unwrap();
    one.execute_batch("ROLLBACK").unwrap();
    one.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
    let two = small(&path);
    run(&two, &Step::Write { rows: 50, back: true, keep: true, durable: true }, &mut known, &mut next);
    assert_eq!((rows(&one), rows(&two)), (known.clone(), known));
}

#[test]
fn what_is_not_committed_waits_here_and_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let written = |connection: &Connection| {
        connection.execute_batch("CREATE TABLE IF NOT EXISTS t (number INTEGER PRIMARY KEY, bytes BLOB)").unwrap();
        let length = || std::fs::metadata(folder.path().join("x.db-wal")).unwrap().len();
        let before = length();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..60 {
            connection.execute("INSERT INTO t (bytes) VALUES (?1)", [vec![7_u8; 900]]).unwrap();
        }
        let open = length() - before;
        connection.execute_batch("COMMIT").unwrap();
        (open, length() - before)
    };
    let (open, committed) = written(&small(&path));
    assert!(open == 0 && committed > 60 * 900, "{open} before the commit, {committed} after it");
    // By itself SQLite writes what does not fit into its memory, so the transaction above is one that shows the difference.
    #[expect(clippy::disallowed_methods, reason = "a connection that does not go through here")]
    let bare = Connection::open(&path).unwrap();
    bare.execute_batch("PRAGMA cache_size = 8; PRAGMA cache_spill = 4").unwrap();
    bare.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let (open, _) = written(&bare);
    assert!(open > 0, "nothing was spilled");
}
