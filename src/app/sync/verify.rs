//! Compares this ledger with the exchange, event by event: the same number must be the same event on both sides.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use super::super::Session;
use super::{Place, SyncError, wire};
use crate::bus::{Bus, Link};

/// What the comparison came to, for one origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The public key of the origin.
    pub origin: String,
    /// Whether it is this ledger.
    pub own: bool,
    /// How many events both have, and the same.
    pub same: u64,
    /// The numbers of events that differ.
    pub different: Vec<i64>,
    /// How many only the exchange has.
    pub only_there: u64,
    /// How many only this ledger has.
    pub only_here: u64,
    /// How many messages cannot be read.
    pub unreadable: u64,
}

/// One hash over everything shared that is here, hexadecimal: equal on machines that have exchanged everything.
///
/// # Errors
/// When the ledger cannot be read.
pub fn state_hash(session: &Session) -> Result<String, SyncError> {
    Ok(HEXLOWER.encode(&session.store.reader()?.state_hash()?))
}

/// Reads the whole exchange and compares; this ledger comes first.
///
/// # Errors
/// When the exchange or the ledger cannot be read.
pub fn verify(session: &Session, place: &Place) -> Result<Vec<Compared>, SyncError> {
    if place.target.servers.is_empty() {
        return Err(SyncError::NoServer);
    }
    let bus = Bus::connect(&place.target, &format!("cim-nix verify {}", session.who.host), Link::default())?;
    let exchange = bus.exchange(&place.layout, session.clock.now())?;
    let reader = session.store.reader()?;
    let mut found: BTreeMap<String, (Compared, i64)> = BTreeMap::new();
    if exchange.last > 0 {
        let mut follow = bus.follow(&exchange, None, 0)?;
        loop {
            let messages = super::intake::read(&mut follow)?;
            let Some(last) = messages.last() else { break };
            let over = last.pending == 0 || last.sequence >= exchange.last;
            for message in &messages {
                let Ok(arrival) = wire::arrival(message) else {
                    found.entry(String::new()).or_default().0.unreadable += 1;
                    continue;
                };
                let (compared, highest) = found.entry(arrival.origin.clone()).or_default();
                *highest = arrival.seq.max(*highest);
                match reader.shared_link(&arrival.origin, arrival.seq)? {
                    Some(link) if link == arrival.chain => compared.same += 1,
                    Some(_) => compared.different.push(arrival.seq),
                    None => compared.only_there += 1,
                }
            }
            if over {
                break;
            }
        }
    }
    let own = &session.store.origin().public_key;
    for head in reader.shared_heads()? {
        let (compared, highest) = found.entry(head.origin).or_default();
        compared.only_here = u64::try_from(head.seq - *highest).unwrap_or_default();
    }
    let name =
        |(origin, (compared, _)): (String, (Compared, i64))| Compared { own: origin == *own, origin, ..compared };
    let mut compared: Vec<Compared> = found.into_iter().map(name).collect();
    compared.sort_by_key(|compared| !compared.own);
    Ok(compared)
}
