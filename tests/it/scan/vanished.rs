//! Files beside `flake.nix` that are there no more, or that scans leave out by now: what one scan leaves in the ledger is what
//! a new ledger has of the same tree, whatever happened before.

use std::sync::atomic::Ordering;

use cim_domain_nix::app::scan::{Progress, Wanted};
use cim_domain_nix::app::upkeep;
use cim_domain_nix::domain::finding::Severity;
use cim_domain_nix::lint::Selection;
use proptest::prelude::*;

use super::*;

const MODULE: &str = "{ config, lib, ... }: { options.x.y = lib.mkOption { }; config.services.nginx.enable = true; }";
const OVERLAY: &str = "final: prev: { hello = prev.hello; }";
const BAD: &str = "{ foo, foo }: 1";
const PINS: &str = r#"{"pins":{"c":{"type":"Channel","name":"c","url":"https://x.example/y","hash":"1"}},"version":3}"#;

/// What is recorded now, as a user sees it.
const HELD: &str = "
SELECT 'module ' || coalesce((SELECT path || '/' FROM v1_flakes WHERE id = flake), '') || path FROM v1_modules WHERE valid_to IS NULL
UNION ALL SELECT 'overlay ' || coalesce((SELECT path || '/' FROM v1_flakes WHERE id = flake), '') || path
FROM v1_overlays WHERE valid_to IS NULL
UNION ALL SELECT 'problem ' || path || ' ' || code FROM v1_problems
UNION ALL SELECT 'pin ' || file || ' ' || name FROM v1_pins WHERE valid_to IS NULL ORDER BY 1";

fn request(estate: &Estate) -> ScanRequest {
    let rules = Some(Wanted { selection: Selection::default(), least: Severity::Warning });
    ScanRequest { paths: vec![estate.root()], rules, modules: true, ..ScanRequest::default() }
}

/// Of every kind, in a flake and in none; no directory is empty without them.
fn estate() -> Estate {
    let estate = Estate::new();
    estate.write("f/flake.nix", FLAKE);
    for (place, text) in [("a", MODULE), ("b", MODULE), ("over", OVERLAY), ("bad", BAD)] {
        estate.write(&format!("f/{place}.nix"), text);
        estate.write(&format!("f/sub/{place}.nix"), text);
        estate.write(&format!("loose/{place}.nix"), text);
    }
    estate.write("p/npins/sources.json", PINS);
    estate.write("lone/flake.lock", "{ }");
    for place in ["f/sub", "loose", "p", "p/npins", "lone"] {
        estate.write(&format!("{place}/README"), "");
    }
    // Of the other files, git's rules decide.
    let git = estate.git("f");
    git.run(&["add", "flake.nix"]);
    git.run(&["commit", "-q", "-m", "First"]);
    estate.scan_with(&request(&estate));
    estate
}

fn scan_into(session: &Session, estate: &Estate) -> ScanReport {
    scan(session, &request(estate), &|_| {}, &AtomicBool::new(false)).expect("the scan works")
}

/// One scan, and the ledger is as a new one; the next has nothing to say.
fn assert_as_new(session: &Session, estate: &Estate) {
    scan_into(session, estate);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let fresh = open(&folder.path().join("fresh.db"));
    scan_into(&fresh, estate);
    assert_eq!(column(session, HELD), column(&fresh, HELD));
    let again = scan_into(session, estate);
    assert_eq!((again.events, again.left_out), (0, Vec::new()));
}

fn holds(session: &Session, what: &str) -> bool {
    column(session, HELD).iter().any(|line| line.contains(what))
}

fn remove(estate: &Estate, places: &[&str]) {
    for place in places {
        let path = estate.root().join(place);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it was there");
    }
}

