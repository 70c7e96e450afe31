//! Brings every node to the rules that look at its kind: one walk for all of them.

use std::collections::{HashMap, HashSet};

use rnix::ast::AttrpathValue;
use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::beside::Linked;
use super::call::{self, Call};
use super::finding::Finding;
use super::flake::{FlakeReport, FlakeView};
use super::report::{File, Report};
use super::rule::{Check, Rule, Selection};
use super::rules::RULES;
use crate::syntax::links::{self, Link};
use crate::syntax::{Problem, flake, semantics};

type OnNode = (&'static Rule, fn(&SyntaxNode, &mut Report<'_, '_>));
type OnCall = (&'static Rule, fn(&Call, &mut Report<'_, '_>));
type OnBinding = (&'static Rule, fn(&AttrpathValue, &mut Report<'_, '_>));
type OnFile = (&'static Rule, fn(&mut Report<'_, '_>));
type OnLink = (&'static Rule, fn(&Link, &Linked, &mut Report<'_, '_>));
type OnFlake = (&'static Rule, fn(&FlakeView<'_>, &mut FlakeReport<'_>));

/// The wanted rules, by what they look at.
#[derive(Default)]
pub(super) struct Dispatch {
    nodes: Vec<Vec<OnNode>>,
    calls: HashMap<&'static str, Vec<OnCall>>,
    bindings: HashMap<&'static str, Vec<OnBinding>>,
    files: Vec<OnFile>,
    links: Vec<OnLink>,
    pub(super) flakes: Vec<OnFlake>,
    reading: Vec<&'static Rule>,
    flake_reading: Vec<&'static Rule>,
    /// Their names, with whether only a flake shows them.
    wanted: HashMap<&'static str, bool>,
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").field("wanted", &self.wanted.len()).finish_non_exhaustive()
    }
}

impl Dispatch {
    pub(super) fn new(selection: &Selection) -> Self {
        let mut dispatch = Self::default();
        for rule in RULES.iter().copied().filter(|rule| selection.wants(rule)) {
            dispatch.add(rule);
        }
        dispatch
    }

    fn add(&mut self, rule: &'static Rule) {
        match rule.check {
            Check::Node(kinds, check) => kinds.iter().for_each(|kind| self.on_kind(*kind, (rule, check))),
            Check::Call(names, check) => {
                for name in names {
                    self.calls.entry(name).or_default().push((rule, check));
                }
            }
            Check::Binding(names, check) => {
                for name in names {
                    self.bindings.entry(name).or_default().push((rule, check));
                }
            }
            Check::File(check) => self.files.push((rule, check)),
            Check::Link(check) => self.links.push((rule, check)),
            Check::Flake(check) => self.flakes.push((rule, check)),
            Check::Reading => self.reading.push(rule),
            Check::FlakeReading => self.flake_reading.push(rule),
            Check::Scan => return,
        }
        self.wanted.insert(rule.name, matches!(rule.check, Check::Flake(_) | Check::FlakeReading));
    }

    fn on_kind(&mut self, kind: SyntaxKind, check: OnNode) {
        let at = kind as usize;
        if self.nodes.len() <= at {
            self.nodes.resize_with(at + 1, Vec::new);
        }
        if let Some(rules) = self.nodes.get_mut(at) {
            rules.push(check);
        }
    }

    /// Everything the rules find in one text, in no order. A text that is broken is told so, and little else: what
    /// stands beside a fault is not what the writer meant.
    pub(super) fn run(&self, file: &File<'_>) -> Vec<Finding> {
        let mut out = Vec::new();
        self.say(&file.tree.problems, file, &mut out);
        if file.tree.problems.is_empty() {
            self.look(file, &mut out);
        }
        out
    }

    /// What the rules find in a text that has no faults.
    pub(super) fn look(&self, file: &File<'_>, out: &mut Vec<Finding>) {
        let mut refused = semantics::Found::new(file.tree, file.text);
        for node in file.tree.root().syntax().descendants() {
            refused.look(&node);
            for (rule, check) in self.on(node.kind()) {
                check(&node, &mut Report { file, rule, out });
            }
            match node.kind() {
                SyntaxKind::NODE_APPLY => self.call(&node, file, out),
                SyntaxKind::NODE_ATTRPATH_VALUE => self.binding(&node, file, out),
                _ => {}
            }
        }
        self.say(&refused.in_order(), file, out);
        for (rule, check) in &self.files {
            check(&mut Report { file, rule, out });
        }
        self.links(file, out);
        keep_the_closer(out);
    }

    /// The files that the text imports, when there is somebody who has them.
    fn links(&self, file: &File<'_>, out: &mut Vec<Finding>) {
        let Some(ask) = file.beside.ask().filter(|_| !self.links.is_empty()) else { return };
        for link in links::of(file.tree, file.text, file.names) {
            let linked = ask(&link);
            for (rule, check) in &self.links {
                check(&link, &linked, &mut Report { file, rule, out });
            }
        }
    }

    fn call(&self, node: &SyntaxNode, file: &File<'_>, out: &mut Vec<Finding>) {
        let Some(call) = Call::of(node) else { return };
        for (rule, check) in self.calls.get(call.name()).map(Vec::as_slice).unwrap_or_default() {
            check(&call, &mut Report { file, rule, out });
        }
    }

    fn binding(&self, node: &SyntaxNode, file: &File<'_>, out: &mut Vec<Finding>) {
        let Some(name) = node.first_child().and_then(|path| call::last_name(&path)?.first_token()) else { return };
        let rules = self.bindings.get(name.text()).map(Vec::as_slice).unwrap_or_default();
        let Some(binding) = AttrpathValue::cast(node.clone()).filter(|_| !rules.is_empty()) else { return };
        for (rule, check) in rules {
            check(&binding, &mut Report { file, rule, out });
        }
    }

    /// Whether a rule looks at this text, by its name; those on flakes do when it is one, those on links when there are files.
    /// None does at a text that makes no sense.
    pub(super) fn looks_at(&self, name: &str, file: &File<'_>) -> bool {
        let alone = file.beside.ask().is_none() && self.links.iter().any(|(rule, _)| rule.name == name);
        let is_flake = || file.flake && flake::read_tree(file.tree).is_understood();
        let looks = self.wanted.get(name).is_some_and(|of_flakes| !of_flakes || is_flake());
        looks && !alone && file.tree.problems.is_empty()
    }

    /// The wanted rule of that name among those that reading reports.
    pub(super) fn reading(&self, name: &str) -> Option<&'static Rule> {
        self.reading.iter().copied().find(|rule| rule.name == name)
    }

    /// The wanted rule of that name among those that reading a flake reports.
    pub(super) fn flake_reading(&self, name: &str) -> Option<&'static Rule> {
        self.flake_reading.iter().copied().find(|rule| rule.name == name).or_else(|| self.reading(name))
    }

    fn on(&self, kind: SyntaxKind) -> &[OnNode] {
        self.nodes.get(kind as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// What reading found, each under the rule of its code.
    fn say(&self, problems: &[Problem], file: &File<'_>, out: &mut Vec<Finding>) {
        for problem in problems {
            let Some(rule) = self.reading(problem.code) else { continue };
            let range = problem.span.map_or_else(TextRange::default, |span| {
                let to = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).into();
                TextRange::new(to(span.start), to(span.end))
            });
            Report { file, rule, out }.at(range, problem.message.clone());
        }
    }
}

/// What one rule says in general is left out where another says more of the same place.
fn keep_the_closer(findings: &mut Vec<Finding>) {
    const CLOSER: (&str, &str) = ("undefined-name", "builtin-needs-prefix");
    let closer: HashSet<usize> =
        findings.iter().filter(|finding| finding.rule.name == CLOSER.1).map(|finding| finding.start).collect();
    if !closer.is_empty() {
        findings.retain(|finding| finding.rule.name != CLOSER.0 || !closer.contains(&finding.start));
    }
}
