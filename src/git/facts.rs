//! What a repository says about itself: remote, branch, head, and what kind of repository it is.
//!
//! Knows nothing of lineage or redaction: it hands out what is configured, as it is configured.

use std::path::PathBuf;

use gix::bstr::{BStr, BString, ByteSlice};

use super::{Error, Repository};

/// What one look at a repository tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The root of the work tree, canonical; `None` for a bare repository.
    pub work_tree: Option<PathBuf>,
    /// The git directory: `.git`, or its own directory for a linked work tree or a submodule. Canonical.
    pub git_dir: PathBuf,
    /// The directory with objects and references, shared between linked work trees. Canonical.
    pub common_dir: PathBuf,
    /// What kind of repository this is.
    pub kind: Kind,
    /// The remote that stands for the project: the one of the branch's upstream, else `origin`, else the only one.
    pub remote_name: Option<String>,
    /// The fetch URL of that remote exactly as configured. It may hold a password or a token: redact before storing.
    pub remote_url: Option<String>,
    /// The checked out branch without `refs/heads/`; `None` when HEAD is detached.
    pub branch: Option<String>,
    /// The commit HEAD stands at, in hexadecimal; `None` when there is no commit yet.
    pub head: Option<String>,
    /// Whether HEAD names a commit rather than a branch.
    pub detached: bool,
    /// Whether history ends early because the clone is shallow.
    pub shallow: bool,
    /// Whether objects may be missing because the clone is partial (a filter or a promisor remote).
    pub partial: bool,
}

/// The kinds of repository that differ in where they keep their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A repository with its work tree around it.
    Main,
    /// A further work tree of a repository elsewhere (`git worktree add`).
    LinkedWorkTree,
    /// A repository inside another one, its data kept there.
    Submodule,
    /// No work tree at all.
    Bare,
}

impl Repository {
    /// Looks at the repository.
    pub fn facts(&self) -> Result<Facts, Error> {
        let head = self.inner.head().map_err(|source| self.bad_head(source))?;
        let detached = head.is_detached();
        let branch = head.referent_name().map(gix::refs::FullNameRef::shorten).map(BStr::to_owned);
        let (remote_name, remote_url) = self.remote(branch.as_ref().map(AsRef::as_ref));
        Ok(Facts {
            work_tree: self.inner.workdir().map(|_| self.path.clone()),
            git_dir: canonical(self.inner.git_dir())?,
            common_dir: canonical(self.inner.common_dir())?,
            kind: self.kind(),
            remote_name: remote_name.map(|name| name.to_str_lossy().into_owned()),
            remote_url: remote_url.map(|url| url.to_str_lossy().into_owned()),
            branch: branch.map(|name| name.to_str_lossy().into_owned()),
            head: self.head_id()?.map(|id| id.to_string()),
            detached,
            shallow: self.inner.is_shallow().unwrap_or(false),
            partial: self.partial(),
        })
    }

    fn kind(&self) -> Kind {
        use gix::repository::Kind as Gix;
        match self.inner.kind() {
            _ if self.inner.workdir().is_none() => Kind::Bare,
            Gix::Submodule => Kind::Submodule,
            Gix::LinkedWorkTree => Kind::LinkedWorkTree,
            Gix::Common => Kind::Main,
        }
    }

    /// Name and first fetch URL of the remote that stands for the project.
    fn remote(&self, branch: Option<&BStr>) -> (Option<BString>, Option<BString>) {
        let config = self.inner.config_snapshot();
        let url = |name: &BStr| {
            config.plumbing().strings_by("remote", Some(name), "url").and_then(|urls| urls.into_iter().next())
        };
        let upstream = branch.and_then(|branch| config.plumbing().string_by("branch", Some(branch), "remote"));
        // `.` is the repository itself: a branch that follows a local one.
        if let Some(upstream) = upstream.filter(|name| name != ".") {
            return match url(upstream.as_ref()) {
                Some(url) => (Some(upstream), Some(url)),
                // `branch.<name>.remote` may hold a URL in place of a name.
                None if upstream.contains(&b':') || upstream.contains(&b'/') => (None, Some(upstream)),
                None => (Some(upstream), None),
            };
        }
        let name = self.inner.remote_default_name(gix::remote::Direction::Fetch);
        let found = name.as_ref().and_then(|name| url(name.as_ref()));
        (name, found)
    }

    fn partial(&self) -> bool {
        let config = self.inner.config_snapshot();
        config.string("extensions.partialClone").is_some()
            || self.inner.remote_names().iter().any(|name| {
                config.plumbing().boolean_by("remote", Some(name.as_ref()), "promisor").ok().flatten() == Some(true)
            })
    }
}

fn canonical(path: &std::path::Path) -> Result<PathBuf, Error> {
    std::fs::canonicalize(path).map_err(|source| Error::File { path: path.to_owned(), source })
}
