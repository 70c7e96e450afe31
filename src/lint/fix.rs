//! Mends texts: makes fixes until none is left that may be made.

use super::finding::Finding;
use super::rule::Safety;
use super::{Linter, Rule};
use crate::syntax::edit::{Edit, apply};
use crate::syntax::names::{Meaning, Names};
use crate::syntax::{semantics, tree};

/// Rounds after which a text is left as it is: rules that undo each other's fixes would go on for ever. One that makes the
/// text shorter does not count: a chain of hundreds of links is mended link by link.
const MAX_ROUNDS: usize = 64;
/// Bytes that are looked at in all, at least [`MAX_ROUNDS`] times the text.
const MAX_LOOKED: usize = 64 * 1024 * 1024;

/// A mended text.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// The text as it is now.
    pub text: String,
    /// Which rules' fixes were made, in the order they were.
    pub made: Vec<&'static Rule>,
    /// Fixes that were not made, because Nix would refuse the text afterwards: a fault of the rule.
    pub refused: Vec<&'static Rule>,
}

/// Makes every fix that is at least as safe as `least`, round by round: a fix may open the way for another.
pub fn fix(linter: &Linter, text: &str, least: Safety) -> Fixed {
    fix_as(linter, text, least, false)
}

/// The same for a `flake.nix`, whose `outputs` must take what Nix gives them.
pub fn fix_flake(linter: &Linter, text: &str, least: Safety) -> Fixed {
    fix_as(linter, text, least, true)
}

fn fix_as(linter: &Linter, text: &str, least: Safety, flake: bool) -> Fixed {
    let mut fixed = Fixed { text: text.to_owned(), made: Vec::new(), refused: Vec::new() };
    let most = MAX_LOOKED.max(text.len().saturating_mul(MAX_ROUNDS));
    let (mut rounds, mut looked) = (0, 0);
    while rounds < MAX_ROUNDS && looked <= most {
        let before = fixed.text.len();
        looked += before;
        let tree = tree::parse(&fixed.text);
        if !tree.problems.is_empty() {
            break;
        }
        let findings = super::open(linter.check_as(&tree, &fixed.text, (flake, super::Beside::default())));
        let chosen = choose(&findings, least, &fixed.refused);
        if chosen.is_empty() || !make(&chosen, &mut fixed) {
            break;
        }
        rounds += usize::from(fixed.text.len() >= before);
    }
    fixed
}

/// Fixes that do not touch each other, in the order of the text.
fn choose<'f>(findings: &'f [Finding], least: Safety, refused: &[&'static Rule]) -> Vec<(&'static Rule, &'f [Edit])> {
    let mut chosen: Vec<(&'static Rule, &[Edit])> = Vec::new();
    let mut taken: Vec<(usize, usize)> = Vec::new();
    for finding in findings {
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safety <= least) else { continue };
        if refused.iter().any(|rule| rule.name == finding.rule.name) {
            continue;
        }
        let touches = |edit: &Edit| taken.iter().rev().any(|&(start, end)| edit.start <= end && start <= edit.end);
        if !fix.edits.is_empty() && !fix.edits.iter().any(touches) {
            taken.extend(fix.edits.iter().map(|edit| (edit.start, edit.end)));
            chosen.push((finding.rule, &fix.edits));
        }
    }
    chosen
}

/// All at once; when the text is broken then, one by one, so that the fault is known. False when nothing was made.
fn make(chosen: &[(&'static Rule, &[Edit])], fixed: &mut Fixed) -> bool {
    let all: Vec<Edit> = chosen.iter().flat_map(|(_, edits)| edits.iter().cloned()).collect();
    if let Some(text) = sound(&fixed.text, &all) {
        fixed.text = text;
        fixed.made.extend(chosen.iter().map(|(rule, _)| *rule));
        return true;
    }
    for (rule, edits) in chosen {
        if let Some(text) = sound(&fixed.text, edits) {
            fixed.text = text;
            fixed.made.push(rule);
            return true;
        }
        fixed.refused.push(rule);
    }
    false
}

/// The changed text, when it changed and Nix finds nothing in it to refuse that was not there before.
fn sound(text: &str, edits: &[Edit]) -> Option<String> {
    let changed = apply(text, edits).ok().filter(|changed| changed != text)?;
    let after = refusals(&changed)?;
    (after == 0 || refusals(text).is_some_and(|before| after <= before)).then_some(changed)
}

/// For how many reasons Nix refuses a text; none when it cannot be parsed.
fn refusals(text: &str) -> Option<usize> {
    let tree = tree::parse(text);
    if !tree.problems.is_empty() {
        return None;
    }
    let names = Names::of(&tree, text);
    let undefined = names.uses.iter().filter(|name| name.meaning == Meaning::Undefined).count();
    Some(undefined + semantics::problems(&tree, text).len())
}
