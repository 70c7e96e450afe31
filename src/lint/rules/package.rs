//! Calls that make a package of a set that is written out. Shared by the rules on packages; finds nothing itself.

use rnix::TextRange;
use rnix::ast::Expr;

use super::certain::bare;
use super::option::name_range;
use super::written::{certain_items, items, last_name};
use crate::lint::{Attributes, Call};
use crate::syntax::tree::attr_name;

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
pub(super) fn set(call: &Call) -> Option<&Attributes> {
    call.attributes()
}

/// The packages that are written out in a list of a package, with the name each ends in.
pub(super) fn listed(set: &Attributes, list: &str) -> Vec<(String, Expr)> {
    named(set.value(list).as_ref().map(items).unwrap_or_default())
}

/// Those that the list has whatever its conditions are.
pub(super) fn listed_always(set: &Attributes, list: &str) -> Vec<(String, Expr)> {
    named(set.value(list).as_ref().map(certain_items).unwrap_or_default())
}

fn named(items: Vec<Expr>) -> Vec<(String, Expr)> {
    items.into_iter().filter_map(|item| Some((last_name(&item)?, item))).collect()
}

/// Whether a package always has one of these in a list.
pub(super) fn lists(set: &Attributes, list: &str, names: &[&str]) -> bool {
    listed_always(set, list).iter().any(|(name, _)| names.contains(&name.as_str()))
}

/// Whether a package says itself how it is configured or built, so that the hooks of its tools do not.
pub(super) fn steers_hooks(set: &Attributes) -> bool {
    const SAID: &[&str] = &[
        "buildPhase",
        "configurePhase",
        "dontConfigure",
        "dontUseCmakeConfigure",
        "dontUseMesonConfigure",
        "dontUseNinjaBuild",
    ];
    SAID.iter().any(|name| set.has(name))
}

/// The place of a package's `meta` that is written out and has none of these; none when it has one, or may have.
pub(super) fn meta_without(set: &Attributes, names: &[&str]) -> Option<TextRange> {
    let mut place = None;
    for binding in set.bindings("meta") {
        let path: Vec<_> = binding.attrpath()?.attrs().map(|attr| attr_name(&attr).unwrap_or_default()).collect();
        match path.as_slice() {
            [_] => {
                let mut value = bare(binding.value()?);
                while let Expr::With(with) = &value {
                    value = bare(with.body()?);
                }
                let Expr::AttrSet(inner) = value else { return None };
                let inner = Attributes::of(&inner);
                if inner.is_open() || names.iter().any(|name| inner.has(name)) {
                    return None;
                }
                place.get_or_insert(name_range(binding));
            }
            [_, name, ..] => {
                if names.contains(&name.as_str()) {
                    return None;
                }
                place.get_or_insert(name_range(binding));
            }
            [] => {}
        }
    }
    place
}
