//! Proving: which of the events that arrived of one origin may enter the log. Pure: looks at nothing but them.

use std::collections::{BTreeMap, HashMap};

use nkeys::KeyPair;
use uuid::Uuid;

use super::{Arrival, Sender};
use crate::domain::catalogue::Event;
use crate::domain::ledger::LedgerEvent;
use crate::store::chain::{self, Chain};
use crate::store::erase;
use crate::store::log::claim;
use crate::store::shape::{self, ERASED, NAME_LIMIT, PAYLOAD_LIMIT};

/// What was proved.
#[derive(Debug)]
pub(super) struct Admitted {
    /// What may enter, in order: contiguous, chained, signed for.
    pub(super) proved: Vec<Arrival>,
    /// The first that is not what it says, and why.
    pub(super) refused: Option<(Arrival, String)>,
}

/// Takes out of the candidates what may enter; what is left must wait.
pub(super) fn admit(sender: &Sender, candidates: &mut BTreeMap<i64, Arrival>) -> Admitted {
    let (mut seq, mut previous, mut signed) = (sender.seq, sender.chain, sender.seq);
    let mut refused = None;
    while let Some(arrival) = candidates.get(&(seq + 1)) {
        let link = chain::link(Chain::Shared, &previous, &arrival.envelope());
        if let Some(why) = breach(&sender.key, arrival, &link) {
            refused = Some((arrival.clone(), why));
            break;
        }
        (seq, previous) = (seq + 1, link);
        if arrival.signature.is_some() {
            signed = seq;
        }
    }
    let whole = signed;
    // What is cut off may have said of another one that it was erased: that waits with it.
    while let Some(blank) = unfounded(&sender.key, candidates.range(..=signed).map(|(_, arrival)| arrival)) {
        let why = || {
            format!("event {} of this origin is blank, and nothing of its origin says that it was erased", blank.seq)
        };
        if signed == whole {
            refused = Some((blank.clone(), why()));
        }
        let before = candidates.range(..blank.seq).rev().find(|(_, arrival)| arrival.signature.is_some());
        signed = before.map_or(sender.seq, |(seq, _)| *seq);
    }
    let rest = candidates.split_off(&(signed + 1));
    let proved = std::mem::replace(candidates, rest);
    Admitted { proved: proved.into_values().collect(), refused }
}

/// The first of some events of an origin that are proved, whose payload is blank though nothing says that its origin erased it:
/// neither a signature beside it nor one of these events.
fn unfounded<'a>(key: &str, proved: impl Iterator<Item = &'a Arrival> + Clone) -> Option<&'a Arrival> {
    let mut blank = proved.clone().filter(|arrival| arrival.is_blank() && !is_erased_by(key, arrival)).peekable();
    blank.peek()?;
    let erased: HashMap<Uuid, String> = proved.filter_map(Arrival::erases).collect();
    let named = |arrival: &Arrival| erased.get(&arrival.event_id) == Some(&chain::content_text(&arrival.content));
    blank.find(|arrival| !named(arrival))
}

/// Whether the holder of a key signed that the payload of an event was erased.
pub(super) fn is_erased_by(key: &str, arrival: &Arrival) -> bool {
    let is_signed = |signature: &Vec<u8>| erase::is_signed(key, arrival.event_id, &arrival.content, signature);
    arrival.erasure.as_ref().is_some_and(is_signed)
}

impl Arrival {
    /// Whether its payload is not here; one that was recorded as `null` is.
    pub(super) fn is_blank(&self) -> bool {
        self.payload == ERASED && chain::content(ERASED) != self.content
    }

    /// The event whose payload it says was erased, with the content id of that.
    fn erases(&self) -> Option<(Uuid, String)> {
        if self.kind != "ledger.erased" {
            return None;
        }
        match shape::decode(&self.kind, self.schema_version, &self.payload) {
            Ok(Event::Ledger(LedgerEvent::Erased { event, content, .. })) => Some((event.uuid(), content)),
            _ => None,
        }
    }
}

fn names(arrival: &Arrival) -> impl Iterator<Item = &str> {
    [&arrival.stream, &arrival.kind, &arrival.actor].into_iter().map(String::as_str)
}

/// What is wrong with an event of the origin of a key, which should have this link.
pub(super) fn breach(key: &str, arrival: &Arrival, link: &chain::Hash) -> Option<String> {
    let is = |what: &str| Some(format!("event {} of this origin {what}", arrival.seq));
    if *link != arrival.chain {
        return is("is not what its link in the chain says");
    }
    if arrival.payload.len() > PAYLOAD_LIMIT || names(arrival).any(|name| name.len() > NAME_LIMIT) {
        return is("is larger than an event may be");
    }
    if !arrival.stream.split_once('/').is_some_and(|(aggregate, key)| !aggregate.is_empty() && !key.is_empty())
        || claim::is_displaced(&arrival.stream)
        || [&arrival.stream, &arrival.kind].into_iter().any(|name| name.contains(char::is_control))
    {
        return is("names no stream");
    }
    let aggregate = |name: &'_ str, until: char| name.split(until).next().map(str::to_owned);
    if aggregate(&arrival.stream, '/') != aggregate(&arrival.kind, '.') {
        return is("is of another kind than its stream");
    }
    if arrival.schema_version == 0 {
        return is("has no version of its shape");
    }
    if arrival.payload != ERASED && chain::content(&arrival.payload) != arrival.content {
        return is("has another payload than its content id says");
    }
    let signature = arrival.signature.as_ref()?;
    if is_signed_by(key, arrival.seq, link, signature) {
        None
    } else {
        is("carries a signature that is not its origin's")
    }
}

/// Whether the holder of a key signed for everything up to a link of its chain.
pub fn is_signed_by(key: &str, seq: i64, link: &chain::Hash, signature: &[u8]) -> bool {
    let message = chain::signed_head(key, seq, link);
    KeyPair::from_public_key(key).is_ok_and(|key| key.verify(&message, signature).is_ok())
}

#[cfg(test)]
mod tests;
