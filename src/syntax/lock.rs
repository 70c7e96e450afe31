//! A `flake.lock` as text, read into nodes and edges whatever state it is in.
//!
//! Knows the lock format, versions 5 to 7; what the edges mean together is for [`super::graph`]. Never fails: what is
//! wrong becomes a [`Problem`], the rest is still read.

use std::collections::{BTreeMap, HashSet};

use super::{Attrs, Problem, Span};
use json::{Fields, Json, Piece, Places, Text};

mod conflict;
mod json;
mod links;

pub(super) use links::Links;
pub use links::ResolveError;

/// The versions Nix reads; only the last one is written by a current Nix.
const SUPPORTED: std::ops::RangeInclusive<u64> = 5..=7;

/// A lock file as it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockFile {
    /// The format version the text claims.
    pub version: Option<u64>,
    /// Key of the root node; `root` when the text does not say.
    pub root: String,
    /// All nodes by key, unreachable ones too. Keys are labels without meaning: `nixpkgs_2` may be another node tomorrow.
    pub nodes: BTreeMap<String, Node>,
    /// What is wrong with the text, in reading order.
    pub problems: Vec<Problem>,
}

/// One node: a flake or source tree, with the inputs it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where each input leads, by input name.
    pub inputs: BTreeMap<String, Edge>,
    /// What was fetched, with the `info` of version 5 merged in; the root has none.
    pub locked: Option<Attrs>,
    /// What was asked for.
    pub original: Option<Attrs>,
    /// False when the input is a plain source tree.
    pub flake: bool,
    /// For a relative `path:` input: the input path of the flake it is relative to (`[]` is the root).
    pub parent: Option<Vec<String>>,
    /// Fields this version does not know, such as `buildTime`.
    pub extra: Attrs,
    /// Where the node's key stands; none for a node that was not read from a text.
    pub span: Option<Span>,
}

/// A flake without inputs that nothing is known of.
impl Default for Node {
    fn default() -> Self {
        Self {
            inputs: BTreeMap::new(),
            locked: None,
            original: None,
            flake: true,
            parent: None,
            extra: Attrs::new(),
            span: None,
        }
    }
}

/// Where an input leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edge {
    /// To the node with this key.
    Node(String),
    /// To whatever stands at this input path, seen from the root; `[]` is the root itself.
    Follows(Vec<String>),
}

/// The code of a text that is no JSON as a whole: of its nodes there are those before the fault.
pub const SYNTAX: &str = "lock-syntax";
/// The codes of all that is wrong with a text that cannot be read as a whole.
pub const FAULTS: &[&str] = &[SYNTAX, "conflict-markers"];

/// With these nodes are missing that were meant to be there, or are those of one side of a conflict.
const NOT_UNDERSTOOD: &[&str] = &[SYNTAX, "lock-shape", "lock-missing-root", "conflict-markers"];

impl LockFile {
    /// Whether the text is a lock as a whole. What was read of another one is a help to people, and no fact.
    pub fn is_understood(&self) -> bool {
        !self.nodes.is_empty() && !self.problems.iter().any(|problem| NOT_UNDERSTOOD.contains(&problem.code))
    }
}

/// Reads the text of a `flake.lock`.
///
/// Problem codes: `lock-syntax`, `lock-version`, `lock-shape`, `lock-duplicate-key`, `lock-missing-root`,
/// `lock-missing-node`, `follows-missing`, `follows-cycle`, `conflict-markers`.
pub fn read(text: &str) -> LockFile {
    // Nix passes over a byte order mark. Blanks of its length keep all places as they are.
    let blanked = text.strip_prefix('\u{feff}').map(|rest| format!("   {rest}"));
    let text = blanked.as_deref().unwrap_or(text);
    let mut problems = Vec::new();
    let ours = conflict::ours(text);
    if let Some(ours) = &ours {
        problems.push(Problem {
            code: "conflict-markers",
            span: Some(ours.span),
            message:
                "flake.lock holds merge conflict markers, so Nix cannot read it; only our side was read: take one \
                      side with `git checkout --ours flake.lock`, then run `nix flake lock`"
                    .to_owned(),
        });
    }
    let text = ours.as_ref().map_or(text, |ours| ours.text.as_str());
    let (mut top, mut reader) = Reader::parse(text, None);
    if reader.escaped {
        (top, reader) = Reader::parse(text, Some(json::node_spans(text)));
    }
    match top {
        Ok(top) => reader.top(top, problems),
        Err(problem) => {
            problems.push(problem);
            reader.before_the_fault(problems)
        }
    }
}

