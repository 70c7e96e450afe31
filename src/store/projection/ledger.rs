//! Views of the ledger itself: no projection fills them, the log and its own tables are read as they are.

use super::view::columns;
use super::{Example, View};

pub(super) const VIEWS: &[View] = &[EVENTS, OUTBOX, STREAMS, ORIGINS, ROOTS, PROJECTIONS];

const EVENTS: View = View {
    name: "v1_events",
    doc: "Every event, in the order of the log.",
    columns: columns! {
        "position" integer "Place in the log of this database, from 1, without gaps. The quickest way to one event.";
        "event_id" id "The event.";
        "stream" text "Whose event it is: `flake/<uuid>`.";
        "version" integer "Place in the stream, from 1, without gaps.";
        "type" text "What happened: `flake.updated`.";
        "schema_version" integer "Version of the payload's shape.";
        "occurred_at" time "When it happened.";
        "recorded_at" time "When it was recorded.";
        "correlation_id" id "The conversation that it belongs to.";
        "causation_id" id "The command that caused it.";
        "actor" text "Who: `user@host`.";
        "origin" text "Public key of the origin that it was recorded on.";
        "payload" json "What it says; `null` once erased.";
    },
    sql: "
SELECT e.position, {id e.event_id}, e.stream, e.version, e.type, e.schema_version, {time e.occurred_at},
       {time e.recorded_at}, {id e.correlation_id}, {id e.causation_id}, e.actor,
       (SELECT o.public_key FROM origins o WHERE o.id = e.origin), e.payload
FROM events e",
    examples: &[
        Example {
            sql: "SELECT position, occurred_at, type, stream FROM v1_events ORDER BY position DESC LIMIT 20",
            doc: "What happened last?",
        },
        Example {
            sql: "SELECT type, count(*) FROM v1_events GROUP BY type",
            doc: "How many events are there of each type?",
        },
    ],
};

const OUTBOX: View = View {
    name: "v1_outbox",
    doc: "What this database has shared, in its order, and how far that has got.",
    columns: columns! {
        "seq" integer "Place in what is shared, from 1, without gaps.";
        "position" integer "The event's place in the log.";
        "event_id" id "The event.";
        "type" text "What happened.";
        "stream" text "Whose event it is.";
        "state" text "`sent` once a remote has acknowledged it, `pending` before.";
        "attempts" integer "How often sending failed since it last worked.";
        "last_error" text "Why it failed last; NULL when it did not.";
    },
    sql: "
SELECT b.seq, b.position, {id e.event_id}, e.type, e.stream,
       CASE WHEN b.seq <= coalesce((SELECT max(acked_seq) FROM remotes), 0) THEN 'sent' ELSE 'pending' END,
       coalesce((SELECT max(attempts) FROM remotes WHERE acked_seq < b.seq), 0),
       (SELECT max(last_error) FROM remotes WHERE acked_seq < b.seq)
FROM outbox b JOIN events e ON e.position = b.position
WHERE b.origin = (SELECT id FROM origins WHERE is_self = 1)",
    examples: &[Example {
        sql: "SELECT state, count(*) FROM v1_outbox GROUP BY state",
        doc: "How much is not sent yet?",
    }],
};

const STREAMS: View = View {
    name: "v1_streams",
    doc: "Every stream and how long it is.",
    columns: columns! {
        "stream" text "Its name.";
        "aggregate" text "What it is a stream of: `flake`, `finding`, `lock_history`, `config`, `pins`, `module`, `overlay`, `ledger`.";
        "version" integer "The version of its last event.";
        "origin" text "Public key of the origin that alone may write it.";
        "shared" bool "1 when other machines may see it.";
    },
    sql: "
SELECT s.stream, substr(s.stream, 1, instr(s.stream, '/') - 1), s.version,
       (SELECT o.public_key FROM origins o WHERE o.id = s.origin), s.shared
FROM streams s",
    examples: &[Example {
        sql: "SELECT aggregate, count(*), sum(version) FROM v1_streams GROUP BY aggregate",
        doc: "How many streams and events are there of each kind?",
    }],
};

const ORIGINS: View = View {
    name: "v1_origins",
    doc: "The databases whose events are here; exactly one is this one.",
    columns: columns! {
        "public_key" text "Its key.";
        "host" text "The machine that it is on.";
        "user" text "Whose it is.";
        "is_self" bool "1 for this database.";
        "state" text "`active`, `blocked`, `quarantined` or `retired`.";
        "reason" text "Why it is not active; NULL when it is.";
        "created_at" time "Since when it is known.";
        "last_seq" integer "The last of the events that it has shared and that is here; 0 when there is none.";
        "last_recorded_at" time "When its last event that is here was recorded; NULL when there is none.";
        "flakes" integer "How many flakes it has.";
    },
    sql: "
SELECT o.public_key, o.host, o.user, o.is_self, o.state, o.reason, {time o.created_at},
       coalesce((SELECT max(b.seq) FROM outbox b WHERE b.origin = o.id), 0),
       (SELECT {time e.recorded_at} FROM events e WHERE e.position = CASE o.is_self
          WHEN 1 THEN (SELECT max(position) FROM events WHERE origin = o.id)
          ELSE (SELECT b.position FROM outbox b WHERE b.origin = o.id ORDER BY b.seq DESC LIMIT 1) END),
       (SELECT count(*) FROM {live_flakes} f WHERE f.origin = o.id)
FROM origins o",
    examples: &[
        Example { sql: "SELECT host, user, state FROM v1_origins WHERE is_self = 0", doc: "Whose events are here?" },
        Example {
            sql: "SELECT host, flakes, last_recorded_at FROM v1_origins ORDER BY last_recorded_at",
            doc: "Of which machine was nothing heard for longest?",
        },
    ],
};

const ROOTS: View = View {
    name: "v1_roots",
    doc: "The folders that are scanned.",
    columns: columns! {
        "path" text "The folder. Of one that is not UTF-8, `cast(path AS BLOB)` has the bytes.";
        "added_at" time "When it was added.";
        "shared" bool "1 when what is found in it is shared.";
        "scanned_at" time "When it was scanned last; NULL before the first time.";
    },
    sql: "SELECT CAST(path AS TEXT), {time added_at}, shared, {time scanned_at} FROM roots",
    examples: &[Example { sql: "SELECT path FROM v1_roots WHERE scanned_at IS NULL", doc: "What was never scanned?" }],
};

const PROJECTIONS: View = View {
    name: "v1_projections",
    doc: "The parts of the read model, and how far each has got.",
    columns: columns! {
        "name" text "Its name, as `store rebuild` takes it.";
        "revision" integer "Version of the code that fills it.";
        "generation" integer "How often it has been built.";
        "state" text "`live`, `building` or `failed`.";
        "position" integer "The last event that it took in.";
        "behind" integer "How many events it has not taken in.";
        "error" text "Why it failed; NULL when it did not.";
    },
    sql: "
SELECT name, revision, generation, state, position, (SELECT coalesce(max(position), 0) FROM events) - position, error
FROM projections",
    examples: &[Example {
        sql: "SELECT name, error FROM v1_projections WHERE state = 'failed'",
        doc: "What is broken?",
    }],
};
