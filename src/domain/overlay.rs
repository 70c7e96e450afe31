//! An overlay: a Nix file that adds packages to a package set, or changes some. One stream a file.

use super::nix_file::{Names, NamesChange, NixFile};

/// What is known of an overlay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    /// The names that it adds or changes; `*` stands for a computed one.
    pub adds: Names,
    /// How many names there was no room for.
    pub left_out: u32,
}

/// An event of an overlay stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverlayEvent {
    /// An overlay was seen for the first time, or again after it was deleted.
    Discovered {
        /// The file.
        file: NixFile,
        /// What it adds.
        overlay: Overlay,
    },
    /// It adds something else than before.
    Updated {
        /// The file.
        file: NixFile,
        /// Of the names that it adds or changes.
        adds: NamesChange,
        /// How many names there is no room for now.
        left_out: u32,
        /// Whether the file is the same, and only a newer release reads it otherwise.
        same_file: bool,
    },
    /// The file is gone, or no overlay any more.
    Deleted {
        /// The file.
        file: NixFile,
    },
}

/// What an overlay adds after a stream of events; none when it is not there.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a OverlayEvent>) -> Option<Overlay> {
    let mut state = None;
    for event in events {
        match event {
            OverlayEvent::Discovered { overlay, .. } => state = Some(overlay.clone()),
            OverlayEvent::Updated { adds, left_out, .. } => {
                let overlay: &mut Overlay = state.get_or_insert_default();
                adds.apply(&mut overlay.adds);
                overlay.left_out = *left_out;
            }
            OverlayEvent::Deleted { .. } => state = None,
        }
    }
    state
}

/// What happened to a file since it was known like this; `seen` is what it adds now, none when it is no overlay.
pub fn observe(
    known: Option<&Overlay>,
    file: &NixFile,
    seen: Option<&Overlay>,
    same_file: bool,
) -> Option<OverlayEvent> {
    let file = file.clone();
    match (known, seen) {
        (None, None) => None,
        (None, Some(overlay)) => Some(OverlayEvent::Discovered { file, overlay: overlay.clone() }),
        (Some(_), None) => Some(OverlayEvent::Deleted { file }),
        (Some(known), Some(seen)) => (known != seen).then(|| OverlayEvent::Updated {
            file,
            adds: NamesChange::between(&known.adds, &seen.adds),
            left_out: seen.left_out,
            same_file,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::path::RecordedPath;

    fn overlay(adds: &[&str]) -> Overlay {
        Overlay { adds: adds.iter().map(|name| (*name).to_owned()).collect(), left_out: 0 }
    }

    #[test]
    fn events_lead_from_what_was_known_to_what_is_seen() {
        let file = NixFile { flake: None, path: RecordedPath::new(Path::new("/x/a.nix")) };
        let states = [None, Some(overlay(&["a", "b"])), Some(overlay(&["b", "c"])), None, Some(overlay(&[]))];
        let mut events = Vec::new();
        for pair in states.windows(2) {
            events.push(observe(pair[0].as_ref(), &file, pair[1].as_ref(), false).unwrap());
            assert_eq!(fold(&events), pair[1]);
            assert_eq!(observe(pair[1].as_ref(), &file, pair[1].as_ref(), false), None);
        }
        let OverlayEvent::Updated { adds, .. } = &events[1] else { panic!("{events:?}") };
        assert_eq!((&adds.added, &adds.removed), (&overlay(&["c"]).adds, &overlay(&["a"]).adds));
        assert!(matches!(events[2], OverlayEvent::Deleted { .. }));
    }
}
