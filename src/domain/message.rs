//! Message identity: who caused what. A root message carries one id three times; a caused message inherits the
//! correlation and names its parent. All events of a command are caused by that command (a fan-out, never a line).

use uuid::Uuid;

use super::id::{CausationId, CorrelationId, MessageId};

/// The three ids that every message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageIdentity {
    /// The message itself.
    pub message_id: MessageId,
    /// The conversation it belongs to.
    pub correlation_id: CorrelationId,
    /// The message that caused it; itself for a root.
    pub causation_id: CausationId,
}

impl MessageIdentity {
    /// Begins a conversation.
    pub const fn root(id: Uuid) -> Self {
        Self {
            message_id: MessageId::new(id),
            correlation_id: CorrelationId::new(id),
            causation_id: CausationId::new(id),
        }
    }

    /// A message brought about by this one.
    #[must_use]
    pub const fn cause(&self, id: Uuid) -> Self {
        Self {
            message_id: MessageId::new(id),
            correlation_id: self.correlation_id,
            causation_id: CausationId::new(self.message_id.uuid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_names_itself_three_times() {
        let id = Uuid::from_u128(7);
        let root = MessageIdentity::root(id);
        assert_eq!((root.message_id.uuid(), root.correlation_id.uuid(), root.causation_id.uuid()), (id, id, id));
    }

    #[test]
    fn a_caused_message_keeps_the_correlation_and_names_its_parent() {
        let root = MessageIdentity::root(Uuid::from_u128(1));
        let leaf = root.cause(Uuid::from_u128(2)).cause(Uuid::from_u128(3));
        assert_eq!(leaf.correlation_id.uuid(), Uuid::from_u128(1));
        assert_eq!(leaf.causation_id.uuid(), Uuid::from_u128(2));
        assert_eq!(leaf.message_id.uuid(), Uuid::from_u128(3));
    }
}
