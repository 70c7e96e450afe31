//! Repositories that cannot be read, or not all of them.

use super::*;

#[test]
fn a_damaged_object_is_named() {
    let world = World::new();
    let dir = world.init("one");
    world.commit(&dir, "flake.lock", "1");
    let parent = world.commit(&dir, "flake.lock", "2");
    world.commit(&dir, "flake.lock", "3");
    let object = dir.join(".git/objects").join(&parent[..2]).join(&parent[2..]);
    std::fs::remove_file(&object).unwrap();
    let (found, _, limits) = ids(&open(&dir), None, None);
    assert_eq!((found.len(), limits), (0, vec![Limit::MissingObject { id: parent.clone() }]));
    World::write(object.parent().unwrap(), &parent[2..], "this is no object");
    let repository = open(&dir);
    let error = repository.lock_commits(Path::new("flake.lock"), None, None, &|| false).unwrap_err();
    assert!(error.to_string().contains(&parent) && error.to_string().contains("one"), "{error}");
}

#[test]
fn a_damaged_content_is_one_commits_alone() {
    let world = World::new();
    let dir = world.init("one");
    for lock in ["1", "2", "3"] {
        world.commit(&dir, "flake.lock", lock);
    }
    let blob = world.git(&dir, &["rev-parse", "HEAD~1:flake.lock"]);
    std::fs::remove_file(dir.join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    World::write(&dir.join(".git/objects").join(&blob[..2]), &blob[2..], "this is no object");
    let repository = open(&dir);
    let history = repository.lock_commits(Path::new("flake.lock"), None, None, &|| false).unwrap();
    let damaged = Content::Damaged { id: blob };
    let found: Vec<_> = history.map(|commit| commit.unwrap()).map(|commit| (commit.before, commit.after)).collect();
    assert_eq!((found.len(), &found[1].1, &found[2].0), (3, &damaged, &damaged));
    assert_eq!((text(&found[0].1), text(&found[2].1)), ("1", "3"));
}

/// How a repository is damaged, and what that is called.
type Damage = (&'static str, fn(&Path));

#[test]
fn a_repository_that_is_damaged_or_away_is_no_part_of_the_one_around_it() {
    let damages: [Damage; 5] = [
        ("no HEAD", |git| std::fs::remove_file(git.join("HEAD")).unwrap()),
        ("no objects", |git| std::fs::remove_dir_all(git.join("objects")).unwrap()),
        ("no refs", |git| std::fs::remove_dir_all(git.join("refs")).unwrap()),
        ("a link that leads nowhere", |git| {
            std::fs::remove_dir_all(git).unwrap();
            std::os::unix::fs::symlink("/nowhere/at/all", git).unwrap();
        }),
        ("a configuration that is not readable", |git| {
            std::fs::remove_file(git.join("config")).unwrap();
            std::fs::create_dir(git.join("config")).unwrap();
        }),
    ];
    for around in [false, true] {
        for (what, damage) in damages {
            let world = World::new();
            if around {
                world.init(".");
            }
            let dir = world.init("one");
            world.commit(&dir, "sub/flake.lock", "1");
            damage(&dir.join(".git"));
            let error = Repository::discover(&dir.join("sub")).unwrap_err();
            assert!(error.to_string().contains(dir.to_str().unwrap()), "{what}: {error}");
            std::fs::remove_dir_all(dir.join(".git")).or_else(|_| std::fs::remove_file(dir.join(".git"))).unwrap();
            std::fs::create_dir(dir.join(".git")).unwrap();
            let found = Repository::discover(&dir.join("sub")).unwrap();
            assert_eq!(found.is_some(), around, "{what}: an empty directory is nothing, as for git");
        }
    }
}

#[test]
fn a_sha256_repository_is_refused_by_name() {
    let world = World::new();
    world.git(world.dir.path(), &["init", "-q", "--object-format=sha256", "new"]);
    let error = Repository::discover(&world.path("new")).unwrap_err();
    assert!(matches!(error, Error::Sha256 { .. }), "{error:?}");
}

#[test]
fn a_reftable_repository_is_refused_with_the_way_out() {
    let world = World::new();
    let dir = world.init("one");
    // What `git init --ref-format=reftable` writes; older versions of git do not know the option.
    world.git(&dir, &["config", "core.repositoryFormatVersion", "1"]);
    let config = std::fs::read_to_string(dir.join(".git/config")).unwrap();
    World::write(&dir, ".git/config", &format!("{config}[extensions]\n\trefStorage = reftable\n"));
    let error = Repository::discover(&dir).unwrap_err();
    assert!(matches!(error, Error::Reftable { .. }), "{error:?}");
}

#[test]
fn a_broken_configuration_is_an_error_that_names_the_repository_and_quotes_no_secret() {
    let world = World::new();
    let url = "https://me:hunter2@example.org/x";
    let broken = [
        format!("[remote \"origin\"]\n\turl = {url}\n[broken {url}\n"),
        format!("[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = {url}\n"),
        format!("[core]\n\trepositoryformatversion = {url}\n"),
        format!("[hunter2]\n\thunter2\n{url}"),
    ];
    for config in broken {
        let dir = world.init("one");
        World::write(&dir, ".git/config", &config);
        let error = Repository::discover(&dir).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.to_string().contains(dir.to_str().unwrap()) && !cause.is_empty(), "{error}");
        assert!(!format!("{error} {error:?} {cause}").contains("hunter2"), "{error:?}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn a_pipe_in_the_place_of_a_file_of_the_repository_is_named_and_not_waited_for() {
    for name in ["HEAD", "config", "index", "commondir", "refs/heads/main", ""] {
        let world = World::new();
        let dir = world.init("one");
        world.commit(&dir, "flake.lock", "1");
        let (path, below) = (dir.join(".git").join(name), dir.join("below"));
        std::fs::create_dir(&below).unwrap();
        if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path).or(Ok(())) }.unwrap();
        let pipe = path.components().collect::<PathBuf>();
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from(0o600)).unwrap();
        for place in [&dir, &below] {
            let error = Repository::discover(place).unwrap_err();
            assert!(matches!(&error, Error::File { path, .. } if *path == pipe), "{name}: {error}");
            cim_domain_nix::git::stamped(place);
        }
    }
}
