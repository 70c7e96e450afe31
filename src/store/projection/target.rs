//! Where a projection writes: its tables of one generation, by way of memory. Nothing is written before its owner says so,
//! and a row that has ended by then is written once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params_from_iter};

use super::cell::Cell;
use super::memory::{Cells, Change, Ended, Memory, Past, Place, Row, Slot};
use super::table::Table;
use super::{Applied, Projection};

/// How many keys are kept in memory: about 50 MB.
pub(in crate::store) const KEYS: usize = 40_000;
/// How many changes wait at most where nobody waits for the file.
const CHANGES: usize = 4_000;

/// The tables of one generation of a projection, and what is to be written to them.
pub struct Target<'c> {
    connection: &'c Connection,
    generation: i64,
    tables: &'static [&'static Table],
    memory: RefCell<Memory>,
    statements: RefCell<HashMap<(&'static str, Op), CachedStatement<'c>>>,
}

/// What a statement does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Op {
    SelectNow,
    SelectGroup,
    SelectEnded,
    InsertNow,
    UpdateNow,
    UpdateRest,
    DeleteNow,
    InsertPast,
}

impl std::fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl<'c> Target<'c> {
    /// Tables that hold rows already.
    pub(in crate::store) fn new(connection: &'c Connection, projection: &dyn Projection, generation: i64) -> Self {
        Self::holding(connection, projection, generation, Memory::default())
    }

    /// Tables that were just created: what is not in memory is nowhere.
    pub(in crate::store) fn fresh(connection: &'c Connection, projection: &dyn Projection, generation: i64) -> Self {
        Self::holding(connection, projection, generation, Memory::fresh())
    }

    /// Tables of which so much is in memory.
    pub(in crate::store) fn holding(
        connection: &'c Connection,
        projection: &dyn Projection,
        generation: i64,
        memory: Memory,
    ) -> Self {
        let (memory, statements) = (RefCell::new(memory), RefCell::default());
        Self { connection, generation, tables: projection.tables(), memory, statements }
    }

    /// What is in memory, for the same tables on another connection.
    pub(in crate::store) fn into_memory(self) -> Memory {
        self.memory.into_inner()
    }

    /// The row of a key that is true now.
    pub(super) fn now(&self, table: &'static Table, key: &[Cell]) -> rusqlite::Result<Option<Cells>> {
        let Some((group, rest)) = key.split_first() else { return Ok(None) };
        Ok(self.slot(table, group, rest)?.now.map(|row| row.values))
    }

    /// The rows that are true now whose keys begin with a value, by the rest of their keys.
    pub(super) fn all_now(&self, table: &'static Table, group: &Cell) -> rusqlite::Result<Vec<(Cells, Cells)>> {
        if !self.memory.borrow().is_whole(table, group) {
            let rows = self.read_group(table, group)?;
            self.memory.borrow_mut().learn_all(table, group, rows);
        }
        Ok(self.memory.borrow().all_now(table, group))
    }

    /// When a row would begin that an event puts there.
    pub(super) fn begins(&self, table: &'static Table, key: &[Cell], event: &Applied<'_>) -> rusqlite::Result<i64> {
        let Some((group, rest)) = key.split_first() else { return Ok(event.occurred_at) };
        let slot = self.slot(table, group, rest)?;
        self.begin(table, key, &slot, event)
    }

    /// From this event on the row of a key has these values.
    pub(super) fn put(
        &self,
        table: &'static Table,
        key: &[Cell],
        values: Vec<Cell>,
        event: &Applied<'_>,
    ) -> rusqlite::Result<()> {
        let Some((group, rest)) = key.split_first() else { return Ok(()) };
        let mut slot = self.slot(table, group, rest)?;
        if slot.now.as_ref().is_some_and(|row| *row.values == *values) {
            return Ok(());
        }
        let from = self.begin(table, key, &slot, event)?;
        self.close(table, key, &mut slot, event);
        slot.now = Some(Row { values: values.into(), from, position: event.position });
        self.memory.borrow_mut().set(table, group, rest, slot);
        Ok(())
    }

    /// From this event on there are no rows whose keys begin with a value, where `ends` says so of the rest of the key.
    pub(super) fn end_below(
        &self,
        table: &'static Table,
        group: &Cell,
        event: &Applied<'_>,
        ends: impl Fn(&[Cell]) -> bool,
    ) -> rusqlite::Result<()> {
        for (rest, _) in self.all_now(table, group)? {
            if ends(&rest) {
                let key: Vec<Cell> = std::iter::once(group).chain(rest.iter()).cloned().collect();
                self.end(table, &key, event)?;
            }
        }
        Ok(())
    }

