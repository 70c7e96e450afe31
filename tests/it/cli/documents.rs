//! Every command that the documentation shows is run: none hides in a block that trycmd passes over.
#![expect(clippy::unwrap_used, reason = "a page that cannot be read fails its test")]

use std::fs;

use super::PAGES;
use crate::parts::repository;

/// Programs that install, build or test, which no transcript can run; their own tests do.
const NOT_RUN: &[&str] = &["scripts/", "cargo ", ".ci/run", "TRYCMD=overwrite cargo "];

#[test]
fn commands_of_the_documentation_stand_in_blocks_that_are_run() {
    for page in
        ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"].into_iter().map(str::to_owned).chain(docs())
    {
        let text = fs::read_to_string(repository().join(&page)).unwrap();
        for (line, info, words) in lines_of_blocks(&text) {
            let run = info == "console" && PAGES.contains(&page.as_str());
            let command = info == "console" || info == "sh" || words.starts_with("$ ");
            let excused = words.is_empty() || NOT_RUN.iter().any(|start| words.starts_with(start));
            assert!(run || !command || excused, "{page}:{line}: `{words}` is not run: put it into a `console` block");
        }
    }
}

#[test]
fn every_page_that_is_run_has_something_to_run() {
    for page in PAGES {
        let text = fs::read_to_string(repository().join(page)).unwrap();
        assert!(super::scene::commands(&text).len() > 4, "{page}");
    }
}

fn docs() -> impl Iterator<Item = String> {
    ["docs", "docs/reference"].into_iter().flat_map(|folder| {
        fs::read_dir(repository().join(folder)).unwrap().filter_map(move |entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".md").map(|_| format!("{folder}/{name}"))
        })
    })
}

/// The lines of every block: their number, what the block is, and what stands there.
fn lines_of_blocks(text: &str) -> Vec<(usize, &str, &str)> {
    let mut open: Option<&str> = None;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        match (open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(info.trim()),
            (Some(_), Some(_)) => open = None,
            (Some(info), None) => found.push((number + 1, info, line.trim())),
            (None, None) => {}
        }
    }
    found
}
