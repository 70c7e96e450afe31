//! What cannot be read is not gone: repositories, texts that make no sense, files behind links that lead nowhere.

use cim_domain_nix::app::scan::Wanted;
use cim_domain_nix::domain::finding::Severity;
use cim_domain_nix::lint::Selection;

use super::*;

/// A repository with a remote, in it a flake and its lock.
fn repository(estate: &Estate, place: &str) -> Git {
    let git = estate.git(place);
    git.run(&["remote", "add", "origin", "https://github.com/me/project.git"]);
    estate.write(&format!("{place}/flake.nix"), FLAKE);
    estate.write(&format!("{place}/flake.lock"), &lock('a'));
    git.commit_all("first");
    git
}

/// The types of the events of flakes that one scan stores, and its report.
fn told(estate: &Estate) -> (Vec<String>, ScanReport) {
    let before = estate.types().len();
    let report = estate.scan();
    let mut kinds = estate.types().split_off(before);
    kinds.retain(|kind| kind.starts_with("flake."));
    (kinds, report)
}

fn lineages(estate: &Estate) -> Vec<String> {
    column(&estate.session, "SELECT coalesce(lineage, 'none') FROM v1_flakes ORDER BY path")
}

/// How something is damaged, and what that is called.
type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 6] = [
    ("config that makes no sense", |git| fs::write(git.join("config"), "[broken").expect("written")),
    ("config that the system does not let us read", |git| {
        fs::remove_file(git.join("config")).expect("removed");
        fs::create_dir(git.join("config")).expect("no file can be read here");
    }),
    ("HEAD that makes no sense", |git| fs::write(git.join("HEAD"), "garbage").expect("written")),
    ("HEAD that is away", |git| fs::remove_file(git.join("HEAD")).expect("removed")),
    ("references in another format", |git| {
        let config = "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\trefStorage = reftable\n";
        fs::write(git.join("config"), config).expect("written");
    }),
    ("disk with the repository that is not mounted", |git| {
        fs::remove_dir_all(git).expect("removed");
        std::os::unix::fs::symlink("/nowhere/at/all", git).expect("a link");
    }),
];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").map(|entry| entry.expect("an entry")) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Damages the repository of `a`, and gives what puts it back.
fn damage(estate: &Estate, damage: Damage) -> impl Fn() {
    let git = estate.root().join("a/.git");
    let whole = estate.database().with_file_name("whole");
    copy(&git, &whole);
    (damage.1)(&git);
    move || {
        if git.is_symlink() { fs::remove_file(&git) } else { fs::remove_dir_all(&git) }.expect("removed");
        copy(&whole, &git);
    }
}

#[test]
fn a_repository_that_cannot_be_read_for_a_while_costs_no_lineage() {
    for way in DAMAGES {
        let estate = Estate::new();
        repository(&estate, "a");
        estate.scan();
        let mend = damage(&estate, way);
        let (kinds, report) = told(&estate);
        assert_eq!((kinds.as_slice(), lineages(&estate)), (&[][..], vec!["github.com/me/project".into()]), "{}", way.0);
        assert!(Estate::codes(&report).contains(&"git-unreadable"), "{}: {report:?}", way.0);
        mend();
        let (kinds, report) = told(&estate);
        assert_eq!((kinds.as_slice(), Estate::codes(&report)), (&[][..], vec![]), "{}", way.0);
    }
}

#[test]
fn a_work_tree_whose_repository_is_away_keeps_its_lineage() {
    let estate = Estate::new();
    let git = repository(&estate, "main");
    git.run(&["worktree", "add", "-q", "-b", "feature", "../tree"]);
    estate.scan();
    let both = ["github.com/me/project", "github.com/me/project"];
    assert_eq!(lineages(&estate), both);
    let away = estate.database().with_file_name("away");
    fs::rename(estate.root().join("main/.git"), &away).expect("renamed");
    std::os::unix::fs::symlink("/nowhere/at/all", estate.root().join("main/.git")).expect("a link");
    assert_eq!((told(&estate).0, lineages(&estate)), (vec![], both.map(str::to_owned).to_vec()));
    fs::remove_file(estate.root().join("main/.git")).expect("removed");
    fs::rename(&away, estate.root().join("main/.git")).expect("renamed");
    assert_eq!((told(&estate).0, lineages(&estate)), (vec![], both.map(str::to_owned).to_vec()));
}

