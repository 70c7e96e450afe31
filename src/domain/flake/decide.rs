//! The decision: what happened, given what is known and what is seen now. Pure; seeing the same twice says nothing.

use std::borrow::Cow;

use super::Facts;
use super::event::{Discovered, FlakeEvent, ObserverChanged, Succeeded, Updated};
use super::state::Flake;
use crate::domain::lineage::LineageSeen;
use crate::domain::lock::{Lock, PathChange, node_changes};
use crate::domain::path::RecordedPath;
use crate::domain::size::{PART_BYTES, input_bytes, node_bytes, node_change_bytes, path_change_bytes, split};

/// What a scan saw of one flake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The canonical directory that holds `flake.nix`.
    pub directory: RecordedPath,
    /// Which project it is, as far as its repository tells.
    pub lineage: LineageSeen,
    /// The version of the extractor that looked.
    pub extractor: u32,
    /// Whether the files are byte for byte those of the last observation.
    pub same_files: bool,
    /// What was read.
    pub facts: Facts,
    /// Which files say nothing of what they held before.
    pub not_understood: NotUnderstood,
    /// The change of the lock by input path, from the known lock to this one.
    pub lock_changes: Vec<PathChange>,
}

/// Files that are there and make no sense as a whole, as in the middle of a merge or of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotUnderstood {
    /// `flake.nix`.
    pub nix: bool,
    /// `flake.lock`.
    pub lock: bool,
}

impl Observation {
    /// The same with what is known in the place of what was not understood.
    fn beside(&self, known: &Facts) -> Cow<'_, Self> {
        let facts = match self.not_understood {
            NotUnderstood { nix: false, lock: false } => return Cow::Borrowed(self),
            NotUnderstood { nix: true, lock: true } => known.clone(),
            NotUnderstood { nix: true, lock: false } => Facts { lock: self.facts.lock.clone(), ..known.clone() },
            NotUnderstood { nix: false, lock: true } => Facts { lock: known.lock.clone(), ..self.facts.clone() },
        };
        Cow::Owned(Self { facts, ..self.clone() })
    }
}

/// The events of a flake that was never seen under this origin, and goes on from one of the origin that was forked.
pub fn succeed(old: Succeeded, seen: &Observation) -> Vec<FlakeEvent> {
    std::iter::once(FlakeEvent::Succeeded(Box::new(old))).chain(discover(seen)).collect()
}

/// The events that lead from what is known to what is seen.
pub fn observe(known: Option<&Flake>, seen: &Observation) -> Vec<FlakeEvent> {
    let Some(known) = known.filter(|flake| !flake.removed) else {
        return discover(seen);
    };
    let seen = &*seen.beside(&known.facts);
    let mut events = Vec::new();
    if known.directory != seen.directory {
        events.push(FlakeEvent::Moved { from: known.directory.clone(), to: seen.directory.clone() });
    }
    if let LineageSeen::Known(lineage) = &seen.lineage
        && known.lineage != *lineage
    {
        events.push(FlakeEvent::LineageChanged { from: known.lineage.clone(), to: lineage.clone() });
    }
    if known.facts != seen.facts {
        if seen.same_files && known.extractor != seen.extractor {
            events.extend(reinterpret(known, seen));
        } else {
            events.extend(differences(&known.facts, seen));
        }
    }
    events
}

/// The event of a flake that is verified to be gone; nothing when that is known already.
pub fn remove(known: &Flake) -> Vec<FlakeEvent> {
    if known.removed {
        return Vec::new();
    }
    vec![FlakeEvent::Removed { directory: known.directory.clone() }]
}

/// The event of a flake that the user wants to hear no more of; nothing when it is not watched anyway.
pub fn forget(known: &Flake) -> Vec<FlakeEvent> {
    if known.removed {
        return Vec::new();
    }
    vec![FlakeEvent::Forgotten { directory: known.directory.clone() }]
}

fn discover(seen: &Observation) -> Vec<FlakeEvent> {
    let (facts, rest) = first_sight(seen);
    let found = Discovered {
        directory: seen.directory.clone(),
        lineage: seen.lineage.known().cloned(),
        extractor: seen.extractor,
        facts,
    };
    std::iter::once(FlakeEvent::Discovered(Box::new(found))).chain(rest).collect()
}

fn reinterpret(known: &Flake, seen: &Observation) -> Vec<FlakeEvent> {
    let (facts, rest) = first_sight(seen);
    let change = ObserverChanged { from: known.extractor, to: seen.extractor, facts };
    std::iter::once(FlakeEvent::ObserverChanged(Box::new(change))).chain(rest).collect()
}

/// All facts in one event where they fit; inputs and lock nodes beyond that follow in events of their own.
fn first_sight(seen: &Observation) -> (Facts, Vec<FlakeEvent>) {
    let mut first = seen.facts.clone();
    let mut rest = Vec::new();
    if first.inputs.values().map(input_bytes).sum::<usize>() > PART_BYTES {
        rest.extend(std::mem::take(&mut first.inputs).into_values().map(FlakeEvent::InputAdded));
    }
    let lock_bytes = first.lock.iter().flat_map(|lock| lock.nodes.values()).map(node_bytes).sum::<usize>();
    if lock_bytes > PART_BYTES {
        rest.extend(lock_updates(None, first.lock.take().as_ref(), &[]));
    }
    (first, rest)
}

fn differences(known: &Facts, seen: &Observation) -> Vec<FlakeEvent> {
    let now = &seen.facts;
    let mut events = Vec::new();
    if known.description != now.description {
        events.push(FlakeEvent::DescriptionChanged { from: known.description.clone(), to: now.description.clone() });
    }
    events.extend(input_events(known, now));
    events.extend(lock_updates(known.lock.as_ref(), now.lock.as_ref(), &seen.lock_changes));
    if known.outputs != now.outputs {
        events.push(FlakeEvent::OutputsChanged { from: known.outputs.clone(), to: now.outputs.clone() });
    }
    if known.nix_config != now.nix_config {
        events.push(FlakeEvent::NixConfigChanged { from: known.nix_config.clone(), to: now.nix_config.clone() });
    }
    events
}

fn input_events(known: &Facts, now: &Facts) -> Vec<FlakeEvent> {
    let removed = known.inputs.values().filter(|input| !now.inputs.contains_key(&input.name));
    let mut events: Vec<_> = removed.cloned().map(FlakeEvent::InputRemoved).collect();
    for input in now.inputs.values() {
        match known.inputs.get(&input.name) {
            None => events.push(FlakeEvent::InputAdded(input.clone())),
            Some(old) if old != input => {
                events.push(FlakeEvent::InputChanged { from: Box::new(old.clone()), to: Box::new(input.clone()) });
            }
            Some(_) => {}
        }
    }
    events
}

/// One `Updated` for a change of the lock, or several parts when the change is too large for one event.
fn lock_updates(from: Option<&Lock>, to: Option<&Lock>, changes: &[PathChange]) -> Vec<FlakeEvent> {
    if from == to {
        return Vec::new();
    }
    let nodes = split(node_changes(from, to), node_change_bytes);
    let changes = split(changes.to_vec(), path_change_bytes);
    let parts = u32::try_from(nodes.len().max(changes.len()).max(1)).unwrap_or(u32::MAX);
    let (mut nodes, mut changes) = (nodes.into_iter(), changes.into_iter());
    (1..=parts)
        .map(|part| {
            FlakeEvent::Updated(Updated {
                from: from.map(Lock::head),
                to: to.map(Lock::head),
                nodes: nodes.next().unwrap_or_default(),
                changes: changes.next().unwrap_or_default(),
                part,
                parts,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
