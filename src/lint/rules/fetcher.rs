//! Calls that fetch something. Shared by the rules; finds nothing itself.

use rnix::ast::Expr;

use super::bound;
use super::written::{items, text};
use crate::lint::{Attributes, Call, Report};

/// Functions of nixpkgs that fetch, and those of Nix itself.
pub(super) const FETCHERS: &[&str] = &[
    "fetchCrate",
    "fetchDebianPatch",
    "fetchFromBitbucket",
    "fetchFromCodeberg",
    "fetchFromForgejo",
    "fetchFromGitHub",
    "fetchFromGitLab",
    "fetchFromGitea",
    "fetchFromGitiles",
    "fetchFromRepoOrCz",
    "fetchFromSavannah",
    "fetchFromSourcehut",
    "fetchHex",
    "fetchPypi",
    "fetchTarball",
    "fetchcvs",
    "fetchgit",
    "fetchhg",
    "fetchpatch",
    "fetchpatch2",
    "fetchsvn",
    "fetchurl",
    "fetchzip",
];

/// A call that fetches.
pub(super) struct Fetch<'c> {
    /// The attributes it gets; none when it gets a URL alone.
    pub(super) set: Option<&'c Attributes>,
    /// Whether it is one of Nix itself, which fetches while it evaluates.
    pub(super) builtin: bool,
    url: Option<Expr>,
}

/// The call as one that fetches; none when what it gets is not written out, or its function is of this file.
pub(super) fn of<'c>(call: &'c Call, report: &Report<'_, '_>) -> Option<Fetch<'c>> {
    if bound::is_own(call, report) {
        return None;
    }
    let builtin = call.is_builtin(report.names());
    match call.argument()? {
        Expr::AttrSet(_) => {
            let set = call.attributes().filter(|set| !set.is_open())?;
            Some(Fetch { set: Some(set), builtin, url: set.value("url") })
        }
        argument @ Expr::Str(_) if builtin => Some(Fetch { set: None, builtin, url: Some(argument) }),
        _ => None,
    }
}

impl Fetch<'_> {
    /// Whether it says what the content must be.
    pub(super) fn has_hash(&self) -> bool {
        let is_hash = |name: &str| {
            let name = name.to_lowercase();
            ["hash", "sha256", "sha512", "sha1", "md5", "sri"].iter().any(|end| name.ends_with(end))
        };
        self.set.is_some_and(|set| set.names().any(|(name, _)| is_hash(name)))
    }

    /// The URLs that are written out.
    pub(super) fn urls(&self) -> Vec<String> {
        let more = self.set.and_then(|set| set.value("urls"));
        let more = more.iter().flat_map(items);
        self.url.iter().cloned().chain(more).filter_map(|url| text(&url)).collect()
    }
}

/// Whether a text holds the name of a commit.
pub(super) fn names_a_commit(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