/// Takes the nodes one by one while the text is parsed, so that no tree of the whole text is ever held.
struct Reader<'t> {
    places: Places<'t>,
    /// Where each node stands, when that was found out beforehand; for keys with escapes, which Nix never writes.
    spans: Option<Vec<Span>>,
    next: usize,
    /// Whether a key could not be placed.
    escaped: bool,
    nodes: Vec<(String, Node)>,
    /// The keys of `nodes`, kept from the first one on that is not greater than the one before.
    keys: HashSet<String>,
    file: LockFile,
}

impl<'t> Reader<'t> {
    /// What stands outside of the nodes; the nodes before the fault are taken also where there is one.
    fn parse(text: &'t str, spans: Option<Vec<Span>>) -> (Result<Json<'t>, Problem>, Self) {
        let mut reader = Self {
            places: Places::of(text),
            spans,
            next: 0,
            escaped: false,
            nodes: Vec::new(),
            keys: HashSet::new(),
            file: LockFile::default(),
        };
        let top = json::parse(text, &mut |piece| reader.take(piece));
        (top, reader)
    }

    fn take(&mut self, piece: Piece<'t>) {
        match piece {
            Piece::Begin => {
                self.next = 0;
                self.nodes.clear();
                self.keys.clear();
                self.file.problems.clear();
            }
            Piece::Node(key, value) => {
                let span = self.span(&key);
                let key = key.into_string();
                if self.stands_already(&key) {
                    self.duplicate(span, &key, "`nodes`");
                }
                match value {
                    Json::Object(fields) => {
                        let node = self.node(&key, fields, span);
                        if !self.keys.is_empty() {
                            self.keys.insert(key.clone());
                        }
                        self.nodes.push((key, node));
                    }
                    _ => self.wrong(span, &format!("node `{key}` of flake.lock is not an object")),
                }
            }
        }
    }

    fn span(&mut self, key: &Text<'t>) -> Option<Span> {
        let found = match &self.spans {
            Some(spans) => spans.get(self.next).copied(),
            None => self.places.of_key(key),
        };
        self.next += 1;
        self.escaped |= found.is_none();
        found
    }

    fn stands_already(&mut self, key: &str) -> bool {
        if self.keys.is_empty() {
            if self.nodes.last().is_none_or(|(last, _)| last.as_str() < key) {
                return false;
            }
            self.keys = self.nodes.iter().map(|(key, _)| key.clone()).collect();
        }
        self.keys.contains(key)
    }

