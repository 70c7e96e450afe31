//! The examples of the SQL reference: each runs in the distribution's `sqlite3`, opened read-only, and in `cim-nix sql`.

use std::fs;

use super::scene::{Estate, Scene};
use crate::parts::{SQLITE3, repository, run};

#[test]
fn every_example_of_the_sql_reference_runs_in_sqlite3_and_says_the_same_as_we_do() {
    let scene = Scene::new(&Estate::new());
    scene.scan();
    scene.says(&["git", "clone", "--quiet", "~/src/website", "~/src/website-2"]);
    scene.says(&[
        "git",
        "-C",
        "~/src/website-2",
        "remote",
        "set-url",
        "origin",
        "https://git.example.org/mira/website",
    ]);
    scene.says(&["mkdir", "~/src/forms"]);
    scene.says(&["cp", "~/examples/forms.nix", "~/src/forms/flake.nix"]);
    scene.says(&["cim-nix", "scan"]);
    let text = fs::read_to_string(repository().join("docs/reference/sql.md")).unwrap();
    let examples = examples(&text);
    assert!(examples.len() >= 15, "{} examples", examples.len());
    let mut answered = 0;
    for example in examples {
        let mut sqlite = SQLITE3.command().unwrap();
        sqlite.args(["-readonly", "-separator", "\t"]).arg(scene.database()).arg(example);
        let theirs = run(&mut sqlite).unwrap_or_else(|error| panic!("{example}\n{error}"));
        let ours = scene.says(&["cim-nix", "sql", "--format", "plain", example]);
        assert_eq!(ours, theirs, "{example}");
        answered += usize::from(!theirs.is_empty());
    }
    assert!(answered > 10, "only {answered} of the examples find something in the example estate");
}

/// What stands in the blocks for SQL.
fn examples(text: &str) -> Vec<&str> {
    text.split("```sql\n").skip(1).filter_map(|block| block.split("\n```").next()).collect()
}
