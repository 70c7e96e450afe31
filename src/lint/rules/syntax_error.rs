//! Text that Nix cannot parse.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "syntax-error",
    summary: "text that Nix cannot parse",
    why: "Nix refuses the whole file. Everything around the fault was still read, so one file can show several.",
    bad: Example::Nix("{ a = ; b = 1; }"),
    good: Example::Nix("{ a = 0; b = 1; }"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[("nil", "syntax_error"), ("nixf", "parse-*"), ("nix-linter", "parse error")],
    check: Check::Reading,
};
