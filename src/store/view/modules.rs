//! Modules with their options, and overlays.

use rusqlite::{Connection, Row};

use super::At;
use super::flakes::read_path;
use super::query::{json, parsed, rows};
use crate::domain::id::FlakeId;
use crate::domain::path::RecordedPath;
use crate::store::StoreError;

/// One module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleRow {
    /// The flake, when the file belongs to one.
    pub flake: Option<FlakeId>,
    /// The path inside the flake; the whole path of a file without one.
    pub path: RecordedPath,
    /// Which module system reads it.
    pub kind: String,
    /// How many options it declares.
    pub declared: u64,
    /// How many options it defines.
    pub defined: u64,
    /// How many files it imports by a literal path.
    pub imports: u64,
    /// How many names there was no room for.
    pub left_out: u64,
    /// Since when it has been so.
    pub since: i64,
}

/// One option that a module declares or defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleOptionRow {
    /// The option; `*` stands for a computed name.
    pub option: String,
    /// `declared` or `defined`.
    pub how: String,
    /// The flake, when the file belongs to one.
    pub flake: Option<FlakeId>,
    /// The path inside the flake; the whole path of a file without one.
    pub path: RecordedPath,
    /// Since when it has been so.
    pub since: i64,
}

/// One overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayRow {
    /// The flake, when the file belongs to one.
    pub flake: Option<FlakeId>,
    /// The path inside the flake; the whole path of a file without one.
    pub path: RecordedPath,
    /// The names that it adds or changes.
    pub adds: Vec<String>,
    /// How many names there was no room for.
    pub left_out: u64,
    /// Since when it has been so.
    pub since: i64,
}

const MODULES: &str = "
SELECT m.flake, m.path, m.path_bytes, m.kind, m.declared, m.defined, m.imports, m.left_out, m.valid_from AS since
FROM {modules} m JOIN origins o ON o.id = m.origin
WHERE CASE WHEN ?1 IS NULL
  THEN o.is_self = 1 AND (m.flake IS NULL OR m.flake IN (SELECT f.id FROM {live_flakes} f))
  ELSE m.flake = ?1 END
ORDER BY m.flake, m.path";

const OPTIONS: &str = "
SELECT m.option, m.how, m.flake, m.path, m.path_bytes, m.valid_from AS since
FROM {module_options} m JOIN origins o ON o.id = m.origin
WHERE m.option >= ?1 AND (?2 IS NULL OR m.option < ?2)
  AND o.is_self = 1 AND (m.flake IS NULL OR m.flake IN (SELECT f.id FROM {live_flakes} f))
ORDER BY m.option, m.how, m.flake, m.path";

const OVERLAYS: &str = "
SELECT v.flake, v.path, v.path_bytes, v.adds, v.left_out, v.valid_from AS since
FROM {overlays} v JOIN origins o ON o.id = v.origin
WHERE CASE WHEN ?1 IS NULL
  THEN o.is_self = 1 AND (v.flake IS NULL OR v.flake IN (SELECT f.id FROM {live_flakes} f))
  ELSE v.flake = ?1 END
ORDER BY v.flake, v.path";

/// The modules of one flake, or of this machine.
pub fn modules(connection: &Connection, flake: Option<FlakeId>, at: At) -> Result<Vec<ModuleRow>, StoreError> {
    rows(connection, MODULES, at, [flake.map(|id| id.to_string())], |row| {
        Ok(ModuleRow {
            flake: flake_of(row)?,
            path: read_path(row)?,
            kind: row.get("kind")?,
            declared: count(row, "declared")?,
            defined: count(row, "defined")?,
            imports: count(row, "imports")?,
            left_out: count(row, "left_out")?,
            since: row.get("since")?,
        })
    })
}

/// The options that modules of this machine declare or define whose names begin so, by option.
pub fn module_options(connection: &Connection, prefix: &str, at: At) -> Result<Vec<ModuleOptionRow>, StoreError> {
    rows(connection, OPTIONS, at, (prefix, after(prefix)), |row| {
        Ok(ModuleOptionRow {
            option: row.get("option")?,
            how: row.get("how")?,
            flake: flake_of(row)?,
            path: read_path(row)?,
            since: row.get("since")?,
        })
    })
}

/// The overlays of one flake, or of this machine.
pub fn overlays(connection: &Connection, flake: Option<FlakeId>, at: At) -> Result<Vec<OverlayRow>, StoreError> {
    rows(connection, OVERLAYS, at, [flake.map(|id| id.to_string())], |row| {
        Ok(OverlayRow {
            flake: flake_of(row)?,
            path: read_path(row)?,
            adds: json(row, "adds")?,
            left_out: count(row, "left_out")?,
            since: row.get("since")?,
        })
    })
}

/// The least text after all that begin so; none when every later one does.
fn after(prefix: &str) -> Option<String> {
    let mut text: Vec<char> = prefix.chars().collect();
    while let Some(last) = text.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            text.push(next);
            return Some(text.into_iter().collect());
        }
    }
    None
}

pub(super) fn flake_of(row: &Row<'_>) -> rusqlite::Result<Option<FlakeId>> {
    let none = row.get_ref("flake")? == rusqlite::types::ValueRef::Null;
    if none { Ok(None) } else { parsed(row, "flake").map(Some) }
}

fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn a_range_holds_all_that_begins_so_and_nothing_else() {
        for (prefix, next) in
            [("a", Some("b")), ("services.", Some("services/")), ("", None), ("a\u{10ffff}", Some("b"))]
        {
            assert_eq!(after(prefix).as_deref(), next, "{prefix}");
        }
        assert_eq!(after("\u{d7ff}").as_deref(), Some("\u{e000}"), "surrogates are no characters");
    }
}
