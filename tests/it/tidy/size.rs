//! Limits on files and functions, and how a file begins.

use super::source::{Breach, Source, rust_files};

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 80;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["mod", "utils", "util", "common", "helpers", "helper", "prelude", "misc"];

#[test]
fn files_and_functions_stay_small() {
    let sources = ["src", "tests", "benches"].map(rust_files);
    super::report(sources.iter().flatten().flat_map(|source| {
        let mut breaches = functions(source);
        breaches.extend(file(source));
        breaches
    }));
}

#[test]
fn files_say_what_they_are_for_and_have_telling_names() {
    let sources = ["src", "tests", "benches"].map(rust_files);
    super::report(sources.iter().flatten().flat_map(head));
}

fn file(source: &Source) -> Option<Breach> {
    let lines = source.text.lines().count();
    (lines > FILE_LINES).then(|| source.breach(0, format!("{lines} lines; split it, the limit is {FILE_LINES}")))
}

fn head(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if !source.text.starts_with("//!") {
        breaches.push(source.breach(0, "starts without `//!`: say what the file is for and what it must not know"));
    }
    let name = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    if EMPTY_NAMES.contains(&name) && source.path != "src/cli/command/util.rs" {
        breaches.push(source.breach(0, format!("`{name}` says nothing about what is inside")));
    }
    breaches
}

fn functions(source: &Source) -> Vec<Breach> {
    source
        .words("fn")
        .filter_map(|at| {
            let lines = source.code[at..at + body_end(&source.code[at..])?].lines().count();
            let name: String =
                source.code[at + 2..].trim_start().chars().take_while(|c| super::source::is_word(*c)).collect();
            (lines > FUNCTION_LINES).then(|| {
                source.breach(at, format!("`{name}` has {lines} lines; split it, the limit is {FUNCTION_LINES}"))
            })
        })
        .collect()
}

/// Where the body of the function that starts here ends; `None` if it has no body.
fn body_end(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut in_signature = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' if depth == 0 => in_signature += 1,
            ')' | ']' if depth == 0 => in_signature = in_signature.checked_sub(1)?,
            ';' | ',' if depth == 0 && in_signature == 0 && c == ';' => return None,
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn a_long_function_and_a_long_file_are_found() {
    let long = format!("//! x\nfn long(a: [u8; 3]) {{\n{}}}\nfn short();\n", "    call();\n".repeat(FUNCTION_LINES));
    let found = functions(&Source::new("src/x.rs", &long));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].why.contains("82 lines")), (2, true));
    assert_eq!(file(&Source::new("src/x.rs", &"//\n".repeat(FILE_LINES))), None);
    assert!(file(&Source::new("src/x.rs", &"//\n".repeat(FILE_LINES + 1))).is_some());
}

#[test]
fn a_file_without_a_head_or_with_an_empty_name_is_found() {
    assert_eq!(head(&Source::new("src/x.rs", "use a;\n")).len(), 1);
    assert_eq!(head(&Source::new("src/app/helpers.rs", "//! x\n")).len(), 1);
    assert_eq!(head(&Source::new("src/app/scan.rs", "//! x\n")), []);
}
