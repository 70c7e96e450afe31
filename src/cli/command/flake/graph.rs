//! `flake graph`: the locked inputs of a flake as a picture's source, a tree or JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::answer::{Answer, Page};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::selector;
use crate::cli::table::clean;
use crate::cli::text::source;
use crate::domain::Attrs;
use crate::domain::lock::{Edge, Lock};
use crate::store::view;

/// How far `follows` is followed: longer chains are loops.
const FOLLOWS: usize = 64;

#[derive(Debug, clap::Args)]
pub(super) struct Graph {
    /// A path, an id, the beginning of one, or the name of its directory
    #[arg(value_name = "FLAKE", default_value = ".")]
    flake: OsString,
    /// How the graph is written
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,
}

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For Graphviz
    Dot,
    /// For Mermaid, as in Markdown
    Mermaid,
    /// A tree for people
    Text,
    /// A JSON document
    Json,
}

impl Graph {
    pub(super) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        let wants_json = matches!(context.printer.format(), Format::Json | Format::Jsonl);
        if let Some(form) = self.form.filter(|form| wants_json && *form != Form::Json) {
            let form = form.to_possible_value().map_or_else(String::new, |form| form.get_name().to_owned());
            return Err(Failure::new(Kind::Usage, format!("`--as {form}` is no JSON, which was asked for as well"))
                .hinted("leave out one of them"));
        }
        let reading = context.read()?;
        let flake = selector::flake(&reading, &self.flake, &context.directory)?;
        let lock = view::lock(&reading.ledger.reader, flake.id, reading.at)?.ok_or_else(|| {
            Failure::new(Kind::Refused, format!("`{}` has no lock that could be read", flake.path))
                .hinted("`nix flake lock` makes one; then scan again")
        })?;
        let drawing = Drawing::of(&lock);
        let text = match self.form {
            Some(Form::Dot) => drawing.dot(),
            Some(Form::Mermaid) => drawing.mermaid(),
            Some(Form::Text) => drawing.text(),
            Some(Form::Json) => return context.printer.json(&crate::cli::answer::Document::of(&drawing)),
            None if context.printer.format() == Format::Human => drawing.text(),
            None => return context.printer.answer(&drawing),
        };
        context.printer.text(&text)
    }
}

/// `cim-nix/flake-graph/1`.
#[derive(Debug, Serialize)]
struct Drawing {
    root: String,
    nodes: Vec<Node>,
}

#[derive(Debug, Serialize)]
struct Node {
    key: String,
    locked: Option<Attrs>,
    inputs: BTreeMap<String, Target>,
}

/// Where an input leads.
#[derive(Debug, Serialize)]
struct Target {
    /// The node it really is; absent when `follows` leads nowhere.
    node: Option<String>,
    /// The input path that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<String>,
}

impl Drawing {
    fn of(lock: &Lock) -> Self {
        let mut resolver = Resolver { lock, known: BTreeMap::new() };
        let mut nodes = Vec::with_capacity(lock.nodes.len());
        for (key, node) in &lock.nodes {
            let mut inputs = BTreeMap::new();
            for (name, edge) in &node.inputs {
                inputs.insert(name.clone(), Target::of(edge, resolver.edge(key, name, 0)));
            }
            nodes.push(Node { key: key.clone(), locked: node.locked.clone(), inputs });
        }
        Self { root: lock.root.clone(), nodes }
    }

