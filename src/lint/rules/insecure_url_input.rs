//! Inputs that come over an open line.

use super::reference;
use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "insecure-url-input",
    summary: "an input that is fetched without encryption",
    why: "The lock pins what came the first time and at every update; whoever sits on the way chooses what \
          that is. Use `https:` or `ssh:`.",
    bad: Example::Flake { nix: r#"{ inputs.x.url = "git+http://example.org/x.git"; outputs = _: { }; }"#, lock: "" },
    good: Example::Flake { nix: r#"{ inputs.x.url = "git+https://example.org/x.git"; outputs = _: { }; }"#, lock: "" },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    for input in view.declared() {
        let insecure = reference::of(input).as_ref().and_then(reference::url).is_some_and(reference::is_insecure);
        if insecure {
            let message = format!("input `{}` is fetched over a line that anyone on the way can change", input.name);
            report.in_nix(Some(input.span), message);
        }
    }
}
