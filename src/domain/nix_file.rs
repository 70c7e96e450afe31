//! A Nix file as events name it, and sets of names that are told of it: sorted, bounded, and how two of them differ.

use std::collections::BTreeSet;

use super::id::FlakeId;
use super::path::RecordedPath;
use super::size::{PART_BYTES, text_bytes};

/// More names of one kind than these are not listed in an event.
pub const MAX_NAMES: usize = 2_000;

/// A Nix file: by its path inside the flake that it belongs to, so that a flake that moves takes its files along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NixFile {
    /// The flake; none for a file that is in none.
    pub flake: Option<FlakeId>,
    /// The path inside the flake; the whole path of a file that is in none.
    pub path: RecordedPath,
}

/// Names, each once, in order.
pub type Names = BTreeSet<String>;

/// How a set of names became another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamesChange {
    /// What is there now and was not.
    pub added: Names,
    /// What was there and is not now.
    pub removed: Names,
}

impl NamesChange {
    /// What leads from one set to another.
    pub fn between(from: &Names, to: &Names) -> Self {
        Self { added: to.difference(from).cloned().collect(), removed: from.difference(to).cloned().collect() }
    }

    /// Whether both are the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Does the same to a set.
    pub fn apply(&self, names: &mut Names) {
        names.retain(|name| !self.removed.contains(name));
        names.extend(self.added.iter().cloned());
    }
}

/// The room for names in one event, and what found none: old and new names together fit into a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    bytes: usize,
    left_out: u32,
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: PART_BYTES, left_out: 0 }
    }
}

impl Room {
    /// The first names in order, as far as there is room for them.
    pub fn take(&mut self, names: impl IntoIterator<Item = String>) -> Names {
        let mut all: Names = names.into_iter().collect();
        let mut kept = Names::new();
        while let Some(name) = all.pop_first() {
            let bytes = text_bytes(&name);
            if kept.len() == MAX_NAMES || bytes > self.bytes {
                self.left_out = self.left_out.saturating_add(1);
                continue;
            }
            self.bytes -= bytes;
            kept.insert(name);
        }
        kept
    }

    /// How many names there was no room for.
    pub const fn left_out(&self) -> u32 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut room = Room::default();
        let many = room.take((0..MAX_NAMES + 5).map(|number| format!("{number:05}")));
        assert_eq!((many.len(), room.left_out()), (MAX_NAMES, 5));
        assert_eq!(many.last().map(String::as_str), Some("01999"));
        let large = room.take([String::from("a"), "b".repeat(PART_BYTES)]);
        assert_eq!((large.len(), room.left_out()), (1, 6));
    }

    proptest! {
        #[test]
        fn a_change_leads_from_one_set_to_the_other(
            from in prop::collection::btree_set("[a-e]", 0..5),
            to in prop::collection::btree_set("[a-e]", 0..5),
        ) {
            let change = NamesChange::between(&from, &to);
            let mut names = from.clone();
            change.apply(&mut names);
            prop_assert_eq!(&names, &to);
            prop_assert_eq!(change.is_empty(), from == to);
        }

        #[test]
        fn any_names_fit_into_half_a_payload(names in prop::collection::vec("\\PC{0,40}|[\u{0}-\u{1f}\"\\\\]{0,9}", 0..60)) {
            let mut room = Room { bytes: 500, left_out: 0 };
            let kept = room.take(names);
            prop_assert!(serde_json::to_string(&kept).unwrap().len() <= 502);
        }
    }
}