    /// Every input of every node: the node's number, the input's name, the number of the node it leads to, and whether it
    /// follows. What leads nowhere leads to the number behind the last.
    fn edges(&self) -> impl Iterator<Item = (usize, &str, usize, bool)> {
        let numbers: BTreeMap<&str, usize> =
            self.nodes.iter().enumerate().map(|(number, node)| (node.key.as_str(), number)).collect();
        let number = move |target: &Target| target.node.as_deref().and_then(|key| numbers.get(key).copied());
        let edges = self
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(from, node)| node.inputs.iter().map(move |(name, target)| (from, name.as_str(), target)));
        edges.map(move |(from, name, target)| {
            (from, name, number(target).unwrap_or(self.nodes.len()), target.follows.is_some())
        })
    }

    /// The labels of all nodes; with one for what leads nowhere, where something does.
    fn labels(&self, separator: &str) -> impl Iterator<Item = String> {
        let nowhere = self.edges().any(|(_, _, to, _)| to == self.nodes.len()).then(|| "leads nowhere".to_owned());
        self.nodes.iter().map(move |node| node.label(separator)).chain(nowhere)
    }

    fn dot(&self) -> String {
        let mut text = "digraph inputs {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
        for (number, label) in self.labels("\n").enumerate() {
            let _ = writeln!(text, "  n{number} [label=\"{}\"];", escape_dot(&label));
        }
        for (from, name, to, follows) in self.edges() {
            let style = if follows { ", style=dashed" } else { "" };
            let _ = writeln!(text, "  n{from} -> n{to} [label=\"{}\"{style}];", escape_dot(name));
        }
        text.push_str("}\n");
        text
    }

    fn mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (number, label) in self.labels("<br>").enumerate() {
            let _ = writeln!(text, "  n{number}[\"{}\"]", escape_mermaid(&label));
        }
        for (from, name, to, follows) in self.edges() {
            let arrow = if follows { "-.->" } else { "-->" };
            let _ = writeln!(text, "  n{from} {arrow}|\"{}\"| n{to}", escape_mermaid(name));
        }
        text
    }

    /// A tree from the root; what was drawn before, and what follows another input, is named and not drawn again.
    fn text(&self) -> String {
        let mut text = String::from("inputs\n");
        let by_key: BTreeMap<&str, &Node> = self.nodes.iter().map(|node| (node.key.as_str(), node)).collect();
        let mut drawn = BTreeSet::new();
        // (node, next input, prefix), deepest last: locks may be nested deeper than the stack is.
        let mut stack = vec![(by_key.get(self.root.as_str()).copied(), 0_usize, String::new())];
        while let Some((node, index, prefix)) = stack.pop() {
            let Some(node) = node else { continue };
            let Some((name, target)) = node.inputs.iter().nth(index) else { continue };
            let last = index + 1 == node.inputs.len();
            let below = target.node.as_deref().and_then(|key| by_key.get(key).copied());
            let (branch, indent) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
            let again = target.follows.is_none() && below.is_some_and(|node| !drawn.insert(node.key.as_str()));
            let _ = writeln!(text, "{prefix}{branch}{}", clean(&target.sentence(name, below, again)));
            stack.push((Some(node), index + 1, prefix.clone()));
            if target.follows.is_none() && !again {
                stack.push((below, 0, format!("{prefix}{indent}")));
            }
        }
        text
    }
}

impl Target {
    fn of(edge: &Edge, node: Option<&str>) -> Self {
        let follows = match edge {
            Edge::Node(_) => None,
            Edge::Follows(path) => Some(path.join("/")),
        };
        Self { node: node.map(str::to_owned), follows }
    }

    fn sentence(&self, name: &str, node: Option<&Node>, again: bool) -> String {
        let locked = node.and_then(|node| node.locked.as_ref()).map(source);
        match (&self.follows, locked) {
            (Some(path), _) if path.is_empty() => format!("{name} follows the flake itself"),
            (Some(path), _) if self.node.is_none() => format!("{name} follows {path}, which leads nowhere"),
            (Some(path), _) => format!("{name} follows {path}"),
            (None, Some(locked)) if again => format!("{name} {locked} (see above)"),
            (None, Some(locked)) => format!("{name} {locked}"),
            (None, None) => format!("{name} not locked"),
        }
    }
}

impl Node {
    fn label(&self, separator: &str) -> String {
        let locked = self.locked.as_ref().map(|locked| format!("{separator}{}", source(locked)));
        format!("{}{}", self.key, locked.unwrap_or_default())
    }
}

/// Finds the nodes that inputs really are; each edge once, however often others follow it.
struct Resolver<'l> {
    lock: &'l Lock,
    known: BTreeMap<(&'l str, &'l str), Option<&'l str>>,
}

impl<'l> Resolver<'l> {
    /// The node at the end of an input of a node; the empty path is the flake itself.
    fn edge(&mut self, key: &'l str, name: &'l str, depth: usize) -> Option<&'l str> {
        let path = match self.lock.nodes.get(key)?.inputs.get(name)? {
            Edge::Node(key) => return Some(key),
            Edge::Follows(path) => path,
        };
        if let Some(known) = self.known.get(&(key, name)) {
            return *known;
        }
        if depth > FOLLOWS {
            return None;
        }
        // Whoever comes back here while it is being looked for goes round in a circle.
        self.known.insert((key, name), None);
        let end = path.iter().try_fold(self.lock.root.as_str(), |key, name| self.edge(key, name, depth + 1));
        self.known.insert((key, name), end);
        end
    }
}