#[test]
fn a_repository_that_is_gone_takes_its_lineage_along_and_an_empty_directory_is_none() {
    let estate = Estate::new();
    repository(&estate, "a");
    estate.scan();
    fs::remove_dir_all(estate.root().join("a/.git")).expect("removed");
    fs::create_dir(estate.root().join("a/.git")).expect("a directory");
    let (kinds, report) = told(&estate);
    assert_eq!((kinds, lineages(&estate)), (vec!["flake.lineage_changed".into()], vec!["none".into()]), "{report:?}");
}

#[test]
fn a_flake_of_unknown_lineage_has_none_at_first_and_gets_it_when_it_is_known() {
    let estate = Estate::new();
    repository(&estate, "a");
    let mend = damage(&estate, DAMAGES[0]);
    assert_eq!((told(&estate).0, lineages(&estate)), (vec!["flake.discovered".into()], vec!["none".into()]));
    mend();
    let kinds = told(&estate).0;
    assert_eq!(
        (kinds, lineages(&estate)),
        (vec!["flake.lineage_changed".into()], vec!["github.com/me/project".into()])
    );
}

#[test]
fn a_flake_is_known_again_after_its_repository_could_not_be_read_and_not_while() {
    for (mended, expected) in [(true, &["flake.moved"][..]), (false, &["flake.discovered", "flake.removed"])] {
        let estate = Estate::new();
        repository(&estate, "a");
        estate.scan();
        let mend = damage(&estate, DAMAGES[0]);
        estate.scan();
        if mended {
            mend();
        }
        fs::rename(estate.root().join("a"), estate.root().join("b")).expect("renamed");
        assert_eq!(told(&estate).0, expected);
    }
}

#[test]
fn where_no_lineage_was_ever_known_a_flake_moves_as_before_and_what_may_be_another_is_not_taken_for_it() {
    let estate = Estate::new();
    repository(&estate, "a");
    let _ = damage(&estate, DAMAGES[4]);
    estate.scan();
    fs::rename(estate.root().join("a"), estate.root().join("b")).expect("renamed");
    assert_eq!(told(&estate).0, ["flake.moved"]);
    repository(&estate, "c");
    estate.scan();
    fs::rename(estate.root().join("b"), estate.root().join("d")).expect("renamed");
    fs::remove_dir_all(estate.root().join("c")).expect("removed");
    let mut kinds = told(&estate).0;
    kinds.sort();
    assert_eq!(kinds, ["flake.discovered", "flake.removed", "flake.removed"], "either of both may be at `d`");
}

/// With the rules, whatever their level.
fn ruled(estate: &Estate) -> ScanReport {
    let rules = Some(Wanted { selection: Selection::default(), least: Severity::Info });
    estate.scan_with(&ScanRequest { paths: vec![estate.root()], rules, modules: true, ..ScanRequest::default() })
}

/// What is open, each as `file code`.
fn open_problems(estate: &Estate) -> Vec<String> {
    let reader = estate.session.store.reader().expect("a reader");
    let rows = view::problems(&reader, view::Whose::Own, view::At::Now).expect("problems");
    let name = |path: PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut open: Vec<_> = rows.into_iter().map(|row| format!("{} {}", name(row.path.to_path()), row.code)).collect();
    open.sort();
    open
}

/// The fingerprints of what was resolved, without what stands behind the rule.
fn resolved(estate: &Estate) -> Vec<String> {
    let sql = "SELECT json_each.value FROM v1_events, json_each(payload, '$.fingerprints') \
               WHERE v1_events.type = 'finding.resolved' ORDER BY position";
    column(&estate.session, sql).iter().filter_map(|one| Some(one.split_once(':')?.0.to_owned())).collect()
}

const STALE: &str = "{ inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-24.11\";\n\
                     inputs.x.url = \"https://me:hunter2hunter2@example.org/x\";\n\
                     outputs = { nixpkgs, x, ... }: let unused = 1; in { lib.one = nixpkgs.lib x; }; }\n";
const CONFLICT: &str = "<<<<<<< HEAD\n=======\n>>>>>>> theirs\n";

