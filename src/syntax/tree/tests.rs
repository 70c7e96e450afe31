//! Tests of the parser: the same tree as `rnix` on sound text, every byte kept on any text, no text ends the process.

use proptest::prelude::*;
use rnix::ast::{self, HasEntry};

use super::*;

/// Expressions that cover the grammar; both parsers must build the same tree for each.
const SOUND: &[&str] = &[
    "{ a = 1; b.c.\"d e\".${f} = 2; inherit x y \"z\"; inherit (foo.bar) q or; }",
    "rec { a = b; b = [ 1 2.5 (f x) a.b.c or d ./p <nixpkgs> ~/x /abs http://a.b/c \"s\" ''i'' ]; }",
    "let a = 1; inherit b; in let { body = 2; x = body; }",
    "{ self, nixpkgs ? null, ... }@inputs: args@{ a, b, }: x: {}: { }: y",
    "a + b * c - d / e ++ f ++ g // h // i == j && !k || l -> m -> n",
    "! a // b < c",
    "-a.b -c",
    "- - a ? b.c ? \"d\"",
    "f x y (z) { } [ ] \"s\" ''t'' rec { }",
    "if a then b else if c then d else e",
    "with a; with b; assert c; d",
    "a |> b |> c",
    "a <| b <| c",
    "\"a${b}c${\"d\"}\\n$${x}\\\"\"",
    "''\n  a\n    ${b} ''${c} ''' ''\\n\n''",
    "./a/${b}/c${d}",
    "a.b or c d",
    "f or",
    "(a or) b",
    "x @ { y }: __curPos.line",
    "{ }",
    "{...}: 1",
    "{ a ? { b = 1; }, c ? [ ] }: a",
    "/* c */ # d\n a # e\n",
    "a == b",
    "a != b == !c",
    "(x: y: z) (a: b)",
    "let { body = { a = 1; }; }.a",
    "a/(b) + 1/[ ] - a-b/{ }",
    "[ \"0.${a}\" ''0.'' ]",
    "[ let { body = 1; } ]",
    "a.b.\"c\".${d} or (e.f or g)",
    "1.5e3 * .5",
];

fn on_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap()
}

fn bindings(text: &str) -> Vec<String> {
    let Some(ast::Expr::AttrSet(set)) = parse(text).expression() else { return Vec::new() };
    set.attrpath_values().filter_map(|binding| Some(binding.attrpath()?.to_string())).collect()
}

#[test]
fn sound_text_gives_the_tree_of_rnix() {
    for text in SOUND {
        let theirs = rnix::Root::parse(text);
        let ours = parse(text);
        if theirs.errors().is_empty() {
            assert_eq!(ours.problems, [], "{text}");
            assert_eq!(format!("{:#?}", ours.root().syntax()), format!("{:#?}", theirs.syntax()), "{text}");
        }
        assert_eq!(ours.text(), *text);
    }
}

#[test]
fn a_broken_binding_does_not_take_the_next_one_along() {
    let cases: &[(&str, &[&str])] = &[
        ("{ a = ; b = 1; }", &["a", "b"]),
        ("{ a = pkgs.; b = 1; }", &["a", "b"]),
        ("{ services. ; b = 1; }", &["services.", "b"]),
        ("{ foo; b = 1; }", &["foo", "b"]),
        ("{ x = if a then ; y = 2; }", &["x", "y"]),
        ("{ inherit (foo ; y = 2; }", &["y"]),
        ("{ a = 1 b = 2; c = 3; }", &["a", "b", "c"]),
        ("{ a.url = \"x\"\n  b.url = \"y\";\n c = f x\n d.\"e\" = 3; }", &["a.url", "b.url", "c", "d.\"e\""]),
        ("{ a = [ 1 2 ; b = 2; }", &["a", "b"]),
        ("{ a = (1 ; b = 2; }", &["a", "b"]),
        ("{ a = 1 ) ; b = 2; }", &["a", "b"]),
        ("{ a = \"${x\"; b = 2; }", &["a"]),
        ("{ a = 1;\n<<<<<<< HEAD\n b = 2;\n=======\n b = 3;\n>>>>>>> topic\n c = 4; }", &["a", "b", "b", "c"]),
    ];
    for (text, names) in cases {
        let tree = parse(text);
        assert!(!tree.problems.is_empty(), "{text}");
        let found = bindings(text);
        for name in *names {
            assert!(found.iter().any(|other| other == name), "{text}: {found:?} lacks {name}");
        }
        assert_eq!(tree.text(), *text);
    }
}

