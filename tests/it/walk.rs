//! Trees on a real file system, walked, explained and read.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot build its world fails")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use cim_domain_nix::scan::{self, Error, Options, ReadError, Verdict, Walk, Why};

mod ignored;

struct Tree(tempfile::TempDir);

impl Tree {
    /// A tree of files, each holding its own name.
    fn new(files: &[&str]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for file in files {
            tree.write(file, file);
        }
        tree
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    fn dir(&self, name: &str) -> PathBuf {
        std::fs::create_dir_all(self.at(name)).unwrap();
        self.at(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test makes its own world")]
        std::fs::write(&path, text).unwrap();
        path
    }

    fn walk(&self) -> Walk {
        self.walk_with(&Options::default())
    }

    fn walk_with(&self, options: &Options) -> Walk {
        scan::walk(&[self.root()], options).unwrap()
    }

    /// The directories of the flakes found, relative to the root.
    fn flakes(&self, walk: &Walk) -> Vec<String> {
        let relative = |dir: &Path| dir.strip_prefix(self.root()).unwrap().to_string_lossy().into_owned();
        walk.flakes.iter().map(|found| relative(&found.dir)).collect()
    }

    fn why(&self, name: &str) -> Option<(PathBuf, Why)> {
        self.why_with(name, &Options::default())
    }

    fn why_with(&self, name: &str, options: &Options) -> Option<(PathBuf, Why)> {
        match scan::explain(&self.at(name), &[self.root()], options).unwrap().verdict {
            Verdict::Seen => None,
            Verdict::Skipped { at, why } => {
                Some((at.strip_prefix(self.root()).map_or(at.clone(), Path::to_owned), why))
            }
        }
    }

    /// Asserts that a file is not found by the walk, and that the explanation stops at `at`.
    fn is_skipped(&self, name: &str, at: &str, options: &Options) -> Why {
        let dir = self.at(name).parent().unwrap().to_owned();
        let walk = self.walk_with(options);
        assert!(walk.flakes.iter().all(|found| found.dir != dir), "{name} was found");
        let (place, why) = self.why_with(name, options).unwrap_or_else(|| panic!("{name} is said to be seen"));
        assert_eq!(place, Path::new(at), "{why:?}");
        why
    }
}

fn excluding(patterns: &[&str]) -> Options {
    Options { excludes: patterns.iter().map(ToString::to_string).collect(), ..Options::default() }
}

fn fifo(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::from(0o600)).unwrap();
}

#[test]
fn flakes_are_found_wherever_they_are_hidden_directories_included() {
    let tree = Tree::new(&["flake.nix", "b/flake.nix", "b/flake.lock", "a/.config/nixos/flake.nix", "a/README"]);
    let walk = tree.walk();
    assert_eq!(tree.flakes(&walk), ["", "a/.config/nixos", "b"], "in path order");
    assert_eq!((walk.files, walk.problems.len()), (5, 0));
    let stamp = walk.flakes[2].flake_lock.unwrap();
    assert_eq!(stamp.size, "b/flake.lock".len() as u64);
    assert!(stamp.mtime_ns > 1_000_000_000_000_000_000 && stamp.inode > 0);
    assert!(walk.was_listed(&tree.at("a/.config")) && !walk.was_listed(&tree.at("c")));
    assert_eq!(tree.why("a/.config/nixos/flake.nix"), None);
}

#[test]
fn a_lock_without_a_flake_is_found_as_such() {
    let tree = Tree::new(&["a/flake.lock"]);
    let walk = tree.walk();
    assert!(walk.flakes[0].flake_nix.is_none() && walk.flakes[0].flake_lock.is_some());
}

#[test]
fn what_git_ignores_is_not_seen_and_the_line_is_named() {
    let tree = Tree::new(&["repo/flake.nix", "repo/out/flake.nix", "repo/kept/flake.nix", "repo/a/own/flake.nix"]);
    tree.dir("repo/.git/info");
    tree.write("repo/.gitignore", "# build output\n\nout/\nkept\n!kept\n");
    tree.write("repo/.git/info/exclude", "own\n");
    assert_eq!(tree.flakes(&tree.walk()), ["repo", "repo/kept"]);
    let why = tree.is_skipped("repo/out/flake.nix", "repo/out", &Options::default());
    let file = Some(tree.at("repo/.gitignore"));
    assert_eq!(why, Why::GitIgnored { file, line: Some(3), pattern: Some("out/".to_owned()) });
    let why = tree.is_skipped("repo/a/own/flake.nix", "repo/a/own", &Options::default());
    assert!(matches!(why, Why::GitIgnored { file: Some(file), line: Some(1), .. } if file.ends_with("exclude")));
    assert_eq!(tree.why("repo/kept/flake.nix"), None);
}

#[test]
fn a_flake_that_is_itself_ignored_is_not_seen() {
    let tree = Tree::new(&["repo/flake.nix", "repo/.ignore"]);
    tree.dir("repo/.git");
    tree.write("repo/.gitignore", "flake.nix\n");
    let why = tree.is_skipped("repo/flake.nix", "repo/flake.nix", &Options::default());
    assert!(matches!(why, Why::GitIgnored { line: Some(1), .. }));
}

#[test]
fn ignore_files_that_are_not_gits_do_not_count() {
    let tree = Tree::new(&["a/flake.nix", "b/flake.nix"]);
    tree.write(".ignore", "a\n");
    tree.write(".gitignore", "b\n");
    assert_eq!(tree.flakes(&tree.walk()), ["a", "b"], "and .gitignore means nothing outside a repository");
    assert_eq!(tree.why("b/flake.nix"), None);
}

#[test]
fn an_ignore_file_above_the_root_counts() {
    let tree = Tree::new(&["repo/sub/out/flake.nix", "repo/sub/in/flake.nix"]);
    tree.dir("repo/.git");
    tree.write("repo/.gitignore", "/sub/out\n");
    let roots = [tree.at("repo/sub")];
    let walk = scan::walk(&roots, &Options::default()).unwrap();
    assert_eq!(tree.flakes(&walk), ["repo/sub/in"]);
    let explanation = scan::explain(&tree.at("repo/sub/out/flake.nix"), &roots, &Options::default()).unwrap();
    let text = explanation.to_string();
    assert!(text.contains("repo/.gitignore:1 (`/sub/out`)"), "{text}");
}

#[test]
fn built_in_rules_say_why() {
    let skipped = [
        (".git/flake.nix", ".git"),
        ("a/node_modules/x/flake.nix", "a/node_modules"),
        (".cache/nix/flake.nix", ".cache"),
        (".local/share/Trash/files/flake.nix", ".local/share/Trash"),
        (".cargo/registry/src/flake.nix", ".cargo/registry"),
        ("a/.direnv/flake.nix", "a/.direnv"),
        ("crate/target/package/flake.nix", "crate/target"),
        ("tagged/target/flake.nix", "tagged/target"),
    ];
    let seen = [".local/share/flake.nix", "a/target/flake.nix", "a/result/flake.nix"];
    let tree = Tree::new(&skipped.map(|(file, _)| file));
    for file in seen {
        tree.write(file, "");
    }
    tree.write("crate/Cargo.toml", "");
    tree.write("tagged/target/CACHEDIR.TAG", "");
    assert_eq!(tree.flakes(&tree.walk()), [".local/share", "a/result", "a/target"]);
    for (file, at) in skipped {
        assert!(matches!(tree.is_skipped(file, at, &Options::default()), Why::BuiltIn(_)), "{file}");
    }
}

#[test]
fn excludes_are_relative_to_the_root_and_bad_ones_are_refused() {
    let tree = Tree::new(&["old/flake.nix", "a/old/flake.nix", "a/x.bak/flake.nix", "b/flake.nix"]);
    let options = excluding(&["/old", "*.bak/"]);
    assert_eq!(tree.flakes(&tree.walk_with(&options)), ["a/old", "b"]);
    let why = tree.is_skipped("a/x.bak/flake.nix", "a/x.bak", &options);
    assert_eq!(why, Why::Excluded { pattern: "*.bak/".to_owned() });
    for bad in ["[z-a]", "[", "a[b"] {
        let error = scan::walk(&[tree.root()], &excluding(&[bad])).unwrap_err();
        assert!(matches!(&error, Error::Exclude { pattern, .. } if pattern == bad), "{error}");
    }
}

#[test]
fn a_depth_bounds_the_directories_below_a_root() {
    let tree = Tree::new(&["flake.nix", "a/flake.nix", "a/b/flake.nix", "a/b/c/flake.nix"]);
    for (depth, count) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
        let options = Options { max_depth: Some(depth), ..Options::default() };
        assert_eq!(tree.walk_with(&options).flakes.len(), count, "depth {depth}");
        for (index, file) in ["flake.nix", "a/flake.nix", "a/b/flake.nix", "a/b/c/flake.nix"].iter().enumerate() {
            assert_eq!(tree.why_with(file, &options).is_none(), index < count, "{file} at depth {depth}");
        }
    }
}

