//! Directories that are never walked, and why: the one table.
//!
//! Knows names and places only; what a user excludes and what git ignores is not decided here.

use std::path::Path;

/// An entry of the table of directories that are never walked below a root. (A root itself is always walked.)
#[derive(Debug, PartialEq, Eq)]
pub struct Skip {
    /// The rule as it is shown to people.
    pub rule: &'static str,
    /// Why, in a few words.
    pub reason: &'static str,
    place: Place,
}

/// Where a rule applies.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Directories of this name.
    Name(&'static str),
    /// Directories whose path ends like this.
    Tail(&'static str),
    /// One directory.
    Absolute(&'static str),
    /// Directories of this name that cargo made: tagged as a cache, or beside a `Cargo.toml`.
    Cargo(&'static str),
    /// Symlinks of this name, or of this name and a dash and more.
    Link(&'static str),
}

const fn skip(rule: &'static str, place: Place, reason: &'static str) -> Skip {
    Skip { rule, reason, place }
}

/// Every built-in rule.
pub const SKIPPED: &[Skip] = &[
    skip(".git", Place::Name(".git"), "the inside of a git repository; its history is read by other means"),
    skip(".hg", Place::Name(".hg"), "the inside of a Mercurial repository"),
    skip(".jj", Place::Name(".jj"), "the inside of a Jujutsu repository"),
    skip(".svn", Place::Name(".svn"), "the inside of a Subversion checkout"),
    skip("node_modules", Place::Name("node_modules"), "packages fetched by a JavaScript package manager"),
    skip("target", Place::Cargo("target"), "build output of cargo"),
    skip(".direnv", Place::Name(".direnv"), "direnv's cache; it holds copies of flake inputs"),
    skip(".devenv", Place::Name(".devenv"), "devenv's state and generated flake"),
    skip("result, result-*", Place::Link("result"), "a link to a build result in the Nix store"),
    skip("__pycache__", Place::Name("__pycache__"), "compiled Python"),
    skip(".venv", Place::Name(".venv"), "a Python virtual environment"),
    skip(".tox", Place::Name(".tox"), "Python test environments"),
    skip(".cache", Place::Name(".cache"), "a cache; Nix keeps fetched flakes there"),
    skip(".local/share/Trash", Place::Tail(".local/share/Trash"), "deleted files"),
    skip(".cargo/registry", Place::Tail(".cargo/registry"), "crates fetched by cargo"),
    skip(".cargo/git", Place::Tail(".cargo/git"), "repositories fetched by cargo"),
    skip(".rustup", Place::Name(".rustup"), "Rust toolchains"),
    skip("go/pkg/mod", Place::Tail("go/pkg/mod"), "modules fetched by Go"),
    skip(".npm", Place::Name(".npm"), "npm's cache"),
    skip(".snapshots", Place::Name(".snapshots"), "file system snapshots: the same flakes again"),
    skip("/nix/store", Place::Absolute("/nix/store"), "the Nix store: copies of sources, never edited"),
    skip("/proc", Place::Absolute("/proc"), "not files but processes"),
    skip("/sys", Place::Absolute("/sys"), "not files but devices"),
    skip("/dev", Place::Absolute("/dev"), "not files but devices"),
];

/// The rule that keeps a path below a root from being walked.
pub(super) fn rule_for(path: &Path, is_dir: bool, is_symlink: bool) -> Option<&'static Skip> {
    let name = path.file_name()?.to_str()?;
    SKIPPED.iter().find(|skip| match skip.place {
        Place::Name(it) => is_dir && name == it,
        Place::Tail(it) => is_dir && path.ends_with(it),
        Place::Absolute(it) => is_dir && path == Path::new(it),
        Place::Cargo(it) => is_dir && name == it && made_by_cargo(path),
        Place::Link(it) => {
            is_symlink && name.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        }
    })
}

fn made_by_cargo(dir: &Path) -> bool {
    dir.join("CACHEDIR.TAG").exists() || dir.with_file_name("Cargo.toml").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: &str, is_dir: bool, is_symlink: bool) -> Option<&'static str> {
        rule_for(Path::new(path), is_dir, is_symlink).map(|skip| skip.rule)
    }

    #[test]
    fn places_match_directories_and_links_of_their_kind_only() {
        assert_eq!(rule("/a/node_modules", true, false), Some("node_modules"));
        assert_eq!(rule("/a/node_modules", false, false), None, "a file");
        assert_eq!(rule("/home/x/.local/share/Trash", true, false), Some(".local/share/Trash"));
        assert_eq!(rule("/home/x/share/Trash", true, false), None);
        assert_eq!(rule("/nix/store", true, false), Some("/nix/store"));
        assert_eq!(rule("/home/nix/store", true, false), None);
        assert_eq!(rule("/a/result-doc", false, true), Some("result, result-*"));
        assert_eq!(rule("/a/results", false, true), None);
        assert_eq!(rule("/a/result", true, false), None, "a directory somebody named so");
        assert_eq!(rule("/a/target", true, false), None, "nothing says that cargo made it");
    }

    #[test]
    fn every_rule_is_shown_once_and_says_why() {
        let rules: std::collections::BTreeSet<_> = SKIPPED.iter().map(|skip| skip.rule).collect();
        assert_eq!(rules.len(), SKIPPED.len());
        assert!(SKIPPED.iter().all(|skip| !skip.reason.is_empty()));
    }
}
