//! The arguments that `outputs` names, kept in step with the inputs.

use std::ops::Range;

use rnix::{SyntaxKind, SyntaxNode, ast};
use rowan::ast::AstNode;

use super::layout::{Layout, bytes};
use super::written::{
    has_comment, indent, is_first, is_identifier, is_last, line_after, line_end, line_start, stop_before, with_comment,
};
use super::{Edit, Note};

/// What a change of the inputs means for the arguments.
pub(super) struct Change {
    pub(super) edits: Vec<Edit>,
    pub(super) note: Option<Note>,
}

impl Change {
    fn none(note: Option<Note>) -> Self {
        Self { edits: Vec::new(), note }
    }
}

/// Names a new input among the arguments, when they are all named.
pub(super) fn add(text: &str, layout: &Layout, name: &str) -> Change {
    let name = name.to_owned();
    let lambda = match outputs(layout) {
        Outputs::Missing => return Change::none(None),
        Outputs::Elsewhere => return Change::none(Some(Note::OutputsElsewhere { name })),
        Outputs::Function(lambda) => lambda,
    };
    let Some(pattern) = pattern(&lambda) else { return Change::none(None) };
    if pattern.entries.iter().any(|entry| entry.name == name) {
        return Change::none(None);
    }
    if pattern.open {
        return Change::none(Some(Note::ArgumentsOpen { name }));
    }
    if !is_identifier(&name) {
        return Change::none(Some(Note::NoArgument { name }));
    }
    Change { edits: pattern.with(text, &name), note: None }
}

/// Takes an input out of the arguments, and says where it is still used once this and the other `edits` are made.
pub(super) fn remove(text: &str, layout: &Layout, name: &str, mut edits: Vec<Edit>) -> Change {
    let name = name.to_owned();
    let lambda = match outputs(layout) {
        Outputs::Missing => return Change { edits, note: None },
        Outputs::Elsewhere => return Change { edits, note: Some(Note::OutputsElsewhere { name }) },
        Outputs::Function(lambda) => lambda,
    };
    let pattern = pattern(&lambda);
    let uses = uses(&lambda, &name, pattern.as_ref());
    edits.extend(pattern.map(|pattern| pattern.without(text, &name)).unwrap_or_default());
    // Whoever is told opens the file as it is by then.
    let mut lines: Vec<u32> = uses.into_iter().map(|at| line_after(text, &edits, at)).collect();
    lines.dedup();
    let note = (!lines.is_empty()).then_some(Note::StillUsed { name, lines });
    Change { edits, note }
}

enum Outputs {
    Missing,
    Elsewhere,
    Function(ast::Lambda),
}

fn outputs(layout: &Layout) -> Outputs {
    let mut sites = layout.sites.iter().filter(|site| site.path == ["outputs"]);
    match sites.next().map(|site| &site.value) {
        None => Outputs::Missing,
        Some(Some(ast::Expr::Lambda(lambda))) => Outputs::Function(lambda.clone()),
        Some(_) => Outputs::Elsewhere,
    }
}

/// Arguments in braces.
struct Pattern {
    entries: Vec<Entry>,
    /// Whether any others are taken as well.
    open: bool,
    /// The name that stands for all of them.
    all: Option<String>,
    /// Just behind the opening brace.
    start: usize,
}

struct Entry {
    name: String,
    range: Range<usize>,
    /// The comma behind it.
    comma: Option<Range<usize>>,
}

fn pattern(lambda: &ast::Lambda) -> Option<Pattern> {
    let Some(ast::Param::Pattern(written)) = lambda.param() else { return None };
    let name = |ident: Option<ast::Ident>| Some(ident?.ident_token()?.text().to_owned());
    let mut entries: Vec<Entry> = Vec::new();
    let mut start = None;
    for child in written.syntax().children_with_tokens() {
        let range = bytes(child.text_range());
        match child {
            rnix::NodeOrToken::Node(node) => {
                let Some(entry) = ast::PatEntry::cast(node) else { continue };
                entries.push(Entry { name: name(entry.ident())?, range, comma: None });
            }
            rnix::NodeOrToken::Token(token) => match token.kind() {
                SyntaxKind::TOKEN_L_BRACE => start = Some(range.end),
                SyntaxKind::TOKEN_COMMA => {
                    if let Some(entry) = entries.last_mut().filter(|entry| entry.comma.is_none()) {
                        entry.comma = Some(range);
                    }
                }
                _ => {}
            },
        }
    }
    let all = written.pat_bind().and_then(|bind| name(bind.ident()));
    Some(Pattern { entries, open: written.ellipsis_token().is_some(), all, start: start? })
}