fn escape_dot(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn escape_mermaid(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace("&lt;br>", "<br>").replace('\n', " ")
}

impl Answer for Drawing {
    const NAME: &'static str = "flake-graph";
    type Record = Node;

    fn records(&self) -> &[Node] {
        &self.nodes
    }

    fn cells(node: &Node) -> Vec<String> {
        let target =
            |(name, target): (&String, &Target)| format!("{name}={}", target.node.as_deref().unwrap_or_default());
        let locked = node.locked.as_ref().map(source).unwrap_or_default();
        [node.key.clone(), locked].into_iter().chain(node.inputs.iter().map(target)).collect()
    }

    fn page(&self, page: &mut Page) {
        page.verbatim(&self.text());
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::lock::LockNode;

    use super::*;

    fn node(inputs: &[(&str, Edge)]) -> LockNode {
        let inputs = inputs.iter().map(|(name, edge)| ((*name).to_owned(), edge.clone())).collect();
        LockNode { inputs, flake: true, ..LockNode::default() }
    }

    fn lock(nodes: &[(&str, LockNode)]) -> Lock {
        let nodes = nodes.iter().map(|(key, node)| ((*key).to_owned(), node.clone())).collect();
        Lock { version: Some(7), root: "root".into(), nodes }
    }

    fn to(key: &str) -> Edge {
        Edge::Node(key.into())
    }

    fn follows(path: &[&str]) -> Edge {
        Edge::Follows(path.iter().map(|name| (*name).into()).collect())
    }

    #[test]
    fn follows_lead_to_the_node_they_mean_and_loops_end() {
        let lock = lock(&[
            (
                "root",
                node(&[
                    ("a", to("a")),
                    ("n", to("n")),
                    ("x", follows(&["a", "n"])),
                    ("l", follows(&["m"])),
                    ("m", follows(&["l"])),
                ]),
            ),
            ("a", node(&[("n", follows(&["n"])), ("gone", follows(&[]))])),
            ("n", node(&[])),
        ]);
        let drawing = Drawing::of(&lock);
        let root = drawing.nodes.iter().find(|node| node.key == "root").unwrap();
        assert_eq!(root.inputs["x"].node.as_deref(), Some("n"));
        assert_eq!(root.inputs["l"].node, None);
        let text = drawing.text();
        assert!(text.contains("l follows m, which leads nowhere"), "{text}");
        assert!(text.contains("│   ├── gone follows the flake itself"), "{text}");
    }

    #[test]
    fn an_input_that_follows_nothing_is_the_flake_itself_as_for_nix() {
        let lock = lock(&[("root", node(&[("a", to("a"))])), ("a", node(&[("gone", follows(&[]))]))]);
        let drawing = Drawing::of(&lock);
        assert_eq!(drawing.nodes[0].inputs["gone"].node.as_deref(), Some("root"));
    }

    #[test]
    fn every_form_tells_every_edge() {
        // Given inputs that are locked, and that follow another, the flake itself, and nothing that there is
        let lock = lock(&[
            ("root", node(&[("a", to("a")), ("n", to("n")), ("l", follows(&["m"])), ("lost", to("lost"))])),
            ("a", node(&[("n", follows(&["n"])), ("gone", follows(&[]))])),
            ("n", node(&[])),
        ]);
        let drawing = Drawing::of(&lock);
        // Then each is told once, whatever the form
        let written = |text: &str, mark: &str| text.lines().filter(|line| line.contains(mark)).count();
        let json = serde_json::to_value(&drawing).unwrap();
        let nodes = json["nodes"].as_array().unwrap();
        assert_eq!(nodes.iter().map(|node| node["inputs"].as_object().unwrap().len()).sum::<usize>(), 6);
        assert_eq!(written(&drawing.text(), "── "), 6, "{}", drawing.text());
        let (dot, mermaid) = (drawing.dot(), drawing.mermaid());
        assert_eq!((written(&dot, " -> "), written(&mermaid, "->|")), (6, 6), "{dot}{mermaid}");
        assert!(dot.contains("n0 -> n2 [label=\"gone\", style=dashed]"), "{dot}");
        assert!(dot.contains("n3 [label=\"leads nowhere\"]") && dot.contains("n2 -> n3 [label=\"lost\"]"), "{dot}");
        assert!(mermaid.contains("n2 -.->|\"l\"| n3"), "{mermaid}");
    }

    #[test]
    fn paths_that_double_at_every_step_are_resolved_at_once() {
        let names: Vec<String> = (0..60).map(|number| format!("x{number}")).collect();
        let mut inputs = vec![("x0", to("root"))];
        inputs.extend(names.windows(2).map(|pair| (pair[1].as_str(), follows(&[&pair[0], &pair[0]]))));
        let drawing = Drawing::of(&lock(&[("root", node(&inputs))]));
        assert_eq!(drawing.nodes[0].inputs["x59"].node.as_deref(), Some("root"));
    }

    #[test]
    fn a_lock_that_contains_itself_is_drawn_once() {
        let lock =
            lock(&[("root", node(&[("a", to("a"))])), ("a", node(&[("b", to("b"))])), ("b", node(&[("a", to("a"))]))]);
        let text = Drawing::of(&lock).text();
        assert_eq!(text.lines().count(), 4, "{text}");
    }

    #[test]
    fn names_cannot_break_out_of_their_label() {
        let lock = lock(&[("root", node(&[("a\"]; x", to("k\"<b>"))])), ("k\"<b>", node(&[]))]);
        let drawing = Drawing::of(&lock);
        assert!(drawing.dot().contains(r#"label="k\"<b>""#));
        assert!(drawing.mermaid().contains("[\"k&quot;&lt;b>\"]"));
    }
}
