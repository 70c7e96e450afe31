//! Flake references as people write them, against what Nix says of them.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const REV: &str = "0123456789abcdef0123456789abcdef01234567";

fn attrs(value: Value) -> Attrs {
    match value {
        Value::Object(attrs) => attrs,
        other => panic!("{other} is no set"),
    }
}

fn parse(text: &str) -> FlakeRef {
    FlakeRef::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Text, its attributes as Nix has them, and the canonical URL where it differs from the text.
fn forms() -> Vec<(String, Value, Option<&'static str>)> {
    let form = |text: &str, attrs: Value, url| (text.to_owned(), attrs, url);
    vec![
        form("nixpkgs", json!({"type": "indirect", "id": "nixpkgs"}), Some("flake:nixpkgs")),
        form("flake:nixpkgs", json!({"type": "indirect", "id": "nixpkgs"}), None),
        form(
            "nixpkgs/nixos-24.05",
            json!({"type": "indirect", "id": "nixpkgs", "ref": "nixos-24.05"}),
            Some("flake:nixpkgs/nixos-24.05"),
        ),
        form(&format!("flake:nixpkgs/{REV}"), json!({"type": "indirect", "id": "nixpkgs", "rev": REV}), None),
        form(
            &format!("flake:nixpkgs/main/{REV}"),
            json!({"type": "indirect", "id": "nixpkgs", "ref": "main", "rev": REV}),
            None,
        ),
        form("github:NixOS/nixpkgs", json!({"type": "github", "owner": "NixOS", "repo": "nixpkgs"}), None),
        form("github:o/r/a/b", json!({"type": "github", "owner": "o", "repo": "r", "ref": "a/b"}), None),
        form(&format!("github:o/r/{REV}"), json!({"type": "github", "owner": "o", "repo": "r", "rev": REV}), None),
        form(
            "github:o/r?ref=main&host=git.example.org&dir=sub",
            json!({"type": "github", "owner": "o", "repo": "r", "ref": "main", "host": "git.example.org", "dir": "sub"}),
            Some("github:o/r/main?dir=sub&host=git.example.org"),
        ),
        form("gitlab:a%2Fb/r", json!({"type": "gitlab", "owner": "a/b", "repo": "r"}), None),
        form("sourcehut:~me/r", json!({"type": "sourcehut", "owner": "~me", "repo": "r"}), None),
        form(
            "git+https://h/r.git?submodules=1&ref=x&shallow=1",
            json!({"type": "git", "url": "https://h/r.git", "ref": "x", "submodules": true, "shallow": true}),
            Some("git+https://h/r.git?ref=x&shallow=1&submodules=1"),
        ),
        form("git+ssh://git@h/r?own=1", json!({"type": "git", "url": "ssh://git@h/r?own=1"}), None),
        form("git+file:///x", json!({"type": "git", "url": "file:///x"}), None),
        form("git+file:.", json!({"type": "git", "url": "file:."}), None),
        form("git://h/r", json!({"type": "git", "url": "git://h/r"}), None),
        form("hg+https://h/r?ref=x", json!({"type": "hg", "url": "https://h/r", "ref": "x"}), None),
        form("https://h/x.tar.gz", json!({"type": "tarball", "url": "https://h/x.tar.gz"}), None),
        form(
            "tarball+https://h/x?narHash=sha256-a&q=1",
            json!({"type": "tarball", "url": "https://h/x?q=1", "narHash": "sha256-a"}),
            Some("https://h/x?narHash=sha256-a&q=1"),
        ),
        form("https://h/f/1.*", json!({"type": "tarball", "url": "https://h/f/1.*"}), None),
        form("file+https://h/x", json!({"type": "file", "url": "https://h/x"}), None),
        form("file:///x.zip", json!({"type": "tarball", "url": "file:///x.zip"}), None),
        form("path:./sub?lastModified=5", json!({"type": "path", "path": "./sub", "lastModified": 5}), None),
        form("path:///x%20y", json!({"type": "path", "path": "/x y"}), Some("path:/x%20y")),
        form("./sub", json!({"type": "path", "path": "./sub"}), Some("path:./sub")),
        form("../x?dir=y", json!({"type": "path", "path": "../x", "dir": "y"}), Some("path:../x?dir=y")),
        form("/abs", json!({"type": "path", "path": "/abs"}), Some("path:/abs")),
    ]
}

#[test]
fn every_form_reads_to_its_attributes_and_has_one_url() {
    for (text, expected, url) in forms() {
        let reference = parse(&text);
        assert_eq!(Value::Object(reference.to_attrs()), expected, "{text}");
        assert_eq!(reference.normalise(), url.unwrap_or(&text), "{text}");
        assert_eq!(parse(&reference.normalise()), reference, "{text}");
        assert_eq!(FlakeRef::from_attrs(&attrs(expected)).unwrap(), reference, "{text}");
    }
}

#[test]
fn locked_attributes_have_a_url_that_nix_reads() {
    for (value, url) in [
        (
            json!({"type": "github", "owner": "o", "repo": "r", "rev": REV, "narHash": "sha256-a", "lastModified": 5}),
            format!("github:o/r/{REV}?narHash=sha256-a"),
        ),
        (json!({"type": "git", "url": "https://h/r", "revCount": 5, "rev": REV}), format!("git+https://h/r?rev={REV}")),
        (json!({"type": "github", "owner": "o", "repo": "r", "ref": REV}), format!("github:o/r?ref={REV}")),
    ] {
        let reference = FlakeRef::from_attrs(&attrs(value)).unwrap();
        assert_eq!(reference.normalise(), url);
        assert!(same(&parse(&url), &reference));
    }
}

#[test]
fn fragments_are_kept_apart() {
    for (text, fragment) in [("nixpkgs#a.b", Some("a.b")), ("github:o/r#x%20y", Some("x y")), ("./x#", None)] {
        let reference = parse(text);
        assert_eq!(reference.fragment.as_deref(), fragment, "{text}");
        assert_eq!(parse(&reference.to_string()), reference);
        assert!(!reference.normalise().contains('#'));
    }
}

#[test]
fn an_input_takes_no_fragment() {
    let input = |url| FlakeRef::of_input("x", Some(url), &Attrs::new(), true);
    for url in ["github:o/r#foo", "nixpkgs#hello", "path:./x#y", "./x#y"] {
        let error = input(url).unwrap_err().to_string();
        assert!(error.contains(url) && error.contains("fragment"), "{error}");
        assert_eq!(FlakeRef::of_input("x", Some(url), &Attrs::new(), false).unwrap_err().to_string(), error);
        assert_eq!(FlakeRef::parse_written(url).unwrap_err().to_string(), error);
    }
    assert!(input("./x#").is_ok());
}

#[test]
fn a_scheme_in_capitals_is_none() {
    for text in
        ["GitHub:o/r", "GITHUB:o/r", "Git+https://h.x/a", "git+HTTPS://h.x/a", "Path:/x", "HTTPS://h.x/a.tar.gz"]
    {
        assert_eq!(parse(text).source, Source::Path { path: text.to_owned() });
        let error = FlakeRef::parse_written(text).unwrap_err().to_string();
        assert!(error.contains(text) && error.contains("lower case"), "{error}");
    }
    assert!(FlakeRef::parse("GitHub:o/r?host=x").is_err());
    assert_eq!(FlakeRef::parse_written("Odd:name"), FlakeRef::parse("path:Odd:name"));
}

#[test]
fn a_forge_passes_over_parameters_that_it_does_not_know() {
    for text in ["github:o/r?foo=bar", "github:o/r?submodules=1", "github:o/r?lastModified=5", "github:o/r"] {
        assert_eq!(
            Value::Object(parse(text).to_attrs()),
            json!({"type": "github", "owner": "o", "repo": "r"}),
            "{text}"
        );
    }
    let hash = json!({"type": "gitlab", "owner": "o", "repo": "r", "narHash": "sha256-x"});
    assert_eq!(Value::Object(parse("gitlab:o/r?foo=1&narHash=sha256-x").to_attrs()), hash);
}

#[test]
fn a_plain_url_of_a_source_tree_is_a_file_unless_it_names_an_archive() {
    let source = |text| FlakeRef::of_input("x", Some(text), &Attrs::new(), false).unwrap().source;
    assert_eq!(source("https://h/x"), Source::File { url: "https://h/x".into() });
    assert_eq!(source("https://h/x.tgz?y=1"), Source::Tarball { url: "https://h/x.tgz?y=1".into() });
}

#[test]
fn invalid_references_say_which_and_why() {
    for text in [
        "github:o",
        "github:o/r?rev=1",
        "github:o/r/main?ref=x",
        "nope:x",
        "svn+https://h/r",
        "path://host/x",
        "path:/x?lastModified=soon",
        "path:/x?y=1",
        "flake:",
        "a/b/c",
        "hg+git://h/r",
    ] {
        let error = FlakeRef::parse(text).unwrap_err().to_string();
        assert!(error.contains(&format!("`{text}`")), "{error}");
    }
    assert_eq!(FlakeRef::parse(""), Err(FlakeRefError::Empty));
    for (value, part) in [
        (json!({}), "`type`"),
        (json!({"type": "github", "owner": "o"}), "`repo`"),
        (json!({"type": "git", "url": 1}), "`url`"),
        (json!({"type": "mercurial"}), "`mercurial`"),
    ] {
        let error = FlakeRef::from_attrs(&attrs(value)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_same_thing_spelled_differently_is_the_same() {
    for (a, b) in [
        ("nixpkgs", "flake:nixpkgs"),
        ("github:NixOS/Nixpkgs", "github:nixos/nixpkgs?host=github.com"),
        ("github:o/r?dir=a&ref=x", "github:o/r/x?dir=./a/"),
        ("git+https://H.org/r.git/", "git+https://h.org/r"),
        ("git+https://h/r?ref=x&submodules=1", "git+https://h/r?submodules=1&ref=x"),
        ("git+https://h/r?shallow=0", "git+https://h/r"),
        ("./sub/", "path:./sub"),
        ("tarball+https://h/x", "https://h/x"),
    ] {
        assert!(same(&parse(a), &parse(b)), "{a} {b}");
    }
    for (a, b) in [
        ("github:o/r", "gitlab:o/r"),
        ("github:o/r", "github:o/r/main"),
        ("github:o/r", "github:o/r?dir=x"),
        ("github:o/r", "github:o/r?host=h"),
        ("git+https://h/r", "git+https://h/R"),
        ("git+https://h/r?submodules=1", "git+https://h/r"),
        ("./a", "../a"),
    ] {
        assert!(!same(&parse(a), &parse(b)), "{a} {b}");
    }
    assert!(same_repository(&parse("github:O/r/main?dir=x"), &parse("github:o/R")));
    let scp = FlakeRef::from_attrs(&attrs(json!({"type": "git", "url": "git@h:o/r.git"}))).unwrap();
    assert!(same(&scp, &parse("git+ssh://git@h/o/r")));
}

#[test]
fn nix_takes_one_for_the_other_attribute_by_attribute() {
    let rev = REV.to_uppercase();
    for (a, b) in [
        ("nixpkgs", "flake:nixpkgs"),
        ("./sub", "path:./sub"),
        ("/x", "path:///x"),
        ("github:o/r/x?dir=", "github:o/r?ref=x&foo=1"),
        ("git+https://h.x/a?dir=s", "git+https://h.x/a?dir=s&nothing"),
        ("git+https://h.x/a%62?x=%62", "git+https://h.x/ab?x=b"),
        ("tarball+https://h/*", "https://h/%2A"),
        (&format!("github:o/r/{rev}"), &format!("github:o/r?rev={REV}")),
        (&format!("nixpkgs/{rev}"), &format!("nixpkgs/{REV}")),
    ] {
        assert!(same_attributes(&parse(a), &parse(b)), "{a} {b}");
    }
    for (a, b) in [
        ("github:NixOS/nixpkgs", "github:nixos/nixpkgs"),
        ("github:NixOS/nixpkgs", "github:NixOS/nixpkgs.git"),
        ("github:o/r", "github:o/r?host=github.com"),
        ("github:o/r?dir=a", "github:o/r?dir=./a"),
        ("git+https://h.x/a.git?ref=main", "git+https://h.x/a?ref=main"),
        ("git+https://h.x/a/", "git+https://h.x/a"),
        ("git+https://h.x/a", "git+https://H.x/a"),
        ("git+https://h.x/a?submodules=0", "git+https://h.x/a"),
        ("path:x", "./x"),
        ("./x/", "./x"),
        ("./x?lastModified=0", "./x"),
        (&format!("git+https://h.x/a?rev={rev}"), &format!("git+https://h.x/a?rev={REV}")),
    ] {
        assert!(!same_attributes(&parse(a), &parse(b)), "{a} {b}");
    }
    for (written, url) in [
        ("git@h:o/r.git", "git+ssh://git@h/o/r.git"),
        ("/srv/x", "git+file:///srv/x"),
        ("https://h/r", "git+https://h/r"),
    ] {
        let read = FlakeRef::from_attrs(&attrs(json!({"type": "git", "url": written}))).unwrap();
        assert!(same_attributes(&read, &parse(url)), "{written}");
    }
    let old = FlakeRef::from_attrs(&attrs(json!({"type": "git", "url": "https://h/r?dir=s", "dir": "s"}))).unwrap();
    assert!(same_attributes(&old, &parse("git+https://h/r?dir=s")));
}

#[test]
fn what_older_versions_of_nix_wrote_is_the_same() {
    let read = |value| FlakeRef::from_attrs(&attrs(value)).unwrap();
    let old = read(json!({"type": "git", "url": "https://h/r?dir=s", "dir": "s"}));
    assert!(same(&old, &parse("git+https://h/r?dir=s")));
    let old = read(json!({"type": "gitlab", "owner": "a%2Fb", "repo": "r"}));
    assert!(same(&old, &parse("gitlab:a%2Fb/r")));
    assert!(same(&parse("https://flakehub.com/f/a/b/%2A"), &parse("https://flakehub.com/f/a/b/*")));
}

/// Pieces of references, so that random texts are often nearly valid.
fn like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "github:",
        "gitlab:",
        "git+https://",
        "git://",
        "https://",
        "file+",
        "path:",
        "flake:",
        "hg+ssh://",
        "./",
        "/",
        "//",
        "o",
        "r",
        "nixpkgs",
        "main",
        REV,
        "?",
        "&",
        "=",
        "#",
        "%2F",
        "%",
        "%zz",
        "é",
        ".tar.gz",
        "ref=",
        "rev=",
        "dir=",
        "host=",
        "submodules=1",
        "narHash=sha256-x",
        "lastModified=1",
        "@",
        ":",
        " ",
        "+",
        "~",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_parses_has_a_stable_text(any in any::<String>(), like in like()) {
        for text in [any, like] {
            if let Ok(reference) = FlakeRef::parse(&text) {
                let written = reference.to_string();
                let again = FlakeRef::parse(&written);
                prop_assert!(again.is_ok(), "{text} {written} {again:?}");
                let again = again.unwrap();
                prop_assert_eq!(again.to_string(), written, "{}", text);
                prop_assert!(same(&reference, &again), "{}", text);
            }
        }
    }
}
