//! What the exchange has lost of this origin from its middle, as when the server loses a file: found, so that it is sent again.

use std::collections::BTreeSet;

use super::SyncError;
use super::reading::Reading;
use crate::bus::{Bus, Exchange};
use crate::store::Reader;

/// What the exchange holds of this origin, in whichever order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Up to which event it has all.
    pub(super) whole: i64,
    /// The highest that it has.
    pub(super) highest: i64,
    /// Those above what is whole.
    above: BTreeSet<i64>,
}

impl Found {
    fn add(&mut self, seq: i64) {
        self.highest = self.highest.max(seq);
        if seq > self.whole {
            self.above.insert(seq);
        }
        while self.above.first() == Some(&(self.whole + 1)) {
            self.above.pop_first();
            self.whole += 1;
        }
    }
}

/// Reads everything of this origin up to a message. What is not ours, though it says so, does not count.
pub(super) fn look(
    reader: &Reader,
    bus: &Bus,
    exchange: &Exchange,
    (own, up_to): (&str, u64),
) -> Result<Found, SyncError> {
    let mut found = Found::default();
    // What the client does not survive costs another connection, and not this one.
    Reading::new(bus.beside()?, exchange, Some(own)).up_to(up_to, |messages| {
        let places: Vec<_> = messages.iter().filter_map(|message| message.place_of(own)).collect();
        let numbers = || places.iter().map(|(seq, _)| *seq);
        if let Some((first, last)) = numbers().min().zip(numbers().max()) {
            let links = reader.shared_links(own, first, last)?;
            let ours = places.iter().filter(|(seq, link)| links.get(seq) == Some(link));
            ours.for_each(|(seq, _)| found.add(*seq));
        }
        Ok::<_, SyncError>(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_again_fills_the_hole() {
        let mut found = Found::default();
        let mut add = |seqs: &mut dyn Iterator<Item = i64>| {
            seqs.for_each(|seq| found.add(seq));
            (found.whole, found.highest)
        };
        assert_eq!(add(&mut (1..=3)), (3, 3));
        assert_eq!(add(&mut (7..=9)), (3, 9));
        assert_eq!(add(&mut (4..=5)), (5, 9));
        assert_eq!(add(&mut (6..=8)), (9, 9));
        assert_eq!(add(&mut (10..=10)), (10, 10));
    }
}
