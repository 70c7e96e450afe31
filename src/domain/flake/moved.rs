//! Moves: a flake that is gone from one directory and seen anew in another is the same flake, when that is certain.

use super::state::Flake;
use crate::domain::id::FlakeId;
use crate::domain::lineage::LineageSeen;

/// The one known flake that a newly seen directory can only be: gone from its old place, of the same lineage and
/// with the same content, as far as its caller can tell. None when no flake or more than one fits, for then nobody can know.
///
/// A lineage that cannot be told now may be that of each; only a flake of which none was ever told is taken for it.
pub fn moved_from<'a>(
    gone: impl IntoIterator<Item = (FlakeId, &'a Flake)>,
    lineage: &LineageSeen,
    has_same_content: impl Fn(FlakeId, &Flake) -> bool,
) -> Option<FlakeId> {
    let may_be = |flake: &Flake| match lineage {
        LineageSeen::Known(lineage) => flake.lineage == *lineage,
        LineageSeen::Unknown => true,
    };
    let mut fitting = gone
        .into_iter()
        .filter(|(_, flake)| !flake.removed && may_be(flake))
        .filter(|(id, flake)| has_same_content(*id, flake));
    let (first, flake) = fitting.next()?;
    let is_sure = *lineage != LineageSeen::Unknown || flake.lineage.is_none();
    (is_sure && fitting.next().is_none()).then_some(first)
}
