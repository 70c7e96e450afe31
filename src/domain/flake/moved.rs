//! Moves: a flake that is gone from one directory and seen anew in another is the same flake, when that is certain.

use super::state::Flake;
use crate::domain::id::FlakeId;
use crate::domain::lineage::Lineage;

/// The one known flake that a newly seen directory can only be: gone from its old place, of the same lineage and
/// with the same content, as far as its caller can tell. None when no flake or more than one fits, for then nobody can know.
pub fn moved_from<'a>(
    gone: impl IntoIterator<Item = (FlakeId, &'a Flake)>,
    lineage: Option<&Lineage>,
    has_same_content: impl Fn(FlakeId, &Flake) -> bool,
) -> Option<FlakeId> {
    let mut fitting = gone
        .into_iter()
        .filter(|(_, flake)| !flake.removed && flake.lineage.as_ref() == lineage)
        .filter(|(id, flake)| has_same_content(*id, flake))
        .map(|(id, _)| id);
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}
