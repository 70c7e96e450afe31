//! Lineage: what makes two flakes on two machines the same project. An attribute, never part of an id.

use std::fmt;

/// What one look tells of the lineage of a flake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineageSeen {
    /// This one; or none, where no remote has a host or there is no repository.
    Known(Option<Lineage>),
    /// The repository is there and cannot be read: it may be any, and none.
    Unknown,
}

impl LineageSeen {
    /// The lineage, where one is known.
    pub const fn known(&self) -> Option<&Lineage> {
        match self {
            Self::Known(lineage) => lineage.as_ref(),
            Self::Unknown => None,
        }
    }
}

/// `host/path` of the remote, without scheme, user, port and `.git`, plus the flake's place in the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lineage(String);

impl Lineage {
    /// Reads the lineage off a git remote; none for file remotes and anything without a host.
    ///
    /// `subdirectory` is where the flake lies below the repository's root, empty at the root.
    pub fn from_remote(url: &str, subdirectory: &str) -> Option<Self> {
        let (host, path) = match url.split_once("://") {
            Some((scheme, rest)) if !scheme.eq_ignore_ascii_case("file") => rest.split_once('/')?,
            Some(_) => return None,
            None => scp_form(url)?,
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = without_port(host).to_lowercase();
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
        if host.is_empty() || path.is_empty() {
            return None;
        }
        let inside = subdirectory.trim_matches('/');
        let slash = if inside.is_empty() { "" } else { "/" };
        Some(Self(format!("{host}/{path}{slash}{inside}")))
    }

    /// Takes a lineage that was recorded before.
    pub fn recorded(text: String) -> Self {
        Self(text)
    }

    /// The text, as in `github.com/nixos/nixpkgs`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `user@host:path`, git's short form of ssh; a slash before the colon makes it a local path.
fn scp_form(url: &str) -> Option<(&str, &str)> {
    let (host, path) = url.split_once(':')?;
    (!host.contains('/') && host.len() > 1).then_some((host, path))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_project_has_one_lineage_however_its_remote_is_written() {
        for url in [
            "https://github.com/NixOS/nixpkgs",
            "https://github.com/NixOS/nixpkgs.git",
            "https://user:secret@GitHub.com:443/NixOS/nixpkgs.git/",
            "ssh://git@github.com/NixOS/nixpkgs.git",
            "ssh://git@github.com:22/NixOS/nixpkgs",
            "git@github.com:NixOS/nixpkgs.git",
            "github.com:NixOS/nixpkgs",
            "git://github.com/NixOS/nixpkgs",
        ] {
            let lineage = Lineage::from_remote(url, "");
            assert_eq!(lineage.as_ref().map(Lineage::as_str), Some("github.com/NixOS/nixpkgs"), "{url}");
        }
    }

    #[test]
    fn a_flake_below_the_root_has_its_own_lineage() {
        let lineage = Lineage::from_remote("https://github.com/a/b", "/sub/dir/");
        assert_eq!(lineage.as_ref().map(Lineage::as_str), Some("github.com/a/b/sub/dir"));
    }

    #[test]
    fn local_remotes_have_no_lineage() {
        for url in ["/srv/git/x", "file:///srv/git/x", "../x", "./a:b", "", "C:\\x", "https://host", "https:///x"] {
            assert_eq!(Lineage::from_remote(url, ""), None, "{url}");
        }
    }
}
