//! Calls that fetch something. Shared by the rules; finds nothing itself.

use rnix::ast::{AttrSet, Expr};

use super::attributes::{self, text};
use super::bound;
use crate::lint::{Call, Report};

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
pub(super) struct Fetch {
    /// The attributes it gets; none when it gets a URL alone.
    pub(super) set: Option<AttrSet>,
    /// Whether it is one of Nix itself, which fetches while it evaluates.
    pub(super) builtin: bool,
    url: Option<Expr>,
}

/// The call as one that fetches; none when what it gets is not written out, or its function is of this file.
pub(super) fn of(call: &Call, report: &Report<'_, '_>) -> Option<Fetch> {
    if bound::is_own(call, report) {
        return None;
    }
    let builtin = call.is_builtin(report.names());
    match call.argument()? {
        Expr::AttrSet(set) if !attributes::is_open(&set) => {
            let url = attributes::value(&set, "url");
            Some(Fetch { set: Some(set), builtin, url })
        }
        argument @ Expr::Str(_) if builtin => Some(Fetch { set: None, builtin, url: Some(argument) }),
        _ => None,
    }
}

impl Fetch {
    /// Whether it says what the content must be.
    pub(super) fn has_hash(&self) -> bool {
        let is_hash = |name: &str| {
            let name = name.to_lowercase();
            ["hash", "sha256", "sha512", "sha1", "md5", "sri"].iter().any(|end| name.ends_with(end))
        };
        self.set.as_ref().is_some_and(|set| attributes::names(set).iter().any(|(name, _)| is_hash(name)))
    }

    /// The URLs that are written out.
    pub(super) fn urls(&self) -> Vec<String> {
        let more = self.set.as_ref().and_then(|set| attributes::value(set, "urls"));
        let more = more.iter().flat_map(attributes::items);
        self.url.iter().cloned().chain(more).filter_map(|url| text(&url)).collect()
    }
}

/// Whether a text holds the name of a commit.
pub(super) fn names_a_commit(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