    /// From this event on a key has no row; returns the one it had.
    pub(super) fn end(
        &self,
        table: &'static Table,
        key: &[Cell],
        event: &Applied<'_>,
    ) -> rusqlite::Result<Option<Cells>> {
        let Some((group, rest)) = key.split_first() else { return Ok(None) };
        let mut slot = self.slot(table, group, rest)?;
        let before = slot.now.as_ref().map(|row| row.values.clone());
        if before.is_some() {
            self.close(table, key, &mut slot, event);
            self.memory.borrow_mut().set(table, group, rest, slot);
        }
        Ok(before)
    }

    /// Keeps a record: key and values.
    pub(super) fn record(&self, table: &'static Table, row: Vec<Cell>) {
        self.memory.borrow_mut().add(Change::Record(table, row));
    }

    /// From here on [`Self::undo`] takes back what is done.
    pub(super) fn mark(&self) {
        self.memory.borrow_mut().mark();
    }

    /// What was done since the mark stays.
    pub(super) fn keep(&self) {
        self.memory.borrow_mut().keep();
    }

    /// Takes back everything since the mark.
    pub(super) fn undo(&self) {
        self.memory.borrow_mut().undo();
    }

    /// How many rows of the past and records wait to be written.
    pub(in crate::store) fn waiting(&self) -> usize {
        self.memory.borrow().waiting()
    }

    /// How many rows that are true now wait to be written.
    pub(in crate::store) fn unwritten(&self) -> usize {
        self.memory.borrow().unwritten()
    }

    /// How many keys are in memory.
    pub(in crate::store) fn size(&self) -> usize {
        self.memory.borrow().size()
    }

    /// Writes what has come together, when that is much.
    pub(in crate::store) fn write_some(&self) -> rusqlite::Result<()> {
        if self.waiting() >= CHANGES {
            self.write_past()?;
        }
        if self.size() > KEYS {
            self.write()?;
            self.forget();
        }
        Ok(())
    }

    /// Writes everything.
    pub(in crate::store) fn write(&self) -> rusqlite::Result<()> {
        self.write_past()?;
        self.write_now(usize::MAX)
    }

    /// The rows of the past and records that wait, in the order of their keys: the caller writes them.
    pub(in crate::store) fn take_in_order(&self) -> Vec<Change> {
        let mut changes = self.memory.borrow_mut().take_changes();
        // Stable: records of one key stay in their order.
        changes.sort_by(|a, b| a.place().cmp(&b.place()));
        changes
    }

    /// Writes rows of the past and records.
    pub(in crate::store) fn write_past(&self) -> rusqlite::Result<()> {
        let changes = self.memory.borrow_mut().take_changes();
        self.write_changes(changes)
    }

    /// Writes changes that were taken from here.
    pub(in crate::store) fn write_changes(&self, changes: impl IntoIterator<Item = Change>) -> rusqlite::Result<()> {
        for change in changes {
            match change {
                Change::Past(table, past) => {
                    let Past { key, row, to, to_position } = *past;
                    let interval = [row.from, row.position, to, to_position].map(Cell::from);
                    self.execute(table, Op::InsertPast, key.iter().chain(&*row.values).chain(&interval))?;
                }
                Change::Record(table, row) => self.execute(table, Op::InsertNow, &row)?,
            }
        }
        Ok(())
    }

    /// Writes up to so many rows that are true now.
    pub(in crate::store) fn write_now(&self, most: usize) -> rusqlite::Result<()> {
        let places = self.memory.borrow_mut().take_unwritten(most);
        for place in &places {
            let Some(slot) = self.memory.borrow_mut().written(place) else { continue };
            self.write_slot(place, slot)?;
        }
        Ok(())
    }

    /// Lets go of what is in memory; all of it must have been written.
    pub(in crate::store) fn forget(&self) {
        self.memory.borrow_mut().forget();
    }

    fn write_slot(&self, (table, group, rest): &Place, slot: Slot) -> rusqlite::Result<()> {
        let Some(table) = self.tables.iter().find(|known| known.name == *table) else { return Ok(()) };
        let key = std::iter::once(group).chain(&**rest);
        match (slot.now, slot.stored) {
            (Some(now), stored) => {
                let begin = [now.from, now.position].map(Cell::from);
                let op = match stored {
                    None => Op::InsertNow,
                    Some(before) if table.same_indexed(&before, &now.values) => Op::UpdateRest,
                    Some(_) => Op::UpdateNow,
                };
                self.execute(table, op, key.chain(&*now.values).chain(&begin))
            }
            (None, Some(_)) => self.execute(table, Op::DeleteNow, key),
            (None, None) => Ok(()),
        }
    }

