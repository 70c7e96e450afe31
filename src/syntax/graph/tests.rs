//! Whole locks: paths, duplicates, health, agreement and change.

use super::*;
use crate::syntax::lock::read;
use proptest::prelude::*;
use serde_json::{Value, json};

fn lock(nodes: &Value) -> LockFile {
    let text = json!({"version": 7, "root": "root", "nodes": nodes}).to_string();
    let lock = read(&text);
    assert_eq!(lock.problems, []);
    lock
}

fn github(owner: &str, repo: &str, rev: &str, inputs: &Value) -> Value {
    json!({
        "inputs": inputs,
        "locked": {"type": "github", "owner": owner, "repo": repo, "rev": rev, "narHash": "h", "lastModified": rev.len()},
        "original": {"type": "github", "owner": owner, "repo": repo},
    })
}

fn home() -> LockFile {
    lock(&json!({
        "root": {"inputs": {"nixpkgs": "nixpkgs_2", "home-manager": "hm", "alias": ["home-manager", "nixpkgs"], "gone": []}},
        "hm": github("nix-community", "home-manager", "r1", &json!({"nixpkgs": ["nixpkgs"], "utils": "utils", "own": "nixpkgs"})),
        "utils": github("numtide", "flake-utils", "r2", &json!({"parent": ["home-manager", "nixpkgs"]})),
        "nixpkgs": github("NixOS", "nixpkgs", "r3", &json!({})),
        "nixpkgs_2": github("nixos", "Nixpkgs", "r44", &json!({})),
        "island": github("NixOS", "nixpkgs", "r5", &json!({})),
    }))
}

fn codes(problems: &[crate::syntax::Problem]) -> Vec<&'static str> {
    problems.iter().map(|problem| problem.code).collect()
}

#[test]
fn what_follows_without_being_told_to_is_found() {
    let inputs = |overrides: &[(&str, &str)]| {
        let overrides = overrides.iter().map(|(path, target)| ((*path).to_owned(), follows(path, target))).collect();
        vec![Declared { overrides, ..declared("home-manager", None) }]
    };
    assert_eq!(undeclared_follows(&inputs(&[("nixpkgs", "nixpkgs")]), &home()), [""; 0]);
    assert_eq!(undeclared_follows(&inputs(&[]), &home()), ["home-manager/nixpkgs"]);
    assert_eq!(undeclared_follows(&[], &read("")), [""; 0]);
}

#[test]
fn nixpkgs_is_known_by_whatever_it_is_fetched_with() {
    let is = |locked: Value| {
        let lock = lock(&json!({"root": {"inputs": {"n": "n"}}, "n": {"locked": locked.clone(), "original": locked}}));
        is_nixpkgs(&lock.nodes["n"])
    };
    let git = |url: &str| json!({"type": "git", "url": url, "rev": "r", "narHash": "h", "lastModified": 1, "ref": "x"});
    assert!(is(git("https://github.com/NixOS/nixpkgs")));
    assert!(is(git("ssh://git@github.com/nixos/nixpkgs.git")));
    assert!(!is(git("https://github.com/NixOS/nix")));
    assert!(!is(git("https://example.org/me/nixpkgs")));
}

