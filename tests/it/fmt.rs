//! Formatting real files: what is written, what is left alone, what is remembered, and other people's formatters.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its world fails")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::fmt::{FmtReport, FmtRequest, Formatter, fmt};

use crate::git_program::Git;

/// What the official style makes of [`UGLY`].
const NEAT: &str = "{ a = 1; }\n";
const UGLY: &str = "{a=1;}";

struct World(tempfile::TempDir);

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            world.write(name, text);
        }
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join("tree").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test makes its own world")]
        fs::write(path, text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache/formatted")
    }

    fn request(&self) -> FmtRequest {
        FmtRequest {
            paths: vec![self.at("")],
            excludes: Vec::new(),
            threads: 2,
            since: None,
            write: true,
            formatter: Formatter::Official,
            cache: self.cache(),
        }
    }

    fn program(&self, script: &str) -> Formatter {
        Formatter::Program { command: ["sh", "-c", script].map(str::to_owned).into(), directory: self.at("") }
    }

    fn format(&self) -> FmtReport {
        run(&self.request())
    }

    fn changed(&self, report: &FmtReport) -> Vec<String> {
        report.changed.iter().map(|change| self.relative(&change.path)).collect()
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(self.at("")).unwrap_or(path).display().to_string()
    }
}

fn run(request: &FmtRequest) -> FmtReport {
    fmt(request, &AtomicBool::new(false)).unwrap()
}

#[test]
fn files_below_a_directory_are_formatted_and_the_second_time_nothing_is_to_do() {
    let world = World::new(&[
        ("a.nix", UGLY),
        ("b/flake.nix", UGLY),
        ("b/neat.nix", NEAT),
        ("b/other.txt", UGLY),
        (".gitignore", "ignored.nix\n"),
        (".git/HEAD", "ref: refs/heads/main\n"),
        ("ignored.nix", UGLY),
        ("node_modules/x.nix", UGLY),
    ]);
    fs::set_permissions(world.at("a.nix"), fs::Permissions::from_mode(0o750)).unwrap();
    let report = world.format();
    assert_eq!((world.changed(&report), report.files), (vec!["a.nix".to_owned(), "b/flake.nix".to_owned()], 3));
    assert_eq!(report.refused, []);
    assert_eq!((world.text("a.nix"), world.text("b/flake.nix")), (NEAT.to_owned(), NEAT.to_owned()));
    assert_eq!(world.at("a.nix").metadata().unwrap().permissions().mode() & 0o777, 0o750);
    for name in ["b/other.txt", "ignored.nix", "node_modules/x.nix"] {
        assert_eq!(world.text(name), UGLY, "{name}");
    }
    let again = world.format();
    assert_eq!((again.files, again.changed.len(), again.refused.len()), (3, 0, 0));
}

#[test]
fn a_check_writes_nothing_and_keeps_both_texts() {
    let world = World::new(&[("a.nix", UGLY)]);
    let report = run(&FmtRequest { write: false, ..world.request() });
    assert_eq!(report.changed[0].texts, Some((UGLY.to_owned(), NEAT.to_owned())));
    assert_eq!(world.text("a.nix"), UGLY);
}

#[test]
fn what_cannot_be_parsed_or_is_no_text_is_named_and_left_alone() {
    let world = World::new(&[("bad.nix", "{\n  a = ;\n}\n"), ("good.nix", UGLY)]);
    #[expect(clippy::disallowed_methods, reason = "a test makes its own world")]
    fs::write(world.at("latin.nix"), b"\"caf\xe9\"").unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, world.at("pipe.nix"), rustix::fs::Mode::from(0o600)).unwrap();
    let report = world.format();
    let refused: Vec<_> = report.refused.iter().map(|refusal| (world.relative(&refusal.path), refusal.line)).collect();
    let expected = [("bad.nix", Some(2)), ("latin.nix", None), ("pipe.nix", None)];
    assert_eq!(refused, expected.map(|(name, line)| (name.to_owned(), line)));
    assert_eq!(world.text("bad.nix"), "{\n  a = ;\n}\n");
    assert_eq!(world.text("good.nix"), NEAT);
}

#[test]
fn a_link_stays_a_link_and_leads_out_of_nothing() {
    let world = World::new(&[("tree/a.nix", UGLY), ("elsewhere/b.nix", UGLY)]);
    symlink("a.nix", world.at("tree/link.nix")).unwrap();
    symlink(world.at("elsewhere/b.nix"), world.at("tree/out.nix")).unwrap();
    symlink("nowhere", world.at("tree/dead.nix")).unwrap();
    let report = run(&FmtRequest { paths: vec![world.at("tree")], ..world.request() });
    assert_eq!(world.changed(&report), ["tree/a.nix"]);
    assert!(world.at("tree/link.nix").is_symlink() && world.text("tree/link.nix") == NEAT);
    assert_eq!(world.text("elsewhere/b.nix"), UGLY);
    let named = run(&FmtRequest { paths: vec![world.at("tree/out.nix")], ..world.request() });
    assert!(named.refused[0].message.contains("elsewhere/b.nix"), "{:?}", named.refused);
    assert_eq!(world.text("elsewhere/b.nix"), UGLY);
}

