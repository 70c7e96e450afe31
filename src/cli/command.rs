//! The commands: each lives in one file and is registered on one line below.

use std::process::ExitCode;

use clap::Subcommand;

use super::context::Context;
use super::failure::{Failure, Kind};

/// One command of the command line.
pub(crate) trait Run {
    /// Whether `--at` means something to it.
    const LOOKS_BACK: bool = false;

    /// Does it.
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure>;
}

/// Runs a command, unless it was asked for something that it does not know.
fn start<T: Run>(command: T, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
    if context.global.at.is_some() && !T::LOOKS_BACK {
        return Err(Failure::new(Kind::Usage, "this command has no past: `--at` means nothing to it")
            .hinted("leave `--at` out; `log --until` and `flake history` tell what happened before a time"));
    }
    tracing::debug!(command = std::any::type_name::<T>(), "run");
    command.run(context)
}

macro_rules! commands {
    ($(#[$doc:meta])* $name:ident { $($variant:ident($module:ident)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Subcommand)]
        pub(crate) enum $name {
            $(
                $variant($module::$variant),
            )+
        }

        impl $name {
            /// Runs the command that was named.
            pub(crate) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
                match self {
                    $(Self::$variant(command) => $crate::cli::command::start(command, context),)+
                }
            }
        }
    };
}

mod check;
mod config;
mod diff;
mod doctor;
mod event;
mod explain;
mod fix;
mod flake;
mod fleet;
mod fmt;
mod forget;
mod hook;
mod info;
mod log;
mod module;
mod origin;
mod overlay;
mod pin;
mod problem;
mod roots;
mod scan;
mod serve;
mod sql;
mod store;
mod sync;
mod system;
mod undo;
mod util;

commands! {
    /// What can be done, in the order of the help.
    Command {
        Scan(scan),
        Flake(flake),
        Module(module),
        Overlay(overlay),
        Config(config),
        Problem(problem),
        Check(check),
        Fix(fix),
        Explain(explain),
        Log(log),
        Event(event),
        Diff(diff),
        Sql(sql),
        Roots(roots),
        Forget(forget),
        Undo(undo),
        Fmt(fmt),
        System(system),
        Pin(pin),
        Fleet(fleet),
        Sync(sync),
        Serve(serve),
        Origin(origin),
        Store(store),
        Hook(hook),
        Info(info),
        Doctor(doctor),
        Util(util),
    }
}
