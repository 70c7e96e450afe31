//! Texts that rules on flakes, options, fetches and packages were mistaken about, and others they must not miss.

use crate::lint::{Linter, Rule, Selection};

/// How often a rule finds something in a text.
fn count(rule: &str, text: &str) -> usize {
    assert!(Rule::named(rule).is_some(), "{rule}");
    let linter = Linter::new(&Selection { only: vec![rule.to_owned()], ..Selection::default() }, "2026-11-28");
    linter.check(text).len()
}

fn count_in_flake(rule: &str, nix: &str) -> usize {
    assert!(Rule::named(rule).is_some(), "{rule}");
    let linter = Linter::new(&Selection { only: vec![rule.to_owned()], ..Selection::default() }, "2026-11-28");
    linter.check_flake(Some(nix), None, Some(1_795_867_200)).nix.len()
}

#[test]
fn what_is_wrong_is_found_however_it_is_written() {
    for (rule, text) in [
        ("permit-root-login", "{ services.openssh = lib.mkIf c { settings.PermitRootLogin = lib.mkForce \"yes\"; }; }"),
        ("permit-root-login", "{ config = mkMerge [ { services.openssh.permitRootLogin = \"yes\"; } ]; }"),
        ("sandbox-disabled", "{ nix = { settings = { sandbox = false; }; }; }"),
        ("sandbox-disabled", "{ nix.useSandbox = mkDefault (false); }"),
        ("trusted-users-open", "{ nix.settings.trusted-users = [ \"root\" ] ++ lib.optionals c [ \"*\" ]; }"),
        ("firewall-disabled", "{ networking = { firewall = { enable = false; }; }; }"),
        ("wheel-without-password", "{ security.doas.wheelNeedsPassword = false; }"),
        ("fetch-without-hash", "{ fetchFromGitHub }: fetchFromGitHub { owner = \"a\"; repo = \"b\"; rev = \"c\"; }"),
        ("fetch-without-hash", "{ pkgs }: pkgs.fetchzip { url = \"https://example.org/x.zip\"; }"),
        ("unpinned-fetch", "builtins.fetchTarball { url = \"https://example.org/main.tar.gz\"; }"),
        ("unpinned-fetch", "with builtins; fetchTarball \"https://example.org/main.tar.gz\""),
        (
            "moving-source",
            "{ fetchpatch }: fetchpatch { url = \"https://github.com/a/b/raw/main/x.patch\"; hash = \"\"; }",
        ),
        (
            "moving-source",
            "{ fetchzip }: fetchzip { url = \"https://github.com/a/b/archive/master.zip\"; hash = \"\"; }",
        ),
        ("fetchgit-without-rev", "fetchGit \"https://example.org/x.git\""),
        ("fake-hash", "{ hash = \"sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"; }"),
        ("fake-hash", "{ vendorHash = \"\"; }"),
        ("import-from-derivation", "{ pkgs }: let src = pkgs.fetchFromGitHub { }; in import (src + \"/default.nix\")"),
        ("import-from-derivation", "{ pkgs }: builtins.readFile \"${pkgs.writeText \"a\" \"b\"}/x\""),
        ("password-in-store", "{ services.x.settings = { password = \"hunter22\"; }; }"),
        ("world-readable-key", "{ sops.secrets.\"a/b\" = { mode = \"0444\"; }; }"),
        ("world-readable-key", "{ environment.etc.\"ssh_host_key\".mode = \"0644\"; }"),
        ("empty-password", "{ users.users = { root = { password = \"\"; }; }; }"),
        ("explicit-phases", "{ stdenv }: stdenv.mkDerivation (final: { phases = \"installPhase\"; })"),
        ("license-missing", "{ stdenv, lib }: stdenv.mkDerivation { meta = with lib; { description = \"x\"; }; }"),
        ("unclear-gpl", "{ meta.license = with lib.licenses; [ mit gpl3 ]; }"),
        ("flags-as-text", "{ stdenv }: stdenv.mkDerivation { makeFlagsArray = \"A=b\"; }"),
    ] {
        assert_eq!(count(rule, text), 1, "{rule}: {text}");
    }
}

