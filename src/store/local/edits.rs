//! What commands wrote into files of the user: kept so that the change is attributed to them and can be taken back.

use std::path::{Path, PathBuf};

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::undo::{self, Undo};
use super::{bytes, path_at};
use crate::domain::id::{CausationId, CorrelationId, MessageId};
use crate::domain::message::MessageIdentity;
use crate::store::chain::Hash;
use crate::store::error::{Named, StoreError};
use crate::store::reader::Reader;

/// How long a text is kept that an edit replaced, in microseconds: 90 days.
const KEPT: i64 = 90 * 24 * 60 * 60 * 1_000_000;

/// The command that leaves the note of an edit. It is remembered where the edit is made in the name of somebody else.
pub(crate) const NOTE: &str = "note_edit";

/// One edit of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditRow {
    /// The command that made it.
    pub command: Uuid,
    /// What it does: `add_input`.
    pub name: String,
    /// The conversation, by the command that began it: this one, or the one that made several edits.
    pub correlation: Uuid,
    /// The file, as a scan comes by it.
    pub path: PathBuf,
    /// The BLAKE3 hash of the file before.
    pub before: Hash,
    /// The BLAKE3 hash of the file after.
    pub after: Hash,
    /// What takes it back.
    pub undo: Undo,
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
    /// The command that it took back.
    pub undoes: Option<Uuid>,
    /// Whether the change has been observed; always false for a new one.
    pub seen: bool,
}

impl EditRow {
    /// The identity of the command.
    pub const fn identity(&self) -> MessageIdentity {
        MessageIdentity {
            message_id: MessageId::new(self.command),
            correlation_id: CorrelationId::new(self.correlation),
            causation_id: CausationId::new(self.correlation),
        }
    }
}

/// Commands are not found by what brought them about: they are looked through from when the note was made, a moment before it was left.
const NOTED_BY: &str = "SELECT actor FROM commands WHERE name = ?1 AND causation_id = ?2 AND command_id >= ?3 LIMIT 1";

/// The least of the ids that were made at a time: they begin with its milliseconds.
fn first_id(at: i64) -> [u8; 16] {
    (u128::from((at / 1_000).unsigned_abs()) << 80).to_be_bytes()
}

const COLUMNS: &str = "command_id, command, correlation_id, path, before, after, undo, edited_at, undoes, seen";

impl Reader {
    /// The edit that left a file with this content, when nobody has observed it yet.
    pub fn pending_edit(&self, path: &Path, after: &Hash) -> Result<Option<EditRow>, StoreError> {
        let wanted = "path = ?1 AND after = ?2 AND seen = 0 ORDER BY edited_at DESC LIMIT 1";
        self.edit_where(wanted, &[&bytes(path), after])
    }

    /// The edit that a command made.
    pub fn edit(&self, command: Uuid) -> Result<Option<EditRow>, StoreError> {
        self.edit_where("command_id = ?1", &[command.as_bytes()])
    }

    /// In whose name an edit was made, when that is somebody else than the user of this process.
    pub fn edit_actor(&self, edit: &EditRow) -> Result<Option<String>, StoreError> {
        self.prepare_cached(NOTED_BY)
            .and_then(|mut statement| {
                let named = (NOTE, edit.command.as_bytes(), first_id(edit.at));
                statement.query_row(named, |row| row.get(0)).optional()
            })
            .named(self.path())
    }

    /// The last edit that is in force: it was not taken back, and does not itself take one back. What makes an edit again
    /// is one as well. Before that of a command, when one is named.
    pub fn last_edit(&self, before: Option<&EditRow>) -> Result<Option<EditRow>, StoreError> {
        let wanted = "NOT EXISTS (SELECT 1 FROM edits AS later WHERE later.undoes = edits.command_id) \
                      AND (edited_at, command_id) < (?1, ?2) ORDER BY edited_at DESC, command_id DESC LIMIT 1";
        let mut end = before.map_or((i64::MAX, Uuid::max()), |edit| (edit.at, edit.command));
        loop {
            match self.edit_where(wanted, &[&end.0, end.1.as_bytes()])? {
                Some(edit) if self.takes_back(&edit)? => end = (edit.at, edit.command),
                found => return Ok(found),
            }
        }
    }

    /// The edits of one conversation that are in force, the last first; instead of one that was made again, what did that.
    pub fn edits_of(&self, correlation: Uuid) -> Result<Vec<EditRow>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM edits WHERE correlation_id = ?1 ORDER BY edited_at DESC, command_id DESC");
        let all: Vec<EditRow> = self
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_map([correlation.as_bytes()], edit_row)?.collect())
            .named(self.path())?;
        let mut in_force: Vec<EditRow> = Vec::new();
        for edit in all {
            if !self.takes_back(&edit)? {
                let edit = self.standing(edit)?;
                if self.taken_back_by(&edit)?.is_none() && !in_force.contains(&edit) {
                    in_force.push(edit);
                }
            }
        }
        Ok(in_force)
    }

    /// What stands for an edit that was taken back and made again: what did that last. Any other edit stands for itself.
    pub fn standing(&self, edit: EditRow) -> Result<EditRow, StoreError> {
        let mut last = edit.clone();
        while let Some(back) = self.taken_back_by(&last)? {
            match self.taken_back_by(&back)? {
                Some(again) => last = again,
                None => return Ok(edit),
            }
        }
        Ok(last)
    }

    fn taken_back_by(&self, edit: &EditRow) -> Result<Option<EditRow>, StoreError> {
        self.edit_where("undoes = ?1 ORDER BY edited_at DESC, command_id DESC LIMIT 1", &[edit.command.as_bytes()])
    }

    /// Whether an edit leaves another one taken back: what takes back such a one makes the other again.
    fn takes_back(&self, edit: &EditRow) -> Result<bool, StoreError> {
        let (mut takes_back, mut undoes) = (false, edit.undoes);
        while let Some(command) = undoes {
            takes_back = !takes_back;
            undoes = self.edit(command)?.and_then(|edit| edit.undoes);
        }
        Ok(takes_back)
    }

    fn edit_where(&self, wanted: &str, parameters: &[&dyn rusqlite::ToSql]) -> Result<Option<EditRow>, StoreError> {
        self.prepare_cached(&format!("SELECT {COLUMNS} FROM edits WHERE {wanted}"))
            .and_then(|mut statement| statement.query_row(parameters, edit_row).optional())
            .named(self.path())
    }
}