#[test]
fn symlinks_to_directories_are_not_followed_and_loops_end() {
    let tree = Tree::new(&["real/flake.nix"]);
    symlink(tree.root(), tree.at("real/loop")).unwrap();
    symlink("real", tree.at("alias")).unwrap();
    symlink("self", tree.at("self")).unwrap();
    symlink("/nix/store/x-built", tree.at("result")).unwrap();
    let walk = tree.walk();
    assert_eq!((tree.flakes(&walk), walk.problems.len()), (vec!["real".to_owned()], 0));
    let why = tree.is_skipped("alias/flake.nix", "alias", &Options::default());
    assert_eq!(why, Why::Symlink { target: "real".into() });
    assert!(matches!(tree.why("result"), Some((_, Why::BuiltIn(_)))));
}

#[test]
fn a_root_that_is_a_symlink_is_the_directory_it_leads_to() {
    let tree = Tree::new(&["real/flake.nix"]);
    symlink("real", tree.at("alias")).unwrap();
    let roots = [tree.at("alias"), tree.at("real"), tree.at("real/../real")];
    let walk = scan::walk(&roots, &Options::default()).unwrap();
    assert_eq!((tree.flakes(&walk), walk.files), (vec!["real".to_owned()], 1));
    let explanation = scan::explain(&tree.at("alias/flake.nix"), &roots[..1], &Options::default()).unwrap();
    assert_eq!((explanation.root, explanation.verdict), (Some(tree.at("real")), Verdict::Seen));
}

