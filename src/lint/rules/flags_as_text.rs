//! Flags that are one text.

use rowan::ast::AstNode;

use super::option::name_range;
use super::package::{self, MAKERS};
use super::written::text;
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "flags-as-text",
    summary: "flags that are one text with spaces",
    why: "It is split at every space, also inside a flag. Write a list, one item for each flag.",
    bad: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  configureFlags = "--with-a --with-b";
}"#,
    ),
    good: Example::Nix(
        r#"{ stdenv }: stdenv.mkDerivation {
  pname = "x";
  version = "1";
  configureFlags = [ "--with-a" "--with-b" ];
}"#,
    ),
    severity: Severity::Info,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "no-flags-spaces")],
    check: Check::Call(MAKERS, check),
};

const FLAGS: &[&str] = &["cmakeFlags", "configureFlags", "installFlags", "makeFlags", "mesonFlags", "ninjaFlags"];
const ARRAYS: &[&str] = &["configureFlagsArray", "installFlagsArray", "makeFlagsArray"];

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    for name in FLAGS {
        let Some(flags) = set.value(name) else { continue };
        if text(&flags).is_some_and(|flags| flags.trim().contains([' ', '\n'])) {
            report.at(flags.syntax().text_range(), format!("`{name}` is one text with spaces; write a list of flags"));
        }
    }
    for name in ARRAYS {
        if let Some(binding) = set.binding(name) {
            let message = format!("`{name}` is of the shell; as an attribute it is split at every space");
            report.at(name_range(binding), message);
        }
    }
}
