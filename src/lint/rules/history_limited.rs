//! The past of locks where a limit cut it.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "history-limited",
    summary: "a past that was not read to its end",
    why: "A limit was reached, or a commit could not be read; what was read is kept. The message says which.",
    bad: Example::Words("A lock that changed more often than is read at once."),
    good: Example::Words("A lock whose every change was read."),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Scan,
};
