//! The inputs of a flake as a tree over its lock graph: which rows there are. Draws nothing.

use std::collections::BTreeSet;

use crate::tui::fuzzy;
use crate::tui::model::{Anatomy, Edge, Input, Node};

/// How deep a path through the graph may go: a lock made by hand can hold a circle.
const DEEPEST: usize = 24;
/// How many rows unfolding everything may give.
const MOST: usize = 2_000;

/// One row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The input, as a path from the root: `home-manager/nixpkgs`.
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) depth: usize,
    /// The key of the node that the input really is.
    pub(crate) node: Option<String>,
    /// The input that this one follows; an empty text for the flake itself.
    pub(crate) follows: Option<String>,
    /// Whether it is unfolded; none when there is nothing below.
    pub(crate) open: Option<bool>,
    /// What is wrong or unusual with it.
    pub(crate) state: State,
}

/// What is unusual about an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Plain,
    /// Input, but the lock does not know it.
    NotLocked,
    /// In the lock, but not declared any more.
    NotDeclared,
    /// Only `outputs` names it.
    FromRegistry,
}

/// The visible rows: those below unfolded inputs, or, with a query, every input that it finds.
pub(crate) fn rows(anatomy: &Anatomy, open: &BTreeSet<String>, query: &str) -> Vec<Row> {
    if query.trim().is_empty() {
        return walk(anatomy, &|path| open.contains(path));
    }
    let words = query.trim().to_lowercase();
    let in_source = |row: &Row| source(anatomy, row).to_lowercase().contains(&words);
    let every = walk(anatomy, &|_| true).into_iter();
    let hits = every.filter(|row| fuzzy::matches(query, &row.path) || in_source(row));
    hits.map(|row| Row { depth: 0, open: None, name: row.path.clone(), ..row }).collect()
}

/// The paths of everything that can be unfolded.
pub(crate) fn foldable(anatomy: &Anatomy) -> BTreeSet<String> {
    let every = walk(anatomy, &|_| true);
    every.into_iter().filter(|row| row.open.is_some()).map(|row| row.path).collect()
}

/// The source of a row, as short as it goes.
pub(crate) fn source(anatomy: &Anatomy, row: &Row) -> String {
    let declared = declared(anatomy, row).and_then(|input| input.source.clone());
    declared.or_else(|| node(anatomy, row)?.source.clone()).unwrap_or_default()
}

/// The node of a row.
pub(crate) fn node<'a>(anatomy: &'a Anatomy, row: &Row) -> Option<&'a Node> {
    anatomy.nodes.get(row.node.as_deref()?)
}

/// What `flake.nix` says about a row of the first level.
pub(crate) fn declared<'a>(anatomy: &'a Anatomy, row: &Row) -> Option<&'a Input> {
    anatomy.inputs.iter().find(|input| input.name == row.path)
}

/// Every input path that leads to a node by following, without the paths of the node itself.
pub(crate) fn followers(anatomy: &Anatomy, key: &str) -> Vec<String> {
    let every = walk(anatomy, &|_| true);
    every
        .into_iter()
        .filter(|row| row.follows.is_some() && row.node.as_deref() == Some(key))
        .map(|row| row.path)
        .collect()
}

/// The node at an input path from the root, following wherever an input follows.
pub(crate) fn resolve(anatomy: &Anatomy, path: &[String], fuel: usize) -> Option<String> {
    let fuel = fuel.checked_sub(1)?;
    let mut key = anatomy.root.clone()?;
    for name in path {
        let node = anatomy.nodes.get(&key)?;
        let (_, edge) = node.inputs.iter().find(|(input, _)| input == name)?;
        key = match edge {
            Edge::Node(key) => key.clone(),
            Edge::Follows(to) => resolve(anatomy, to, fuel)?,
        };
    }
    Some(key)
}

fn walk(anatomy: &Anatomy, is_open: &dyn Fn(&str) -> bool) -> Vec<Row> {
    let root = anatomy.root.as_ref().and_then(|key| anatomy.nodes.get(key));
    let locked = |name: &str| root.and_then(|root| root.inputs.iter().find(|(input, _)| input == name));
    let mut out = Vec::new();
    for input in &anatomy.inputs {
        match locked(&input.name) {
            Some((_, edge)) => {
                let state = if input.declared { State::Plain } else { State::FromRegistry };
                push(anatomy, &[], &input.name, edge, state, is_open, &mut out);
            }
            None => out.push(unlocked(input)),
        }
    }
    for (name, edge) in root.into_iter().flat_map(|root| &root.inputs) {
        if !anatomy.inputs.iter().any(|input| input.name == *name) {
            push(anatomy, &[], name, edge, State::NotDeclared, is_open, &mut out);
        }
    }
    out
}

