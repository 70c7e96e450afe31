//! A view that scripts may rely on, declared as data: help, `util sql-schema`, the reference and its tests read it.

/// A `v1_*` view. Columns are only ever added, at the end.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// What a row is, in one sentence.
    pub doc: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
    /// The query, with names in braces for tables.
    pub sql: &'static str,
    /// Queries to begin with; each is run by a test.
    pub examples: &'static [Example],
}

/// A column of a view.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds: `text`, `integer`, `json`, `time` (RFC 3339 UTC text), `id` (UUID text), `bool` (0 or 1).
    pub kind: &'static str,
    /// What it means; a column that may be absent (NULL) says when.
    pub doc: &'static str,
}

/// A query that shows what a view is for.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The query.
    pub sql: &'static str,
    /// The question it answers.
    pub doc: &'static str,
}

/// Columns, one a line: name, kind, meaning.
macro_rules! columns {
    ($($name:literal $kind:ident $doc:literal;)+) => {
        &[$($crate::store::projection::Column { name: $name, kind: stringify!($kind), doc: $doc }),+]
    };
}
pub(super) use columns;