#[test]
fn an_operand_is_no_function_and_pipes_go_one_way() {
    for text in [
        "f x: x",
        "1 + x: x",
        "[ { a }: a ]",
        "!x: x",
        "a |> b <| c",
        "a <| b |> c",
        "x: 1 2 |> y: 3",
        "a\u{a0}b",
        "a\u{b}",
    ] {
        assert!(parse(text).problems.iter().all(|problem| problem.code == "syntax-error"), "{text}");
        assert!(!parse(text).problems.is_empty(), "{text}");
        assert_eq!(parse(text).text(), text);
    }
    assert!(!parse("a: a ? b \"c\"").problems.is_empty());
}

#[test]
fn a_lone_carriage_return_ends_a_comment() {
    let text = "{ # a\r b = 1; # c\r\n d = \"x\ry\"; }";
    assert_eq!(parse(text).problems, []);
    assert_eq!(bindings(text), ["b", "d"]);
    assert_eq!(parse(text).text(), text);
}

#[test]
fn faults_name_the_line_and_what_is_missing() {
    let tree = parse("{\n  a = 1\n  b = 2;\n}\n");
    let [problem] = &tree.problems[..] else { panic!("{:?}", tree.problems) };
    assert_eq!((problem.code, problem.span.unwrap().line), ("syntax-error", 2));
    assert_eq!(problem.message, "a `;` is missing after this");
    let tree = parse("{\n  a = {\n    b = 1;\n}\n");
    assert!(tree.problems.iter().any(|problem| problem.message == "this `{` is never closed"));
    let tree = parse("\u{feff}{ }");
    assert_eq!(
        tree.problems[0].message,
        "expected an expression, found a byte order mark (U+FEFF), which Nix refuses; save the file without it"
    );
    let tree = parse("{ a = 1;\n<<<<<<< HEAD\n=======\n>>>>>>> x\n}");
    assert!(tree.problems.iter().all(|problem| problem.code == "conflict-marker"), "{:?}", tree.problems);
}

#[test]
fn every_conflict_marker_is_one_problem_however_many_words_follow_it() {
    let text = "{\n  a = 1;\n<<<<<<< HEAD (a, b)\n  b = 1;\n=======\n  b = 2;\n>>>>>>> 1a2b3c4 (Say it: \"otherwise\", twice)\n  c = 3;\n}\n";
    let markers: Vec<_> =
        parse(text).problems.into_iter().filter(|problem| problem.code == "conflict-marker").collect();
    let spans: Vec<_> = markers.iter().map(|problem| problem.span.unwrap()).collect();
    assert_eq!(spans.iter().map(|span| span.line).collect::<Vec<_>>(), [3, 5, 7]);
    assert_eq!(&text[spans[0].start..spans[0].end], "<<<<<<< HEAD (a, b)");
}

#[test]
fn deep_nesting_of_every_construct_is_refused_on_a_small_stack() {
    let constructs = [
        "[",
        "(",
        "{a=",
        "-",
        "!",
        "a ++ ",
        "a + ",
        "a ",
        "x: ",
        "let a = 1; in ",
        "if a then ",
        "with a; ",
        "${",
        "\"${",
        "a.b or ",
        "a // ",
        "a -> ",
        "a.",
        "[()] ",
        "[{a.b}]=1;}",
        "{a?",
        "a ? b ",
        "a <| ",
        "(x: ",
        "rec {a=[",
        "assert a;",
        "inherit (",
        "''${",
        "./a${",
        "- - [",
        "a@",
        "f or ",
        "let {a=",
        "{ inherit (",
        "a == ",
        "((a a a a ",
        "{}: ",
    ];
    for construct in constructs {
        on_small_stack(move || {
            let text = construct.repeat(100_000);
            let tree = parse(&text);
            assert_eq!(tree.text(), text, "{construct}");
            assert!(tree.root().syntax().descendants().count() > 1);
        });
    }
}

#[test]
fn nesting_up_to_the_limit_is_read() {
    for (open, close) in [("[", "]"), ("(", ")"), ("{a=", ";}"), ("-", ""), ("x:", "")] {
        on_small_stack(move || {
            let depth = parser::LIMITS.0 as usize / 2 - 2;
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(parse(&text).problems, [], "{open}");
        });
    }
    let sum = format!("1{}", " + 1".repeat(parser::LIMITS.1 as usize - 10));
    assert_eq!(parse(&sum).problems, []);
    assert_eq!(parse(&format!("{sum}{sum}")).problems[0].code, "too-deep");
}

