//! The file system: find flakes below the roots, say why a path is not seen, read files within bounds.
//!
//! An adapter: returns plain values and knows no use case, no database and no face. It reads, and never writes.

use std::path::PathBuf;

mod channels;
mod explain;
mod generations;
mod git_rules;
mod mounts;
mod read;
mod rules;
mod skip;
mod walk;
mod watch;

pub use channels::{Channel, channels};
pub use explain::{Explanation, Verdict, explain, explain_tracked};
pub use generations::{Link, System, Version, system, version};
pub use git_rules::ignores_everything;
pub use read::{DEFAULT_LIMIT, FileText, ReadError, read_text};
pub use rules::{Why, check_excludes};
pub use skip::{SKIPPED, Skip};
pub use walk::{
    Answer, Ask, FileStamp, Found, NixFiles, Passed, Unseen, Walk, is_taken_away, walk, walk_nix, walk_until,
};
pub use watch::{Changed, Renewed, Unwatched, Watch};

/// What a walk leaves out beyond the built-in rules, and how hard it works.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Patterns as in a `.gitignore` at each root; what they match is not walked.
    pub excludes: Vec<String>,
    /// The roots in which what is walked lies, when only a part of one is: the patterns are seen from there.
    pub within: Vec<PathBuf>,
    /// How many directories below a root are walked; `None` for all. At 0, only the root itself is looked into.
    pub max_depth: Option<usize>,
    /// Threads to walk with; 0 for as many as there are processors.
    pub threads: usize,
    /// Whether [`walk_until`] finds every Nix file beside the flakes.
    pub nix_files: bool,
    /// Whether it finds the files that pin sources without a flake, by npins, by niv or as channels.
    pub pins: bool,
    /// Who tells what git tracks of what its rules leave out, which a walk takes in; none to leave it out.
    pub tracked: Option<Ask>,
    /// Whether of a part of a root that git's rules leave out only what git tracks is walked, also where that part is what is to be
    /// walked.
    pub parts_by_rules: bool,
}

/// What files with pins are called.
const PIN_FILES: [&str; 3] = ["npins/sources.json", "nix/sources.json", ".nix-channels"];

/// Why nothing could be walked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An exclude pattern is none.
    #[error("`{pattern}` is not a pattern as in a .gitignore; write it like `old/` or `*.bak`")]
    Exclude {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: Box<ignore::Error>,
    },
    /// The patterns are fine one by one, but not together (they are too many or too large).
    #[error("the exclude patterns for {} cannot be used together; use fewer", root.display())]
    Excludes {
        /// The root they were to apply to.
        root: PathBuf,
        /// What is wrong with them.
        source: Box<ignore::Error>,
    },
    /// The system gives no threads.
    #[error("cannot start threads to walk with; close other programs, or set fewer threads")]
    Threads(#[source] rayon::ThreadPoolBuildError),
}
