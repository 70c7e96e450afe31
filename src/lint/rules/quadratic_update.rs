//! Sets that a fold copies at every step.

use rnix::ast::{BinOpKind, Expr};

use super::certain::bare;
use super::quadratic_list::{fold, grows, is_only_carried};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "quadratic-update",
    summary: "a set that a fold copies at every step",
    why: "`//` copies the set, so the work grows with the square of its size. `builtins.listToAttrs (map …)` or \
          `lib.genAttrs` makes it at once; where a name comes twice, `listToAttrs` takes the first.",
    bad: Example::Nix("xs: builtins.foldl' (acc: x: acc // { ${x} = 1; }) { } xs"),
    good: Example::Nix("xs: builtins.listToAttrs (map (name: { inherit name; value = 1; }) xs)"),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(&["foldl'", "foldl", "foldr"], check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some((accumulator, body)) = fold(call) else { return };
    let Some(added) = grows(&body, &accumulator, BinOpKind::Update) else { return };
    let carried = is_only_carried(&body, &accumulator, BinOpKind::Update, report);
    if carried && matches!(bare(added), Expr::AttrSet(_)) {
        report.at(call.whole().text_range(), "each step of this fold copies the set; `listToAttrs` makes it at once");
    }
}
