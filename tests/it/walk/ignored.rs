//! What git ignores: repositories that ignore everything by default, repositories inside what others ignore, and that
//! the walk and its explanation never disagree.

use super::*;
use proptest::prelude::*;

/// A home directory under git that ignores everything but what it lets in.
fn home(ignore_file: &str, rules: &str) -> Tree {
    let tree = Tree::new(&[
        "home/.config/nixos/flake.nix",
        "home/src/plain/flake.nix",
        "home/src/repo/flake.nix",
        "home/src/repo/out/flake.nix",
    ]);
    tree.dir("home/.git/info");
    tree.write(&format!("home/{ignore_file}"), rules);
    tree.dir("home/src/repo/.git");
    tree.write("home/src/repo/.gitignore", "out/\n");
    tree
}

fn assert_sees_all_of(tree: &Tree, what: &str) {
    let expected = ["home/.config/nixos", "home/src/plain", "home/src/repo"];
    assert_eq!(tree.flakes(&tree.walk()), expected, "{what}");
    for (root, expected) in [("home", &expected[..]), ("home/src", &expected[1..])] {
        let roots = [tree.at(root)];
        let walk = scan::walk(&roots, &Options::default()).unwrap();
        assert_eq!(tree.flakes(&walk), expected, "{what}, from {root}");
        for dir in expected {
            let file = tree.at(dir).join("flake.nix");
            let explanation = scan::explain(&file, &roots, &Options::default()).unwrap();
            assert_eq!(explanation.verdict, Verdict::Seen, "{what}, from {root}: {explanation}");
        }
    }
    let why = tree.is_skipped("home/src/repo/out/flake.nix", "home/src/repo/out", &Options::default());
    assert!(matches!(why, Why::GitIgnored { file: Some(file), .. } if file == tree.at("home/src/repo/.gitignore")));
}

#[test]
fn a_repository_that_ignores_everything_says_nothing_about_what_lies_below() {
    for rules in ["*\n", "/*\n", "**\n", "/**\n", "# mine\n/*\n!/.bashrc\n!.config/\n", "*\n!*/\n!.profile\n", "/*/\n"]
    {
        for file in [".gitignore", ".git/info/exclude"] {
            let tree = home(file, rules);
            assert_sees_all_of(&tree, &format!("{rules:?} in {file}"));
            assert!(scan::ignores_everything(&tree.at("home")), "{rules:?} in {file}");
        }
    }
}

#[test]
fn a_repository_that_ignores_much_is_not_one_that_ignores_everything() {
    for rules in ["", "*.o\n", "/src\n", "[a-z]*\n", "*\n!*\n", "/*\n!/*\n", ".*\n", "#*\n", "src/*\n"] {
        let tree = home(".gitignore", rules);
        assert!(!scan::ignores_everything(&tree.at("home")), "{rules:?}");
    }
    let tree = Tree::new(&["repo/cache/flake.nix", "repo/flake.nix"]);
    tree.dir("repo/.git");
    tree.write("repo/cache/.gitignore", "*\n");
    tree.is_skipped("repo/cache/flake.nix", "repo/cache/flake.nix", &Options::default());
    assert_eq!(tree.flakes(&tree.walk()), ["repo"], "a cache that ignores itself is no repository");
}

#[test]
fn a_repository_in_an_ignored_place_is_one_of_its_own() {
    let tree = Tree::new(&[
        "repo/own/flake.nix",
        "repo/own/out/flake.nix",
        "repo/vendor/flake.nix",
        "repo/vendor/foo/flake.nix",
        "repo/linked/flake.nix",
    ]);
    for repository in ["repo", "repo/own", "repo/vendor/foo"] {
        tree.dir(&format!("{repository}/.git"));
    }
    tree.write("repo/linked/.git", "gitdir: /elsewhere\n");
    tree.write("repo/.gitignore", "own\nvendor\n/linked/\n");
    tree.write("repo/own/.gitignore", "/out\n");
    assert_eq!(tree.flakes(&tree.walk()), ["repo/linked", "repo/own"]);
    for seen in ["repo/own/flake.nix", "repo/linked/flake.nix"] {
        assert_eq!(tree.why(seen), None, "{seen}");
    }
    tree.is_skipped("repo/own/out/flake.nix", "repo/own/out", &Options::default());
    let why = tree.is_skipped("repo/vendor/foo/flake.nix", "repo/vendor", &Options::default());
    assert!(matches!(why, Why::GitIgnored { line: Some(2), .. }), "what is ignored is not searched: {why:?}");
}