fn unlocked(input: &Input) -> Row {
    Row {
        path: input.name.clone(),
        name: input.name.clone(),
        depth: 0,
        node: None,
        follows: input.follows.clone(),
        open: None,
        state: if input.declared { State::NotLocked } else { State::FromRegistry },
    }
}

fn push(
    anatomy: &Anatomy,
    above: &[String],
    name: &str,
    edge: &Edge,
    state: State,
    is_open: &dyn Fn(&str) -> bool,
    out: &mut Vec<Row>,
) {
    if above.len() >= DEEPEST || out.len() >= MOST {
        return;
    }
    let path: Vec<String> = above.iter().cloned().chain(std::iter::once(name.to_owned())).collect();
    let (key, follows) = match edge {
        Edge::Node(key) => (Some(key.clone()), None),
        Edge::Follows(to) => (resolve(anatomy, to, DEEPEST).filter(|_| !to.is_empty()), Some(to.join("/"))),
    };
    let below = match (&key, &follows) {
        (Some(key), None) => anatomy.nodes.get(key).map(|node| node.inputs.as_slice()).unwrap_or_default(),
        _ => &[],
    };
    let text = path.join("/");
    let open = (!below.is_empty()).then(|| is_open(&text));
    out.push(Row { path: text, name: name.to_owned(), depth: above.len(), node: key, follows, open, state });
    if open == Some(true) {
        for (name, edge) in below {
            push(anatomy, &path, name, edge, State::Plain, is_open, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::sample;

    fn paths(rows: &[Row]) -> Vec<&str> {
        rows.iter().map(|row| row.path.as_str()).collect()
    }

    #[test]
    fn folded_inputs_hide_what_is_below() {
        let anatomy = sample::anatomy();
        let rows = rows(&anatomy, &BTreeSet::new(), "");
        assert_eq!(paths(&rows), ["home-manager", "nixpkgs", "agenix", "utils", "old"]);
        assert_eq!(rows.iter().map(|row| row.open).collect::<Vec<_>>(), [Some(false), None, Some(false), None, None]);
        assert_eq!(rows.last().map(|row| row.state), Some(State::NotDeclared));
        assert_eq!(rows.get(3).map(|row| row.state), Some(State::NotLocked));
    }

    #[test]
    fn unfolding_shows_inputs_and_whom_they_follow() {
        let anatomy = sample::anatomy();
        let rows = rows(&anatomy, &BTreeSet::from(["home-manager".to_owned()]), "");
        let below = rows.get(1);
        assert_eq!(below.map(|row| (row.path.as_str(), row.depth)), Some(("home-manager/nixpkgs", 1)));
        assert_eq!(below.and_then(|row| row.follows.as_deref()), Some("nixpkgs"));
        assert_eq!(below.and_then(|row| row.node.as_deref()), Some("nixpkgs"));
        assert_eq!(followers(&anatomy, "nixpkgs"), ["home-manager/nixpkgs"]);
    }

    #[test]
    fn a_search_looks_into_folded_inputs() {
        let anatomy = sample::anatomy();
        assert_eq!(paths(&rows(&anatomy, &BTreeSet::new(), "agenix/nix")), ["agenix/nixpkgs"]);
        assert_eq!(paths(&rows(&anatomy, &BTreeSet::new(), "NUMTIDE")), ["utils"]);
    }

    #[test]
    fn what_follows_the_flake_itself_leads_on_to_its_inputs() {
        let mut anatomy = sample::anatomy();
        if let Some(agenix) = anatomy.nodes.get_mut("agenix") {
            agenix.inputs.push(("whole".to_owned(), Edge::Follows(Vec::new())));
        }
        let path = ["agenix", "whole", "nixpkgs"].map(str::to_owned);
        assert_eq!(resolve(&anatomy, &path, DEEPEST).as_deref(), Some("nixpkgs"));
    }

    #[test]
    fn a_circle_ends() {
        let mut anatomy = sample::anatomy();
        let circle = Node { inputs: vec![("again".to_owned(), Edge::Node("c".to_owned()))], ..Node::default() };
        anatomy.nodes.insert("c".to_owned(), circle);
        let follows = Edge::Follows(vec!["loop".to_owned()]);
        if let Some(root) = anatomy.nodes.get_mut("root") {
            root.inputs.push(("c".to_owned(), Edge::Node("c".to_owned())));
            root.inputs.push(("loop".to_owned(), follows));
        }
        assert!(walk(&anatomy, &|_| true).len() < MOST);
        assert!(!foldable(&anatomy).is_empty());
    }
}
