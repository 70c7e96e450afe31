//! One flake's inputs and lock: out of the rows, through an event, back into the rows that differ.

use std::collections::BTreeMap;
use std::path::Path;

use super::derive::Graph;
use super::rows::{Head, InputRow, Interval, NodeRow};
use crate::domain::flake::Facts;
use crate::domain::flake::event::FlakeEvent;
use crate::domain::flake::state::Flake;
use crate::domain::lock::Lock;
use crate::domain::path::RecordedPath;
use crate::store::projection::ApplyError;

/// The rows of one flake; no head when the flake is not known, or no longer.
#[derive(Debug, Default)]
pub(super) struct State {
    head: Option<Head>,
    inputs: BTreeMap<String, InputRow>,
    nodes: BTreeMap<String, NodeRow>,
}

impl State {
    pub(super) fn load(tables: &Interval<'_>) -> rusqlite::Result<Self> {
        match tables.head()? {
            None => Ok(Self::default()),
            head => Ok(Self { head, inputs: tables.inputs()?, nodes: tables.nodes()? }),
        }
    }

    /// The rows after an event, by way of the domain's own fold.
    pub(super) fn after(&self, event: &FlakeEvent) -> Result<Self, ApplyError> {
        match Flake::apply(self.flake()?, event) {
            Some(flake) if !flake.removed => Self::of(&flake.facts),
            _ => Ok(Self::default()),
        }
    }

    /// Ends the rows that are no more, begins those that are new.
    pub(super) fn replace(&self, after: &Self, tables: &Interval<'_>) -> Result<(), ApplyError> {
        if self.head != after.head {
            tables.end_head()?;
            if let Some(head) = &after.head {
                tables.begin_head(head)?;
            }
        }
        for (name, row) in &self.inputs {
            if after.inputs.get(name) != Some(row) {
                tables.end_input(name)?;
            }
        }
        for (name, row) in &after.inputs {
            if self.inputs.get(name) != Some(row) {
                tables.begin_input(name, row)?;
            }
        }
        for (key, row) in &self.nodes {
            if after.nodes.get(key) != Some(row) {
                tables.end_node(key)?;
            }
        }
        for (key, row) in &after.nodes {
            if self.nodes.get(key) != Some(row) {
                tables.begin_node(key, row)?;
            }
        }
        Ok(())
    }

    /// What the domain knows of these rows; a flake whose place does not matter here.
    fn flake(&self) -> Result<Option<Flake>, ApplyError> {
        let Some((version, root)) = &self.head else { return Ok(None) };
        let inputs = self.inputs.iter().map(|(name, row)| Ok((name.clone(), row.input(name)?)));
        let nodes = self.nodes.iter().map(|(key, row)| Ok((key.clone(), row.node()?)));
        let lock = match root {
            Some(root) => {
                let nodes = nodes.collect::<Result<_, ApplyError>>()?;
                Some(Lock { version: version.map(i64::unsigned_abs), root: root.clone(), nodes })
            }
            None => None,
        };
        let facts = Facts { inputs: inputs.collect::<Result<_, ApplyError>>()?, lock, ..Facts::default() };
        let directory = RecordedPath::new(Path::new(""));
        Ok(Some(Flake { directory, lineage: None, extractor: 0, facts, removed: false }))
    }

    fn of(facts: &Facts) -> Result<Self, ApplyError> {
        let graph = facts.lock.as_ref().map(Graph::of);
        let mut places = graph.as_ref().map(Graph::places).unwrap_or_default();
        let input = |(name, input): (&String, _)| {
            let node = graph.as_ref().and_then(|graph| graph.input(name));
            Ok((name.clone(), InputRow::of(input, node)?))
        };
        let mut nodes = BTreeMap::new();
        for (key, node) in facts.lock.iter().flat_map(|lock| &lock.nodes) {
            let place = places.remove(key.as_str()).unwrap_or_default();
            nodes.insert(key.clone(), NodeRow { place, ..NodeRow::of(node)? });
        }
        Ok(Self {
            head: Some(facts.lock.as_ref().map_or((None, None), head_of)),
            inputs: facts.inputs.iter().map(input).collect::<Result<_, ApplyError>>()?,
            nodes,
        })
    }
}

fn head_of(lock: &Lock) -> Head {
    (lock.version.map(|version| i64::try_from(version).unwrap_or(i64::MAX)), Some(lock.root.clone()))
}