#[test]
fn input_paths_are_resolved_through_follows() {
    let lock = home();
    for (path, key) in [
        (&["nixpkgs"][..], "nixpkgs_2"),
        (&["home-manager", "nixpkgs"], "nixpkgs_2"),
        (&["alias"], "nixpkgs_2"),
        (&["home-manager", "utils", "parent"], "nixpkgs_2"),
        (&["home-manager", "own"], "nixpkgs"),
        (&["gone"], "root"),
        (&[], "root"),
    ] {
        assert_eq!(resolve(&lock, path), Ok(key), "{path:?}");
    }
    let missing = ResolveError::NoInput { node: "nixpkgs_2".into(), input: "x".into() };
    assert_eq!(resolve(&lock, &["alias", "x"]), Err(missing));
    let cycle = read(r#"{"version":7,"root":"r","nodes":{"r":{"inputs":{"a":["b"],"b":["a","c"]}}}}"#);
    assert!(matches!(resolve(&cycle, &["a"]), Err(ResolveError::FollowsCycle { .. })));
    let gone = read(r#"{"version":7,"root":"r","nodes":{"r":{"inputs":{"a":"x"}}}}"#);
    assert_eq!(resolve(&gone, &["a"]), Err(ResolveError::NoNode { node: "x".into() }));
}

#[test]
fn every_reachable_node_has_one_canonical_path() {
    let expected = [
        ("home-manager", "hm"),
        ("nixpkgs", "nixpkgs_2"),
        ("home-manager/own", "nixpkgs"),
        ("home-manager/utils", "utils"),
    ];
    assert_eq!(paths(&home()), expected.map(|(path, key)| (path.to_owned(), key)));
}

#[test]
fn one_repository_in_two_reachable_nodes_is_a_duplicate() {
    let nodes = vec!["nixpkgs".to_owned(), "nixpkgs_2".to_owned()];
    assert_eq!(duplicates(&home()), [Group { key: "github:nixos/nixpkgs".into(), nodes }]);
}

#[test]
fn archives_are_duplicates_by_what_was_asked_for() {
    let archive = |original: &str, locked: &str| json!({"locked": {"type": "tarball", "url": locked, "narHash": "h"}, "original": {"type": "tarball", "url": original}});
    let path = json!({"locked": {"type": "path", "path": "./x"}, "original": {"type": "path", "path": "./x"}});
    let lock = lock(&json!({
        "root": {"inputs": {"a": "a", "b": "b", "c": "c", "d": "d", "p": "p", "q": "q"}},
        "a": archive("https://flakehub.com/f/NixOS/nixpkgs/0.1", "https://api.flakehub.com/f/pinned/NixOS/nixpkgs/0.1.1/x"),
        "b": archive("https://flakehub.com/f/nixos/nixpkgs/*.tar.gz", "https://api.flakehub.com/f/pinned/nixos/nixpkgs/0.2/x"),
        "c": archive("https://h/latest.tar.gz", "https://h/1.tar.gz"),
        "d": archive("https://h/latest.tar.gz", "https://h/2.tar.gz"),
        "p": path, "q": path,
    }));
    let found: Vec<_> = duplicates(&lock).into_iter().map(|group| (group.key, group.nodes.join(" "))).collect();
    let expected = [("flakehub:nixos/nixpkgs", "a b"), ("tarball+https://h/latest.tar.gz", "c d")];
    assert_eq!(found, expected.map(|(key, nodes)| (key.to_owned(), nodes.to_owned())));
}

#[test]
fn what_is_not_locked_is_named_as_nix_defines_it() {
    for (locked, code) in [
        (json!({"type": "github", "owner": "o", "repo": "r", "rev": "1"}), None),
        (json!({"type": "github", "owner": "o", "repo": "r"}), Some("input-unlocked")),
        (json!({"type": "git", "url": "u", "narHash": "h"}), Some("input-dirty")),
        (json!({"type": "git", "url": "u", "narHash": "h", "rev": "000"}), Some("input-dirty")),
        (json!({"type": "git", "url": "u", "narHash": "h", "dirtyRev": "1-dirty"}), Some("input-dirty")),
        (json!({"type": "tarball", "url": "u", "rev": "1"}), Some("input-unlocked")),
        (json!({"type": "file", "url": "u", "narHash": "h"}), None),
        (json!({"type": "path", "path": "./x"}), None),
        (json!({"type": "path", "path": "/x"}), Some("input-unlocked")),
        (json!({"type": "indirect", "id": "x"}), Some("input-unlocked")),
        (json!({"type": "future", "rev": "1"}), None),
    ] {
        let lock = lock(&json!({"root": {"inputs": {"a": "n"}}, "n": {"locked": locked.clone(), "original": {}}}));
        let problems = health(&lock);
        assert_eq!(codes(&problems), Vec::from_iter(code), "{locked}");
        assert!(problems.iter().all(|problem| problem.message.contains("`a`") && problem.span.is_some()));
    }
}

fn declared(name: &str, url: Option<&str>) -> Declared {
    Declared {
        name: name.to_owned(),
        url: url.map(str::to_owned),
        attrs: Attrs::new(),
        follows: None,
        flake: true,
        overrides: BTreeMap::new(),
        span: None,
    }
}

fn follows(name: &str, target: &str) -> Declared {
    Declared { follows: Some(target.to_owned()), ..declared(name, None) }
}

/// The inputs that [`home`] is the lock of.
fn home_inputs() -> Vec<Declared> {
    let overrides = BTreeMap::from([("nixpkgs".to_owned(), follows("nixpkgs", "nixpkgs"))]);
    let attrs = json!({"type": "github", "owner": "nixos", "repo": "Nixpkgs"});
    let Value::Object(attrs) = attrs else { unreachable!() };
    vec![
        Declared { attrs, ..declared("nixpkgs", None) },
        Declared { overrides, ..declared("home-manager", Some("github:nix-community/home-manager")) },
        follows("alias", "home-manager/nixpkgs"),
        follows("gone", ""),
    ]
}

#[test]
fn a_lock_that_fits_its_flake_has_no_problem() {
    assert_eq!(compare(&home_inputs(), &home()), []);
}

#[test]
fn every_disagreement_between_flake_and_lock_is_named() {
    type Change = fn(&mut Vec<Declared>);
    let cases: [(&str, Change, &str); 16] = [
        ("input-not-locked", |inputs| inputs.push(declared("new", None)), "`new`"),
        ("input-not-declared", |inputs| drop(inputs.remove(3)), "`gone`"),
        ("lock-stale", |inputs| inputs[1].url = Some("github:nix-community/home-manager/release".into()), "release"),
        ("lock-stale", |inputs| inputs[0].attrs.clear(), "flake:nixpkgs"),
        ("lock-stale", |inputs| inputs[1].flake = false, "plain tree"),
        ("lock-stale", |inputs| inputs[2].follows = Some("nixpkgs".into()), "follows `nixpkgs` in flake.nix"),
        ("lock-stale", |inputs| inputs[2] = declared("alias", Some("github:a/b")), "follows nothing"),
        ("lock-stale", |inputs| inputs[0] = follows("nixpkgs", "home-manager/own"), "node `nixpkgs_2`"),
        (
            "lock-stale",
            |inputs| drop(inputs[1].overrides.insert("utils/parent".into(), follows("x", "nixpkgs"))),
            "`home-manager/utils/parent`",
        ),
        (
            "override-without-input",
            |inputs| drop(inputs[1].overrides.insert("typo".into(), follows("x", "nixpkgs"))),
            "`home-manager/typo`",
        ),
        ("invalid-reference", |inputs| inputs[1].url = Some("github:x".into()), "github:x"),
        ("lock-stale", |inputs| inputs[1].overrides.clear(), "`home-manager/nixpkgs` follows nothing"),
        (
            "lock-stale",
            |inputs| drop(inputs[1].overrides.insert("nixpkgs".into(), declared("nixpkgs", Some("github:a/b")))),
            "`home-manager/nixpkgs` has a URL",
        ),
        (
            "lock-stale",
            |inputs| drop(inputs[1].overrides.insert("own".into(), declared("own", Some("github:a/b")))),
            "`home-manager/own` is `github:a/b`",
        ),
        (
            "override-without-input",
            |inputs| drop(inputs[1].overrides.insert("typo".into(), declared("typo", Some("github:a/b")))),
            "`home-manager/typo`",
        ),
        (
            "invalid-reference",
            |inputs| drop(inputs[1].overrides.insert("own".into(), declared("own", Some("github:x")))),
            "`home-manager/own`",
        ),
    ];
    for (code, change, part) in cases {
        let mut inputs = home_inputs();
        change(&mut inputs);
        let problems = compare(&inputs, &home());
        assert_eq!(codes(&problems), [code], "{part}: {problems:?}");
        assert!(problems[0].message.contains(part), "{}", problems[0].message);
    }
}

/// What `compare` says of one input of a `flake.nix` beside a lock that was made for `original`.
fn beside(input: &str, original: &Value) -> Vec<crate::syntax::Problem> {
    let file = crate::syntax::flake::read(&format!("{{ inputs.x = {input}; outputs = _: {{ }}; }}"));
    assert_eq!(file.problems, [], "{input}");
    let declared: Vec<_> = file.inputs.iter().map(Declared::from).collect();
    let locked = json!({"type": "git", "url": "u", "rev": "r"});
    compare(
        &declared,
        &lock(&json!({"root": {"inputs": {"x": "x"}}, "x": {"locked": locked, "original": original, "flake": true}})),
    )
}

#[test]
fn an_input_by_attributes_is_compared_with_its_url() {
    for (kind, url, more) in [
        ("git", "https://h.x/a", r#"ref = "main";"#),
        ("hg", "https://h.x/a", r#"ref = "main";"#),
        ("tarball", "https://h.x/a.tar.gz", ""),
        ("file", "https://h.x/a", ""),
    ] {
        let mut original = json!({"type": kind, "url": url});
        if !more.is_empty() {
            original["ref"] = json!("main");
        }
        let input = |url: &str| format!(r#"{{ type = "{kind}"; url = "{url}"; {more} }}"#);
        assert_eq!(beside(&input(url), &original), [], "{kind}");
        let problems = beside(&input("https://h.x/new"), &original);
        assert_eq!(codes(&problems), ["lock-stale"], "{kind}");
        assert!(problems[0].message.contains("h.x/new"), "{}", problems[0].message);
    }
    let github = json!({"type": "github", "owner": "o", "repo": "r"});
    let problems = beside(r#"{ type = "github"; owner = "o"; repo = "r"; url = "github:o/r"; }"#, &github);
    assert_eq!(codes(&problems), ["invalid-reference"]);
    assert!(problems[0].message.contains("`url`"), "{}", problems[0].message);
}

#[test]
fn what_nix_locks_again_is_stale_however_alike_it_is() {
    let nixpkgs = json!({"type": "github", "owner": "NixOS", "repo": "nixpkgs"});
    let git = json!({"type": "git", "url": "https://h.x/a", "ref": "main"});
    for (url, original, part) in [
        ("github:nixos/nixpkgs", &nixpkgs, "made for `github:NixOS/nixpkgs`"),
        ("github:NixOS/nixpkgs.git", &nixpkgs, "nixpkgs.git"),
        ("github:NixOS/nixpkgs?host=github.com", &nixpkgs, "host"),
        ("git+https://h.x/a.git?ref=main", &git, "a.git"),
        ("git+https://h.x/a?ref=main&submodules=0", &git, "attribute `submodules`"),
    ] {
        let problems = beside(&format!("{{ url = \"{url}\"; }}"), original);
        assert_eq!(codes(&problems), ["lock-stale"], "{url}");
        assert!(problems[0].message.contains(part), "{}", problems[0].message);
    }
    for (url, original) in [("github:NixOS/nixpkgs?foo=1", &nixpkgs), ("git+https://h.x/a?ref=main", &git)] {
        assert_eq!(beside(&format!("{{ url = \"{url}\"; }}"), original), [], "{url}");
    }
    assert_eq!(codes(&beside("{ url = \"github:NixOS/nixpkgs#hello\"; }", &nixpkgs)), ["invalid-reference"]);
}

#[test]
fn an_override_behind_a_followed_input_has_no_effect() {
    let mut inputs = home_inputs();
    inputs[1].overrides.insert("nixpkgs/x".to_owned(), follows("x", "nixpkgs"));
    assert_eq!(compare(&inputs, &home()), []);
}

#[test]
fn changes_are_by_path_and_blind_to_node_keys() {
    let old = home();
    let mut renamed = home();
    let node = renamed.nodes.remove("nixpkgs_2").unwrap();
    renamed.nodes.insert("zzz".to_owned(), node);
    renamed.nodes.get_mut("root").unwrap().inputs.insert("nixpkgs".to_owned(), Edge::Node("zzz".to_owned()));
    assert_eq!(changes(Some(&old), Some(&renamed)), []);

    let mut new = renamed;
    new.nodes.get_mut("zzz").unwrap().locked.as_mut().unwrap().insert("rev".into(), "new".into());
    new.nodes.get_mut("hm").unwrap().inputs.remove("utils");
    let found = changes(Some(&old), Some(&new));
    let shown: Vec<_> =
        found.iter().map(|change| (change.input.as_str(), change.node.as_str(), change.to.is_some())).collect();
    assert_eq!(shown, [("home-manager/utils", "utils", false), ("nixpkgs", "zzz", true)]);
    assert_eq!(found[1].from.as_ref().unwrap()["rev"], "r44");
    assert_eq!(changes(None, Some(&old)).len(), 4);
    assert!(changes(Some(&old), None).iter().all(|change| change.to.is_none()));
}

#[test]
fn nixpkgs_is_found_by_name_or_by_where_it_comes_from() {
    assert_eq!(nixpkgs(&home()), Some(("nixpkgs_2".to_owned(), 3)));
    for locked in [
        json!({"type": "github", "owner": "NixOS", "repo": "nixpkgs", "lastModified": 9}),
        json!({"type": "tarball", "url": "https://releases.nixos.org/nixos/24.05/nixexprs.tar.xz", "lastModified": 9}),
        json!({"type": "tarball", "url": "https://api.flakehub.com/f/pinned/NixOS/nixpkgs/0.1/x", "lastModified": 9}),
    ] {
        let other = github("o", "r", "x", &json!({}));
        let lock = lock(
            &json!({"root": {"inputs": {"a": "a", "unstable": "u"}}, "a": other, "u": {"locked": locked, "original": {}}}),
        );
        assert_eq!(nixpkgs(&lock), Some(("u".to_owned(), 9)));
    }
    assert_eq!(nixpkgs(&LockFile::default()), None);
}

#[test]
fn a_deep_lock_is_cut_off_and_a_cycle_of_nodes_ends() {
    let node = |next: usize| github("o", "r", "x", &json!({"i": format!("n{next}")}));
    let mut nodes: Attrs = (0..500).map(|at| (format!("n{at}"), node((at + 1) % 500))).collect();
    nodes.insert("root".to_owned(), json!({"inputs": {"i": "n0"}}));
    assert_eq!(paths(&lock(&Value::Object(nodes))).len(), MAX_DEPTH);
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Each input leads to the node of a number, or follows a path.
type Inputs = BTreeMap<&'static str, Result<usize, Vec<&'static str>>>;

/// Locks whose nodes are sound and whose follows may lead anywhere.
fn locks() -> impl Strategy<Value = String> {
    let path = || prop::collection::vec(prop::sample::select(NAMES.to_vec()), 0..4);
    let edge = prop_oneof![(1..6_usize).prop_map(Ok), path().prop_map(Err)];
    let inputs = prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), edge, 0..4);
    (prop::collection::vec((inputs, 0..3_u32), 6)).prop_map(|nodes| {
        let node = |(at, (inputs, rev)): (usize, (Inputs, u32))| {
            let inputs = inputs.into_iter().map(|(name, edge)| {
                let edge = edge.map_or_else(|path| json!(path), |target| json!(format!("n{target}")));
                (name.to_owned(), edge)
            });
            let inputs = Value::Object(inputs.collect());
            let node = if at == 0 { json!({"inputs": inputs}) } else { github("o", "r", &format!("r{rev}"), &inputs) };
            (format!("n{at}"), node)
        };
        let nodes: serde_json::Map<_, _> = nodes.into_iter().enumerate().map(node).collect();
        json!({"version": 7, "root": "n0", "nodes": nodes}).to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn resolving_agrees_with_another_reader(text in locks(), path in prop::collection::vec(prop::sample::select(NAMES.to_vec()), 0..5)) {
        let theirs = nix_flake_lock::LockFile::parse(text.as_bytes()).unwrap();
        let expected = match theirs.resolve(path.iter().copied()) {
            Ok(Some(id)) => Some(theirs.node(id).unwrap().source_key().to_owned()),
            Ok(None) => None,
            Err(_) => Some("cycle".to_owned()),
        };
        let lock = read(&text);
        let found = match resolve(&lock, &path) {
            Ok(key) => Some(key.to_owned()),
            Err(ResolveError::FollowsCycle { .. }) => Some("cycle".to_owned()),
            Err(_) => None,
        };
        prop_assert_eq!(found, expected);
        let broken = lock.problems.iter().filter(|problem| problem.code.starts_with("follows-")).count();
        prop_assert!(theirs.validate().is_ok() || broken > 0);
    }

    #[test]
    fn changes_applied_to_the_old_give_the_new(old in locks(), new in locks()) {
        let (old, new) = (read(&old), read(&new));
        prop_assert_eq!(changes(Some(&old), Some(&old)), []);
        let mut state: BTreeMap<_, _> = locked(Some(&old)).into_iter().map(|(path, (_, attrs))| (path, attrs)).collect();
        for change in changes(Some(&old), Some(&new)) {
            prop_assert_eq!(state.remove(&change.input), change.from);
            state.extend(change.to.map(|to| (change.input, to)));
        }
        let expected: BTreeMap<_, _> = locked(Some(&new)).into_iter().map(|(path, (_, attrs))| (path, attrs)).collect();
        prop_assert_eq!(state, expected);
    }
}
