//! The read model: tables filled from events, one file a projection, and the `v1_*` views that scripts may rely on.
//!
//! A projection is filled in the transaction that appends, and again from the log when its code changes. One that
//! fails is marked and shown; it never stops an append. Knows no use case and no face.

use rusqlite::Connection;

use crate::domain::catalogue::Kind;

mod applied;
mod apply;
mod cell;
mod configs;
mod flakes;
mod fleet;
mod generations;
mod input_history;
mod inputs;
mod ledger;
mod listed;
mod memory;
mod modules;
mod outputs;
mod overlays;
mod pins;
mod problems;
mod schema;
pub(in crate::store) mod stored;
mod table;
mod target;
pub(in crate::store) mod template;
mod view;

pub(in crate::store) use applied::kind_named;
pub use applied::{Applied, ApplyError, Body};
pub(crate) use apply::apply_all;
pub(in crate::store) use apply::{Outcome, failed, give, own_origin};
pub use cell::Cell;
pub(in crate::store) use input_history::{is_reachable, is_told_elsewhere, was_committed};
pub(in crate::store) use memory::{Change, Memory};
pub(in crate::store) use schema::{
    create_tables, create_temporary_tables, create_views, garbage, point_views, see_shared_only,
};
pub use table::{Keeps, Table};
pub(in crate::store) use target::KEYS;
pub use target::Target;
pub use view::{Column, Example, View};

/// A part of the read model.
pub trait Projection: std::fmt::Debug + Sync {
    /// Its name, as `store rebuild` takes it.
    fn name(&self) -> &'static str;

    /// The version of its code and tables; another one than in the database means that it is built anew.
    fn revision(&self) -> u32;

    /// Its tables.
    fn tables(&self) -> &'static [&'static Table];

    /// What scripts see of it.
    fn views(&self) -> &'static [View];

    /// The events that it wants to see.
    fn kinds(&self) -> &'static [Kind];

    /// Takes one event in. Events come in the order of their positions, each once.
    fn apply(&self, target: &Target<'_>, event: &Applied<'_>) -> Result<(), ApplyError>;
}

pub(crate) use super::rebuild::ensure;

/// Every projection.
pub const PROJECTIONS: &[&dyn Projection] = &[
    &flakes::Flakes,
    &inputs::Inputs,
    &outputs::Outputs,
    &problems::Problems,
    &input_history::InputHistory,
    &generations::Generations,
    &pins::Pins,
    &modules::Modules,
    &overlays::Overlays,
    &configs::Configs,
];

/// Every view, in the order of the documentation.
pub fn views() -> impl Iterator<Item = &'static View> {
    PROJECTIONS.iter().flat_map(|projection| projection.views()).chain(ledger::VIEWS).chain(fleet::VIEWS)
}

/// The projection of a name.
pub fn named(name: &str) -> Option<&'static dyn Projection> {
    PROJECTIONS.iter().copied().find(|projection| projection.name() == name)
}

/// Whether a database is read by this release as it stands: every projection there, of this revision.
pub fn is_current(connection: &Connection) -> rusqlite::Result<bool> {
    let mut statement = connection
        .prepare_cached("SELECT 1 FROM projections WHERE name = ?1 AND revision = ?2 AND state <> 'building'")?;
    for projection in PROJECTIONS {
        if !statement.exists((projection.name(), projection.revision()))? {
            return Ok(false);
        }
    }
    schema::views_are_current(connection)
}
