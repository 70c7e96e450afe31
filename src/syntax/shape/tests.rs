//! Files by their shape, and what is told of them.

use super::*;
use crate::syntax::tree;

fn shape(text: &str) -> Shape {
    read(&tree::parse(text))
}

#[test]
fn the_shape_says_what_a_file_is() {
    for (text, kind) in [
        ("{ description = \"x\"; inputs.a.url = \"b\"; outputs = { self, ... }: { }; }", Kind::Flake),
        ("{ outputs = 1; }", Kind::Data),
        ("final: prev: { a = prev.a; }", Kind::Overlay),
        ("{ inputs }: self: super: let x = 1; in { a = x; } // { b = 2; }", Kind::Overlay),
        ("a: b: { }", Kind::Unknown),
        ("_: _: { }", Kind::Unknown),
        ("{ lib, stdenv, fetchurl }: stdenv.mkDerivation rec { pname = \"a\"; }", Kind::Package),
        ("{ buildGoModule }: buildGoModule { }", Kind::Package),
        ("with import <nixpkgs> { }; pkgs.mkShell { }", Kind::Package),
        ("{ config, lib, pkgs, ... }: { boot.loader.grub.enable = true; }", Kind::NixosModule),
        ("{ pkgs, ... }: { home.packages = [ pkgs.hello ]; }", Kind::HomeModule),
        (
            "{ config, lib, ... }: let cfg = config.a; in { options.a.enable = lib.mkEnableOption \"a\"; config = lib.mkIf cfg.enable { xdg.configFile.a.text = \"\"; }; }",
            Kind::HomeModule,
        ),
        ("{ homebrew.enable = true; services.x.enable = true; }", Kind::DarwinModule),
        ("{ imports = [ ./a.nix ]; }", Kind::Module),
        ("{ _class = \"nixos\"; }", Kind::NixosModule),
        ("{ realPkgs, ... }: { programs.git.enable = true; }", Kind::Module),
        ("_: { wayland.x.enable = true; }", Kind::HomeModule),
        ("{ i18n.inputMethod.enable = true; launchd.agents.a = { }; }", Kind::Module),
        ("{ perSystem = { pkgs, ... }: { }; }", Kind::FlakePartsModule),
        ("{ pkgs, ... }: { name = \"a\"; nodes.machine = { }; testScript = \"\"; }", Kind::Test),
        ("{ lib }: { double = x: x + x; }", Kind::Library),
        ("lib: rec { a = x: x; b = a 1; }", Kind::Library),
        ("[ 1 \"a\" { b = null; } ]", Kind::Data),
        ("{ \"# config = mkOption\" = \"stdenv.mkDerivation final: prev:\"; }", Kind::Data),
        ("x: x", Kind::Unknown),
        ("", Kind::Unknown),
    ] {
        let seen = shape(text);
        assert_eq!(seen.kind, kind, "{text}: {}", seen.why);
        assert!(!seen.why.is_empty());
    }
}

fn paths(paths: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    paths.into_iter().map(|path| path.join(".")).collect()
}

#[test]
fn options_are_declared_at_any_depth() {
    let seen = shape(
        "{ lib, ... }: with lib; { options = { a.b = mkOption { type = types.submodule { options.no = mkOption { }; }; };
           a.c = { d = lib.mkEnableOption \"x\" // { default = true; }; }; \"e f\" = mkPackageOption pkgs \"g\" { }; };
           options.h.${x} = mkOption { }; }",
    );
    assert_eq!(paths(seen.declared.iter().map(|option| option.path.clone())), ["a.b", "a.c.d", "e f", "h.*"]);
    let makers: Vec<_> = seen.declared.iter().map(|option| option.maker.as_str()).collect();
    assert_eq!(makers, ["mkOption", "mkEnableOption", "mkPackageOption", "mkOption"]);
    assert_eq!(seen.defined, []);
}

