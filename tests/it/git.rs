//! Repositories made by the real `git` program, read by ours.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot build its world fails")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cim_domain_nix::git::{AgainstHead, Commit, Content, Cursor, Error, Facts, Kind, Limit, Near, Repository, Tracked};

mod damaged;

/// A folder of repositories, with a clock that ticks a minute per commit.
struct World {
    dir: tempfile::TempDir,
    minutes: std::cell::Cell<i64>,
}

const START: i64 = 1_700_000_000;

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), minutes: std::cell::Cell::new(0) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// A fresh repository on branch `main`.
    fn init(&self, name: &str) -> PathBuf {
        self.git(self.dir.path(), &["init", "-q", "-b", "main", name]);
        self.path(name)
    }

    fn write(dir: &Path, name: &str, text: &str) {
        let file = dir.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test makes its own world")]
        std::fs::write(file, text).unwrap();
    }

    /// Writes a file, commits everything, and returns the commit.
    fn commit(&self, dir: &Path, name: &str, text: &str) -> String {
        Self::write(dir, name, text);
        self.git(dir, &["add", "-A"]);
        self.git(dir, &["commit", "-q", "--allow-empty", "-m", &format!("Set {name} to {text}\n\nMore words.")]);
        self.head(dir)
    }

    fn head(&self, dir: &Path) -> String {
        self.git(dir, &["rev-parse", "HEAD"])
    }

    fn git<S: AsRef<OsStr>>(&self, dir: &Path, args: &[S]) -> String {
        let output = self.run(dir, args);
        let error = String::from_utf8_lossy(&output.stderr);
        let args: Vec<_> = args.iter().map(AsRef::as_ref).collect();
        assert!(output.status.success(), "git {args:?}: {error}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn run<S: AsRef<OsStr>>(&self, dir: &Path, args: &[S]) -> Output {
        self.minutes.set(self.minutes.get() + 1);
        let date = format!("{} +0100", START + 60 * self.minutes.get());
        #[expect(clippy::disallowed_methods, reason = "the tests build their repositories with the real git")]
        let mut git = Command::new("git");
        git.args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0"]).args(args).current_dir(dir);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"] {
            git.env_remove(name);
        }
        git.env("HOME", self.dir.path()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        git.env("GIT_AUTHOR_NAME", "Ada").env("GIT_AUTHOR_EMAIL", "ada@example.org").env("GIT_AUTHOR_DATE", &date);
        git.env("GIT_COMMITTER_NAME", "Bob").env("GIT_COMMITTER_EMAIL", "bob@example.org");
        git.env("GIT_COMMITTER_DATE", &date).env("GIT_TERMINAL_PROMPT", "0").output().unwrap()
    }
}

fn open(dir: &Path) -> Repository {
    Repository::discover(dir).unwrap().expect("a repository")
}

fn facts(dir: &Path) -> Facts {
    open(dir).facts().unwrap()
}

fn text(content: &Content) -> &str {
    content.bytes().map_or("-", |bytes| std::str::from_utf8(bytes).unwrap())
}

/// The whole history of `flake.lock`, as `before>after` per commit.
fn steps(repository: &Repository) -> Vec<String> {
    let history = repository.lock_commits(Path::new("flake.lock"), None, None, &|| false).unwrap();
    assert_eq!(history.cursor, Cursor::Unset);
    history.map(|commit| commit.unwrap()).map(|c| format!("{}>{}", text(&c.before), text(&c.after))).collect()
}

fn ids(repository: &Repository, since: Option<i64>, stop_at: Option<&str>) -> (Vec<String>, Cursor, Vec<Limit>) {
    let history = repository.lock_commits(Path::new("flake.lock"), since, stop_at, &|| false).unwrap();
    let (cursor, limits) = (history.cursor, history.limits.clone());
    (history.map(|commit| commit.unwrap().id).collect(), cursor, limits)
}

#[test]
fn a_directory_outside_any_repository_belongs_to_none() {
    let world = World::new();
    assert!(Repository::discover(world.dir.path()).unwrap().is_none());
    let missing = Repository::discover(&world.path("nowhere")).unwrap_err();
    assert!(matches!(&missing, Error::File { path, .. } if path.ends_with("nowhere")), "{missing}");
}