#[test]
fn nested_roots_are_walked_once_even_where_a_rule_leaves_them_out() {
    let tree = Tree::new(&["a/flake.nix", "a/node_modules/kept/flake.nix", "a/b/flake.nix"]);
    let roots = [tree.at("a"), tree.at("a/b"), tree.at("a/node_modules/kept")];
    let walk = scan::walk(&roots, &Options::default()).unwrap();
    assert_eq!((tree.flakes(&walk), walk.files), (vec!["a".into(), "a/b".into(), "a/node_modules/kept".into()], 3));
    let inside = tree.at("a/node_modules/kept/flake.nix");
    assert_eq!(scan::explain(&inside, &roots, &Options::default()).unwrap().verdict, Verdict::Seen);
}

#[test]
fn roots_that_cannot_be_walked_are_problems() {
    let tree = Tree::new(&["flake.nix"]);
    let walk = scan::walk(&[tree.at("none"), tree.at("flake.nix")], &Options::default()).unwrap();
    let problems: Vec<_> = walk.problems.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(problems, [tree.at("flake.nix"), tree.at("none")]);
}

#[test]
fn a_flake_file_may_be_a_symlink_but_not_a_pipe_or_a_directory() {
    let tree = Tree::new(&["shared.nix", "b/flake.nix/inner"]);
    for dir in ["link", "dangling", "pipe", "dir"] {
        tree.dir(dir);
    }
    symlink("../shared.nix", tree.at("link/flake.nix")).unwrap();
    symlink("gone", tree.at("dangling/flake.nix")).unwrap();
    symlink("..", tree.at("dir/flake.nix")).unwrap();
    fifo(&tree.at("pipe/flake.nix"));
    let walk = tree.walk();
    assert_eq!(tree.flakes(&walk), ["link"]);
    let problems: Vec<_> = walk.problems.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(problems, ["dangling", "dir", "pipe"].map(|dir| tree.at(dir).join("flake.nix")));
    assert!(walk.problems[0].1.starts_with("is a link to something that is not there; "), "{:?}", walk.problems);
    assert_eq!(tree.why("link/flake.nix"), None);
    assert!(matches!(tree.why("pipe/flake.nix"), Some((_, Why::NotAFile))));
    assert!(matches!(tree.why("dangling/flake.nix"), Some((_, Why::Missing))));
    let named = scan::walk_nix(&[tree.at("pipe/flake.nix")], &Options::default()).unwrap();
    assert!(named.problems[0].1.starts_with("is not a regular file"), "{:?}", named.problems);
}

