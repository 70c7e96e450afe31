//! Two processes at once: what one has looked at is not recorded over what the other saw later.
#![expect(clippy::disallowed_methods, reason = "the tests write what a user would")]

use std::fs;
use std::slice;

use tempfile::TempDir;

use super::*;
use crate::app::clock::Clock;
use crate::app::{forget, upkeep};
use crate::store::{Access, Store, Who};

const MODULE: &str = "{ lib, ... }: { options.web = lib.mkOption { }; }";

/// A flake, and two processes that know it.
struct Two {
    folder: TempDir,
    one: Session,
    other: Session,
}

impl Two {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let session = || {
            let (clock, who) = (Clock::system(), Who { user: "ada".to_owned(), host: "desk".to_owned() });
            let store = Store::open(&folder.path().join("ledger.db"), Access::ReadWrite, &who, clock.now()).unwrap();
            Session { store, clock, who }
        };
        let (one, other) = (session(), session());
        fs::create_dir(folder.path().join("src")).unwrap();
        let two = Self { folder, one, other };
        two.describe("first");
        two.scan(&two.other);
        two
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("src")
    }

    fn describe(&self, text: &str) {
        let nix = format!("{{ description = \"{text}\"; outputs = _: {{ }}; }}");
        fs::write(self.root().join("flake.nix"), nix).unwrap();
    }

    fn scan(&self, session: &Session) -> ScanReport {
        let request = ScanRequest { paths: vec![self.root()], modules: true, ..ScanRequest::default() };
        scan(session, &request, &|_| {}, &AtomicBool::new(false)).unwrap()
    }

    /// Scans as the first process, with something that happens when it has looked and not recorded yet; then it is stopped
    /// before it comes to the configurations.
    fn scan_with(&self, meanwhile: impl FnOnce()) -> ScanReport {
        self.begin(meanwhile, |run, command, settler| {
            run.stop.store(true, Ordering::Relaxed);
            run.finish(command, &[self.root()], settler).unwrap()
        })
    }

    fn begin<T>(&self, meanwhile: impl FnOnce(), end: impl FnOnce(&Run<'_>, Command, Settler<'_>) -> T) -> T {
        let (session, root, stop) = (&self.one, self.root(), AtomicBool::new(false));
        let request = ScanRequest { modules: true, ..ScanRequest::default() };
        let reader = session.store.reader().unwrap();
        let began = reader.head().unwrap();
        let walked = walk_until(slice::from_ref(&root), &request.options(vec![root.clone()]), &stop).unwrap();
        let known = Known::load(&reader, &session.store.origin().public_key).unwrap();
        let (moved, progress): (HashMap<PathBuf, FlakeId>, _) = (HashMap::new(), &|_| {});
        let run = Run {
            session,
            request: &request,
            linter: None,
            walked: &walked,
            devices: &Devices::new(&walked, &known),
            began,
            known: &known,
            moved: &moved,
            progress,
            stop: &stop,
        };
        let anew = |directory: &Path| run.look_anew(directory);
        let command = session.command("scan");
        let extractor = files::extractor(&request);
        let mut settler = Settler::new(session, &known, &command, &moved, &anew, extractor, began).unwrap();
        let looker = run.looker(&known);
        let glances: Vec<_> =
            walked.flakes.iter().map(|at| (at, looker.look(at, None, &mut git::Near::default()))).collect();
        meanwhile();
        for (at, glance) in glances {
            settler.settle(at, glance).unwrap();
        }
        settler.wait().unwrap();
        end(&run, command, settler)
    }

    fn write_module(&self) {
        fs::write(self.root().join("web.nix"), MODULE).unwrap();
    }

    /// How many events of a kind are not blank.
    fn told(&self, kind: &str) -> usize {
        let events = self.one.store.reader().unwrap().recorded(0, 1_000).unwrap();
        events.iter().filter(|event| event.kind == kind && !event.is_erased()).count()
    }

    /// Erases the last event of a kind, as the other process.
    fn erase(&self, kind: &str) {
        let events = self.other.store.reader().unwrap().recorded(0, 1_000).unwrap();
        let event = events.iter().rfind(|event| event.kind == kind).unwrap();
        upkeep::erase(&self.other, event.event_id, "a test").unwrap();
    }

    /// Every description that was recorded, oldest first.
    fn descriptions(&self) -> Vec<String> {
        let reader = self.one.store.reader().unwrap();
        let sql = "SELECT coalesce(payload ->> '$.to', payload ->> '$.facts.description') FROM v1_events \
                   WHERE type IN ('flake.discovered', 'flake.description_changed') ORDER BY position";
        let mut statement = reader.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

#[test]
fn a_look_that_is_older_than_what_another_process_recorded_is_taken_again() {
    let two = Two::new();
    two.describe("second");
    let report = two.scan_with(|| {
        two.describe("third");
        assert_eq!(two.scan(&two.other).events, 1);
    });
    assert_eq!((report.events, report.changed), (0, 0));
    assert_eq!(two.descriptions(), ["first", "third"]);
    assert_eq!(two.scan(&two.one).events, 0);
}

#[test]
fn what_changed_again_since_is_recorded_by_the_second_look() {
    let two = Two::new();
    two.describe("second");
    let report = two.scan_with(|| {
        two.describe("third");
        two.scan(&two.other);
        two.describe("fourth");
    });
    assert_eq!((report.events, report.changed), (1, 1));
    assert_eq!(two.descriptions(), ["first", "third", "fourth"]);
    assert_eq!(two.scan(&two.other).events, 0);
}

#[test]
fn what_a_stopped_or_killed_scan_did_not_come_to_is_recorded_by_the_next_one() {
    for is_killed in [false, true] {
        let two = Two::new();
        let nix = r#"{ description = "first"; outputs = _: { nixosConfigurations.web = { }; }; }"#;
        fs::write(two.root().join("flake.nix"), nix).unwrap();
        let count = |sql: &str| two.one.store.reader().unwrap().query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
        let configurations = || count("SELECT count(*) FROM v1_events WHERE type = 'config.discovered'");
        if is_killed {
            two.begin(|| {}, |_, _, settler| assert!(settler.report.events > 0));
        } else {
            assert!(two.scan_with(|| {}).events > 0);
        }
        assert_eq!(configurations(), 0);
        // Elsewhere nothing is read of it.
        let elsewhere = two.folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let request = ScanRequest { paths: vec![elsewhere], modules: true, ..ScanRequest::default() };
        scan(&two.other, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
        assert_eq!(configurations(), 0);
        two.scan(&two.other);
        assert_eq!((configurations(), count("SELECT count(*) FROM configs_due")), (1, 0));
        assert_eq!(two.scan(&two.one).events, 0);
    }
}

#[test]
fn what_another_process_says_to_be_due_once_more_stays_due() {
    let two = Two::new();
    let keep = |note: LocalNote| {
        let command = two.one.command("test");
        let append = Append { command, received_at: 0, writes: Vec::new(), notes: vec![note] };
        two.one.store.append(append).unwrap();
        two.one.store.reader().unwrap().configs_due().unwrap()
    };
    let head = || two.one.store.reader().unwrap().head().unwrap();
    let (flake, began) = (FlakeId::new(uuid::Uuid::from_u128(1)), head());
    assert_eq!(keep(LocalNote::ConfigsDue { flake, changed: true }).get(&flake), Some(&true));
    two.describe("second");
    two.scan(&two.other);
    assert_eq!(keep(LocalNote::ConfigsDue { flake, changed: false }).get(&flake), Some(&true));
    assert!(!keep(LocalNote::ConfigsSettled { flake, began }).is_empty());
    assert!(keep(LocalNote::ConfigsSettled { flake, began: head() }).is_empty());
}

#[test]
fn a_lock_that_another_process_recorded_after_the_walk_is_not_gone() {
    let two = Two::new();
    two.describe("second");
    let lock = r#"{"nodes": {"root": {}}, "root": "root", "version": 7}"#;
    let request = ScanRequest { paths: vec![two.root()], modules: true, ..ScanRequest::default() };
    let progress = |progress| {
        if progress == (Progress::Flakes { done: 0, total: 1 }) {
            fs::write(two.root().join("flake.lock"), lock).unwrap();
            assert!(two.scan(&two.other).events > 0);
        }
    };
    let report = scan(&two.one, &request, &progress, &AtomicBool::new(false)).unwrap();
    assert_eq!(report.events, 0);
    let reader = two.one.store.reader().unwrap();
    let locks: i64 =
        reader.query_row("SELECT count(*) FROM v1_flakes WHERE lock_version = 7", [], |row| row.get(0)).unwrap();
    assert_eq!(locks, 1);
}

#[test]
fn what_is_erased_after_its_file_was_looked_at_is_recorded_by_the_next_scan() {
    for kind in ["module.discovered", "flake.description_changed"] {
        let two = Two::new();
        let write = || {
            two.describe("second");
            two.write_module();
        };
        write();
        two.scan(&two.other);
        // The same again, so that nothing is told of what is read.
        write();
        let report = two.begin(
            || {},
            |run, command, mut settler| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
                settler.look_again().unwrap();
                files::settle(run, &pool, &mut settler).unwrap();
                two.erase(kind);
                run.finish(command, &[two.root()], settler).unwrap()
            },
        );
        assert_eq!((report.events, two.told(kind)), (0, 0), "{kind}");
        two.scan(&two.one);
        assert_eq!(two.told(kind), 1, "{kind}");
        assert_eq!(two.scan(&two.one).events, 0, "{kind}");
    }
}

#[test]
fn nothing_is_recorded_of_the_files_of_a_flake_that_is_forgotten_meanwhile() {
    let two = Two::new();
    two.write_module();
    let report = two.begin(
        || {},
        |run, command, mut settler| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            settler.look_again().unwrap();
            let known = settler.known_now().unwrap();
            let flake = known.flake(&two.root()).unwrap().id;
            forget::forget(&two.other, flake).unwrap();
            files::settle_known(run, &known, &pool, &mut settler).unwrap();
            run.finish(command, &[two.root()], settler).unwrap()
        },
    );
    assert_eq!((report.events, two.told("module.discovered")), (0, 0));
}
