//! Text nested deeper than is read.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "too-deep",
    summary: "text that is nested too deeply to be read",
    why: "Nothing below that depth was looked at. No text that people write is nested so deeply; a generated \
          one should be data, as JSON.",
    bad: Example::Words("A list of a thousand lists, each within the other."),
    good: Example::Words("The same data in a JSON file that is read with `builtins.fromJSON`."),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Reading,
};
