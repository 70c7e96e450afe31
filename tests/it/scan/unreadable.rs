//! What cannot be read is not gone: repositories, directories in whose place is a link.

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
    let rows = view::problems(&reader, None, view::At::Now).expect("problems");
    let name = |path: PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut open: Vec<_> = rows.into_iter().map(|row| format!("{} {}", name(row.path.to_path()), row.code)).collect();
    open.sort();
    open
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
