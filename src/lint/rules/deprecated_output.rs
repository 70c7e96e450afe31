//! Names of outputs that were replaced.

use std::collections::BTreeMap;

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::Span;

pub(super) static RULE: Rule = Rule {
    name: "deprecated-output",
    summary: "an output under a name that was replaced",
    why: "`nix flake check` warns of it, and newer commands do not look there.",
    bad: Example::Flake { nix: "{ outputs = _: { devShell.x86_64-linux = 1; }; }", lock: "" },
    good: Example::Flake { nix: "{ outputs = _: { devShells.x86_64-linux.default = 1; }; }", lock: "" },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[("nix", "flake output attribute is deprecated")],
    check: Check::Flake(check),
};

const REPLACED: &[(&str, &str)] = &[
    ("defaultPackage", "packages.<system>.default"),
    ("defaultApp", "apps.<system>.default"),
    ("defaultTemplate", "templates.default"),
    ("defaultBundler", "bundlers.<system>.default"),
    ("overlay", "overlays.default"),
    ("devShell", "devShells.<system>.default"),
    ("nixosModule", "nixosModules.default"),
];

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let Some(flake) = view.sound() else { return };
    let mut found: BTreeMap<&str, Span> = BTreeMap::new();
    for (path, span) in &flake.outputs.known {
        let category = path.split('.').next().unwrap_or_default();
        let first = found.entry(category).or_insert(*span);
        *first = (*first).min(*span);
    }
    for (old, new) in REPLACED {
        if let Some(span) = found.get(old) {
            report.in_nix(Some(*span), format!("`{old}` was replaced by `{new}`"));
        }
    }
}
