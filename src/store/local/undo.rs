//! What takes an edit back: the stretches that it replaced, and never a secret. Knows texts and no files.

use serde::{Deserialize, Serialize};

use crate::syntax::edit::{ApplyError, Edit, apply};
use crate::syntax::secret;

/// What is kept of a file to take an edit of it back; as JSON in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// What stood in the place of stretches of the text after the edit.
    Edits(Vec<Replaced>),
    /// The whole text before, as earlier releases kept it.
    Text(String),
    /// Nothing: what was replaced holds a secret, or what may be one by its name.
    Secret,
    /// Nothing: an event of the flake was erased since.
    Erased,
    /// Nothing: an event was erased since of a flake of which no event says any more where it was.
    AllErased,
}

/// What stood in the place of bytes `start..end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    start: usize,
    end: usize,
    text: String,
}

impl Undo {
    /// What is to be kept of an edit; `back` makes the text before of the one after, in the order of the text.
    pub fn of(before: &str, after: &str, back: Vec<Edit>) -> Self {
        let secrets = secrets(before);
        let (mut kept, mut at_before, mut at_after) = (Vec::with_capacity(back.len()), 0, 0);
        for edit in back {
            let replaced = trimmed(after, &edit);
            let start = at_before + (replaced.start - at_after);
            let end = start + replaced.text.len();
            let touches = |&(from, to): &(usize, usize)| from < end && start < to;
            // A part of a secret is no secret by its shape, so it is looked for where it stood.
            if start < end && (secrets.iter().any(touches) || holds_secret(&replaced.text)) {
                return Self::Secret;
            }
            (at_before, at_after) = (end, replaced.end);
            kept.push(replaced);
        }
        Self::Edits(kept)
    }

    /// The text before the edit; none when nothing is kept. Whether it is that text, its hash tells.
    ///
    /// # Errors
    /// When what is kept does not fit the text.
    pub fn back(&self, after: &str) -> Result<Option<String>, ApplyError> {
        match self {
            Self::Edits(kept) => {
                let edit = |kept: &Replaced| Edit::replace(kept.start, kept.end, kept.text.clone());
                apply(after, &kept.iter().map(edit).collect::<Vec<_>>()).map(Some)
            }
            Self::Text(text) => Ok(Some(text.clone())),
            Self::Secret | Self::Erased | Self::AllErased => Ok(None),
        }
    }
}

/// Whether anything in a text is, or by its name may be, a secret.
pub(super) fn holds_secret(text: &str) -> bool {
    !secrets(text).is_empty()
}

/// Where secrets stand, in no order.
fn secrets(text: &str) -> Vec<(usize, usize)> {
    let found = secret::redact(text).found.into_iter().map(|secret| (secret.span.start, secret.span.end));
    found.chain(named(text)).collect()
}

/// What is bound to the name of a secret, up to the end of the binding: redaction sees strings, and in Nix tokens may also
/// stand in lists, or be computed.
fn named(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    text.match_indices('=').filter_map(|(at, _)| {
        let left = text.get(..at)?.trim_end().trim_end_matches('"');
        let start = left.rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-'".contains(c))).map_or(0, |before| {
            before + left.get(before..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
        });
        let name = left.get(start..).filter(|name| !name.is_empty())?;
        let has_name = !secret::redact_setting(name, "x").found.is_empty();
        let rest = text.get(at..)?;
        let value = rest.get(..rest.find(';').unwrap_or(rest.len()))?;
        (has_name && !is_harmless(value.trim_start_matches('='))).then_some((at, at + value.len()))
    })
}

/// Values that are no secret, whatever their name: plain words, numbers too short for one, and what another option of the
/// configuration says.
fn is_harmless(value: &str) -> bool {
    /// So long a number may be somebody's PIN, when it stands in a text of another program.
    const PIN: usize = 4;
    let value = value.trim();
    let is_number = value.len() < PIN && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_in_path = |byte: u8| byte.is_ascii_alphanumeric() || b"_-'.".contains(&byte);
    let is_reference = value.starts_with("config.") && value.bytes().all(is_in_path);
    secret::is_plain_word(value) || is_number || is_reference
}

