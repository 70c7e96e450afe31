//! Secrets with a mode that lets everyone read them.

use rnix::ast::AttrpathValue;

use super::option;
use super::written::text;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "world-readable-key",
    summary: "a secret that every user can read",
    why: "The last digit of the mode is for everyone. `\"0400\"` lets the owner alone read it; set `owner` and \
          `group` for the program that needs it.",
    bad: Example::Nix(r#"{ age.secrets.key.mode = "0644"; }"#),
    good: Example::Nix(r#"{ age.secrets.key.mode = "0400"; }"#),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(&["mode"], check),
};

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let Some(mode) = option::value(binding).as_ref().and_then(text).filter(|mode| is_open(mode)) else { return };
    let path = option::path(binding);
    let mut names = path.iter().rev().skip(1).map(String::as_str);
    let (name, place, of) = (names.next(), names.next(), names.next());
    let secret = match (of, place) {
        (Some("age" | "sops"), Some("secrets")) | (Some("sops"), Some("templates")) => {
            !name.is_some_and(|name| name.to_lowercase().contains("pub"))
        }
        (Some("environment"), Some("etc")) => name.is_some_and(is_secret),
        _ => false,
    };
    if secret {
        report.at(option::name_range(binding), format!("every user can read this secret: its mode is {mode}"));
    }
}

/// Whether an octal mode lets everyone read.
fn is_open(mode: &str) -> bool {
    let octal = (3..=4).contains(&mode.len()) && mode.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    octal && mode.bytes().last().is_some_and(|digit| digit >= b'4')
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = ["secret", "password", "private", "token", "credentials"];
    let key = name.ends_with("key") || name.contains("_key") || name.contains("key.pem");
    !name.contains("pub") && (key || words.iter().any(|word| name.contains(word)))
}
