//! Manual pages, made from the arguments.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use serde::Serialize;

use crate::cli::answer::Single;
use crate::cli::args::Args;
use crate::cli::failure::Failure;
use crate::cli::path::PathFields;

/// The page of the program itself.
pub(super) fn page() -> Result<String, Failure> {
    render(Args::command())
}

/// Writes a page for the program and one for each command; returns how many.
pub(super) fn write(directory: &Path) -> Result<usize, Failure> {
    std::fs::create_dir_all(directory).map_err(|error| Failure::file("make the directory", directory, &error))?;
    let mut root = Args::command().disable_help_subcommand(true);
    root.build();
    let mut commands = vec![root];
    let mut count = 0;
    while let Some(command) = commands.pop() {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).replace(' ', "-");
        commands.extend(command.get_subcommands().filter(|below| !below.is_hide_set()).cloned());
        let path = directory.join(format!("{name}.1"));
        let text = render(command)?;
        let written = File::create(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| Failure::file("write", &path, &error))?;
        count += 1;
    }
    Ok(count)
}

fn render(command: clap::Command) -> Result<String, Failure> {
    let mut text = Vec::new();
    let unwritable = |error: io::Error| Failure::internal(error);
    Man::new(command).render(&mut text).map_err(unwritable)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `cim-nix/manual/1`, when a directory was written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    #[serde(flatten)]
    path: PathFields,
    /// How many pages are in it.
    pages: usize,
}

impl Written {
    pub(super) fn new(directory: &Path, pages: usize) -> Self {
        Self { path: PathFields::from(directory), pages }
    }
}

impl Single for Written {
    const NAME: &'static str = "manual";

    fn cells(&self) -> Vec<String> {
        [self.path.path.clone(), self.pages.to_string()].into()
    }
}
