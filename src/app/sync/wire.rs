//! Between what is stored and what goes over the wire.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::bus::envelope::{Envelope, Time, chain_text};
use crate::bus::{Message, Outgoing, subject};
use crate::store::chain;
use crate::store::inbox::{Arrival, Unreadable};
use crate::store::outbox::Shared;

/// How much of an unreadable message is kept.
const KEPT: usize = 4 << 10;

/// A shared event as a message, not signed.
///
/// # Errors
/// Says why it cannot be sent.
pub(super) fn outgoing(shared: &Shared, origin: &str) -> Result<Outgoing, String> {
    let event = &shared.event;
    let subject = subject::ledger(origin, &event.kind).ok_or_else(|| format!("`{}` has no subject", event.kind))?;
    let envelope = Envelope {
        event_id: event.event_id.uuid(),
        stream: event.stream.clone(),
        version: event.version,
        kind: event.kind.clone(),
        schema_version: event.schema_version,
        occurred_at: Time(event.occurred_at),
        recorded_at: Time(event.recorded_at),
        correlation_id: event.correlation_id.uuid(),
        causation_id: Some(event.causation_id.uuid()),
        actor: event.actor.clone(),
        origin: origin.to_owned(),
        origin_sequence: shared.seq,
        origin_chain: chain_text(&shared.chain),
        undoes: event.undoes,
        content_id: chain::content_text(&event.content),
        payload: RawValue::from_string(event.payload.clone()).map_err(|error| error.to_string())?,
    };
    Ok(Outgoing { subject, headers: envelope.headers(None), body: envelope.body()? })
}

/// A message of the exchange as an event that arrived.
pub(super) fn arrival(message: &Message) -> Result<Arrival, Unreadable> {
    read(message).map_err(|why| Unreadable {
        remote_seq: message.sequence,
        subject: message.subject.clone(),
        text: String::from_utf8_lossy(message.body.get(..KEPT).unwrap_or(&message.body)).into_owned(),
        origin: subject::origin(&message.subject).filter(|key| is_key(key)).map(str::to_owned),
        why,
    })
}

fn read(message: &Message) -> Result<Arrival, String> {
    if let Some(why) = &message.unreadable {
        return Err(why.clone());
    }
    let (envelope, signature) = Envelope::read(&message.subject, message.headers.as_ref(), &message.body)?;
    if !is_key(&envelope.origin) {
        return Err(format!("`{}` is no origin", envelope.origin));
    }
    let content = chain::content_of_text(&envelope.content_id)
        .ok_or_else(|| format!("`{}` is no content id", envelope.content_id))?;
    let payload = payload(envelope.payload.get(), &content).into_owned();
    Ok(Arrival {
        remote_seq: message.sequence,
        chain: envelope.chain()?,
        origin: envelope.origin,
        seq: envelope.origin_sequence,
        signature,
        erasure: Envelope::erasure(message.headers.as_ref()),
        event_id: envelope.event_id,
        stream: envelope.stream,
        version: envelope.version,
        kind: envelope.kind,
        schema_version: envelope.schema_version,
        payload,
        content,
        occurred_at: envelope.occurred_at.0,
        recorded_at: envelope.recorded_at.0,
        correlation_id: envelope.correlation_id,
        causation_id: envelope.causation_id.unwrap_or(envelope.correlation_id),
        actor: envelope.actor,
        undoes: envelope.undoes,
    })
}

/// The payload as it was recorded: as it came, or in canonical form when somebody on the way wrote it otherwise.
fn payload<'a>(text: &'a str, content: &chain::Hash) -> Cow<'a, str> {
    if chain::content(text) == *content {
        return Cow::Borrowed(text);
    }
    let canonical =
        serde_json::from_str::<Value>(text).ok().and_then(|value| serde_json_canonicalizer::to_string(&value).ok());
    canonical.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// How many keys are remembered.
const KEYS: usize = 256;

/// Whether a text is a public key. To tell costs more than everything else about a message, and most come from few.
fn is_key(text: &str) -> bool {
    thread_local! {
        static KNOWN: RefCell<HashSet<String>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if known.contains(text) {
            return true;
        }
        let is_key = nkeys::KeyPair::from_public_key(text).is_ok();
        if is_key {
            if known.len() >= KEYS {
                known.clear();
            }
            known.insert(text.to_owned());
        }
        is_key
    })
}
