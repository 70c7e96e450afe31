//! Attributes of an imported file that it does not have.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Linked, Report, Rule, Safety};
use crate::syntax::links::Link;
use crate::syntax::shape::How;

pub(super) static RULE: Rule = Rule {
    name: "import-without-attribute",
    summary: "an attribute that the imported file does not have",
    why: "The file comes to a set that is written out whole, and the attribute is not in it: Nix fails when it is asked for. \
          It was renamed, or stands in another file.",
    bad: Example::Beside("(import ./lib.nix).version", ("./lib.nix", "{ revision = 1; }")),
    good: Example::Beside("(import ./lib.nix).version", ("./lib.nix", "{ version = 1; }")),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Link(check),
};

fn check(link: &Link, linked: &Linked, report: &mut Report<'_, '_>) {
    let Linked::File(exports) = linked else { return };
    // What `callPackage` returns has more than the file gives; a set that is a function may become anything.
    let whole = link.how == How::Import && link.arguments.len() == exports.functions.len();
    let Some(gives) = exports.gives.as_ref().filter(|_| whole) else { return };
    for (name, at) in &link.selected {
        if !gives.iter().any(|given| given.name == *name || given.name == "__functor") {
            report.at(*at, format!("`{}` has no `{name}`", link.path));
        }
    }
}
