//! What a filter names must be known: of what is not, nothing can be told, and that is said rather than an empty answer given.
//!
//! Must not know which command asks.

use uuid::Uuid;

use super::failure::{Failure, Kind};
use crate::app::ledger::Reader;
use crate::domain::id::FlakeId;
use crate::store::StoreError;
use crate::store::view::{self, At, EventFilter, Page};

/// How many inputs are named when none fits.
const SHOWN: usize = 12;

/// How alike an input must be to be worth asking for.
const LIKENESS: f64 = 0.8;

/// Refuses a stream that has no event.
pub(crate) fn stream(reader: &Reader, stream: &str, at: At) -> Result<(), Failure> {
    let filter = EventFilter { stream: Some(stream.to_owned()), ..EventFilter::default() };
    if !view::events(reader, &filter, Page::Newest, 1, at)?.is_empty() {
        return Ok(());
    }
    Err(unknown(&format!("stream `{stream}`"), at).hinted("`cim-nix log --json` names the stream of every event"))
}

/// Refuses a conversation of which neither a command nor an event is there. One in which nothing happened is none.
pub(crate) fn conversation(reader: &Reader, id: Uuid) -> Result<(), Failure> {
    if view::has_conversation(reader, id)? {
        return Ok(());
    }
    Err(unknown(&format!("conversation `{id}`"), At::Now)
        .hinted("`cim-nix log --json` names the conversation of every event (`correlation_id`)"))
}

/// Refuses an origin that is not known.
pub(crate) fn origin(reader: &Reader, key: &str) -> Result<(), Failure> {
    if view::freshness(reader)?.iter().any(|known| known.origin.starts_with(key)) {
        return Ok(());
    }
    Err(unknown(&format!("origin whose key begins with `{key}`"), At::Now)
        .hinted("`cim-nix fleet --json` names every origin"))
}

/// Refuses an input path that a flake never had, as far as is recorded.
pub(crate) fn input(reader: &Reader, flake: FlakeId, input: &str, at: At) -> Result<(), Failure> {
    let is_locked = || Ok::<_, StoreError>(view::lock(reader, flake, at)?.is_some_and(|lock| lock.has_input(input)));
    let known = view::known_inputs(reader, flake)?;
    if known.iter().any(|name| name == input) || is_locked()? {
        return Ok(());
    }
    let failure = Failure::new(Kind::Refused, format!("no input `{input}` of this flake is recorded"));
    let likeness = |name: &str| strsim::jaro_winkler(name, input);
    let near = known.iter().filter(|name| likeness(name) >= LIKENESS);
    Err(match near.max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(near) => failure.hinted(format!("did you mean `{near}`?")),
        None if known.is_empty() => {
            failure.hinted("`cim-nix flake inputs` shows those of a flake; this one never had any")
        }
        None => failure.hinted(format!("name one that it has or had: {}", listed(&known))),
    })
}

/// The first names, those of the flake's own inputs before those of other inputs, and how many more there are.
fn listed(names: &[String]) -> String {
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_by_key(|name| (name.matches('/').count(), *name));
    let more = sorted.len().saturating_sub(SHOWN);
    let shown = sorted.into_iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn unknown(what: &str, at: At) -> Failure {
    let known = if at == At::Now { "is known" } else { "was known at that moment" };
    Failure::new(Kind::Refused, format!("no {what} {known}"))
}
