//! Commands from the bus that write below a root: the edits that a user makes with `flake add-input` and `flake remove-input`,
//! made the same way, and a new flake.
//!
//! Knows no way to start a program: the lock is left to whoever sits at the machine.

use std::path::{Component, Path};

use serde_json::json;

use super::super::super::edit::{self, EditFailure, Locking, Operation, WriteError, Writing};
use super::super::super::roots;
use super::super::Desk;
use super::super::asked::Asked;
use super::super::reply::Refusal;
use super::{FLAKE, Field, confined, covers, is_seen, left_out, outside, text};
use crate::store::Command;
use crate::store::view::{self, At};
use crate::syntax::edit::EditError;
use crate::syntax::flake_ref::FlakeRef;
use crate::syntax::secret;

/// What these commands are called in the ledger.
pub(super) const NAMES: [&str; 3] = ["new_flake", "add_input", "remove_input"];

const LOCK_LEFT: &str = "its lock is left to whoever runs `nix flake lock` there";

/// The longest name of an input or of a directory, in bytes.
const LONGEST_NAME: usize = 128;
/// The longest flake reference, in bytes.
const LONGEST_URL: usize = 2048;

const NAME: Field = Field {
    name: "name",
    must: "the name of an input: a letter, then letters, digits, `_` and `-`; at most 128 bytes",
    json: "string",
    required: true,
};
const URL: Field = Field {
    name: "url",
    must: "a flake reference, as in `github:owner/repo`, without a secret; at most 2048 bytes",
    json: "string",
    required: true,
};
const IS_FLAKE: Field =
    Field { name: "is_flake", must: "false for a plain source tree", json: "boolean", required: false };
const FORCE: Field = Field {
    name: "force",
    must: "true to remove also what makes inputs of other inputs follow it",
    json: "boolean",
    required: false,
};
const NEW: Field = Field {
    name: "path",
    must: "an absolute path that is not there, of a directory in one that is, below a root that the machine shares; its name begins with a letter, a digit or `_`",
    json: "string",
    required: true,
};

pub(super) const ADD_INPUT: &[Field] = &[FLAKE, NAME, URL, IS_FLAKE];
pub(super) const REMOVE_INPUT: &[Field] = &[FLAKE, NAME, FORCE];
pub(super) const CREATE: &[Field] = &[NEW];

pub(super) fn add_input(desk: &Desk, asked: &Asked, command: &Command) -> Result<String, Refusal> {
    let (name, url) = (input_name(asked)?, reference(asked)?);
    let flake = asked.field(IS_FLAKE.name) != Some(&json!(false));
    let operation = Operation::AddInput { name: name.to_owned(), url: url.to_owned(), flake };
    edit(desk, asked, command, &operation, format!("added the input `{name}`"))
}

pub(super) fn remove_input(desk: &Desk, asked: &Asked, command: &Command) -> Result<String, Refusal> {
    let name = input_name(asked)?;
    let force = asked.field(FORCE.name) == Some(&json!(true));
    let operation = Operation::RemoveInput { name: name.to_owned(), force };
    edit(desk, asked, command, &operation, format!("removed the input `{name}`"))
}

pub(super) fn create(desk: &Desk, asked: &Asked, command: &Command) -> Result<String, Refusal> {
    let invalid = || Refusal::invalid(NEW.name, NEW.must);
    let path = text(asked, NEW.name);
    let (path, is_clean) = (Path::new(path), !path.chars().any(char::is_control));
    let name = path.file_name().and_then(|name| name.to_str()).filter(|name| is_clean && is_directory_name(name));
    let (Some(above), Some(name), true) = (path.parent(), name, path.is_absolute()) else { return Err(invalid()) };
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(outside());
    }
    let place = if above.is_dir() { confined(desk, above) } else { Err(outside()) };
    // Below what is shared, a place that is private is answered for as one that is not there.
    let is_below_shared = || above.ancestors().skip(1).any(|place| place.is_dir() && confined(desk, place).is_ok());
    let place = place.map_err(|why| if why == outside() && is_below_shared() { invalid() } else { why })?;
    let directory = place.path().join(name);
    // A root of its own may lie, or have lain, right there: whether it does is told to nobody.
    if !desk.read(|reader| covers(reader, &directory))? {
        return Err(outside());
    }
    if desk.read(|reader| roots::was_forgotten(reader, &directory))? {
        return Err(Refusal::rejected("refused", "the flake at that path was forgotten"));
    }
    match edit::new_flake_in(&desk.session, &directory, &desk.scan, command.clone()).map_err(refusal)? {
        Some(made) => Ok(format!("made {}", made.path.display())),
        None => Err(left_out()),
    }
}