/// An edit without what it leaves as it is at its ends: the less is kept, the less can be a secret.
fn trimmed(after: &str, edit: &Edit) -> Replaced {
    let same = |(a, b): &(char, char)| a == b;
    let gone = after.get(edit.start..edit.end).unwrap_or_default();
    let head: usize = gone.chars().zip(edit.text.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (gone, text) = (gone.get(head..).unwrap_or_default(), edit.text.get(head..).unwrap_or_default());
    let tail: usize = gone.chars().rev().zip(text.chars().rev()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let text = text.get(..text.len() - tail).unwrap_or_default();
    Replaced { start: edit.start + head, end: edit.end - tail, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(before: &str, after: &str) -> Undo {
        Undo::of(before, after, vec![Edit::replace(0, after.len(), before)])
    }

    #[test]
    fn what_is_kept_is_what_was_replaced_and_gives_the_text_back() {
        for (before, after) in [("a b c", "a B c"), ("", "x"), ("x", ""), ("aa", "a"), ("é", "è"), ("a\r\nb", "a\nb")]
        {
            let kept = whole(before, after);
            assert_eq!(kept.back(after).unwrap().as_deref(), Some(before), "{kept:?}");
            let written = serde_json::to_string(&kept).unwrap();
            assert_eq!(serde_json::from_str::<Undo>(&written).unwrap(), kept);
        }
        let Undo::Edits(kept) = whole("a b c", "a B c") else { panic!("it is kept") };
        assert_eq!(kept, [Replaced { start: 2, end: 3, text: "b".to_owned() }]);
        let two = vec![Edit::insert(0, "x"), Edit::replace(2, 3, "yy")];
        assert_eq!(Undo::of("xabyy", "abc", two).back("abc").unwrap().as_deref(), Some("xabyy"));
    }

    #[test]
    fn what_is_no_secret_whatever_its_name_is_kept() {
        for value in ["true", "false", "null", "8", "config.sops.secrets.x.path"] {
            let before = format!("{{ boot.zfs.requestEncryptionCredentials = {value}; }}");
            for after in ["{ }".to_owned(), before.replace(value, "other"), before.replace(value, &format!("{value} "))]
            {
                assert!(matches!(whole(&before, &after), Undo::Edits(_)), "{before} {after}");
            }
        }
        for value in ["hunter2", "true && x", "a.b.c", "123456", "(import ./secret.nix)", "config.a + b", "[ true ]"] {
            let before = format!("{{ services.x.password = {value}; }}");
            assert_eq!(whole(&before, "{ }"), Undo::Secret, "{before}");
        }
    }

    #[test]
    fn a_secret_is_kept_neither_whole_nor_in_part() {
        let url = r#"{ inputs.a.url = "git+https://u:hunter2secret@h.x/a"; }"#;
        let list = "{ nixConfig.access-tokens = [ \"github.com=abc\" ]; }";
        let lines = "{ nix.settings.\"access-tokens\" = ''\n  github.com=abc\n''; }";
        for (before, gone) in [(url, "hunter2secret"), (url, "ter2"), (list, "abc"), (lines, "abc")] {
            assert_eq!(whole(before, &before.replace(gone, "")), Undo::Secret, "{before}");
            assert_eq!(whole(before, ""), Undo::Secret, "{before}");
        }
        let beside = url.replace("; }", "; inputs.a.inputs.b.follows = \"b\"; }");
        assert!(matches!(whole(url, &beside), Undo::Edits(_)), "what stays is not kept");
        assert!(matches!(whole(list, &format!("# mine\n{list}")), Undo::Edits(_)));
    }
}
