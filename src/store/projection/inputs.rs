//! Projection `inputs`: what each flake declares, and the lock behind it, node by node.
//!
//! Both in one projection, because what an input really is can only be told from the whole lock.

use super::{Applied, ApplyError, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::flake::event::{FlakeEvent, Updated};

mod derive;
mod rows;
mod state;
mod tables;

use rows::{Interval, NodeRow};
use state::State;

/// The projection.
#[derive(Debug)]
pub(super) struct Inputs;

impl Projection for Inputs {
    fn name(&self) -> &'static str {
        "inputs"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [Table] {
        tables::TABLES
    }

    fn views(&self) -> &'static [View] {
        tables::VIEWS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[
            catalogue::FLAKE_DISCOVERED,
            catalogue::FLAKE_INPUT_ADDED,
            catalogue::FLAKE_INPUT_REMOVED,
            catalogue::FLAKE_INPUT_CHANGED,
            catalogue::FLAKE_UPDATED,
            catalogue::FLAKE_REMOVED,
            catalogue::FLAKE_FORGOTTEN,
            catalogue::FLAKE_OBSERVER_CHANGED,
        ]
    }

    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError> {
        let told = event.event()?;
        let Some(Event::Flake(told)) = told.as_deref() else { return Ok(()) };
        let tables = Interval::new(target, event);
        if let FlakeEvent::Updated(updated) = told
            && only_revisions(updated)
            && advance(&tables, updated)?
        {
            return Ok(());
        }
        let before = State::load(&tables)?;
        let after = before.after(told)?;
        before.replace(&after, &tables)
    }
}

/// Whether the nodes of a lock stayed where they are, each with the inputs it had.
fn only_revisions(updated: &Updated) -> bool {
    updated.from.is_some()
        && updated.from == updated.to
        && updated.nodes.iter().all(|change| match (&change.from, &change.to) {
            (Some(from), Some(to)) => from.inputs == to.inputs && derive::identity(from) == derive::identity(to),
            _ => false,
        })
}

/// Gives nodes that stayed where they are their new sources; false when one of them is not known as it should be.
fn advance(tables: &Interval<'_>, updated: &Updated) -> Result<bool, ApplyError> {
    let mut known = Vec::new();
    for change in &updated.nodes {
        let (Some(to), Some(before)) = (&change.to, tables.node(&change.key)?) else { return Ok(false) };
        known.push((change.key.as_str(), NodeRow::of(to)?.placed_as(before)));
    }
    for (key, row) in &known {
        tables.end_node(key)?;
        tables.begin_node(key, row)?;
    }
    Ok(true)
}