#[test]
fn what_is_remembered_is_only_that_a_content_is_formatted_and_may_be_lost() {
    let world = World::new(&[("a.nix", NEAT)]);
    world.format();
    let kept = fs::read(world.cache()).unwrap();
    assert!(kept.ends_with(&blake3::hash(NEAT.as_bytes()).as_bytes()[..16]), "{kept:?}");
    assert_eq!(world.cache().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // What the cache holds is believed, so it is read; what it does not hold is formatted.
    let lie = [&kept[..kept.len() - 16], &blake3::hash(UGLY.as_bytes()).as_bytes()[..16]].concat();
    #[expect(clippy::disallowed_methods, reason = "this is the vandal that the cache has to survive")]
    fs::write(world.cache(), lie).unwrap();
    world.write("a.nix", UGLY);
    assert_eq!(world.format().changed, []);
    fs::remove_file(world.cache()).unwrap();
    assert_eq!(world.changed(&world.format()), ["a.nix"]);
    #[expect(clippy::disallowed_methods, reason = "this is the vandal that the cache has to survive")]
    fs::write(world.cache(), "garbage").unwrap();
    world.write("a.nix", UGLY);
    assert_eq!(world.changed(&world.format()), ["a.nix"]);
}

#[test]
fn a_cache_that_cannot_be_written_is_in_nobodys_way() {
    let world = World::new(&[("a.nix", UGLY)]);
    let request = FmtRequest { cache: world.at("a.nix/below/a/file"), ..world.request() };
    assert_eq!(world.changed(&run(&request)), ["a.nix"]);
}

#[test]
fn since_a_commit_means_what_changed_was_added_or_is_unknown_to_git() {
    let world = World::new(&[("old.nix", UGLY), ("b/changed.nix", UGLY), ("b/staged.nix", NEAT)]);
    let git = Git::init(&world.at(""));
    let first = git.commit_all("one");
    world.write("b/changed.nix", "{b=2;}");
    git.commit_all("two");
    world.write("untracked.nix", UGLY);
    world.write("b/staged.nix", UGLY);
    git.run(&["add", "b/staged.nix"]);
    let since = |revision: &str, below: &str| {
        let request = FmtRequest {
            since: Some(revision.to_owned()),
            write: false,
            paths: vec![world.at(below)],
            ..world.request()
        };
        fmt(&request, &AtomicBool::new(false))
    };
    let changed = |revision: &str, below: &str| world.changed(&since(revision, below).unwrap());
    assert_eq!(changed("HEAD", ""), ["b/staged.nix", "untracked.nix"]);
    assert_eq!(changed("HEAD~1", ""), ["b/changed.nix", "b/staged.nix", "untracked.nix"]);
    assert_eq!(changed(&first[..9], "b"), ["b/changed.nix", "b/staged.nix"]);
    let unknown = since("no-such-branch", "").unwrap_err().to_string();
    assert!(unknown.contains("no-such-branch"), "{unknown}");
    let outside =
        FmtRequest { since: Some("HEAD".to_owned()), paths: vec![PathBuf::from("/proc/self")], ..world.request() };
    let none = fmt(&outside, &AtomicBool::new(false)).unwrap_err().to_string();
    assert!(none.contains("no git repository"), "{none}");
}

#[test]
fn a_formatter_of_the_users_own_is_held_to_what_the_text_says() {
    let world = World::new(&[("a.nix", UGLY)]);
    let with = |script: &str| run(&FmtRequest { formatter: world.program(script), ..world.request() });
    for (script, words) in [
        ("tr 1 2", "formatting would change what this says"),
        ("echo oops >&2; exit 4", "oops"),
        ("printf '\\377'", "UTF-8"),
        ("cat; echo '}'", "formatting would change"),
    ] {
        let report = with(script);
        assert!(report.changed.is_empty() && report.refused[0].message.contains(words), "{script}: {report:?}");
        assert_eq!(world.text("a.nix"), UGLY, "{script}");
    }
    let report = with("sed 's/=/ =\\n/'");
    assert_eq!((world.changed(&report), world.text("a.nix")), (vec!["a.nix".to_owned()], "{a =\n1;}".to_owned()));
    assert!(!world.cache().exists(), "nobody knows when somebody else's formatter thinks otherwise");
}

#[test]
fn once_it_is_stopped_nothing_is_written() {
    let world = World::new(&[("a.nix", UGLY)]);
    let report = fmt(&world.request(), &AtomicBool::new(true)).unwrap();
    assert!(report.interrupted && report.changed.is_empty());
    assert_eq!(world.text("a.nix"), UGLY);
}
