//! Names that hide what Nix defines.

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::names::{Binder, is_global};

pub(super) static RULE: Rule = Rule {
    name: "shadowed-global",
    summary: "a name that hides one that Nix defines",
    why: "A reader takes `map` or `true` for what they are everywhere else. For a constant that is a trap; for a \
          function it is a hint. An attribute of a set hides nothing, so it may have such a name.",
    bad: Example::Nix("{ true }: true"),
    good: Example::Nix("{ enabled }: enabled"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[("nixf", "sema-primop-overridden")],
    check: Check::File(check),
};

/// Names for values that no text expects to be anything else.
const CONSTANTS: &[&str] = &["true", "false", "null", "builtins"];

fn check(report: &mut Report<'_, '_>) {
    for definition in &report.names().definitions {
        let constant = CONSTANTS.contains(&definition.name);
        let binds = match definition.binder {
            Binder::Let | Binder::Argument | Binder::Formal | Binder::Whole => true,
            // `inherit (builtins) map;` says where the name comes from.
            Binder::LetInherit => constant,
            Binder::Rec | Binder::RecInherit => false,
        };
        if binds && is_global(definition.name) {
            let said = report.at(definition.range, format!("`{}` hides the one that Nix defines", definition.name));
            if !constant {
                said.severity(Severity::Info);
            }
        }
    }
}
