//! `serve`: the long-running process.

use std::process::ExitCode;
use std::time::Duration;

use super::Run;
use crate::app::requests::allowed::{self, Unallowable, allowable};
use crate::app::sync::Place;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::{Service, interrupt, printer};
use crate::config::{self, Sources, table};

/// Watch, record, exchange events and answer requests until stopped
///
/// Sees a change as soon as the system tells, scans everything now and then, sends what is shared and takes what others
/// share (once `sync enable` was run), and answers on the bus. `/metrics` and `/healthz` are for this machine alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where to answer `/metrics` and `/healthz`, or `off`
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// How many seconds pass between two scans of everything
    #[arg(long, value_name = "SECONDS")]
    interval: Option<usize>,
}

impl Run for Serve {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let stop = interrupt::flag()?;
        let listen = self
            .listen
            .map_or_else(|| context.settings.serve.listen.clone(), |address| (address != "off").then_some(address));
        let seconds = self.interval.unwrap_or(context.settings.serve.interval).max(1);
        let place = place(context);
        let request = context.scan_request()?;
        let commands = context.settings.sync.commands.clone();
        allowable(&commands).map_err(|error| refused(&error, context))?;
        let quiet = context.global.quiet;
        let session = context.session()?;
        let interval = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
        let service = Service { session, place, request, commands, listen, interval, stop };
        let serve = context.faces.serve;
        serve(service, &|text| {
            if !quiet {
                printer::aside(&text);
            }
        })
        .map_err(|error| Failure::face(&*error))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn refused(error: &Unallowable, context: &Context<'_>) -> Failure {
    let origin = context.settings.origin(&table::SYNC_COMMANDS).map(ToString::to_string).unwrap_or_default();
    let failure = Failure::of(Kind::Settings, error);
    let failure = match error {
        Unallowable::Unknown { near: Some(near), .. } => failure.hinted(format!("did you mean `{near}`?")),
        _ => failure.hinted(format!("it may name {}", allowed::all().collect::<Vec<_>>().join(", "))),
    };
    failure.hinted(format!("correct `sync.commands`, which is from {origin}"))
}

/// Where the bus is, as the settings say whenever it is asked; those of the start as long as they make no sense.
fn place(context: &Context<'_>) -> Box<dyn Fn() -> Place + Send + Sync> {
    let (places, directory) = (context.places.clone(), context.directory.clone());
    let known = Place::of(&context.settings.sync);
    Box::new(move || {
        let environment = |name: &str| std::env::var_os(name);
        let sources = Sources { places: &places, directory: &directory, environment: &environment, flags: Vec::new() };
        match config::resolve(&sources) {
            Ok(settings) => Place::of(&settings.sync),
            Err(error) => {
                tracing::warn!(%error, "the settings cannot be read again");
                known.clone()
            }
        }
    })
}
