//! The tables of the projection `inputs`, and what scripts see of them.

use crate::store::projection::view::columns;
use crate::store::projection::{Example, Keeps, Table, View};

pub(super) static INPUTS: Table = Table {
    name: "inputs",
    key: &["flake TEXT", "name TEXT"],
    values: &[
        "url TEXT",
        "attrs TEXT",
        "follows TEXT",
        "is_flake INTEGER NOT NULL",
        "overrides TEXT NOT NULL",
        "declared INTEGER NOT NULL",
        "node TEXT",
    ],
    stream: "'flake/' || t.flake",
    keeps: Keeps::Intervals,
    indexes: &[],
    past_indexes: &[],
};

/// One row a flake; no root key without a lock.
pub(super) static LOCKS: Table = Table {
    name: "locks",
    key: &["flake TEXT"],
    values: &["version INTEGER", "root TEXT"],
    stream: "'flake/' || t.flake",
    keeps: Keeps::Intervals,
    indexes: &[],
    past_indexes: &[],
};

pub(super) static LOCK_NODES: Table = Table {
    name: "lock_nodes",
    key: &["flake TEXT", "key TEXT"],
    values: &[
        "path TEXT",
        "is_root INTEGER NOT NULL",
        "is_nixpkgs INTEGER NOT NULL",
        "identity TEXT",
        "inputs TEXT NOT NULL",
        "locked TEXT",
        "original TEXT",
        "is_flake INTEGER NOT NULL",
        "parent TEXT",
        "last_modified INTEGER",
    ],
    stream: "'flake/' || t.flake",
    keeps: Keeps::Intervals,
    indexes: &[],
    past_indexes: &[],
};

pub(super) const VIEWS: &[View] = &[
    View {
        name: "v1_inputs",
        doc: "The inputs of the flakes now: what flake.nix says, and what the lock makes of it.",
        columns: columns! {
            "flake" id "The flake.";
            "name" text "The input.";
            "url" text "URL as written; NULL in attribute form.";
            "attrs" json "Attribute form; NULL without one.";
            "follows" text "Input path that it follows, `''` for the flake itself; NULL without `follows`.";
            "is_flake" bool "0 when the source is no flake (`flake = false`).";
            "overrides" json "What is said about inputs of this input, by path: `{\"nixpkgs\":{\"follows\":\"nixpkgs\"}}`.";
            "declared" bool "0 when only `outputs` names it.";
            "node" text "Key of the lock node that it really is, `follows` included; NULL when it is not locked.";
            "locked" json "The lock's own fields of that node; NULL when it is not locked.";
            "since" time "Since when flake.nix says so.";
        },
        sql: "
SELECT i.flake, i.name, i.url, i.attrs, i.follows, i.is_flake, i.overrides, i.declared, i.node, n.locked,
       {time i.valid_from}
FROM {inputs} i LEFT JOIN {lock_nodes} n ON n.flake = i.flake AND n.key = i.node",
        examples: &[
            Example {
                sql: "SELECT f.path, i.name FROM v1_inputs i JOIN v1_flakes f ON f.id = i.flake WHERE i.node IS NULL",
                doc: "Which inputs are not in the lock?",
            },
            Example {
                sql: "SELECT json_extract(locked, '$.rev') AS rev, count(*) FROM v1_inputs WHERE name = 'nixpkgs' \
                      GROUP BY rev ORDER BY 2 DESC",
                doc: "How many revisions of nixpkgs are in use?",
            },
        ],
    },
    View {
        name: "v1_lock_nodes",
        doc: "The nodes of the flakes' locks now, the roots left out.",
        columns: columns! {
            "flake" id "The flake.";
            "key" text "Key of the node: a label, another one may mean it tomorrow.";
            "path" text "Canonical input path, as in `home-manager/nixpkgs`; NULL when no input leads to it.";
            "type" text "Kind of source: `github`, `git`, `path` and so on; NULL when it is not locked.";
            "owner" text "Owner at the forge; NULL elsewhere.";
            "repo" text "Repository at the forge; NULL elsewhere.";
            "rev" text "Revision; NULL without one.";
            "ref" text "Branch or tag that was asked for; NULL when none was.";
            "url" text "URL; NULL at a forge.";
            "nar_hash" text "Hash of the source tree; NULL without one.";
            "last_modified" integer "When the source was last modified, in seconds since 1970 UTC; NULL when unknown.";
            "locked" json "All fields of what was locked; NULL when it is not locked.";
            "original" json "All fields of what was asked for; NULL when the lock does not say.";
            "is_flake" bool "0 when the source is no flake.";
            "identity" text "The repository whatever its revision, as in `github:nixos/nixpkgs`; NULL when it has none.";
            "inputs" json "Its own inputs: name to key, or to the input path that is followed.";
            "since" time "Since when the lock says so.";
        },
        sql: "
SELECT flake, key, path, locked ->> '$.type', locked ->> '$.owner', locked ->> '$.repo', locked ->> '$.rev',
       coalesce(original ->> '$.ref', locked ->> '$.ref'), locked ->> '$.url', locked ->> '$.narHash', last_modified,
       locked, original, is_flake, identity, inputs, {time valid_from}
FROM {lock_nodes} WHERE is_root = 0",
        examples: &[Example {
            sql: "SELECT f.path, n.path FROM v1_lock_nodes n JOIN v1_flakes f ON f.id = n.flake \
                  WHERE n.rev = '0000000000000000000000000000000000000000'",
            doc: "Which flakes pin this revision, and through which input?",
        }],
    },
    View {
        name: "v1_duplicates",
        doc: "Repositories that the lock of one flake holds more than once.",
        columns: columns! {
            "flake" id "The flake.";
            "key" text "The repository, as in `github:nixos/nixpkgs`.";
            "nodes" json "Keys of its nodes, in order.";
            "count" integer "How many they are.";
        },
        sql: "
SELECT flake, identity, json_group_array(key), count(*)
FROM (SELECT flake, identity, key FROM {lock_nodes}
      WHERE is_root = 0 AND path IS NOT NULL AND identity IS NOT NULL ORDER BY flake, identity, key)
GROUP BY flake, identity HAVING count(*) > 1",
        examples: &[Example {
            sql: "SELECT f.path, d.key, d.count FROM v1_duplicates d JOIN v1_flakes f ON f.id = d.flake \
                  ORDER BY d.count DESC LIMIT 10",
            doc: "Which flakes fetch one repository most often?",
        }],
    },
];
