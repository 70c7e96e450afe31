//! Changes to a text: byte ranges and what stands there instead. Must not know what the text means.

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edit {
    /// First byte that is replaced.
    pub start: usize,
    /// One past the last byte that is replaced; `start` where nothing is taken out.
    pub end: usize,
    /// What stands there afterwards.
    pub text: String,
}

/// The text with all changes made; none when they overlap or do not fit the text.
pub fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.start, edit.end));
    let mut changed = String::with_capacity(text.len());
    let mut done = 0;
    for edit in sorted {
        changed.push_str(text.get(done..edit.start)?);
        changed.push_str(&edit.text);
        text.get(edit.start..edit.end)?;
        done = edit.end;
    }
    changed.push_str(text.get(done..)?);
    Some(changed)
}
