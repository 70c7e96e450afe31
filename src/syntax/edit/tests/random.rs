//! Flakes of mixed styles, made at random.

use proptest::prelude::*;

use super::*;
use crate::syntax::{flake, tree};

/// How one input is written.
#[derive(Debug, Clone)]
enum Style {
    Dotted,
    OneLine,
    Nested,
    Attributes,
    Split,
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![
        Just(Style::Dotted),
        Just(Style::OneLine),
        Just(Style::Nested),
        Just(Style::Attributes),
        Just(Style::Split)
    ]
}

/// The bindings of one input, each a line of its own in a set that is so far in.
fn input(prefix: &str, name: &str, style: &Style, indent: &str, step: &str, comment: &str) -> Vec<String> {
    let path = format!("{prefix}{name}");
    let plain = name.trim_matches('"').replace(' ', "-");
    match style {
        Style::Dotted => vec![format!("{path}.url = \"github:o/{plain}\";{comment}")],
        Style::OneLine => vec![format!("{path} = {{ url = \"github:o/{plain}\"; }};{comment}")],
        Style::Nested => vec![format!(
            "{path} = {{{comment}\n{indent}{step}url = \"github:o/{plain}\";\n{indent}{step}inputs = {{ a.follows = \"\"; }};\n{indent}}};"
        )],
        Style::Attributes => vec![format!(
            "{path} = {{\n{indent}{step}type = \"github\";{comment}\n{indent}{step}owner = \"o\"; repo = \"{plain}\";\n{indent}}};"
        )],
        Style::Split => vec![
            format!("{path}.url = \"github:o/{plain}\";{comment}"),
            format!("# more of {plain}"),
            format!("{path}.flake = true;"),
        ],
    }
}

const NAMES: [&str; 5] = ["nixpkgs", "home-manager", "\"a b\"", "x1", "\"if\""];
const COMMENTS: [&str; 4] = ["", " # why", " /* why */", "  "];
const ARGUMENTS: [&str; 8] = [
    "{ self, ... }",
    "{ self, nixpkgs }",
    "inputs",
    "{ self, nixpkgs, ... }@inputs",
    "{\n    self,\n    nixpkgs,\n  }",
    "{ self\n  , nixpkgs # the packages\n  , x1 ? null\n  }",
    "{ }",
    "{\n    self, # this\n    nixpkgs, # those\n  }",
];