#[test]
fn what_only_looks_wrong_is_left_alone() {
    for (rule, text) in [
        ("quadratic-list", "xs: builtins.foldl' (acc: x: if acc == [ ] then [ x ] else acc ++ [ x ]) [ ] xs"),
        ("quadratic-list", "xs: builtins.foldl' (acc: x: acc ++ [ (x + builtins.length acc) ]) [ ] xs"),
        ("quadratic-update", "xs: builtins.foldl' (acc: x: acc // { ${x} = acc.${x} or 0 + 1; }) { } xs"),
        ("fake-hash", "{ lib }: lib.convertHash { hash = lib.fakeSha512; toHashFormat = \"sri\"; }"),
        ("permit-root-login", "{ nodes.machine.services.openssh.settings.PermitRootLogin = \"yes\"; }"),
        ("permit-root-login", "{ services.other.settings.PermitRootLogin = \"yes\"; }"),
        ("firewall-disabled", "{ networking.firewall.enable = lib.mkDefault enabled; }"),
        ("firewall-disabled", "let false = true; in { networking.firewall.enable = false; }"),
        ("fetch-without-hash", "{ fetchurl, args }: fetchurl (args // { url = \"https://example.org\"; })"),
        ("fetch-without-hash", "{ fetchurl, src }: fetchurl { inherit (src) url hash; }"),
        ("fetch-without-hash", "let fetchurl = x: x; in fetchurl { url = \"https://example.org\"; }"),
        ("fetch-without-hash", "{ fetchurl, algo }: fetchurl { url = \"https://example.org\"; ${algo} = \"x\"; }"),
        ("unpinned-fetch", "{ fetchTarball }: fetchTarball \"https://example.org/main.tar.gz\""),
        (
            "moving-source",
            "{ fetchurl }: fetchurl { url = \"https://github.com/a/b/releases/download/main/x\"; hash = \"\"; }",
        ),
        (
            "moving-source",
            "{ fetchgit }: fetchgit { url = \"https://example.org/main/master\"; rev = \"v1\"; hash = \"\"; }",
        ),
        (
            "moving-state-version",
            "{ nodes.a.system.stateVersion = lib.trivial.release; x.stateVersion = lib.version; }",
        ),
        ("fetchgit-without-rev", "builtins.fetchGit ./."),
        ("fetchgit-without-rev", "{ rev }: builtins.fetchGit { url = \"https://example.org/x\"; inherit rev; }"),
        ("fake-hash", "{ f, hash }: f (if hash != \"\" then { inherit hash; } else { outputHash = \"\"; })"),
        ("fake-hash", "{ cargoHash = null; }"),
        ("import-from-derivation", "import (fetchTarball { url = \"x\"; sha256 = \"y\"; }) { }"),
        ("import-from-derivation", "{ pkgs }: import (pkgs.path + \"/nixos\")"),
        ("import-from-derivation", "{ nixpkgs }: import nixpkgs { }"),
        ("impure-builtin", "{ system ? builtins.currentSystem }: system"),
        ("impure-builtin", "args: args.system or builtins.currentSystem"),
        ("impure-builtin", "{ builtins }: builtins.currentTime"),
        ("impure-builtin", "import <nixpkgs> { }"),
        ("password-in-store", "{ services.x.password = \"$PASSWORD\"; y.password = \"/run/secrets/y\"; }"),
        ("password-in-store", "{ x.apiKey = \"unused\"; y.password = \"${z}\"; password = \"alone\"; }"),
        ("password-in-store", "{ options.x.y = mkOption { example.password = \"hunter22\"; }; }"),
        ("secret-file-in-store", "{ sops.defaultSopsFile = ./secrets.yaml; x.passwordFile = ./secrets/x.age; }"),
        ("secret-read", "builtins.readFile ./secrets/key.pub + builtins.readFile ./secret-service.nix"),
        (
            "secret-in-store",
            "{ url = \"https://${user}:${password}@example.org\"; b = \"https://user:pass@example.org\"; }",
        ),
        ("world-readable-key", "{ environment.etc.\"keyboard.conf\".mode = \"0644\"; age.secrets.x.mode = \"0440\"; }"),
        ("world-readable-key", "{ sops.secrets.SSH_PUBLIC_KEY.mode = \"0444\"; }"),
        ("tls-unverified", "\"curl -k https://localhost:8443/health\""),
        ("secret-in-store", "\"postgresql://test:test@localhost/testdb\""),
        ("empty-password", "{ x.y.password = \"\"; }"),
        ("insecure-url", "{ fetchurl }: fetchurl { url = \"http://localhost:8080/x\"; hash = \"\"; }"),
        ("build-tool-in-build-inputs", "{ mkShell, cmake }: mkShell { buildInputs = [ cmake ]; }"),
        (
            "meson-cmake",
            "{ mkDerivation }: mkDerivation { nativeBuildInputs = [ meson cmake ]; dontUseCmakeConfigure = true; }",
        ),
        (
            "unnecessary-parallel-building",
            "{ mkDerivation }: mkDerivation { nativeBuildInputs = [ cmake ]; buildPhase = \"make\"; enableParallelBuilding = true; }",
        ),
        (
            "duplicate-check-inputs",
            "{ mkDerivation }: mkDerivation { buildInputs = lib.optionals c [ a ]; checkInputs = [ a ]; }",
        ),
        ("missing-phase-hooks", "{ mkDerivation }: mkDerivation { buildPhase = \":\"; installPhase = script; }"),
        ("license-missing", "{ mkDerivation, meta }: mkDerivation { inherit meta; }"),
        ("license-missing", "{ mkDerivation, m }: mkDerivation { meta = m // { description = \"x\"; }; }"),
        (
            "name-and-version",
            "{ mkDerivation, pname, version }: mkDerivation { inherit pname; name = \"${pname}-${version}\"; }",
        ),
        ("tls-unverified", "1 # curl --insecure"),
        ("builtins-exec", "{ exec, lib }: exec [ lib.exec ]"),
    ] {
        assert_eq!(count(rule, text), 0, "{rule}: {text}");
    }
}

