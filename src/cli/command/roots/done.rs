//! What `roots` has done, for scripts: people are told in words beside the data.

use serde::Serialize;

use crate::cli::answer::{Answer, Single};
use crate::cli::path::PathFields;

/// `cim-nix/roots-add/1`.
#[derive(Debug, Serialize)]
pub(super) struct Added {
    pub(super) roots: Vec<Root>,
    /// How many events are sent all the same, though they are private by now.
    pub(super) still_to_be_sent: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Root {
    #[serde(flatten)]
    pub(super) path: PathFields,
    /// Whether it was no root before.
    pub(super) new: bool,
    /// How many streams that the root around it shared are private again.
    pub(super) streams_private: usize,
}

/// `cim-nix/roots-share/1`.
#[derive(Debug, Serialize)]
pub(super) struct Shared {
    /// How many streams are shared that were not before.
    pub(super) streams: usize,
    /// How many of their events.
    pub(super) events: usize,
}

/// `cim-nix/roots-unshare/1`.
#[derive(Debug, Serialize)]
pub(super) struct Unshared {
    /// How many streams are private again.
    pub(super) streams: usize,
    /// How many events are sent all the same, though they are private by now.
    pub(super) still_to_be_sent: u64,
}

/// `cim-nix/roots-forget/1`.
#[derive(Debug, Serialize)]
pub(super) struct Forgotten {
    #[serde(flatten)]
    pub(super) path: PathFields,
    /// The shared root around it, in which it stays private.
    pub(super) shared_around: Option<PathFields>,
    /// How many events are sent all the same, though they are private by now.
    pub(super) still_to_be_sent: u64,
}

impl Answer for Added {
    const NAME: &'static str = "roots-add";
    type Record = Root;

    fn records(&self) -> &[Root] {
        &self.roots
    }

    fn cells(root: &Root) -> Vec<String> {
        [root.path.path.clone(), root.new.to_string(), root.streams_private.to_string()].into()
    }
}

impl Single for Shared {
    const NAME: &'static str = "roots-share";

    fn cells(&self) -> Vec<String> {
        [self.streams.to_string(), self.events.to_string()].into()
    }
}

impl Single for Unshared {
    const NAME: &'static str = "roots-unshare";

    fn cells(&self) -> Vec<String> {
        [self.streams.to_string(), self.still_to_be_sent.to_string()].into()
    }
}

impl Single for Forgotten {
    const NAME: &'static str = "roots-forget";

    fn cells(&self) -> Vec<String> {
        let around = self.shared_around.as_ref().map(|around| around.path.clone()).unwrap_or_default();
        [self.path.path.clone(), around, self.still_to_be_sent.to_string()].into()
    }
}
