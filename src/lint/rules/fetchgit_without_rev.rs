//! Git fetched without a revision.

use rnix::ast::Expr;

use super::written::text;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "fetchgit-without-rev",
    summary: "a `fetchGit` without a revision",
    why: "It takes the newest commit at every evaluation; in pure evaluation Nix refuses it. Add `rev`.",
    bad: Example::Nix(r#"builtins.fetchGit { url = "https://example.org/x.git"; ref = "main"; }"#),
    good: Example::Nix(
        r#"builtins.fetchGit {
  url = "https://example.org/x.git";
  ref = "main";
  rev = "5633bcff0c6162b9e4b5f1264264611e950c8ec7";
}"#,
    ),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(&["fetchGit", "fetchMercurial"], check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    if !call.is_builtin(report.names()) {
        return;
    }
    let url = match call.argument() {
        Some(Expr::AttrSet(_)) => {
            let set = call.attributes().filter(|set| !set.has("rev") && !set.is_open());
            set.and_then(|set| set.value("url"))
        }
        Some(argument @ Expr::Str(_)) => Some(argument),
        _ => None,
    };
    // A directory of this machine is taken as it is.
    if url.as_ref().and_then(text).is_some_and(|url| url.contains("://") && !url.starts_with("file:")) {
        report.at(call.range(), format!("`{}` takes the newest commit: it has no `rev`", call.name()));
    }
}