/// A new ledger with the events of the first.
fn imported(estate: &Estate, name: &str) -> Session {
    let export = estate.database().with_extension(format!("{name}.jsonl"));
    let mut file = fs::File::create(&export).expect("a file");
    estate.session.store.export(&mut file, &export).expect("an export");
    let elsewhere = estate.database().with_extension(name);
    open(&elsewhere).store.import(&export).expect("an import");
    open(&elsewhere)
}

/// Erases all events of these kinds.
fn erase(session: &Session, kinds: &[&str]) {
    let events = session.store.reader().expect("a reader").recorded(0, 10_000).expect("events");
    for event in events.iter().filter(|event| kinds.contains(&event.kind.as_str()) && !event.is_erased()) {
        upkeep::erase(session, event.event_id, "a test").expect("it is erased");
    }
}

const SOME: [&str; 10] = [
    "f/a.nix",
    "f/over.nix",
    "f/bad.nix",
    "f/sub/a.nix",
    "f/sub/over.nix",
    "f/sub/bad.nix",
    "loose/a.nix",
    "loose/bad.nix",
    "p/npins/sources.json",
    "lone/flake.lock",
];

#[test]
fn what_goes_while_its_flake_moves_is_gone() {
    for to in ["g", "deep/g"] {
        let estate = estate();
        remove(&estate, &SOME);
        // A directory that is left without anything is on the disk that it was on.
        remove(&estate, &["f/sub/b.nix", "f/sub/README"]);
        fs::create_dir_all(estate.root().join("deep")).expect("a directory");
        fs::rename(estate.root().join("f"), estate.root().join(to)).expect("moved");
        assert_as_new(&estate.session, &estate);
        assert!(estate.types().contains(&"flake.moved".to_owned()));
        assert!(holds(&estate.session, "g/b.nix") && !holds(&estate.session, "bad.nix"), "{to}");
    }
}

#[test]
fn what_went_since_an_export_is_gone_where_that_is_imported() {
    let estate = estate();
    let session = imported(&estate, "gone");
    remove(&estate, &SOME);
    assert_as_new(&session, &estate);
    let session = imported(&estate, "nested");
    estate.write("f/sub/flake.nix", FLAKE);
    estate.write("loose/flake.nix", FLAKE);
    remove(&estate, &["f/flake.nix"]);
    assert_as_new(&session, &estate);
}

#[test]
fn what_makes_no_sense_for_a_while_is_as_it_was_where_its_flake_moves_to_and_after_an_import() {
    let files = [("a.nix", MODULE), ("over.nix", OVERLAY), ("sub/a.nix", MODULE), ("sub/over.nix", OVERLAY)];
    for broken in
        ["", "{ config, ... }: {\n<<<<<<< HEAD\n", "{ lib, config, ... }: { config = { services.x.enable = ; }; }"]
    {
        let estate = estate();
        let write = |flake: &str, text: Option<&str>| {
            for (file, whole) in files {
                estate.write(&format!("{flake}/{file}"), text.unwrap_or(whole));
            }
        };
        let shapes = |session: &Session| {
            let kinds = column(session, "SELECT type FROM v1_events");
            let is_shape = |kind: &String| kind.starts_with("module.") || kind.starts_with("overlay.");
            kinds.into_iter().filter(is_shape).collect::<Vec<_>>()
        };
        let before = shapes(&estate.session);
        let session = imported(&estate, "broken");
        write("f", Some(broken));
        scan_into(&session, &estate);
        assert_eq!(shapes(&session), before, "imported: {broken}");
        fs::rename(estate.root().join("f"), estate.root().join("g")).expect("moved");
        scan_into(&estate.session, &estate);
        assert_eq!(shapes(&estate.session), before, "moved: {broken}");
        write("g", None);
        assert_as_new(&session, &estate);
        assert_as_new(&estate.session, &estate);
        assert_eq!((shapes(&session), shapes(&estate.session)), (before.clone(), before), "{broken}");
    }
}

