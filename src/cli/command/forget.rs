//! `forget`: leave a flake alone from now on.

use std::ffi::OsString;
use std::process::ExitCode;

use serde::Serialize;

use super::Run;
use crate::app;
use crate::cli::answer::Single;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::path::PathFields;
use crate::cli::selector;
use crate::domain::shell;

/// Leave a flake alone from now on
///
/// It disappears from the lists, and scans pass it over until its directory is scanned by name, also where it is moved to. Its events
/// stay; `store erase` blanks what must not be kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Forget {
    /// A path, an id, the beginning of one, or the name of its directory
    #[arg(value_name = "FLAKE")]
    flake: OsString,
}

impl Run for Forget {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let flake = selector::flake(&context.read()?, &self.flake, &context.directory)?;
        let Some(path) = app::forget::forget(&context.session()?, flake.id)? else {
            return Err(Failure::new(Kind::Refused, format!("`{}` is gone already", flake.path)));
        };
        let named = shell::path(&path.to_path());
        context.printer.say(format!("`{path}` is forgotten; `cim-nix scan {named}` remembers it"));
        context.printer.answer(&Forgotten { id: flake.id.to_string(), path: PathFields::from(&path) })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/forget/1`.
#[derive(Debug, Serialize)]
struct Forgotten {
    id: String,
    #[serde(flatten)]
    path: PathFields,
}

impl Single for Forgotten {
    const NAME: &'static str = "forget";

    fn cells(&self) -> Vec<String> {
        [self.id.clone(), self.path.path.clone()].into()
    }
}
