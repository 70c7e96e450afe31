//! What scripts rely on: the fields of the documents of `--json`, their kinds, their names in `jsonl`, and the columns of
//! `plain`; the page about it is made of the same table.

use std::fs;

use serde_json::{Value, json};

use super::promised::{Promise, event, promised};
use super::scene::{Estate, Scene};
use crate::parts::repository;

#[test]
fn every_document_has_the_fields_that_are_promised() {
    let scene = Scene::new(&Estate::new());
    scene.scan();
    // A lock that is not committed is a problem, so that there is one.
    scene.says(&["cp", "~/examples/updated.lock", "~/src/homelab/flake.lock"]);
    scene.says(&["cp", "~/examples/web.nix", "~/src/homelab/cellar.nix"]);
    scene.says(&["cp", "~/examples/overlay.nix", "~/src/homelab/overlay.nix"]);
    for Promise { words, shape, plain } in promised() {
        let document = said(&scene, words, "--json");
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["schema"], shape["schema"]);
        compare(&shape, &document, &words.join(" "));
        let lines = said(&scene, words, "--format=plain");
        assert!(!lines.is_empty(), "{words:?}");
        for line in lines.lines() {
            let columns = line.split('\t').count();
            let repeats = plain.last().is_some_and(|column| column.ends_with('…'));
            assert!(columns == plain.len() || repeats && columns + 1 >= plain.len(), "{words:?}: {line:?}");
        }
    }
    for line in said(&scene, &["log"], "--format=jsonl").lines() {
        compare(&event(), &serde_json::from_str(line).unwrap(), "log, a line");
    }
}

#[test]
fn the_page_of_answers_says_what_is_promised() {
    let page = promised().iter().fold(ABOVE.to_owned(), |page, Promise { words, shape, plain }| {
        let words: Vec<_> = words
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() })
            .collect();
        let shape = serde_json::to_string_pretty(shape).unwrap();
        let plain: Vec<_> = plain.iter().map(|column| format!("`{column}`")).collect();
        format!("{page}\n## `{}`\n\nplain: {}\n\n```json\n{shape}\n```\n", words.join(" "), plain.join(", "))
    });
    let path = repository().join("docs/reference/answers.md");
    if std::env::var_os("UPDATE").is_some() {
        #[expect(clippy::disallowed_methods, reason = "asked for")]
        fs::write(&path, &page).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap() == page,
        "docs/reference/answers.md is not what is promised; run with UPDATE=1"
    );
}

/// What stands above the commands on the page.
const ABOVE: &str = "\
# Answers

Every command takes `--format human|plain|json|jsonl`; `--json` is short for `--format json`. Text for people may change in
any release. For scripts:

- `json` is one document; `schema` names it, with its version. Fields are only ever added, so pass over those you do not know.
- `jsonl` is one object a line: the elements of the list in that document.
- `plain` is one line an element, its cells separated by tabs, without a heading; an absent cell is empty. Columns are only
  ever added, at the end.

What prints a text to be kept has no format: `hook`, most of `util`, `fmt -`, and `store export` to stdout. `serve` answers on
the bus and at `/healthz`. Sentences about what was done go to stderr, unless `--quiet` is given.

Times are RFC 3339 in UTC. A path that is not UTF-8 is also there as base64, in `path_bytes`. Below, `\"\"` stands for a text,
`0` for an integer, `0.5` for any number and `null` for what may be absent or is described elsewhere: locked sources have the
lock's own fields, payloads are those of [the events](events.md).
";

#[test]
fn sides_of_changes_and_overrides_say_what_is_promised() {
    let scene = Scene::new(&Estate::new());
    scene.scan();
    scene.says(&["mkdir", "~/src/forms"]);
    scene.says(&["cp", "~/examples/forms.nix", "~/src/forms/flake.nix"]);
    scene.says(&["cim-nix", "scan"]);
    let inputs =
        |flake| -> Value { serde_json::from_str(&said(&scene, &["flake", "inputs", flake], "--json")).unwrap() };
    let find = |document: &Value, name: &str| {
        document["inputs"].as_array().unwrap().iter().find(|input| input["name"] == name).unwrap().clone()
    };
    assert_eq!(find(&inputs("dotfiles"), "agenix")["overrides"]["nixpkgs"], json!({"follows": "nixpkgs"}));
    let forms = inputs("forms");
    assert_eq!(find(&forms, "overridden")["overrides"]["deep/deeper"], json!({"url": "github:o/deeper"}));
    assert_eq!(find(&forms, "by-attributes")["attrs"]["owner"], "o");
    assert_eq!(find(&forms, "followed")["follows"], "by-url");
    let changes: Value =
        serde_json::from_str(&said(&scene, &["flake", "history", "dotfiles", "--limit=1"], "--json")).unwrap();
    for side in ["from", "to"] {
        assert!(changes["changes"][0][side]["rev"].is_string(), "{changes}");
    }
}

fn said(scene: &Scene, words: &[&str], format: &str) -> String {
    let mut line = vec!["cim-nix", format];
    line.extend(words);
    scene.says(&line)
}

fn compare(shape: &Value, found: &Value, at: &str) {
    match (shape, found) {
        (Value::Object(fields), Value::Object(found)) => {
            for (name, shape) in fields {
                assert!(found.contains_key(name), "{at}: no field `{name}`");
                compare(shape, &found[name], &format!("{at}.{name}"));
            }
        }
        (Value::Array(shape), Value::Array(found)) => {
            assert!(!found.is_empty(), "{at}: nothing to compare");
            for element in found {
                compare(&shape[0], element, &format!("{at}[]"));
            }
        }
        (Value::Null, _) => {}
        (Value::Number(shape), Value::Number(found)) => assert!(shape.is_f64() || !found.is_f64(), "{at}: {found}"),
        _ => assert_eq!(std::mem::discriminant(shape), std::mem::discriminant(found), "{at}: {found}"),
    }
}