#[test]
fn names_that_are_not_utf8_are_found_as_they_are() {
    let tree = Tree::new(&[]);
    let dir = tree.root().join(OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&dir).unwrap();
    std::fs::copy(tree.write("file", "{}"), dir.join("flake.nix")).unwrap();
    let walk = tree.walk();
    assert_eq!((walk.flakes[0].dir.as_path(), walk.problems.len()), (dir.as_path(), 0));
    let explanation = scan::explain(&dir.join("flake.nix"), &[tree.root()], &Options::default()).unwrap();
    assert_eq!(explanation.verdict, Verdict::Seen);
}

#[test]
fn a_directory_that_may_not_be_read_is_a_problem_and_not_listed() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new(&["open/flake.nix", "locked/flake.nix"]);
    let locked = tree.at("locked");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read_dir(&locked).is_ok() {
        // Permission bits do not bind root: a name that is too long cannot be looked at by anybody.
        let long = tree.at(&"x".repeat(300));
        let walk = scan::walk(std::slice::from_ref(&long), &Options::default()).unwrap();
        assert!(walk.problems[0].1.starts_with("cannot be walked"), "{:?}", walk.problems);
        let explanation = scan::explain(&long, &[tree.root()], &Options::default()).unwrap();
        assert!(matches!(explanation.verdict, Verdict::Skipped { why: Why::NotReadable(_), .. }));
        return;
    }
    let walk = tree.walk();
    assert_eq!(tree.flakes(&walk), ["open"]);
    assert_eq!(walk.problems.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>(), std::slice::from_ref(&locked));
    assert!(!walk.was_listed(&locked) && walk.was_listed(&tree.root()));
    assert!(!walk.is_gone(&locked), "out of reach is not gone");
    assert!(matches!(tree.why("locked/flake.nix"), Some((_, Why::NotReadable(_)))));
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn gone_is_said_only_of_what_the_walk_came_by() {
    let tree = Tree::new(&["a/flake.nix", "b/c/flake.nix", "node_modules/d/flake.nix", "e/flake.nix"]);
    std::fs::remove_file(tree.at("a/flake.nix")).unwrap();
    std::fs::remove_dir_all(tree.at("b")).unwrap();
    std::fs::remove_dir_all(tree.at("node_modules/d")).unwrap();
    let walk = tree.walk();
    assert!(walk.is_gone(&tree.at("a")) && walk.is_gone(&tree.at("b/c")));
    assert!(!walk.is_gone(&tree.at("e")), "it is there");
    assert!(!walk.is_gone(&tree.at("node_modules/d")), "the walk did not look");
    assert!(!walk.is_gone(Path::new("/nowhere/at/all")), "not below the root");
}

#[test]
fn a_link_to_a_directory_stands_in_the_place_of_what_is_gone() {
    let tree = Tree::new(&["p/sub/flake.nix", "gone/flake.nix", "other/flake.nix"]);
    for (from, to) in [("p", "q"), ("gone", "away")] {
        std::fs::rename(tree.at(from), tree.at(to)).unwrap();
        std::os::unix::fs::symlink(tree.at(to), tree.at(from)).unwrap();
    }
    std::fs::remove_dir_all(tree.at("away")).unwrap();
    std::fs::remove_file(tree.at("other/flake.nix")).unwrap();
    std::os::unix::fs::symlink(tree.at("q"), tree.at("other/flake.nix")).unwrap();
    let walk = tree.walk();
    assert!(
        walk.is_gone(&tree.at("p")) && walk.is_gone(&tree.at("p/sub")) && walk.is_missing(&tree.at("p/sub/flake.nix"))
    );
    assert!(!walk.is_gone(&tree.at("q/sub")), "it is there");
    assert!(!walk.is_gone(&tree.at("gone")), "nobody knows what the link leads to");
    assert!(!walk.is_gone(&tree.at("other")) && !walk.is_missing(&tree.at("other/flake.nix")), "no directory was here");
}

