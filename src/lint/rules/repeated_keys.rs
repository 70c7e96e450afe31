//! `a.b = 1; a.c = 2; a.d = 3;`

use std::collections::HashMap;

use rnix::ast::{AttrSet, AttrpathValue, HasEntry};
use rnix::{SyntaxKind, SyntaxNode, SyntaxToken, TextRange};
use rowan::GreenNodeData;
use rowan::ast::AstNode;

use super::writing::brief;
use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety, replace};
use crate::syntax::edit::Edit;
use crate::syntax::tree::green;

pub(super) static RULE: Rule = Rule {
    name: "repeated-keys",
    summary: "an attribute that is written in three parts or more",
    why: "One set shows at a glance what belongs together. The fix nests parts that follow each other, with the \
          comments between them; parts that stand apart are left to you. It is for review because the order of a file is \
          a matter of taste.",
    bad: Example::Nix("{\n  a.b = 1;\n  a.c = 2;\n  a.d.e = 3;\n}"),
    good: Example::Nix("{\n  a = {\n    b = 1;\n    c = 2;\n    d.e = 3;\n  };\n}"),
    severity: Severity::Info,
    fix: Safety::Review,
    on: true,
    alike: &[("statix", "repeated_keys")],
    check: Check::Node(&[SyntaxKind::NODE_ATTR_SET], check),
};

const ENOUGH: usize = 3;

fn check(node: &SyntaxNode, report: &mut Report<'_, '_>) {
    // Most sets have too few paths of several names.
    let is_dotted = |binding: &GreenNodeData| {
        green::nodes(binding).next().is_some_and(|(_, path)| green::nodes(path).nth(1).is_some())
    };
    let set = node.green();
    let bindings = || green::nodes(set).filter(|(kind, _)| *kind == SyntaxKind::NODE_ATTRPATH_VALUE);
    if bindings().nth(ENOUGH - 1).is_none() || !bindings().any(|(_, binding)| is_dotted(binding)) {
        return;
    }
    let Some(set) = AttrSet::cast(node.clone()).filter(|set| set.rec_token().is_none()) else { return };
    let mut parts: HashMap<String, Vec<(usize, AttrpathValue)>> = HashMap::new();
    for (at, entry) in set.entries().enumerate() {
        if let Some((key, binding)) =
            AttrpathValue::cast(entry.syntax().clone()).and_then(|entry| Some((key(&entry)?, entry)))
        {
            parts.entry(key).or_default().push((at, binding));
        }
    }
    let mut parts: Vec<_> = parts.into_iter().filter(|(_, parts)| parts.len() >= ENOUGH).collect();
    parts.sort_by_key(|(_, parts)| parts.first().map(|(at, _)| *at));
    for (key, parts) in parts {
        let Some((first, binding)) = parts.first() else { continue };
        if !is_path(binding) {
            continue;
        }
        let together = parts.iter().enumerate().all(|(count, (at, _))| *at == first + count);
        let bindings: Vec<_> = parts.iter().map(|(_, binding)| binding.clone()).collect();
        let edits = (together && bindings.iter().all(is_path)).then(|| nested(&key, &bindings, report)).flatten();
        let range = binding.attrpath().map_or(binding.syntax().text_range(), |path| path.syntax().text_range());
        let message = format!("`{}` is written in {} parts; one set can hold them", brief(&key), parts.len());
        let said = report.at(range, message);
        if let Some(edits) = edits {
            said.fix(edits);
        }
    }
}

/// The first name, when it is written without quotes.
fn key(binding: &AttrpathValue) -> Option<String> {
    let first = binding.attrpath()?.syntax().first_child()?;
    (first.kind() == SyntaxKind::NODE_IDENT).then(|| first.text().to_string())
}

fn is_path(binding: &AttrpathValue) -> bool {
    binding.attrpath().is_some_and(|path| path.attrs().nth(1).is_some())
}

/// Opens a set before the first part, takes the key from each, and closes the set after the last.
fn nested(key: &str, bindings: &[AttrpathValue], report: &Report<'_, '_>) -> Option<Vec<Edit>> {
    let (first, last) = (bindings.first()?.syntax(), bindings.last()?.syntax());
    let indent = indentation(first, report)?;
    let mut edits = Vec::new();
    for binding in bindings {
        let mut names = binding.attrpath()?.syntax().children();
        let (first_name, second_name) = (names.next()?, names.next()?);
        let dropped = TextRange::new(first_name.text_range().start(), second_name.text_range().start());
        if report.text(dropped).contains(['#', '*']) {
            return None;
        }
        let opening = if binding.syntax() == first { format!("{key} = {{\n{indent}  ") } else { String::new() };
        edits.push(replace(dropped, opening));
    }
    edits.extend(deeper(first, last)?);
    let end = TextRange::empty(end_of_line(last)?.text_range().end());
    edits.push(replace(end, format!("\n{indent}}};")));
    Some(edits)
}

/// The white space before a binding that begins its line.
fn indentation(binding: &SyntaxNode, report: &Report<'_, '_>) -> Option<String> {
    let before = report.file.text.get(..usize::from(binding.text_range().start()))?;
    let line = before.get(before.rfind('\n')? + 1..)?;
    line.chars().all(|c| c == ' ').then(|| line.to_owned())
}

/// The last token of the binding, or the comment behind it on its line.
fn end_of_line(binding: &SyntaxNode) -> Option<SyntaxToken> {
    let mut end = binding.last_token();
    let mut next = end.as_ref().and_then(SyntaxToken::next_token);
    while let Some(token) = next {
        match token.kind() {
            SyntaxKind::TOKEN_COMMENT => end = Some(token.clone()),
            SyntaxKind::TOKEN_WHITESPACE if !token.text().contains('\n') => {}
            _ => break,
        }
        next = token.next_token();
    }
    end
}

/// Two blanks more at the beginning of each line after the first; what strings hold stays as it is.
fn deeper(first: &SyntaxNode, last: &SyntaxNode) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    let end = last.last_token()?;
    let mut next = first.first_token();
    while let Some(token) = next {
        if token.kind() == SyntaxKind::TOKEN_WHITESPACE
            && let Some(newline) = token.text().rfind('\n')
        {
            let at = usize::from(token.text_range().start()) + newline + 1;
            edits.push(Edit { start: at, end: at, text: "  ".to_owned() });
        }
        if token == end {
            return Some(edits);
        }
        next = token.next_token();
    }
    None
}
