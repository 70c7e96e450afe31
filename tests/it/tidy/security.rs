//! Every test that `SECURITY.md` names is there.

use std::fs;

use super::source::rust_files;
use crate::parts::repository;

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let page = fs::read_to_string(repository().join("SECURITY.md")).unwrap();
    let sources = ["src", "tests"].map(rust_files);
    let mut named = 0;
    for cell in page.lines().filter(|line| line.starts_with('|')).filter_map(|line| line.rsplit('|').nth(1)) {
        for name in cell.split('`').skip(1).step_by(2) {
            named += 1;
            let there = if let Some(stem) = name.strip_suffix(".trycmd") {
                repository().join(format!("tests/cli/{stem}.trycmd")).exists()
            } else if name.contains('/') {
                repository().join(name).exists()
            } else {
                let head = format!("fn {name}(");
                sources.iter().flatten().any(|source| source.text.contains(&head))
            };
            assert!(there, "SECURITY.md names `{name}`, which no test is called");
        }
    }
    assert!(named > 15, "{named} tests are named");
}
