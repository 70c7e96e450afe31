//! Setting the streams up: an administrator's deed, or this machine's own on a server of its own.

use super::{Place, SyncError};
pub use crate::bus::SetUp;
use crate::bus::{Bus, Link};
use crate::store::Who;

/// What setting up came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The exchange.
    pub ledger: SetUp,
    /// The public log, when it was asked for.
    pub events: Option<SetUp>,
}

/// Makes the streams that are missing; changes those that do not fit only when `upgrade` says so.
///
/// # Errors
/// What the server says, and what of a stream would be changed.
pub fn set_up(who: &Who, place: &Place, public: bool, upgrade: bool) -> Result<Done, SyncError> {
    if place.target.servers.is_empty() {
        return Err(SyncError::NoServer);
    }
    place.layout.refuse_unfit_names()?;
    let bus = Bus::connect(&place.target, &format!("cim-nix setup {}", who.host), Link::default())?;
    let ledger = bus.set_up_ledger(&place.layout, upgrade)?;
    let events = public.then(|| bus.set_up_events(&place.layout, upgrade)).transpose()?;
    Ok(Done { ledger, events })
}
