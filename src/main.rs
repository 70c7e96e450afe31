//! The `cim-nix` program: the command line, or the terminal UI when no command is named.

use std::process::ExitCode;

use cim_domain_nix::cli::{self, Next};
use cim_domain_nix::tui;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Next::Exit(code) => code,
        Next::Terminal(open) => cli::end(tui::start(open.session, open.request, open.at.into(), open.colors)),
    }
}
