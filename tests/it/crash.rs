//! What others do to a ledger and its programs: kill them, fill the disk, lock the file, take the permissions away.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test makes its own world")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cim_domain_nix::store::{Access, Store, StoreError};

use crate::child::{Part, arguments, child, describe};
use crate::store::restore::make_older;
use crate::store::{NOW, assert_contiguous, assert_sound, discovery, open, raw, single, who};

/// The user that owns nothing.
const NOBODY: u32 = 65534;

/// The numbers that a child said were acknowledged, and everything else that it said.
fn said(output: &str) -> (Vec<u128>, String) {
    // A killed child may have been cut off in the middle of its last line.
    let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let numbers = whole.lines().filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).collect();
    (numbers, whole.lines().filter(|line| !line.starts_with("ack ")).collect::<Vec<_>>().join("\n"))
}

fn commands(ledger: &Path) -> std::collections::BTreeSet<Vec<u8>> {
    let connection = raw(ledger);
    let mut statement = connection.prepare("SELECT command_id FROM commands").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_hundred_kills_lose_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger.db");
    let mut acknowledged = 0;
    for round in 0..100_u64 {
        let first = u128::from(round) * 1_000_000;
        let mut running =
            child(Part::Append, &ledger, first, 100_000).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = BufReader::new(running.stdout.take().unwrap());
        let mut text = String::new();
        while !text.contains("ack ") {
            assert_ne!(out.read_line(&mut text).unwrap(), 0, "{text}");
        }
        std::thread::sleep(Duration::from_micros(round * 397 % 20_000));
        running.kill().unwrap();
        out.read_to_string(&mut text).unwrap();
        running.wait().unwrap();
        let (numbers, rest) = said(&text);
        assert!(!rest.contains("error"), "{rest}");
        let stored = commands(&ledger);
        for number in &numbers {
            assert!(stored.contains(&number.to_be_bytes()[..]), "round {round}: {number} was lost");
        }
        acknowledged += numbers.len();
        if round % 20 == 19 {
            assert_sound(&ledger);
        }
    }
    assert!(acknowledged >= 100);
    assert_contiguous(&open(&ledger));
}

#[test]
fn three_processes_write_at_once_without_an_error_or_a_gap() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger.db");
    let children: Vec<_> = (0..3_u128)
        .map(|n| child(Part::Append, &ledger, n * 1_000_000, 200).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    for running in children {
        let output = running.wait_with_output().unwrap();
        let (numbers, rest) = said(&String::from_utf8_lossy(&output.stdout));
        assert_eq!(numbers.len(), 200, "{rest}");
    }
    let store = open(&ledger);
    assert_eq!(store.reader().unwrap().head().unwrap(), 600);
    assert_contiguous(&store);
    assert_sound(&ledger);
}

/// A file system of its own for one process, with little room on it.
fn on_a_small_disk(mount_point: &Path, script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-ec"]);
    command.arg(format!("mount -t tmpfs -o size=1536k none \"$0\"\n{script}"));
    command.arg(mount_point);
    command
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let disk = directory.path().join("disk");
    let saved = directory.path().join("saved");
    fs::create_dir(&disk).unwrap();
    fs::create_dir(&saved).unwrap();
    // The disk is gone with the process that sees it: the files are saved for the judge.
    let mut command = on_a_small_disk(&disk, "\"$@\" || true; cp \"$0\"/ledger.db* \"$SAVED\"");
    describe(&mut command, Part::Append, &disk.join("ledger.db"), 1, 1_000_000);
    command.arg(std::env::current_exe().unwrap()).args(arguments()).env("SAVED", &saved);
    let output = command.output().unwrap();
    let (numbers, rest) = said(&String::from_utf8_lossy(&output.stdout));
    assert!(rest.contains("error Err(Full"), "{rest}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(numbers.len() > 10, "{numbers:?}");
    let ledger = saved.join("ledger.db");
    let store = open(&ledger);
    let head = store.reader().unwrap().head().unwrap();
    assert_eq!(usize::try_from(head).unwrap(), numbers.len());
    drop(store);
    assert_sound(&ledger);
}

/// The program, and what it says and how it ends when a shell runs it with the rest of the words.
fn in_a_shell(script: &str, words: &[&Path]) -> (String, Option<i32>) {
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_cim-nix")]).args(words);
    let output = command.output().unwrap();
    (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_no_silent_death() {
    let directory = tempfile::tempdir().unwrap();
    let flake = directory.path().join("flake");
    fs::create_dir(&flake).unwrap();
    fs::write(flake.join("flake.nix"), "{ outputs = _: { }; }").unwrap();
    let ledger = directory.path().join("ledger.db");
    // In blocks of 512 bytes: enough for the shared memory of the log, too little for the log.
    let (said, code) = in_a_shell("ulimit -f 100; exec \"$0\" --db \"$2\" scan \"$1\"", &[&flake, &ledger]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.starts_with("error: "), "{said}");
    let (said, code) = in_a_shell("exec \"$0\" --db \"$2\" scan \"$1\"", &[&flake, &ledger]);
    assert_eq!(code, Some(0), "{said}");
    assert_sound(&ledger);
}

#[test]
fn a_copy_that_finds_no_room_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let disk = directory.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let ledger = directory.path().join("ledger.db");
    drop(open(&ledger));
    let script = "for free in 0 4096 16384 65536; do \
                  head -c $((1536 * 1024 - free)) /dev/zero >\"$0\"/fill || true; \
                  \"$1\" --db \"$2\" store backup \"$0\"/copy.db || echo code $?; ls \"$0\"; done";
    let mut command = on_a_small_disk(&disk, script);
    let output = command.arg(env!("CARGO_BIN_EXE_cim-nix")).arg(&ledger).output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().collect::<Vec<_>>(), ["code 4", "fill"].repeat(4), "{wrong}");
    assert_eq!(wrong.matches("no space left for").count(), 4, "{wrong}");
}

#[test]
fn an_export_that_finds_no_room_leaves_what_was_there_and_nothing_by_halves() {
    let directory = tempfile::tempdir().unwrap();
    let disk = directory.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let ledger = directory.path().join("ledger.db");
    let store = open(&ledger);
    for number in 1..=300 {
        store.append(single(number, 1)).unwrap();
    }
    drop(store);
    let script = "head -c 1500000 /dev/zero >\"$0\"/fill; echo kept >\"$0\"/old; \
                  for to in new old; do \"$1\" --db \"$2\" store export --force \"$0\"/$to || echo code $?; done; \
                  cat \"$0\"/old; ls \"$0\"";
    let mut command = on_a_small_disk(&disk, script);
    let output = command.arg(env!("CARGO_BIN_EXE_cim-nix")).arg(&ledger).output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().collect::<Vec<_>>(), ["code 4", "code 4", "kept", "fill", "old"], "{wrong}");
    assert!(wrong.contains("no space left for"), "{wrong}");
}

