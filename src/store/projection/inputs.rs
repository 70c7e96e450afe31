//! Projection `inputs`: what each flake declares, and the lock behind it, node by node.
//!
//! Both in one projection, because what an input really is can only be told from the whole lock.

use super::cell::Cell;
use super::{Applied, ApplyError, Projection, Table, Target, View};
use crate::domain::catalogue::{self, Event, Kind};
use crate::domain::flake::Input;
use crate::domain::flake::event::FlakeEvent;
use crate::domain::lock::Edge;
use crate::store::shape::raw;

mod derive;
mod rows;
mod state;
mod tables;

use tables::{INPUTS, LOCK_NODES, LOCKS};

const TABLES: &[&Table] = &[&INPUTS, &LOCKS, &LOCK_NODES];

/// The projection.
#[derive(Debug)]
pub(super) struct Inputs;

impl Projection for Inputs {
    fn name(&self) -> &'static str {
        "inputs"
    }

    fn revision(&self) -> u32 {
        3
    }

    fn tables(&self) -> &'static [&'static Table] {
        TABLES
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
        if event.kind == catalogue::FLAKE_UPDATED && advance(target, event)? {
            return Ok(());
        }
        let told = event.event()?;
        let Some(Event::Flake(told)) = told.as_deref() else { return Ok(()) };
        let done = match told {
            FlakeEvent::InputChanged { from, to } => from.name == to.name && rewrite(target, event, to)?,
            FlakeEvent::InputAdded(input) => add(target, event, input)?,
            FlakeEvent::InputRemoved(input) => target.end(&INPUTS, &key(event, &input.name), event)?.is_some(),
            _ => false,
        };
        if done { Ok(()) } else { state::replace(target, event, told) }
    }
}

fn key(event: &Applied<'_>, of: &str) -> [Cell; 2] {
    [event.key().into(), of.into()]
}

/// Gives nodes that stayed where they are their new sources; false when one of them is not known as it should be, or
/// more than that has changed.
fn advance(target: &Target<'_>, event: &Applied<'_>) -> Result<bool, ApplyError> {
    let Some(told) = event.payload().and_then(raw::nodes) else { return Ok(false) };
    if !told.only_revisions() {
        return Ok(false);
    }
    // What it begins with is not what is here where an event before it was erased.
    let head = target.now(&LOCKS, &[event.key().into()])?;
    let begins = told.head().map(|head| state::head_of(head.version, &head.root));
    if head.as_deref() != begins.as_ref().map(|head| &head[..]) {
        return Ok(false);
    }
    let mut rows = Vec::with_capacity(told.nodes.len());
    for change in &told.nodes {
        let key = key(event, &change.key);
        let (Some(to), Some(before)) = (&change.to, target.now(&LOCK_NODES, &key)?) else { return Ok(false) };
        let begins = change.from.as_ref().map(rows::of_raw);
        if before.get(rows::PLACE..) != begins.as_ref().map(|node| &node[..]) {
            return Ok(false);
        }
        let place = before.iter().take(rows::PLACE).cloned();
        rows.push((key, place.chain(rows::of_raw(to)).collect()));
    }
    for (key, row) in rows {
        target.put(&LOCK_NODES, &key, row, event)?;
    }
    Ok(true)
}

/// Writes an input that is new, without the others: a flake may have thousands. False when the whole lock is needed to say
/// which node it is.
fn add(target: &Target<'_>, event: &Applied<'_>, input: &Input) -> Result<bool, ApplyError> {
    let Some(head) = target.now(&LOCKS, &[event.key().into()])? else { return Ok(false) };
    let root = match &*head {
        [_, Cell::Text(root)] => target.now(&LOCK_NODES, &key(event, root))?,
        _ => None,
    };
    let edge = root.map(|root| rows::edge(&root, &input.name)).transpose()?.flatten();
    let node = match edge {
        Some(Edge::Node(node)) => target.now(&LOCK_NODES, &key(event, &node))?.map(|_| node),
        Some(Edge::Follows(_)) => return Ok(false),
        None => None,
    };
    let node = node.into();
    target.put(&INPUTS, &key(event, &input.name), rows::of_input(input, node)?, event)?;
    Ok(true)
}

/// Writes an input anew that is the same node as before: only the lock says which. False when it is not known.
fn rewrite(target: &Target<'_>, event: &Applied<'_>, to: &Input) -> Result<bool, ApplyError> {
    let key = key(event, &to.name);
    let Some(before) = target.now(&INPUTS, &key)? else { return Ok(false) };
    let node = before.get(rows::NODE).cloned().ok_or(ApplyError::Shorter)?;
    target.put(&INPUTS, &key, rows::of_input(to, node)?, event)?;
    Ok(true)
}
