//! Lock files whole, old, new and broken.

use super::*;
use proptest::prelude::*;

const NODE: &str = r#""locked":{"type":"path","path":"/x","narHash":"h"},"original":{"type":"path","path":"/x"}"#;

fn codes(lock: &LockFile) -> Vec<&'static str> {
    lock.problems.iter().map(|problem| problem.code).collect()
}

fn with_nodes(nodes: &str) -> LockFile {
    read(&format!(r#"{{"version":7,"root":"root","nodes":{{{nodes}}}}}"#))
}

#[test]
fn a_whole_lock_file_is_read_with_the_places_of_its_nodes() {
    let text = "{\n  \"nodes\": {\n    \"a\": {\n      \"flake\": false,\n      \"buildTime\": true,\n      \"locked\": {\"type\": \
                \"path\", \"path\": \"./a\", \"lastModified\": 1.5},\n      \"original\": {},\n      \"parent\": []\n    },\n    \
                \"root\": {\"inputs\": {\"a\": \"a\", \"b\": [\"a\"], \"self\": []}}\n  },\n  \"root\": \"root\",\n  \"version\": 7\n}\n";
    let lock = read(text);
    assert_eq!(lock.problems, []);
    assert_eq!((lock.version, lock.root.as_str(), lock.nodes.len()), (Some(7), "root", 2));
    let a = &lock.nodes["a"];
    let span = a.span.unwrap();
    assert_eq!((span.line, &text[span.start..span.end]), (3, "\"a\""));
    assert_eq!((a.flake, a.parent.as_deref()), (false, Some(&[][..])));
    assert_eq!(a.extra["buildTime"], true);
    assert_eq!(a.locked.as_ref().unwrap()["lastModified"], "1.5");
    assert_eq!(lock.nodes["root"].inputs["a"], Edge::Node("a".into()));
    assert_eq!(lock.nodes["root"].inputs["b"], Edge::Follows(vec!["a".into()]));
    assert_eq!(lock.nodes["root"].inputs["self"], Edge::Follows(vec![]));
}

#[test]
fn a_byte_order_mark_is_passed_over_and_moves_no_place() {
    let plain = format!(
        "{{\"version\":7,\"root\":\"root\",\"nodes\":{{\n\"root\":{{\"inputs\":{{\"a\":\"a\"}}}},\"a\":{{{NODE}}}}}}}"
    );
    let marked = format!("\u{feff}{plain}");
    let lock = read(&marked);
    assert_eq!((&lock.problems, lock.nodes.len()), (&Vec::new(), 2));
    let span = lock.nodes["a"].span.unwrap();
    assert_eq!((&marked[span.start..span.end], span.line), ("\"a\"", 2));
    let escaped = marked.replace("{\"root\"", "{\"\\u0072oot\"").replace("\"a\":{", "\"\\u0061\":{");
    let span = read(&escaped).nodes["a"].span.unwrap();
    assert_eq!(&escaped[span.start..span.end], "\"\\u0061\"");
    let broken = read("\u{feff}{]").problems;
    assert_eq!(broken[0].span.map(|span| (span.start, span.line)), Some((4, 1)));
    assert_eq!(codes(&read("\u{feff}\u{feff}{}")), ["lock-syntax"]);
}

#[test]
fn the_info_of_version_5_belongs_to_locked() {
    let lock = read(
        r#"{"version":5,"root":"r","nodes":{"r":{"inputs":{"a":"a"}},
           "a":{"info":{"narHash":"new","lastModified":1},"locked":{"rev":"x","narHash":"old"},"original":{}}}}"#,
    );
    assert_eq!(lock.problems, []);
    let locked = lock.nodes["a"].locked.as_ref().unwrap();
    assert_eq!((&locked["narHash"], &locked["rev"], &locked["lastModified"]), (&"new".into(), &"x".into(), &1.into()));
}

