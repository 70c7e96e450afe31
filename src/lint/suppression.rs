//! Comments that say that a finding is meant: `# cim-nix: allow(rule, rule) why until 2027-01-01`.
//!
//! After code it covers what begins on its line; on a line of its own, the whole construct that follows, so at the top
//! of a file the file. `# deadnix: skip` is honoured as `allow` of the rules on unused names.

use rnix::{SyntaxNode, SyntaxToken, TextRange, TextSize};
use rowan::ast::AstNode;

use super::dispatch::Dispatch;
use super::finding::{Finding, Meant};
use super::report::{File, Report};
use super::rule::Rule;

const MARK: &str = "cim-nix:";
const DEADNIX: &str = "deadnix: skip";
/// What `deadnix` looks for.
const UNUSED: &[&str] = &["unused-let", "unused-inherit", "unused-argument", "unused-formal", "unused-whole-argument"];

/// One comment, as far as it is understood.
struct Suppression {
    comment: TextRange,
    covers: TextRange,
    rules: Vec<String>,
    why: String,
    until: Option<String>,
    used: bool,
}

/// Marks what is suppressed, and says what is wrong with the comments that do so. What is found in a `flake.lock`
/// `beside` the text, where no comment can stand, is covered by what covers the beginning of the text.
pub(super) fn apply(
    file: &File<'_>,
    today: &str,
    dispatch: &Dispatch,
    findings: &mut Vec<Finding>,
    beside: &mut [Finding],
) {
    if !file.text.contains(MARK) && !file.text.contains(DEADNIX) {
        return;
    }
    let mut all = Vec::new();
    let root = file.tree.root().syntax();
    let comments = root.descendants_with_tokens().filter_map(rnix::NodeOrToken::into_token);
    for comment in comments.filter(|token| token.kind() == rnix::SyntaxKind::TOKEN_COMMENT) {
        match read(&comment, file) {
            Some(Ok(suppression)) => all.push(suppression),
            Some(Err(message)) => say(file, dispatch, "suppression-malformed", comment.text_range(), message, findings),
            None => {}
        }
    }
    let alive = |suppression: &Suppression| suppression.until.as_deref().is_none_or(|until| today <= until);
    let mut meant = |rule: &Rule, start: usize| {
        let mut meant = None;
        for suppression in all.iter_mut().filter(|suppression| suppression.covers(rule, start)) {
            suppression.used = true;
            if alive(suppression) {
                meant.get_or_insert_with(|| suppression.meant());
            }
        }
        meant
    };
    for finding in findings.iter_mut() {
        finding.meant = meant(finding.rule, finding.start);
    }
    for finding in beside {
        finding.meant = meant(finding.rule, 0);
    }
    for suppression in &all {
        judge(suppression, alive(suppression), file, dispatch, findings);
    }
}

impl Suppression {
    fn meant(&self) -> Meant {
        Meant { why: self.why.clone(), until: self.until.clone() }
    }

    fn covers(&self, rule: &Rule, start: usize) -> bool {
        let start = u32::try_from(start).map_or(TextSize::from(u32::MAX), TextSize::from);
        self.covers.contains(start) && self.rules.iter().any(|name| name == rule.name)
    }
}

fn judge(said: &Suppression, alive: bool, file: &File<'_>, dispatch: &Dispatch, findings: &mut Vec<Finding>) {
    if let Some(unknown) = said.rules.iter().find(|name| Rule::named(name).is_none()) {
        let message = format!("`{unknown}` is no rule; `cim-nix explain` lists those there are");
        say(file, dispatch, "suppression-malformed", said.comment, message, findings);
    }
    if !alive {
        let until = said.until.as_deref().unwrap_or_default();
        let message = format!("this was allowed until {until}; mend what it covers, or say anew how long it is meant");
        say(file, dispatch, "suppression-expired", said.comment, message, findings);
    } else if !said.used && said.rules.iter().all(|name| dispatch.looks_at(name, file)) {
        let message = format!("nothing of {} is found here any more; remove the comment", said.rules.join(", "));
        say(file, dispatch, "suppression-unused", said.comment, message, findings);
    }
    if said.why.is_empty() {
        let message = "say why this is allowed, as in `allow(rule) the name is public`".to_owned();
        say(file, dispatch, "suppression-without-reason", said.comment, message, findings);
    }
}

fn say(file: &File<'_>, dispatch: &Dispatch, rule: &str, at: TextRange, message: String, out: &mut Vec<Finding>) {
    if let Some(rule) = dispatch.reading(rule) {
        Report { file, rule, out }.at(at, message);
    }
}

/// None when the comment is about something else.
fn read(comment: &SyntaxToken, file: &File<'_>) -> Option<Result<Suppression, String>> {
    let text = comment.text().trim_start_matches(['#', '/', '*']).trim_end_matches(['*', '/']).trim();
    let said = |rules: Vec<String>, why: &str, until: Option<String>, used| Suppression {
        comment: comment.text_range(),
        covers: covered(comment, file),
        rules,
        why: why.to_owned(),
        until,
        used,
    };
    if text.starts_with(DEADNIX) {
        // What another tool is told is not ours to judge.
        let rules = UNUSED.iter().map(|name| (*name).to_owned()).collect();
        return Some(Ok(said(rules, "deadnix", None, true)));
    }
    let rest = text.strip_prefix(MARK)?.trim();
    let Some((rules, rest)) = rest.strip_prefix("allow(").and_then(|rest| rest.split_once(')')) else {
        return Some(
            Err("write `cim-nix: allow(rule) why`, or `cim-nix: allow(rule) why until 2027-01-01`".to_owned()),
        );
    };
    let rules: Vec<String> =
        rules.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if rules.is_empty() {
        return Some(Err("name the rules that are allowed here, as in `allow(unused-let)`".to_owned()));
    }
    let (why, until) = ending(rest.trim());
    Some(Ok(said(rules, why, until, false)))
}

/// Splits `why until 2027-01-01`.
fn ending(text: &str) -> (&str, Option<String>) {
    let Some((why, day)) = text.rsplit_once("until ") else { return (text, None) };
    if is_day(day.trim()) { (why.trim(), Some(day.trim().to_owned())) } else { (text, None) }
}

fn is_day(text: &str) -> bool {
    let shape = text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    shape && text.len() == 10
}

/// After code: the line. Alone on its line: the largest construct that begins with the next word.
fn covered(comment: &SyntaxToken, file: &File<'_>) -> TextRange {
    let at = usize::from(comment.text_range().start());
    let begin = file.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    if file.text.get(begin..at).is_some_and(|before| !before.trim().is_empty()) {
        return to_range(begin, at);
    }
    let next =
        std::iter::successors(comment.next_token(), SyntaxToken::next_token).find(|token| !token.kind().is_trivia());
    let Some(next) = next else { return comment.text_range() };
    let start = next.text_range().start();
    let around = next.parent().into_iter().flat_map(|node| node.ancestors());
    let largest = around.take_while(|node| first_word(node) == Some(start)).last();
    largest.map_or_else(|| next.text_range(), |node| node.text_range())
}

/// Where the first word of a node stands that is not white space or a comment.
fn first_word(node: &SyntaxNode) -> Option<TextSize> {
    let tokens = std::iter::successors(node.first_token(), SyntaxToken::next_token);
    Some(tokens.into_iter().find(|token| !token.kind().is_trivia())?.text_range().start())
}

fn to_range(start: usize, end: usize) -> TextRange {
    let to = |at: usize| TextSize::from(u32::try_from(at).unwrap_or(u32::MAX));
    TextRange::new(to(start), to(end))
}