#[test]
fn what_went_is_gone_again_after_the_events_that_said_so_were_erased() {
    let estate = estate();
    let before = column(&estate.session, HELD);
    remove(&estate, &SOME);
    estate.scan_with(&request(&estate));
    erase(&estate.session, &["module.deleted", "overlay.deleted", "finding.resolved", "pins.removed"]);
    assert_eq!(column(&estate.session, HELD), before, "nothing says that they are gone");
    assert_as_new(&estate.session, &estate);
}

#[test]
fn what_git_leaves_out_by_now_is_gone_until_it_is_let_in_again() {
    let estate = estate();
    let before = column(&estate.session, HELD);
    for rules in ["sub/\na.nix\n", "*.nix\n!flake.nix\n", "/sub\n/bad.nix\n/over.nix\n"] {
        estate.write("f/.gitignore", rules);
        assert_as_new(&estate.session, &estate);
        assert!(!holds(&estate.session, "f/sub/a.nix"), "{rules}");
        remove(&estate, &["f/.gitignore"]);
        assert_as_new(&estate.session, &estate);
        assert_eq!(column(&estate.session, HELD), before, "{rules}");
    }
    // A repository around all of it.
    estate.git("");
    estate.write(".gitignore", "loose\nnpins/\nlone/\n");
    assert_as_new(&estate.session, &estate);
    assert!(["loose", "npins", "lone"].iter().all(|place| !holds(&estate.session, place)));
}

#[test]
fn what_git_tracks_below_what_its_rules_leave_out_is_not_gone_while_nobody_can_look() {
    let estate = estate();
    estate.write("f/.gitignore", "gen/\n");
    for (place, text) in [("gen/m.nix", MODULE), ("gen/deep/o.nix", OVERLAY), ("gen/npins/sources.json", PINS)] {
        estate.write(&format!("f/{place}"), text);
    }
    Git::at(&estate.root().join("f")).run(&["add", "--force", "gen"]);
    scan_into(&estate.session, &estate);
    let before = column(&estate.session, HELD);
    assert!(["gen/m.nix", "gen/deep/o.nix", "gen/npins"].iter().all(|place| holds(&estate.session, place)));
    // A pattern leaves out what lies deeper than git's rule.
    let excludes = vec!["deep/".to_owned()];
    let report = estate.scan_with(&ScanRequest { excludes, ..request(&estate) });
    assert_eq!((report.events, report.left_out.len()), (0, 1), "{report:?}");
    // A disk that is not mounted.
    let (gen_there, away) = (estate.root().join("f/gen"), estate.root().with_file_name("away"));
    fs::rename(&gen_there, &away).expect("moved away");
    fs::create_dir(&gen_there).expect("a mount point");
    assert_eq!(scan_into(&estate.session, &estate).events, 0);
    assert_eq!(column(&estate.session, HELD), before);
    fs::remove_dir(&gen_there).expect("a mount point");
    fs::rename(&away, &gen_there).expect("mounted");
    assert_as_new(&estate.session, &estate);
    assert_eq!(column(&estate.session, HELD), before);
    // Somebody removes a file, and has git track another no more.
    remove(&estate, &["f/gen/m.nix"]);
    Git::at(&estate.root().join("f")).run(&["rm", "-q", "--cached", "gen/deep/o.nix"]);
    assert_as_new(&estate.session, &estate);
    assert!(!holds(&estate.session, "gen/m.nix") && !holds(&estate.session, "gen/deep/o.nix"));
}

#[test]
fn a_file_that_is_a_directory_by_now_is_gone() {
    let estate = estate();
    remove(&estate, &SOME);
    for place in SOME {
        estate.write(&format!("{place}/README"), "");
    }
    assert_as_new(&estate.session, &estate);
}

