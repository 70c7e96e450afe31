//! The flake aggregate: what is declared and locked in one directory of this machine, and how that changed.

use std::collections::BTreeMap;

use super::Attrs;
use super::lock::Lock;

pub mod event;

pub mod state;

pub mod decide;

pub mod moved;

/// Everything that was read from one flake at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The flake's own description.
    pub description: Option<String>,
    /// Its inputs by name.
    pub inputs: BTreeMap<String, Input>,
    /// What it gives, as far as that is known without evaluation.
    pub outputs: Outputs,
    /// Its `nixConfig`, values as text, secrets already gone.
    pub nix_config: BTreeMap<String, String>,
    /// Its lock file; absent when there is none or nothing of it could be read.
    pub lock: Option<Lock>,
}

/// One input as `flake.nix` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The name that `outputs` uses.
    pub name: String,
    /// The URL form, as written.
    pub url: Option<String>,
    /// The attribute form: `type`, `owner`, `repo`, `ref`, `rev`, `dir` and the like.
    pub attrs: Option<Attrs>,
    /// The input path that this one follows; an empty text is the flake itself.
    pub follows: Option<String>,
    /// Whether the source is itself a flake.
    pub flake: bool,
    /// What is said about the inputs of this input, by the path below it: `nixpkgs`, `a/b`.
    pub overrides: BTreeMap<String, Override>,
    /// False for an input that only `outputs` names: Nix asks the flake registry for it.
    pub declared: bool,
}

/// What is said about an input of an input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Override {
    /// Another source for it.
    pub url: Option<String>,
    /// The input path that it follows.
    pub follows: Option<String>,
}

/// The outputs of a flake as far as they are known without evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outputs {
    /// Attribute paths that certainly exist, in name order: `packages.x86_64-linux.default`.
    pub known: Vec<String>,
    /// What cannot be known, each with its reason.
    pub unknown: Vec<UnknownOutput>,
}

/// A part of the outputs that cannot be known without evaluation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownOutput {
    /// The attribute path below which something is unknown; empty for all outputs.
    pub path: String,
    /// Why.
    pub reason: String,
}
