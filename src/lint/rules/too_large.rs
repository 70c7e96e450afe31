//! Text that is longer than is read.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "too-large",
    summary: "text that is longer than is read",
    why: "Generated data is better kept in JSON; nothing of the file was looked at.",
    bad: Example::Words("a file of 17 MiB"),
    good: Example::Words("a file of 15 MiB"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};
