//! The rules on style, beyond their examples: what they leave alone, what their fixes write, and that no fix of any
//! expression breaks it.

use proptest::prelude::*;

use super::*;
use crate::syntax::names::{Meaning, Names};

/// The rules of this list find nothing in the text behind them.
const LEFT_ALONE: &[(&str, &str)] = &[
    ("manual-inherit", "let a = a; in rec { b = b; }"),
    ("manual-inherit", "a: { a.b = a; c = a; }"),
    ("manual-inherit-from", "a: { b = a.b or 1; c = a.c.d; d = a.c; }"),
    ("collapsible-let", "b: let a = b; in let b = 1; in a + b"),
    ("collapsible-let", "let a = 1; in let a = 2; in a"),
    ("eta-reduction", "let f = x: f x; in f"),
    ("eta-reduction", "f: [ (x: f x x) (x: x x) (x: f (x)) ({ x }: f x) ]"),
    ("empty-pattern", "{ ... }: { }"),
    ("empty-pattern", "let a = 1; in { }: a"),
    ("redundant-pattern-bind", "{ f = args@{ a, ... }: args; }"),
    ("to-path", "let builtins.toPath = x: x; in builtins.toPath 1"),
    ("negated-comparison", "a: b: [ (!a == b) (!(a && b)) ]"),
    ("bool-identity", "let true = 1; in a: a && true"),
    ("redundant-has-attr", "a: if a ? b then a.c else 1"),
    ("redundant-has-attr", "a: if a ? b then a.b or 2 else 1"),
    ("repeated-keys", "{ a.b = 1; a.c = 2; b.d = 3; }"),
    ("repeated-keys", "rec { a.b = 1; a.c = 2; a.d = 3; }"),
    ("merged-rec-set", "{ a = rec { x = 1; }; b.y = 2; aa.x = 3; }"),
    ("redundant-interpolation", "a: \"${a}\""),
    ("redundant-interpolation", "''${\"$\"}{a} ${\"\"} ${\"''\"}''"),
    ("redundant-interpolation", "let ab = 1; in rec { \"a${\"b\"}\" = 2; c = ab; }"),
    ("redundant-attribute-quotes", "{ \"or\" = 1; \"a.b\" = \"c\"; \"1\" = 2; }"),
    ("set-literal-update", "{ a.b = 1; } // { a.c = 2; }"),
    ("set-literal-update", "n: [ ({ a = 1; } // rec { b = 1; }) ({ a = 1; } // { ${n} = 1; }) ]"),
    ("redundant-string-concat", "n: [ (\"$\" + \"{n}\") (\"$\" + \"${n}\") (n + \"a\" + \"b\") ]"),
    ("redundant-string-concat", "\"a\" +\n\"b\""),
    ("is-null", "let isNull = x: x; in isNull 1"),
    ("let-returned", "let a = { b = a; }; in a"),
    ("let-returned", "let a = 1; b = 2; in a"),
    ("if-true-false", "c: [ (if c then true else true) (if c then 1 else 0) ]"),
    ("constant-condition", "let true = 1 == 2; in if true then 1 else 2"),
    ("same-operands", "a: b: [ (a == b) (a + a) (a ++ a) (1 == 1) ]"),
    ("quadratic-list", "xs: builtins.foldl' (acc: x: acc + x) 0 xs"),
    ("quadratic-list", "f: xs: f (acc: x: acc ++ [ x ]) [ ] xs"),
    ("quadratic-update", "xs: builtins.foldl' (acc: x: acc // x) { } xs"),
    ("nested-with", "a: b: [ (with a; x) (with b; y) ]"),
    ("repeated-import", "{ pkgs ? import <nixpkgs> { }, lib ? import <nixpkgs/lib> }: lib"),
    ("repeated-import", "{ a, nixpkgs }: [ (import nixpkgs { }) (import a { }) (import a { }) ]"),
    ("search-path-in-flake", "{ a = import <nixpkgs> { }; }"),
    ("elem-of-attr-names", "a: b: builtins.elem a [ b ]"),
    ("has-attr-and", "a: a ? b && a.c"),
    ("or-as-name", "a: a.b or 1"),
];

