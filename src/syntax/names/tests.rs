//! Tests of the resolution of names: what each use means, and which bindings are reached.

use super::*;
use crate::syntax::tree;

/// Every use with what it means, as in `a=let:0` (definition by binder and number), `map=global`, `x=with`, `y=?`.
fn meanings(text: &str) -> Vec<String> {
    let tree = tree::parse(text);
    let names = Names::of(&tree, text);
    let show = |name: &Use<'_>| match name.meaning {
        Meaning::Defined(id) => format!("{}={:?}:{}", name.name, names.definitions[id.0 as usize].binder, id.0),
        Meaning::Global => format!("{}=global", name.name),
        Meaning::FromWith(_) => format!("{}=with", name.name),
        Meaning::Undefined => format!("{}=?", name.name),
    };
    names.uses.iter().map(show).collect()
}

#[test]
fn let_and_rec_see_themselves_and_inherit_looks_outside() {
    assert_eq!(meanings("let a = b; b = 1; in a"), ["b=Let:1", "a=Let:0"]);
    assert_eq!(meanings("rec { a = b; b = 1; }"), ["b=Rec:1"]);
    assert_eq!(meanings("{ a = b; b = 1; }"), ["b=?"]);
    assert_eq!(meanings("x: let inherit x; in x"), ["x=Argument:0", "x=LetInherit:1"]);
    assert_eq!(meanings("s: rec { inherit (s) x; y = x; }"), ["s=Argument:0", "x=RecInherit:1"]);
    assert_eq!(meanings("let inherit (b) x; b = { x = 1; }; in x"), ["b=Let:1", "x=LetInherit:0"]);
}

#[test]
fn arguments_are_seen_by_defaults_and_body() {
    assert_eq!(
        meanings("{ a, b ? a, ... }@all: [ a b all ]"),
        ["a=Formal:0", "a=Formal:0", "b=Formal:1", "all=Whole:2"]
    );
    assert_eq!(meanings("all@{ a ? all }: a"), ["all=Whole:0", "a=Formal:1"]);
    assert_eq!(meanings("x: x: x"), ["x=Argument:1"]);
}

#[test]
fn what_is_bound_and_what_nix_defines_wins_over_with() {
    assert_eq!(meanings("a: with a; [ a b map ]"), ["a=Argument:0", "a=Argument:0", "b=with", "map=global"]);
    assert_eq!(meanings("[ x (with {}; x) ]"), ["x=?", "x=with"]);
    assert_eq!(meanings("let map = 1; in map"), ["map=Let:0"]);
}

#[test]
fn attribute_names_are_no_uses_but_what_they_compute_is() {
    assert_eq!(meanings("a: a.b.${a}.\"x${a}\" or a ? b.${a}").len(), 5);
    assert_eq!(meanings("k: { a.b = 1; ${k} = 2; \"p${k}\".q = 3; }").len(), 2);
}

#[test]
fn parts_of_one_set_are_one_definition() {
    let text = "let a.b = 1; a.c = 2; in a";
    let tree = tree::parse(text);
    let names = Names::of(&tree, text);
    assert_eq!(names.definitions.len(), 1);
    assert_eq!(names.also.len(), 1);
    assert_eq!(names.definitions[0].uses, 1);
}

#[test]
fn a_set_that_is_merged_into_a_rec_set_sees_its_names_and_the_other_way_round_nothing_is_seen() {
    assert_eq!(meanings("{ a = rec { b = 1; }; a = { c = b; }; }"), ["b=Rec:0"]);
    assert_eq!(meanings("{ a = { }; a = rec { b = 1; c = b; }; }"), ["b=?"]);
    assert_eq!(meanings("{ a.x = 1; a = rec { b = 1; c = b; }; }"), ["b=?"]);
    assert_eq!(meanings("{ s.a = rec { b = 1; }; s = { a = { c = b; }; }; }"), ["b=Rec:0"]);
}

#[test]
fn a_name_in_quotes_in_braces_is_a_name() {
    assert_eq!(meanings("let ${\"a\"} = 1; \"b\" = 2; in [ a b ]"), ["a=Let:0", "b=Let:1"]);
}

#[test]
fn every_with_around_may_give_the_name() {
    let text = "with 1; with 2; x";
    let names = tree::parse(text);
    let names = Names::of(&names, text);
    assert_eq!(names.withs.iter().map(|with| with.uses).collect::<Vec<_>>(), [1, 1]);
}

proptest::proptest! {
    #[test]
    fn any_text_is_resolved_and_every_scope_is_left(text in "[a-c{}:;=@,?. \"$()\\[\\]]{0,80}|(let|in|rec|with|inherit|[ab=;{}: ]){0,30}") {
        let tree = tree::parse(&text);
        let names = Names::of(&tree, &text);
        proptest::prop_assert!(names.uses.is_sorted_by_key(|name| name.range.start()));
        for definition in &names.definitions {
            proptest::prop_assert!(names.scope(definition.scope).is_some());
        }
    }
}

/// The bindings of `let` that are dead, with those that use them: `a<b` is dead and used by `b` alone.
fn dead(text: &str) -> Vec<String> {
    let tree = tree::parse(text);
    let names = Names::of(&tree, text);
    let name = |id| names.definition(id).unwrap().name;
    let show = |dead: &Dead| {
        let users: Vec<_> = dead.users.iter().map(|id| name(*id)).collect();
        format!("{}<{}", name(dead.id), users.join(","))
    };
    names.dead().iter().map(show).collect()
}

#[test]
fn what_only_dead_bindings_use_is_dead() {
    assert_eq!(dead("let a = b; b = 1; in 2"), ["a<", "b<a"]);
    assert_eq!(dead("let a = b; b = a; in 2"), ["a<b", "b<a"]);
    assert_eq!(dead("let a = a; in 2"), ["a<"]);
    assert_eq!(dead("let a = let b = 1; in b; c = a; in 2"), ["a<c", "c<"]);
    assert_eq!(dead("let a = let b = 1; in 3; in 2"), ["a<", "b<"]);
    assert_eq!(dead("let f = 1; in let g.x = f; g.y = 2; in 3"), ["f<g", "g<"]);
    assert_eq!(dead("x: let inherit x; inherit (x) y; in 1"), ["y<"]);
    assert_eq!(dead("let x = 1; in let inherit x; in 1"), ["x<x", "x<"]);
}

#[test]
fn what_is_reached_lives() {
    assert_eq!(dead("let a = b; b = a; in a"), [""; 0]);
    assert_eq!(dead("let _a = b; b = 1; in 2"), [""; 0]);
    assert_eq!(dead("let a = 1; in { x = let b = a; in b; }"), [""; 0]);
    assert_eq!(dead("let a = 1; in rec { b = a; }"), [""; 0]);
}

#[test]
fn deep_text_is_resolved_on_a_small_stack() {
    let constructs = [
        "[",
        "(",
        "{a=",
        "-",
        "a ++ ",
        "a + ",
        "a ",
        "x: ",
        "let a = ",
        "let a = 1; in ",
        "with a; ",
        "rec {a=[",
        "((a a a a ",
        "a.b or ",
        "${",
        "rec {a=rec {a=",
        "{a?",
    ];
    for construct in constructs {
        let work = move || {
            let text = construct.repeat(10_000);
            let tree = tree::parse(&text);
            let names = Names::of(&tree, &text);
            names.dead().len() + crate::syntax::semantics::problems(&tree, &text).len()
        };
        std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
    }
}