    fn top(mut self, json: Json<'t>, problems: Vec<Problem>) -> LockFile {
        let of_nodes = std::mem::replace(&mut self.file.problems, problems);
        let Json::Object(fields) = json else {
            self.wrong(None, "flake.lock is not a JSON object");
            return LockFile { root: "root".to_owned(), ..self.file };
        };
        let mut root = None;
        self.duplicates(&fields, None, || "flake.lock".to_owned());
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("version", Json::Number(number)) => self.file.version = number.as_u64(),
                ("version", _) => self.wrong(None, "the `version` of flake.lock is not a number"),
                ("root", Json::Text(key)) => root = Some(key.into_string()),
                ("root", _) => self.wrong(None, "the `root` of flake.lock is not a string"),
                ("nodes", value) if !matches!(value, Json::Object(_)) => {
                    self.wrong(None, "`nodes` of flake.lock is not an object");
                }
                _ => {}
            }
        }
        self.version();
        self.file.problems.extend(of_nodes);
        let nodes = std::mem::take(&mut self.nodes);
        if self.keys.is_empty() {
            self.file.nodes = nodes.into_iter().collect();
        } else {
            // One by one, so that of a key that stands twice the last wins.
            self.file.nodes.extend(nodes);
        }
        self.root(root);
        links::check(&mut self.file);
        self.file
    }

    /// The nodes that are whole in a text that is not. Where they lead is not looked at: that may have stood behind the fault.
    fn before_the_fault(self, mut problems: Vec<Problem>) -> LockFile {
        problems.extend(self.file.problems);
        LockFile { root: "root".to_owned(), nodes: self.nodes.into_iter().collect(), problems, ..LockFile::default() }
    }

    fn version(&mut self) {
        let message = match self.file.version {
            Some(version) if SUPPORTED.contains(&version) => return,
            Some(version) if version < *SUPPORTED.start() => format!(
                "flake.lock has version {version}, which no current Nix reads; delete it and run `nix flake lock`"
            ),
            Some(version) => format!(
                "flake.lock has version {version}, newer than the 7 known here; it was read as far as it looks the same"
            ),
            None => "flake.lock does not say its version; delete it and run `nix flake lock`".to_owned(),
        };
        self.file.problems.push(Problem { code: "lock-version", span: None, message });
    }

    fn root(&mut self, root: Option<String>) {
        let stated = root.is_some();
        self.file.root = root.unwrap_or_else(|| "root".to_owned());
        let found = self.file.nodes.contains_key(&self.file.root);
        // Before version 5 a lock had neither root nor nodes.
        let has_root = self.file.version.is_none_or(|version| version >= *SUPPORTED.start());
        if !(stated && found) && (stated || has_root) {
            let key = &self.file.root;
            let what =
                if stated { format!("its root node `{key}` is missing") } else { "no `root` is named".to_owned() };
            let message = format!("flake.lock cannot be followed from its root: {what}; run `nix flake lock`");
            self.file.problems.push(Problem { code: "lock-missing-root", span: None, message });
        }
    }

    fn node(&mut self, key: &str, fields: Fields<'t>, span: Option<Span>) -> Node {
        let at = Place { key, span };
        let mut node = Node { span, ..Node::default() };
        let mut info = None;
        self.duplicates(&fields, span, || format!("node `{key}`"));
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("inputs", Json::Object(entries)) => node.inputs = self.edges(&at, entries),
                ("locked", Json::Object(entries)) => node.locked = Some(self.attrs(&at, "locked", entries)),
                ("original", Json::Object(entries)) => node.original = Some(self.attrs(&at, "original", entries)),
                ("info", Json::Object(entries)) => info = Some(self.attrs(&at, "info", entries)),
                ("flake", Json::Bool(flake)) => node.flake = flake,
                ("parent", Json::List(names)) => node.parent = self.path(&at, "parent", names),
                ("inputs" | "locked" | "original" | "info" | "flake" | "parent", _) => {
                    let name = name.as_str();
                    self.wrong(span, &format!("`{name}` of node `{key}` of flake.lock has a shape Nix does not read"));
                }
                (_, value) => drop(node.extra.insert(name.into_string(), value.into_value())),
            }
        }
        if let Some(info) = info {
            node.locked.get_or_insert_default().extend(info);
        }
        node
    }

    fn edges(&mut self, at: &Place<'_>, entries: Fields<'t>) -> BTreeMap<String, Edge> {
        let mut edges = BTreeMap::new();
        self.duplicates(&entries, at.span, || format!("the inputs of node `{}`", at.key));
        for (name, value) in entries {
            let name = name.into_string();
            let edge = match value {
                Json::Text(key) => Some(Edge::Node(key.into_string())),
                Json::List(names) => self.path(at, &name, names).map(Edge::Follows),
                _ => {
                    let key = at.key;
                    self.wrong(at.span, &format!("input `{name}` of node `{key}` of flake.lock leads nowhere"));
                    None
                }
            };
            edges.extend(edge.map(|edge| (name, edge)));
        }
        edges
    }

    fn path(&mut self, at: &Place<'_>, what: &str, names: Vec<Json<'t>>) -> Option<Vec<String>> {
        let text = |name| if let Json::Text(name) = name { Some(name.into_string()) } else { None };
        let path: Option<_> = names.into_iter().map(text).collect();
        if path.is_none() {
            let key = at.key;
            self.wrong(at.span, &format!("`{what}` of node `{key}` of flake.lock is not a list of input names"));
        }
        path
    }

    fn attrs(&mut self, at: &Place<'_>, what: &str, entries: Fields<'t>) -> Attrs {
        self.duplicates(&entries, at.span, || format!("`{what}` of node `{}`", at.key));
        let mut attrs = Attrs::new();
        for (name, value) in entries {
            attrs.insert(name.into_string(), value.into_value());
        }
        attrs
    }

    /// Reports every name that stands more than once; that the last one wins, as in Nix, is the caller's part.
    fn duplicates(&mut self, fields: &Fields<'t>, span: Option<Span>, place: impl Fn() -> String) {
        // As Nix writes them: in the order of their names, each once.
        if fields.is_sorted_by(|(name, _), (next, _)| name.as_str() < next.as_str()) {
            return;
        }
        let mut names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            if let [name, next] = pair
                && name == next
            {
                self.duplicate(span, name, &place());
            }
        }
    }

    fn duplicate(&mut self, span: Option<Span>, name: &str, place: &str) {
        let message =
            format!("`{name}` stands twice in {place} of flake.lock; Nix takes the last, run `nix flake lock`");
        self.file.problems.push(Problem { code: "lock-duplicate-key", span, message });
    }

    fn wrong(&mut self, span: Option<Span>, what: &str) {
        let message = format!("{what}; run `nix flake lock` to write it anew");
        self.file.problems.push(Problem { code: "lock-shape", span, message });
    }
}

struct Place<'k> {
    key: &'k str,
    span: Option<Span>,
}

#[cfg(test)]
mod tests;
