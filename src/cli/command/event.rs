//! `event`: one event, with what caused it.

use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::Run;
use super::log::{self, Names};
use crate::app::moment::for_people as time_for_people;
use crate::cli::answer::Page;
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::store::view::{self, Causes, EventRow};

/// One event
#[derive(Debug, clap::Args)]
pub(crate) struct Event {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show an event, what caused it and what else came of that
    Show {
        /// Its id, or `#` and its position
        #[arg(value_name = "EVENT")]
        event: String,
    },
}

impl Run for Event {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let Action::Show { event } = self.action;
        let reading = context.read()?;
        let causes = view::event_causes(&reading.ledger.reader, &event)?;
        let printer = &mut *context.printer;
        match printer.format() {
            Format::Json => printer.json(&Shown::of(&causes)?)?,
            Format::Jsonl => printer.record(&log::Event::of(&causes.event)?)?,
            Format::Plain => printer.cells(&log::cells(&causes.event))?,
            Format::Human => {
                let mut page = Page::new(printer.width(), 0);
                people(&causes, &Names::of(&reading)?, &mut page);
                printer.text(&page.into_text())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/event/1`.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    schema: &'static str,
    event: log::Event<'a>,
    /// The name of the command that caused it, when that was given to this database.
    command: Option<&'a str>,
    /// The command that the event takes back.
    undoes: Option<String>,
    /// The other events of the same command.
    siblings: Vec<log::Event<'a>>,
    /// The other events of the same conversation.
    conversation: Vec<log::Event<'a>>,
}

impl<'a> Shown<'a> {
    fn of(causes: &'a Causes) -> Result<Self, Failure> {
        let all = |rows: &'a [EventRow]| rows.iter().map(log::Event::of).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            schema: "cim-nix/event/1",
            event: log::Event::of(&causes.event)?,
            command: causes.command.as_deref(),
            undoes: causes.undoes.map(|command| command.to_string()),
            siblings: all(&causes.siblings)?,
            conversation: all(&causes.conversation)?,
        })
    }
}

fn people(causes: &Causes, names: &Names, page: &mut Page) {
    let event = &causes.event;
    page.title(format!("#{} {}", event.position, event.kind));
    page.field("id", event.event_id.to_string());
    page.field("stream", format!("{}, version {}", event.stream, event.version));
    page.field("happened", time_for_people(event.occurred_at));
    page.field("recorded", time_for_people(event.recorded_at));
    page.field("actor", &event.actor);
    page.field("origin", &event.origin);
    page.field("conversation", event.correlation_id.to_string());
    let command = causes.command.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    page.field("caused by", format!("{}{command}", event.causation_id));
    if let Some(undoes) = causes.undoes {
        page.field("undoes", undoes.to_string());
    }
    page.gap();
    let pretty =
        serde_json::from_str::<serde_json::Value>(&event.payload).and_then(|json| serde_json::to_string_pretty(&json));
    for line in pretty.as_deref().unwrap_or(&event.payload).lines() {
        page.line(line);
    }
    for (title, rows) in [("of the same command", &causes.siblings), ("of the same conversation", &causes.conversation)]
    {
        if !rows.is_empty() {
            page.gap();
            page.title(title);
            for row in rows {
                page.line(names.line(row));
            }
        }
    }
}