    /// Ends the row that is true now, if there is one; one that began with this very event never was.
    fn close(&self, table: &'static Table, key: &[Cell], slot: &mut Slot, event: &Applied<'_>) {
        let Some(row) = slot.now.take() else { return };
        if row.position == event.position {
            return;
        }
        let ended = row.from.max(event.occurred_at);
        let past = Past { key: key.to_vec(), row, to: ended, to_position: event.position };
        self.memory.borrow_mut().add(Change::Past(table, Box::new(past)));
        slot.ended = Ended::At(ended);
    }

    fn slot(&self, table: &'static Table, group: &Cell, rest: &[Cell]) -> rusqlite::Result<Slot> {
        if let Some(slot) = self.memory.borrow().slot(table, group, rest) {
            return Ok(slot);
        }
        let key = std::iter::once(group).chain(rest);
        let values = table.values.len();
        let now = self.with_statement(table, Op::SelectNow, |statement| {
            let read = |row: &rusqlite::Row<'_>| read_row(row, 0, values);
            statement.query_row(params_from_iter(key), read).optional()
        })?;
        let stored = now.as_ref().map(|row| row.values.clone());
        let slot = Slot { now, stored, ..Slot::default() };
        self.memory.borrow_mut().learn(table, group, &rest.into(), slot.clone());
        Ok(slot)
    }

    /// A row begins no earlier than the one before it ended, whatever the clock did.
    fn begin(&self, table: &'static Table, key: &[Cell], slot: &Slot, event: &Applied<'_>) -> rusqlite::Result<i64> {
        let ended = match (&slot.now, slot.ended) {
            (Some(row), _) if row.position == event.position => return Ok(row.from),
            (Some(row), _) => Some(row.from),
            (None, Ended::Never) => None,
            (None, Ended::At(ended)) => Some(ended),
            (None, Ended::Unknown) => self.with_statement(table, Op::SelectEnded, |statement| {
                statement.query_row(params_from_iter(key), |row| row.get(0)).optional()
            })?,
        };
        Ok(ended.map_or(event.occurred_at, |ended| ended.max(event.occurred_at)))
    }

    fn read_group(&self, table: &'static Table, group: &Cell) -> rusqlite::Result<Vec<(Cells, Row)>> {
        let (keys, values) = (table.key.len(), table.values.len());
        self.with_statement(table, Op::SelectGroup, |statement| {
            let read = |row: &rusqlite::Row<'_>| {
                let rest = (1..keys).map(|column| row.get(column)).collect::<Result<Cells, _>>()?;
                Ok((rest, read_row(row, keys, values)?))
            };
            statement.query_map([group], read)?.collect()
        })
    }

    fn execute<'a>(
        &self,
        table: &'static Table,
        op: Op,
        row: impl IntoIterator<Item = &'a Cell>,
    ) -> rusqlite::Result<()> {
        self.with_statement(table, op, |statement| statement.execute(params_from_iter(row)).map(drop))
    }

    fn with_statement<T>(
        &self,
        table: &'static Table,
        op: Op,
        work: impl FnOnce(&mut CachedStatement<'c>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        use std::collections::hash_map::Entry;

        let mut statements = self.statements.borrow_mut();
        match statements.entry((table.name, op)) {
            Entry::Occupied(mut statement) => work(statement.get_mut()),
            Entry::Vacant(vacant) => {
                let statement = self.connection.prepare_cached(&text(table, op, self.generation))?;
                work(vacant.insert(statement))
            }
        }
    }
}

/// The text of a statement, made once.
fn text(table: &'static Table, op: Op, generation: i64) -> Arc<str> {
    type Texts = HashMap<(*const Table, Op, i64), Arc<str>>;
    thread_local! {
        static TEXTS: RefCell<Texts> = RefCell::default();
    }
    TEXTS.with_borrow_mut(|texts| {
        let text = texts.entry((table, op, generation)).or_insert_with(|| sql(table, op, generation).into());
        Arc::clone(text)
    })
}

fn sql(table: &Table, op: Op, generation: i64) -> String {
    match op {
        Op::SelectNow => table.select_now(generation),
        Op::SelectGroup => table.select_group(generation),
        Op::SelectEnded => table.select_ended(generation),
        Op::InsertNow => table.insert_now(generation),
        Op::UpdateNow => table.update_now(generation),
        Op::UpdateRest => table.update_rest(generation),
        Op::DeleteNow => table.delete_now(generation),
        Op::InsertPast => table.insert_past(generation),
    }
}

fn read_row(row: &rusqlite::Row<'_>, first: usize, values: usize) -> rusqlite::Result<Row> {
    let end = first + values;
    let cells = (first..end).map(|column| row.get(column)).collect::<Result<Cells, _>>()?;
    Ok(Row { values: cells, from: row.get(end)?, position: row.get(end + 1)? })
}

#[cfg(test)]
mod tests;