#[test]
fn one_directory_after_the_other_is_in_the_repository_that_a_look_of_its_own_finds() {
    let world = World::new();
    let outer = world.init("outer");
    world.commit(&outer, "a/b/flake.lock", "1");
    let inner = world.init("outer/inner");
    world.commit(&inner, "c/flake.lock", "1");
    let bare = outer.join("bare.git");
    world.git(&outer, &["clone", "-q", "--bare", ".", "bare.git"]);
    let broken = outer.join("broken");
    World::write(&broken, ".git", "gitdir: /nowhere/at/all\n");
    let elsewhere = world.init("elsewhere/dots");
    world.git(&elsewhere, &["config", "core.worktree", &world.path("elsewhere").display().to_string()]);
    World::write(&world.path("elsewhere/project"), "flake.lock", "1");
    let (dots, project) = (elsewhere.clone(), world.path("elsewhere/project"));
    let mut near = Near::default();
    let (a, b, c, refs) = (outer.join("a"), outer.join("a/b"), inner.join("c"), bare.join("refs"));
    for dir in [
        &b,
        &a,
        &outer,
        &c,
        &inner,
        &b,
        &bare,
        &refs,
        &a,
        &broken,
        &a,
        &world.path(""),
        &c,
        &world.path("no"),
        &dots,
        &project,
    ] {
        let (alone, near) = (Repository::discover(dir), near.discover(dir));
        match (alone, near) {
            (Ok(alone), Ok(near)) => {
                let path = |repository: &Repository| repository.path().to_owned();
                assert_eq!(alone.as_ref().map(path), near.map(path), "{}", dir.display());
            }
            (Err(alone), Err(near)) => assert_eq!(alone.to_string(), near.to_string(), "{}", dir.display()),
            (alone, near) => panic!("{}: {alone:?} and {near:?}", dir.display()),
        }
    }
}

#[test]
fn facts_of_an_ordinary_repository() {
    let world = World::new();
    let dir = world.init("one");
    let head = world.commit(&dir, "sub/flake.nix", "{}");
    let facts = facts(&dir.join("sub"));
    assert_eq!(facts.work_tree.as_deref(), Some(dir.as_path()));
    assert_eq!((facts.git_dir.clone(), facts.common_dir), (dir.join(".git"), dir.join(".git")));
    assert_eq!((facts.kind, facts.branch.as_deref()), (Kind::Main, Some("main")));
    assert_eq!(facts.head, Some(head));
    assert_eq!((facts.detached, facts.shallow, facts.partial), (false, false, false));
    assert_eq!((facts.remote_name, facts.remote_url), (None, None));
}

#[test]
fn the_remote_is_the_upstreams_else_origin_else_the_only_one() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "a", "1");
    let remote = || {
        let facts = facts(&dir);
        (facts.remote_name, facts.remote_url)
    };
    let named = |name: &str, url: &str| (Some(name.to_owned()), Some(url.to_owned()));
    world.git(&dir, &["remote", "add", "fork", "https://me:secret@example.org/fork.git"]);
    assert_eq!(remote(), named("fork", "https://me:secret@example.org/fork.git"), "the only one, unredacted");
    world.git(&dir, &["remote", "add", "backup", "/srv/backup"]);
    assert_eq!(remote(), (None, None), "two, and none of them origin");
    world.git(&dir, &["remote", "add", "origin", "git@example.org:me/one.git"]);
    assert_eq!(remote(), named("origin", "git@example.org:me/one.git"));
    world.git(&dir, &["config", "branch.main.remote", "backup"]);
    assert_eq!(remote(), named("backup", "/srv/backup"), "the upstream's");
    world.git(&dir, &["config", "branch.main.remote", "."]);
    assert_eq!(remote(), named("origin", "git@example.org:me/one.git"), "a local upstream is none");
    world.git(&dir, &["config", "branch.main.remote", "https://example.org/by-url"]);
    assert_eq!(remote(), (None, Some("https://example.org/by-url".to_owned())));
}

