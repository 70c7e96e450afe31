//! A table of the read model, declared as data: what creates it, writes it and reads it is made from that.
//!
//! A table with intervals is stored as two: what is true now, one row a key, and what was true before, in the order in
//! which it ended. So what is true now is small and quickly read however long the past is, and the past is only added to.

use std::fmt::Write as _;

/// A table of a projection.
#[derive(Debug)]
pub struct Table {
    /// Its name, without generation: `flakes`.
    pub name: &'static str,
    /// The columns that say what a row is about, as in `flake TEXT`; the first one is what rows are kept together by.
    pub key: &'static [&'static str],
    /// The other columns, as in `url TEXT NOT NULL`.
    pub values: &'static [&'static str],
    /// The stream whose events tell a row `t`, as in `'flake/' || t.id`.
    pub stream: &'static str,
    /// How long a row holds.
    pub keeps: Keeps,
    /// Further indexes on what is true now, each its columns.
    pub indexes: &'static [&'static str],
    /// Further indexes on what was true before, each its columns.
    pub past_indexes: &'static [&'static str],
}

/// How long a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// From when until when, in two columns each for the time and for the position in the log.
    Intervals,
    /// For ever; the words say what happens when a key comes again, as in `DO NOTHING`.
    Records(&'static str),
}

/// Where an interval begins, and where it ends.
const BEGIN: [&str; 2] = ["valid_from INTEGER NOT NULL", "from_position INTEGER NOT NULL"];
const END: [&str; 2] = ["valid_to INTEGER NOT NULL", "to_position INTEGER NOT NULL"];

/// The columns of an interval, as queries name them.
const BEGIN_NAMES: &str = "valid_from, from_position";
const END_NAMES: &str = "valid_to, to_position";

impl Table {
    /// The tables of a generation as SQLite has them.
    pub fn stored(&self, generation: i64) -> Vec<String> {
        let past = (self.keeps == Keeps::Intervals).then(|| self.past(generation));
        std::iter::once(self.now(generation)).chain(past).collect()
    }

    /// The views by which they are read, whatever the generation.
    pub(super) fn views(&self) -> Vec<String> {
        let past = (self.keeps == Keeps::Intervals).then(|| format!("p_{}_past", self.name));
        std::iter::once(format!("p_{}", self.name)).chain(past).collect()
    }

    /// What creates them and their indexes.
    pub(super) fn ddl(&self, generation: i64) -> String {
        let now = self.now(generation);
        let mut ddl = String::new();
        let not_null = self.key.iter().map(|column| format!("{column} NOT NULL"));
        let columns: Vec<String> = not_null.chain(self.values.iter().map(|&column| column.to_owned())).collect();
        let columns = columns.join(", ");
        let key = names(self.key);
        let begin = BEGIN.join(", ");
        // Writing to a string cannot fail.
        let _ = match self.keeps {
            // Wide rows go to the end of their table, and only their keys to where they belong.
            Keeps::Records(_) => {
                writeln!(ddl, "CREATE TABLE {now} ({columns}) STRICT;\nCREATE UNIQUE INDEX {now}_key ON {now} ({key});")
            }
            Keeps::Intervals => {
                let (past, end) = (self.past(generation), END.join(", "));
                let _ = writeln!(
                    ddl,
                    "CREATE TABLE {now} ({columns}, {begin}, PRIMARY KEY ({key})) STRICT, WITHOUT ROWID;\n\
                     CREATE TABLE {past} ({columns}, {begin}, {end}) STRICT;"
                );
                writeln!(ddl, "CREATE INDEX {past}_key ON {past} ({key}, to_position);")
            }
        };
        for (number, index) in self.indexes.iter().enumerate() {
            let _ = writeln!(ddl, "CREATE INDEX {now}_{number} ON {now} ({index});");
        }
        for (number, index) in self.past_indexes.iter().enumerate() {
            let past = self.past(generation);
            let _ = writeln!(ddl, "CREATE INDEX {past}_{number} ON {past} ({index});");
        }
        ddl
    }

    /// Every column that both its tables have.
    pub(in crate::store) fn columns(&self) -> String {
        let interval = if self.keeps == Keeps::Intervals { BEGIN_NAMES } else { "" };
        listed([names(self.key), names(self.values), interval.to_owned()])
    }

    /// Asks for every row that ever was, its end included where it has one.
    pub(in crate::store) fn select_all(&self, generation: i64) -> String {
        let (now, columns) = (self.now(generation), self.columns());
        match self.keeps {
            Keeps::Records(_) => format!("SELECT {columns} FROM {now}"),
            Keeps::Intervals => format!(
                "SELECT {columns}, NULL AS valid_to, NULL AS to_position FROM {now} \
                 UNION ALL SELECT {columns}, {END_NAMES} FROM {}",
                self.past(generation)
            ),
        }
    }