#[test]
fn flakes_are_judged_by_what_their_inputs_are() {
    for (rule, found, inputs) in [
        ("input-from-registry", 1, "inputs.a = { };"),
        ("input-from-registry", 0, "inputs.a.follows = \"b\"; inputs.b.url = \"github:x/b\";"),
        ("absolute-path-input", 1, "inputs.a.url = \"git+file:///srv/a\";"),
        ("absolute-path-input", 0, "inputs.a.url = ./a;"),
        ("absolute-path-input", 0, "inputs.a = { url = \"file+file:///dev/null\"; flake = false; };"),
        ("insecure-url-input", 1, "inputs.a.url = \"http://example.org/a.tar.gz\";"),
        ("insecure-url-input", 1, "inputs.a = { type = \"git\"; url = \"http://example.org/a\"; };"),
        ("insecure-url-input", 0, "inputs.a.url = \"git+ssh://git@example.org/a\";"),
        ("follows-unknown-input", 0, "inputs.a.url = \"github:x/a\"; inputs.a.inputs.b.follows = \"\";"),
        ("follows-unknown-input", 1, "inputs.a.follows = \"b/c\";"),
        ("follows-with-url", 0, "inputs.a = { url = \"github:x/a\"; inputs.b.follows = \"c\"; };"),
        (
            "pinned-rev-input",
            1,
            "inputs.a.url = \"git+https://example.org/a?rev=5633bcff0c6162b9e4b5f1264264611e950c8ec7\";",
        ),
        ("unsupported-branch", 0, "inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\";"),
        ("unsupported-branch", 1, "inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-25.11\";"),
        ("unsafe-nix-config", 1, "nixConfig.extra-substituters = [ \"https://x.cachix.org\" ];"),
        (
            "unsafe-nix-config",
            0,
            "nixConfig = { extra-substituters = \"https://a\"; extra-trusted-public-keys = \"a:b\"; };",
        ),
        ("unsafe-nix-config", 2, "nixConfig = { trusted-users = \"*\"; require-sigs = false; };"),
        ("impure-builtin", 2, "inputs.a.url = <nixpkgs>; nixConfig.x = builtins.currentSystem;"),
        ("secret-in-store", 0, "inputs.a.url = \"https://me:hunter22@example.org/a.tar.gz\";"),
        ("secret", 1, "inputs.a.url = \"https://me:hunter22@example.org/a.tar.gz\";"),
        ("deprecated-output", 0, "inputs.overlay.url = \"github:x/a\";"),
    ] {
        let nix = format!("{{ {inputs} outputs = _: {{ }}; }}");
        assert_eq!(count_in_flake(rule, &nix), found, "{rule}: {inputs}");
    }
}