prop_compose! {
    fn any_flake()(
        styles in proptest::collection::vec((style(), 0..COMMENTS.len(), any::<bool>()), 0..5),
        step in prop_oneof![Just("  "), Just("\t"), Just("    ")],
        around in 0..4_u8,
        arguments in 0..ARGUMENTS.len(),
        description in any::<bool>(),
        gap in any::<bool>(),
        windows in any::<bool>(),
    ) -> String {
        let in_set = around % 2 == 0;
        let (prefix, indent) = if in_set { ("", step.repeat(2)) } else { ("inputs.", step.to_owned()) };
        let gap = if gap { "\n" } else { "" };
        let mut lines = Vec::new();
        for ((style, comment, blank), name) in styles.iter().zip(NAMES) {
            lines.extend(input(prefix, name, style, &indent, step, COMMENTS[*comment]));
            if *blank { lines.push(String::new()); }
        }
        let lines: String = lines.iter().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") }).collect();
        let inputs = match around {
            0 => format!("{step}inputs = {{\n{lines}{step}}};\n"),
            2 => format!("{step}inputs = {{ }};\n{step}inputs = {{ # all\n{lines}{step}}};\n"),
            _ => lines,
        };
        let description = if description { format!("{step}description = \"d\"; # c\n{gap}") } else { String::new() };
        let arguments = ARGUMENTS[arguments];
        let text = format!("# top\n{{\n{description}{inputs}{gap}{step}outputs = {arguments}:\n{step}{step}{{ }};\n}}\n");
        if windows { text.replace('\n', "\r\n") } else { text }
    }
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let name = || prop_oneof!["[a-z]{1,2}", Just("nixpkgs".to_owned()), Just("a b".to_owned()), "\\PC{0,6}"];
    let path = prop_oneof!["[a-z]/[a-z]", Just("nixpkgs/a".to_owned()), Just("x1/a/b".to_owned()), "\\PC{0,8}"];
    prop_oneof![
        (name(), "\\PC{0,12}", any::<bool>()).prop_map(|(name, url, flake)| Operation::AddInput { name, url, flake }),
        (name(), any::<bool>()).prop_map(|(name, force)| Operation::RemoveInput { name, force }),
        (name(), "\\PC{0,12}").prop_map(|(name, url)| Operation::SetUrl { name, url }),
        (path.clone(), name()).prop_map(|(path, target)| Operation::Follow { path, target }),
        path.prop_map(|path| Operation::Unfollow { path }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_added_and_removed_leaves_the_text_as_it_was(text in any_flake(), plain in any::<bool>()) {
        let there = Operation::AddInput { name: "new".to_owned(), url: "github:o/new".to_owned(), flake: !plain };
        let with = plan(&text, &there).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?.text;
        prop_assert!(flake::read(&with).inputs.iter().any(|input| input.name == "new" && input.flake != plain));
        let back = plan(&with, &remove("new")).map_err(|error| TestCaseError::fail(format!("{error}\n{with}")))?;
        prop_assert_eq!(back.text, text, "by way of\n{}", with);
    }

    #[test]
    fn what_follows_and_stops_leaves_the_text_as_it_was(text in any_flake(), deep in any::<bool>()) {
        let path = if deep { "nixpkgs/b/c" } else { "nixpkgs/b" };
        let declared = flake::read(&text).inputs.iter().any(|input| input.name == "nixpkgs" && input.declared);
        prop_assume!(declared);
        let with = plan(&text, &follow(path, "nixpkgs/c")).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?.text;
        let back = plan(&with, &unfollow(path)).map_err(|error| TestCaseError::fail(format!("{error}\n{with}")))?;
        prop_assert_eq!(back.text, text, "by way of\n{}", with);
    }

    #[test]
    fn a_url_that_is_set_and_set_back_leaves_the_text_as_it_was(text in any_flake(), url in "\\PC{0,20}") {
        let file = flake::read(&text);
        for input in file.inputs.iter().filter(|input| input.url.is_some()) {
            let with = plan(&text, &set_url(&input.name, &url)).map_err(|error| TestCaseError::fail(error.to_string()))?.text;
            let url = input.url.clone().unwrap_or_default();
            prop_assert_eq!(&plan(&with, &set_url(&input.name, &url)).unwrap().text, &text);
        }
    }

    #[test]
    fn every_input_of_a_flake_can_be_removed_and_the_rest_stays(text in any_flake()) {
        let comments = text.matches("# more of").count();
        let mut left = text;
        while let Some(input) = flake::read(&left).inputs.into_iter().find(|input| input.declared) {
            let operation = Operation::RemoveInput { name: input.name, force: true };
            left = plan(&left, &operation).map_err(|error| TestCaseError::fail(format!("{error}\n{left}")))?.text;
        }
        prop_assert_eq!(left.matches("# more of").count(), comments, "{}", left);
        prop_assert_eq!(tree::parse(&left).problems.len(), 0);
    }

    #[test]
    fn what_comes_out_parses_and_is_what_the_edits_make(text in any_flake(), operation in any_operation()) {
        if let Ok(plan) = plan(&text, &operation) {
            prop_assert_eq!(tree::parse(&plan.text).problems.len(), 0, "{}", plan.text);
            prop_assert_eq!(apply(&text, &plan.edits).unwrap(), plan.text);
        }
    }

    #[test]
    fn any_cut_of_a_flake_is_edited_or_refused(text in any_flake(), from in 0..400_usize, to in 0..400_usize, operation in any_operation()) {
        let (from, to) = (text.floor_char_boundary(from), text.floor_char_boundary(to));
        let cut = format!("{}{}", &text[..from], &text[to..]);
        if let Ok(plan) = plan(&cut, &operation) {
            prop_assert_eq!(tree::parse(&plan.text).problems.len(), 0);
        }
    }

    #[test]
    fn any_text_is_edited_or_refused(text in "\\PC{0,40}|[{}a-c.=;\"'$/# \\n]{0,60}", operation in any_operation()) {
        let _ = plan(&text, &operation);
    }
}
