//! The command line as people and scripts see it: transcripts of every command and of the documentation, run by
//! trycmd, each in a world of its own.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use rayon::prelude::*;

use crate::parts::repository;

mod conflict;
mod documents;
mod examples;
mod one_document;
mod promised;
mod scene;
mod shapes;

use scene::{Estate, Scene};

/// The pages for people whose commands are run; each begins without a ledger.
const PAGES: &[&str] = &[
    "README.md",
    "docs/getting-started.md",
    "docs/how-to.md",
    "docs/check.md",
    "docs/edit.md",
    "docs/explanation.md",
    "docs/sync.md",
];

#[test]
fn every_transcript_is_what_happens() {
    let mut cases: Vec<PathBuf> = fs::read_dir(repository().join("tests/cli"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "trycmd"))
        .collect();
    cases.sort();
    assert!(cases.len() > 30, "{} transcripts", cases.len());
    run_all(&cases, Scene::scan);
}

#[test]
fn every_page_of_the_documentation_is_what_happens() {
    let pages: Vec<PathBuf> = PAGES.iter().map(|page| repository().join(page)).collect();
    run_all(&pages, |_| {});
}

/// Runs every file that is meant, each in a scene of its own, and fails when one of them does.
fn run_all(cases: &[PathBuf], prepare: fn(&Scene)) {
    let estate = Estate::new();
    let failed: Vec<&PathBuf> = cases
        .par_iter()
        .filter(|case| is_meant(case))
        .filter(|case| {
            let run = || {
                let mut scene = Scene::new(&estate);
                prepare(&scene);
                if scene::needs_server(case) {
                    scene.serve();
                }
                scene.run(case);
            };
            catch_unwind(AssertUnwindSafe(run)).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "these differ, see above; TRYCMD=overwrite writes them anew: {failed:#?}");
}

/// Whether a file is meant by `trycmd=NAME` among the arguments; all are when there is none.
fn is_meant(case: &std::path::Path) -> bool {
    let mut names = std::env::args().filter_map(|word| word.strip_prefix("trycmd=").map(str::to_owned)).peekable();
    names.peek().is_none() || names.any(|name| case.to_string_lossy().contains(&name))
}