#[test]
fn detached_unborn_and_empty_repositories() {
    let world = World::new();
    let dir = world.init("one");
    let unborn = facts(&dir);
    assert_eq!((unborn.branch.as_deref(), unborn.head, unborn.detached), (Some("main"), None, false));
    let repository = open(&dir);
    let history = repository.lock_commits(Path::new("flake.lock"), None, None, &|| false).unwrap();
    assert_eq!((history.head.as_deref(), history.len(), history.limits.len()), (None, 0, 0));
    World::write(&dir, "flake.lock", "1");
    assert_eq!(repository.tracked(&dir.join("flake.lock")).unwrap(), Tracked::No, "there is no index yet");
    assert_eq!(repository.against_head(&dir.join("flake.lock")).unwrap(), AgainstHead::NoCommit);

    let first = world.commit(&dir, "flake.lock", "1");
    world.git(&dir, &["checkout", "-q", "--detach"]);
    let detached = facts(&dir);
    assert_eq!((detached.branch, detached.head, detached.detached), (None, Some(first), true));
    assert_eq!(steps(&open(&dir)), ["->1"]);
}

#[test]
fn a_linear_history_is_told_oldest_first_with_contents_and_authors() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "README", "hello");
    let added = world.commit(&dir, "flake.lock", "1");
    world.commit(&dir, "README", "more");
    world.commit(&dir, "flake.lock", "2");
    world.git(&dir, &["rm", "-q", "flake.lock"]);
    world.git(&dir, &["commit", "-q", "-m", "Drop it"]);
    world.commit(&dir, "flake.lock", "3");
    let repository = open(&dir);
    assert_eq!(steps(&repository), ["->1", "1>2", "2>-", "->3"]);

    let mut history = repository.lock_commits(Path::new("flake.lock"), None, None, &|| false).unwrap();
    assert_eq!((history.len(), history.head.clone()), (4, Some(world.head(&dir))));
    let first: Commit = history.next().unwrap().unwrap();
    assert_eq!(first.id, added);
    assert_eq!(first.parent, Some(world.git(&dir, &["rev-parse", &format!("{added}^")])));
    assert_eq!((first.author_name.as_str(), first.author_email.as_str()), ("Ada", "ada@example.org"));
    assert_eq!(first.authored_at.to_string(), world.git(&dir, &["log", "-1", "--format=%at", &added]));
    assert_eq!(first.committed_at, first.authored_at);
    assert_eq!(first.summary, "Set flake.lock to 1");
}

#[test]
fn a_lock_in_the_first_commit_of_all_has_no_parent() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "flake.lock", "1");
    let repository = open(&dir);
    let commit =
        repository.lock_commits(Path::new("flake.lock"), None, None, &|| false).unwrap().next().unwrap().unwrap();
    assert_eq!((commit.parent, commit.before), (None, Content::Absent));
}

#[test]
fn the_lock_of_a_subdirectory_has_its_own_history() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "flake.lock", "top");
    world.commit(&dir, "a/b/flake.lock", "1");
    world.commit(&dir, "a/other", "x");
    world.commit(&dir, "a/b/flake.lock", "2");
    world.git(&dir, &["mv", "a/b", "a/c"]);
    world.git(&dir, &["commit", "-q", "-m", "Move"]);
    let repository = open(&dir.join("a"));
    let path = repository.inside(&dir.join("a/flake.lock")).unwrap();
    assert_eq!(path, Path::new("a/flake.lock"));
    let history = repository.lock_commits(Path::new("a/b/flake.lock"), None, None, &|| false).unwrap();
    let seen: Vec<_> =
        history.map(|c| c.unwrap()).map(|c| (text(&c.before).to_owned(), text(&c.after).to_owned())).collect();
    let expected = [("-", "1"), ("1", "2"), ("2", "-")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(seen, expected);
}

