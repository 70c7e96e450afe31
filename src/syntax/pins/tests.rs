//! The files as their tools write them, and as nobody should.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn as_json(file: &PinFile) -> Value {
    json!(file.pins)
}

#[test]
fn npins_is_read_in_every_form_it_writes() {
    let text = r#"{ "pins": {
      "nixpkgs": { "type": "Channel", "name": "nixos-unstable",
        "url": "https://releases.nixos.org/nixos/unstable/nixos-26.05pre1.abc/nixexprs.tar.xz", "hash": "0aaa" },
      "home-manager": { "type": "Git", "repository": { "type": "GitHub", "owner": "nix-community", "repo": "home-manager" },
        "branch": "master", "submodules": false, "revision": "aaaa", "url": "https://github.com/x.tar.gz", "hash": "sha256-b" },
      "tool": { "type": "GitRelease", "repository": { "type": "GitLab", "repo_path": "a/b/c", "server": "https://me:pass@git.example.org/",
        "private_token": "hunter2" }, "pre_releases": false, "version": "v1.2", "revision": "bbbb", "url": null, "hash": "0c" },
      "forge": { "type": "Git", "repository": { "type": "Forgejo", "server": "https://codeberg.org", "owner": "o", "repo": "r" },
        "branch": "main", "revision": "cccc", "url": null, "hash": "0d" },
      "plain": { "type": "Git", "repository": { "type": "Git", "url": "https://example.org/x.git" }, "branch": "main",
        "revision": "dddd", "url": null, "hash": "0e" },
      "ball": { "type": "Tarball", "url": "https://example.org/x.tar.gz", "locked_url": "https://example.org/x-1.tar.gz", "hash": "0f" },
      "py": { "type": "PyPi", "name": "requests", "version": "2.0", "url": "https://pypi.org/x", "hash": "0g" }
    }, "version": 6 }"#;
    let file = npins(text);
    assert_eq!(file.problems, []);
    assert_eq!(
        as_json(&file),
        json!({
            "nixpkgs": { "type": "tarball", "channel": "nixos-unstable", "hash": "0aaa",
                "url": "https://releases.nixos.org/nixos/unstable/nixos-26.05pre1.abc/nixexprs.tar.xz" },
            "home-manager": { "type": "github", "owner": "nix-community", "repo": "home-manager", "rev": "aaaa",
                "ref": "master", "hash": "sha256-b" },
            "tool": { "type": "gitlab", "owner": "a/b", "repo": "c", "host": "git.example.org", "rev": "bbbb",
                "ref": "v1.2", "hash": "0c" },
            "forge": { "type": "git", "url": "https://codeberg.org/o/r", "rev": "cccc", "ref": "main", "hash": "0d" },
            "plain": { "type": "git", "url": "https://example.org/x.git", "rev": "dddd", "ref": "main", "hash": "0e" },
            "ball": { "type": "tarball", "url": "https://example.org/x-1.tar.gz", "hash": "0f" },
            "py": { "type": "pypi", "name": "requests", "version": "2.0", "url": "https://pypi.org/x", "hash": "0g" },
        })
    );
}

#[test]
fn niv_is_read_in_every_form_it_writes() {
    let text = r#"{
      "nixpkgs": { "branch": "nixos-25.11", "description": "Nix Packages", "homepage": null, "owner": "NixOS", "repo": "nixpkgs",
        "rev": "aaaa", "sha256": "0b", "type": "tarball", "url": "https://github.com/NixOS/nixpkgs/archive/aaaa.tar.gz",
        "url_template": "https://github.com/<owner>/<repo>/archive/<rev>.tar.gz" },
      "lab": { "branch": "main", "owner": "o", "repo": "r", "rev": "bbbb", "sha256": "0c", "type": "tarball",
        "url": "https://gitlab.com/o/r/-/archive/bbbb.tar.gz" },
      "git": { "branch": "main", "repo": "https://example.org/x.git", "rev": "cccc", "type": "git" },
      "file": { "sha256": "0d", "type": "file", "url": "https://example.org/x", "version": "1.0" }
    }"#;
    let file = niv(text);
    assert_eq!(file.problems, []);
    assert_eq!(
        as_json(&file),
        json!({
            "nixpkgs": { "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "aaaa", "ref": "nixos-25.11", "hash": "0b" },
            "lab": { "type": "gitlab", "owner": "o", "repo": "r", "rev": "bbbb", "ref": "main", "hash": "0c" },
            "git": { "type": "git", "url": "https://example.org/x.git", "rev": "cccc", "ref": "main" },
            "file": { "type": "file", "url": "https://example.org/x", "version": "1.0", "hash": "0d" },
        })
    );
}

#[test]
fn channels_have_their_name_or_that_of_their_address() {
    let file = subscribed(
        "# mine\nhttps://nixos.org/channels/nixos-25.11 nixos\n\nhttps://nixos.org/channels/nixos-unstable/\n",
    );
    assert_eq!(
        as_json(&file),
        json!({
            "nixos": { "type": "channel", "channel": "nixos-25.11", "url": "https://nixos.org/channels/nixos-25.11" },
            "nixos-unstable": { "type": "channel", "channel": "nixos-unstable", "url": "https://nixos.org/channels/nixos-unstable/" },
        })
    );
    let attrs = installed(Some("647b2b7ca047\n"), Some("25.11.1234.647b2b7"));
    assert_eq!(json!(attrs), json!({ "type": "channel", "rev": "647b2b7ca047", "version": "25.11.1234.647b2b7" }));
    assert_eq!(json!(installed(Some("no revision"), Some("pass word"))), json!({ "type": "channel" }));
}

#[test]
fn what_is_wrong_is_said_and_the_rest_is_read() {
    let codes = |file: &PinFile| file.problems.iter().map(|problem| problem.code).collect::<Vec<_>>();
    for text in ["", "{", "{\"pins\": }"] {
        assert_eq!(codes(&npins(text)), ["pins-json"], "{text}");
    }
    assert_eq!(npins("{\n\n\"pins\" }").problems[0].span.unwrap().line, 3);
    for text in ["[]", "{}", "{\"pins\": []}"] {
        assert_eq!(codes(&npins(text)), ["pins-shape"], "{text}");
    }
    let half =
        npins(r#"{"pins": {"a": 1, "b": {"type": "Git"}, "c": {"type": "Tarball", "url": "u"}}, "version": 99}"#);
    assert_eq!((codes(&half).len(), half.pins.len()), (3, 1));
    let half = niv(r#"{"a": {"rev": "x"}, "b": {"url": "u"}}"#);
    assert_eq!((codes(&half), half.pins.len()), (vec!["pins-shape"], 1));
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "[\\[\\]{}:,\"a-z0-9 \n]{0,80}") {
        npins(&text);
        niv(&text);
        subscribed(&text);
    }
}