    fn now(&self, generation: i64) -> String {
        format!("p_{}_{generation}", self.name)
    }

    fn past(&self, generation: i64) -> String {
        format!("p_{}_past_{generation}", self.name)
    }

    /// Asks for the row that is true now: values and begin, by the whole key.
    pub(super) fn select_now(&self, generation: i64) -> String {
        let (now, key) = (self.now(generation), equal(self.key, 1, " AND "));
        let values = listed([names(self.values), BEGIN_NAMES.to_owned()]);
        format!("SELECT {values} FROM {now} WHERE {key}")
    }

    /// Asks for all rows that are true now and kept together: rest of the key, values and begin.
    pub(super) fn select_group(&self, generation: i64) -> String {
        let first = names(self.key.get(..1).unwrap_or_default());
        format!("SELECT {} FROM {} WHERE {first} = ?1", self.columns(), self.now(generation))
    }

    /// Asks when the last row of a key ended.
    pub(super) fn select_ended(&self, generation: i64) -> String {
        let (past, key) = (self.past(generation), equal(self.key, 1, " AND "));
        format!("SELECT valid_to FROM {past} WHERE {key} ORDER BY to_position DESC LIMIT 1")
    }

    /// Adds a row to what is true now: key, values, begin; or a record.
    pub(super) fn insert_now(&self, generation: i64) -> String {
        let now = self.now(generation);
        match self.keeps {
            Keeps::Intervals => {
                let marks = marks(self.key.len() + self.values.len() + BEGIN.len());
                format!("INSERT INTO {now} ({}) VALUES ({marks})", self.columns())
            }
            Keeps::Records(again) => {
                let marks = marks(self.key.len() + self.values.len());
                format!("INSERT INTO {now} ({}) VALUES ({marks}) ON CONFLICT {again}", self.columns())
            }
        }
    }

    /// Changes the row that is true now: key, values, begin.
    pub(super) fn update_now(&self, generation: i64) -> String {
        self.update(generation, |_| true)
    }

    /// The same where no indexed value changes: SQLite writes every index anew whose columns are set, to whatever.
    pub(super) fn update_rest(&self, generation: i64) -> String {
        self.update(generation, |column| self.indexed().all(|indexed| indexed != name(column)))
    }

    /// Whether two rows have the same values in the indexes on what is true now.
    pub(super) fn same_indexed<T: PartialEq>(&self, one: &[T], other: &[T]) -> bool {
        let place = |indexed: &str| self.values.iter().position(|column| name(column) == indexed);
        self.indexed().filter_map(place).all(|number| one.get(number) == other.get(number))
    }

    fn indexed(&self) -> impl Iterator<Item = &'static str> {
        self.indexes.iter().flat_map(|index| index.split(", "))
    }

    /// The numbers of what is bound are those of all values, whichever of them are set.
    fn update(&self, generation: i64, sets: impl Fn(&str) -> bool) -> String {
        let first = self.key.len() + 1;
        let values = self.values.iter().chain(&BEGIN).zip(first..);
        let values = values.filter(|(column, _)| sets(column));
        let values: Vec<_> = values.map(|(column, number)| format!("{} = ?{number}", name(column))).collect();
        let (now, key) = (self.now(generation), equal(self.key, 1, " AND "));
        format!("UPDATE {now} SET {} WHERE {key}", values.join(", "))
    }

    /// Takes the row of a key out of what is true now.
    pub(super) fn delete_now(&self, generation: i64) -> String {
        format!("DELETE FROM {} WHERE {}", self.now(generation), equal(self.key, 1, " AND "))
    }

    /// Adds a row to the past: key, values, begin, end.
    pub(super) fn insert_past(&self, generation: i64) -> String {
        let marks = marks(self.key.len() + self.values.len() + BEGIN.len() + END.len());
        format!("INSERT INTO {} ({}, {END_NAMES}) VALUES ({marks})", self.past(generation), self.columns())
    }
}

/// The names out of declared columns.
fn names(columns: &[&str]) -> String {
    columns.iter().map(|column| name(column)).collect::<Vec<_>>().join(", ")
}

fn name(column: &str) -> &str {
    column.split_once(' ').map_or(column, |(name, _)| name)
}

fn equal(columns: &[&str], first: usize, between: &str) -> String {
    let numbered = columns.iter().zip(first..).map(|(column, number)| format!("{} = ?{number}", name(column)));
    numbered.collect::<Vec<_>>().join(between)
}

/// Lists one after the other, the empty ones left out.
fn listed<const N: usize>(lists: [String; N]) -> String {
    let lists: Vec<String> = lists.into_iter().filter(|list| !list.is_empty()).collect();
    lists.join(", ")
}

fn marks(count: usize) -> String {
    (1..=count).map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ")
}