#[test]
fn a_lock_that_a_commit_moved_is_followed_to_where_it_was_and_a_copy_is_not() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "x/a/flake.lock", "1");
    world.commit(&dir, "x/a/flake.lock", "2");
    world.git(&dir, &["mv", "x", "y"]);
    world.commit(&dir, "other", "moved");
    world.commit(&dir, "y/a/flake.lock", "3");
    world.commit(&dir, "copy/flake.lock", "3");
    let told = |path: &str| {
        let repository = open(&dir);
        let history = repository.lock_commits(Path::new(path), None, None, &|| false).unwrap();
        history.flatten().map(|c| format!("{}>{}", text(&c.before), text(&c.after))).collect::<Vec<_>>()
    };
    assert_eq!(told("y/a/flake.lock"), ["->1", "1>2", "2>3"]);
    assert_eq!(told("copy/flake.lock"), ["->3"]);
    assert_eq!(told("x/a/flake.lock"), ["->1", "1>2", "2>-"]);
    world.commit(&dir, "twin/flake.lock", "3");
    world.git(&dir, &["rm", "-rq", "twin", "y"]);
    world.commit(&dir, "new/flake.lock", "3");
    assert_eq!(told("new/flake.lock"), ["->3"]);
}

#[test]
fn a_symlink_or_a_directory_named_like_the_lock_is_no_lock() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "flake.lock/file", "x");
    std::fs::remove_dir_all(dir.join("flake.lock")).unwrap();
    std::os::unix::fs::symlink("elsewhere", dir.join("flake.lock")).unwrap();
    world.commit(&dir, "README", "link");
    std::fs::remove_file(dir.join("flake.lock")).unwrap();
    world.commit(&dir, "flake.lock", "1");
    assert_eq!(steps(&open(&dir)), ["->1"]);
}

#[test]
fn only_the_first_parent_of_a_merge_is_followed() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "flake.lock", "1");
    world.git(&dir, &["checkout", "-q", "-b", "side"]);
    world.commit(&dir, "flake.lock", "2");
    world.commit(&dir, "flake.lock", "3");
    world.git(&dir, &["checkout", "-q", "main"]);
    world.commit(&dir, "README", "x");
    world.git(&dir, &["merge", "-q", "--no-ff", "-m", "Merge side", "side"]);
    assert_eq!(steps(&open(&dir)), ["->1", "1>3"], "the merge is one change");
}

#[test]
fn a_cursor_gives_only_what_is_new_and_notices_a_rebase() {
    let world = World::new();
    let dir = world.init("one");
    let a = world.commit(&dir, "flake.lock", "1");
    let b = world.commit(&dir, "flake.lock", "2");
    let repository = open(&dir);
    assert_eq!(ids(&repository, None, Some(&b)), (vec![], Cursor::Reached, vec![]));
    let c = world.commit(&dir, "flake.lock", "3");
    assert_eq!(ids(&repository, None, Some(&b)), (vec![c.clone()], Cursor::Reached, vec![]));
    assert_eq!(ids(&repository, None, Some(&a)).0, [b.clone(), c.clone()]);

    world.git(&dir, &["reset", "-q", "--hard", &a]);
    let d = world.commit(&dir, "flake.lock", "4");
    assert_eq!(ids(&repository, None, Some(&c)), (vec![a.clone(), d.clone()], Cursor::Rewritten, vec![]));
    assert_eq!(repository.unreachable(&[&a, &b, &c, &d]).unwrap(), [b.as_str(), c.as_str()]);

    let nonsense = repository.lock_commits(Path::new("flake.lock"), None, Some("not a commit"), &|| false).unwrap_err();
    assert!(matches!(nonsense, Error::NotACommit { .. }), "{nonsense}");
}

#[test]
fn a_cursor_that_was_merged_from_the_side_is_reachable_though_not_on_the_line() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "flake.lock", "1");
    let mine = world.commit(&dir, "flake.lock", "2");
    world.git(&dir, &["checkout", "-q", "-b", "theirs", "HEAD~1"]);
    world.commit(&dir, "README", "x");
    world.git(&dir, &["merge", "-q", "--no-ff", "-m", "Merge mine", "main"]);
    let repository = open(&dir);
    assert_eq!(ids(&repository, None, Some(&mine)).1, Cursor::Rewritten);
    assert!(repository.unreachable(&[&mine]).unwrap().is_empty());
    assert_eq!(repository.reachable(&[&mine]).unwrap(), [&mine]);
}

