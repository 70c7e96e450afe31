//! Inputs whose URL holds a revision.

use super::reference;
use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "pinned-rev-input",
    summary: "an input that no update changes",
    why: "`nix flake update` leaves it as it is. The lock pins a revision anyway; name a branch or a tag, \
          unless this revision is meant for good.",
    bad: Example::Flake {
        nix: r#"{ inputs.x.url = "github:a/x/5633bcff0c6162b9e4b5f1264264611e950c8ec7"; outputs = _: { }; }"#,
        lock: "",
    },
    good: Example::Flake { nix: r#"{ inputs.x.url = "github:a/x/main"; outputs = _: { }; }"#, lock: "" },
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    for input in view.declared() {
        if let Some(rev) = reference::of(input).and_then(|reference| reference.rev) {
            let rev = rev.get(..7).unwrap_or_default();
            let message = format!("input `{}` names the revision {rev}, so no update changes it", input.name);
            report.in_nix(Some(input.span), message);
        }
    }
}