pub(super) fn left(connection: &Connection, edit: &EditRow) -> rusqlite::Result<()> {
    sweep(connection, edit.at)?;
    connection
        .prepare_cached(&format!(
            "INSERT INTO edits ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0) ON CONFLICT (command_id) DO NOTHING"
        ))?
        .execute(params![
            edit.command.as_bytes(),
            edit.name,
            edit.correlation.as_bytes(),
            bytes(&edit.path),
            edit.before,
            edit.after,
            written(&edit.undo)?,
            edit.at,
            edit.undoes.as_ref().map(Uuid::as_bytes),
        ])
        .map(drop)
}

/// Lets texts go that have been kept long enough. Looks first: most of the time there is nothing to write.
pub(crate) fn sweep(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    let oldest = now.saturating_sub(KEPT);
    let any = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM edits WHERE edited_at < ?1)")?
        .query_row([oldest], |row| row.get::<_, bool>(0))?;
    if any {
        let sql = "DELETE FROM edits WHERE edited_at < ?1";
        thoroughly(connection, || connection.prepare_cached(sql)?.execute([oldest]).map(drop))?;
    }
    Ok(())
}

/// Lets the text of an edit go that was not made.
pub(super) fn dropped(connection: &Connection, command: Uuid) -> rusqlite::Result<()> {
    let sql = "DELETE FROM edits WHERE command_id = ?1";
    thoroughly(connection, || connection.prepare_cached(sql)?.execute([command.as_bytes()]).map(drop))
}

/// Blanks the whole texts of earlier releases that hold a secret.
pub(crate) fn blank_secrets(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM edits"))?;
    let edits: Vec<EditRow> = statement.query_map([], edit_row)?.collect::<Result<_, _>>()?;
    for edit in edits {
        if matches!(&edit.undo, Undo::Text(text) if undo::holds_secret(text)) {
            blank(connection, edit.command, &Undo::Secret)?;
        }
    }
    Ok(())
}

/// Blanks what would take back the edits of some files, and says why in its place.
pub(super) fn erase_where(
    connection: &Connection,
    why: &Undo,
    is_meant: impl Fn(&Path) -> bool,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("SELECT command_id, path FROM edits")?;
    let edits = statement.query_map([], |row| Ok((Uuid::from_bytes(row.get(0)?), path_at(row, 1)?)))?;
    for (command, path) in edits.collect::<Result<Vec<_>, _>>()? {
        if is_meant(&path) {
            blank(connection, command, why)?;
        }
    }
    Ok(())
}

fn blank(connection: &Connection, command: Uuid, why: &Undo) -> rusqlite::Result<()> {
    let sql = "UPDATE edits SET undo = ?2 WHERE command_id = ?1";
    let values = params![command.as_bytes(), written(why)?];
    thoroughly(connection, || connection.prepare_cached(sql)?.execute(values).map(drop))
}

/// Overwrites what is deleted also where that writes pages that were only given free: long texts lie in such.
fn thoroughly(connection: &Connection, work: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let set = |value: &str| {
        connection.pragma_update_and_check(None, "secure_delete", value, |row| row.get::<_, i64>(0)).map(drop)
    };
    set("on")?;
    let done = work();
    set("fast")?;
    done
}

fn written(undo: &Undo) -> rusqlite::Result<String> {
    serde_json::to_string(undo).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn edit_row(row: &Row<'_>) -> rusqlite::Result<EditRow> {
    Ok(EditRow {
        command: Uuid::from_bytes(row.get(0)?),
        name: row.get(1)?,
        correlation: Uuid::from_bytes(row.get(2)?),
        path: path_at(row, 3)?,
        before: row.get(4)?,
        after: row.get(5)?,
        undo: serde_json::from_str(&row.get::<_, String>(6)?)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(6, Type::Text, Box::new(error)))?,
        at: row.get(7)?,
        undoes: row.get::<_, Option<[u8; 16]>>(8)?.map(Uuid::from_bytes),
        seen: row.get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::connect;

    #[test]
    fn who_left_a_note_is_found_by_the_time_of_it_however_many_commands_there_are() {
        let mut connection = Connection::open_in_memory().unwrap();
        connect::migrate(&mut connection, Path::new(":memory:")).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {NOTED_BY}")).unwrap();
        let steps = statement.query_map((NOTE, [0; 16], [0; 16]), |row| row.get::<_, String>("detail")).unwrap();
        let plan = steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n");
        assert!(plan.contains("SEARCH commands USING PRIMARY KEY (command_id>?)"), "{plan}");
    }
}
