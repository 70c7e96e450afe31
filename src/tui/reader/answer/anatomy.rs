//! Everything about one flake at one moment, put together from the views.

use rusqlite::Connection;

use super::{SECOND, source};
use crate::domain::Attrs;
use crate::domain::flake::Override;
use crate::domain::id::FlakeId;
use crate::domain::lock;
use crate::store::StoreError;
use crate::store::view::{self, At, HistoryFilter, HistoryRow, InputRow};
use crate::tui::model::{Anatomy, Change, Edge, Input, Node, Problem};

/// How many changes are read.
const CHANGES: usize = 500;

/// Reads a flake.
pub(super) fn read(connection: &Connection, id: FlakeId, at: At) -> Result<Anatomy, StoreError> {
    let inputs = view::inputs(connection, id, at)?;
    let lock = view::lock(connection, id, at)?;
    let groups = view::duplicates(connection, Some(id), at)?;
    let problems = view::problems_of(connection, id, at)?;
    let wanted = HistoryFilter { limit: Some(CHANGES), ..HistoryFilter::default() };
    let history = view::history(connection, Some(id), &wanted, at)?;
    let root = lock.as_ref().map(|lock| lock.root.clone());
    let nodes = lock.into_iter().flat_map(|lock| lock.nodes);
    Ok(Anatomy {
        flake: id.to_string(),
        inputs: inputs.into_iter().map(declared).collect(),
        root,
        nodes: nodes.map(|(key, lock_node)| (key.clone(), node(&key, lock_node, &history))).collect(),
        duplicates: groups.into_iter().flat_map(|row| row.groups).map(|group| group.nodes).collect(),
        problems: problems
            .into_iter()
            .map(|row| Problem {
                file: row.path.text().to_owned(),
                line: row.line,
                severity: row.severity.name().to_owned(),
                code: row.code,
                message: row.message,
            })
            .collect(),
        changes: history.into_iter().map(change).collect(),
    })
}

fn declared(row: InputRow) -> Input {
    let over = |(path, over): (String, Override)| {
        let what = match (over.follows, over.url) {
            (Some(to), _) if to.is_empty() => "follows the flake itself".to_owned(),
            (Some(to), _) => format!("follows {to}"),
            (None, url) => url.unwrap_or_default(),
        };
        (path, what)
    };
    Input {
        source: row.url.or_else(|| row.attrs.as_ref().and_then(source::reference)),
        name: row.name,
        follows: row.follows,
        flake: row.flake,
        declared: row.declared,
        overrides: row.overrides.into_iter().map(over).collect(),
    }
}

fn node(key: &str, node: lock::LockNode, history: &[HistoryRow]) -> Node {
    let edge = |edge| match edge {
        lock::Edge::Node(key) => Edge::Node(key),
        lock::Edge::Follows(path) => Edge::Follows(path),
    };
    let modified = node.locked.as_ref().and_then(|locked| locked.get("lastModified")?.as_i64());
    let came = history.iter().find(|row| row.node == key && row.to.is_some() && row.to == node.locked);
    Node {
        source: node.original.as_ref().or(node.locked.as_ref()).and_then(source::reference),
        inputs: node.inputs.into_iter().map(|(name, to)| (name, edge(to))).collect(),
        locked: node.locked.as_ref().map(without_time).unwrap_or_default(),
        original: node.original.as_ref().map(source::pairs).unwrap_or_default(),
        flake: node.flake,
        modified: modified.map(|seconds| seconds.saturating_mul(SECOND)),
        since: came.map(|row| row.occurred_at),
    }
}

/// The time is shown as a time.
fn without_time(locked: &Attrs) -> Vec<(String, String)> {
    source::pairs(locked).into_iter().filter(|(name, _)| name != "lastModified").collect()
}

fn change(row: HistoryRow) -> Change {
    let side =
        |attrs: Option<Attrs>| attrs.map(|attrs| source::revision(&attrs).unwrap_or_else(|| "unlocked".to_owned()));
    Change {
        occurred_at: row.occurred_at,
        input: row.input,
        from: side(row.from),
        to: side(row.to),
        commit: row.commit,
        author: row.author,
        summary: row.summary,
    }
}
