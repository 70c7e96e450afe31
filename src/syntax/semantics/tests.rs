//! What Nix refuses beyond the grammar, and what it takes.

use super::*;
use crate::syntax::tree;

/// What is said of a text, as `line:code text`.
fn said(text: &str) -> Vec<String> {
    let tree = tree::parse(text);
    assert_eq!(tree.problems, [], "{text}");
    let show = |problem: Problem| {
        let span = problem.span.unwrap();
        format!("{}:{} {}", span.line, problem.code, &text[span.start..span.end])
    };
    problems(&tree, text).into_iter().map(show).collect()
}

fn nothing(texts: &[&str]) {
    for text in texts {
        assert_eq!(said(text), [""; 0], "{text}");
    }
}

#[test]
fn what_is_no_set_is_defined_once() {
    assert_eq!(said("{ a = 1; b = 2;\na = 3; }"), ["2:duplicate-attribute a"]);
    assert_eq!(said("{ a = 1; \"a\" = 2; ${\"a\"} = 3; }").len(), 2);
    assert_eq!(said("let a = 1; a = 2; in a"), ["1:duplicate-attribute a"]);
    assert_eq!(said("{ a.b = 1; a.b = 2; }"), ["1:duplicate-attribute a.b"]);
    assert_eq!(said("{ a.b = 1; a.b.c = 2; }"), ["1:duplicate-attribute a.b"]);
    assert_eq!(said("{ a = { b = 1; }; a = { b = 2; c = 3; }; }"), ["1:duplicate-attribute b"]);
    assert_eq!(said("x: { a = x; a.b = 1; }"), ["1:duplicate-attribute a"]);
    assert_eq!(said("let { a = 1; a = 2; body = a; }"), ["1:duplicate-attribute a"]);
}

#[test]
fn what_is_inherited_is_defined_and_never_merged() {
    assert_eq!(said("x: { inherit x; x.y = 1; }"), ["1:duplicate-attribute x"]);
    assert_eq!(said("x: { x.y = 1; inherit x; }"), ["1:duplicate-attribute x"]);
    assert_eq!(said("x: { inherit x; inherit (x) x; }"), ["1:duplicate-attribute x"]);
    assert_eq!(said("x: { a = { inherit x; }; a.x = 1; }"), ["1:duplicate-attribute a.x"]);
}

#[test]
fn sets_that_are_written_out_become_one() {
    nothing(&[
        "{ a.b = 1; a.c = 2; }",
        "{ a = { b = 1; }; a.c = 2; a = rec { d = 3; }; }",
        "{ a = ({ b.c = 1; }); a.b.d = 2; }",
        "x: { a.${x} = 1; a.${x} = 2; ${x} = 3; ${x} = 4; }",
        "x: { \"a${x}\" = 1; \"a${x}\" = 2; }",
        "{ a = [ { b = 1; } { b = 2; } ]; }",
    ]);
}

#[test]
fn computed_names_stand_in_sets_only() {
    assert_eq!(said("x: let ${x} = 1; in 1"), ["1:dynamic-let ${x}"]);
    assert_eq!(said("let \"a${\"b\"}\" = 1; in 1"), ["1:dynamic-let \"a${\"b\"}\""]);
    assert_eq!(said("x: { inherit ${x}; inherit (x) \"a${x}\"; }").len(), 2);
    nothing(&["let ${\"a\"} = 1; in a", "x: let a.${x} = 1; in a", "x: { inherit (x) ${''a''} \"b\"; }"]);
}

#[test]
fn arguments_have_names_of_their_own() {
    assert_eq!(said("{ a, b,\na }: 1"), ["2:duplicate-formal a"]);
    assert_eq!(said("a@{ a, b }: 1"), ["1:duplicate-formal a"]);
    assert_eq!(said("{ a, b }@b: 1"), ["1:duplicate-formal b"]);
    nothing(&["{ a, b }@c: a: 1"]);
}

#[test]
fn numbers_fit() {
    assert_eq!(said("9223372036854775808"), ["1:invalid-number 9223372036854775808"]);
    assert_eq!(said("[ 1.0e999 1.0e-400 ]").len(), 2);
    nothing(&["[ 9223372036854775807 00 0.0e-999 1.5 .5e3 1.7e308 ]"]);
}

#[test]
fn a_long_path_takes_no_stack() {
    let path = "a. ".repeat(100_000);
    let text = format!("{{ {path}b = 1; {path}b = 2; }}");
    let tree = tree::parse(&text);
    assert!(tree.problems.is_empty());
    assert_eq!(problems(&tree, &text).len(), 1);
}

proptest::proptest! {
    #[test]
    fn any_text_is_judged(text in "(let|in|rec|inherit|[ab=;:{}()\\[\\]?.,@\"$19 ]|\\$\\{){0,60}") {
        let tree = tree::parse(&text);
        let found = problems(&tree, &text);
        proptest::prop_assert!(found.iter().all(|problem| problem.span.is_some_and(|span| span.end <= text.len())));
    }
}