/// What the fixes of one rule make of a text.
const MENDED: &[(&str, Safety, &str, &str)] = &[
    ("redundant-parentheses", Safety::Safe, "f: x: f(x)(x)", "f: x: f x x"),
    ("redundant-parentheses", Safety::Safe, "a: b: a -(b)/(b)", "a: b: a - b / b"),
    ("redundant-parentheses", Safety::Safe, "a: [ ((a.b).c or 1) ((a.b).c) ]", "a: [ ((a.b).c or 1) a.b.c ]"),
    ("redundant-parentheses", Safety::Safe, "a: f: f ( # why\n  (a))", "a: f: f ( # why\n  a)"),
    ("negated-comparison", Safety::Safe, "a: b: !(a < b) && !(a == b) == a", "a: b: a >= b && (a != b) == a"),
    ("negated-comparison", Safety::Safe, "a: if!(a==1)then 1 else 2", "a: if a!=1 then 1 else 2"),
    ("collapsible-let", Safety::Safe, "let a=1;in let b=2;in a+b", "let a=1; b=2;in a+b"),
    (
        "collapsible-let",
        Safety::Safe,
        "let\n  a = 1;\nin\n# why\nlet\n  b = a;\nin\nb",
        "let\n  a = 1;\n# why\n  b = a;\nin\nb",
    ),
    ("empty-list-concat", Safety::Safe, "a: [ ] ++ a", "a: [ ] ++ a"),
    ("empty-list-concat", Safety::Review, "a: [ ] ++ a", "a: a"),
    ("redundant-has-attr", Safety::Safe, "a: if a.b ? c then a.b.c else 1", "a: if a.b ? c then a.b.c else 1"),
    ("redundant-has-attr", Safety::Safe, "a: f: if a ? c then a.c else f 1", "a: f: a.c or (f 1)"),
    ("legacy-let", Safety::Safe, "f: f (let { body = 1; })", "f: f ((rec { body = 1; }).body)"),
    ("is-null", Safety::Safe, "a: f: f (isNull a) || !isNull (f a)", "a: f: f (a == null) || !((f a) == null)"),
    ("is-null", Safety::Safe, "f: a: isNull (f: a)", "f: a: (f: a) == null"),
    ("double-negation", Safety::Safe, "a: if !!a then 1 else !!a", "a: if a then 1 else !!a"),
    ("if-true-false", Safety::Safe, "a: if a then false else true", "a: !a"),
    ("if-true-false", Safety::Safe, "a: b: if a == b then false else true", "a: b: !(a == b)"),
    ("bool-identity", Safety::Safe, "a: [ (false && a) (a && false) ]", "a: [ (false) (a && false) ]"),
    ("list-literal-concat", Safety::Safe, "[\n  1 # one\n] ++ [\n  2\n]", "[\n  1 # one\n  2\n]"),
    ("list-literal-concat", Safety::Safe, "[1]++[2]", "[1 2]"),
    ("list-literal-concat", Safety::Safe, "[ 1 ] # one\n++ [ 2 ]", "[ 1 ] # one\n++ [ 2 ]"),
    ("redundant-attribute-quotes", Safety::Safe, "a: a.\"b\"or 1", "a: a.b or 1"),
    ("empty-pattern", Safety::Review, "{ a = { }:b: b; }", "{ a = _ :b: b; }"),
    ("beta-reduction", Safety::Review, "x: (x: x) x", "x: (x: x) x"),
    ("beta-reduction", Safety::Review, "a: f: f ((x: x) a)", "a: f: f (let x = a; in x)"),
    (
        "repeated-keys",
        Safety::Review,
        "{\n  a.b = 1; # one\n  # two\n  a.c = [\n    2\n  ];\n  a.d = 3; # three\n  e = 4;\n}",
        "{\n  a = {\n    b = 1; # one\n    # two\n    c = [\n      2\n    ];\n    d = 3; # three\n  };\n  e = 4;\n}",
    ),
    (
        "repeated-keys",
        Safety::Review,
        "{\n  a.b = 1;\n  x = 1;\n  a.c = 2;\n  a.d = 3;\n}",
        "{\n  a.b = 1;\n  x = 1;\n  a.c = 2;\n  a.d = 3;\n}",
    ),
    ("unused-let", Safety::Safe, "let a = 1; b = 2;in a", "let a = 1; in a"),
    ("unused-let", Safety::Safe, "let b = 2;in 1", "let in 1"),
];

#[test]
fn what_is_meant_is_left_alone() {
    for (name, text) in LEFT_ALONE {
        let rule = Rule::named(name).expect("a rule");
        assert_eq!(tree::parse(text).problems, [], "{text}");
        assert!(found(rule, text).is_empty(), "{name} finds something in {text}");
    }
}

#[test]
fn fixes_write_what_stands_for_itself() {
    for (name, least, before, after) in MENDED {
        let rule = Rule::named(name).expect("a rule");
        assert_eq!(fix::fix(&only(rule), before, *least).text, *after, "{name}");
    }
}

#[test]
fn other_arguments_make_a_repeated_import_less_bad() {
    let rule = Rule::named("repeated-import").expect("a rule");
    let text = "{ nixpkgs }: [ (import nixpkgs { }) (import nixpkgs { a = 1; }) (import nixpkgs { }) ]";
    let severities: Vec<_> = found(rule, text).iter().map(|finding| finding.severity.name()).collect();
    assert_eq!(severities, ["info", "warning"]);
}

