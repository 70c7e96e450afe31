//! The catalogue: every event that exists, declared once. Types on the wire, golden files, the event reference and
//! the decoders' tests derive from this table.

use super::config::ConfigEvent;
use super::finding::event::FindingEvent;
use super::flake::event::FlakeEvent;
use super::ledger::LedgerEvent;
use super::lock_history::LockHistoryEvent;
use super::module::ModuleEvent;
use super::overlay::OverlayEvent;
use super::pins::PinsEvent;
use super::stream::Aggregate;

/// Any event of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Of a flake.
    Flake(FlakeEvent),
    /// Of the findings of a file.
    Finding(FindingEvent),
    /// Of a lock's past.
    LockHistory(LockHistoryEvent),
    /// Of a configuration of a machine, or of a flake.
    Config(ConfigEvent),
    /// Of a file with pins.
    Pins(PinsEvent),
    /// Of a module.
    Module(ModuleEvent),
    /// Of an overlay.
    Overlay(OverlayEvent),
    /// Of the ledger itself.
    Ledger(LedgerEvent),
}

/// One kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Whose event it is.
    pub aggregate: Aggregate,
    /// What happened, in the past tense: `input_added`.
    pub action: &'static str,
    /// The version of the payload that this release writes; every older one is still read.
    pub schema: u32,
    /// What it means, in one sentence.
    pub doc: &'static str,
}

impl Kind {
    /// The type as stored and shown: `flake.input_added`.
    pub fn name(self) -> String {
        format!("{}.{}", self.aggregate.name(), self.action)
    }
}

macro_rules! catalogue {
    ($($constant:ident = $aggregate:ident $action:literal v $schema:literal: $doc:literal;)+) => {
        $(
            #[doc = $doc]
            pub const $constant: Kind =
                Kind { aggregate: Aggregate::$aggregate, action: $action, schema: $schema, doc: $doc };
        )+

        /// Every kind of event, in the order of the documentation.
        pub const EVENTS: &[Kind] = &[$($constant),+];
    };
}

catalogue! {
    FLAKE_DISCOVERED = Flake "discovered" v 1: "A flake was seen for the first time, or again after it had been removed.";
    FLAKE_DESCRIPTION_CHANGED = Flake "description_changed" v 1: "A flake's description is another.";
    FLAKE_INPUT_ADDED = Flake "input_added" v 1: "An input was added to flake.nix.";
    FLAKE_INPUT_REMOVED = Flake "input_removed" v 1: "An input was taken out of flake.nix.";
    FLAKE_INPUT_CHANGED = Flake "input_changed" v 1: "An input is written otherwise than before.";
    FLAKE_UPDATED = Flake "updated" v 1: "The lock file changed: old and new, node by node and by input path.";
    FLAKE_OUTPUTS_CHANGED = Flake "outputs_changed" v 1: "The outputs known without evaluation are others.";
    FLAKE_NIX_CONFIG_CHANGED = Flake "nix_config_changed" v 1: "The flake's nixConfig is another.";
    FLAKE_LINEAGE_CHANGED = Flake "lineage_changed" v 1: "The remote says that this is another project than before.";
    FLAKE_MOVED = Flake "moved" v 1: "The flake lies in another directory than before.";
    FLAKE_REMOVED = Flake "removed" v 1: "The flake is gone; its old directory was looked at.";
    FLAKE_FORGOTTEN = Flake "forgotten" v 1: "The user told the ledger to watch the flake no longer.";
    FLAKE_OBSERVER_CHANGED = Flake "observer_changed" v 1: "A newer extractor sees unchanged files otherwise.";
    FLAKE_SUCCEEDED = Flake "succeeded" v 1: "The flake goes on from a stream of an origin that this one was forked from.";
    FINDING_RAISED = Finding "raised" v 1: "Something wrong was seen in a file that was not there before.";
    FINDING_CHANGED = Finding "changed" v 1: "Something wrong with a file is on another line, or said otherwise.";
    FINDING_RESOLVED = Finding "resolved" v 1: "Something wrong with a file is no longer seen.";
    FINDING_SUPPRESSED = Finding "suppressed" v 1: "Something wrong with a file is still there, and a comment now says that it is meant.";
    LOCK_HISTORY_RECORDED = LockHistory "recorded" v 1: "A commit changed the lock file.";
    LOCK_HISTORY_UNREACHABLE = LockHistory "unreachable" v 1: "Commits recorded before are no longer reachable.";
    CONFIG_ACTIVATED = Config "activated" v 1: "A generation of a NixOS became the current one.";
    CONFIG_ROLLED_BACK = Config "rolled_back" v 1: "An older generation of a NixOS became the current one again.";
    CONFIG_DISCOVERED = Config "discovered" v 1: "A configuration of a flake was seen for the first time, or again after it was deleted.";
    CONFIG_UPDATED = Config "updated" v 1: "A configuration of a flake has other modules, users or services than before.";
    CONFIG_DELETED = Config "deleted" v 1: "A configuration is seen in its flake no longer: it is gone, or written out of sight.";
    PINS_DISCOVERED = Pins "discovered" v 1: "A file that pins sources without a flake was seen for the first time, or again after it was removed.";
    PINS_UPDATED = Pins "updated" v 1: "Some of the sources that a file pins are others.";
    PINS_REMOVED = Pins "removed" v 1: "A file with pins is gone; its directory was looked at.";
    MODULE_DISCOVERED = Module "discovered" v 1: "A module was seen for the first time, or again after it was deleted.";
    MODULE_UPDATED = Module "updated" v 1: "A module declares, defines or imports something else than before.";
    MODULE_DELETED = Module "deleted" v 1: "The file of a module is gone, or no module any more.";
    OVERLAY_DISCOVERED = Overlay "discovered" v 1: "An overlay was seen for the first time, or again after it was deleted.";
    OVERLAY_UPDATED = Overlay "updated" v 1: "An overlay adds other names than before.";
    OVERLAY_DELETED = Overlay "deleted" v 1: "The file of an overlay is gone, or no overlay any more.";
    LEDGER_ERASED = Ledger "erased" v 1: "The payload of an event was blanked.";
}

