//! Text that nests deeper than is read.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "too-deep",
    summary: "text that nests deeper than is read",
    why: "Nobody writes that by hand; the rest of the file was not looked at.",
    bad: Example::Words("a list in a list, four hundred times"),
    good: Example::Words("a list in a list, three hundred times"),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};
