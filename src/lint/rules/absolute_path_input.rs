//! Inputs that are a place on one machine.

use super::reference;
use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::flake_ref::{FlakeRef, Source};

pub(super) static RULE: Rule = Rule {
    name: "absolute-path-input",
    summary: "an input that is an absolute path",
    why: "Only this machine has it. Use a path relative to the flake, or a URL; for work on both at once there \
          is `--override-input`.",
    bad: Example::Flake { nix: r#"{ inputs.x.url = "path:/home/me/x"; outputs = _: { }; }"#, lock: "" },
    good: Example::Flake { nix: r#"{ inputs.x.url = "path:./x"; outputs = _: { }; }"#, lock: "" },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    for input in view.declared() {
        let Some(path) = reference::of(input).as_ref().and_then(absolute) else { continue };
        let message = format!("input `{}` is `{path}`, which only this machine has", input.name);
        report.in_nix(Some(input.span), message);
    }
}

fn absolute(reference: &FlakeRef) -> Option<String> {
    match &reference.source {
        Source::Path { path } if path.starts_with('/') => Some(path.clone()),
        // An empty file that is put in place of one given by `--override-input` is everywhere.
        _ => reference::url(reference)
            .filter(|url| url.starts_with("file:/") && !url.ends_with("/dev/null"))
            .map(str::to_owned),
    }
}
