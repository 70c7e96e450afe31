//! Secrets that are read while Nix evaluates.

use rnix::ast::Expr;
use rowan::ast::AstNode;

use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "secret-read",
    summary: "a secret file that is read while Nix evaluates",
    why: "Its content becomes part of what is built, and so of the Nix store, which every user can read. Give \
          the program the place of the file instead.",
    bad: Example::Nix("{ x = builtins.readFile ./secrets/token; }"),
    good: Example::Nix(r#"{ xFile = "/run/secrets/token"; }"#),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Call(&["fileContents", "importJSON", "importTOML", "readFile"], check),
};

/// Words that name what is secret, as parts of the names of files and directories.
const WORDS: &[&str] =
    &["secret", "secrets", "password", "passwords", "passwd", "token", "credentials", "private", "passphrase"];

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(argument) = call.argument() else { return };
    if !matches!(argument, Expr::PathAbs(_) | Expr::PathRel(_) | Expr::PathHome(_)) {
        return;
    }
    let path = report.text_of(argument.syntax());
    if is_secret(path) && !is_encrypted(path) {
        let message = format!("what `{path}` says ends in the Nix store, where every user can read it");
        report.at(argument.syntax().text_range(), message);
    }
}

fn is_secret(path: &str) -> bool {
    // Of `public` keys and programs that handle secrets neither is one.
    let open = [".pub", ".nix", ".sh", ".py", ".patch", ".md", ".service", ".lua", ".css", ".js", ".el", ".vim"];
    let names = path.split(['/', '.', '-', '_']);
    !open.iter().any(|end| path.ends_with(end)) && names.into_iter().any(|name| WORDS.contains(&name))
}

/// Whether a file is encrypted, as its name says.
pub(super) fn is_encrypted(path: &str) -> bool {
    const ENDS: &[&str] = &[".age", ".gpg", ".asc", ".enc", ".sops", ".pub", ".crypt", ".eyaml", ".agenix"];
    let name = path.rsplit('/').next().unwrap_or_default();
    ENDS.iter().any(|end| name.ends_with(end))
        || name.contains(".enc.")
        || name.contains("sops")
        || name.contains(".age.")
}
