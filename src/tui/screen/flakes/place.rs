//! Which file the editor opens for what is chosen, and where in it. Knows no file: a line that the ledger does not keep is
//! looked for when the editor opens.

use std::path::{Path, PathBuf};

use super::{detail, tree};
use crate::tui::model::{Anatomy, FlakeRow, Input};
use crate::tui::spot::Spot;

/// The first problem with a line, else where the input is declared or locked, else the file of the first problem.
pub(super) fn of(flake: &FlakeRow, anatomy: Option<&Anatomy>, row: Option<&tree::Row>) -> (PathBuf, Spot) {
    let problems = || anatomy.into_iter().flat_map(|anatomy| detail::problems(anatomy, row));
    let lines = problems().find_map(|problem| Some((PathBuf::from(&problem.file), Spot::Line(problem.line?))));
    let input = || Some(of_input(Path::new(&flake.path), anatomy?, row?));
    let file = || problems().next().map(|problem| (PathBuf::from(&problem.file), Spot::File));
    lines.or_else(input).or_else(file).unwrap_or_else(|| (Path::new(&flake.path).join("flake.nix"), Spot::File))
}

/// In `flake.nix` where that says something of the input, else in the lock.
fn of_input(flake: &Path, anatomy: &Anatomy, row: &tree::Row) -> (PathBuf, Spot) {
    let (top, below) = row.path.split_once('/').map_or((row.path.as_str(), None), |(top, below)| (top, Some(below)));
    let says = |input: &Input| {
        input.name == top && below.is_none_or(|below| input.overrides.iter().any(|(path, _)| path == below))
    };
    if anatomy.inputs.iter().any(says) {
        (flake.join("flake.nix"), Spot::Declared(top.to_owned()))
    } else {
        (flake.join("flake.lock"), Spot::Locked(row.path.clone()))
    }
}
