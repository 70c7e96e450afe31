//! What a command has to say, in every format: a JSON document, records one a line, or a page for people.

use std::fmt::Write as _;
use std::slice;

use anstyle::Style;
use serde::Serialize;

use super::table::{Table, clean};

/// An answer to the user; the printer turns it into the format that was asked for.
pub(crate) trait Answer: Serialize {
    /// The name in `"schema": "cim-nix/<name>/1"`.
    const NAME: &'static str;

    /// What `plain` and `jsonl` print, one a line.
    type Record: Serialize;

    /// The records.
    fn records(&self) -> &[Self::Record];

    /// The cells of a record for `plain`.
    fn cells(record: &Self::Record) -> Vec<String>;

    /// The page for people; nothing where all they are told is said beside the data.
    fn page(&self, _: &mut Page) {}
}

/// An answer that is one record.
pub(crate) trait Single: Serialize {
    /// As [`Answer::NAME`].
    const NAME: &'static str;

    /// Its cells for `plain`.
    fn cells(&self) -> Vec<String>;

    /// As [`Answer::page`].
    fn page(&self, _: &mut Page) {}
}

impl<T: Single> Answer for T {
    const NAME: &'static str = <T as Single>::NAME;
    type Record = Self;

    fn records(&self) -> &[Self] {
        slice::from_ref(self)
    }

    fn cells(record: &Self) -> Vec<String> {
        Single::cells(record)
    }

    fn page(&self, page: &mut Page) {
        Single::page(self, page);
    }
}

/// A JSON document: the answer's own fields behind the name of its schema.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a, T> {
    schema: String,
    #[serde(flatten)]
    body: &'a T,
}

impl<'a, T: Answer> Document<'a, T> {
    /// Wraps an answer.
    pub(crate) fn of(body: &'a T) -> Self {
        Self { schema: format!("cim-nix/{}/1", T::NAME), body }
    }
}

/// What people see, line by line.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
    width: Option<usize>,
    now: i64,
}

impl Page {
    /// An empty page; no width when the output is no terminal.
    pub(crate) const fn new(width: Option<usize>, now: i64) -> Self {
        Self { text: String::new(), width, now }
    }

    /// What time it is, for ages.
    pub(crate) const fn now(&self) -> i64 {
        self.now
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        self.text.push_str(&clean(text.as_ref()));
        self.text.push('\n');
    }

    /// Adds a line that stands out.
    pub(crate) fn title(&mut self, text: impl AsRef<str>) {
        let bold = Style::new().bold();
        let _ = writeln!(self.text, "{bold}{}{bold:#}", clean(text.as_ref()));
    }

    /// Adds a name with its value, the values below each other.
    pub(crate) fn field(&mut self, name: &str, value: impl AsRef<str>) {
        let dim = Style::new().dimmed();
        let _ = writeln!(self.text, "{dim}{name:<14}{dim:#} {}", clean(value.as_ref()));
    }

    /// Adds text that holds its own line ends and is known to be harmless.
    pub(crate) fn verbatim(&mut self, text: &str) {
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Adds an empty line.
    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Adds a table.
    pub(crate) fn table(&mut self, table: &Table) {
        self.text.push_str(&table.text(self.width, Style::new().bold()));
    }

    /// The whole page.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}
