//! A ledger that was restored from a backup takes its own events back from where it had sent them.

use std::collections::BTreeMap;

use super::admit::{self, Admitted};
use super::{Arrival, Intake};
use crate::store::error::StoreError;
use crate::store::open::Store;

/// What became of this database's own events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenBack {
    /// All of them have their place again, and so many entered the log.
    Restored(usize),
    /// This ledger went on by itself after the backup: its events and those that were sent are different ones.
    Forked(String),
}

impl Store {
    /// Takes own events in that the remote holds and this database lacks, in order and proved as any other. Those that are here and
    /// were private when the backup was taken have their place in what is shared again; consent stays as it is.
    ///
    /// # Errors
    /// Only for what concerns the whole database; then nothing was kept.
    pub fn take_back(&self, arrivals: Vec<Arrival>, at: i64) -> Result<TakenBack, StoreError> {
        self.write(move |place| {
            let mut intake = Intake::new(place, at)?;
            let mut own = intake.sender(&place.origin.public_key)?;
            let mut candidates: BTreeMap<i64, Arrival> =
                arrivals.into_iter().filter(|arrival| arrival.seq > own.seq).map(|it| (it.seq, it)).collect();
            let Admitted { proved, refused } = admit::admit(&own, &mut candidates);
            if let Some((_, why)) = refused {
                return Ok(TakenBack::Forked(why));
            }
            for (place, arrival) in proved.iter().enumerate() {
                if intake.share_again(&mut own, arrival)? {
                    continue;
                }
                if let Err(why) = intake.apply(&mut own, arrival, proved.get(place + 1))? {
                    // The transaction is undone by the error below, so nothing of a fork is half taken back.
                    return Err(StoreError::Forked { why });
                }
            }
            Ok(TakenBack::Restored(intake.end()?.applied))
        })
        .or_else(|error| match error {
            StoreError::Forked { why } => Ok(TakenBack::Forked(why)),
            other => Err(other),
        })
    }
}
