//! Hashes that stand for ones not known yet.

use rnix::SyntaxKind;
use rnix::ast::{Apply, AttrpathValue};
use rowan::ast::AstNode;

use super::written::{last_name, text};
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "fake-hash",
    summary: "a hash that was left as a placeholder",
    why: "The build fails, and prints the right one: `got: sha256-…`. Put that in its place.",
    bad: Example::Nix(
        r#"{ lib, fetchurl }: fetchurl {
  url = "https://example.org/x.tar.gz";
  hash = lib.fakeHash;
}"#,
    ),
    good: Example::Nix(
        r#"{ lib, fetchurl }: fetchurl {
  url = "https://example.org/x.tar.gz";
  hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
}"#,
    ),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Binding(HASHES, check),
};

const HASHES: &[&str] = &[
    "cargoHash",
    "cargoSha256",
    "depsHash",
    "depsSha256",
    "hash",
    "mvnHash",
    "narHash",
    "npmDepsHash",
    "nugetHash",
    "outputHash",
    "pnpmDepsHash",
    "sha256",
    "sha512",
    "vendorHash",
    "vendorSha256",
    "yarnHash",
];

fn check(binding: &AttrpathValue, report: &mut Report<'_, '_>) {
    // What is taken when no hash is given has its meaning.
    let is_fallback = binding.syntax().ancestors().take_while(|node| node.kind() != SyntaxKind::NODE_APPLY);
    let Some(value) = binding.value() else { return };
    if is_fallback.into_iter().any(|node| node.kind() == SyntaxKind::NODE_IF_ELSE) || is_converted(binding) {
        return;
    }
    let named = last_name(&value).is_some_and(|name| matches!(name.as_str(), "fakeHash" | "fakeSha256" | "fakeSha512"));
    if named || text(&value).is_some_and(|text| is_fake(&text)) {
        report.at(
            value.syntax().text_range(),
            "this hash is a placeholder; build once and put in the one that Nix prints",
        );
    }
}

/// What is given to `convertHash` is a value to compute with.
fn is_converted(binding: &AttrpathValue) -> bool {
    let call = binding.syntax().ancestors().find_map(Apply::cast);
    let function = call.and_then(|call| last_name(&call.lambda()?));
    function.is_some_and(|name| name == "convertHash")
}

/// Nothing, or zeros in hexadecimal, in Nix's base 32 or in base 64.
fn is_fake(hash: &str) -> bool {
    let digits = hash.trim_start_matches("sha256-").trim_start_matches("sha512-").trim_start_matches("sha256:");
    let zeros = |zero: char| digits.trim_end_matches('=').chars().all(|digit| digit == zero);
    hash.is_empty() || digits.len() >= 43 && (zeros('0') || zeros('A'))
}