#[test]
fn a_bound_leaves_out_older_commits_and_still_finds_the_cursor() {
    let world = World::new();
    let dir = world.init("one");
    let commits: Vec<_> = (0..12).map(|n| world.commit(&dir, "flake.lock", &n.to_string())).collect();
    let time = |id: &str| world.git(&dir, &["log", "-1", "--format=%ct", id]).parse::<i64>().unwrap();
    let since = time(&commits[10]);
    let repository = open(&dir);
    let (found, cursor, limits) = ids(&repository, Some(since), None);
    assert_eq!((found.as_slice(), cursor), (&commits[10..], Cursor::Unset));
    assert_eq!(limits, [Limit::Since { commit: commits[9].clone() }]);
    assert_eq!(ids(&repository, Some(since), Some(&commits[1])).1, Cursor::Reached);
    let gone = "0123456789012345678901234567890123456789";
    assert_eq!(ids(&repository, Some(since), Some(gone)).1, Cursor::Rewritten);
}

#[test]
fn one_commit_with_a_wrong_clock_does_not_hide_what_is_before_it() {
    let world = World::new();
    let dir = world.init("one");
    let first = world.commit(&dir, "flake.lock", "1");
    World::write(&dir, "flake.lock", "2");
    let now = world.minutes.replace((200_000_000 - START) / 60);
    world.git(&dir, &["commit", "-q", "-a", "-m", "In 1976"]);
    world.minutes.set(now);
    let last = world.commit(&dir, "flake.lock", "3");
    assert_eq!(ids(&open(&dir), Some(START), None).0, [first, last]);
}

#[test]
fn a_shallow_clone_says_where_it_ends() {
    let world = World::new();
    let dir = world.init("one");
    let commits: Vec<_> = (0..5).map(|n| world.commit(&dir, "flake.lock", &n.to_string())).collect();
    let url = format!("file://{}", dir.display());
    world.git(world.dir.path(), &["clone", "-q", "--depth", "2", &url, "shallow"]);
    let repository = open(&world.path("shallow"));
    assert!(repository.facts().unwrap().shallow);
    let limit = vec![Limit::Shallow { commit: commits[3].clone() }];
    assert_eq!(ids(&repository, None, None), (vec![commits[4].clone()], Cursor::Unset, limit.clone()));
    assert_eq!(ids(&repository, None, Some(&commits[0])).1, Cursor::Unknown, "it may be behind the boundary");
    assert_eq!(ids(&repository, None, Some(&commits[3])), (vec![commits[4].clone()], Cursor::Reached, vec![]));
    let gone = "0123456789012345678901234567890123456789";
    assert!(repository.unreachable(&[&commits[0], gone]).unwrap().is_empty(), "they may be behind the boundary");
    assert_eq!(open(&dir).unreachable(&[&commits[0], gone]).unwrap(), [gone]);
}

#[test]
fn a_partial_clone_says_which_contents_were_not_fetched() {
    let world = World::new();
    let dir = world.init("one");
    world.git(&dir, &["config", "uploadpack.allowFilter", "true"]);
    world.commit(&dir, "flake.lock", "1");
    world.commit(&dir, "flake.lock", "2");
    let url = format!("file://{}", dir.display());
    world.git(world.dir.path(), &["clone", "-q", "--filter=blob:none", &url, "blobless"]);
    let repository = open(&world.path("blobless"));
    assert!(repository.facts().unwrap().partial);
    let mut history = repository.lock_commits(Path::new("flake.lock"), None, None, &|| false).unwrap();
    let old = history.next().unwrap().unwrap();
    assert!(matches!(old.after, Content::NotFetched { .. }), "{old:?}");
    assert_eq!(text(&history.next().unwrap().unwrap().after), "2", "checked out, so it was fetched");

    world.git(world.dir.path(), &["clone", "-q", "--filter=tree:0", &url, "treeless"]);
    let (found, _, limits) = ids(&open(&world.path("treeless")), None, None);
    assert!(found.is_empty());
    assert!(matches!(limits.as_slice(), [Limit::MissingObject { .. }]), "{limits:?}");
}

