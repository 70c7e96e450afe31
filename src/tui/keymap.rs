//! Keys: how they are written down, and which action a key means. Knows keys and the action table, no state.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{ACTIONS, Action};

/// One key with its modifiers. Shift is part of the character for everything that prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("backspace", KeyCode::Backspace),
    ("f1", KeyCode::F(1)),
    ("f5", KeyCode::F(5)),
];

impl Key {
    /// Reads `ctrl-p`, `shift-tab`, `G`, `/`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (modifiers, name) = match text.strip_prefix("ctrl-") {
            Some(rest) => (KeyModifiers::CONTROL, rest),
            None => (KeyModifiers::NONE, text),
        };
        let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
        let code = named.or_else(|| {
            let mut chars = name.chars();
            chars.next().filter(|_| chars.next().is_none()).map(KeyCode::Char)
        })?;
        Some(Self { code, modifiers })
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        Self { code: event.code, modifiers: event.modifiers.difference(KeyModifiers::SHIFT) }
    }
}

impl From<Key> for KeyEvent {
    fn from(key: Key) -> Self {
        Self::new(key.code, key.modifiers)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, other) => write!(f, "{other}"),
        }
    }
}

/// The action that a key means on a screen; an action of the screen goes before one that is everywhere.
pub(crate) fn lookup(key: Key, screen: &str) -> Option<&'static Action> {
    let bound = |action: &&Action| action.keys.iter().any(|text| Key::parse(text) == Some(key));
    let mut here = ACTIONS.iter().filter(|action| action.is_on(screen)).filter(bound);
    here.clone().find(|action| !action.screens.is_empty()).or_else(|| here.next())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::tui::screen;

    #[test]
    fn every_key_of_the_table_reads_and_prints_the_same() {
        for text in ACTIONS.iter().flat_map(|action| action.keys) {
            assert_eq!(Key::parse(text).map(|key| key.to_string()).as_deref(), Some(*text));
        }
    }

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for screen in screen::names() {
            let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
            for action in ACTIONS.iter().filter(|action| action.is_on(screen)) {
                for key in action.keys {
                    let before = taken.insert(key, action.id);
                    assert_eq!(before, None, "`{key}` on {screen}: {}", action.id);
                }
            }
        }
    }

    #[test]
    fn shift_is_part_of_a_character() {
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(Some(Key::from(event)), Key::parse("G"));
        assert_eq!(Key::parse("nonsense"), None);
    }
}
