//! The `cim-nix` program: the command line, or the terminal interface when no command is named.

use std::process::ExitCode;

use cim_domain_nix::{cli, tui};

fn main() -> ExitCode {
    cli::run(std::env::args_os(), |start| Ok(tui::start(start.session, start.request, start.at.into(), start.colors)?))
}
