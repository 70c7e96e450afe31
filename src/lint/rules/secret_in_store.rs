//! Secrets in strings.

use rnix::ast::AttrpathValue;
use rnix::{SyntaxKind, SyntaxToken, TextRange, TextSize};
use rowan::ast::AstNode;

use super::option;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};
use crate::syntax::secret;

pub(super) static RULE: Rule = Rule {
    name: "secret-in-store",
    summary: "a secret in a string",
    why: "What a string says ends in the Nix store, which every user and every build of the machine can read, \
          and in the repository. Revoke it; then read it from a file when the program starts, as `sops-nix`, \
          `agenix` and `LoadCredential` do.",
    bad: Example::Nix(r#"{ services.x.settings.key = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"; }"#),
    good: Example::Nix(r#"{ services.x.settings.keyFile = "/run/secrets/x"; }"#),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::File(check),
};

fn check(report: &mut Report<'_, '_>) {
    for found in secret::certain(report.file.text) {
        let secret = report.file.text.get(found.span.start..found.span.end).unwrap_or_default();
        let Some(string) = string_at(found.span.start, report).filter(|_| !is_made_up(found.kind, secret)) else {
            continue;
        };
        if !seen_elsewhere(&string, report) {
            // The place is the quote alone: the text, and so a hash of it, stays out of what is kept.
            report.at(string.text_range(), format!("this string holds a secret ({})", found.kind));
        }
    }
}

/// The opening quotes of the string literal at a place.
fn string_at(at: usize, report: &Report<'_, '_>) -> Option<SyntaxToken> {
    let at = TextSize::from(u32::try_from(at).ok()?);
    let node = report.file.node_at(TextRange::at(at, 1.into()))?;
    let string = Some(node).filter(|node| node.kind() == SyntaxKind::NODE_STRING)?;
    let binding = string.ancestors().find_map(AttrpathValue::cast);
    (!binding.is_some_and(|binding| option::is_for_show(&binding))).then(|| string.first_token()).flatten()
}

/// What examples have where a secret would be, and names that a secret is put in for later.
fn is_made_up(kind: &str, secret: &str) -> bool {
    const WORDS: &[&str] =
        &["user:pass", "username:", ":password", ":secret", "example", "xxxx", "XXXX", "<", "$", "{", "%"];
    let of_url = kind == "url-credentials";
    // A user alone, or one whose password is the name again, as databases of tests have it.
    let no_password = of_url && secret.split_once(':').is_none_or(|(user, password)| user == password);
    no_password || WORDS.iter().any(|word| secret.contains(word))
}

/// In these parts of a flake the rule `secret` finds them.
fn seen_elsewhere(string: &SyntaxToken, report: &Report<'_, '_>) -> bool {
    const PARTS: &[&str] = &["description", "inputs", "nixConfig"];
    let outermost = string.parent_ancestors().filter_map(AttrpathValue::cast).last();
    let first = outermost.and_then(|binding| option::path(&binding).into_iter().next());
    report.file.flake && first.is_some_and(|name| PARTS.contains(&name.as_str()))
}
