//! Changes of a `flake.nix` by as little text as possible: inputs that come, go, move or follow others.
//!
//! Pure: text in, a plan out. Comments and layout of what stays are kept, new text looks like its neighbours, and what a
//! plan makes of the text is read again: it must say what the old text said and the change, or there is no plan.
//! Must not know files, locks or faces.

mod arguments;
mod check;
mod cut;
mod insert;
mod layout;
mod operate;
mod written;

use std::fmt;

/// A piece of text that takes the place of another; insertions have `start == end`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edit {
    /// First byte that goes.
    pub start: usize,
    /// One past the last byte that goes.
    pub end: usize,
    /// What comes in its place.
    pub text: String,
}

impl Edit {
    /// Puts a text in, and takes nothing away.
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { start: at, end: at, text: text.into() }
    }

    /// Takes a range away.
    pub const fn remove(start: usize, end: usize) -> Self {
        Self { start, end, text: String::new() }
    }

    /// Puts a text in the place of a range.
    pub fn replace(start: usize, end: usize, text: impl Into<String>) -> Self {
        Self { start, end, text: text.into() }
    }
}

/// Why edits cannot be made of a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Two edits change the same bytes.
    #[error("two edits change byte {at}; make them one after the other")]
    Overlap {
        /// Where both are.
        at: usize,
    },
    /// An edit is not a range of the text: it ends before it starts, after the text, or within a character.
    #[error("bytes {start} to {end} are no range of the text; look at the text again")]
    Range {
        /// Where it starts.
        start: usize,
        /// Where it ends.
        end: usize,
    },
}

/// Makes edits, in whatever order they are handed in. Of several insertions at one place, the first comes first.
///
/// # Errors
/// Refuses edits that overlap or are no ranges of the text.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, ApplyError> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.start, edit.end));
    let mut made = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut done = 0;
    for edit in sorted {
        let no_range = || ApplyError::Range { start: edit.start, end: edit.end };
        if edit.start < done {
            return Err(ApplyError::Overlap { at: edit.start });
        }
        text.get(edit.start..edit.end).ok_or_else(no_range)?;
        made.push_str(text.get(done..edit.start).ok_or_else(no_range)?);
        made.push_str(&edit.text);
        done = edit.end;
    }
    made.push_str(text.get(done..).unwrap_or_default());
    Ok(made)
}

/// What is to be done to the inputs of a flake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Declares an input that is not declared yet.
    AddInput {
        /// Its name.
        name: String,
        /// The flake reference.
        url: String,
        /// False for a plain source tree.
        flake: bool,
    },
    /// Takes an input away, with everything that is said of it.
    RemoveInput {
        /// Its name.
        name: String,
        /// Whether overrides that make inputs of other inputs follow it go with it; without this they are in the way.
        force: bool,
    },
    /// Takes an input from elsewhere.
    SetUrl {
        /// Its name.
        name: String,
        /// The new flake reference.
        url: String,
    },
    /// Makes an input of an input follow another one.
    Follow {
        /// The input path, as in `nixvim/nixpkgs`.
        path: String,
        /// The input path that it follows, as in `nixpkgs`; an empty text is the flake itself.
        target: String,
    },
    /// Takes back what [`Operation::Follow`] does.
    Unfollow {
        /// The input path, as in `nixvim/nixpkgs`.
        path: String,
    },
}

/// What an operation makes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The changes, in the order of the text; none when the text says it already.
    pub edits: Vec<Edit>,
    /// The text with these changes made.
    pub text: String,
    /// What the user should know of it.
    pub notes: Vec<Note>,
}

/// Something to know of a change that was made all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// `outputs` takes any argument, so the new name was not written among them.
    ArgumentsOpen {
        /// The input.
        name: String,
    },
    /// `outputs` takes only the arguments it names, and this name cannot be one.
    NoArgument {
        /// The input.
        name: String,
    },
    /// The function `outputs` is not written in this file, so its arguments were left alone.
    OutputsElsewhere {
        /// The input.
        name: String,
    },
    /// What was removed is still used.
    StillUsed {
        /// The input.
        name: String,
        /// The lines of the new text where it is, counted from 1.
        lines: Vec<u32>,
    },
    /// An override went with what it followed.
    OverrideRemoved {
        /// The input path that follows nothing any more.
        path: String,
    },
}