#[test]
fn what_is_wrong_with_a_flake_stays_open_while_it_makes_no_sense() {
    for broken in [format!("{CONFLICT}{STALE}"), "{ outputs = ; }".into(), STALE[..60].to_owned(), String::new()] {
        let estate = Estate::new();
        estate.write("a/flake.nix", STALE);
        estate.write("a/flake.lock", &lock('a'));
        ruled(&estate);
        let before = open_problems(&estate);
        for code in ["lock-stale", "description-missing", "unused-let", "secret", "input-not-locked"] {
            assert!(before.contains(&format!("flake.nix {code}")), "{code}: {before:?}");
        }
        estate.write("a/flake.nix", &broken);
        let report = ruled(&estate);
        assert_eq!(resolved(&estate), Vec::<String>::new(), "{broken}");
        let during = open_problems(&estate);
        assert!(before.iter().all(|one| during.contains(one)) && during.len() > before.len(), "{broken}: {during:?}");
        assert_eq!(report.problems.len(), during.len(), "the report says what the ledger does: {report:?}");
        let again = ruled(&estate);
        assert_eq!((again.events, again.problems), (0, report.problems));
        estate.write("a/flake.nix", STALE);
        let mended = ruled(&estate);
        assert_eq!((open_problems(&estate), mended.raised), (before, 0), "{broken}");
        assert!(
            resolved(&estate)
                .iter()
                .all(|code| ["syntax-error", "conflict-marker", "not-an-attrset"].contains(&&**code))
        );
    }
}

