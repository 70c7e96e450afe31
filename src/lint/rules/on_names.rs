//! Tests of the rules on names: what they leave alone, and what their fixes make.

use crate::lint::fix::fix;
use crate::lint::{Linter, Safety, Selection};

/// The text after all fixes of one rule and of `empty-let`.
fn mended(rule: &str, text: &str) -> String {
    let only = vec![rule.to_owned(), "empty-let".to_owned()];
    let linter = Linter::new(&Selection { only, ..Selection::default() }, "2026-11-28");
    fix(&linter, text, Safety::Review).text
}

/// What is found by one rule, as `severity text`.
fn found(rule: &str, text: &str) -> Vec<String> {
    let linter = Linter::new(&Selection { only: vec![rule.to_owned()], ..Selection::default() }, "2026-11-28");
    let found = linter.check(text);
    found.iter().map(|finding| format!("{} {}", finding.severity.name(), &text[finding.start..finding.end])).collect()
}

#[test]
fn dead_bindings_go_with_what_they_alone_use() {
    assert_eq!(mended("unused-let", "let a = b; b = 1; c = 2; in c"), "let c = 2; in c");
    assert_eq!(mended("unused-let", "let a = b; b = a; in 2"), "2");
    assert_eq!(mended("unused-let", "let\n  a = x: a x;\n  b.c = 1;\n  b.d = 2;\nin\n3\n"), "3\n");
    assert_eq!(mended("unused-let", "let _a = b; b = 1; in 2"), "let _a = b; b = 1; in 2");
    assert_eq!(mended("unused-let", "let a = b; b = c; c = b; in 2"), "2");
    let linter = Linter::new(&Selection::default(), "2026-11-28");
    assert_eq!(fix(&linter, "let a = nonsense; in 2", Safety::Safe).text, "let a = nonsense; in 2");
}

#[test]
fn an_inherit_goes_with_its_last_name() {
    assert_eq!(mended("unused-inherit", "s: let inherit (s) a b c; in b"), "s: let inherit (s) b; in b");
    assert_eq!(mended("unused-inherit", "s: let inherit (s) a b; x = 1; in x"), "s: let x = 1; in x");
    assert_eq!(
        mended("unused-inherit", "s: let\n  inherit (s)\n    a\n    b\n    ;\nin a"),
        "s: let\n  inherit (s)\n    a\n    ;\nin a"
    );
    assert_eq!(found("unused-inherit", "s: rec { inherit (s) a; }"), [""; 0]);
}

#[test]
fn commas_stay_right_when_a_formal_goes() {
    for (text, without) in [
        ("{ a, b }: a", "{ a }: a"),
        ("{ a, b }: b", "{ b }: b"),
        ("{ a, b, ... }: a", "{ a, ... }: a"),
        ("{ a }: 1", "{ }: 1"),
        ("{ a, b, c }: b", "{ b }: b"),
        ("{ lib\n, stdenv\n, zlib\n}: lib zlib", "{ lib\n, zlib\n}: lib zlib"),
        ("{ lib\n, stdenv\n}: lib", "{ lib\n}: lib"),
        ("{\n  lib,\n  stdenv,\n}: lib", "{\n  lib,\n}: lib"),
        ("{\n  lib,\n  stdenv,\n}: stdenv", "{\n  stdenv,\n}: stdenv"),
        ("{ a ? 1, b ? { }, c }: c", "{ c }: c"),
    ] {
        assert_eq!(mended("unused-formal", text), without, "{text}");
    }
    assert_eq!(mended("unused-formal", "{ a, /* why */ b }: a"), "{ a, /* why */ b }: a");
}

#[test]
fn formals_are_a_hint_where_others_may_need_them() {
    assert_eq!(found("unused-formal", "{ a, b }: a"), ["warning b"]);
    assert_eq!(found("unused-formal", "args@{ a, b }: f args a"), ["info b"]);
    assert_eq!(found("unused-formal", "{ config, lib, ... }: { }"), ["info config", "info lib"]);
    assert_eq!(found("unused-formal", "f ({ config, name, ... }: name)"), ["info config"]);
    assert_eq!(found("unused-formal", "{ a, _b, ... }: a"), [""; 0]);
    assert_eq!(mended("unused-formal", "args@{ a, b }: args a"), "args@{ a, b }: args a");
}

#[test]
fn the_name_of_the_whole_goes_on_either_side() {
    assert_eq!(mended("unused-whole-argument", "{ a }@args: a"), "{ a }: a");
    assert_eq!(mended("unused-whole-argument", "args @ { a }: a"), "{ a }: a");
    assert_eq!(mended("unused-whole-argument", "{ a } @ args : a"), "{ a } : a");
    assert_eq!(mended("unused-whole-argument", "{ a }@args: args"), "{ a }@args: args");
    assert_eq!(mended("unused-whole-argument", "args@/* c */{ a }: a"), "args@/* c */{ a }: a");
}