#[test]
fn versions_outside_5_to_7_are_named_and_still_read() {
    for (version, problems) in [("4", 1), ("5", 0), ("6", 0), ("7", 0), ("8", 1), ("99999999999999999999", 2)] {
        let lock = read(&format!(r#"{{"version":{version},"root":"root","nodes":{{"root":{{}}}}}}"#));
        assert_eq!(lock.problems.len(), problems, "{version}: {:?}", lock.problems);
        assert!(lock.nodes.contains_key("root"));
        assert_eq!(problems > 0, codes(&lock).contains(&"lock-version"));
    }
}

#[test]
fn a_lock_from_before_nodes_is_told_by_its_version_alone() {
    let text = r#"{"inputs":{"nixpkgs":{"inputs":{},"narHash":"h","originalUrl":"nixpkgs","url":"u"}},"version":4}"#;
    assert_eq!(codes(&read(text)), ["lock-version"]);
    assert_eq!(codes(&read(r#"{"inputs":{},"version":5}"#)), ["lock-missing-root"]);
}

#[test]
fn every_wrong_shape_is_one_problem_and_the_rest_is_read() {
    let cases = [
        (r#""root":{"inputs":{"a":"gone"}}"#.to_owned(), "lock-missing-node"),
        (r#""root":{"inputs":{"a":["gone"]}}"#.to_owned(), "follows-missing"),
        (r#""root":{"inputs":{"a":["a"]}}"#.to_owned(), "follows-cycle"),
        (r#""root":{"inputs":{"a":1}}"#.to_owned(), "lock-shape"),
        (r#""root":{"inputs":{"a":["a",2]}}"#.to_owned(), "lock-shape"),
        (r#""root":{"inputs":[]}"#.to_owned(), "lock-shape"),
        (r#""root":{},"a":7"#.to_owned(), "lock-shape"),
        (r#""root":{},"a":{"original":{}}"#.to_owned(), "lock-shape"),
        (format!(r#""root":{{}},"a":{{{NODE}}},"a":{{{NODE}}}"#), "lock-duplicate-key"),
        (format!(r#""root":{{}},"a":{{{NODE},"locked":{{}}}}"#), "lock-duplicate-key"),
        (r#""root":{"inputs":{"a":[],"a":[]}}"#.to_owned(), "lock-duplicate-key"),
        (r#""other":{"locked":{},"original":{}}"#.to_owned(), "lock-missing-root"),
    ];
    for (nodes, code) in cases {
        let lock = with_nodes(&format!(r#"{nodes},"kept":{{{NODE}}}"#));
        assert_eq!(codes(&lock), [code], "{nodes}");
        assert!(lock.nodes["kept"].locked.is_some(), "{nodes}");
    }
}

#[test]
fn problems_stand_on_the_line_of_their_node() {
    let lock = with_nodes("\n\"root\": {\"inputs\": {\n\"a\": \"gone\"}}\n");
    assert_eq!(lock.problems[0].span.unwrap().line, 2);
}

/// A lock as Nix writes it, of so many nodes beside the root.
fn whole(count: usize) -> String {
    let inputs: Vec<_> = (0..count).map(|at| format!("\"n{at}\": \"n{at}\"")).collect();
    let nodes: Vec<_> = (0..count).map(|at| format!("    \"n{at}\": {{\n{NODE}\n    }},\n")).collect();
    let nodes = nodes.concat();
    format!(
        "{{\n  \"nodes\": {{\n{nodes}    \"root\": {{\n      \"inputs\": {{{}}}\n    }}\n  }},\n  \"root\": \"root\",\n  \"version\": 7\n}}\n",
        inputs.join(", ")
    )
}

#[test]
fn of_a_lock_that_is_cut_off_the_whole_nodes_are_read() {
    let text = whole(3);
    let cut = &text[..text.find("\"n2\"").unwrap() + 20];
    let lock = read(cut);
    assert_eq!(codes(&lock), ["lock-syntax"]);
    assert_eq!(lock.nodes.keys().collect::<Vec<_>>(), ["n0", "n1"]);
    assert_eq!(lock.nodes["n1"], read(&text).nodes["n1"]);
    assert!(!lock.is_understood());
    let wrong = text.replace("\"n1\": {", "\"n1\": {,");
    assert_eq!(read(&wrong).nodes.keys().collect::<Vec<_>>(), ["n0"], "what stands before a fault");
}

#[test]
fn broken_json_is_a_problem_with_a_line() {
    for (text, line) in [("", 1), ("{\n\"a\": ,\n}", 2), ("[1]\n\nx", 3), ("{\"a\":\"é\n\"}", 2)] {
        let lock = read(text);
        assert_eq!(codes(&lock), ["lock-syntax"], "{text}");
        assert_eq!(lock.problems[0].span.unwrap().line, line, "{text}");
    }
    assert_eq!(codes(&read(&"[".repeat(100_000))), ["lock-syntax"]);
    assert_eq!(codes(&read("[1]")), ["lock-shape"]);
}

#[test]
fn our_side_of_a_conflict_is_read_with_its_own_lines() {
    let text = "{\"version\":7,\"root\":\"root\",\"nodes\":{\n<<<<<<< HEAD\n\"root\":{\"extra\":\"ours\"}\n||||||| base\n\"é\":1\n=======\n\
                \"root\":{\"extra\":\"theirs\"}\n>>>>>>> branch\n}}";
    let lock = read(text);
    assert_eq!(codes(&lock), ["conflict-markers"]);
    assert_eq!(lock.problems[0].span.unwrap().line, 2);
    assert_eq!(lock.nodes["root"].extra["extra"], "ours");
    assert_eq!(lock.nodes["root"].span.unwrap().line, 3);
    assert_eq!(codes(&read("<<<<<<< HEAD\n{\n=======\n")), ["conflict-markers", "lock-syntax"]);
}

#[test]
fn a_long_chain_of_follows_needs_no_deep_stack() {
    use std::fmt::Write;
    let mut inputs = String::new();
    for number in 0..50_000 {
        write!(inputs, r#""i{number}":["i{}"],"#, number + 1).unwrap();
    }
    let lock = with_nodes(&format!(r#""root":{{"inputs":{{{inputs}"i50000":[]}}}}"#));
    assert_eq!(lock.problems, []);
    assert_eq!(Links::new(&lock).resolve(&["i0"]), Ok("root"));
}

/// Pieces that make up lock files, so that random texts get past the first byte.
fn lock_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"nodes\"",
        "\"root\"",
        "\"inputs\"",
        "\"a\"",
        "\"locked\"",
        "\"version\"",
        "7",
        "1.5",
        "true",
        "\n",
        "<<<<<<< x\n",
        "=======\n",
        ">>>>>>> y\n",
        "\"\\u00e9\"",
        "é",
        "\\",
        "\"",
        "{\"version\":7,\"root\":\"root\",\"nodes\":{",
        "\"root\":{\"inputs\":{\"a\":[\"a\"]}}",
        "}}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_lock_that_is_cut_off_has_the_nodes_of_the_whole(count in 0_usize..6, cut in 0_usize..1000) {
        let text = whole(count);
        let end = cut.min(text.len());
        let (part, all) = (read(&text[..end]), read(&text));
        prop_assert!(all.problems.is_empty());
        for (key, node) in &part.nodes {
            prop_assert_eq!(Some(node), all.nodes.get(key));
        }
        let complete = (0..count).filter(|at| {
            let start = text.find(&format!("    \"n{at}\": {{")).unwrap();
            end >= start + text[start..].find("\n    }").unwrap() + "\n    }".len()
        });
        prop_assert!(part.nodes.len() >= complete.count());
        prop_assert_eq!(part.is_understood(), text[end..].trim().is_empty());
    }

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>(), like in lock_like()) {
        for text in [text, like] {
            for problem in read(&text).problems {
                let span = problem.span.unwrap_or(Span { start: 0, end: 0, line: 1 });
                prop_assert!(span.start <= span.end && span.end <= text.len());
            }
        }
    }
}
