//! Text in another encoding.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "not-utf8",
    summary: "a file that is not UTF-8",
    why: "Nix passes bytes on as they are; what is shown and stored of them here has other characters in their \
          place. Convert the file.",
    bad: Example::Words("A comment with an umlaut in Latin-1."),
    good: Example::Words("The same file converted to UTF-8."),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Scan,
};
