//! Hashes of dependencies under names that were removed.

use super::package;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety, replace};

pub(super) static RULE: Rule = Rule {
    name: "deprecated-hash-attribute",
    summary: "a hash under a name that was removed",
    why: "Newer nixpkgs refuses it. Use `cargoHash` and `vendorHash`, which take hashes of any kind.",
    bad: Example::Nix(
        r#"{ rustPlatform }: rustPlatform.buildRustPackage {
  pname = "x";
  version = "1";
  cargoSha256 = "0000000000000000000000000000000000000000000000000001";
}"#,
    ),
    good: Example::Nix(
        r#"{ rustPlatform }: rustPlatform.buildRustPackage {
  pname = "x";
  version = "1";
  cargoHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
}"#,
    ),
    severity: Severity::Warning,
    fix: Safety::Review,
    on: true,
    alike: &[],
    check: Check::Call(&["buildGoModule", "buildRustPackage", "fetchCargoTarball"], check),
};

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    for (name, range) in set.names() {
        let new = match name {
            "cargoSha256" => "cargoHash",
            "vendorSha256" | "modSha256" => "vendorHash",
            _ => continue,
        };
        report.at(range, format!("`{name}` was removed; use `{new}`")).fix_to_review([replace(range, new)]);
    }
}
