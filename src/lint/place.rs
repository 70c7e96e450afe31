//! Lines and columns of findings, counted in one walk over the text: one by one, a long line would be read over and over.

use super::finding::{Finding, Place};

/// Gives findings their places; they are in the order of the text.
pub(super) fn fill<'f>(text: &str, findings: impl Iterator<Item = &'f mut Finding>) {
    let mut cursor = Cursor { text, at: 0, line: 1, column: 1 };
    for finding in findings {
        cursor.to(finding.start);
        let mut end = cursor;
        end.to(finding.end);
        finding.place = Place { line: cursor.line, column: cursor.column, end_line: end.line, end_column: end.column };
    }
}

/// A byte of the text that was reached, and where that is.
#[derive(Clone, Copy)]
struct Cursor<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    column: u32,
}

impl Cursor<'_> {
    /// Goes on; it never goes back.
    fn to(&mut self, at: usize) {
        let Some(passed) = self.text.get(self.at..at) else { return };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        if let Some(newline) = passed.rfind('\n') {
            self.line = self.line.saturating_add(count(passed.matches('\n').count()));
            self.column = count(passed.get(newline + 1..).unwrap_or_default().chars().count() + 1);
        } else {
            self.column = self.column.saturating_add(count(passed.chars().count()));
        }
        self.at = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{Linter, Selection};

    #[test]
    fn places_are_those_that_the_tree_counts_one_by_one() {
        let text = "{\n  ä = let in 1; b = let in\n 2;\n  c = [ (let in 3) (let in 4) ];\n}";
        let tree = crate::syntax::tree::parse(text);
        let found = Linter::new(&Selection::default(), "2026-11-28").check(text);
        assert!(found.len() >= 4);
        for finding in found {
            let ((line, column), (end_line, end_column)) =
                (tree.position(text, finding.start), tree.position(text, finding.end));
            assert_eq!(finding.place, Place { line, column, end_line, end_column });
        }
    }
}