#[test]
fn what_is_wrong_with_a_lock_and_beside_it_stays_open_while_it_makes_no_sense() {
    let estate = Estate::new();
    estate.write("a/flake.nix", STALE);
    let unlocked = lock('a').replace("\"narHash\": \"sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",", "");
    estate.write("a/flake.lock", &unlocked);
    ruled(&estate);
    let before = open_problems(&estate);
    assert!(before.iter().any(|one| one.starts_with("flake.lock ")), "{before:?}");
    for broken in [
        "",
        "{",
        &unlocked[..unlocked.len() / 2],
        &unlocked.replacen("    \"root\"", &format!("{CONFLICT}    \"root\""), 1),
    ] {
        estate.write("a/flake.lock", broken);
        ruled(&estate);
        let during = open_problems(&estate);
        assert!(before.iter().all(|one| during.contains(one)) && during.len() > before.len(), "{broken}: {during:?}");
        estate.write("a/flake.lock", &unlocked);
        assert_eq!(ruled(&estate).raised, 0, "{broken}");
        assert_eq!(open_problems(&estate), before, "{broken}");
    }
    estate.write("a/flake.lock", "{");
    estate.write("a/flake.nix", &STALE.replace("let unused = 1; in", ""));
    ruled(&estate);
    let during = open_problems(&estate);
    assert!(!during.contains(&"flake.nix unused-let".to_owned()), "the rule could look: {during:?}");
    assert!(during.contains(&"flake.nix lock-stale".to_owned()), "it could not be compared: {during:?}");
}

#[test]
fn what_is_wrong_with_a_module_stays_open_while_it_makes_no_sense() {
    let estate = Estate::new();
    let text = "{ config, lib, ... }: let unused = 1; in { config.x = lib.y; }";
    estate.write("m.nix", text);
    ruled(&estate);
    let before = open_problems(&estate);
    assert!(before.contains(&"m.nix unused-let".to_owned()), "{before:?}");
    estate.write("m.nix", &format!("{text} {{"));
    ruled(&estate);
    let during = open_problems(&estate);
    assert!(before.iter().all(|one| during.contains(one)) && during.len() > before.len(), "{during:?}");
    estate.write("m.nix", text);
    assert_eq!((ruled(&estate).raised, open_problems(&estate)), (0, before));
    estate.write("m.nix", "{ config, lib, ... }: { config.x = lib.y; ");
    ruled(&estate);
    estate.write("m.nix", "{ config, lib, ... }: { config.x = lib.y; }");
    ruled(&estate);
    assert!(!open_problems(&estate).contains(&"m.nix unused-let".to_owned()), "mended is resolved");
}

#[test]
fn a_text_that_parses_and_is_no_flake_is_looked_at_by_the_rules_on_any_text() {
    let estate = Estate::new();
    estate.write("a/flake.nix", STALE);
    ruled(&estate);
    estate.write("a/flake.nix", "import ./elsewhere.nix");
    ruled(&estate);
    let during = open_problems(&estate);
    assert!(!during.contains(&"flake.nix unused-let".to_owned()), "{during:?}");
    assert!(during.contains(&"flake.nix description-missing".to_owned()), "{during:?}");
    assert!(during.contains(&"flake.nix no-lock".to_owned()), "{during:?}");
    estate.write("a/flake.lock", &lock('a'));
    ruled(&estate);
    let during = open_problems(&estate);
    assert!(!during.contains(&"flake.nix no-lock".to_owned()), "whoever reads it, it is there: {during:?}");
}

#[test]
fn what_git_says_of_a_flake_stays_open_while_it_cannot_be_asked() {
    let damages: [Damage; 3] = [
        (".git/index", |root| fs::write(root.join("a/.git/index"), "damaged").expect("written")),
        (".git/refs/heads/main", |root| fs::write(root.join("a/.git/refs/heads/main"), "damaged").expect("written")),
        (".git/config", |root| fs::write(root.join("a/.git/config"), "[damaged").expect("written")),
    ];
    for (file, damage) in damages {
        let estate = Estate::new();
        let git = estate.git("a");
        estate.write("a/flake.lock", &lock('a'));
        git.commit_all("first");
        estate.write("a/flake.nix", FLAKE);
        estate.write("a/flake.lock", &lock('b'));
        estate.scan();
        let before = open_problems(&estate);
        assert_eq!(before, ["flake.lock dirty-lock", "flake.nix not-in-git"]);
        let kept = fs::read(estate.root().join("a").join(file)).expect("it is there");
        damage(&estate.root());
        estate.scan();
        let during = open_problems(&estate);
        assert!(before.iter().all(|one| during.contains(one)) && during.len() > 2, "{file}: {during:?}");
        fs::write(estate.root().join("a").join(file), kept).expect("written");
        estate.scan();
        assert_eq!((open_problems(&estate), resolved(&estate)), (before, vec!["git-unreadable".into()]), "{file}");
    }
}

#[test]
fn a_flake_is_recorded_and_followed_though_its_lock_is_too_large_to_read() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    let large = estate.write("a/flake.lock", "{");
    fs::File::options().write(true).open(&large).and_then(|file| file.set_len(17 << 20)).expect("it grows");
    let report = estate.scan();
    assert_eq!((estate.flakes(), Estate::codes(&report)), (vec![estate.root().join("a")], vec!["too-large"]));
    assert_eq!(open_problems(&estate), ["flake.lock too-large"], "and not that there is no lock");
    assert_eq!(estate.scan().events, 0);
    estate.write("a/flake.nix", &FLAKE.replace("nixpkgs.url", "other.url"));
    estate.scan();
    assert_eq!(column(&estate.session, "SELECT name FROM v1_inputs WHERE declared"), ["other"]);
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    assert_eq!((open_problems(&estate), estate.scan().events), (Vec::new(), 0));
    assert_eq!(column(&estate.session, "SELECT key FROM v1_lock_nodes"), ["nixpkgs"]);
    // What was read once stays known while it cannot be.
    fs::File::options().write(true).open(&large).and_then(|file| file.set_len(17 << 20)).expect("it grows");
    estate.scan();
    assert_eq!(open_problems(&estate), ["flake.lock too-large"]);
    assert_eq!(column(&estate.session, "SELECT key FROM v1_lock_nodes"), ["nixpkgs"]);
}

#[test]
fn a_lock_behind_a_link_that_leads_nowhere_is_there_and_not_gone() {
    let ways: [Damage; 4] = [
        ("its disk is not mounted", |lock| std::os::unix::fs::symlink("/nowhere/at/all", lock).expect("a link")),
        ("it leads to a directory", |lock| std::os::unix::fs::symlink("/", lock).expect("a link")),
        ("it is a directory", |lock| fs::create_dir(lock).expect("a directory")),
        ("the link leads to itself", |lock| std::os::unix::fs::symlink(lock, lock).expect("a link")),
    ];
    for (way, hide) in ways {
        let estate = Estate::new();
        estate.write("a/flake.nix", STALE);
        let path = estate.write("a/flake.lock", &lock('a'));
        ruled(&estate);
        let before = open_problems(&estate);
        let count = estate.types().len();
        fs::remove_file(&path).expect("removed");
        hide(&path);
        let report = ruled(&estate);
        let kinds = estate.types().split_off(count);
        assert!(kinds.iter().all(|kind| kind == "finding.raised"), "{way}: {kinds:?}");
        let during = open_problems(&estate);
        assert!(before.iter().all(|one| during.contains(one)), "{way}: {during:?}");
        assert!(
            during.contains(&"flake.lock unreadable".to_owned()) && !during.contains(&"flake.nix no-lock".to_owned())
        );
        assert_eq!(Estate::codes(&report).iter().filter(|code| **code == "unreadable").count(), 1, "{way}: {report:?}");
        assert_eq!(ruled(&estate).events, 0, "{way}");
        if path.is_symlink() { fs::remove_file(&path) } else { fs::remove_dir(&path) }.expect("removed");
        estate.write("a/flake.lock", &lock('a'));
        ruled(&estate);
        assert_eq!((open_problems(&estate), resolved(&estate)), (before, vec!["unreadable".into()]), "{way}");
        fs::remove_file(&path).expect("removed");
        ruled(&estate);
        assert!(estate.types().contains(&"flake.updated".to_owned()), "{way}: what is gone is gone");
        assert!(open_problems(&estate).contains(&"flake.nix no-lock".to_owned()), "{way}");
    }
}

