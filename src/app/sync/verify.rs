//! Compares this ledger with the exchange, event by event: the same number must be the same event on both sides.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use super::super::Session;
use super::reading::Reading;
use super::{Place, SyncError, wire};
use crate::bus::{Bus, Link};
use crate::store::Reader;
use crate::store::chain::Hash;
use crate::store::inbox::Arrival;

/// How many missing numbers of an origin are told: who lies about numbers must not fill the memory.
const MOST_MISSING: usize = 1_000;

/// What the comparison came to, for one origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The public key of the origin.
    pub origin: String,
    /// Whether it is this ledger.
    pub own: bool,
    /// How many events both have, and the same: every field, the payload, and what was signed.
    pub same: u64,
    /// The numbers of events that differ.
    pub different: Vec<i64>,
    /// The numbers that the exchange has more than once, or out of their order.
    pub repeated: Vec<i64>,
    /// The numbers that the exchange lacks, though it has later ones.
    pub missing: Vec<i64>,
    /// How many only the exchange has, and signed for by their origin.
    pub only_there: u64,
    /// The numbers of events that only the exchange has, and not as their origin signed for them: nobody takes those in.
    pub unproved: Vec<i64>,
    /// How many only this ledger has, after all that the exchange has.
    pub only_here: u64,
    /// How many messages cannot be read.
    pub unreadable: u64,
}

impl Compared {
    /// Whether nothing differs; what one side has not got yet is no difference.
    pub fn is_good(&self) -> bool {
        let faults = [&self.different, &self.repeated, &self.missing, &self.unproved];
        faults.into_iter().all(Vec::is_empty) && self.unreadable == 0
    }
}

/// The comparison of one origin, message by message.
#[derive(Debug, Default)]
struct Comparing {
    compared: Compared,
    /// The highest number so far, and the links that the next one may follow: as it is here, and as it says itself.
    last: (i64, Vec<Hash>),
    /// Those that only the exchange has, up to the next one that is signed for.
    unsigned: Vec<i64>,
    /// Whether the exchange has lost something: what comes again after a hole was sent again to fill it.
    has_lost: bool,
    /// Whether a hole was filled.
    refilled: bool,
}

impl Comparing {
    fn take(&mut self, reader: &Reader, arrival: &Arrival) -> Result<(), SyncError> {
        let highest = self.last.0;
        if arrival.seq <= highest {
            return self.take_again(reader, arrival);
        }
        let room = MOST_MISSING.saturating_sub(self.compared.missing.len());
        self.compared.missing.extend((highest + 1..arrival.seq).take(room));
        let mut previous = std::mem::take(&mut self.last.1);
        if previous.is_empty() || arrival.seq > highest + 1 {
            previous = reader.shared_link(&arrival.origin, arrival.seq - 1)?.into_iter().collect();
        }
        let here = reader.shared_place(&arrival.origin, arrival.seq)?;
        // One that is another on the exchange may be followed there by those that its origin signed, and by ours.
        let links = here.into_iter().map(|(link, _)| link).chain([arrival.chain]);
        self.last = (arrival.seq, links.collect());
        match here {
            Some(here) if previous.iter().any(|previous| arrival.differs(here, previous).is_none()) => {
                self.compared.same += 1;
            }
            Some(_) => self.compared.different.push(arrival.seq),
            None => self.take_what_is_not_here(arrival, arrival.seq > highest + 1, &previous),
        }
        Ok(())
    }

    /// What comes after a later one: it fills a hole, or follows what does, or somebody else has published it once more.
    fn take_again(&mut self, reader: &Reader, arrival: &Arrival) -> Result<(), SyncError> {
        let missing = self.compared.missing.iter().position(|missing| *missing == arrival.seq);
        self.refilled |= self.has_lost && missing.is_some();
        if !self.refilled {
            self.compared.repeated.push(arrival.seq);
            return Ok(());
        }
        let previous = reader.shared_link(&arrival.origin, arrival.seq - 1)?;
        let is_same = match reader.shared_place(&arrival.origin, arrival.seq)?.zip(previous) {
            Some((here, previous)) => arrival.differs(here, &previous).is_none(),
            None => arrival.can_follow(previous.as_ref()),
        };
        match (is_same, missing) {
            (true, Some(at)) => {
                self.compared.missing.remove(at);
                self.compared.same += 1;
            }
            (true, None) => {}
            (false, _) => self.compared.different.push(arrival.seq),
        }
        Ok(())
    }

    /// What is not here can be proved by its link and its origin's signature alone, as when it is taken in.
    fn take_what_is_not_here(&mut self, arrival: &Arrival, after_hole: bool, previous: &[Hash]) {
        let follows = if previous.is_empty() {
            arrival.can_follow(None)
        } else {
            previous.iter().any(|previous| arrival.can_follow(Some(previous)))
        };
        if after_hole || !follows {
            self.give_up();
        }
        match (follows, arrival.signature.is_some()) {
            (false, _) => self.compared.unproved.push(arrival.seq),
            (true, false) => self.unsigned.push(arrival.seq),
            (true, true) => {
                self.compared.only_there += 1 + self.unsigned.len() as u64;
                self.unsigned.clear();
            }
        }
    }

    /// Nobody signs any more for what was not signed for.
    fn give_up(&mut self) {
        self.compared.unproved.append(&mut self.unsigned);
    }
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
    let mut found: BTreeMap<String, Comparing> = BTreeMap::new();
    if !exchange.empty {
        Reading::new(bus, &exchange, None).up_to(exchange.last, |messages| {
            // What came since may lack the message that signs for it.
            for message in messages.iter().filter(|message| message.sequence <= exchange.last) {
                match wire::arrival(message) {
                    Ok(arrival) => {
                        let comparing = found.entry(arrival.origin.clone()).or_default();
                        comparing.has_lost = exchange.lost.is_some();
                        comparing.take(&reader, &arrival)?;
                    }
                    Err(unreadable) => {
                        let origin = unreadable.origin.unwrap_or_default();
                        found.entry(origin).or_default().compared.unreadable += 1;
                    }
                }
            }
            Ok::<_, SyncError>(())
        })?;
    }
    let own = &session.store.origin().public_key;
    for head in reader.shared_heads()? {
        let comparing = found.entry(head.origin).or_default();
        comparing.compared.only_here = u64::try_from(head.seq - comparing.last.0).unwrap_or_default();
    }
    found.values_mut().for_each(Comparing::give_up);
    let name = |(origin, Comparing { compared, .. }): (String, Comparing)| Compared {
        own: origin == *own,
        origin,
        ..compared
    };
    let mut compared: Vec<Compared> = found.into_iter().map(name).collect();
    compared.sort_by_key(|compared| !compared.own);
    Ok(compared)
}
