//! Which file the editor opens for what is chosen, and where in it. Knows no file: a line that the ledger does not keep is
//! looked for when the editor opens.

use std::path::{Path, PathBuf};

use super::{detail, tree};
use crate::tui::model::{Anatomy, FlakeRow, Input, Problem};
use crate::tui::spot::Spot;

/// The first problem with a line, else where the input is declared or locked, else the file of the first problem.
pub(super) fn of(flake: &FlakeRow, anatomy: Option<&Anatomy>, row: Option<&tree::Row>) -> (PathBuf, Spot) {
    let problems: Vec<&Problem> = match (anatomy, row) {
        (Some(anatomy), Some(row)) => detail::problems(flake, anatomy, row).collect(),
        (Some(anatomy), None) => anatomy.problems.iter().collect(),
        (None, _) => Vec::new(),
    };
    let lines = problems.iter().find_map(|problem| Some((PathBuf::from(&problem.file), Spot::Line(problem.line?))));
    let input = || Some(of_input(Path::new(&flake.path), anatomy?, row?));
    let file = || problems.first().map(|problem| (PathBuf::from(&problem.file), Spot::File));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_problem_of_another_file_is_none_of_the_input_whose_name_it_repeats() {
        let flake = FlakeRow { path: "/f".to_owned(), ..FlakeRow::default() };
        let problem = |file: &str| Problem {
            file: file.to_owned(),
            line: Some(1),
            severity: "warning".to_owned(),
            code: "unused-lambda-arg".to_owned(),
            message: "`nixpkgs` is never used".to_owned(),
        };
        let input = Input { name: "nixpkgs".to_owned(), declared: true, ..Input::default() };
        let mut anatomy =
            Anatomy { inputs: vec![input], problems: vec![problem("/f/other.nix")], ..Anatomy::default() };
        let rows = tree::rows(&anatomy, &BTreeSet::new(), "");
        let nix = PathBuf::from("/f/flake.nix");
        assert_eq!(of(&flake, Some(&anatomy), rows.first()), (nix.clone(), Spot::Declared("nixpkgs".to_owned())));
        assert_eq!(of(&flake, Some(&anatomy), None), (PathBuf::from("/f/other.nix"), Spot::Line(1)));
        anatomy.problems.push(problem("/f/flake.nix"));
        assert_eq!(of(&flake, Some(&anatomy), rows.first()), (nix, Spot::Line(1)));
    }
}
