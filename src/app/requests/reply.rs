//! Replies: one shape for every command and every refusal.

use serde_json::{Value, json};

use super::super::AppError;
use super::asked::Asked;
use crate::store::StoreError;

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: &'static str,
    code: &'static str,
    message: String,
    extra: Option<(&'static str, Value)>,
}

impl Refusal {
    /// What was asked for is not done, and nothing is broken.
    pub(super) fn rejected(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: "rejected", code, message: message.into(), extra: None }
    }

    /// It could not be done.
    pub(super) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: "error", code, message: message.into(), extra: None }
    }

    /// Another machine's business: whom to address.
    pub(super) fn owned_by(origin: &str) -> Self {
        let message = format!("it belongs to another machine; address {origin}");
        Self { extra: Some(("origin", json!(origin))), ..Self::rejected("owned_by", message) }
    }

    /// A field that is not as it must be.
    pub(super) fn invalid(field: &str, must: &str) -> Self {
        let message = format!("`{field}` must be {must}");
        Self { extra: Some(("field", json!(field))), ..Self::rejected("invalid", message) }
    }

    /// The reply to a request.
    pub(super) fn reply(self, asked: &Asked) -> Value {
        let mut reply = self.plain();
        reply[if asked.is_command() { "command_id" } else { "query_id" }] =
            json!(asked.identity.message_id.to_string());
        reply["correlation_id"] = json!(asked.identity.correlation_id.to_string());
        reply
    }

    /// The reply to something that cannot be read.
    pub(super) fn plain(self) -> Value {
        let mut reply = json!({
            "ok": false, "status": self.status, "code": self.code, "message": self.message, "events": [],
        });
        if let Some((name, value)) = self.extra {
            reply[name] = value;
        }
        reply
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            // What this machine's own command line would say helps nobody elsewhere.
            StoreError::NoFlake { .. } => Self::rejected("not_found", "no flake is known by that path or id"),
            StoreError::AmbiguousFlake { .. } => Self::rejected("ambiguous", error.to_string()),
            // Which stream it is stays here: it may be a private one.
            StoreError::Conflict { .. } => Self::error("conflict", "something else wrote at the same time; ask again"),
            _ => Self::error("store", error.to_string()),
        }
    }
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Store(error) => error.into(),
            other => Self::rejected("refused", other.to_string()),
        }
    }
}

/// The reply to a command that was done.
pub(super) fn accepted(asked: &Asked, message: &str, events: &[String], repeated: bool) -> Value {
    json!({
        "ok": true, "status": "accepted", "code": if repeated { "repeated" } else { "done" }, "message": message,
        "command_id": asked.identity.message_id.to_string(),
        "correlation_id": asked.identity.correlation_id.to_string(), "events": events,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_came_too_early_is_not_told_which_stream_moved_on() {
        let stream = "flake/01935c1d-ffff-7000-8000-000000000003".to_owned();
        let refusal = Refusal::from(StoreError::Conflict { stream, expected: 1, actual: 2 });
        assert_eq!(refusal, Refusal::error("conflict", "something else wrote at the same time; ask again"));
    }
}
