//! Which bindings of `let` are reached: a name that is used only in what is never reached is not reached either.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rnix::TextRange;

use super::{Binder, DefinitionId, Meaning, Names};

/// A binding of `let` that nothing reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The binding.
    pub id: DefinitionId,
    /// The others that use it, all of them dead.
    pub users: Vec<DefinitionId>,
}

/// A name that begins with `_` is kept on purpose, so what it uses is reached.
pub(super) fn dead(names: &Names<'_>) -> Vec<Dead> {
    let edges = edges(names);
    let mut alive: Vec<bool> = names.definitions.iter().map(|definition| !may_die(definition)).collect();
    let mut from: BTreeMap<DefinitionId, Vec<DefinitionId>> = BTreeMap::new();
    let mut reached = Vec::new();
    for (owner, used) in &edges {
        match owner.filter(|owner| !is(&alive, *owner)) {
            Some(owner) => from.entry(owner).or_default().push(*used),
            None => reached.push(*used),
        }
    }
    while let Some(id) = reached.pop() {
        if let Some(alive) = alive.get_mut(id.index()).filter(|alive| !**alive) {
            *alive = true;
            reached.extend(from.remove(&id).unwrap_or_default());
        }
    }
    let mut dead: BTreeMap<DefinitionId, Vec<DefinitionId>> =
        names.ids().filter(|id| !is(&alive, *id)).map(|id| (id, Vec::new())).collect();
    for (owner, used) in edges {
        if let (Some(owner), Some(users)) = (owner, dead.get_mut(&used))
            && owner != used
            && users.last() != Some(&owner)
        {
            users.push(owner);
        }
    }
    let part = |dead: &Dead| dead.users.iter().any(|user| contains(names, *user, dead.id));
    dead.into_iter().map(|(id, users)| Dead { id, users }).filter(|dead| !part(dead)).collect()
}

/// Whether a binding stands in the value of another: with that one it goes.
fn contains(names: &Names<'_>, outer: DefinitionId, inner: DefinitionId) -> bool {
    let entry = |id| names.definition(id).map(|definition| definition.entry);
    entry(outer).zip(entry(inner)).is_some_and(|(outer, inner)| outer != inner && outer.contains_range(inner))
}

fn may_die(definition: &super::Definition<'_>) -> bool {
    is_candidate(definition) && !definition.name.starts_with('_')
}

fn is_candidate(definition: &super::Definition<'_>) -> bool {
    matches!(definition.binder, Binder::Let | Binder::LetInherit)
}

fn is(alive: &[bool], id: DefinitionId) -> bool {
    alive.get(id.index()).copied().unwrap_or(true)
}

/// Every use of a binding of `let`, with the innermost binding of a `let` that it stands in.
fn edges(names: &Names<'_>) -> Vec<(Option<DefinitionId>, DefinitionId)> {
    let entries = spans(names);
    let mut next = entries.iter().peekable();
    let mut around: Vec<&(TextRange, DefinitionId)> = Vec::new();
    let mut edges = Vec::new();
    for name in &names.uses {
        let at = name.range.start();
        while let Some(entry) = next.next_if(|(range, _)| range.start() <= at) {
            around.push(entry);
        }
        while around.pop_if(|(range, _)| range.end() <= at).is_some() {}
        if let Meaning::Defined(id) = name.meaning
            && names.definition(id).is_some_and(is_candidate)
        {
            edges.push((around.last().map(|(_, owner)| *owner), id));
        }
    }
    edges
}

/// What is written for each binding of `let`, the outer ones before those inside.
fn spans(names: &Names<'_>) -> Vec<(TextRange, DefinitionId)> {
    let own = names.ids().filter_map(|id| Some((names.definition(id)?.entry, id)));
    let all = own.chain(names.also.iter().map(|(id, range)| (*range, *id)));
    let mut spans: Vec<_> = all.filter(|(_, id)| names.definition(*id).is_some_and(is_candidate)).collect();
    spans.sort_unstable_by_key(|(range, _)| (range.start(), Reverse(range.end())));
    spans
}
