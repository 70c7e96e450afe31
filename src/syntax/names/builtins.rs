//! The names that Nix itself defines, and since when. Must not know texts.

use std::fmt;

/// One name that Nix defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// Its name in `builtins`.
    pub name: &'static str,
    /// The first release that has it; 1.0 for all that are older.
    pub since: Release,
    /// Whether it is seen without `builtins.` in front. The others are, with two underscores in front.
    pub plain: bool,
}

/// A release of Nix: its first two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release(pub u8, pub u8);

/// A text that is no release of Nix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no release of Nix; write it like `2.18`")]
pub struct InvalidRelease(pub String);

impl std::str::FromStr for Release {
    type Err = InvalidRelease;

    /// What comes after the second number does not matter: `2.18.1` is `2.18`.
    fn from_str(text: &str) -> Result<Self, InvalidRelease> {
        let mut numbers = text.split('.').map(|number| number.parse().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) => Ok(Self(major, minor)),
            _ => Err(InvalidRelease(text.to_owned())),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The builtin of that name, without underscores.
pub fn named(name: &str) -> Option<&'static Builtin> {
    let at = BUILTINS.binary_search_by_key(&name, |builtin| builtin.name).ok()?;
    BUILTINS.get(at)
}

/// Whether Nix defines a name everywhere.
pub fn is_global(name: &str) -> bool {
    match name.strip_prefix("__") {
        Some(short) => named(short).is_some_and(|builtin| !builtin.plain),
        None => named(name).is_some_and(|builtin| builtin.plain),
    }
}

const fn builtin(name: &'static str, since: (u8, u8), plain: bool) -> Builtin {
    Builtin { name, since: Release(since.0, since.1), plain }
}

/// Every builtin that a release has had, in the order of names; some need an experimental feature.
pub const BUILTINS: &[Builtin] = &[
    builtin("abort", (1, 0), true),
    builtin("add", (1, 0), false),
    builtin("addDrvOutputDependencies", (2, 19), false),
    builtin("addErrorContext", (1, 0), false),
    builtin("all", (1, 10), false),
    builtin("any", (1, 10), false),
    builtin("appendContext", (2, 3), false),
    builtin("attrNames", (1, 0), false),
    builtin("attrValues", (1, 8), false),
    builtin("baseNameOf", (1, 0), true),
    builtin("bitAnd", (2, 1), false),
    builtin("bitOr", (2, 1), false),
    builtin("bitXor", (2, 1), false),
    builtin("break", (2, 9), true),
    builtin("builtins", (1, 0), true),
    builtin("catAttrs", (1, 8), false),
    builtin("ceil", (2, 4), false),
    builtin("compareVersions", (1, 0), false),
    builtin("concatLists", (1, 2), false),
    builtin("concatMap", (2, 1), false),
    builtin("concatStringsSep", (1, 10), false),
    builtin("convertHash", (2, 19), false),
    builtin("currentSystem", (1, 0), false),
    builtin("currentTime", (1, 0), false),
    builtin("deepSeq", (1, 8), false),
    builtin("derivation", (1, 0), true),
    builtin("derivationStrict", (1, 0), true),
    builtin("dirOf", (1, 0), true),
    builtin("div", (1, 0), false),
    builtin("elem", (1, 2), false),
    builtin("elemAt", (1, 2), false),
    builtin("exec", (2, 0), false),
    builtin("false", (1, 0), true),
    builtin("fetchClosure", (2, 8), false),
    builtin("fetchGit", (2, 0), true),
    builtin("fetchMercurial", (2, 0), true),
    builtin("fetchTarball", (1, 9), true),
    builtin("fetchTree", (2, 4), true),
    builtin("fetchurl", (1, 9), false),
    builtin("filter", (1, 2), false),
    builtin("filterSource", (1, 0), false),
    builtin("findFile", (1, 8), false),
    builtin("flakeRefToString", (2, 18), false),
    builtin("floor", (2, 4), false),
    builtin("foldl'", (1, 10), false),
    builtin("fromJSON", (1, 8), false),
    builtin("fromTOML", (2, 1), true),
    builtin("functionArgs", (1, 0), false),
    builtin("genList", (1, 10), false),
    builtin("genericClosure", (1, 0), false),
    builtin("getAttr", (1, 0), false),
    builtin("getContext", (2, 3), false),
    builtin("getEnv", (1, 0), false),
    builtin("getFlake", (2, 4), false),
    builtin("groupBy", (2, 5), false),
    builtin("hasAttr", (1, 0), false),
    builtin("hasContext", (2, 0), false),
    builtin("hashFile", (2, 3), false),
    builtin("hashString", (1, 4), false),
    builtin("head", (1, 0), false),
    builtin("import", (1, 0), true),
    builtin("importNative", (1, 8), false),
    builtin("intersectAttrs", (1, 0), false),
    builtin("isAttrs", (1, 0), false),
    builtin("isBool", (1, 0), false),
    builtin("isFloat", (2, 0), false),
    builtin("isFunction", (1, 0), false),
    builtin("isInt", (1, 0), false),
    builtin("isList", (1, 0), false),
    builtin("isNull", (1, 0), true),
    builtin("isPath", (2, 3), false),
    builtin("isString", (1, 0), false),
    builtin("langVersion", (1, 2), false),
    builtin("length", (1, 0), false),
    builtin("lessThan", (1, 0), false),
    builtin("listToAttrs", (1, 0), false),
    builtin("map", (1, 0), true),
    builtin("mapAttrs", (2, 1), false),
    builtin("match", (1, 8), false),
    builtin("mul", (1, 0), false),
    builtin("nixPath", (1, 8), false),
    builtin("nixVersion", (1, 2), false),
    builtin("null", (1, 0), true),
    builtin("outputOf", (2, 18), false),
    builtin("parseDrvName", (1, 0), false),
    builtin("parseFlakeRef", (2, 18), false),
    builtin("partition", (2, 0), false),
    builtin("path", (2, 0), false),
    builtin("pathExists", (1, 0), false),
    builtin("placeholder", (2, 0), true),
    builtin("readDir", (1, 8), false),
    builtin("readFile", (1, 0), false),
    builtin("readFileType", (2, 14), false),
    builtin("removeAttrs", (1, 0), true),
    builtin("replaceStrings", (1, 10), false),
    builtin("scopedImport", (1, 8), true),
    builtin("seq", (1, 8), false),
    builtin("sort", (1, 10), false),
    builtin("split", (2, 0), false),
    builtin("splitVersion", (2, 0), false),
    builtin("storeDir", (1, 9), false),
    builtin("storePath", (1, 0), false),
    builtin("stringLength", (1, 0), false),
    builtin("sub", (1, 0), false),
    builtin("substring", (1, 0), false),
    builtin("tail", (1, 0), false),
    builtin("throw", (1, 0), true),
    builtin("toFile", (1, 0), false),
    builtin("toJSON", (1, 7), false),
    builtin("toPath", (1, 0), false),
    builtin("toString", (1, 0), true),
    builtin("toXML", (1, 0), false),
    builtin("trace", (1, 0), false),
    builtin("traceVerbose", (2, 10), false),
    builtin("true", (1, 0), true),
    builtin("tryEval", (1, 0), false),
    builtin("typeOf", (1, 7), false),
    builtin("unsafeDiscardOutputDependency", (1, 0), false),
    builtin("unsafeDiscardStringContext", (1, 0), false),
    builtin("unsafeGetAttrPos", (1, 7), false),
    builtin("valueSize", (1, 8), false),
    builtin("warn", (2, 23), false),
    builtin("zipAttrsWith", (2, 6), false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(BUILTINS.is_sorted_by(|a, b| a.name < b.name));
        assert!(BUILTINS.iter().all(|builtin| !builtin.name.starts_with('_')));
    }

    #[test]
    fn names_are_global_as_they_are_or_with_underscores() {
        assert!(is_global("map") && !is_global("__map"));
        assert!(is_global("__attrNames") && !is_global("attrNames"));
        assert!(!is_global("__curPos") && !is_global("__nonsense") && is_global("true"));
        assert_eq!(named("groupBy").map(|builtin| builtin.since.to_string()).as_deref(), Some("2.5"));
    }
}
