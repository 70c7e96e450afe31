//! One flake's inputs and lock: out of the rows, through an event, back into the rows that differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::derive::Graph;
use super::rows;
use super::tables::{INPUTS, LOCK_NODES, LOCKS};
use crate::domain::flake::Facts;
use crate::domain::flake::event::FlakeEvent;
use crate::domain::flake::state::Flake;
use crate::domain::lock::Lock;
use crate::domain::path::RecordedPath;
use crate::store::projection::cell::Cell;
use crate::store::projection::memory::Cells;
use crate::store::projection::{Applied, ApplyError, Table, Target};

/// The flake that the rows of an event's stream tell of; none when it is not known, or no longer.
pub(super) fn load(target: &Target<'_>, event: &Applied<'_>) -> Result<Option<Flake>, ApplyError> {
    let flake = Cell::from(event.key());
    let Some(head) = target.now(&LOCKS, std::slice::from_ref(&flake))? else { return Ok(None) };
    let mut facts = Facts::default();
    for (name, row) in named(target.all_now(&INPUTS, &flake)?) {
        facts.inputs.insert(name.clone(), rows::input(&name, &row)?);
    }
    if let [version, Cell::Text(root)] = &*head {
        let nodes = named(target.all_now(&LOCK_NODES, &flake)?).map(|(key, row)| Ok((key, rows::node(&row)?)));
        let nodes = nodes.collect::<Result<_, ApplyError>>()?;
        facts.lock = Some(Lock { version: version.integer().map(i64::unsigned_abs), root: root.to_string(), nodes });
    }
    // Where the flake lies does not matter here.
    let directory = RecordedPath::new(Path::new(""));
    Ok(Some(Flake { directory, lineage: None, extractor: 0, facts, removed: false }))
}

/// Leads an event through the domain's own fold, and makes the rows what that comes to.
pub(super) fn replace(target: &Target<'_>, event: &Applied<'_>, told: &FlakeEvent) -> Result<(), ApplyError> {
    let after = Flake::apply(load(target, event)?, told).filter(|flake| !flake.removed);
    let flake = Cell::from(event.key());
    let Some(after) = after else {
        for table in [&INPUTS, &LOCK_NODES] {
            keep_only(target, event, table, &flake, &BTreeMap::new())?;
        }
        target.end(&LOCKS, &[flake], event)?;
        return Ok(());
    };
    let facts = after.facts;
    let graph = facts.lock.as_ref().map(Graph::of);
    let mut places = graph.as_ref().map(Graph::places).unwrap_or_default();
    let mut inputs = BTreeMap::new();
    for (name, input) in &facts.inputs {
        let node = graph.as_ref().and_then(|graph| graph.input(name));
        inputs.insert(name.as_str(), rows::of_input(input, node.into())?);
    }
    let mut nodes = BTreeMap::new();
    for (key, node) in facts.lock.iter().flat_map(|lock| &lock.nodes) {
        let place = places.remove(key.as_str()).unwrap_or_default();
        let row = place.cells().into_iter().chain(rows::of_node(node)?);
        nodes.insert(key.as_str(), row.collect());
    }
    let head = facts.lock.as_ref().map_or([Cell::Null, Cell::Null], |lock| head_of(lock.version, &lock.root));
    target.put(&LOCKS, std::slice::from_ref(&flake), head.into(), event)?;
    keep_only(target, event, &INPUTS, &flake, &inputs)?;
    keep_only(target, event, &LOCK_NODES, &flake, &nodes)
}

/// Ends the rows that are no more, begins those that are new or others.
fn keep_only(
    target: &Target<'_>,
    event: &Applied<'_>,
    table: &'static Table,
    flake: &Cell,
    rows: &BTreeMap<&str, Vec<Cell>>,
) -> Result<(), ApplyError> {
    let before: BTreeSet<String> = named(target.all_now(table, flake)?).map(|(name, _)| name).collect();
    for gone in before.iter().filter(|name| !rows.contains_key(name.as_str())) {
        target.end(table, &[flake.clone(), gone.into()], event)?;
    }
    for (name, row) in rows {
        target.put(table, &[flake.clone(), (*name).into()], row.clone(), event)?;
    }
    Ok(())
}

/// Rows by the second part of their key.
fn named(rows: Vec<(Cells, Cells)>) -> impl Iterator<Item = (String, Cells)> {
    rows.into_iter().filter_map(|(rest, row)| Some((rest.first()?.text()?.to_owned(), row)))
}

/// The values of a lock's row.
pub(super) fn head_of(version: Option<u64>, root: &str) -> [Cell; 2] {
    let version = version.map(|version| i64::try_from(version).unwrap_or(i64::MAX));
    [version.into(), root.into()]
}
