//! The use cases, one file per intention: they read the world through the adapters, ask the domain what happened and
//! store it. They know no face: faces call them and show what they return.

pub mod check;

pub mod clock;

pub(crate) mod moment;

pub mod observe;

pub mod findings;

pub mod fix;

pub mod scan;

pub mod known;

pub mod lineage;

pub mod history;

pub mod roots;

pub mod edit;

pub mod forget;

pub mod doctor;

pub mod upkeep;

pub mod ledger;

pub mod explain;

pub mod fmt;

pub mod hook;

pub mod origin;

pub mod place;

pub mod programs;

pub mod requests;

pub mod sync;

pub mod system;

pub mod tmux;

pub mod watch;

use std::path::PathBuf;

use crate::domain::message::MessageIdentity;
use crate::store::{Command, Store, StoreError, Who};

use clock::Clock;

/// What every use case works with: built once by a face.
#[derive(Debug)]
pub struct Session {
    /// The ledger.
    pub store: Store,
    /// Time and new ids.
    pub clock: Clock,
    /// Who acts.
    pub who: Who,
}

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The ledger refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A path that was named does not exist or cannot be read.
    #[error("cannot read `{}`", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A path that was named is not a directory with flakes.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// There is nothing to scan.
    #[error("no roots are known yet; name a directory, as in `cim-nix scan ~/src`")]
    NoRoots,
    /// No root is known under that path.
    #[error("`{}` is not a known root; `cim-nix roots list` shows those there are", path.display())]
    UnknownRoot {
        /// The path.
        path: PathBuf,
    },
    /// A pattern that says what to leave out cannot be understood.
    #[error(transparent)]
    Walk(#[from] crate::scan::Error),
    /// A repository could not be read.
    #[error(transparent)]
    Git(#[from] crate::git::Error),
    /// No repository around the files knows that revision.
    #[error("`{revision}` is no event, no time, and no revision of a repository around these files")]
    UnknownRevision {
        /// The revision, as it was written.
        revision: String,
    },
    /// No rule has that name.
    #[error("`{name}` is no rule; {}", near.map_or_else(|| "`cim-nix explain` lists those there are".to_owned(), |near| format!("did you mean `{near}`?")))]
    UnknownRule {
        /// The name.
        name: String,
        /// The rule that is spelled most like it.
        near: Option<&'static str>,
    },
    /// What changed since a commit was asked for where there are none.
    #[error("`{}` is in no git repository, so nothing is known of its past; leave `--since` out", path.display())]
    NoRepository {
        /// The path.
        path: PathBuf,
    },
    /// A process exchanges events under the identity that is to change.
    #[error("{holder} exchanges events for this ledger; stop it first")]
    Delivering {
        /// The machine and the process.
        holder: String,
    },
    /// The system gives no threads.
    #[error("cannot start the threads of the scan; try `--threads 1`")]
    Threads(#[source] rayon::ThreadPoolBuildError),
}

impl AppError {
    /// Whether what was asked for makes no sense, whatever is there.
    pub const fn is_of_the_arguments(&self) -> bool {
        matches!(self, Self::UnknownRule { .. } | Self::Walk(crate::scan::Error::Exclude { .. }))
    }
}

impl Session {
    /// A command that begins a conversation.
    pub fn command(&self, name: &'static str) -> Command {
        self.command_as(name, MessageIdentity::root(self.clock.new_id()))
    }

    /// A command that another one brought about.
    pub fn caused(&self, name: &'static str, by: &MessageIdentity) -> Command {
        self.command_as(name, by.cause(self.clock.new_id()))
    }

    pub(crate) fn command_as(&self, name: &'static str, identity: MessageIdentity) -> Command {
        Command {
            id: identity.message_id.uuid(),
            name,
            identity,
            actor: self.who.actor(),
            result: serde_json::Value::Null,
        }
    }
}

/// An error with its causes in one sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let whole = error.to_string();
    let (mut text, step) =
        whole.rsplit_once("; ").map_or((whole.clone(), None), |(what, step)| (what.to_owned(), Some(step.to_owned())));
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    // The next step stands at the end, behind all causes.
    let text = step.map_or(text.clone(), |step| format!("{text}; {step}"));
    crate::syntax::secret::redact(&text).text
}
