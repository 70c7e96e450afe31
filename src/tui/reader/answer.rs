//! Turns questions into reads of the store's views, and their rows into what the screens show.

use rusqlite::Connection;
use serde_json::Value;

use super::summary::words;
use crate::domain::id::FlakeId;
use crate::store::StoreError;
use crate::store::view::{self, Subject};
use crate::tui::message::{Answer, Query};
use crate::tui::model::{At, Difference, EventDetail, EventFilter, EventRow, FlakeRow, Page, Place, Summary};

mod alike;

mod anatomy;

mod fleet;

mod source;

/// How many events are on a page.
const PAGE: usize = 200;
/// How many events of the same correlation are shown.
const RELATED: usize = 40;
/// A million microseconds.
const SECOND: i64 = 1_000_000;

/// Answers one question.
pub(super) fn answer(connection: &Connection, query: &Query) -> Result<Answer, StoreError> {
    match query {
        Query::Summary(at) => summary(connection, moment(connection, *at)?),
        Query::Flakes(at) => {
            let rows = view::flakes(connection, view::Whose::Own, moment(connection, *at)?)?;
            Ok(Answer::Flakes(rows.into_iter().map(flake_row).collect()))
        }
        Query::Fleet => Ok(Answer::Fleet(Box::new(fleet::read(connection)?))),
        Query::Anatomy { flake, at } => {
            let id: FlakeId = flake.parse().map_err(|_| StoreError::NoFlake { selector: flake.clone() })?;
            let anatomy = anatomy::read(connection, id, moment(connection, *at)?)?;
            Ok(Answer::Anatomy(Box::new(anatomy)))
        }
        Query::Events { filter, at, page } => events(connection, filter, moment(connection, *at)?, *page),
        Query::Event(position) => event(connection, *position),
        Query::Difference(from, to) => {
            let (from, to) = (moment(connection, *from)?, moment(connection, *to)?);
            let rows = view::diff(connection, from, to, None)?;
            Ok(Answer::Difference(rows.into_iter().filter_map(difference).collect()))
        }
        Query::Day { from, by } => day(connection, *from, *by),
        Query::Step { from, forward } => step(connection, *from, *forward),
    }
}

fn moment(connection: &Connection, at: At) -> Result<view::At, StoreError> {
    match at {
        At::Now => Ok(view::At::Now),
        At::Occurred(time) => Ok(view::At::Occurred(time)),
        At::Position(position) => Ok(view::At::Position(position)),
        At::Seen(time) => view::seen(connection, time),
    }
}

fn summary(connection: &Connection, at: view::At) -> Result<Answer, StoreError> {
    let counts = view::counts(connection, at)?;
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Ok(Answer::Summary(Summary {
        head: counts.events.cast_signed(),
        events: view::events_at(connection, at)?.cast_signed(),
        flakes: number(counts.own_flakes),
        problems: number(counts.problems),
        sync: view::sync(connection)?.map(fleet::sync),
    }))
}

fn flake_row(row: view::FlakeRow) -> FlakeRow {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    FlakeRow {
        id: row.id.to_string(),
        path: row.path.text().to_owned(),
        description: row.description,
        lineage: row.lineage,
        inputs: number(row.inputs),
        nodes: number(row.lock_nodes),
        nixpkgs_modified: row.nixpkgs_last_modified.map(|seconds| seconds.saturating_mul(SECOND)),
        // Of this machine, they are known.
        problems: number(row.problems.unwrap_or_default()),
    }
}

fn events(connection: &Connection, filter: &EventFilter, at: view::At, page: Page) -> Result<Answer, StoreError> {
    let names = Names::read(connection, at)?;
    let alike = filter.text.as_deref().map(|text| alike::names(connection, text, &names)).transpose()?;
    let wanted = view::EventFilter {
        alike: alike.unwrap_or_default(),
        stream: filter.stream.clone(),
        flake: filter.flake.as_deref().and_then(|id| id.parse().ok()),
        kind: filter.kind.clone(),
        since: filter.since,
        correlation: filter.correlation.as_deref().and_then(|id| id.parse().ok()),
        text: filter.text.clone(),
        ..view::EventFilter::default()
    };
    let from = |place: Place| view::Moment { occurred_at: place.occurred_at, position: place.position };
    let (part, limit, ascending) = match page {
        Page::Newest => (view::TimePage::Latest, PAGE, false),
        Page::OlderThan(place) => (view::TimePage::Before(from(place)), PAGE, false),
        Page::Again(place, rows) => (view::TimePage::UpTo(from(place)), rows.max(PAGE), false),
        Page::NewerThan(place) => (view::TimePage::After(from(place)), PAGE, true),
        Page::Oldest => (view::TimePage::Earliest, PAGE, true),
    };
    let rows = view::events_by_time(connection, &wanted, part, limit, at)?;
    let end = rows.len() < limit;
    let mut rows: Vec<EventRow> = rows.iter().map(|row| event_row(row, &names)).collect();
    if ascending {
        rows.reverse();
    }
    Ok(Answer::Events { page, rows, end })
}

