//! Calls that make a package of a set that is written out. Shared by the rules on packages; finds nothing itself.

use rnix::ast::{AttrSet, Expr};

use super::attributes::{items, last_name, value};
use crate::lint::Call;

/// Functions of nixpkgs that make a package.
pub(super) const MAKERS: &[&str] = &[
    "buildDotnetModule",
    "buildDunePackage",
    "buildGoModule",
    "buildNpmPackage",
    "buildPerlPackage",
    "buildPythonApplication",
    "buildPythonPackage",
    "buildRustPackage",
    "mkDerivation",
];
/// Those of Python.
pub(super) const PYTHON: &[&str] = &["buildPythonApplication", "buildPythonPackage"];

/// The set that a package is made of; none when it is computed.
pub(super) fn set(call: &Call) -> Option<AttrSet> {
    call.set()
}

/// The packages that are written out in a list of a package, with the name each ends in.
pub(super) fn listed(set: &AttrSet, list: &str) -> Vec<(String, Expr)> {
    let items = value(set, list).as_ref().map(items).unwrap_or_default();
    items.into_iter().filter_map(|item| Some((last_name(&item)?, item))).collect()
}

/// Whether a package has one of these in a list.
pub(super) fn lists(set: &AttrSet, list: &str, names: &[&str]) -> bool {
    listed(set, list).iter().any(|(name, _)| names.contains(&name.as_str()))
}