#[test]
fn what_a_pattern_leaves_out_stays_and_is_said_once_for_each_directory_or_pattern() {
    let estate = estate();
    let before = column(&estate.session, HELD);
    let excludes = ["sub/", "bad.nix", "loose/*.nix", "/f/[ab].nix", "npins", "lone/flake.lock"];
    let excludes: Vec<String> = excludes.iter().map(ToString::to_string).collect();
    for _ in 0..2 {
        let report = estate.scan_with(&ScanRequest { excludes: excludes.clone(), ..request(&estate) });
        assert_eq!((report.events, column(&estate.session, HELD)), (0, before.clone()));
        let root = estate.root();
        let told = report.left_out.iter().map(|one| {
            let inside = one.path.strip_prefix(&root).expect("in the root").display();
            format!("{inside}: {}", one.why)
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                "f: the exclude pattern `/f/[ab].nix` leaves out 2 files in it",
                "f/bad.nix: the exclude pattern `bad.nix` leaves it out",
                "f/sub: the exclude pattern `sub/` leaves it out",
                "lone/flake.lock: the exclude pattern `lone/flake.lock` leaves it out",
                "loose: the exclude pattern `loose/*.nix` leaves out 4 files in it",
                "p/npins: the exclude pattern `npins` leaves it out",
            ]
        );
    }
    let whole = estate.scan_with(&request(&estate));
    assert_eq!((whole.events, whole.left_out), (0, Vec::new()));
}

#[test]
fn what_is_out_of_reach_is_not_gone() {
    let estate = estate();
    let (root, aside) = (estate.root(), estate.root().with_file_name("aside"));
    for place in ["loose", "p", "f/sub"] {
        // What nothing is remembered of, and a disk that is not mounted.
        let session = imported(&estate, &place.replace('/', "-"));
        let before = column(&session, HELD);
        fs::rename(root.join(place), &aside).expect("moved");
        fs::create_dir(root.join(place)).expect("a mount point");
        scan_into(&session, &estate);
        assert_eq!(column(&session, HELD), before, "{place}");
        fs::remove_dir(root.join(place)).expect("removed");
        fs::rename(&aside, root.join(place)).expect("moved back");
    }
    let session = imported(&estate, "reach");
    let before = column(&session, HELD);
    let told = |report: &ScanReport| Estate::codes(report).contains(&"not-reachable");
    // A flake that git leaves out as a whole stays as it is, and so do its files.
    estate.git("");
    estate.write(".gitignore", "/f\n");
    fs::rename(root.join("f/.git"), &aside).expect("moved");
    assert!(told(&scan_into(&session, &estate)));
    assert_eq!(column(&session, HELD), before);
    // What is a root of its own is walked as such; the scan of a root around it does not come by.
    roots::add(&session, &root.join("loose")).expect("a root");
    estate.write(".gitignore", "/f\n/loose\n");
    scan_into(&session, &estate);
    assert_eq!(column(&session, HELD), before);
}

/// As if what was read of these places had been on another disk: that of a directory stands first, that of a file last.
fn put_on_another_device(estate: &Estate, place: &str) {
    let database = rusqlite::Connection::open(estate.database()).expect("it opens");
    let (path, device) = (format!("{}%", estate.root().join(place).display()), [0xab_u8; 8]);
    let sql = "UPDATE files SET stamp = CAST(CASE WHEN extractor >= 1 << 31 THEN substr(stamp, 1, length(stamp) - 8) || ?2 \
               ELSE ?2 || substr(stamp, 9) END AS BLOB) WHERE CAST(path AS TEXT) LIKE ?1";
    assert!(database.execute(sql, (&path, &device[..])).expect("changed") > 0, "{place}");
}

