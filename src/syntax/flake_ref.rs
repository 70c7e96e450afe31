//! Flake references: where an input comes from, as a URL or as attributes, and whether two name the same thing.
//!
//! Follows the rules of Nix's fetchers. Knows no registry and no file system: `nixpkgs` stays indirect and `./x`
//! relative.

use std::fmt;

use thiserror::Error;

use super::Attrs;

mod attrs;
mod same;
mod text;
mod url;

pub(super) use same::repository;
pub use same::{same, same_attributes, same_repository};

/// A reference to a flake, or to a plain source tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlakeRef {
    /// What is fetched.
    pub source: Source,
    /// Branch or tag.
    pub reference: Option<String>,
    /// Revision, 40 or 64 hexadecimal digits.
    pub rev: Option<String>,
    /// Directory of the `flake.nix` inside what is fetched.
    pub dir: Option<String>,
    /// What stood behind `#`, decoded. Inputs have none.
    pub fragment: Option<String>,
    /// All other attributes, such as `submodules` or `narHash`.
    pub rest: Attrs,
}

/// What a flake reference fetches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A name that a registry resolves.
    Indirect {
        /// The name, as in `nixpkgs`.
        id: String,
    },
    /// A repository on a code forge that serves archives.
    Forge {
        /// Which kind of forge.
        forge: Forge,
        /// User, organisation or group path.
        owner: String,
        /// Name of the repository.
        repo: String,
        /// Host other than the forge's own.
        host: Option<String>,
    },
    /// A Git repository, by URL without `git+`.
    Git {
        /// As in `https://example.org/x.git` or `ssh://git@example.org/x`.
        url: String,
    },
    /// A Mercurial repository, by URL without `hg+`.
    Mercurial {
        /// As in `https://example.org/x`.
        url: String,
    },
    /// An archive that is unpacked.
    Tarball {
        /// Where it is.
        url: String,
    },
    /// A single file.
    File {
        /// Where it is.
        url: String,
    },
    /// A directory; relative ones are seen from the flake that names them.
    Path {
        /// As written, as in `./sub` or `/home/me/x`.
        path: String,
    },
}

/// The code forges Nix knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forge {
    /// github.com, or an enterprise host.
    GitHub,
    /// gitlab.com, or another host.
    GitLab,
    /// git.sr.ht, or another host.
    SourceHut,
}

impl Forge {
    /// The `type` attribute and URL scheme.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::SourceHut => "sourcehut",
        }
    }

    /// The host that need not be named.
    pub const fn default_host(self) -> &'static str {
        match self {
            Self::GitHub => "github.com",
            Self::GitLab => "gitlab.com",
            Self::SourceHut => "git.sr.ht",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::GitHub, Self::GitLab, Self::SourceHut].into_iter().find(|forge| forge.name() == name)
    }
}

/// Why a text or a set of attributes is no flake reference.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FlakeRefError {
    /// Nothing at all.
    #[error("the flake reference is empty; write one such as `github:owner/repo` or `./sub`")]
    Empty,
    /// A URL scheme that Nix has no fetcher for.
    #[error("the flake reference `{text}` has the scheme `{scheme}`, which Nix does not know")]
    UnknownScheme {
        /// The whole reference.
        text: String,
        /// The scheme in it.
        scheme: String,
    },
    /// A known form, wrongly filled.
    #[error("the flake reference `{text}` is not valid: {why}")]
    Invalid {
        /// The whole reference.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A query parameter that this form does not take.
    #[error("the flake reference `{text}` has the parameter `{parameter}`, which its kind does not take")]
    UnknownParameter {
        /// The whole reference.
        text: String,
        /// The parameter.
        parameter: String,
    },
    /// Attributes whose `type` Nix has no fetcher for.
    #[error("the input type `{name}` is not one Nix knows")]
    UnknownType {
        /// The `type` attribute.
        name: String,
    },
    /// An attribute that must be there as a string.
    #[error("an input of type `{kind}` needs the attribute `{attribute}` as a string")]
    MissingAttribute {
        /// The `type` attribute, `?` when that is the missing one.
        kind: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// An attribute that this type does not take.
    #[error("an input of type `{kind}` does not take the attribute `{attribute}`")]
    UnknownAttribute {
        /// The `type` attribute.
        kind: String,
        /// The attribute.
        attribute: &'static str,
    },
}

impl FlakeRef {
    /// Reads the URL of a flake input.
    pub fn parse(text: &str) -> Result<Self, FlakeRefError> {
        text::parse(text, true)
    }

    /// Reads what an input asks for, by Nix's rule: attributes when they say a type, `url` among them, else the URL, else
    /// the name itself. A URL with a fragment is an error; without `flake`, a plain `https:` URL is a file unless it names
    /// an archive.
    pub fn of_input(name: &str, url: Option<&str>, attrs: &Attrs, flake: bool) -> Result<Self, FlakeRefError> {
        match url {
            _ if attrs.contains_key("type") => attrs::read_with(attrs, url),
            Some(url) => text::parse_input(url, flake),
            None => Self::parse(&format!("flake:{name}")),
        }
    }

    /// Reads the URL that a person writes for an input: an error is also what Nix takes and nobody means, `GitHub:o/r`.
    pub fn parse_written(text: &str) -> Result<Self, FlakeRefError> {
        text::parse_written(text)
    }

    /// Reads the attribute form, as in `locked` and `original` of a lock node.
    pub fn from_attrs(attrs: &Attrs) -> Result<Self, FlakeRefError> {
        attrs::read(attrs)
    }

    /// The attribute form; the fragment has no place in it.
    pub fn to_attrs(&self) -> Attrs {
        attrs::write(self)
    }

    /// The canonical URL: one spelling per reference, parameters sorted, no fragment.
    pub fn normalise(&self) -> String {
        text::write(self)
    }

    /// True for a path that is seen from the flake naming it.
    pub fn is_relative(&self) -> bool {
        matches!(&self.source, Source::Path { path } if !path.starts_with('/'))
    }
}

/// The canonical URL, with the fragment when there is one.
impl fmt::Display for FlakeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.normalise())?;
        match &self.fragment {
            Some(fragment) => write!(f, "#{}", url::encode(fragment, b"/?:@!$&'()*+,;=")),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for FlakeRef {
    type Err = FlakeRefError;

    fn from_str(text: &str) -> Result<Self, FlakeRefError> {
        Self::parse(text)
    }
}

fn is_rev(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
