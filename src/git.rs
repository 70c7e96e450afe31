//! Git repositories, read without the `git` program: facts about one, and the past of one path in it.
//!
//! An adapter: returns plain values and knows no use case, no database and no face. It never writes, never runs a
//! configured program, and reads only the repository's own configuration, so the answers do not depend on who asks.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::domain::shell;

mod encoding;
mod facts;
mod history;
mod near;
mod rename;
mod since;
mod stamp;
mod stored;
mod text;
mod tree_path;
mod work_tree;

pub use facts::{Facts, Kind};
pub use history::{Commit, Content, Cursor, Limit, LockHistory};
pub use near::Near;
pub use stamp::{is_in_linked_work_tree, stamped, stamped_edge, stamped_rules};
pub use text::AtRevision;
pub use work_tree::{AgainstHead, Tracked};

/// A git repository, opened for reading.
pub struct Repository {
    inner: gix::Repository,
    path: PathBuf,
}

/// Why a repository could not be read; every variant names it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository is there, but does not open.
    #[error("cannot open the git repository of {}; `git -C {} status` may say more", path.display(), shell::path(path))]
    Open {
        /// The directory that was asked about.
        path: PathBuf,
        /// What could not be read, without the text that was there: a configuration may hold passwords.
        source: Cause,
    },
    /// The repository keeps its references in the reftable format.
    #[error("the git repository of {} keeps its references as a reftable, which is not supported; `git refs migrate --ref-format=files` converts it", path.display())]
    Reftable {
        /// The directory that was asked about.
        path: PathBuf,
    },
    /// The repository names its objects with SHA-256.
    #[error("the git repository of {} uses SHA-256 object names, and only SHA-1 is read", path.display())]
    Sha256 {
        /// The directory that was asked about.
        path: PathBuf,
    },
    /// A `.git` file (work tree or submodule) names a git directory that is not there.
    #[error("{} points to a git directory that does not exist; `git worktree repair` or `git submodule update --init` mends it", path.display())]
    BrokenLink {
        /// The `.git` file.
        path: PathBuf,
    },
    /// A reference, `HEAD` above all, is damaged.
    #[error("cannot read HEAD of the git repository {}; `git fsck` says more", repository.display())]
    Head {
        /// The repository.
        repository: PathBuf,
        /// What is wrong with it.
        source: Box<gix::Error>,
    },
    /// An object is there, but damaged.
    #[error("object {id} of the git repository {} is damaged; `git fsck` says more", repository.display())]
    Object {
        /// The repository.
        repository: PathBuf,
        /// The object's name in hexadecimal.
        id: String,
        /// What is wrong with it, when more is known than that it is not what its place demands.
        source: Option<Box<gix::Error>>,
    },
    /// The index is damaged or of an unknown version.
    #[error("cannot read the index of the git repository {}; `git reset` writes it anew", repository.display())]
    Index {
        /// The repository.
        repository: PathBuf,
        /// What is wrong with it.
        source: Box<gix::Error>,
    },
    /// A path that was asked about is not in the repository's work tree.
    #[error("{} is not inside the work tree of the git repository {}", path.display(), repository.display())]
    Outside {
        /// The path.
        path: PathBuf,
        /// The repository.
        repository: PathBuf,
    },
    /// A commit name that was passed in is none.
    #[error("`{id}` is not the name of a commit (asked of the git repository {})", repository.display())]
    NotACommit {
        /// The repository.
        repository: PathBuf,
        /// What was passed in.
        id: String,
    },
    /// Whoever asked said stop meanwhile.
    #[error("reading the history of the git repository {} was stopped, and the next scan goes on", repository.display())]
    Stopped {
        /// The repository.
        repository: PathBuf,
    },
    /// A file or directory could not be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// Why a repository does not open, in words that quote nothing of what stands in its files.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    /// The chain of causes, each cut off before the input it quotes.
    fn without_input(error: &gix::Error) -> Self {
        let cut = |cause: String| {
            let words = cause.split(['\'', '"', '=', '`']).next().unwrap_or_default();
            words.trim_end_matches(", input").trim_end_matches([' ', ':', ',']).to_owned()
        };
        let causes: Vec<_> = error.iter_errors().map(|cause| cut(cause.to_string())).collect();
        Self(causes.join(": "))
    }
}

impl Repository {
    /// The repository a directory belongs to, or `None` when it belongs to none.
    ///
    /// Looks upwards as git does, without crossing into another file system. Work trees (`.git` files), submodules
    /// and bare repositories are followed; `GIT_DIR` and its kin are ignored. Who owns the repository is not asked:
    /// it is only read, and nothing configured in it is run.
    pub fn discover(dir: &Path) -> Result<Option<Self>, Error> {
        let dir = std::fs::canonicalize(dir).map_err(|source| Error::File { path: dir.to_owned(), source })?;
        if let Some(path) = stamp::unreadable(&dir) {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no regular file");
            return Err(Error::File { path, source });
        }
        match gix::ThreadSafeRepository::discover_opts(&dir, upwards(), trust()) {
            Ok(inner) => Self::new(inner.to_thread_local(), &dir).map(Some),
            Err(error) if is_none(&error) => stepped_over(&dir, None).map_or(Ok(None), |git| Err(no_repository(git))),
            Err(error) if uses_sha256(&error) => Err(Error::Sha256 { path: dir }),
            Err(error) => Err(Error::Open { path: dir, source: Cause::without_input(&error) }),
        }
    }

