//! The names of headers: those of this domain, those of other dialects that are read, and those of the server.

/// Ids, type and time of an event, as every CIM domain knows them.
pub const EVENT_ID: &str = "X-Event-ID";
/// The event's type.
pub const EVENT_TYPE: &str = "X-Event-Type";
/// The conversation.
pub const CORRELATION_ID: &str = "X-Correlation-ID";
/// What caused it.
pub const CAUSATION_ID: &str = "X-Causation-ID";
/// Whose event it is: the key of its stream.
pub const AGGREGATE_ID: &str = "X-Aggregate-ID";
/// When it happened, RFC 3339.
pub const TIMESTAMP: &str = "X-Timestamp";
/// Always `nix`.
pub const DOMAIN: &str = "X-Domain";
/// The message; for an event, the event's id.
pub const MESSAGE_ID: &str = "X-Message-ID";
/// The event's place in its stream, from 1.
pub const SEQUENCE: &str = "X-Sequence";
/// The version of its payload's shape.
pub const SCHEMA_VERSION: &str = "X-Schema-Version";
/// The content id of its payload.
pub const EVENT_CID: &str = "X-Event-CID";
/// Who.
pub const ACTOR: &str = "X-Actor";
/// The public key of its origin.
pub const ORIGIN: &str = "X-Origin";
/// Its place in what its origin has shared, from 1.
pub const ORIGIN_SEQUENCE: &str = "X-Origin-Sequence";
/// Its link in its origin's shared chain, hexadecimal.
pub const ORIGIN_CHAIN: &str = "X-Origin-Chain";
/// Its origin's signature of the chain up to here, base64: on the last message of a batch.
pub const SIGNATURE: &str = "X-Origin-Signature";
/// Its origin's signature that it erased the payload, base64: on an event whose payload is blank.
pub const ERASURE: &str = "X-Origin-Erasure";

/// The server's own: drops what it saw within its window.
pub const NATS_MSG_ID: &str = "Nats-Msg-Id";
/// The stream that must take it.
pub const EXPECTED_STREAM: &str = "Nats-Expected-Stream";
/// The number of the last message below a subject.
pub const EXPECTED_LAST: &str = "Nats-Expected-Last-Subject-Sequence";
/// Which subject that is.
pub const EXPECTED_LAST_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// The batch that it belongs to.
pub const BATCH_ID: &str = "Nats-Batch-Id";
/// Its place in the batch, from 1.
pub const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
/// Ends the batch: all of it, or nothing.
pub const BATCH_COMMIT: &str = "Nats-Batch-Commit";

/// The headers of every event on the exchange, with what each holds.
pub const OF_EVENTS: &[(&str, &str)] = &[
    (
        NATS_MSG_ID,
        "the event's id: the server drops what it saw within its window; not on what is sent again because the server lost it",
    ),
    (MESSAGE_ID, "the event's id"),
    (EVENT_ID, "the event's id"),
    (EVENT_TYPE, "what happened: `flake.updated`"),
    (CORRELATION_ID, "the conversation"),
    (CAUSATION_ID, "the command that caused it"),
    (AGGREGATE_ID, "whose event it is: the key of its stream"),
    (TIMESTAMP, "when it happened, RFC 3339"),
    (DOMAIN, "always `nix`"),
    (SEQUENCE, "the event's place in its stream, from 1"),
    (SCHEMA_VERSION, "the version of its payload's shape"),
    (EVENT_CID, "the content id of its payload"),
    (ACTOR, "who: `user@host`"),
    (ORIGIN, "the public key of its origin"),
    (ORIGIN_SEQUENCE, "its place in what its origin has shared, from 1"),
    (ORIGIN_CHAIN, "its link in its origin's shared chain, hexadecimal"),
    (SIGNATURE, "its origin's signature of the chain up to here, base64; on the last event of a batch"),
    (ERASURE, "its origin's signature that it erased the payload, base64; on an event whose payload is `null` since"),
];

/// The headers of a request, with what each holds; the body may say the same.
pub const OF_REQUESTS: &[(&str, &str)] = &[
    (MESSAGE_ID, "the command or query; the same command twice has one effect"),
    (CORRELATION_ID, "the conversation; left out, the message begins one"),
    (CAUSATION_ID, "what caused it"),
    (ACTOR, "who asks, in their own words: at most 256 bytes"),
];