/// The names that `expression` uses freely.
const NAMES: &str = "{ a, b, f, g, o }: ";

const LEAVES: &[&str] = &[
    "a",
    "b",
    "o.p",
    "true",
    "false",
    "null",
    "1",
    "\"s\"",
    "\"t$\"",
    "''''",
    "''u''",
    "[]",
    "[ 1 ]",
    "{}",
    "./p",
    "http://e.org/a",
];

/// `@` is where another expression stands. Each is in parentheses of its own, so every one of them can be parsed.
const SHAPES: &[&str] = &[
    "@",
    "!(@)",
    "!!(@)",
    "-(@)",
    "(@)==(@)",
    "!((@)<(@))",
    "(@)!=true",
    "(@)&&(@)",
    "true||(@)",
    "(@)->(@)",
    "(@)+(@)",
    "\"a\"+\"${@}\"",
    "(@)++(@)",
    "[]++(@)",
    "[(@)]++[(@)]",
    "(@)//(@)",
    "{}//(@)",
    "{p=(@);}//{q=(@);}",
    "if @ then @ else @",
    "if @ then true else false",
    "if true then(@)else(@)",
    "if o?p then o.p else(@)",
    "o?p&&o.p",
    "let a=(@);in @",
    "let a=@;in a",
    "let a=@;in let b=@;in @",
    "let{x=@;body=(@);}",
    "(x: @)(@)",
    "f(x: g x)(@)",
    "args@{...}:(@)",
    "{}:(@)",
    "{a=a;b=o.b;\"c\"=(@);}",
    "rec{a=(@);inherit;}.a",
    "{a.b=(@);\n  a.c=@;# c\n a.d=1;}",
    "\"x${@}\"",
    "\"${\"y\"}z${@}\"",
    "''${@}x''",
    "with(@);a",
    "assert(@);(@)",
    "assert true;@",
    "isNull(@)",
    "map(x: x)(@)",
    "toString(@)",
    "(@).a or(@)",
    "((@).b).c",
    "(@)?a",
    "[(@)(@)]",
];

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(LEAVES).prop_map(str::to_owned);
    leaf.prop_recursive(4, 20, 3, |inner| {
        (prop::sample::select(SHAPES), prop::collection::vec(inner, 3)).prop_map(|(shape, parts)| {
            let mut parts = parts.iter();
            // The `@` of a pattern is none of ours.
            let shape = shape.replace("args@", "args\0");
            let mut pieces = shape.split('@');
            let first = pieces.next().unwrap_or_default().to_owned();
            let text = pieces.fold(first, |text, piece| match parts.next() {
                Some(part) => format!("{text}{part}{piece}"),
                None => format!("{text}1{piece}"),
            });
            format!("({})", text.replace('\0', "@"))
        })
    })
}

/// Names that nothing defines: where words grew together, there is one.
fn undefined(text: &str) -> usize {
    let tree = tree::parse(text);
    Names::of(&tree, text).uses.iter().filter(|used| used.meaning == Meaning::Undefined).count()
}

proptest! {
    #[test]
    fn any_expression_is_mended_and_stays_one(body in expression(), review in any::<bool>()) {
        let text = format!("{NAMES}{body}\n");
        prop_assert_eq!(&tree::parse(&text).problems, &[], "{}", text);
        let every = Selection { only: RULES.iter().map(|rule| rule.name.to_owned()).collect(), ..Selection::default() };
        let linter = Linter::new(&every, TODAY);
        let least = if review { Safety::Review } else { Safety::Safe };
        let fixed = fix::fix(&linter, &text, least);
        prop_assert!(fixed.refused.is_empty(), "{:?} broke {}", fixed.refused, text);
        prop_assert_eq!(undefined(&fixed.text), undefined(&text), "{} became {}", text, fixed.text);
        let again = fix::fix(&linter, &fixed.text, least);
        prop_assert_eq!(&again.text, &fixed.text, "one time is enough");
    }

    #[test]
    fn taking_out_parentheses_takes_out_nothing_else(body in expression()) {
        let rule = Rule::named("redundant-parentheses").expect("a rule");
        let words = |text: &str| -> Vec<String> {
            let root = tree::parse(text).root().clone();
            rowan::ast::AstNode::syntax(&root)
                .descendants_with_tokens()
                .filter_map(rnix::NodeOrToken::into_token)
                .filter(|token| !token.kind().is_trivia() && !matches!(token.text(), "(" | ")"))
                .map(|token| token.text().to_owned())
                .collect()
        };
        let fixed = fix::fix(&only(rule), &body, Safety::Safe);
        prop_assert_eq!(words(&fixed.text), words(&body), "{} became {}", body, fixed.text);
    }
}
