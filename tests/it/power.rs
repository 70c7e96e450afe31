//! Simulated power cuts: every write of a child is logged with the syncs, then replayed up to a random instant. Of what
//! was not synced by then, a random part reaches the disk, whole or torn. What was acknowledged must be there.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test makes its own world")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child::{Part, child};
use crate::store::{assert_sound, open};

/// How many cuts are simulated.
const CUTS: u64 = 250;
/// How many commits are made: so many pages that the log is moved beside them.
const COMMITS: usize = 300;
/// How much of a write a disk stores at once.
const SECTOR: usize = 512;

#[derive(Debug)]
struct Record {
    op: u8,
    file: u8,
    offset: usize,
    data: Vec<u8>,
}

/// The two files of a ledger as they stand on the disk.
#[derive(Debug, Clone, Default)]
struct Disk {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Disk {
    fn apply(&mut self, record: &Record, torn: Option<usize>) {
        let file = if record.file == b'd' { &mut self.database } else { &mut self.log };
        if record.op == b'T' {
            file.resize(record.offset, 0);
            return;
        }
        let data = record.data.get(..torn.unwrap_or(record.data.len())).unwrap();
        let end = record.offset + data.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file.get_mut(record.offset..end).unwrap().copy_from_slice(data);
    }

    fn write(&self, ledger: &Path) {
        let log = PathBuf::from(format!("{}-wal", ledger.display()));
        let shared = PathBuf::from(format!("{}-shm", ledger.display()));
        fs::remove_file(shared).unwrap_or_default();
        fs::write(ledger, &self.database).unwrap();
        fs::write(log, &self.log).unwrap();
    }
}

/// Small, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// Where the judge works: in memory when there is such a place, for nobody cuts the power there.
fn court() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn shim(directory: &Path) -> PathBuf {
    let library = directory.join("shim.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/power/shim.c");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").output();
    let built = built.unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}

fn records(log: &Path) -> Vec<Record> {
    let bytes = fs::read(log).unwrap();
    let mut rest = bytes.as_slice();
    let mut records = Vec::new();
    while let Some((head, tail)) = rest.split_at_checked(18) {
        let number = |range: std::ops::Range<usize>| {
            usize::try_from(u64::from_le_bytes(head.get(range).unwrap().try_into().unwrap())).unwrap()
        };
        let (op, file) = (*head.first().unwrap(), *head.get(1).unwrap());
        let length = number(10..18);
        let (data, tail) = tail.split_at(if op == b'W' { length } else { 0 });
        records.push(Record { op, file, offset: number(2..10), data: data.to_vec() });
        rest = tail;
    }
    records
}

/// The disk after a cut, and the last number that had been acknowledged before it.
fn cut(base: &Disk, records: &[Record], dice: &mut Dice, syncs_count: bool) -> (Disk, u64) {
    let mut disk = base.clone();
    let mut pending: Vec<&Record> = Vec::new();
    let mut acknowledged = 0;
    for record in records {
        match (record.op, record.file) {
            (_, b'a') => acknowledged = u64::from_le_bytes(record.data.as_slice().try_into().unwrap()),
            (b'S', file) if syncs_count => {
                pending.retain(|waiting| {
                    let now = waiting.file == file;
                    if now {
                        disk.apply(waiting, None);
                    }
                    !now
                });
            }
            (b'S', _) => {}
            _ => pending.push(record),
        }
    }
    let style = dice.below(4);
    let kept = match style {
        0 => 0,
        1 => dice.below(pending.len() + 1),
        _ => pending.len(),
    };
    for record in pending.iter().take(kept) {
        let torn = (style == 3 && dice.below(3) == 0)
            .then(|| (dice.below(record.data.len() / SECTOR + 1) * SECTOR).min(record.data.len()));
        if style < 2 || dice.below(2) == 0 {
            disk.apply(record, torn);
        }
    }
    (disk, acknowledged)
}

#[test]
fn hundreds_of_power_cuts_lose_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger.db");
    let log = directory.path().join("power.log");
    drop(open(&ledger));
    let base = Disk { database: fs::read(&ledger).unwrap(), log: Vec::new() };
    let status = child(Part::Bursts, &ledger, 1, COMMITS as u128)
        .env("LD_PRELOAD", shim(directory.path()))
        .env("POWER_LOG", &log)
        .env("POWER_MATCH", "ledger.db")
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    let records = records(&log);
    let count = |op, file| records.iter().filter(|record| (record.op, record.file) == (op, file)).count();
    assert_eq!(count(b'W', b'a'), COMMITS);
    assert!(count(b'S', b'w') >= COMMITS, "every commit is synced");
    assert!(count(b'S', b'd') >= 2, "the log was moved into the file on the way");

    let mut dice = Dice(20_261_124);
    let chamber = court();
    let judged = chamber.path().join("judged.db");
    fs::copy(directory.path().join("ledger.db.key"), chamber.path().join("judged.db.key")).unwrap();
    for number in 0..CUTS {
        let instant = dice.below(records.len());
        let (disk, acknowledged) = cut(&base, records.get(..instant).unwrap(), &mut dice, true);
        disk.write(&judged);
        let store = open(&judged);
        let head = store.reader().unwrap().head().unwrap();
        assert!(
            u64::try_from(head).unwrap() >= acknowledged,
            "cut {number}: {acknowledged} acknowledged, {head} there"
        );
        drop(store);
        assert_sound(&judged);
    }

    // The judge is no fool: a disk that ignores every sync does lose what was acknowledged.
    let (disk, acknowledged) = (0..50)
        .map(|_| cut(&base, &records, &mut dice, false))
        .find(|(disk, _)| disk.log.len() < SECTOR && disk.database == base.database)
        .unwrap();
    disk.write(&judged);
    assert!(u64::try_from(open(&judged).reader().unwrap().head().unwrap()).unwrap() < acknowledged);
}
