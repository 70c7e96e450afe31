//! The `cim-nix` program: the command line, which starts the terminal interface or the long-running process.

use std::process::ExitCode;

use cim_domain_nix::{cli, serve, tui};

/// A tree is many small pieces: with the allocator of the system they are a sixth of what a check takes.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let faces = cli::Faces {
        interface: |start| Ok(tui::start(start.session, start.request, start.at.into(), start.colors, start.named)?),
        serve: |service, say| Ok(serve::run(service.into(), say)?),
    };
    cli::run(std::env::args_os(), faces)
}
