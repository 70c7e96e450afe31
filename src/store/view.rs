//! The read model as the faces ask for it: typed rows, at any moment of the past.
//!
//! Every function takes a connection (a `Reader` derefs to one), never writes, and pages by key, never by offset.
//! Times are microseconds since 1970 UTC. Knows no face and no use case.

mod at;
mod configs;
mod diff;
mod events;
mod flakes;
mod fleet;
mod generations;
mod history;
mod inputs;
mod lock_nodes;
mod modules;
mod outputs;
mod pins;
mod problems;
mod query;
mod recorded;
mod streams;
pub(in crate::store) mod time;
mod totals;

pub use at::{At, seen};
pub use configs::{ConfigRow, configs, recorded_configs};
pub use diff::{Difference, Subject, diff};
pub use events::{
    Alike, Causes, EventFilter, EventRow, Moment, Page, TimePage, event, event_causes, events, events_by_time,
    has_conversation, has_kind,
};
pub use flakes::{FlakeRow, KnownFlakeRow, Whose, flake, flake_at, flakes, flakes_named, known_flakes, places};
pub use fleet::{FleetRow, Freshness, ParkedRow, SucceedsRow, SyncRow, fleet, freshness, parked, succeeds, sync};
pub use generations::{GenerationRow, generations};
pub use history::{HistoryFilter, HistoryRow, Source, history, known_inputs};
pub use inputs::{InputRow, input_names, inputs};
pub use lock_nodes::{DuplicateRow, Group, LockNodeRow, duplicates, lock, lock_nodes};
pub use modules::{ModuleOptionRow, ModuleRow, OverlayRow, module_options, modules, overlays};
pub use outputs::{OutputRow, outputs};
pub use pins::{PinRow, pin_files, pins};
pub use problems::{ProblemRow, problems, problems_of};
pub use recorded::{RecordedFile, found_without_a_flake, recorded_files};
pub use streams::{ConfigFiles, HeldStream, config_files, held_streams, system_streams};
pub use time::rfc3339;
pub use totals::{Counts, ProjectionRow, counts, events_at, head, projections};

#[cfg(test)]
mod tests;
