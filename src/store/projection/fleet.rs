//! Views of the exchange with other machines: where it stands, what was parked, and the flakes of all of them together.
//! No projection fills them.

use super::view::columns;
use super::{Example, View};

pub(super) const VIEWS: &[View] = &[SYNC, PARKED, FLEET];

const SYNC: View = View {
    name: "v1_sync",
    doc: "Where synchronisation stands: one row.",
    columns: columns! {
        "enabled" bool "1 once `sync enable` was run.";
        "state" text "`disabled`, `offline`, `connecting`, `reconciling`, `catching_up`, `live`, `backoff`, `open` or `blocked`.";
        "reason" text "Why it is blocked; NULL when it is not.";
        "shared" integer "How many events this database has shared.";
        "backlog" integer "How many of them the server lacks.";
        "waiting" integer "How many messages of others wait for those before them.";
        "parked" integer "How many messages could not be taken in.";
        "attempts" integer "How many attempts failed since one worked.";
        "next_attempt_at" time "When the next one is made; NULL when none is waited for.";
        "last_error" text "What went wrong last; NULL when the last attempt worked.";
        "server" text "The server, by name and version; NULL before one was reached.";
        "connected_since" time "Since when it is connected; NULL when it is not.";
        "synced_at" time "When nothing was left to send or take last; NULL before the first time.";
    },
    sql: "
SELECT s.enabled,
       CASE WHEN s.enabled = 0 THEN 'disabled' WHEN r.state = 'blocked' THEN 'blocked'
            WHEN s.held = 0 THEN 'offline' ELSE coalesce(nullif(r.state, 'disabled'), 'offline') END,
       r.reason, s.shared, max(s.shared - coalesce(r.acked_seq, 0), 0), (SELECT count(*) FROM inbox),
       (SELECT count(*) FROM parked WHERE attempts > 0),
       coalesce(r.attempts, 0), {time r.next_attempt_at}, r.last_error, r.server,
       CASE WHEN s.enabled AND s.held THEN {time r.connected_since} END,
       {time r.synced_at}
FROM (SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'sync_enabled' AND value = '1') AS enabled,
             EXISTS (SELECT 1 FROM leases WHERE name = 'relay'
                     AND expires_at - unixepoch('subsec') * 1000000 BETWEEN 1 AND {longest_lease}) AS held,
             coalesce((SELECT max(b.seq) FROM outbox b JOIN origins o ON o.id = b.origin WHERE o.is_self = 1), 0) AS shared) s
LEFT JOIN remotes r ON r.name = 'exchange'",
    examples: &[Example {
        sql: "SELECT state, backlog, reason, last_error FROM v1_sync",
        doc: "Is everything sent, and if not, why?",
    }],
};

const PARKED: View = View {
    name: "v1_parked",
    doc: "Messages of others that could not be taken in, each holding up its origin until somebody decides.",
    columns: columns! {
        "id" integer "Its number, as `sync parked show` takes it.";
        "origin" text "Public key of the origin that it holds up; NULL when it names none.";
        "origin_seq" integer "Its place in what that origin has shared; NULL when it cannot be read.";
        "remote_seq" integer "Its number in the server's stream.";
        "subject" text "Its subject; empty when only its content is known.";
        "reason" text "Why it could not be taken in.";
        "parked_at" time "When that was.";
        "attempts" integer "How often it was tried.";
        "message" text "What it says.";
    },
    sql: "
SELECT id, origin, seq, remote_seq, subject, reason, {time parked_at}, attempts, message
FROM parked WHERE attempts > 0",
    examples: &[Example {
        sql: "SELECT o.host, p.reason, count(*) FROM v1_parked p LEFT JOIN v1_origins o ON o.public_key = p.origin \
              GROUP BY o.host, p.reason",
        doc: "Which machines are held up, and why?",
    }],
};

const FLEET: View = View {
    name: "v1_fleet",
    doc: "The flakes of every machine whose events are here, with the nixpkgs that each has locked.",
    columns: columns! {
        "lineage" text "Which project it is: the same on every machine; NULL without a remote.";
        "flake" id "The flake.";
        "origin" text "Public key of the origin whose flake it is.";
        "host" text "The machine that it is on.";
        "path" text "Directory of its flake.nix there.";
        "nixpkgs_rev" text "Revision of its nixpkgs: of the input of that name, else of the first that comes from there; NULL without one.";
        "nixpkgs_last_modified" integer "When that was last modified, in seconds since 1970 UTC; NULL without one.";
        "recorded_at" time "When its last event was recorded.";
        "is_self" bool "1 for flakes of this machine.";
    },
    sql: "
SELECT f.lineage, f.id, o.public_key, o.host, f.path,
       (SELECT n.locked ->> '$.rev' FROM {lock_nodes} n WHERE n.flake = f.id AND n.is_nixpkgs = 1
        ORDER BY n.last_modified DESC, n.key LIMIT 1),
       (SELECT max(n.last_modified) FROM {lock_nodes} n WHERE n.flake = f.id AND n.is_nixpkgs = 1),
       (SELECT {time e.recorded_at} FROM events e WHERE e.stream = 'flake/' || f.id ORDER BY e.version DESC LIMIT 1),
       o.is_self
FROM {live_flakes} f JOIN origins o ON o.id = f.origin WHERE NOT {succeeded}",
    examples: &[
        Example {
            sql: "SELECT lineage, count(DISTINCT nixpkgs_rev) AS revisions FROM v1_fleet WHERE lineage IS NOT NULL \
                  GROUP BY lineage HAVING revisions > 1",
            doc: "Which projects have another nixpkgs on another machine?",
        },
        Example {
            sql: "SELECT host, path, nixpkgs_rev FROM v1_fleet WHERE lineage = 'git.example.org/mira/website' ORDER BY host, path",
            doc: "Where is a project, and at which nixpkgs?",
        },
    ],
};