#[test]
fn an_argument_becomes_an_underscore_unless_that_is_used() {
    assert_eq!(mended("unused-argument", "a: b: b"), "_: b: b");
    assert_eq!(mended("unused-argument", "_: a: _"), "_: a: _");
    assert_eq!(found("unused-argument", "_a: 1"), [""; 0]);
}

#[test]
fn rec_stays_where_it_means_something() {
    assert_eq!(mended("unused-rec", "[ rec{ a = 1; } (rec { }) ]"), "[ { a = 1; } ({ }) ]");
    assert_eq!(found("unused-rec", "rec { a = 1; b = a; }"), [""; 0]);
    assert_eq!(found("unused-rec", "rec { __overrides = { a = 2; }; a = 1; }"), [""; 0]);
    assert_eq!(found("unused-rec", "{ a = rec { b = 1; }; a = { c = b; }; }"), [""; 0]);
}

#[test]
fn a_hidden_global_is_told_by_what_it_is() {
    assert_eq!(
        found("shadowed-global", "let null = 1; map = 2; in { true = null map; }"),
        ["warning null", "info map"]
    );
    assert_eq!(found("shadowed-global", "let inherit (builtins) map; in rec { import = map; }"), [""; 0]);
}

#[test]
fn builtins_are_known_by_name() {
    assert_eq!(found("unknown-builtin", "[ builtins.nope builtins.map (builtins.nope2 or 1) ]"), ["warning nope"]);
    assert_eq!(found("unknown-builtin", "let inherit (builtins) nope map; in nope map"), ["warning nope"]);
    assert_eq!(found("unknown-builtin", "if builtins ? wasm then builtins.wasm else 1"), [""; 0]);
    assert_eq!(found("unknown-builtin", "builtins: builtins.nope"), [""; 0]);
    assert_eq!(mended("builtin-needs-prefix", "{ inherit attrNames; }"), "{ inherit attrNames; }");
    assert_eq!(mended("builtin-needs-prefix", "builtins: attrNames"), "builtins: attrNames");
    assert_eq!(mended("redundant-builtins-prefix", "let map = 1; in builtins.map"), "let map = 1; in builtins.map");
    assert_eq!(mended("redundant-builtins-prefix", "f builtins.true builtins.attrNames"), "f true builtins.attrNames");
}

#[test]
fn an_undefined_builtin_is_reported_once() {
    let found = Linter::new(&Selection::default(), "2026-11-28").check("[ attrNames nonsense ]");
    let rules: Vec<_> = found.iter().map(|finding| finding.rule.name).collect();
    assert_eq!(rules, ["builtin-needs-prefix", "undefined-name"]);
    assert_eq!(self::found("undefined-name", "attrNames"), ["error attrNames"]);
}

#[test]
fn deep_text_is_checked_on_a_small_stack() {
    let nested = |open: &str, inner: &str, close: &str| [open.repeat(80), inner.to_owned(), close.repeat(80)].concat();
    let texts = [
        nested("let a = ", "1", "; in a"),
        nested("let a = 1; in ", "a", ""),
        nested("rec { a = ", "1", "; }"),
        nested("x: { y, z }: ", "1", ""),
        nested("if true then ", "1", " else 2"),
        nested("(", "true", ") == true"),
        ["a: a", &" + a".repeat(1900)].concat(),
        ["a: a", &" == a || a".repeat(900)].concat(),
        ["a: [ ]", &" ++ [ a ]".repeat(1900)].concat(),
        ["a: a", &" a".repeat(1900)].concat(),
        ["{ ", &"a.".repeat(5000), "b = 1; }"].concat(),
    ];
    for text in texts {
        let work = move || {
            let enabled = vec!["redundant-builtins-prefix".to_owned()];
            let linter = Linter::new(&Selection { enabled, ..Selection::default() }, "2026-11-28");
            let broken = |rule: &str| matches!(rule, "syntax-error" | "too-deep");
            assert!(linter.check(&text).iter().all(|finding| !broken(finding.rule.name)), "{}", &text[..40]);
        };
        std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
    }
}

#[test]
fn a_builtin_is_too_new_only_for_a_nix_that_was_named() {
    let count = |nix: Option<&str>, text: &str| {
        let nix = nix.map(|release| release.parse().expect("a release"));
        let only = vec!["builtin-too-new".to_owned()];
        Linter::new(&Selection { only, nix, ..Selection::default() }, "2026-11-28").check(text).len()
    };
    let text = "[ (builtins.convertHash { }) builtins.attrNames ]";
    assert_eq!(count(None, text), 0);
    assert_eq!(count(Some("2.18"), text), 1);
    assert_eq!(count(Some("2.18.4"), "{ inherit (builtins) convertHash map; }"), 1);
    assert_eq!(count(Some("2.19"), text), 0);
    assert_eq!(count(Some("2.18"), "builtins.convertHash or null"), 0);
    assert_eq!(count(Some("2.18"), "builtins ? convertHash && builtins.convertHash == null"), 0);
}