fn event(connection: &Connection, position: i64) -> Result<Answer, StoreError> {
    let causes = view::event_causes(connection, &position.to_string())?;
    let names = Names::read(connection, view::At::Now)?;
    let event = causes.event;
    let row = event_row(&event, &names);
    let others = causes.siblings.iter().chain(&causes.conversation).take(RELATED);
    let mut related: Vec<EventRow> = others.map(|event| event_row(event, &names)).collect();
    related.push(row.clone());
    related.sort_by_key(|row| row.position);
    Ok(Answer::Event(Some(Box::new(EventDetail {
        event_id: event.event_id.to_string(),
        version: event.version.cast_signed(),
        schema_version: i64::from(event.schema_version),
        recorded_at: event.recorded_at,
        causation_id: event.causation_id.to_string(),
        actor: event.actor,
        origin: event.origin,
        payload: event.payload,
        flake_path: row.subject.clone(),
        command: causes.command,
        related,
        row,
    }))))
}

fn event_row(event: &view::EventRow, names: &Names) -> EventRow {
    let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
    EventRow {
        position: event.position,
        occurred_at: event.occurred_at,
        kind: event.kind.clone(),
        stream: event.stream.clone(),
        subject: names.of(&event.stream, &payload),
        summary: words(&event.kind, &payload),
        correlation_id: event.correlation_id.to_string(),
    }
}

/// The directories of flakes at a moment, by id.
struct Names(std::collections::HashMap<String, String>);

impl Names {
    fn read(connection: &Connection, at: view::At) -> Result<Self, StoreError> {
        let places = view::places(connection, at)?;
        Ok(Self(places.into_iter().map(|(id, path)| (id.to_string(), path.text().to_owned())).collect()))
    }

    fn of(&self, stream: &str, payload: &Value) -> Option<String> {
        let (aggregate, key) = stream.split_once('/')?;
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        match aggregate {
            "flake" | "lock_history" => self.0.get(key).cloned().or_else(|| text("directory").map(str::to_owned)),
            "finding" | "config" | "module" | "overlay" | "pins" => {
                let of_flake = text("flake").and_then(|id| self.0.get(id).cloned());
                let of_file = || text("file")?.rsplit_once('/').map(|(folder, _)| folder.to_owned());
                of_flake.or_else(of_file).or_else(|| text("profile").map(str::to_owned))
            }
            _ => None,
        }
    }
}

fn difference(row: view::Difference) -> Option<Difference> {
    let (what, from, to) = match row.subject {
        Subject::Flake { from, to } => {
            let text = |flake: Box<view::FlakeRow>| {
                let parts = [Some(flake.path.text().to_owned()), flake.description, flake.lineage];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            };
            ("flake".to_owned(), from.map(text), to.map(text))
        }
        Subject::Input { from, to } => {
            let name = from.as_ref().or(to.as_ref())?.name.clone();
            (name, from.map(|input| source::input(&input)), to.map(|input| source::input(&input)))
        }
        Subject::Node { from, to } => {
            // Inputs of the first level are told as inputs already.
            let path = from.as_ref().or(to.as_ref())?.path.clone().filter(|path| path.contains('/'))?;
            let text = |node: Box<view::LockNodeRow>| source::locked(node.locked.as_ref());
            (path, from.map(text), to.map(text))
        }
    };
    Some(Difference { path: row.path, what, from, to })
}

/// A while before or after an event was recorded. Before the first there is none: the time of the first does.
fn day(connection: &Connection, from: i64, by: i64) -> Result<Answer, StoreError> {
    let event = view::event_causes(connection, &from.max(1).to_string())?.event;
    Ok(Answer::Step(At::Seen(event.recorded_at.saturating_add(by))))
}

/// The event before or after a moment; the present lies after the last.
fn step(connection: &Connection, from: At, forward: bool) -> Result<Answer, StoreError> {
    let head = view::head(connection)?;
    let here = match moment(connection, from)? {
        view::At::Now => head,
        view::At::Position(position) => position,
        at @ view::At::Occurred(_) => {
            let last = view::events(connection, &view::EventFilter::default(), view::Page::Newest, 1, at)?;
            last.first().map_or(0, |event| event.position)
        }
    };
    let to = if forward { here.saturating_add(1) } else { here.saturating_sub(1).max(0) };
    Ok(Answer::Step(if to >= head { At::Now } else { At::Position(to) }))
}