#[test]
fn bare_repositories_and_their_work_trees() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "flake.lock", "1");
    world.git(world.dir.path(), &["clone", "-q", "--bare", "one", "bare"]);
    let bare = facts(&world.path("bare"));
    assert_eq!((bare.kind, bare.work_tree), (Kind::Bare, None));
    assert_eq!(steps(&open(&world.path("bare"))), ["->1"]);
    assert_eq!(open(&world.path("bare")).tracked(&world.path("bare/flake.lock")).unwrap(), Tracked::NoWorkTree);

    world.git(&world.path("bare"), &["worktree", "add", "-q", "-b", "feature", "../tree"]);
    let tree = world.path("tree");
    world.commit(&tree, "flake.lock", "2");
    let linked = facts(&tree);
    assert_eq!((linked.kind, linked.branch.as_deref()), (Kind::LinkedWorkTree, Some("feature")));
    assert_eq!(linked.work_tree, Some(tree.clone()));
    assert_eq!(linked.common_dir, world.path("bare"));
    assert_eq!(steps(&open(&tree)), ["->1", "1>2"]);
    assert_eq!(open(&tree).tracked(&tree.join("flake.lock")).unwrap(), Tracked::Yes);

    std::fs::remove_dir_all(world.path("bare")).unwrap();
    let broken = Repository::discover(&tree).unwrap_err();
    assert!(matches!(&broken, Error::BrokenLink { path } if *path == tree.join(".git")), "{broken}");
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let world = World::new();
    let library = world.init("library");
    world.commit(&library, "flake.lock", "1");
    let dir = world.init("one");
    world.commit(&dir, "README", "x");
    world.git(&dir, &["submodule", "--quiet", "add", library.to_str().unwrap(), "vendor/library"]);
    world.git(&dir, &["commit", "-q", "-m", "Add library"]);
    let inside = dir.join("vendor/library");
    let submodule = facts(&inside);
    assert_eq!((submodule.kind, submodule.work_tree), (Kind::Submodule, Some(inside.clone())));
    assert_eq!(submodule.git_dir, dir.join(".git/modules/vendor/library"));
    assert_eq!(submodule.remote_url.as_deref(), library.to_str());
    assert_eq!(steps(&open(&inside)), ["->1"]);
    let outer = open(&dir);
    let history = outer.lock_commits(Path::new("vendor/library/flake.lock"), None, None, &|| false).unwrap();
    assert_eq!(history.len(), 0, "the outer repository does not hold the file");
}

#[test]
fn packed_repositories_with_packed_refs_and_alternates() {
    let world = World::new();
    let dir = world.init("one");
    for n in 0..30 {
        world.commit(&dir, "flake.lock", &format!("{}{n}", "line\n".repeat(50)));
    }
    let before = steps(&open(&dir));
    world.git(&dir, &["gc", "-q", "--aggressive", "--prune=now"]);
    assert!(dir.join(".git/packed-refs").exists() && !dir.join(".git/refs/heads/main").exists());
    assert!(dir.join(".git/objects/info/commit-graph").exists());
    assert_eq!(steps(&open(&dir)), before);
    world.git(world.dir.path(), &["clone", "-q", "--shared", "one", "shared"]);
    assert!(world.path("shared/.git/objects/info/alternates").exists());
    assert_eq!(steps(&open(&world.path("shared"))), before);
}

#[test]
fn tracked_and_changed_files() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "sub/flake.nix", "{}");
    let file = dir.join("sub/flake.nix");
    let check = |file: &Path| {
        let repository = open(&dir);
        (repository.tracked(file).unwrap(), repository.against_head(file).unwrap())
    };
    assert_eq!(check(&file), (Tracked::Yes, AgainstHead::Same));
    World::write(&dir, "sub/flake.nix", "{ }");
    assert_eq!(check(&file), (Tracked::Yes, AgainstHead::Differs));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(check(&file), (Tracked::Yes, AgainstHead::OnlyInHead));
    World::write(&dir, "flake.nix", "{}");
    let new = dir.join("flake.nix");
    assert_eq!(check(&new), (Tracked::No, AgainstHead::OnlyInWorkTree));
    for version in ["2", "3", "4"] {
        world.git(&dir, &["add", "--intent-to-add", "flake.nix"]);
        world.git(&dir, &["update-index", "--index-version", version]);
        assert_eq!(check(&new), (Tracked::Yes, AgainstHead::OnlyInWorkTree), "index version {version}");
        world.git(&dir, &["rm", "-q", "--cached", "flake.nix"]);
        assert_eq!(check(&new).0, Tracked::No, "index version {version}");
    }
    assert_eq!(check(&dir.join("none")), (Tracked::No, AgainstHead::Nowhere));
    let elsewhere = open(&dir).tracked(&world.path("elsewhere")).unwrap_err();
    assert!(matches!(elsewhere, Error::Outside { .. }), "{elsewhere}");
}

