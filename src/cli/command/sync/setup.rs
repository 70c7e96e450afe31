//! `sync setup`: make the streams on the server.

use std::process::ExitCode;

use serde::Serialize;

use crate::app::sync::Place;
use crate::app::sync::setup::{self, SetUp};
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Setup {
    /// Make the public log for other CIM services as well
    #[arg(long)]
    public: bool,
    /// Change streams that are there and not as they must be
    #[arg(long)]
    upgrade: bool,
}

impl Setup {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let place = Place::of(&context.settings.sync);
        let done = setup::set_up(&context.who, &place, self.public, self.upgrade)?;
        let mut streams = vec![Stream { name: place.layout.ledger.clone(), outcome: word(done.ledger) }];
        streams.extend(done.events.map(|events| Stream { name: place.layout.events.clone(), outcome: word(events) }));
        context.printer.answer(&Done { streams })?;
        Ok(ExitCode::SUCCESS)
    }
}

const fn word(outcome: SetUp) -> &'static str {
    match outcome {
        SetUp::Made => "made",
        SetUp::Fits => "fits",
        SetUp::Upgraded => "upgraded",
    }
}

/// `cim-nix/sync-setup/1`.
#[derive(Debug, Serialize)]
struct Done {
    streams: Vec<Stream>,
}

#[derive(Debug, Serialize)]
struct Stream {
    name: String,
    /// `made`, `fits` or `upgraded`.
    outcome: &'static str,
}

impl Answer for Done {
    const NAME: &'static str = "sync-setup";
    type Record = Stream;

    fn records(&self) -> &[Stream] {
        &self.streams
    }

    fn cells(stream: &Stream) -> Vec<String> {
        [stream.name.clone(), stream.outcome.to_owned()].into()
    }

    fn page(&self, page: &mut Page) {
        for Stream { name, outcome } in &self.streams {
            page.line(match *outcome {
                "made" => format!("{name} is made"),
                "fits" => format!("{name} is there and as it must be"),
                _ => format!("{name} is changed to be as it must be"),
            });
        }
    }
}
