//! The fingerprint of a finding: rule, the attribute path around it, the text it is about without white space, and which of
//! several alike it is. It stays when lines move and when other parts of the file change.

use std::collections::HashMap;

use rnix::{SyntaxNode, TextRange, ast};
use rowan::ast::AstNode;

use super::finding::Finding;
use super::report::File;

/// Longer texts than this are told apart by their beginning.
const MAX_TEXT: usize = 400;

/// Numbers findings that are alike, in the order of the text; those that have a fingerprint keep it.
pub(super) fn number(file: &File<'_>, findings: &mut [Finding]) {
    let mut alike: HashMap<String, u32> = HashMap::new();
    for finding in findings.iter_mut().filter(|finding| finding.fingerprint.is_empty()) {
        let seed = format!("{}\0{}\0{}", finding.rule.name, path(file, finding.start), normalised(file, finding));
        let occurrence = alike.entry(seed.clone()).and_modify(|seen| *seen += 1).or_insert(1);
        let hash = blake3::hash(format!("{seed}\0{occurrence}").as_bytes()).to_hex();
        finding.fingerprint = format!("{}:{}", finding.rule.name, hash.get(..16).unwrap_or_default());
    }
}

/// The names of the bindings around a place, the outermost first.
fn path(file: &File<'_>, at: usize) -> String {
    let Ok(at) = u32::try_from(at) else { return String::new() };
    let around = file.node_at(TextRange::at(at.into(), 1.into()));
    let around = around.into_iter().flat_map(|node| node.ancestors());
    let mut names: Vec<String> = around.filter_map(|node| name(&node)).collect();
    names.reverse();
    names.join(".")
}

fn name(node: &SyntaxNode) -> Option<String> {
    let binding = ast::AttrpathValue::cast(node.clone())?;
    Some(binding.attrpath()?.syntax().text().to_string())
}

fn normalised(file: &File<'_>, finding: &Finding) -> String {
    let text = file.text.get(finding.start..finding.end).unwrap_or_default();
    text.split_whitespace().flat_map(str::chars).take(MAX_TEXT).collect()
}