/// A ledger with events of 50 KB each, of which the second is on the small disk with so little room that it can be blanked and
/// not taken out of everything.
const ERASES: &str = "cp \"$2\" \"$2\".key \"$0\"; cd \"$0\"; free() { df -k --output=avail . | tail -n 1; }; \
                      head -c $((($(free) - 300) * 1024)) /dev/zero >fill; \
                      \"$1\" --db ledger.db store erase '#2' --reason r --yes || echo code $?; \
                      \"$1\" --db ledger.db store check | grep erasure; rm fill; cp ledger.db* \"$SAVED\"";

#[test]
fn an_erasure_that_finds_no_room_says_that_the_event_is_blank_and_what_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let (disk, saved, ledger) =
        (directory.path().join("disk"), directory.path().join("saved"), directory.path().join("ledger.db"));
    fs::create_dir(&disk).unwrap();
    fs::create_dir(&saved).unwrap();
    let store = open(&ledger);
    for number in 1..=4 {
        store.append(discovery(number, number, &"text ".repeat(10_000))).unwrap();
    }
    drop(store);
    let mut command = on_a_small_disk(&disk, ERASES);
    command.arg(env!("CARGO_BIN_EXE_cim-nix")).arg(&ledger).env("SAVED", &saved);
    let output = command.output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("event #2 is blank"), "{said}{wrong}");
    assert!(said.contains("no space left for") && said.contains("`cim-nix scan`"), "{said}{wrong}");
    assert!(said.contains("warning  erasure") && !said.contains("code"), "{said}{wrong}");
    drop(open(&saved.join("ledger.db")));
    assert_sound(&saved.join("ledger.db"));
}

#[test]
fn a_disk_without_any_room_is_called_full_also_where_the_log_has_no_shared_memory() {
    let directory = tempfile::tempdir().unwrap();
    let disk = directory.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let ledger = directory.path().join("ledger.db");
    drop(open(&ledger));
    let script = "cp \"$2\" \"$2\".key \"$0\"; cat /dev/zero >\"$0\"/fill 2>/dev/null || true; \
                  for words in \"scan /\" \"flake list\"; do \"$1\" --db \"$0\"/ledger.db $words || echo code $?; done";
    let output = on_a_small_disk(&disk, script).arg(env!("CARGO_BIN_EXE_cim-nix")).arg(&ledger).output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().collect::<Vec<_>>(), ["code 4"; 2], "{wrong}");
    assert_eq!(wrong.matches("no space left for").count(), 2, "{wrong}");
    assert!(wrong.contains("free some and repeat"), "{wrong}");
}

/// A ledger of five events, and this binary in a place where any user may start it.
struct Lent {
    directory: tempfile::TempDir,
    home: PathBuf,
    ledger: PathBuf,
}

