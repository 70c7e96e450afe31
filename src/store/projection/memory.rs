//! What a projection has changed and not yet written, and what it has read: rows that are true now, by table and key.
//! Knows nothing of SQLite; what it does not hold, its owner looks up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::cell::Cell;
use super::table::Table;

/// Values of the key beyond the first, and values of a row.
pub(super) type Cells = Arc<[Cell]>;

/// A row that is true now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) values: Cells,
    pub(super) from: i64,
    pub(super) position: i64,
}

/// When the last row of a key ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Ended {
    /// That has to be looked up.
    #[default]
    Unknown,
    /// There was none.
    Never,
    /// Then.
    At(i64),
}

/// What is known of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// The row that is true now.
    pub(super) now: Option<Row>,
    /// When the last row before it ended.
    pub(super) ended: Ended,
    /// The values that the table of what is true now holds, be they older ones.
    pub(super) stored: Option<Cells>,
    /// Whether it waits to be written.
    pub(super) waits: bool,
}

/// A row that was true until a time and a position in the log.
#[derive(Debug)]
pub(in crate::store) struct Past {
    pub(super) key: Vec<Cell>,
    pub(super) row: Row,
    pub(super) to: i64,
    pub(super) to_position: i64,
}

/// What waits to be written, in order.
#[derive(Debug)]
pub(in crate::store) enum Change {
    /// A row of the past.
    Past(&'static Table, Box<Past>),
    /// A record: key and values.
    Record(&'static Table, Vec<Cell>),
}

impl Change {
    /// Where it goes: its table, and its key.
    pub(super) fn place(&self) -> (&str, &[Cell]) {
        match self {
            Self::Past(table, past) => (table.name, &past.key),
            Self::Record(table, row) => (table.name, row.get(..table.key.len()).unwrap_or_default()),
        }
    }
}

/// The rows of one table that are kept together.
#[derive(Debug, Default)]
struct Group {
    /// Whether every row that is true now is here.
    whole: bool,
    slots: BTreeMap<Cells, Slot>,
}

/// Table, first and further values of a key.
pub(super) type Place = (&'static str, Cell, Cells);

/// Rows that are known, and changes that wait.
#[derive(Debug, Default)]
pub(in crate::store) struct Memory {
    /// Whether the tables were empty at first and nothing was let go: what is not here is nowhere.
    fresh: bool,
    tables: HashMap<&'static str, HashMap<Cell, Group>>,
    size: usize,
    changes: Vec<Change>,
    /// Rows that are not as they are stored.
    unwritten: BTreeSet<Place>,
    /// How to undo what one event has done, when it may have to be.
    undo: Option<Undo>,
}

#[derive(Debug, Default)]
struct Undo {
    slots: Vec<(Place, Option<Slot>, bool)>,
    changes: usize,
}

impl Memory {
    /// For tables that hold nothing yet.
    pub(super) fn fresh() -> Self {
        Self { fresh: true, ..Self::default() }
    }

    /// What is known of a key; none when it has to be looked up.
    pub(super) fn slot(&self, table: &'static Table, group: &Cell, rest: &[Cell]) -> Option<Slot> {
        let found = self.tables.get(table.name).and_then(|groups| groups.get(group));
        if let Some(slot) = found.and_then(|group| group.slots.get(rest)) {
            return Some(slot.clone());
        }
        if self.fresh {
            return Some(Slot { ended: Ended::Never, ..Slot::default() });
        }
        found.is_some_and(|group| group.whole).then(Slot::default)
    }

    /// Whether every row of a group that is true now is here.
    pub(super) fn is_whole(&self, table: &'static Table, group: &Cell) -> bool {
        self.fresh || self.tables.get(table.name).and_then(|groups| groups.get(group)).is_some_and(|group| group.whole)
    }

    /// Takes the stored rows of a group in; what is known already is newer.
    pub(super) fn learn_all(&mut self, table: &'static Table, group: &Cell, rows: Vec<(Cells, Row)>) {
        let known = self.group(table, group);
        let before = known.slots.len();
        for (rest, row) in rows {
            let stored = Some(row.values.clone());
            known.slots.entry(rest).or_insert(Slot { now: Some(row), stored, ..Slot::default() });
        }
        known.whole = true;
        let more = known.slots.len() - before;
        self.size += more;
    }

    /// Takes in what was looked up of a key.
    pub(super) fn learn(&mut self, table: &'static Table, group: &Cell, rest: &Cells, slot: Slot) {
        if self.group(table, group).slots.insert(rest.clone(), slot).is_none() {
            self.size += 1;
        }
    }

    /// The rows of a group that are true now, by the rest of the key.
    pub(super) fn all_now(&self, table: &'static Table, group: &Cell) -> Vec<(Cells, Cells)> {
        let found = self.tables.get(table.name).and_then(|groups| groups.get(group));
        let slots = found.into_iter().flat_map(|group| &group.slots);
        slots.filter_map(|(rest, slot)| Some((rest.clone(), slot.now.as_ref()?.values.clone()))).collect()
    }

    /// Another state of a key, which has to be written.
    pub(super) fn set(&mut self, table: &'static Table, group: &Cell, rest: &[Cell], slot: Slot) {
        let slots = &mut self.group(table, group).slots;
        let slot = Slot { waits: true, ..slot };
        let before = match slots.get_mut(rest) {
            Some(known) => Some(std::mem::replace(known, slot)),
            None => slots.insert(rest.into(), slot),
        };
        if before.is_none() {
            self.size += 1;
        }
        let new = before.as_ref().is_none_or(|slot| !slot.waits);
        let place = || (table.name, group.clone(), rest.into());
        if new {
            self.unwritten.insert(place());
        }
        if let Some(undo) = &mut self.undo {
            undo.slots.push((place(), before, new));
        }
    }

    /// A change that is written as it is.
    pub(super) fn add(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// From here on what is done can be undone.
    pub(super) fn mark(&mut self) {
        self.undo = Some(Undo { slots: Vec::new(), changes: self.changes.len() });
    }

    /// What was done since the mark stays.
    pub(super) fn keep(&mut self) {
        self.undo = None;
    }

    /// Undoes everything since the mark.
    pub(super) fn undo(&mut self) {
        let Some(undo) = self.undo.take() else { return };
        self.changes.truncate(undo.changes);
        for ((table, group, rest), before, new) in undo.slots.into_iter().rev() {
            if new {
                self.unwritten.remove(&(table, group.clone(), rest.clone()));
            }
            let Some(known) = self.tables.get_mut(table).and_then(|groups| groups.get_mut(&group)) else { continue };
            match before {
                Some(slot) => drop(known.slots.insert(rest, slot)),
                None if known.slots.remove(&rest).is_some() => self.size -= 1,
                None => {}
            }
        }
    }

    /// How many changes wait that are not about what is true now.
    pub(super) const fn waiting(&self) -> usize {
        self.changes.len()
    }

    /// How many keys are known.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// The changes that wait, which are the caller's to write.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Up to so many keys whose rows are not as they are stored, which are the caller's to write.
    pub(super) fn take_unwritten(&mut self, most: usize) -> Vec<Place> {
        let Some(next) = self.unwritten.iter().nth(most).cloned() else {
            return std::mem::take(&mut self.unwritten).into_iter().collect();
        };
        let rest = self.unwritten.split_off(&next);
        std::mem::replace(&mut self.unwritten, rest).into_iter().collect()
    }

    /// How many keys have rows that are not as they are stored.
    pub(super) fn unwritten(&self) -> usize {
        self.unwritten.len()
    }

    /// What is known of a place, to be written; it counts as stored from then on.
    pub(super) fn written(&mut self, (table, group, rest): &Place) -> Option<Slot> {
        let slot = self.tables.get_mut(table)?.get_mut(group)?.slots.get_mut(rest)?;
        let before = slot.clone();
        slot.stored = slot.now.as_ref().map(|row| row.values.clone());
        slot.waits = false;
        Some(before)
    }

    /// Lets everything go, when it is written: what is asked for next has to be looked up.
    pub(super) fn forget(&mut self) {
        *self = Self { changes: std::mem::take(&mut self.changes), ..Self::default() };
    }

    fn group(&mut self, table: &'static Table, group: &Cell) -> &mut Group {
        let groups = self.tables.entry(table.name).or_default();
        if !groups.contains_key(group) {
            groups.insert(group.clone(), Group::default());
        }
        // Just put there.
        groups.entry(group.clone()).or_default()
    }
}