impl Note {
    /// Whether there is something left to do.
    pub const fn is_warning(&self) -> bool {
        !matches!(self, Self::ArgumentsOpen { .. } | Self::OverrideRemoved { .. })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArgumentsOpen { name } => {
                write!(f, "`outputs` takes further arguments (`...`), so `{name}` was not added to those it names")
            }
            Self::NoArgument { name } => write!(
                f,
                "`{name}` cannot be the name of an argument, and `outputs` takes none that it does not name; add `...` to them"
            ),
            Self::OutputsElsewhere { name } => write!(
                f,
                "the arguments of `outputs` are not written in this file; see that it takes or leaves `{name}`"
            ),
            Self::StillUsed { name, lines } => {
                let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
                let word = if lines.len() == 1 { "line" } else { "lines" };
                let lines = lines.join(", ");
                write!(f, "`outputs` still uses `{name}` on {word} {lines}, so Nix refuses it until that is changed")
            }
            Self::OverrideRemoved { path } => write!(f, "`{path}` follows nothing any more"),
        }
    }
}

/// Why an operation is not done to a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text cannot be parsed.
    #[error("line {line} cannot be read: {message}; repair it first")]
    Syntax {
        /// The line, counted from 1.
        line: u32,
        /// What is wrong there.
        message: String,
    },
    /// The text is not one literal set.
    #[error("the file is not one set, as a flake is, and only a set that is written out can be edited")]
    NotASet,
    /// Something is computed where only what is written can be changed.
    #[error("`{what}` on line {line} is not written out, so what it says is not changed; do it by hand")]
    NotLiteral {
        /// What is computed, as in `inputs`.
        what: String,
        /// The line, counted from 1.
        line: u32,
    },
    /// The same thing is said twice.
    #[error("`{what}` is defined more than once, again on line {line}, which Nix refuses; remove one of them first")]
    Twice {
        /// What is, as in `inputs.a.url`.
        what: String,
        /// The line of the second, counted from 1.
        line: u32,
    },
    /// A name that no input can have.
    #[error("`{name}` cannot be the name of an input: {why}; choose another")]
    InvalidName {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The input is there already.
    #[error("an input `{name}` exists already; `flake set-url` changes where it comes from")]
    Exists {
        /// The input.
        name: String,
    },
    /// There is no such input.
    #[error("there is no input `{name}`: the file declares {}", listed(known))]
    NoInput {
        /// What was named.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// Only the arguments of `outputs` name the input.
    #[error("`{name}` is not declared, only `outputs` asks for it; `flake add-input` declares it")]
    Undeclared {
        /// The input.
        name: String,
    },
    /// Other inputs follow what was to be removed.
    #[error("`{name}` is followed by {}; `--force` removes what makes them follow it", listed(by))]
    Followed {
        /// The input.
        name: String,
        /// The input paths that follow it.
        by: Vec<String>,
    },
    /// An input is nothing but what was to be removed.
    #[error("the input {} is nothing but `{name}`; remove it or set its URL first", listed(by))]
    Aliased {
        /// The input.
        name: String,
        /// The inputs that are it by another name.
        by: Vec<String>,
    },
    /// The input follows another one, so it has no reference of its own.
    #[error("`{path}` follows `{target}`; remove it and add it anew with a URL")]
    Follows {
        /// The input path.
        path: String,
        /// What it follows.
        target: String,
    },
    /// The input has a reference of its own, so it cannot follow another one.
    #[error("`{path}` has a reference of its own here; remove that by hand, then it can follow another input")]
    HasReference {
        /// The input path.
        path: String,
    },
    /// There is nothing to take back.
    #[error("nothing makes `{path}` follow another input; `flake inputs` shows what does")]
    NotFollowing {
        /// The input path.
        path: String,
    },
    /// An input path would follow itself.
    #[error("`{path}` cannot follow `{target}`, which is itself or a part of it; name another input")]
    Cycle {
        /// The input path.
        path: String,
        /// What it was to follow.
        target: String,
    },
    /// What came out does not say what it should.
    #[error("the change would not come out as meant ({why}); do it by hand, nothing was changed")]
    Unsure {
        /// What is not as it should be.
        why: String,
    },
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

/// Finds the changes that do an operation to the text of a `flake.nix`, and makes sure of what comes out.
///
/// # Errors
/// Says why it cannot be done; then there is nothing that should be written.
pub fn plan(text: &str, operation: &Operation) -> Result<Plan, EditError> {
    let (mut edits, notes) = operate::plan(text, operation)?;
    edits.sort();
    let made = apply(text, &edits).map_err(|error| EditError::Unsure { why: error.to_string() })?;
    check::same_but_for(text, &made, operation)?;
    Ok(Plan { edits, text: made, notes })
}

#[cfg(test)]
mod tests;
