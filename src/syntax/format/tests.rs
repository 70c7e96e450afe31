//! Pairs of texts before and after, what must be refused, and that formatting twice says nothing new.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format")
}

/// Each `name.nix` has a `name.formatted` beside it; `UPDATE=1` writes those anew: read the difference.
#[test]
fn every_pair_is_formatted_as_it_says_and_stays_so() {
    let mut pairs = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "nix") {
            continue;
        }
        let before = std::fs::read_to_string(&path).unwrap();
        let after = format(&before).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let kept = path.with_extension("formatted");
        if std::env::var_os("UPDATE").is_some() {
            #[expect(clippy::disallowed_methods, reason = "a developer asked for it")]
            std::fs::write(&kept, &after).unwrap();
        }
        assert_eq!(after, std::fs::read_to_string(&kept).unwrap(), "{}", path.display());
        assert_eq!(format(&after).unwrap(), after, "{}", path.display());
        pairs += 1;
    }
    assert!(pairs >= 6, "{pairs} pairs");
}

#[test]
fn what_is_no_nix_is_refused_with_its_line() {
    for (text, line) in [("{\n  a = ;\n}", 2), ("{\n\n  a = 1\n}\n", 3), ("[ 1\n", 1), ("<<<<<<< ours\n{ }\n", 1)] {
        let error = format(text).unwrap_err();
        assert_eq!(error.line(), Some(line), "{text}: {error}");
        assert!(matches!(error, FormatError::Syntax { .. }), "{text}: {error}");
    }
}

#[test]
fn a_formatter_that_changes_what_is_said_is_caught() {
    let before = "{\n  a = 1; # why it is one\n  b = ''\n    x\n      y\n  '';\n}\n";
    assert_eq!(verify(before, before), Ok(()));
    for (after, line) in [
        ("{ a = 2; /* why it is one */ b = \"x\\n  y\\n\"; }", 2),
        ("{ a = 1; /* why it is one */ b = \"x\\ny\\n\"; }", 3),
        ("{ b = \"x\\n  y\\n\"; /* why it is one */ a = 1; }", 2),
        ("{ a = (1); /* why it is one */ b = \"x\\n  y\\n\"; }", 2),
    ] {
        assert_eq!(verify(before, after), Err(FormatError::Changed { line: Some(line) }), "{after}");
    }
    assert_eq!(verify(before, "{ a = 1"), Err(FormatError::Changed { line: None }));
}

#[test]
fn white_space_quotes_around_an_address_and_commas_may_change() {
    for (before, after) in [
        ("{ a, b }: a", "{\n  a,\n  b,\n}:\na\n"),
        ("[ https://example.org/a ]", "[ \"https://example.org/a\" ]"),
        ("''\n    a\n     b\n''", "''\n  a\n   b\n''"),
        ("''\n    a ${\n b }\n''", "''\n  a ${b}\n''"),
        ("''\n    ${a}''", "\"${a}\""),
        ("/* a  b */ x", "# a b\nx"),
    ] {
        assert_eq!(verify(before, after), Ok(()), "{before}");
    }
}

#[test]
fn a_word_of_a_comment_that_is_gone_is_missed() {
    let before = "{\n  # keep this\n  a = 1;\n  # and this\n}\n";
    assert_eq!(verify(before, "{ # keep this\n a = 1; }"), Err(FormatError::Comments { line: Some(4) }));
    assert_eq!(verify(before, "{ # keep and this\n a = 1;\n # this\n }"), Ok(()));
}

#[test]
fn the_pragma_keeps_a_whole_file_only_before_the_first_expression() {
    for text in ["# nixfmt: disable\n{a=1;}", "# about it\n\n#nixfmt:disable\n{a=1;}"] {
        assert_eq!(format(text).unwrap(), text);
        assert!(asks_to_be_left(text));
    }
    for text in ["{a=1;} # nixfmt: disable\n", "# nixfmt: disabled\n{a=1;}", "# no nixfmt: disable\n{a=1;}"] {
        assert_ne!(format(text).unwrap(), text);
        assert!(!asks_to_be_left(text));
    }
}

#[test]
fn deep_nesting_is_refused_and_ends_nothing() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(format(&deep), Err(FormatError::Syntax { .. })));
}

