//! `log`: the events, oldest first, the latest last.

use std::ffi::OsString;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Run;
use crate::app::ledger;
use crate::app::moment::{Written, for_people as time_for_people};
use crate::cli::args::Format;
use crate::cli::context::{Context, Reading};
use crate::cli::failure::Failure;
use crate::cli::known;
use crate::cli::path::for_people;
use crate::cli::printer::Printer;
use crate::cli::selector;
use crate::cli::sentence;
use crate::cli::table::shorten;
use crate::store::view::{self, EventFilter, EventRow, Page, rfc3339};

mod kind;

/// How many events are read at a time.
const PAGE: usize = 1000;

/// How many events people see when they do not say.
const SCREENFUL: usize = 100;

/// Show the events, the latest last
///
/// Without `--limit`, people see the last hundred, and scripts see all.
#[derive(Debug, clap::Args)]
pub(crate) struct Log {
    /// Only what is about this flake: a path, an id, or the name of its directory
    #[arg(long, value_name = "FLAKE")]
    flake: Option<OsString>,
    /// Only this stream, as in `flake/<id>`
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// Only this type, as in `flake.updated`, or everything of a kind of thing, as in `flake`
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only what happened at this time or later
    #[arg(long, value_name = "TIME")]
    since: Option<Written>,
    /// Only what happened before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Written>,
    /// Only this conversation: everything that one scan or command brought about
    #[arg(long, value_name = "ID")]
    correlation: Option<Uuid>,
    /// Only what was recorded by this origin; the beginning of its key is enough
    #[arg(long, value_name = "KEY")]
    origin: Option<String>,
    /// Only what holds this text in its stream, type, actor or payload, in whatever case
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    find: Option<String>,
    /// At most so many, the latest ones
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
}

