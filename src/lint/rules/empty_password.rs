//! Accounts without a password.

use rnix::ast::AttrpathValue;

use super::option;
use super::written::text;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "empty-password",
    summary: "an account that anyone can enter",
    why: "An empty password lets everyone in who reaches a login, and by `su` every user of the machine. Lock \
          the account with `\"!\"`, or give it a password.",
    bad: Example::Nix(r#"{ users.users.root.initialHashedPassword = ""; }"#),
    good: Example::Nix(r#"{ users.users.root.initialHashedPassword = "!"; }"#),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["hashedPassword", "initialHashedPassword", "initialPassword", "password"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let empty = option::value(binding).as_ref().and_then(text).is_some_and(|text| text.is_empty());
    if !empty || option::is_for_show(binding) {
        return;
    }
    let path = option::path(binding);
    let of_user = path.iter().rev().nth(2).is_some_and(|name| name == "users" || name == "extraUsers");
    if of_user {
        report.at(option::name_range(binding), "this account has no password, so anyone can enter it");
    }
}