impl Pattern {
    fn with(&self, text: &str, name: &str) -> Vec<Edit> {
        let Some((last, before)) = self.entries.split_last() else {
            let blank = text.get(self.start..).is_some_and(|rest| rest.starts_with([' ', '\t', '\r', '\n']));
            return vec![Edit::insert(self.start, if blank { format!(" {name}") } else { name.to_owned() })];
        };
        let end = last.comma.as_ref().map_or(last.range.end, |comma| comma.end);
        let newline = format!("{}{}", line_end(text), indent(text, last.range.start));
        if with_comment(text, end) > end {
            let comma = if last.comma.is_some() { "," } else { "" };
            let line = Edit::insert(with_comment(text, end), format!("{newline}{name}{comma}"));
            let missing = last.comma.is_none().then(|| Edit::insert(last.range.end, ","));
            return missing.into_iter().chain([line]).collect();
        }
        let between = before.last().and_then(|entry| text.get(entry.range.end..last.range.start));
        let between = match between.filter(|between| !has_comment(between)) {
            Some(between) => between.to_owned(),
            None if is_first(text, last.range.start) => format!(",{newline}"),
            None => ", ".to_owned(),
        };
        vec![Edit::insert(last.range.end, format!("{between}{name}"))]
    }

    fn without(&self, text: &str, name: &str) -> Vec<Edit> {
        let Some(at) = self.entries.iter().position(|entry| entry.name == name) else { return Vec::new() };
        let (Some(entry), before) = (self.entries.get(at), at.checked_sub(1).and_then(|at| self.entries.get(at)))
        else {
            return Vec::new();
        };
        let end = entry.comma.as_ref().map_or(entry.range.end, |comma| comma.end);
        let gap = before.and_then(|before| text.get(before.range.end..entry.range.start));
        match (before, gap) {
            (Some(before), Some(gap)) if !has_comment(gap) => vec![Edit::remove(before.range.end, entry.range.end)],
            (Some(before), _) => Self::between_comments(text, before, entry, end),
            (None, _) => vec![self.first(text, entry, end)],
        }
    }

    /// Comments of the entry before stay, and the comma there when it is needed.
    fn between_comments(text: &str, before: &Entry, entry: &Entry, end: usize) -> Vec<Edit> {
        let end = with_comment(text, end);
        let own_line = is_first(text, entry.range.start) && is_last(text, end);
        let start = stop_before(text, line_start(text, entry.range.start)).filter(|_| own_line);
        let line = Edit::remove(start.unwrap_or(entry.range.start), end);
        let comma = before.comma.clone().filter(|_| entry.comma.is_none());
        comma.map(|comma| Edit::remove(comma.start, comma.end)).into_iter().chain([line]).collect()
    }

    fn first(&self, text: &str, entry: &Entry, end: usize) -> Edit {
        let rest = text.get(end..).unwrap_or_default();
        if self.entries.len() == 1 && !self.open {
            let before = text.get(self.start..entry.range.start).unwrap_or_default();
            let start = if before.trim().is_empty() { self.start } else { entry.range.start };
            return Edit::remove(start, end);
        }
        let next = end + (rest.len() - rest.trim_start().len());
        let commented = rest.trim_start().starts_with(['#', '/']);
        Edit::remove(entry.range.start, if commented { with_comment(text, end) } else { next })
    }
}

/// Where the body of a function uses an argument, in bytes.
fn uses(lambda: &ast::Lambda, name: &str, pattern: Option<&Pattern>) -> Vec<usize> {
    let all = match lambda.param() {
        Some(ast::Param::IdentParam(param)) => param.ident().and_then(|ident| ident.ident_token()),
        _ => None,
    };
    let all = all.map(|token| token.text().to_owned()).or_else(|| pattern?.all.clone());
    let named = pattern.is_some_and(|pattern| pattern.entries.iter().any(|entry| entry.name == name));
    let Some(body) = lambda.body() else { return Vec::new() };
    body.syntax()
        .descendants()
        .filter(|node| (named && is_use(node, name)) || all.as_deref().is_some_and(|all| is_selected(node, all, name)))
        .map(|node| bytes(node.text_range()).start)
        .collect()
}

/// Whether a node is the name, used as a value or inherited.
fn is_use(node: &SyntaxNode, name: &str) -> bool {
    let is_name = ast::Ident::cast(node.clone()).and_then(|ident| ident.ident_token());
    let above = node.parent().map(|parent| parent.kind());
    let inherited_from = || node.parent().and_then(ast::Inherit::cast).is_some_and(|inherit| inherit.from().is_some());
    is_name.is_some_and(|token| token.text() == name)
        && match above {
            Some(SyntaxKind::NODE_ATTRPATH | SyntaxKind::NODE_PAT_ENTRY | SyntaxKind::NODE_IDENT_PARAM) => false,
            Some(SyntaxKind::NODE_INHERIT) => !inherited_from(),
            _ => true,
        }
}

/// Whether a node is `all.name`.
fn is_selected(node: &SyntaxNode, all: &str, name: &str) -> bool {
    let Some(select) = ast::Select::cast(node.clone()) else { return false };
    let of_all = select.expr().is_some_and(|expr| expr.syntax().text() == all);
    let first = select.attrpath().and_then(|path| path.attrs().next());
    of_all && first.and_then(|attr| crate::syntax::tree::attr_name(&attr)).is_some_and(|found| found == name)
}