    /// The git directory of this work tree: where HEAD and the index lie.
    pub fn git_directory(&self) -> &Path {
        self.inner.git_dir()
    }

    /// The work tree's root, or the git directory when there is no work tree. Canonical.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn new(mut inner: gix::Repository, dir: &Path) -> Result<Self, Error> {
        let root = inner.workdir().unwrap_or_else(|| inner.git_dir());
        let path = std::fs::canonicalize(root).map_err(|source| Error::File { path: root.to_owned(), source })?;
        if let Some(git) = stepped_over(dir, Some((&path, inner.git_dir()))) {
            return Err(no_repository(git));
        }
        // Taken for empty by the library where it may not be read.
        for file in [inner.common_dir().join("config"), inner.git_dir().join("config.worktree")] {
            readable(&file).map_err(|source| Error::File { path: file, source })?;
        }
        if inner.config_snapshot().string("extensions.refStorage").is_some_and(|format| format != "files") {
            return Err(Error::Reftable { path });
        }
        inner.object_cache_size_if_unset(OBJECT_CACHE_BYTES);
        Ok(Self { inner, path })
    }

    fn damaged(&self, id: gix::ObjectId, source: Option<gix::Error>) -> Error {
        Error::Object { repository: self.path.clone(), id: id.to_string(), source: source.map(Box::new) }
    }

    /// An object, or `None` when it is not in the object store (a shallow or partial clone).
    fn object(&self, id: gix::ObjectId) -> Result<Option<gix::Object<'_>>, Error> {
        self.inner.try_find_object(id).map_err(|source| self.damaged(id, Some(source)))
    }

    fn head_id(&self) -> Result<Option<gix::ObjectId>, Error> {
        let mut head = self.inner.head().map_err(|source| self.bad_head(source))?;
        head.try_peel_to_id().map(|id| id.map(gix::Id::detach)).map_err(|source| self.bad_head(source))
    }

    fn bad_head(&self, source: gix::Error) -> Error {
        Error::Head { repository: self.path.clone(), source: Box::new(source) }
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Trees near the root are read again and again along a history, and commits for every flake of a repository; this holds
/// several thousand of them.
const OBJECT_CACHE_BYTES: usize = 8 * 1024 * 1024;

fn upwards() -> gix::discover::upwards::Options<'static> {
    let trust = gix::discover::upwards::TrustPolicy::Assume(gix::sec::Trust::Full);
    gix::discover::upwards::Options { trust, ..Default::default() }
}

fn trust() -> gix::sec::trust::Mapping<gix::open::Options> {
    let isolated = gix::open::Options::isolated;
    gix::sec::trust::Mapping { full: isolated(), reduced: isolated() }
}

fn is_none(error: &gix::Error) -> bool {
    use gix::discover::upwards::Error as Upwards;
    let found = error.downcast_any_ref::<Upwards>();
    matches!(found, Some(Upwards::NoGitRepository { .. } | Upwards::NoGitRepositoryWithinFs { .. }))
}

fn uses_sha256(error: &gix::Error) -> bool {
    error.iter_errors().any(|cause| cause.to_string().to_ascii_lowercase().contains("sha256"))
}

/// What is called `.git`, at or above `dir` and below the work tree of the repository that was `found`, and that discovery
/// stepped over because it leads to none. An empty directory is nothing.
///
/// Nix stops at what has that name; going on upwards would record the flake under a repository it is no part of, and
/// under none what is only damaged, or on a disk that is not mounted.
fn stepped_over(dir: &Path, found: Option<(&Path, &Path)>) -> Option<PathBuf> {
    let device = |path: &Path| path.metadata().ok().map(|meta| meta.dev());
    let here = device(dir);
    let is_found = |git: &Path| found.is_some_and(|(_, own)| git.canonicalize().ok() == own.canonicalize().ok());
    let is_empty = |git: &Path| std::fs::read_dir(git).is_ok_and(|mut entries| entries.next().is_none());
    dir.ancestors()
        // Nor does discovery cross into another file system.
        .take_while(|ancestor| found.is_none_or(|(root, _)| *ancestor != root) && device(ancestor) == here)
        .map(|ancestor| ancestor.join(".git"))
        .find(|git| git.symlink_metadata().is_ok() && !is_empty(git) && !is_found(git))
}

fn no_repository(git: PathBuf) -> Error {
    if !git.is_dir() {
        return Error::BrokenLink { path: git };
    }
    let source = Cause("its HEAD, objects or refs are not there, or may not be read".to_owned());
    Error::Open { path: git.parent().unwrap_or(&git).to_owned(), source }
}

/// Whether a file can be read, or is not there.
fn readable(file: &Path) -> std::io::Result<()> {
    match std::fs::read(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound || file.is_symlink() => Err(error),
        _ => Ok(()),
    }
}
