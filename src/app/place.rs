//! Where a face was left, remembered until it is opened again. Local to this ledger, no event.

use serde_json::Value;

use crate::store::{Append, LocalNote};

use super::{AppError, Session};

/// What was remembered under a name; none when there is nothing that can be read.
pub fn recall(session: &Session, name: &str) -> Result<Option<Value>, AppError> {
    Ok(session.store.reader()?.ui_state(name)?)
}

/// Remembers a place under a name, in the place of what was remembered before.
pub fn remember(session: &Session, name: &str, place: Value) -> Result<(), AppError> {
    let note = LocalNote::UiState { key: name.to_owned(), value: place };
    let command = session.command("remember_place");
    session.store.append(Append {
        command,
        received_at: session.clock.now(),
        writes: Vec::new(),
        notes: vec![note],
    })?;
    Ok(())
}