#[test]
fn what_was_on_a_disk_that_is_not_mounted_is_not_gone_whatever_lies_in_its_place() {
    let estate = estate();
    estate.write("p/npins/default.nix", "{ }");
    estate.write("f/npins/sources.json", PINS);
    estate.scan_with(&request(&estate));
    let before = column(&estate.session, HELD);
    let away = estate.database().with_file_name("away");
    for place in ["f", "loose", "p"] {
        put_on_another_device(&estate, place);
        fs::rename(estate.root().join(place), away.with_extension(place)).expect("not mounted");
        estate.write(&format!("{place}/NOT-MOUNTED"), "");
    }
    for _ in 0..2 {
        assert_eq!(estate.scan_with(&request(&estate)).events, 0);
        assert_eq!(column(&estate.session, HELD), before);
    }
    for place in ["f", "loose", "p"] {
        remove(&estate, &[place]);
        fs::rename(away.with_extension(place), estate.root().join(place)).expect("mounted");
    }
    assert_as_new(&estate.session, &estate);
    assert_eq!(column(&estate.session, HELD), before);
    // What is on the disk that it was on by now, and goes, is gone.
    remove(&estate, &SOME);
    remove(&estate, &["p/npins", "f/npins"]);
    assert_as_new(&estate.session, &estate);
    assert!(!holds(&estate.session, "npins") && !holds(&estate.session, "bad.nix"));
}

#[test]
fn what_was_on_a_disk_that_only_has_another_number_is_gone() {
    let estate = estate();
    estate.write("p/npins/default.nix", "{ }");
    estate.scan_with(&request(&estate));
    for place in ["f", "loose", "p"] {
        put_on_another_device(&estate, place);
    }
    remove(&estate, &SOME);
    assert_as_new(&estate.session, &estate);
    assert!(!holds(&estate.session, "npins") && !holds(&estate.session, "bad.nix"));
}

#[test]
fn a_link_to_a_file_on_another_disk_is_gone_when_it_is_removed() {
    let (estate, other) = (estate(), tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()));
    let other = other.expect("a directory");
    fs::write(other.path().join("m.nix"), MODULE).expect("written");
    std::os::unix::fs::symlink(other.path().join("m.nix"), estate.root().join("loose/link.nix")).expect("a link");
    estate.scan_with(&request(&estate));
    assert!(holds(&estate.session, "loose/link.nix"));
    assert_eq!(estate.scan_with(&request(&estate)).events, 0);
    remove(&estate, &["loose/link.nix"]);
    assert_as_new(&estate.session, &estate);
}

#[test]
fn nothing_of_a_forgotten_flake_is_touched() {
    let estate = estate();
    let known = view::known_flakes(&estate.session.store.reader().expect("a reader")).expect("flakes");
    forget::forget(&estate.session, known[0].id).expect("it is forgotten");
    let before = column(&estate.session, "SELECT file_id FROM p_modules UNION ALL SELECT stream FROM p_problems");
    remove(&estate, &["f/a.nix", "f/bad.nix", "f/sub"]);
    assert_eq!(estate.scan_with(&request(&estate)).events, 0);
    let after = column(&estate.session, "SELECT file_id FROM p_modules UNION ALL SELECT stream FROM p_problems");
    assert_eq!(after, before);
}

/// Something that happens to the tree or the ledger between two scans.
#[derive(Debug, Clone, Copy)]
enum Step {
    Scan,
    /// Of the flake alone, as a root of its own.
    Part,
    /// Stopped after the walk.
    Stopped,
    /// Two at once.
    Twice,
    Write(usize, usize),
    Remove(usize),
    Directory(usize),
    Ignore(usize),
    Move,
    Nest,
    Unnest,
    Import,
    Erase,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Scan),
        1 => Just(Step::Part),
        1 => Just(Step::Stopped),
        1 => Just(Step::Twice),
        2 => (0..6_usize, 0..4_usize).prop_map(|(place, text)| Step::Write(place, text)),
        4 => (0..6_usize).prop_map(Step::Remove),
        1 => (0..6_usize).prop_map(Step::Directory),
        2 => (0..4_usize).prop_map(Step::Ignore),
        2 => Just(Step::Move),
        1 => Just(Step::Nest),
        1 => Just(Step::Unnest),
        1 => Just(Step::Import),
        2 => Just(Step::Erase),
    ]
}

