//! The state of a flake: its events, folded.

use super::Facts;
use super::event::{FlakeEvent, Updated};
use crate::domain::lineage::Lineage;
use crate::domain::lock::Lock;
use crate::domain::path::RecordedPath;

/// A flake as its events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flake {
    /// The canonical directory that holds `flake.nix`.
    pub directory: RecordedPath,
    /// Which project it is.
    pub lineage: Option<Lineage>,
    /// The version of the extractor that read it last.
    pub extractor: u32,
    /// What is known of it.
    pub facts: Facts,
    /// Whether it is gone, or no longer watched.
    pub removed: bool,
}

impl Flake {
    /// Folds a stream; none when the stream does not begin with a discovery.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a FlakeEvent>) -> Option<Self> {
        events.into_iter().fold(None, Self::apply)
    }

    /// The state after one more event. Anything before a discovery is passed over.
    pub fn apply(state: Option<Self>, event: &FlakeEvent) -> Option<Self> {
        if let FlakeEvent::Discovered(found) = event {
            return Some(Self {
                directory: found.directory.clone(),
                lineage: found.lineage.clone(),
                extractor: found.extractor,
                facts: found.facts.clone(),
                removed: false,
            });
        }
        let mut flake = state?;
        flake.change(event);
        Some(flake)
    }

    fn change(&mut self, event: &FlakeEvent) {
        let facts = &mut self.facts;
        match event {
            FlakeEvent::Discovered(_) | FlakeEvent::Succeeded(_) => {}
            FlakeEvent::DescriptionChanged { to, .. } => facts.description.clone_from(to),
            FlakeEvent::InputAdded(input) => {
                facts.inputs.insert(input.name.clone(), input.clone());
            }
            FlakeEvent::InputRemoved(input) => {
                facts.inputs.remove(&input.name);
            }
            FlakeEvent::InputChanged { to, .. } => {
                facts.inputs.insert(to.name.clone(), (**to).clone());
            }
            FlakeEvent::Updated(updated) => apply_update(&mut facts.lock, updated),
            FlakeEvent::OutputsChanged { to, .. } => facts.outputs.clone_from(to),
            FlakeEvent::NixConfigChanged { to, .. } => facts.nix_config.clone_from(to),
            FlakeEvent::LineageChanged { to, .. } => self.lineage.clone_from(to),
            FlakeEvent::Moved { to, .. } => self.directory.clone_from(to),
            FlakeEvent::Removed { .. } | FlakeEvent::Forgotten { .. } => self.removed = true,
            FlakeEvent::ObserverChanged(change) => {
                self.extractor = change.to;
                facts.clone_from(&change.facts);
            }
        }
    }
}

fn apply_update(lock: &mut Option<Lock>, updated: &Updated) {
    let Some(head) = &updated.to else {
        *lock = None;
        return;
    };
    let lock = lock.get_or_insert_default();
    lock.version = head.version;
    lock.root.clone_from(&head.root);
    for change in &updated.nodes {
        match &change.to {
            Some(node) => lock.nodes.insert(change.key.clone(), node.clone()),
            None => lock.nodes.remove(&change.key),
        };
    }
}