#[test]
fn why_a_lock_cannot_be_read_is_what_the_last_look_saw() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    let path = estate.root().join("a/flake.lock");
    let link = |to: &Path| std::os::unix::fs::symlink(to, &path).expect("a link");
    let said = |why: &str| {
        let report = estate.scan();
        let told: Vec<&str> = report.problems.iter().map(|problem| &*problem.message).collect();
        let open = column(&estate.session, "SELECT message FROM v1_problems WHERE code = 'unreadable'");
        assert!(open.len() == 1 && open[0].contains(why), "{why}: {open:?}");
        assert!(!told.is_empty() && told.iter().all(|told| told.contains(why)), "{why}: {told:?}");
        assert_eq!(estate.scan().events, 0, "{why}");
    };
    fs::create_dir(&path).expect("a directory");
    said("is a directory");
    fs::remove_dir(&path).expect("removed");
    link(Path::new("/nowhere/at/all"));
    said("not there");
    fs::remove_file(&path).expect("removed");
    link(&path);
    said("cannot be looked at");
    fs::remove_file(&path).expect("removed");
    link(Path::new("/"));
    said("leads to a directory");
}

#[test]
fn a_flake_whose_file_is_a_link_that_leads_nowhere_is_no_lock_without_a_flake_and_goes_with_the_link() {
    let estate = Estate::new();
    let target = estate.database().with_file_name("elsewhere.nix");
    fs::write(&target, FLAKE).expect("written");
    estate.write("a/flake.lock", &lock('a'));
    let link = estate.root().join("a/flake.nix");
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    estate.scan();
    fs::remove_file(&target).expect("removed");
    for _ in 0..2 {
        let (kinds, report) = told(&estate);
        assert_eq!((kinds.len(), Estate::codes(&report)), (0, vec!["unreadable"]), "{report:?}");
    }
    fs::write(&target, FLAKE).expect("written");
    assert_eq!(told(&estate).0, Vec::<String>::new());
    fs::remove_file(&target).expect("removed");
    estate.scan();
    fs::remove_file(&link).expect("removed");
    let (kinds, report) = told(&estate);
    assert_eq!(kinds, ["flake.removed"], "{report:?}");
    assert_eq!(Estate::codes(&estate.scan()), ["lock-without-flake"]);
}

#[test]
fn a_flake_of_which_an_earlier_release_kept_the_stamp_of_its_lock_is_removed_all_the_same() {
    let estate = Estate::new();
    let path = estate.write("a/flake.nix", FLAKE);
    let lock = estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    let stamp = cim_domain_nix::scan::FileStamp::new(&lock.metadata().expect("it is there")).to_bytes();
    let database = rusqlite::Connection::open(estate.database()).expect("the database");
    database
        .execute("UPDATE files SET stamp = ?1, flake = NULL, content = zeroblob(32)", [&stamp[..]])
        .expect("changed");
    fs::remove_file(path).expect("removed");
    assert_eq!(told(&estate).0, ["flake.removed"]);
}