#[test]
fn the_style_is_named_by_the_version_that_makes_it() {
    assert_eq!(STYLE, format!("nixfmt_rs {}", nixfmt_rs::VERSION));
}

/// White space and comments between any two tokens.
fn gap() -> impl Strategy<Value = String> {
    let gap = prop_oneof![
        8 => Just(" "), 3 => Just("\n"), 2 => Just("\n\n\n  "), 1 => Just(" # a word\n"), 1 => Just(" /* two words */ "),
        1 => Just("\n/* several\n   lines */\n"),
    ];
    gap.prop_map(str::to_owned)
}

fn joined(parts: impl IntoIterator<Item = String>, gaps: &[String]) -> String {
    let mut gaps = gaps.iter().cycle();
    parts.into_iter().map(|part| part + gaps.next().map_or(" ", String::as_str)).collect()
}

fn atom() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("x".to_owned()),
        Just("null".to_owned()),
        Just("1".to_owned()),
        Just("1.5".to_owned()),
        Just("./a/b.nix".to_owned()),
        Just("<nixpkgs>".to_owned()),
        Just("\"a ${x} b\"".to_owned()),
        Just("''\n   a\n     b ${y}\n''".to_owned()),
        Just("{ }".to_owned()),
        Just("[ ]".to_owned()),
        Just("\"two\nlines\"".to_owned()),
        Just("x.y.z".to_owned()),
        Just("(x: x)".to_owned()),
    ]
}

/// Nix as nobody would write it: everything in everything, with comments in between.
fn nix() -> impl Strategy<Value = String> {
    atom().prop_recursive(5, 40, 4, |inner| {
        let gaps = || proptest::collection::vec(gap(), 1..5);
        let inners = || proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (inners(), gaps()).prop_map(|(items, gaps)| {
                let items = items.into_iter().map(|item| format!("({item})"));
                joined(["[".to_owned()].into_iter().chain(items).chain(["]".to_owned()]), &gaps)
            }),
            (inners(), gaps(), any::<bool>()).prop_map(|(items, gaps, rec)| {
                let names = ["a", "b.c", "\"d e\"", "f"].iter();
                let bindings = items
                    .into_iter()
                    .zip(names)
                    .flat_map(|(item, name)| [(*name).to_owned(), "=".to_owned(), item, ";".to_owned()]);
                let open = if rec { "rec {" } else { "{" };
                joined([open.to_owned()].into_iter().chain(bindings).chain(["}".to_owned()]), &gaps)
            }),
            (inner.clone(), inner.clone(), gaps(), 0..9_usize).prop_map(|(one, other, gaps, form)| {
                let words: Vec<String> = match form {
                    0 => ["let", "a", "=", &one, ";", "in", &other].map(str::to_owned).into(),
                    1 => ["with", &format!("({one})"), ";", &other].map(str::to_owned).into(),
                    2 => ["{", "a", ",", "b", "?", &one, "}", ":", &other].map(str::to_owned).into(),
                    3 => ["if", "x", "then", &one, "else", &other].map(str::to_owned).into(),
                    4 => [&format!("({one})"), "++", &format!("({other})")].map(str::to_owned).into(),
                    5 => ["x", ":", &one].map(str::to_owned).into(),
                    6 => ["f", &format!("({one})"), &format!("({other})")].map(str::to_owned).into(),
                    7 => ["assert", "x", "==", &format!("({one})"), ";", &other].map(str::to_owned).into(),
                    _ => [&format!("({one})"), "//", &format!("({other})")].map(str::to_owned).into(),
                };
                joined(words, &gaps)
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn formatting_twice_says_nothing_new(text in nix()) {
        match format(&text) {
            Ok(formatted) => {
                prop_assert_eq!(verify(&text, &formatted), Ok(()));
                prop_assert_eq!(format(&formatted), Ok(formatted));
            }
            // Refusing is always safe; but what was made here is Nix.
            Err(error) => prop_assert!(!matches!(error, FormatError::Syntax { .. }), "{}: {}", error, text),
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|[\\[\\]{}();:=\"'$\n #*/]){0,60}") {
        if let Ok(formatted) = format(&text) {
            prop_assert!(verify(&text, &formatted).is_ok() || asks_to_be_left(&text));
        }
    }
}