impl Lent {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::copy(std::env::current_exe().unwrap(), directory.path().join("child")).unwrap();
        let home = directory.path().join("home");
        let ledger = home.join("ledger.db");
        let store = open(&ledger);
        for number in 1..=5 {
            store.append(single(number + 100, 1)).unwrap();
        }
        drop(store);
        set_mode(directory.path(), 0o755);
        Self { directory, home, ledger }
    }

    /// Nothing is forbidden to root: then nobody gets everything and is asked instead.
    fn give_to_nobody(&self) {
        if rustix::process::getuid().is_root() {
            for entry in fs::read_dir(&self.home).unwrap() {
                chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
            }
            chown(&self.home, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    /// What a child says that reads the ledger and tries to write.
    fn read(&self) -> String {
        let mut command = Command::new(self.directory.path().join("child"));
        describe(&mut command, Part::Read, &self.ledger, 0, 0);
        command.args(arguments());
        if rustix::process::getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().unwrap();
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }
}

#[test]
fn a_ledger_that_may_not_be_written_is_read_with_or_without_a_log() {
    let lent = Lent::new();
    set_mode(&lent.ledger, 0o444);
    set_mode(&lent.home, 0o555);
    let text = lent.read();
    set_mode(&lent.home, 0o755);
    assert!(text.contains("head 5"), "{text}");
    assert!(text.contains("writing Err(ReadOnly"), "{text}");
    assert!(text.contains("permissions Some") && text.contains("this user may not write"), "{text}");
    assert!(text.contains("journal Some") && text.contains("write-ahead log"), "{text}");
}

#[test]
fn a_ledger_that_may_not_be_written_is_copied_and_exported() {
    let lent = Lent::new();
    fs::copy(env!("CARGO_BIN_EXE_cim-nix"), lent.directory.path().join("cim-nix")).unwrap();
    let out = lent.directory.path().join("out");
    fs::create_dir(&out).unwrap();
    set_mode(&out, 0o777);
    set_mode(&lent.ledger, 0o444);
    set_mode(&lent.home, 0o555);
    let copy = out.join("copy.db");
    let program = |words: &[&str]| {
        let mut command = Command::new(lent.directory.path().join("cim-nix"));
        command.env_clear().env("HOME", &out).arg("--db").arg(&lent.ledger).arg("store").args(words);
        if rustix::process::getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output().unwrap()
    };
    let copied = program(&["backup", copy.to_str().unwrap()]);
    let exported = program(&["export"]);
    set_mode(&lent.home, 0o755);
    assert!(copied.status.success(), "{copied:?}");
    assert_eq!(open(&copy).reader().unwrap().head().unwrap(), 5);
    assert_eq!((exported.status.code(), String::from_utf8_lossy(&exported.stdout).lines().count()), (Some(0), 6));
}

#[test]
fn a_ledger_behind_a_closed_directory_is_said_to_be_there_perhaps_and_none_is_offered() {
    let lent = Lent::new();
    let copied = lent.directory.path().join("cim-nix");
    fs::copy(env!("CARGO_BIN_EXE_cim-nix"), &copied).unwrap();
    set_mode(&lent.home, 0);
    let program = |words: &[&str]| {
        let mut command = Command::new(&copied);
        command.env_clear().env("HOME", "/").arg("--db").arg(&lent.ledger).args(words);
        if rustix::process::getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().unwrap();
        (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status.success())
    };
    let answers = [&["flake", "list"][..], &["log"], &["scan", "/"], &["info"], &["store", "check"]].map(program);
    set_mode(&lent.home, 0o755);
    for (said, is_done) in answers {
        assert!(
            !is_done && said.contains(&format!("permission denied for the directory {}", lent.home.display())),
            "{said}"
        );
        assert!(!said.contains("cim-nix scan"), "{said}");
    }
}

#[test]
fn a_ledger_of_an_older_release_that_may_not_be_written_says_how_to_read_it() {
    let lent = Lent::new();
    make_older(&lent.ledger);
    set_mode(&lent.ledger, 0o444);
    for mode in [0o555, 0o777] {
        set_mode(&lent.home, mode);
        let text = lent.read();
        assert!(text.contains("reading") && text.contains("copy it with `cp`"), "{mode:o}: {text}");
    }
    set_mode(&lent.home, 0o755);
}

#[test]
fn a_ledger_that_may_be_written_again_is_written_at_once() {
    let lent = Lent::new();
    lent.give_to_nobody();
    set_mode(&lent.ledger, 0o444);
    let text = lent.read();
    assert!(text.contains("head 5") && text.contains("writing Err(ReadOnly"), "{text}");
    let made = fs::metadata(lent.home.join("ledger.db-shm")).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o444, "SQLite leaves what it made beside a file of that mode");
    set_mode(&lent.ledger, 0o600);
    let text = lent.read();
    assert!(text.contains("head 5") && text.contains("writing Ok"), "{text}");
    assert_sound(&lent.ledger);
}

#[test]
fn a_lock_that_lasts_is_an_error_that_names_its_holder() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger.db");
    let store = open(&ledger);
    store.append(single(1, 1)).unwrap();
    let other = raw(&ledger);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let since = Instant::now();
    let error = store.append(single(2, 1)).unwrap_err();
    assert!(since.elapsed() >= Duration::from_secs(4));
    let StoreError::Locked { holder, .. } = &error else { unreachable!("{error}") };
    assert!(holder.as_deref().is_some_and(|holder| holder.starts_with(&std::process::id().to_string())), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    store.append(single(2, 1)).unwrap();
    assert_eq!(Store::open(&ledger, Access::ReadOnly, &who(), NOW).unwrap().reader().unwrap().head().unwrap(), 2);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