#[test]
fn a_lock_that_gets_its_flake_back_is_without_one_no_more() {
    let estate = Estate::new();
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    assert_eq!(open_problems(&estate), ["flake.lock lock-without-flake"]);
    estate.write("a/flake.nix", FLAKE);
    estate.scan();
    assert_eq!(open_problems(&estate), Vec::<String>::new());
    let git = estate.git("a");
    estate.write("a/.gitignore", "flake.nix\n");
    git.run(&["add", ".gitignore", "flake.lock"]);
    estate.scan();
    assert_eq!(open_problems(&estate), ["flake.lock lock-without-flake"]);
    estate.write("a/.gitignore", "");
    git.run(&["add", "flake.nix"]);
    estate.scan();
    assert!(!open_problems(&estate).contains(&"flake.lock lock-without-flake".to_owned()));
}

#[test]
fn a_directory_that_moved_away_and_left_a_link_is_one_flake() {
    let estate = Estate::new();
    for place in ["p", "deep/er/q"] {
        estate.write(&format!("{place}/flake.nix"), &FLAKE.replace("A test", place));
        estate.write(&format!("{place}/m.nix"), "let unused = 1; in 2");
    }
    ruled(&estate);
    let before = open_problems(&estate);
    let root = estate.root();
    for (from, to) in [("p", "new"), ("deep", "shallow")] {
        fs::rename(root.join(from), root.join(to)).expect("renamed");
        std::os::unix::fs::symlink(root.join(to), root.join(from)).expect("a link");
    }
    let report = ruled(&estate);
    assert_eq!((report.new, report.removed, report.changed), (0, 0, 2), "{report:?}");
    assert_eq!(estate.flakes(), [root.join("new"), root.join("shallow/er/q")]);
    let again = ruled(&estate);
    assert_eq!((again.events, open_problems(&estate)), (0, before), "{again:?}");
    assert!(!Estate::codes(&again).contains(&"not-reachable"), "{again:?}");
}

#[test]
fn a_directory_in_whose_place_is_a_link_that_leads_nowhere_is_out_of_reach() {
    let estate = Estate::new();
    estate.write("p/flake.nix", FLAKE);
    estate.scan();
    fs::rename(estate.root().join("p"), estate.database().with_file_name("away")).expect("renamed");
    std::os::unix::fs::symlink("/nowhere/at/all", estate.root().join("p")).expect("a link");
    let (kinds, report) = told(&estate);
    assert_eq!((kinds.len(), Estate::codes(&report)), (0, vec!["not-reachable"]));
}

#[test]
fn a_lock_that_git_tracks_counts_though_its_rules_leave_it_out() {
    let estate = Estate::new();
    estate.write("a/.gitignore", "flake.lock\n");
    let git = estate.git("a");
    estate.write("a/flake.nix", FLAKE);
    let lock_path = estate.write("a/flake.lock", &lock('a'));
    git.commit_all("first");
    let nodes = || column(&estate.session, "SELECT count(*) || '' FROM v1_lock_nodes").concat();
    let report = estate.scan();
    assert_eq!((nodes().as_str(), Estate::codes(&report)), ("0", vec!["no-lock"]));
    let message = &report.problems[0].message;
    assert!(message.starts_with("flake.lock is ignored by git, so Nix does not see it"), "{message}");
    assert!(is_passed_over(&lock_path));

    git.run(&["add", "--force", "flake.lock"]);
    git.commit_all("locked");
    let report = estate.scan();
    assert_eq!((nodes().as_str(), Estate::codes(&report)), ("1", vec![]));
    assert_eq!(told(&estate).0, [""; 0]);
    assert!(!is_passed_over(&lock_path));

    estate.write("a/flake.lock", &lock('b'));
    let (kinds, report) = told(&estate);
    assert_eq!((kinds, Estate::codes(&report)), (vec!["flake.updated".to_owned()], vec!["dirty-lock"]));
    fs::rename(estate.root().join("a"), estate.root().join("b")).expect("renamed");
    assert_eq!(told(&estate).0, ["flake.moved"]);
}

fn is_passed_over(path: &Path) -> bool {
    use cim_domain_nix::app::explain::{Verdict, explain};

    let root = path.parent().expect("a parent").to_owned();
    matches!(explain(path, &[root], &[]).expect("explained").verdict, Verdict::Skipped { .. })
}

#[test]
fn a_directory_in_whose_place_is_a_file_is_gone() {
    let estate = Estate::new();
    estate.write("a/b/flake.nix", FLAKE);
    estate.scan();
    fs::remove_dir_all(estate.root().join("a/b")).expect("removed");
    estate.write("a/b", "a file");
    assert_eq!((told(&estate).0, estate.flakes()), (vec!["flake.removed".to_owned()], vec![]));
}