/// Where the flake of the steps is.
fn flake_of(estate: &Estate) -> PathBuf {
    let places = ["f", "g"].map(|place| estate.root().join(place));
    places.into_iter().find(|place| place.is_dir()).expect("it is somewhere")
}

fn happen(what: Step, estate: &Estate, session: &mut Session, count: usize) {
    let flake = flake_of(estate);
    let place = |index: usize| {
        let names = ["a.nix", "bad.nix", "over.nix", "sub/a.nix", "sub/bad.nix", "sub/over.nix"];
        names.get(index).map(|name| flake.join(name)).expect("a place")
    };
    let clear = |path: &Path| drop(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
    match what {
        Step::Scan => drop(scan_into(session, estate)),
        Step::Part => {
            let part = ScanRequest { paths: vec![flake], ..request(estate) };
            scan(session, &part, &|_| {}, &AtomicBool::new(false)).expect("the scan works");
        }
        Step::Stopped => {
            let stop = AtomicBool::new(false);
            let walked = |progress| {
                if let Progress::Flakes { .. } = progress {
                    stop.store(true, Ordering::SeqCst);
                }
            };
            scan(session, &request(estate), &walked, &stop).expect("the scan works");
        }
        Step::Twice => {
            let other = open(session.store.path());
            std::thread::scope(|scope| {
                scope.spawn(|| scan_into(&other, estate));
                scan_into(session, estate);
            });
        }
        Step::Write(at, text) => {
            clear(&place(at));
            let text = [MODULE, OVERLAY, BAD, "{ }"].get(text).copied().expect("a text");
            fs::write(place(at), text).expect("written");
        }
        Step::Remove(at) => clear(&place(at)),
        Step::Directory(at) => {
            clear(&place(at));
            fs::create_dir(place(at)).expect("a directory");
        }
        // A flake that is known stays as it is recorded when it is ignored, which scans tell.
        Step::Ignore(1) if flake.join("sub/flake.nix").exists() => {}
        Step::Ignore(rules) => {
            let rules = ["", "sub/\n", "a.nix\n", "bad.nix\n/over.nix\n"].get(rules).copied().expect("rules");
            fs::write(flake.join(".gitignore"), rules).expect("written");
        }
        Step::Move => {
            let to = if flake.ends_with("f") { "g" } else { "f" };
            fs::rename(&flake, estate.root().join(to)).expect("moved");
        }
        Step::Nest => fs::write(flake.join("sub/flake.nix"), FLAKE.replace("A test", "Nested")).expect("written"),
        Step::Unnest => clear(&flake.join("sub/flake.nix")),
        Step::Import => {
            let export = estate.database().with_extension(format!("{count}.jsonl"));
            let mut file = fs::File::create(&export).expect("a file");
            session.store.export(&mut file, &export).expect("an export");
            let elsewhere = estate.database().with_extension(format!("{count}.db"));
            open(&elsewhere).store.import(&export).expect("an import");
            *session = open(&elsewhere);
        }
        Step::Erase => erase(session, &["module.deleted", "overlay.deleted", "finding.resolved"]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happened_one_scan_makes_a_ledger_what_a_new_one_is(steps in proptest::collection::vec(any_step(), 1..10)) {
        let estate = Estate::new();
        estate.write("f/flake.nix", FLAKE);
        for (at, text) in [("a", MODULE), ("over", OVERLAY), ("bad", BAD)] {
            estate.write(&format!("f/{at}.nix"), text);
            estate.write(&format!("f/sub/{at}.nix"), text);
        }
        estate.write("f/sub/README", "");
        estate.git("f");
        let mut session = open(&estate.database().with_extension("first"));
        scan_into(&session, &estate);
        for (count, step) in steps.into_iter().enumerate() {
            happen(step, &estate, &mut session, count);
        }
        assert_as_new(&session, &estate);
    }
}