#[test]
fn chains_and_nests_of_any_length_are_called_too_deep() {
    for construct in ["[ ", "- ", "1 + ", "[ ] ++ ", "f ", "{ } // ", "a -> "] {
        on_small_stack(move || {
            let problems = parse(&construct.repeat(100_000)).problems;
            assert!(problems.iter().any(|problem| problem.code == "too-deep"), "{construct}");
        });
    }
}

#[test]
fn a_huge_text_is_refused_and_a_hanging_one_is_cut() {
    assert_eq!(parse(&" ".repeat(MAX_BYTES + 1)).problems[0].code, "too-large");
    let text = format!("{{ a = x{}; }}", ".a".repeat(200_000));
    assert_eq!(parse(&text).problems[0].code, "too-deep");
}

#[test]
fn strings_say_what_nix_says() {
    let cases = [
        (r#""a\n\t\\\"\${b}$$ \x""#, Some("a\n\t\\\"${b}$$ x")),
        ("\"a\r\nb\"", Some("a\nb")),
        (r#""a${"b"}${''c''}""#, Some("abc")),
        (r#""a${b}""#, None),
        ("''a''", Some("a")),
        ("''\n  a\n    b\n  ''", Some("a\n  b\n")),
        ("''\n  a\n\n   b\n''", Some("a\n\n b\n")),
        ("''  \n\n  a''", Some("\na")),
        ("''a ''' ''$ ''\\n ''\\t 'x $y ''${z}''", Some("a '' $ \n \t 'x $y ${z}")),
        ("''\n  ''\\ta\n    b''", Some("\ta\n  b")),
        ("''\n\ta\n''", Some("\ta\n")),
        ("''\n    ${\"x\"}\n      y\n''", Some("x\n  y\n")),
        ("''${\"x\"}\n  y''", Some("x\n  y")),
        ("\"\"", Some("")),
        ("''''", Some("")),
        ("\"open", None),
    ];
    for (text, expected) in cases {
        let Some(ast::Expr::Str(literal)) = parse(text).expression() else { panic!("{text}") };
        assert_eq!(string(&literal).as_deref(), expected, "{text}");
    }
}

#[test]
fn lines_count_from_one() {
    let lines = Lines::new("a\nbc\n\nd");
    let line_at = |at| lines.span(at, at).line;
    assert_eq!([0, 1, 2, 4, 5, 6, 7].map(line_at), [1, 1, 2, 2, 3, 4, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_kept(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(parse(&text).text(), text);
    }

    #[test]
    fn any_heap_of_tokens_is_kept(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..120)) {
        let text = tokens.concat();
        let tree = parse(&text);
        prop_assert_eq!(tree.text(), text.clone());
        for node in tree.root().syntax().descendants().filter_map(ast::Str::cast) {
            let _ = (parts(&node), string(&node));
        }
        let theirs = rnix::Root::parse(&text);
        if theirs.errors().is_empty() && tree.problems.is_empty() {
            prop_assert_eq!(format!("{:#?}", tree.root().syntax()), format!("{:#?}", theirs.syntax()));
        }
    }

    #[test]
    fn sound_text_cut_anywhere_is_kept(index in 0..SOUND.len(), from in 0_usize..60, to in 0_usize..60) {
        let cut: String = SOUND[index].chars().enumerate().filter(|(at, _)| *at < from || *at > to).map(|(_, c)| c).collect();
        prop_assert_eq!(parse(&cut).text(), cut);
    }
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "${",
    "\"",
    "''",
    ";",
    "=",
    ".",
    ",",
    ":",
    "@",
    "?",
    "...",
    " ",
    "\n",
    "a",
    "b ",
    "or ",
    "inherit ",
    "let ",
    "in ",
    "if ",
    "then ",
    "else ",
    "with ",
    "assert ",
    "rec ",
    "+",
    "++",
    "-",
    "//",
    "->",
    "!",
    "==",
    "<",
    "1 ",
    "2.5 ",
    "./p ",
    "<n>",
    "~/x",
    "http://x.y",
    "#c\n",
    "/*",
    "*/",
    "\\",
    "$",
    "'",
    "é",
    "\u{feff}",
    "x = 1;",
    "{ a }:",
];