#[test]
fn the_kernels_file_systems_are_not_walked() {
    let explanation = scan::explain(Path::new("/proc/1/flake.nix"), &["/".into()], &Options::default()).unwrap();
    assert_eq!(explanation.root, Some(PathBuf::from("/")));
    let Verdict::Skipped { at, why: Why::BuiltIn(skip) } = explanation.verdict else { panic!("{explanation}") };
    assert_eq!((at.as_path(), skip.rule), (Path::new("/proc"), "/proc"));
}

#[test]
fn explanations_of_what_is_not_there_or_elsewhere() {
    let tree = Tree::new(&["a/file"]);
    assert_eq!(tree.why("a/b/flake.nix"), Some(("a/b".into(), Why::Missing)));
    assert!(matches!(tree.why("a/file/flake.nix"), Some((_, Why::NotReadable(_)))));
    let outside = scan::explain(Path::new("/elsewhere"), &[tree.root()], &Options::default()).unwrap();
    assert_eq!(outside.to_string(), "/elsewhere is not seen: it is below none of the roots");
    assert_eq!(outside.root, None);
    let root = scan::explain(&tree.root(), &[tree.root()], &Options::default()).unwrap();
    assert_eq!(root.verdict, Verdict::Seen);
}

#[test]
fn a_walk_that_is_stopped_says_nothing_about_the_rest() {
    let tree = Tree::new(&["a/flake.nix", "b/flake.nix"]);
    let walk = scan::walk_until(&[tree.root()], &Options::default(), &true.into()).unwrap();
    assert_eq!((walk.flakes.len(), walk.problems.len(), walk.was_listed(&tree.root())), (0, 0, false));
    assert!(!walk.is_gone(&tree.at("a")));
}

#[test]
fn a_parallel_walk_of_many_directories_equals_a_serial_one() {
    let tree = Tree::new(&[]);
    for n in 0..2000 {
        let dir = format!("{}/{}/{n}", n % 7, n % 31);
        tree.write(&format!("{dir}/{}", if n % 3 == 0 { "flake.nix" } else { "default.nix" }), "{}");
    }
    let serial = tree.walk_with(&Options { threads: 1, ..Options::default() });
    for threads in [0, 2, 8] {
        let parallel = tree.walk_with(&Options { threads, ..Options::default() });
        assert_eq!(parallel.flakes, serial.flakes, "{threads} threads");
        assert_eq!((parallel.files, parallel.problems.len()), (2000, 0));
    }
    assert_eq!(serial.flakes.len(), 667);
    assert!(serial.flakes.is_sorted_by(|a, b| a.dir < b.dir));
}

#[test]
fn a_file_is_read_with_its_hash_and_within_bounds() {
    let tree = Tree::new(&[]);
    let file = tree.write("flake.nix", "{ }\n");
    let read = scan::read_text(&file, 4).unwrap();
    assert_eq!((read.text.as_str(), read.lossy, read.hash()), ("{ }\n", false, blake3::hash(b"{ }\n")));
    let large = scan::read_text(&file, 3).unwrap_err();
    assert!(matches!(large, ReadError::TooLarge { size: 4, limit: 3, .. }), "{large}");
    let latin = tree.write("latin", b"caf\xe9");
    let read = scan::read_text(&latin, scan::DEFAULT_LIMIT).unwrap();
    assert_eq!((read.text.as_str(), read.lossy, read.hash()), ("caf\u{fffd}", true, blake3::hash(b"caf\xe9")));
    assert!(matches!(scan::read_text(&tree.at("none"), 9), Err(ReadError::Io { .. })));
    assert!(matches!(scan::read_text(&tree.root(), 9), Err(ReadError::NotAFile { .. })));
    assert!(matches!(scan::read_text(Path::new("/dev/zero"), 9), Err(ReadError::NotAFile { .. })));
}

#[test]
fn a_pipe_is_refused_without_waiting_for_a_writer() {
    let tree = Tree::new(&[]);
    let pipe = tree.at("flake.nix");
    fifo(&pipe);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(scan::read_text(&pipe, 9)));
    let read = receiver.recv_timeout(Duration::from_secs(20)).expect("the read must not block");
    assert!(matches!(read, Err(ReadError::NotAFile { .. })));
}