#[test]
fn definitions_are_followed_through_the_functions_of_the_module_system() {
    let seen = shape(
        "{ config, lib, ... }: { options.x = lib.mkOption { }; config = lib.mkMerge [
           { a.b = 1; a.c = lib.mkForce 2; inherit (x) i; }
           (lib.mkIf config.y { d = lib.mkDefault { e = 3; }; f.g = lib.mkIf z { h = [ ]; }; })
           (let q = 1; in { j = { }; k = if q then 1 else 2; })
         ]; }",
    );
    assert_eq!(
        paths(seen.defined.iter().map(|option| option.path.clone())),
        ["a.b", "a.c", "i", "d.e", "f.g.h", "j", "k"]
    );
    let conditional: Vec<_> = seen.defined.iter().map(|option| option.conditional).collect();
    assert_eq!(conditional, [false, false, false, true, true, false, false]);
    let ranks: Vec<_> = seen.defined.iter().filter_map(|option| option.rank).collect();
    assert_eq!(ranks, ["mkForce", "mkDefault"]);
}

#[test]
fn without_config_the_whole_module_is_one() {
    let seen = shape("{ pkgs, ... }: { imports = [ ./a.nix ]; services.a = { enable = true; b.c = 1; }; }");
    assert_eq!(paths(seen.defined.iter().map(|option| option.path.clone())), ["services.a.enable", "services.a.b.c"]);
    let seen = shape("{ lib, pkgs, ... }: lib.mkIf true { services.a.enable = true; }");
    assert_eq!(paths(seen.defined.iter().map(|option| option.path.clone())), ["services.a.enable"]);
    assert!(seen.defined.iter().all(|option| option.conditional));
}

#[test]
fn a_written_switch_is_told() {
    let seen = shape(
        "{ pkgs, ... }: { a.enable = true; b.enable = lib.mkForce (false); c.enable = x; d = \"true\"; inherit (e) f; }",
    );
    let switches: Vec<_> = seen.defined.iter().map(|option| option.switch).collect();
    assert_eq!(switches, [Some(true), Some(false), None, None, None]);
}

#[test]
fn files_are_referred_to_by_literal_paths() {
    let seen = shape(
        "{ pkgs, inputs, ... }: { imports = [ ./a.nix ../b (import ./c.nix { }) inputs.d.nixosModules.e ./f/${g}.nix ]
           ++ [ ./h.nix ] ++ more; x = pkgs.callPackage ./p { }; y = (import ./q.nix).z; w = import x; v = f ./no; }",
    );
    let named: Vec<_> = seen.references.iter().map(|found| (found.how, found.path.as_str())).collect();
    assert_eq!(
        named,
        [
            (How::Imports, "./a.nix"),
            (How::Imports, "../b"),
            (How::Import, "./c.nix"),
            (How::Imports, "./h.nix"),
            (How::CallPackage, "./p"),
            (How::Import, "./q.nix")
        ]
    );
    assert_eq!(seen.other_imports, 4);
}

#[test]
fn an_overlay_adds_the_names_of_its_set() {
    let seen = shape(
        "final: prev: let x = 1; in { a = x; b.c = 1; inherit (prev) d e; } // prev.lib.optionalAttrs x { f = 2; }",
    );
    let names: Vec<_> = seen.added.iter().map(|name| name.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "d", "e", "f"]);
}

#[test]
fn large_and_deep_modules_are_read_at_once() {
    let deep = "a = { ".repeat(300);
    let many: Vec<String> = (0..30_000).map(|number| format!("o{number}.p.q = {number};\n")).collect();
    let many = many.concat();
    let chain = "{ a = 1; } // ".repeat(2000);
    for text in [
        format!("{{ config, ... }}: {{ {deep} }}"),
        format!("{{ config, ... }}: {{ {many} }}"),
        format!("{{ config, ... }}: {chain} {{ }}"),
    ] {
        let work = move || shape(&text).defined.len();
        let defined = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
        assert!(defined <= MAX_LISTED);
    }
}

proptest::proptest! {
    #[test]
    fn any_text_has_a_shape(text in "(config|options|imports|mkIf|mkOption|mkMerge|lib\\.|final: prev:|\\{ config, \\.\\.\\. \\}:|import|callPackage|\\./a|//|let|in|[ab=;:{}()\\[\\]., ]){0,50}") {
        let seen = shape(&text);
        let spans = seen.defined.iter().map(|option| option.span).chain(seen.references.iter().map(|found| found.span));
        for span in spans {
            proptest::prop_assert!(span.start <= span.end && text.get(span.start..span.end).is_some());
        }
        proptest::prop_assert!(seen.kind.is_module() || seen.defined.is_empty() && seen.declared.is_empty());
    }
}
