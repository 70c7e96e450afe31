//! What the screens show, as plain rows. Filled by `reader`, drawn by the screens; knows neither SQL nor the terminal.

use std::collections::BTreeMap;

/// The moment that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum At {
    /// The present, live.
    #[default]
    Now,
    /// What was true at a time.
    Occurred(i64),
    /// What the ledger knew at a time.
    Seen(i64),
    /// After the event at a position of this ledger.
    Position(i64),
}

/// The ledger in a few numbers, for the status line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Summary {
    /// The position of the newest event of all; 0 when there is none.
    pub(crate) head: i64,
    /// How many events there are at the moment that is looked at, as the numbers below.
    pub(crate) events: i64,
    pub(crate) flakes: usize,
    pub(crate) problems: usize,
    /// Where synchronisation stands; none when it is off.
    pub(crate) sync: Option<Sync>,
}

/// Where synchronisation stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sync {
    /// The name of the delivery state: `live`.
    pub(crate) state: String,
    /// Why it is blocked.
    pub(crate) reason: Option<String>,
    /// How many events the server lacks.
    pub(crate) backlog: i64,
    /// How many messages could not be taken in.
    pub(crate) parked: usize,
    /// The server, by name and version.
    pub(crate) server: Option<String>,
    pub(crate) connected_since: Option<i64>,
    /// What went wrong last; none when the last attempt worked.
    pub(crate) last_error: Option<String>,
    pub(crate) next_attempt_at: Option<i64>,
}

/// Every machine whose events are here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fleet {
    pub(crate) machines: Vec<Machine>,
    /// By lineage, those without one last.
    pub(crate) flakes: Vec<FleetFlake>,
    pub(crate) parked: Vec<Parked>,
    /// Where this machine's synchronisation stands; none when it is off.
    pub(crate) sync: Option<Sync>,
}

/// One machine of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Machine {
    /// Its public key.
    pub(crate) origin: String,
    pub(crate) host: String,
    pub(crate) user: String,
    pub(crate) own: bool,
    /// `active`, `quarantined`, `blocked` or `retired`.
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) flakes: usize,
    /// The last of what it has shared that is here.
    pub(crate) sequence: i64,
    /// How many of its events are known to be missing.
    pub(crate) behind: i64,
    pub(crate) recorded_at: Option<i64>,
}

/// One flake of any machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FleetFlake {
    pub(crate) id: String,
    pub(crate) lineage: Option<String>,
    pub(crate) origin: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) rev: Option<String>,
    pub(crate) nixpkgs_modified: Option<i64>,
    pub(crate) recorded_at: Option<i64>,
}

/// A message that could not be taken in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parked {
    pub(crate) id: i64,
    pub(crate) origin: Option<String>,
    pub(crate) reason: String,
    pub(crate) since: i64,
}

/// One flake of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FlakeRow {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    pub(crate) lineage: Option<String>,
    pub(crate) inputs: usize,
    pub(crate) nodes: usize,
    /// When the locked nixpkgs was made.
    pub(crate) nixpkgs_modified: Option<i64>,
    pub(crate) problems: usize,
}

/// Everything that is shown about one flake.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Anatomy {
    pub(crate) flake: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) root: Option<String>,
    pub(crate) nodes: BTreeMap<String, Node>,
    /// Node keys of the same source, several to a group.
    pub(crate) duplicates: Vec<Vec<String>>,
    pub(crate) problems: Vec<Problem>,
    /// Newest first.
    pub(crate) changes: Vec<Change>,
}

/// One input as `flake.nix` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Input {
    pub(crate) name: String,
    /// The reference in its short form.
    pub(crate) source: Option<String>,
    pub(crate) follows: Option<String>,
    pub(crate) flake: bool,
    /// False when only `outputs` names it.
    pub(crate) declared: bool,
    /// Input path below this one, and what is said about it.
    pub(crate) overrides: Vec<(String, String)>,
}

/// One node of the lock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Node {
    pub(crate) inputs: Vec<(String, Edge)>,
    /// The lock's own fields, as text, in the lock's order.
    pub(crate) locked: Vec<(String, String)>,
    pub(crate) original: Vec<(String, String)>,
    /// The locked reference in its short form.
    pub(crate) source: Option<String>,
    pub(crate) flake: bool,
    /// When the locked source was made.
    pub(crate) modified: Option<i64>,
    /// Since when the lock says so.
    pub(crate) since: Option<i64>,
}

/// Where an input of a node leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edge {
    /// To a node.
    Node(String),
    /// To whatever another input is: its path from the root; empty for the flake itself.
    Follows(Vec<String>),
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Problem {
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
    pub(crate) severity: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// One change of one input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Change {
    pub(crate) occurred_at: i64,
    pub(crate) input: String,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) author: Option<String>,
    /// The first line of the commit's message.
    pub(crate) summary: Option<String>,
}

/// One event of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct EventRow {
    pub(crate) position: i64,
    pub(crate) occurred_at: i64,
    /// `flake.updated`.
    pub(crate) kind: String,
    pub(crate) stream: String,
    /// What the stream is about, for people: the flake's directory.
    pub(crate) subject: Option<String>,
    /// What happened, in a few words.
    pub(crate) summary: String,
    pub(crate) correlation_id: String,
}

/// Everything about one event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct EventDetail {
    pub(crate) row: EventRow,
    pub(crate) event_id: String,
    pub(crate) version: i64,
    pub(crate) schema_version: i64,
    pub(crate) recorded_at: i64,
    pub(crate) causation_id: String,
    pub(crate) actor: String,
    pub(crate) origin: String,
    /// Canonical JSON.
    pub(crate) payload: String,
    /// The flake that the event is about, when there is one.
    pub(crate) flake_path: Option<String>,
    /// The name of the command that caused it, when this ledger knows.
    pub(crate) command: Option<String>,
    /// Events of the same correlation, oldest first, this one among them; a few of them.
    pub(crate) related: Vec<EventRow>,
}

/// Which events are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct EventFilter {
    pub(crate) kind: Option<String>,
    pub(crate) stream: Option<String>,
    /// Everything about a flake; its id.
    pub(crate) flake: Option<String>,
    pub(crate) correlation: Option<String>,
    /// Text in the payload or the stream.
    pub(crate) text: Option<String>,
    pub(crate) since: Option<i64>,
}

impl EventFilter {
    /// Whether anything is filtered.
    pub(crate) fn is_set(&self) -> bool {
        *self != Self::default()
    }
}

/// Where an event stands: when it happened, then its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Place {
    pub(crate) occurred_at: i64,
    pub(crate) position: i64,
}

impl EventRow {
    /// Where it stands.
    pub(crate) const fn place(&self) -> Place {
        Place { occurred_at: self.occurred_at, position: self.position }
    }
}

/// Which part of the events is asked for, in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// The newest.
    Newest,
    /// The oldest.
    Oldest,
    /// Those just older than an event.
    OlderThan(Place),
    /// Those just newer than an event.
    NewerThan(Place),
    /// That event and so many in all from there: what is held, read again.
    Again(Place, usize),
}

/// One difference between two moments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) what: String,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}
