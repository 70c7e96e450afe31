//! Names of outputs that Nix does not look at.

use std::collections::BTreeSet;

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "output-typo",
    summary: "an output whose name is nearly one that Nix knows",
    why: "Nix passes it over without a word.",
    bad: Example::Flake { nix: "{ outputs = _: { nixosConfiguration.host = 1; }; }", lock: "" },
    good: Example::Flake { nix: "{ outputs = _: { nixosConfigurations.host = 1; }; }", lock: "" },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

const TYPOS: &[(&str, &str)] = &[
    ("app", "apps"),
    ("check", "checks"),
    ("darwinConfiguration", "darwinConfigurations"),
    ("devshell", "devShells"),
    ("devshells", "devShells"),
    ("homeConfiguration", "homeConfigurations"),
    ("homeManagerConfiguration", "homeConfigurations"),
    ("homeManagerConfigurations", "homeConfigurations"),
    ("nixOsConfigurations", "nixosConfigurations"),
    ("nixosConfiguration", "nixosConfigurations"),
    ("package", "packages"),
    ("template", "templates"),
];

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let Some(flake) = view.sound() else { return };
    let mut said = BTreeSet::new();
    for (path, span) in &flake.outputs.known {
        let category = path.split('.').next().unwrap_or_default();
        let Some((_, right)) = TYPOS.iter().find(|(typo, _)| *typo == category) else { continue };
        if said.insert(category) {
            report.in_nix(Some(*span), format!("no command looks at `{category}`; it is called `{right}`"));
        }
    }
}
