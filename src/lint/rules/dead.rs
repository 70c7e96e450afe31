//! What the rules on bindings of `let` share: saying which are dead, and taking them out. Finds nothing itself.

use std::collections::HashMap;

use rnix::SyntaxKind::{NODE_INHERIT, NODE_INHERIT_FROM};
use rnix::{SyntaxNode, TextRange};

use super::certain::node_at;
use crate::lint::{Report, replace};
use crate::syntax::edit::Edit;
use crate::syntax::names::{Binder, Dead, DefinitionId, Meaning};

/// Bindings that use each other in larger circles are left for a person to take out.
const MAX_CIRCLE: usize = 16;

/// How what is written for one binding is taken out.
type TakeOut = fn(&Report<'_, '_>, DefinitionId) -> Vec<Edit>;

/// Reports the dead bindings that are bound like this; those that stand or fall together are taken out together.
pub(super) fn report_dead(report: &mut Report<'_, '_>, binder: Binder, take_out: TakeOut) {
    if !report.names().definitions.iter().any(|definition| definition.binder == binder) {
        return;
    }
    let dead = report.names().dead();
    let by_id: HashMap<DefinitionId, &Dead> = dead.iter().map(|dead| (dead.id, dead)).collect();
    for Dead { id, users } in &dead {
        let Some(definition) = report.names().definition(*id).filter(|definition| definition.binder == binder) else {
            continue;
        };
        let message = match users.iter().find_map(|user| report.names().definition(*user)) {
            None => format!("`{}` is never used", definition.name),
            Some(user) => format!("`{}` is used only by `{}`, which is not used either", definition.name, user.name),
        };
        let edits: Option<Vec<Edit>> =
            circle(*id, &by_id).map(|ids| ids.into_iter().flat_map(|id| take_out(report, id)).collect());
        let hides = edits.iter().flatten().any(|edit| holds_undefined(report, edit));
        let said = report.at(definition.range, message);
        match edits {
            // Nix refuses the text for a name that nothing defines; without it, it would not.
            Some(edits) if hides => drop(said.fix_to_review(edits)),
            Some(edits) => drop(said.fix(edits)),
            None => {}
        }
    }
}

fn holds_undefined(report: &Report<'_, '_>, edit: &Edit) -> bool {
    let uses = &report.names().uses;
    let first = uses.partition_point(|name| usize::from(name.range.start()) < edit.start);
    let inside = uses.iter().skip(first).take_while(|name| usize::from(name.range.start()) < edit.end);
    inside.into_iter().any(|name| name.meaning == Meaning::Undefined)
}

/// The binding with all that use it, when all of those are used by it in turn: otherwise they go first.
fn circle(id: DefinitionId, dead: &HashMap<DefinitionId, &Dead>) -> Option<Vec<DefinitionId>> {
    let users = users(id, dead)?;
    users.iter().all(|user| self::users(*user, dead).is_some_and(|all| all.contains(&id))).then_some(users)
}

/// The binding and all that use it, directly or not.
fn users(id: DefinitionId, dead: &HashMap<DefinitionId, &Dead>) -> Option<Vec<DefinitionId>> {
    let mut all = vec![id];
    let mut next = 0;
    while let Some(id) = all.get(next).copied() {
        next += 1;
        for user in dead.get(&id).into_iter().flat_map(|dead| &dead.users) {
            if !all.contains(user) {
                all.push(*user);
            }
        }
        if all.len() > MAX_CIRCLE {
            return None;
        }
    }
    Some(all)
}

/// Takes out every part of a binding.
pub(super) fn edits(report: &Report<'_, '_>, id: DefinitionId) -> Vec<Edit> {
    let inherited = report.names().definition(id).is_some_and(|definition| definition.binder == Binder::LetInherit);
    let entries = report.names().entries_of(id);
    let whole = |entry| if inherited { with_inherit(report, entry) } else { entry };
    entries.map(|entry| replace(report.file.with_line(whole(entry)), "")).collect()
}

/// The whole `inherit` when this is its only name.
fn with_inherit(report: &Report<'_, '_>, name: TextRange) -> TextRange {
    let inherit = node_at(report.file, name).and_then(|node| node.parent());
    let alone = |inherit: &SyntaxNode| {
        inherit.kind() == NODE_INHERIT
            && inherit.children().filter(|child| child.kind() != NODE_INHERIT_FROM).count() == 1
    };
    inherit.filter(alone).map_or(name, |inherit| inherit.text_range())
}