impl Run for Log {
    const LOOKS_BACK: bool = true;

    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let mut filter = self.filter(context)?;
        let reading = context.read()?;
        if let Some(kind) = &self.kind {
            kind::check(kind, &reading)?;
        }
        if let Some(stream) = &self.stream {
            known::stream(&reading.ledger.reader, stream, reading.at)?;
        }
        if let Some(origin) = &self.origin {
            known::origin(&reading.ledger.reader, origin)?;
        }
        if let Some(conversation) = self.correlation {
            known::conversation(&reading.ledger.reader, conversation)?;
        }
        if let Some(flake) = &self.flake {
            filter.flake = Some(selector::flake(&reading, flake, &context.directory)?.id);
        }
        let printer = &mut *context.printer;
        let limit = self.limit.or((printer.format() == Format::Human).then_some(SCREENFUL));
        match printer.format() {
            Format::Json => {
                let mut list = printer.list("log", "events")?;
                each(&reading, &filter, limit, &mut |row| list.item(&Event::of(row)?))?;
                list.end()?;
            }
            Format::Jsonl => each(&reading, &filter, limit, &mut |row| printer.record(&Event::of(row)?))?,
            Format::Plain => each(&reading, &filter, limit, &mut |row| printer.cells(&cells(row)))?,
            Format::Human => people(&reading, &filter, limit, printer)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Log {
    fn filter(&self, context: &Context<'_>) -> Result<EventFilter, Failure> {
        let (since, until) = context.span(self.since.as_ref(), ("--until", self.until.as_ref()))?;
        Ok(EventFilter {
            stream: self.stream.clone(),
            flake: None,
            kind: self.kind.clone(),
            since,
            until,
            correlation: self.correlation,
            origin: self.origin.clone(),
            text: self.find.clone(),
            ..EventFilter::default()
        })
    }
}

/// Hands out every wanted event in the order of the log, a page at a time; with a limit, the latest ones.
fn each(
    reading: &Reading,
    filter: &EventFilter,
    limit: Option<usize>,
    take: &mut dyn FnMut(&EventRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut last = match limit {
        Some(limit) => match first_of_the_last(reading, filter, limit)? {
            Some(first) => first - 1,
            None => return Ok(()),
        },
        None => 0,
    };
    loop {
        let rows = view::events(&reading.ledger.reader, filter, Page::After(last), PAGE, reading.at)?;
        rows.iter().try_for_each(&mut *take)?;
        match rows.last() {
            Some(row) if rows.len() == PAGE => last = row.position,
            _ => return Ok(()),
        }
    }
}

/// The position at which the last so many wanted events begin.
fn first_of_the_last(reading: &Reading, filter: &EventFilter, limit: usize) -> Result<Option<i64>, Failure> {
    let (mut left, mut page, mut first) = (limit, Page::Newest, None);
    while left > 0 {
        let rows = view::events(&reading.ledger.reader, filter, page, left.min(PAGE), reading.at)?;
        let Some(row) = rows.last() else { break };
        first = Some(row.position);
        page = Page::Before(row.position);
        left -= rows.len();
    }
    Ok(first)
}

/// One event of `cim-nix/log/1`.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the columns of `v1_events`")]
pub(super) struct Event<'a> {
    position: i64,
    event_id: String,
    stream: &'a str,
    version: u64,
    #[serde(rename = "type")]
    kind: &'a str,
    schema_version: u32,
    occurred_at: String,
    recorded_at: String,
    correlation_id: String,
    causation_id: String,
    actor: &'a str,
    origin: &'a str,
    payload: Value,
}

impl<'a> Event<'a> {
    /// The event as scripts see it; the payload stays as it was stored.
    pub(super) fn of(row: &'a EventRow) -> Result<Self, Failure> {
        Ok(Self {
            position: row.position,
            event_id: row.event_id.to_string(),
            stream: &row.stream,
            version: row.version,
            kind: &row.kind,
            schema_version: row.schema_version,
            occurred_at: rfc3339(row.occurred_at),
            recorded_at: rfc3339(row.recorded_at),
            correlation_id: row.correlation_id.to_string(),
            causation_id: row.causation_id.to_string(),
            actor: &row.actor,
            origin: &row.origin,
            payload: serde_json::from_str(&row.payload).map_err(Failure::internal)?,
        })
    }
}

/// One event for `plain`.
pub(super) fn cells(row: &EventRow) -> Vec<String> {
    [
        row.position.to_string(),
        rfc3339(row.occurred_at),
        row.kind.clone(),
        row.stream.clone(),
        row.version.to_string(),
        row.event_id.to_string(),
        row.actor.clone(),
        row.payload.clone(),
    ]
    .into()
}

fn people(reading: &Reading, filter: &EventFilter, limit: Option<usize>, printer: &mut Printer) -> Result<(), Failure> {
    let names = Names::of(reading)?;
    let width = printer.width();
    let mut seen = false;
    each(reading, filter, limit, &mut |row| {
        seen = true;
        let line = names.line(row);
        printer.line(&width.map_or_else(|| line.clone(), |width| shorten(&line, width).into_owned()))
    })?;
    if !seen {
        printer.say("no events");
    }
    Ok(())
}

/// What streams are called by people: the directory of their flake.
pub(super) struct Names(std::collections::HashMap<String, String>);

impl Names {
    /// Reads the names that every flake that was ever known had at the moment that is looked at.
    pub(super) fn of(reading: &Reading) -> Result<Self, Failure> {
        let places = view::places(&reading.ledger.reader, reading.at)?;
        Ok(Self(places.iter().map(|(id, path)| (id.to_string(), for_people(path.text()))).collect()))
    }

    /// One event in one line.
    pub(super) fn line(&self, row: &EventRow) -> String {
        let key = row.stream.split_once('/').map_or("", |(_, key)| key);
        let event = ledger::decode(row);
        let name = self.0.get(key).map(String::as_str).or_else(|| {
            let event = event.as_ref()?;
            file_of(event).or_else(|| self.0.get(&flake_of(event)?.to_string()).map(String::as_str))
        });
        let sentence = match &event {
            Some(event) => sentence::of(event),
            None if row.payload == "null" => "erased".to_owned(),
            None => row.payload.clone(),
        };
        let name = name.map_or_else(String::new, |name| format!(" {}", for_people(name)));
        format!("#{:<5} {}  {}{name}  {sentence}", row.position, time_for_people(row.occurred_at), row.kind)
    }
}

/// The flake whose file or configuration an event is about.
fn flake_of(event: &crate::domain::catalogue::Event) -> Option<crate::domain::id::FlakeId> {
    use crate::domain::catalogue::Event;
    use crate::domain::config::ConfigEvent;
    use crate::domain::module::ModuleEvent;
    use crate::domain::overlay::OverlayEvent;
    match event {
        Event::Module(
            ModuleEvent::Discovered { file, .. } | ModuleEvent::Updated { file, .. } | ModuleEvent::Deleted { file },
        )
        | Event::Overlay(
            OverlayEvent::Discovered { file, .. } | OverlayEvent::Updated { file, .. } | OverlayEvent::Deleted { file },
        ) => file.flake,
        Event::Config(
            ConfigEvent::Discovered { name, .. } | ConfigEvent::Updated { name, .. } | ConfigEvent::Deleted { name },
        ) => Some(name.flake),
        _ => None,
    }
}

/// The file that findings are about.
fn file_of(event: &crate::domain::catalogue::Event) -> Option<&str> {
    use crate::domain::catalogue::Event;
    use crate::domain::finding::event::FindingEvent::{Changed, Raised, Resolved, Suppressed};
    match event {
        Event::Finding(
            Raised { subject, .. } | Changed { subject, .. } | Resolved { subject, .. } | Suppressed { subject, .. },
        ) => Some(subject.file.text()),
        _ => None,
    }
}
