//! One line of an export as an event: ids read tolerantly, the payload proved against its content id.

use std::collections::HashMap;

use data_encoding::HEXLOWER;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::id::{CausationId, CorrelationId, EventId, read_id};
use crate::store::chain::{self, Hash};
use crate::store::export::Line;
use crate::store::log::Recorded;
use crate::store::shape::{ERASED, PAYLOAD_LIMIT};

/// Reads a line; the error says what is wrong with it.
pub(super) fn read(line: Line, origins: &HashMap<String, i64>) -> Result<Recorded, String> {
    let content = hash(&line.content)?;
    let payload = payload(&line, &content)?;
    let origin = origins.get(&line.origin).ok_or_else(|| format!("origin {} is not in the header", line.origin))?;
    let correlation_id = id(&line.correlation_id, "correlation_id")?;
    // Others leave the causation of a root out: it is the conversation's own.
    let causation_id =
        if line.causation_id.is_null() { correlation_id } else { id(&line.causation_id, "causation_id")? };
    Ok(Recorded {
        position: line.position,
        event_id: EventId::new(id(&line.event_id, "event_id")?),
        origin: *origin,
        stream: line.stream,
        version: line.version,
        kind: line.kind,
        schema_version: line.schema_version,
        payload,
        content,
        occurred_at: line.occurred_at,
        recorded_at: line.recorded_at,
        correlation_id: CorrelationId::new(correlation_id),
        causation_id: CausationId::new(causation_id),
        actor: line.actor,
        undoes: line.undoes.map(|undoes| id(&undoes, "undoes")).transpose()?,
        chain: hash(&line.chain)?,
        event: std::sync::OnceLock::new(),
    })
}

/// A hash from its hexadecimal text.
pub(super) fn hash(text: &str) -> Result<Hash, String> {
    let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| Hash::try_from(bytes).ok());
    bytes.ok_or_else(|| format!("`{text}` is not a hash"))
}

/// A signature from its hexadecimal text.
pub(super) fn signature(text: &str) -> Result<Vec<u8>, String> {
    HEXLOWER.decode(text.as_bytes()).map_err(|_| format!("`{text}` is not a signature"))
}

fn payload(line: &Line, content: &Hash) -> Result<String, String> {
    if line.payload.is_null() {
        return Ok(ERASED.to_owned());
    }
    let payload = serde_json_canonicalizer::to_string(&line.payload).map_err(|error| error.to_string())?;
    if payload.len() > PAYLOAD_LIMIT {
        return Err(format!("the payload of event {} is too large", line.position));
    }
    if chain::content(&payload) != *content {
        return Err(format!("the payload of event {} is not what was recorded", line.position));
    }
    Ok(payload)
}

fn id(value: &Value, name: &str) -> Result<Uuid, String> {
    read_id(value).ok_or_else(|| format!("its {name} is not an id: {value}"))
}
