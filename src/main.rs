//! The `cim-nix` program: the command line, which starts the terminal interface or the long-running process.

use std::process::ExitCode;

use cim_domain_nix::{cli, serve, tui};

fn main() -> ExitCode {
    let faces = cli::Faces {
        interface: |start| Ok(tui::start(start.session, start.request, start.at.into(), start.colors)?),
        serve: |service, say| Ok(serve::run(service.into(), say)?),
    };
    cli::run(std::env::args_os(), faces)
}
