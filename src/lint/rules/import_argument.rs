//! Arguments that an imported function does not take, or lacks.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Linked, Report, Rule, Safety};
use crate::syntax::exports::Takes;
use crate::syntax::links::{Argument, Link};
use crate::syntax::shape::How;

pub(super) static RULE: Rule = Rule {
    name: "import-argument",
    summary: "an argument that the imported function does not take, or one that it lacks",
    why: "A function of `{ a, b }` takes these two and nothing else, and fails when it gets more or less. `...` in the pattern \
          takes what else is given, `b ? 1` can be left out, and `callPackage` adds what is missing.",
    bad: Example::Beside("import ./lib.nix { pkgs = { }; }", ("./lib.nix", "{ lib }: { }")),
    good: Example::Beside("import ./lib.nix { lib = { }; }", ("./lib.nix", "{ lib }: { }")),
    severity: Severity::Error,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Link(check),
};

fn check(link: &Link, linked: &Linked, report: &mut Report<'_, '_>) {
    let Linked::File(exports) = linked else { return };
    for (argument, takes) in link.arguments.iter().zip(&exports.functions) {
        let (Some(given), Takes::Set { formals, open }) = (&argument.names, takes) else { continue };
        if said_before(report, argument) {
            continue;
        }
        let unknown = given.iter().filter(|(name, _)| !open && formals.iter().all(|formal| formal.name != *name));
        for (name, at) in unknown {
            report.at(*at, format!("`{}` takes no `{name}`", link.path));
        }
        let filled = link.how == How::CallPackage;
        let lacks = |name: &str| !filled && given.iter().all(|(known, _)| known != name);
        let missing: Vec<_> = formals.iter().filter(|formal| !formal.optional && lacks(&formal.name)).collect();
        if let Some(first) = missing.first() {
            let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
            report.at(argument.at, format!("`{}` needs `{}`{more}", link.path, first.name));
        }
    }
}

/// A file that is applied once and used at several places has one argument.
fn said_before(report: &Report<'_, '_>, argument: &Argument) -> bool {
    let (start, end) = (usize::from(argument.at.start()), usize::from(argument.at.end()));
    report.said().any(|finding| finding.start >= start && finding.end <= end)
}
