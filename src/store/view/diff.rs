//! What differs between two moments.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::{At, FlakeRow, InputRow, LockNodeRow, Whose, flakes, inputs, lock_nodes};
use crate::domain::id::FlakeId;
use crate::store::StoreError;

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The flake.
    pub flake: FlakeId,
    /// Its directory, at the later moment where it has one.
    pub path: String,
    /// What of it differs.
    pub subject: Subject,
}

/// What differs, before and after; absent on the side where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The flake itself: there or not, its path, description or lineage.
    Flake {
        /// Before.
        from: Option<Box<FlakeRow>>,
        /// After.
        to: Option<Box<FlakeRow>>,
    },
    /// An input as flake.nix says it, or the source that it is.
    Input {
        /// Before.
        from: Option<Box<InputRow>>,
        /// After.
        to: Option<Box<InputRow>>,
    },
    /// A lock node's source, compared by canonical input path: keys renumber without meaning.
    Node {
        /// Before.
        from: Option<Box<LockNodeRow>>,
        /// After.
        to: Option<Box<LockNodeRow>>,
    },
}

/// What differs between two moments, in one flake or in all; by path, then flake, inputs, nodes.
pub fn diff(connection: &Connection, from: At, to: At, flake: Option<FlakeId>) -> Result<Vec<Difference>, StoreError> {
    let whose = if flake.is_some() { Whose::All } else { Whose::Own };
    let at = |at| -> Result<BTreeMap<FlakeId, FlakeRow>, StoreError> {
        let rows = flakes(connection, whose, at)?.into_iter().filter(|row| flake.is_none_or(|id| id == row.id));
        Ok(rows.map(|row| (row.id, row)).collect())
    };
    let (old, new) = (at(from)?, at(to)?);
    let ids: BTreeSet<FlakeId> = old.keys().chain(new.keys()).copied().collect();
    let mut found = Vec::new();
    for id in ids {
        let (before, after) = (old.get(&id), new.get(&id));
        let Some(path) = after.or(before).map(|row| row.path.text().to_owned()) else { continue };
        let mut subjects = Vec::new();
        if before.map(looks) != after.map(looks) {
            let boxed = |row: Option<&FlakeRow>| row.cloned().map(Box::new);
            subjects.push(Subject::Flake { from: boxed(before), to: boxed(after) });
        }
        subjects.extend(differing_inputs(connection, id, from, to)?);
        subjects.extend(differing_nodes(connection, id, from, to)?);
        found.extend(subjects.into_iter().map(|subject| Difference { flake: id, path: path.clone(), subject }));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// What of a flake is its own, and not counted from its parts.
fn looks(row: &FlakeRow) -> impl PartialEq + use<'_> {
    (&row.path, &row.description, &row.lineage, &row.nix_config, row.lock_version)
}

fn differing_inputs(connection: &Connection, id: FlakeId, from: At, to: At) -> Result<Vec<Subject>, StoreError> {
    let at = |at| -> Result<BTreeMap<String, InputRow>, StoreError> {
        Ok(inputs(connection, id, at)?.into_iter().map(|row| (row.name.clone(), row)).collect())
    };
    let same = |a: &InputRow, b: &InputRow| InputRow { node: b.node.clone(), ..a.clone() } == *b;
    Ok(pairs(at(from)?, at(to)?, same).into_iter().map(|(from, to)| Subject::Input { from, to }).collect())
}

fn differing_nodes(connection: &Connection, id: FlakeId, from: At, to: At) -> Result<Vec<Subject>, StoreError> {
    let at = |at| -> Result<BTreeMap<String, LockNodeRow>, StoreError> {
        let rows = lock_nodes(connection, id, at)?;
        Ok(rows.into_iter().filter_map(|row| Some((row.path.clone()?, row))).collect())
    };
    let same = |a: &LockNodeRow, b: &LockNodeRow| (&a.locked, a.flake) == (&b.locked, b.flake);
    Ok(pairs(at(from)?, at(to)?, same).into_iter().map(|(from, to)| Subject::Node { from, to }).collect())
}

type Pair<T> = (Option<Box<T>>, Option<Box<T>>);

/// What is on one side alone, or not the same on both.
fn pairs<T>(old: BTreeMap<String, T>, mut new: BTreeMap<String, T>, same: impl Fn(&T, &T) -> bool) -> Vec<Pair<T>> {
    let mut found = BTreeMap::new();
    for (name, before) in old {
        match new.remove(&name) {
            Some(after) if same(&before, &after) => {}
            after => {
                found.insert(name, (Some(Box::new(before)), after.map(Box::new)));
            }
        }
    }
    found.extend(new.into_iter().map(|(name, after)| (name, (None, Some(Box::new(after))))));
    found.into_values().collect()
}
