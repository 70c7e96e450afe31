//! Merge conflict markers: a text that still holds them, reduced to our side.

use crate::syntax::Span;

/// Our side of a conflicted text. Removed lines are blanked, so offsets and lines stay those of the original.
pub(super) struct Ours {
    pub(super) text: String,
    /// The first marker.
    pub(super) span: Span,
}

/// Our side, when a line of the text is a conflict marker; JSON strings cannot span lines, so a marker is never data.
pub(super) fn ours(text: &str) -> Option<Ours> {
    let span = first_marker(text)?;
    let mut side = Side::Both;
    let mut ours = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let marker = side.enter(line);
        if marker || !matches!(side, Side::Both | Side::Ours) {
            let body = line.trim_end_matches('\n');
            ours.extend(std::iter::repeat_n(' ', body.len()));
            ours.push_str(line.get(body.len()..).unwrap_or_default());
        } else {
            ours.push_str(line);
        }
    }
    Some(Ours { text: ours, span })
}

fn first_marker(text: &str) -> Option<Span> {
    let mut start = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>") {
            let line_number = u32::try_from(number + 1).unwrap_or(u32::MAX);
            return Some(Span { start, end: start + line.trim_end().len(), line: line_number });
        }
        start += line.len();
    }
    None
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Both,
    Ours,
    Theirs,
}

impl Side {
    /// Moves to the side a marker line begins; false when the line is no marker.
    fn enter(&mut self, line: &str) -> bool {
        *self = match line.get(..7) {
            Some("<<<<<<<") => Self::Ours,
            // The base that `diff3` style shows between the sides is nobody's.
            Some("|||||||" | "=======") if *self != Self::Both => Self::Theirs,
            Some(">>>>>>>") => Self::Both,
            _ => return false,
        };
        true
    }
}
