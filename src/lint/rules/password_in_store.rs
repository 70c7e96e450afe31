//! Passwords that are written out.

use rnix::ast::AttrpathValue;

use super::option;
use super::written::text;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "password-in-store",
    summary: "a password that is written in the configuration",
    why: "It ends in the Nix store, which every user of the machine can read, and in the repository. Use the \
          option of the same name that ends in `File`, or a secret of `sops-nix` or `agenix`.",
    bad: Example::Nix(r#"{ users.users.me.password = "hunter22"; }"#),
    good: Example::Nix(r#"{ users.users.me.hashedPasswordFile = "/run/secrets/me"; }"#),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(NAMES, check),
};

const NAMES: &[&str] = &[
    "accessToken",
    "adminPassword",
    "apiKey",
    "apiToken",
    "authToken",
    "clientSecret",
    "hashedPassword",
    "initialHashedPassword",
    "initialPassword",
    "jwtSecret",
    "passphrase",
    "password",
    "presharedKey",
    "privateKey",
    "psk",
    "rootPassword",
    "secretKey",
];
/// What stands where a program asks for a secret and needs none.
const NO_SECRETS: &[&str] =
    &["changeme", "dummy", "local", "no-key", "none", "not-needed", "ollama", "redacted", "unused"];
/// Of users alone: a hash can be tried offline, and the first password is meant to be changed.
const WEAK: &[&str] = &["hashedPassword", "initialHashedPassword", "initialPassword"];

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let path = option::path(binding);
    let Some(name) = path.last().filter(|_| path.len() > 1) else { return };
    let written = option::value(binding).as_ref().and_then(text).is_some_and(|text| is_written(name, &text));
    if !written || option::is_for_show(binding) {
        return;
    }
    let weak = WEAK.contains(&name.as_str());
    if weak && !option::ends(binding, &["users", "*", name]) {
        return;
    }
    let severity = if weak { Severity::Info } else { Severity::Warning };
    let message = format!("what `{name}` says here can be read by every user of the machine");
    report.at(option::name_range(binding), message).severity(severity);
}

/// Whether a text is the secret itself, and not a place, a variable or a command that gives it.
fn is_written(name: &str, text: &str) -> bool {
    let begins = text.starts_with(['/', '$', '@', '!', '*', '%', '<', '{', '~', '.', '-']);
    let hash = text.starts_with("$6$") || text.starts_with("$y$") || text.starts_with("$5$");
    let elsewhere = ["env:", "file:", "ENC[", "MY_", "YOUR_"].iter().any(|start| text.starts_with(start));
    let elsewhere = elsewhere || NO_SECRETS.contains(&text.to_lowercase().as_str());
    (hash || !begins) && !text.is_empty() && !elsewhere && text != name && !text.contains([' ', '\n'])
}
