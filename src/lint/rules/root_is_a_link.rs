//! Roots in whose place is a link by now.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "root-is-a-link",
    summary: "a root in whose place is a link by now",
    why: "Its flakes are recorded where the link leads. That is no root: what is there is private, also when the root was shared, and \
          `serve` does not watch it. A scan that names the place makes it a root, and `roots forget` ends the old one. A private root goes along \
          with the flakes in it.",
    bad: Example::Words("A root that was moved to a larger disk, with a link in its place."),
    good: Example::Words("The same, once the directory on the larger disk is a root."),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Scan,
};
