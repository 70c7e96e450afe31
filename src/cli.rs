//! The command line: arguments in, one answer on stdout, an exit code. One file per command.
//!
//! Knows nothing of the terminal UI.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

mod answer;

mod args;

mod command;

mod context;

mod failure;

mod interrupt;

mod log_file;

mod panic;

mod path;

mod printer;

mod progress;

mod selector;

mod sentence;

mod table;

mod text;

mod time;

use args::Args;
use context::{Context, Launch};
use failure::Failure;
use printer::Printer;

use crate::config::Color;

/// Runs the command line.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    panic::say_what_to_report();
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => return refuse(&error),
    };
    let mut printer = Printer::new(args.global.format(), color_of(&args), args.global.quiet, args.global.verbose > 0);
    let done = launch(args, &mut printer).and_then(|code| printer.flush().map(|()| code));
    done.unwrap_or_else(|failure| {
        // What was said before the failure belongs before it; when that cannot be written, the failure still can.
        let flushed = printer.flush();
        if !failure.is_silent() {
            printer.failure(&failure);
        }
        let code = flushed.err().filter(Failure::is_silent).map_or(failure.code(), |closed| closed.code());
        ExitCode::from(code)
    })
}

fn launch(args: Args, printer: &mut Printer) -> Result<ExitCode, Failure> {
    let launch = Launch::new(&args.global)?;
    if args.global.color.is_none() {
        printer.set_color(launch.settings.color);
    }
    printer.set_now(launch.clock.now());
    log_file::start(&launch)?;
    let Some(command) = args.command else {
        printer.text(&Args::command().render_help().to_string())?;
        return Ok(ExitCode::SUCCESS);
    };
    command.run(&mut Context::new(launch, args.global, printer))
}

fn color_of(args: &Args) -> Color {
    match args.global.color {
        Some(args::When::Always) => Color::Always,
        Some(args::When::Never) => Color::Never,
        Some(args::When::Auto) | None => Color::Auto,
    }
}

/// What the argument parser has to say: help, the version, or what is wrong.
fn refuse(error: &clap::Error) -> ExitCode {
    let mut printer = Printer::new(args::Format::Human, Color::Auto, false, false);
    let code = if error.use_stderr() { failure::Kind::Usage.code() } else { 0 };
    match printer.parser(error) {
        Err(failure) if !failure.is_silent() => ExitCode::from(failure.code()),
        _ => ExitCode::from(code),
    }
}
