//! The command line: arguments in, one answer on stdout, an exit code. One file per command.
//!
//! Knows nothing of the terminal UI: when no command is named on a terminal, the caller is told to start it.

use std::ffi::OsString;
use std::io::IsTerminal;
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

use crate::app::Session;
use crate::app::scan::ScanRequest;
use crate::config::Color;
use crate::store::view::At;

/// What the caller has to do when the words are read and a command, if one was named, is done.
#[derive(Debug)]
pub enum Next {
    /// End with this code.
    Exit(ExitCode),
    /// Start the terminal UI.
    Terminal(Box<Opening>),
}

/// What the terminal UI starts with.
#[derive(Debug)]
pub struct Opening {
    /// The ledger, open for writing.
    pub session: Session,
    /// The moment to look at first.
    pub at: At,
    /// How a scan that is asked for there is done.
    pub request: ScanRequest,
    /// Whether colours are wanted.
    pub colors: bool,
}

/// The end of the terminal UI: says what went wrong, if something did.
pub fn end(result: Result<(), impl std::error::Error + 'static>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let failure = Failure::of(failure::Kind::Internal, &error);
    Printer::new(args::Format::Human, Color::Auto, false, false).failure(&failure);
    ExitCode::from(failure.code())
}

/// Runs the command line.
pub fn run(words: impl IntoIterator<Item = OsString>) -> Next {
    panic::say_what_to_report();
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => return Next::Exit(refuse(&error)),
    };
    let mut printer = Printer::new(args.global.format(), color_of(&args), args.global.quiet, args.global.verbose > 0);
    let done = launch(args, &mut printer).and_then(|next| printer.flush().map(|()| next));
    done.unwrap_or_else(|failure| {
        // What was said before the failure belongs before it; when that cannot be written, the failure still can.
        let flushed = printer.flush();
        if !failure.is_silent() {
            printer.failure(&failure);
        }
        let code = flushed.err().filter(Failure::is_silent).map_or(failure.code(), |closed| closed.code());
        Next::Exit(ExitCode::from(code))
    })
}

fn launch(args: Args, printer: &mut Printer) -> Result<Next, Failure> {
    let launch = Launch::new(&args.global)?;
    if args.global.color.is_none() {
        printer.set_color(launch.settings.color);
    }
    printer.set_now(launch.clock.now());
    log_file::start(&launch)?;
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    match args.command {
        Some(command) => command.run(&mut Context::new(launch, args.global, printer)).map(Next::Exit),
        None if terminal => opening(launch, args.global, printer).map(|opening| Next::Terminal(Box::new(opening))),
        None => {
            printer.text(&Args::command().render_help().to_string())?;
            Ok(Next::Exit(ExitCode::SUCCESS))
        }
    }
}

fn opening(launch: Launch, global: args::Global, printer: &mut Printer) -> Result<Opening, Failure> {
    let moment = global.at.clone();
    let colors = launch.settings.color != Color::Never && global.color != Some(args::When::Never);
    let mut context = Context::new(launch, global, printer);
    let session = context.session()?;
    let at = match moment {
        Some(moment) => context.at(&moment, &session.store.reader()?)?,
        None => At::Now,
    };
    let request = command::configured_scan(&context)?;
    Ok(Opening { session, at, request, colors })
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
