//! Programs that run while Nix evaluates.

use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "builtins-exec",
    summary: "a builtin that runs a program while Nix evaluates",
    why: "It runs as the user who evaluates, outside every sandbox, and works only where `allow-unsafe-native- \
          code-during-evaluation` is set. Build the result instead.",
    bad: Example::Nix(r#"builtins.exec [ "date" ]"#),
    good: Example::Nix("{ date }: date"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(&["exec", "importNative"], check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let of_builtins = call.path().is_some_and(|path| path.first().is_some_and(|first| first == "builtins"));
    if of_builtins && call.is_builtin(report.names()) {
        report.at(call.range(), format!("`builtins.{}` runs a program while Nix evaluates", call.name()));
    }
}
