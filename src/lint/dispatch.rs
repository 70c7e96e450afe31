//! Brings every node to the rules that look at its kind: one walk for all of them.

use std::collections::HashSet;

use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::finding::Finding;
use super::report::{File, Report};
use super::rule::{Check, Rule, Selection};
use super::rules::RULES;
use crate::syntax::{Problem, semantics};

type OnNode = (&'static Rule, fn(&SyntaxNode, &mut Report<'_, '_>));
type OnFile = (&'static Rule, fn(&mut Report<'_, '_>));

/// The wanted rules, by what they look at.
pub(super) struct Dispatch {
    nodes: Vec<Vec<OnNode>>,
    files: Vec<OnFile>,
    reading: Vec<&'static Rule>,
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl Dispatch {
    pub(super) fn new(selection: &Selection) -> Self {
        let mut dispatch = Self { nodes: Vec::new(), files: Vec::new(), reading: Vec::new() };
        for rule in RULES.iter().copied().filter(|rule| selection.wants(rule)) {
            match rule.check {
                Check::Node(kinds, check) => {
                    for kind in kinds {
                        let at = *kind as usize;
                        if dispatch.nodes.len() <= at {
                            dispatch.nodes.resize_with(at + 1, Vec::new);
                        }
                        if let Some(rules) = dispatch.nodes.get_mut(at) {
                            rules.push((rule, check));
                        }
                    }
                }
                Check::File(check) => dispatch.files.push((rule, check)),
                Check::Reading => dispatch.reading.push(rule),
            }
        }
        dispatch
    }

    /// Everything the rules find in one text, in no order. A text that is broken is told so, and little else: what
    /// stands beside a fault is not what the writer meant.
    pub(super) fn run(&self, file: &File<'_>) -> Vec<Finding> {
        let mut out = Vec::new();
        self.say(&file.tree.problems, file, &mut out);
        if !file.tree.problems.is_empty() {
            return out;
        }
        self.say(&semantics::problems(file.tree, file.text), file, &mut out);
        for node in file.tree.root().syntax().descendants() {
            for (rule, check) in self.on(node.kind()) {
                check(&node, &mut Report { file, rule, out: &mut out });
            }
        }
        for (rule, check) in &self.files {
            check(&mut Report { file, rule, out: &mut out });
        }
        keep_the_closer(&mut out);
        out
    }

    /// Whether a rule looks at texts here, by its name.
    pub(super) fn wants(&self, name: &str) -> bool {
        let of = |rule: &&'static Rule| rule.name == name;
        self.reading(name).is_some()
            || self.files.iter().any(|(rule, _)| of(rule))
            || self.nodes.iter().flatten().any(|(rule, _)| of(rule))
    }

    /// The wanted rule of that name among those that reading reports.
    pub(super) fn reading(&self, name: &str) -> Option<&'static Rule> {
        self.reading.iter().copied().find(|rule| rule.name == name)
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
