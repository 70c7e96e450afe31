//! Tools of the build among the libraries.

use rowan::ast::AstNode;

use super::package::{self, MAKERS};
use crate::domain::finding::Severity;
use crate::lint::{Call, Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "build-tool-in-build-inputs",
    summary: "a tool of the build in `buildInputs`",
    why: "`buildInputs` are for the machine that the package runs on: when that is another than the one that \
          builds, the tool cannot run. Move it to `nativeBuildInputs`.",
    bad: Example::Nix("{ stdenv, cmake }: stdenv.mkDerivation {\n  buildInputs = [ cmake ];\n}"),
    good: Example::Nix("{ stdenv, cmake }: stdenv.mkDerivation {\n  nativeBuildInputs = [ cmake ];\n}"),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[("nixpkgs-hammering", "build-tools-in-build-inputs")],
    check: Check::Call(MAKERS, check),
};

const TOOLS: &[&str] = &[
    "autoPatchelfHook",
    "autoreconfHook",
    "bmake",
    "cmake",
    "copyDesktopItems",
    "desktopToDarwinBundle",
    "gobject-introspection-unwrapped",
    "installShellFiles",
    "intltool",
    "makeBinaryWrapper",
    "makeDesktopItem",
    "makeWrapper",
    "meson",
    "ninja",
    "pkg-config",
    "pkgconfig",
    "qmake",
    "removeReferencesTo",
    "versionCheckHook",
    "wrapGAppsHook3",
    "wrapGAppsHook4",
    "wrapQtAppsHook",
];

fn check(call: &Call, report: &mut Report<'_, '_>) {
    let Some(set) = package::set(call) else { return };
    for (name, item) in package::listed(set, "buildInputs") {
        if TOOLS.contains(&name.as_str()) {
            let message = format!("`{name}` runs while building; it belongs to `nativeBuildInputs`");
            report.at(item.syntax().text_range(), message);
        }
    }
}