impl Event {
    /// Which entry of the catalogue this event is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Flake(event) => match event {
                FlakeEvent::Discovered(_) => FLAKE_DISCOVERED,
                FlakeEvent::DescriptionChanged { .. } => FLAKE_DESCRIPTION_CHANGED,
                FlakeEvent::InputAdded(_) => FLAKE_INPUT_ADDED,
                FlakeEvent::InputRemoved(_) => FLAKE_INPUT_REMOVED,
                FlakeEvent::InputChanged { .. } => FLAKE_INPUT_CHANGED,
                FlakeEvent::Updated(_) => FLAKE_UPDATED,
                FlakeEvent::OutputsChanged { .. } => FLAKE_OUTPUTS_CHANGED,
                FlakeEvent::NixConfigChanged { .. } => FLAKE_NIX_CONFIG_CHANGED,
                FlakeEvent::LineageChanged { .. } => FLAKE_LINEAGE_CHANGED,
                FlakeEvent::Moved { .. } => FLAKE_MOVED,
                FlakeEvent::Removed { .. } => FLAKE_REMOVED,
                FlakeEvent::Forgotten { .. } => FLAKE_FORGOTTEN,
                FlakeEvent::ObserverChanged(_) => FLAKE_OBSERVER_CHANGED,
                FlakeEvent::Succeeded(_) => FLAKE_SUCCEEDED,
            },
            Self::Finding(FindingEvent::Raised { .. }) => FINDING_RAISED,
            Self::Finding(FindingEvent::Changed { .. }) => FINDING_CHANGED,
            Self::Finding(FindingEvent::Resolved { .. }) => FINDING_RESOLVED,
            Self::Finding(FindingEvent::Suppressed { .. }) => FINDING_SUPPRESSED,
            Self::LockHistory(LockHistoryEvent::Recorded(_)) => LOCK_HISTORY_RECORDED,
            Self::LockHistory(LockHistoryEvent::Unreachable { .. }) => LOCK_HISTORY_UNREACHABLE,
            Self::Config(ConfigEvent::Activated { .. }) => CONFIG_ACTIVATED,
            Self::Config(ConfigEvent::RolledBack { .. }) => CONFIG_ROLLED_BACK,
            Self::Config(ConfigEvent::Discovered { .. }) => CONFIG_DISCOVERED,
            Self::Config(ConfigEvent::Updated { .. }) => CONFIG_UPDATED,
            Self::Config(ConfigEvent::Deleted { .. }) => CONFIG_DELETED,
            Self::Pins(PinsEvent::Discovered { .. }) => PINS_DISCOVERED,
            Self::Pins(PinsEvent::Updated { .. }) => PINS_UPDATED,
            Self::Pins(PinsEvent::Removed { .. }) => PINS_REMOVED,
            Self::Module(ModuleEvent::Discovered { .. }) => MODULE_DISCOVERED,
            Self::Module(ModuleEvent::Updated { .. }) => MODULE_UPDATED,
            Self::Module(ModuleEvent::Deleted { .. }) => MODULE_DELETED,
            Self::Overlay(OverlayEvent::Discovered { .. }) => OVERLAY_DISCOVERED,
            Self::Overlay(OverlayEvent::Updated { .. }) => OVERLAY_UPDATED,
            Self::Overlay(OverlayEvent::Deleted { .. }) => OVERLAY_DELETED,
            Self::Ledger(LedgerEvent::Erased { .. }) => LEDGER_ERASED,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_in_the_past_tense() {
        let names: BTreeSet<String> = EVENTS.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), EVENTS.len());
        for kind in EVENTS {
            assert!(kind.action.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", kind.action);
        }
    }
}
