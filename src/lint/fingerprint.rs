//! The fingerprint of a finding: rule, the attribute path around it, the text it is about without white space, and which of
//! several alike it is. It stays when lines move and when other parts of the file change.

use std::collections::HashMap;

use rnix::{TextRange, ast};
use rowan::ast::AstNode;

use super::finding::Finding;
use super::report::File;

/// Longer texts than this are told apart by their beginning.
const MAX_TEXT: usize = 400;

/// Numbers findings that are alike, in the order of the text; those that have a fingerprint keep it.
pub(super) fn number(file: &File<'_>, findings: &mut [Finding]) {
    let mut alike: HashMap<String, u32> = HashMap::new();
    if findings.iter().all(|finding| !finding.fingerprint.is_empty()) {
        return;
    }
    let paths = paths(file, findings);
    for (finding, path) in findings.iter_mut().zip(paths).filter(|(finding, _)| finding.fingerprint.is_empty()) {
        let seed = format!("{}\0{path}\0{}", finding.rule.name, normalised(file, finding));
        let occurrence = alike.entry(seed.clone()).and_modify(|seen| *seen += 1).or_insert(1);
        let hash = blake3::hash(format!("{seed}\0{occurrence}").as_bytes()).to_hex();
        finding.fingerprint = format!("{}:{}", finding.rule.name, hash.get(..16).unwrap_or_default());
    }
}

/// The names of the bindings around each finding, the outermost first. One walk for all: to look from the root for each
/// would take as long as the widest set is wide.
fn paths(file: &File<'_>, findings: &[Finding]) -> Vec<String> {
    let to = |range: TextRange| (usize::from(range.start()), usize::from(range.end()));
    let nodes = file.tree.root().syntax().descendants().filter_map(ast::AttrpathValue::cast);
    let mut bindings = nodes
        .filter_map(|binding| Some((to(binding.syntax().text_range()), binding.attrpath()?.syntax().text_range())))
        .peekable();
    let mut around: Vec<((usize, usize), TextRange)> = Vec::new();
    let mut paths = Vec::with_capacity(findings.len());
    for finding in findings {
        while let Some(binding) = bindings.next_if(|((start, _), _)| *start <= finding.start) {
            around.retain(|((_, end), _)| *end > binding.0.0);
            around.push(binding);
        }
        around.retain(|((_, end), _)| *end > finding.start);
        paths.push(around.iter().map(|(_, name)| file.slice(*name)).collect::<Vec<_>>().join("."));
    }
    paths
}

fn normalised(file: &File<'_>, finding: &Finding) -> String {
    let text = file.text.get(finding.start..finding.end).unwrap_or_default();
    text.split_whitespace().flat_map(str::chars).take(MAX_TEXT).collect()
}
