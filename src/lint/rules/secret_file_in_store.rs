//! Files with secrets that Nix copies.

use rnix::ast::{AttrpathValue, Expr};
use rowan::ast::AstNode;

use super::option;
use super::secret_read::is_encrypted;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "secret-file-in-store",
    summary: "a file with a secret that is given as a path literal",
    why: "Where a module puts a path literal into a text, Nix copies the file into the store, which every user \
          can read. Write the place as a string that is there when the program runs, as in \
          `\"/run/secrets/x\"`.",
    bad: Example::Nix("{ services.x.passwordFile = ./secrets/password; }"),
    good: Example::Nix(r#"{ services.x.passwordFile = "/run/secrets/password"; }"#),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(NAMES, check),
};

const NAMES: &[&str] = &[
    "accessTokenFile",
    "adminPasswordFile",
    "apiKeyFile",
    "authKeyFile",
    "clientSecretFile",
    "credentialsFile",
    "environmentFile",
    "hashedPasswordFile",
    "initialPasswordFile",
    "passFile",
    "passphraseFile",
    "passwordFile",
    "presharedKeyFile",
    "privateKeyFile",
    "rootPasswordFile",
    "secretFile",
    "secretKeyFile",
    "sslCertificateKey",
    "tokenFile",
];

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    let Some(value) = option::value(binding) else { return };
    let literal = matches!(value, Expr::PathAbs(_) | Expr::PathRel(_) | Expr::PathHome(_));
    if literal && !is_encrypted(report.text_of(value.syntax())) && !option::is_for_show(binding) {
        let message = "this path is copied into the Nix store, where every user can read it; write it as a string";
        report.at(value.syntax().text_range(), message);
    }
}