#[test]
fn a_linked_work_tree_obeys_the_exclude_file_of_its_repository() {
    let tree = Tree::new(&["tree/flake.nix", "tree/out/flake.nix"]);
    tree.write("main/.git/info/exclude", "out\n");
    tree.write("main/.git/worktrees/tree/commondir", "../..\n");
    tree.write("tree/.git", "gitdir: ../main/.git/worktrees/tree\n");
    assert_eq!(tree.flakes(&tree.walk()), ["tree"]);
    let why = tree.is_skipped("tree/out/flake.nix", "tree/out", &Options::default());
    assert!(matches!(why, Why::GitIgnored { line: Some(1), .. }), "{why:?}");
}

#[test]
fn an_ignore_file_that_is_a_pipe_keeps_nobody_waiting() {
    let tree = Tree::new(&["repo/flake.nix"]);
    tree.dir("repo/.git");
    fifo(&tree.at("repo/.gitignore"));
    let (sender, receiver) = mpsc::channel();
    let root = tree.root();
    std::thread::spawn(move || sender.send(Box::new(scan::walk(&[root], &Options::default()).unwrap())));
    let walk = receiver.recv_timeout(Duration::from_secs(20)).expect("the walk must not block");
    assert_eq!(walk.flakes.len(), 1);
    assert_eq!(walk.problems.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>(), [tree.at("repo/.gitignore")]);
}

/// Where something may lie in a made-up tree.
const PLACES: [&str; 9] = ["", "a", "b", "a/a", "a/b", "b/c", "a/b/c", "b/c/a", "a/b/c/a"];

const RULES: [&str; 14] =
    ["*", "/*", "**", "!*/", "!/a", "!flake.nix", "a", "b/", "/b", "a/b", "**/c", "c/*", "flake.nix", "flake.lock"];

fn place() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&PLACES[..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_walk_and_its_explanation_agree(
        repositories in proptest::collection::btree_set(place(), 0..4),
        ignores in proptest::collection::btree_map(
            (place(), any::<bool>()),
            proptest::collection::vec(proptest::sample::select(&RULES[..]), 1..4),
            0..4,
        ),
        root in place(),
        max_depth in proptest::option::of(0..4_usize),
    ) {
        let files = PLACES.map(|place| format!("{place}/flake.nix"));
        let tree = Tree::new(&files.iter().map(|file| file.trim_start_matches('/')).collect::<Vec<_>>());
        for place in &repositories {
            tree.dir(format!("{place}/.git/info").trim_start_matches('/'));
        }
        for ((place, exclude), rules) in &ignores {
            let is_repository = repositories.contains(place);
            let name = if *exclude && is_repository { ".git/info/exclude" } else { ".gitignore" };
            tree.write(format!("{place}/{name}").trim_start_matches('/'), rules.join("\n"));
        }
        let roots = [tree.at(root)];
        let options = Options { max_depth, ..Options::default() };
        let walk = scan::walk(&roots, &options).unwrap();
        for file in PLACES.map(|place| tree.at(place).join("flake.nix")) {
            let explanation = scan::explain(&file, &roots, &options).unwrap();
            let found = walk.flakes.iter().any(|found| Some(found.dir.as_path()) == file.parent());
            prop_assert_eq!(found, explanation.verdict == Verdict::Seen, "{}", explanation);
        }
    }
}
