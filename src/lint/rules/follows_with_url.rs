//! Inputs with a URL that also follow.

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "follows-with-url",
    summary: "an input with both a URL and a `follows`",
    why: "Nix takes what is followed and never looks at the URL. Keep the one that is meant.",
    bad: Example::Flake {
        nix: r#"{ inputs.a.url = "github:a/a"; inputs.b = { url = "github:a/b"; follows = "a"; }; outputs = _: { }; }"#,
        lock: "",
    },
    good: Example::Flake {
        nix: r#"{ inputs.a.url = "github:a/a"; inputs.b.follows = "a"; outputs = _: { }; }"#,
        lock: "",
    },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    for input in view.declared() {
        let both = |follows: Option<&String>, url: Option<&String>| {
            follows.is_some_and(|follows| !follows.is_empty()) && url.is_some()
        };
        if both(input.follows.as_ref(), input.url.as_ref()) {
            let message = format!("input `{}` follows another, so its URL is never used", input.name);
            report.in_nix(Some(input.span), message);
        }
        for (path, over) in &input.overrides {
            if both(over.follows.as_ref(), over.url.as_ref()) {
                let message = format!("input `{}/{path}` follows another, so its URL is never used", input.name);
                report.in_nix(Some(input.span), message);
            }
        }
    }
}
