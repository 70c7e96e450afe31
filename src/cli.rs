//! The command line: arguments in, one answer on stdout, an exit code. One file per command.
//!
//! Knows nothing of the terminal UI: when no command is named on a terminal, what the caller handed in starts it.

use std::error::Error;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{CommandFactory, Parser};

mod answer;

mod args;

mod command;

mod context;

mod failure;

mod interrupt;

mod known;

mod log_file;

mod machine;

mod panic;

mod path;

mod place;

mod printer;

mod progress;

mod selector;

mod sentence;

mod table;

mod text;

mod traces;

use args::Args;
use context::{Context, Launch};
use failure::{Failure, Kind};
use printer::Printer;

use crate::app::Session;
use crate::app::scan::ScanRequest;
use crate::app::sync::Place;
use crate::config::Color;
use crate::store::view::At;

/// What the terminal UI starts with.
#[derive(Debug)]
pub struct Opening {
    /// The ledger, open for reading and writing.
    pub session: Session,
    /// How to scan; the paths are left out.
    pub request: ScanRequest,
    /// The moment to look at first.
    pub at: At,
    /// Whether to colour.
    pub colors: bool,
    /// The database, when the command line named it: whoever repeats what is shown has to name it as well.
    pub named: Option<PathBuf>,
}

/// What the long-running process starts with.
pub struct Service {
    /// The ledger, open for reading and writing.
    pub session: Session,
    /// Where the bus is, as the settings say by then: it is asked before each connection.
    pub place: Box<dyn Fn() -> Place + Send + Sync>,
    /// How to scan; the paths are left out.
    pub request: ScanRequest,
    /// The commands that others may give.
    pub commands: Vec<String>,
    /// Where to answer over HTTP; none for nowhere.
    pub listen: Option<String>,
    /// How long between two scans of everything.
    pub interval: Duration,
    /// Set when it is to stop.
    pub stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("session", &self.session).field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Where a face says what happens.
pub type Say<'a> = &'a (dyn Fn(String) + Sync);

/// The other faces, which the command line starts and does not know; their errors are told like those of a command.
#[derive(Debug, Clone, Copy)]
pub struct Faces {
    /// Starts the terminal UI.
    pub interface: fn(Opening) -> Result<(), Box<dyn Error>>,
    /// Runs the long-running process.
    pub serve: fn(Service, Say<'_>) -> Result<(), Box<dyn Error>>,
}

/// Runs the command line, or the interface when no command is named on a terminal.
pub fn run(words: impl IntoIterator<Item = OsString>, faces: Faces) -> ExitCode {
    panic::say_what_to_report();
    interrupt::survive_size_limits();
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => return refuse(&error),
    };
    let mut printer = Printer::new(args.global.format(), color_of(&args), args.global.quiet, args.global.verbose > 0);
    // What a worker of a pool panicked about comes back on the thread that waits for it, told already.
    let launched = catch_unwind(AssertUnwindSafe(|| launch(args, &mut printer, faces)));
    let Ok(done) = launched else { return ExitCode::from(Kind::Internal.code()) };
    let done = done.and_then(|code| printer.flush().map(|()| code));
    done.unwrap_or_else(|failure| {
        // What was said before the failure belongs before it; when that cannot be written, the failure still can.
        let flushed = printer.flush();
        if !failure.is_silent() {
            printer.failure(&failure);
        }
        let code = flushed.err().filter(Failure::is_silent).map_or(failure.code(), |closed| closed.code());
        ExitCode::from(if panic::was_told() { Kind::Internal.code() } else { code })
    })
}

fn launch(args: Args, printer: &mut Printer, faces: Faces) -> Result<ExitCode, Failure> {
    let launch = Launch::new(&args.global)?;
    if args.global.color.is_none() {
        printer.set_color(launch.settings.color);
    }
    printer.set_now(launch.clock.now());
    let _sending = log_file::start(&launch)?;
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let Some(command) = args.command else {
        if terminal {
            let opening = Context::new(launch, args.global, faces, printer).opening()?;
            (faces.interface)(opening).map_err(|error| Failure::face(&*error))?;
            return Ok(ExitCode::SUCCESS);
        }
        printer.text(&Args::command().render_help().to_string())?;
        return Ok(ExitCode::SUCCESS);
    };
    command.run(&mut Context::new(launch, args.global, faces, printer))
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
    let code = if error.use_stderr() { Kind::Usage.code() } else { 0 };
    match printer.parser(error) {
        Err(failure) if !failure.is_silent() => ExitCode::from(failure.code()),
        _ => ExitCode::from(code),
    }
}
