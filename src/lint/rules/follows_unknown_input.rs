//! Follows that lead to no input.

use std::collections::BTreeSet;

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "follows-unknown-input",
    summary: "a `follows` of an input that is not declared",
    why: "Nix refuses the flake: what is followed must be an input of this flake, or an input of one, as in \
          `a/b`.",
    bad: Example::Flake {
        nix: r#"{ inputs.x = { url = "github:a/x"; inputs.nixpkgs.follows = "nixpkgs"; }; outputs = _: { }; }"#,
        lock: "",
    },
    good: Example::Flake {
        nix: r#"{ inputs.x = { url = "github:a/x"; inputs.nixpkgs.follows = "nixpkgs"; }; inputs.nixpkgs.url = "github:NixOS/nixpkgs"; outputs = _: { }; }"#,
        lock: "",
    },
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[("flake-edit", "stale follows")],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    // Inputs that are not known could have any name.
    let Some(flake) =
        view.sound().filter(|flake| !flake.problems.iter().any(|problem| problem.code == "dynamic-input"))
    else {
        return;
    };
    let names: BTreeSet<&str> = flake.inputs.iter().map(|input| input.name.as_str()).collect();
    for input in view.declared() {
        let own = input.follows.iter().map(|follows| (input.name.clone(), follows));
        let overrides = input
            .overrides
            .iter()
            .filter_map(|(path, over)| Some((format!("{}/{path}", input.name), over.follows.as_ref()?)));
        for (path, follows) in own.chain(overrides) {
            let first = follows.split('/').next().unwrap_or_default();
            if !first.is_empty() && first != "self" && !names.contains(first) {
                let message = format!("input `{path}` follows `{follows}`, but no input `{first}` is declared");
                report.in_nix(Some(input.span), message);
            }
        }
    }
}
