//! The `cim-nix` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    cim_domain_nix::cli::run(std::env::args_os())
}
