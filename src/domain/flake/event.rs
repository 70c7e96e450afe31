//! What can happen to a flake, in the past tense; events that change something carry old and new.

use std::collections::BTreeMap;

use super::{Facts, Input, Outputs};
use crate::domain::lineage::Lineage;
use crate::domain::lock::{LockHead, NodeChange, PathChange};
use crate::domain::path::RecordedPath;

/// An event of a flake's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlakeEvent {
    /// A flake was seen for the first time, or again after it had been removed.
    Discovered(Box<Discovered>),
    /// The description is another.
    DescriptionChanged {
        /// Before.
        from: Option<String>,
        /// After.
        to: Option<String>,
    },
    /// An input was added to `flake.nix`.
    InputAdded(Input),
    /// An input was taken out of `flake.nix`.
    InputRemoved(Input),
    /// An input is written otherwise than before.
    InputChanged {
        /// Before.
        from: Box<Input>,
        /// After.
        to: Box<Input>,
    },
    /// The lock file changed.
    Updated(Updated),
    /// The outputs that are known without evaluation are others.
    OutputsChanged {
        /// Before.
        from: Outputs,
        /// After.
        to: Outputs,
    },
    /// The flake's `nixConfig` is another.
    NixConfigChanged {
        /// Before.
        from: BTreeMap<String, String>,
        /// After.
        to: BTreeMap<String, String>,
    },
    /// The repository's remote says that this is another project than before.
    LineageChanged {
        /// Before.
        from: Option<Lineage>,
        /// After.
        to: Option<Lineage>,
    },
    /// The flake lies in another directory than before.
    Moved {
        /// Before.
        from: RecordedPath,
        /// After.
        to: RecordedPath,
    },
    /// The flake is gone; its old directory was looked at.
    Removed {
        /// Where it was.
        directory: RecordedPath,
    },
    /// The user told the ledger to watch the flake no longer; it may well still be there.
    Forgotten {
        /// Where it is.
        directory: RecordedPath,
    },
    /// A newer extractor sees the same files otherwise: the user changed nothing.
    ObserverChanged(Box<ObserverChanged>),
    /// The flake goes on from a stream of an origin that this one was forked from: the first event of its stream.
    Succeeded(Box<Succeeded>),
}

/// Where a flake of a forked origin goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succeeded {
    /// The public key of the origin that was forked.
    pub origin: String,
    /// The stream of the flake there.
    pub stream: String,
    /// The last event of it that the fork has.
    pub version: u64,
    /// The link of that event: in what the old origin had shared, or in the ledger that forked when it was not shared.
    pub chain: [u8; 32],
    /// The old origin's signature that this one may go on from it; none when its key was lost.
    pub signature: Option<Vec<u8>>,
}

/// The whole of a flake at first sight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// The canonical directory that holds `flake.nix`.
    pub directory: RecordedPath,
    /// Which project it is, if a remote tells.
    pub lineage: Option<Lineage>,
    /// The version of the extractor that read it.
    pub extractor: u32,
    /// What was read.
    pub facts: Facts,
}

/// A change of the lock file, node by node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// The lock's head before; absent when there was no lock.
    pub from: Option<LockHead>,
    /// The lock's head after; absent when the lock is gone.
    pub to: Option<LockHead>,
    /// The nodes that differ.
    pub nodes: Vec<NodeChange>,
    /// The same change by input path, for people.
    pub changes: Vec<PathChange>,
    /// Which part of a change too large for one event this is, counted from 1.
    pub part: u32,
    /// How many parts there are.
    pub parts: u32,
}

/// What a newer extractor sees in unchanged files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObserverChanged {
    /// The extractor before.
    pub from: u32,
    /// The extractor now.
    pub to: u32,
    /// What it reads.
    pub facts: Facts,
}