#[test]
fn files_that_git_converts_are_compared_as_it_stores_them() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "a.nix", "{\n}\n");
    world.commit(&dir, "b.nix", "{\n}\n");
    world.commit(&dir, ".gitattributes", "*.nix text eol=crlf\n");
    World::write(&dir, "a.nix", "{\r\n}\r\n");
    World::write(&dir, "b.nix", "{\r\n }\r\n");
    assert_eq!(world.git(&dir, &["diff", "--name-only", "--no-ext-diff"]), "b.nix");
    let repository = open(&dir);
    let files = [dir.join("a.nix"), dir.join("b.nix")];
    let against = files.each_ref().map(|file| repository.against_head(file).unwrap());
    assert_eq!(against, [AgainstHead::Same, AgainstHead::Differs]);
    assert_eq!(repository.changed_since("HEAD", &files).unwrap(), files[1..]);
}

#[test]
fn a_file_in_conflict_is_tracked() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "flake.lock", "1");
    world.git(&dir, &["checkout", "-q", "-b", "side"]);
    world.commit(&dir, "flake.lock", "2");
    world.git(&dir, &["checkout", "-q", "main"]);
    world.commit(&dir, "flake.lock", "3");
    assert!(!world.run(&dir, &["merge", "-q", "side"]).status.success(), "the merge must conflict");
    assert_eq!(open(&dir).tracked(&dir.join("flake.lock")).unwrap(), Tracked::Yes);
}

#[test]
fn what_is_tracked_below_paths_is_found_in_the_index_alone() {
    let world = World::new();
    let dir = world.init("one");
    let id = world.commit(&dir, "lib/a.nix", "1");
    for name in ["lib/deep/b.nix", "lib-like/c.nix", "lib.nix", "lib0", "other/d.nix"] {
        world.commit(&dir, name, name);
    }
    World::write(&dir, "lib/untracked.nix", "");
    world.git(&dir, &["update-index", "--add", "--cacheinfo", &format!("160000,{id},lib/submodule")]);
    std::fs::remove_dir_all(dir.join("other")).unwrap();
    let found = |names: &[&str]| {
        let paths: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let mut found = open(&dir).tracked_below(&paths).unwrap();
        found.sort();
        found.into_iter().map(|file| file.strip_prefix(&dir).unwrap().display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(&["lib"]), ["lib/a.nix", "lib/deep/b.nix"]);
    assert_eq!(found(&["lib/deep", "lib.nix", "other"]), ["lib/deep/b.nix", "lib.nix", "other/d.nix"]);
    assert_eq!(found(&["li", "lib/submodule", "lib/untracked.nix", "../elsewhere"]), [""; 0]);
    world.git(world.dir.path(), &["clone", "-q", "--bare", "one", "bare"]);
    let bare = world.path("bare");
    assert!(open(&bare).tracked_below(&[&bare.join("lib")]).unwrap().is_empty());
}

#[test]
fn names_are_read_in_the_encoding_of_their_commit_and_others_do_not_stop_the_history() {
    let world = World::new();
    let author = OsStr::from_bytes(b"--author=J\xf6rg <joerg@example.org>");
    let message = OsStr::from_bytes(b"--message=Gr\xfc\xdfe");
    for (encoding, read) in [("ISO-8859-1", ("Jörg", "Grüße")), ("x-none", ("J\u{fffd}rg", "Gr\u{fffd}\u{fffd}e"))] {
        let dir = world.init(encoding);
        World::write(&dir, "flake.lock", "1");
        world.git(&dir, &["add", "-A"]);
        world.git(&dir, &["config", "i18n.commitEncoding", encoding]);
        world.git(&dir, &[OsStr::new("commit"), OsStr::new("-q"), author, message]);
        let repository = open(&dir);
        let mut commits = repository.lock_commits(Path::new("flake.lock"), None, None, &|| false).unwrap();
        let commit = commits.next().unwrap().unwrap();
        assert_eq!((&*commit.author_name, &*commit.summary), read, "{encoding}");
    }
}
