//! Making sure: what the new text says is what the old one said, and the change.

use std::collections::BTreeMap;

use super::{EditError, Operation};
use crate::syntax::flake::{self, FlakeFile, Input};
use crate::syntax::{Attrs, Span};

/// Compares what both texts say.
///
/// # Errors
/// [`EditError::Unsure`] says what is not as it should be.
pub(super) fn same_but_for(old: &str, new: &str, operation: &Operation) -> Result<(), EditError> {
    let unsure = |why: &str| Err(EditError::Unsure { why: why.to_owned() });
    let (old, new) = (flake::read(old), flake::read(new));
    if let Some(problem) = new_problem(&old, &new) {
        return unsure(&problem);
    }
    let (mut expected, found) = (said(&old), said(&new));
    change(&mut expected, operation);
    let (wanted, found_inputs) = (expected.inputs.values().map(declared), found.inputs.values().map(declared));
    if !wanted.eq(found_inputs) {
        return unsure("the inputs would be others");
    }
    // A new argument may be what a name in the outputs means, so those are compared where no argument changes.
    let follows = matches!(operation, Operation::Follow { .. } | Operation::Unfollow { .. });
    if expected.rest != found.rest || (follows && names(&old) != names(&new)) {
        return unsure("something else would change with it");
    }
    Ok(())
}

/// An input of which nothing is said is the same whether a set says so, or only `outputs` asks for it.
fn declared(input: &Input) -> Input {
    let silent = input.url.is_none() && input.attrs.is_empty() && input.follows.is_none() && input.overrides.is_empty();
    Input { declared: input.declared && !(silent && input.flake), ..input.clone() }
}

/// What a text says, without where.
struct Said {
    inputs: BTreeMap<String, Input>,
    rest: (Option<String>, Attrs, Vec<(String, String)>),
}

fn said(file: &FlakeFile) -> Said {
    let span = Span { start: 0, end: 0, line: 0 };
    let inputs = file.inputs.iter().map(|input| (input.name.clone(), Input { span, ..input.clone() })).collect();
    let settings = file.nix_config.iter().map(|setting| (setting.name.clone(), setting.value.clone())).collect();
    Said { inputs, rest: (file.description.clone(), file.self_attrs.clone(), settings) }
}

fn names(file: &FlakeFile) -> (Vec<&String>, Vec<(&String, &String)>) {
    let unknown = file.outputs.unknown.iter().map(|gap| (&gap.path, &gap.reason)).collect();
    (file.outputs.known.keys().collect(), unknown)
}

/// A problem that the old text does not have.
fn new_problem(old: &FlakeFile, new: &FlakeFile) -> Option<String> {
    let mut known: Vec<_> = old.problems.iter().map(|problem| (problem.code, &problem.message)).collect();
    // What the arguments mean for the user is told in notes.
    for problem in new.problems.iter().filter(|problem| problem.code != "outputs-arguments") {
        match known.iter().position(|seen| *seen == (problem.code, &problem.message)) {
            Some(at) => drop(known.swap_remove(at)),
            None => return Some(problem.message.clone()),
        }
    }
    None
}

fn change(said: &mut Said, operation: &Operation) {
    match operation {
        Operation::AddInput { name, url, flake } => {
            let input = Input {
                name: name.clone(),
                span: Span { start: 0, end: 0, line: 0 },
                url: Some(url.clone()),
                attrs: Attrs::new(),
                follows: None,
                flake: *flake,
                overrides: BTreeMap::new(),
                declared: true,
            };
            said.inputs.insert(name.clone(), input);
        }
        Operation::RemoveInput { name, .. } => {
            said.inputs.remove(name);
            for input in said.inputs.values_mut() {
                forget(input, name);
            }
        }
        Operation::SetUrl { name, url } => {
            if let Some(input) = said.inputs.get_mut(name) {
                (input.url, input.attrs) = (Some(url.clone()), Attrs::new());
            }
        }
        Operation::Follow { path, target } => follow(said, path, Some(target)),
        Operation::Unfollow { path } => follow(said, path, None),
    }
}

/// What follows an input that is gone follows nothing any more.
fn forget(input: &mut Input, name: &str) {
    for known in input.overrides.values_mut() {
        let target = known.follows.as_deref().and_then(|target| target.split('/').find(|part| !part.is_empty()));
        if target == Some(name) {
            known.follows = None;
        }
    }
    input.overrides.retain(|_, known| *known != flake::Override::default());
}

fn follow(said: &mut Said, path: &str, target: Option<&String>) {
    let (name, below) = path.split_once('/').unwrap_or((path, ""));
    let Some(input) = said.inputs.get_mut(name) else { return };
    if below.is_empty() {
        input.follows = target.cloned();
        return;
    }
    input.overrides.entry(below.to_owned()).or_default().follows = target.cloned();
    input.overrides.retain(|_, known| *known != flake::Override::default());
}
