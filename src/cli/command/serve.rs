//! `serve`: the long-running process.

use std::process::ExitCode;
use std::time::Duration;

use super::Run;
use crate::app::requests::allowed::{self, Unallowable, allowable};
use crate::app::requests::listener;
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
        let listen = self.listen(context)?;
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

impl Serve {
    /// Where to listen; whoever named an address that does not fit is told before the ledger is opened.
    fn listen(&self, context: &Context<'_>) -> Result<Option<String>, Failure> {
        let named = self.listen.clone().filter(|address| address != "off");
        let listen = if self.listen.is_some() { named } else { context.settings.serve.listen.clone() };
        let fits = listen.as_deref().map_or(Ok(Vec::new()), listener::addresses);
        match fits {
            Ok(_) => Ok(listen),
            Err(error) if self.listen.is_some() => Err(Failure::of(Kind::Usage, &error)),
            Err(error) => Err(Failure::of(Kind::Settings, &error).hinted(origin(&table::SERVE_LISTEN, context))),
        }
    }
}

/// Where a setting that does not fit is from.
fn origin(setting: &'static table::Setting, context: &Context<'_>) -> String {
    let origin = context.settings.origin(setting).map(ToString::to_string).unwrap_or_default();
    format!("correct `{}`, which is from {origin}", setting.name)
}

fn refused(error: &Unallowable, context: &Context<'_>) -> Failure {
    let failure = Failure::of(Kind::Settings, error);
    let failure = match error {
        Unallowable::Unknown { near: Some(near), .. } => failure.hinted(format!("did you mean `{near}`?")),
        _ => failure.hinted(format!("it may name {}", allowed::all().collect::<Vec<_>>().join(", "))),
    };
    failure.hinted(origin(&table::SYNC_COMMANDS, context))
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