/// Edits a flake as the user's own commands do, but for the lock: only this machine's, below a root, where scans come by. Says what
/// was done, with what is to be known of it.
fn edit(desk: &Desk, asked: &Asked, command: &Command, operation: &Operation, done: String) -> Result<String, Refusal> {
    let flake = desk.read(|reader| view::flake(reader, text(asked, FLAKE.name), At::Now))?;
    if flake.origin != desk.session.store.origin().public_key {
        return Err(Refusal::owned_by(&flake.origin));
    }
    let directory = flake.path.to_path();
    let place = confined(desk, &directory)?;
    if place.path() != directory {
        return Err(Refusal::rejected("not_found", "a link lies where the flake was"));
    }
    let nix = place.path().join("flake.nix");
    refuse_outside(desk, &nix)?;
    if edit::resume(&desk.session, command, &desk.scan).map_err(refusal)? {
        return Ok(done);
    }
    let draft = edit::draft(place.path(), command.name, std::slice::from_ref(operation)).map_err(refusal)?;
    let writing = Writing { session: Some(&desk.session), scan: &desk.scan, locking: Locking::Never, search: None };
    edit::write_as(&draft, &writing, command).map_err(refusal)?;
    let mut told = vec![done, LOCK_LEFT.to_owned()];
    told.extend(draft.notes.iter().map(ToString::to_string));
    Ok(told.join("; "))
}

/// A file that is a link is written where it leads: that must be in a shared root as well.
fn refuse_outside(desk: &Desk, nix: &Path) -> Result<(), Refusal> {
    let Ok(real) = nix.canonicalize() else {
        return Err(Refusal::rejected("not_found", "there is no flake.nix any more"));
    };
    if !desk.read(|reader| covers(reader, &real))? {
        return Err(outside());
    }
    if is_seen(desk, nix)? { Ok(()) } else { Err(left_out()) }
}

/// Only what Nix takes for the name of an input, which is no word that a program could take for an option.
fn input_name(asked: &Asked) -> Result<&str, Refusal> {
    let name = text(asked, NAME.name);
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && name.len() <= LONGEST_NAME;
    if is_name { Ok(name) } else { Err(Refusal::invalid(NAME.name, NAME.must)) }
}

/// A reference that may be written: nothing of it is repeated when it may not, as it may hold a secret.
fn reference(asked: &Asked) -> Result<&str, Refusal> {
    let url = text(asked, URL.name);
    let is_clean = !url.starts_with('-') && !url.chars().any(char::is_control) && url.len() <= LONGEST_URL;
    let is_one = is_clean && secret::redact(url).found.is_empty() && FlakeRef::parse_written(url).is_ok();
    if is_one { Ok(url) } else { Err(Refusal::invalid(URL.name, URL.must)) }
}

/// No hidden directory, and none whose name a program could take for an option.
fn is_directory_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_alphanumeric() || first == '_') && name.len() <= LONGEST_NAME
}

/// Why nothing was written, without what only helps at this machine's command line.
fn refusal(failure: EditFailure) -> Refusal {
    let refused = |why: &str| Refusal::rejected("refused", why);
    match failure {
        EditFailure::Plan { why, .. } => match why {
            EditError::InvalidName { .. } => Refusal::invalid(NAME.name, NAME.must),
            EditError::Exists { .. } => refused("an input of that name exists already"),
            EditError::NoInput { .. } | EditError::Undeclared { .. } => {
                refused("the flake declares no input of that name")
            }
            EditError::Followed { .. } => refused("inputs of other inputs follow it; with `force` they do so no more"),
            why => refused(&why.to_string()),
        },
        EditFailure::Reference(_) => Refusal::invalid(URL.name, URL.must),
        EditFailure::NoFlake { .. } => Refusal::rejected("not_found", "there is no flake.nix any more"),
        EditFailure::Write(WriteError::Changed { .. }) => {
            Refusal::error("conflict", "somebody else changed the file at the same time; ask again")
        }
        EditFailure::Write(WriteError::Exists { .. }) => {
            refused("something is there already, and nothing is written over it")
        }
        EditFailure::NotRecorded { .. } => Refusal::error("store", "it was written; the next scan records it"),
        EditFailure::App(error) => error.into(),
        other => refused(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_program_could_take_for_an_option_are_none() {
        for name in ["one", "_x", "9p", "é", "a b", "a.b"] {
            assert!(is_directory_name(name), "{name}");
        }
        for name in ["", "-rf", ".git", "..", "$x", &"x".repeat(LONGEST_NAME + 1)] {
            assert!(!is_directory_name(name), "{name}");
        }
    }
}
