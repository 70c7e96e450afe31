//! Findings: what is wrong with one file, from when until when. One stream per flake and file, one event per file
//! and observation.

use std::collections::BTreeMap;

use super::id::FlakeId;
use super::path::RecordedPath;

pub mod event;

pub mod decide;

/// Which file a stream of findings belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The flake, when the file belongs to one.
    pub flake: Option<FlakeId>,
    /// The file.
    pub file: RecordedPath,
}

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What stays the same while the finding is the same: kind, what it is about, and its occurrence.
    pub fingerprint: String,
    /// The stable name of the kind: `dirty-lock`, `not-in-git`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// The line to go to, counted from 1, when there is one.
    pub line: Option<u32>,
    /// One sentence for a person, with the next step.
    pub message: String,
}

/// A finding that a comment in the file says is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// Which one.
    pub fingerprint: String,
    /// Why it is meant, as the comment says; empty when it says nothing.
    pub why: String,
    /// The last day on which it is, as in `2027-01-01`.
    pub until: Option<String>,
}

/// What one look at a file finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What would be, and is said to be meant.
    pub suppressed: Vec<Suppressed>,
}

impl From<Vec<Finding>> for Seen {
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings, suppressed: Vec::new() }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Likely a mistake.
    Warning,
    /// Nix will refuse it, or something could not be read.
    Error,
}

impl Severity {
    /// The name used in events, views and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The open findings of one file, by fingerprint.
pub type Open = BTreeMap<String, Finding>;
