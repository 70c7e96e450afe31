//! Computed names in `let`.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "dynamic-let",
    summary: "a computed name in `let`",
    why: "Nix refuses the whole file: which names a `let` binds has to be known without evaluation.",
    bad: Example::Nix("x: let ${x} = 1; in 1"),
    good: Example::Nix("x: let set.${x} = 1; in set"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[("nil", "let_dynamic"), ("nixf", "sema-dynamic-in-let")],
    check: Check::Reading,
};