#[test]
fn what_outputs_must_take_is_not_called_unused() {
    let nix = "{ inputs.a.url = \"github:x/a\"; outputs = { self, a }: { lib.f = { x }: 1; }; }";
    assert_eq!(count_in_flake("unused-formal", nix), 1, "`x` alone");
    let open = "{ outputs = { self, ... }: { }; }";
    assert_eq!(count_in_flake("unused-formal", open), 1, "with `...` nothing must be taken");
}

/// What a lock with these inputs of the flake, and of its input `tool`, is told about copies of nixpkgs.
fn copies(root: &[(&str, &str)], tool: &[(&str, &str)]) -> Vec<String> {
    use serde_json::{Map, Value, json};

    let linter =
        Linter::new(&Selection { only: vec!["duplicate-nixpkgs".to_owned()], ..Selection::default() }, "2026-11-28");
    let inputs =
        |list: &[(&str, &str)]| list.iter().map(|(name, key)| ((*name).to_owned(), json!(key))).collect::<Map<_, _>>();
    let node = |owner: &str, repo: &str, more: Value| {
        let mut original = json!({ "type": "github", "owner": owner, "repo": repo });
        original.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let locked = json!({ "type": "github", "owner": owner, "repo": repo, "rev": "a".repeat(40), "narHash": "h", "lastModified": 1 });
        json!({ "locked": locked, "original": original })
    };
    let mut nodes = Map::new();
    let mut all = inputs(root);
    all.insert("tool".to_owned(), json!("tool"));
    nodes.insert("root".to_owned(), json!({ "inputs": all }));
    for (_, key) in root.iter().chain(tool) {
        let pin = match key.split_once('@') {
            Some((_, branch)) => json!({ "ref": branch }),
            None if key.starts_with("pinned") => json!({ "rev": "a".repeat(40) }),
            None => json!({}),
        };
        nodes.insert((*key).to_owned(), node("NixOS", "nixpkgs", pin));
    }
    let mut other = node("me", "tool", json!({}));
    other["inputs"] = Value::Object(inputs(tool));
    nodes.insert("tool".to_owned(), other);
    let lock = json!({ "version": 7, "root": "root", "nodes": nodes }).to_string();
    let found = linter.check_flake(None, Some(&lock), None).lock;
    found.into_iter().map(|finding| finding.message.split('`').nth(3).unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_copy_of_nixpkgs_follows_what_has_its_branch_and_none_of_another() {
    let root = [("nixpkgs", "stable@nixos-25.05"), ("nixpkgs-unstable", "unstable@nixos-unstable")];
    assert_eq!(
        copies(&root, &[("nixpkgs", "own@nixos-unstable")]),
        ["inputs.tool.inputs.nixpkgs.follows = \"nixpkgs-unstable\";"]
    );
    assert_eq!(copies(&root, &[("nixpkgs", "own@nixos-22.11")]), [""; 0], "it is likely to need its own");
}

#[test]
fn a_copy_of_nixpkgs_follows_the_plain_one_and_only_where_it_is_the_plain_one() {
    assert_eq!(copies(&[("nixpkgs", "n")], &[("nixpkgs", "m")]), ["inputs.tool.inputs.nixpkgs.follows = \"nixpkgs\";"]);
    let stable = [("nixpkgs", "m"), ("nixpkgs-2505", "o")];
    assert_eq!(copies(&[("nixpkgs", "n")], &stable).len(), 1, "an input's second one is meant");
    assert_eq!(
        copies(&[("nixpkgs-old", "pinned")], &[("nixpkgs", "m")]),
        [""; 0],
        "what is pinned is followed by nobody"
    );
    assert_eq!(
        copies(&[("nixpkgs-old", "pinned"), ("pkgs", "n")], &[("nixpkgs", "m")]),
        ["inputs.tool.inputs.nixpkgs.follows = \"pkgs\";"]
    );
}
