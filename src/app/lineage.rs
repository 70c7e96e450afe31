//! Which project the flake of a directory is, as its repository's remote tells.

use std::path::Path;

use crate::domain::lineage::{Lineage, LineageSeen};
use crate::git::Repository;
use crate::syntax::secret;

/// The lineage of the flake in a directory of a repository, as far as that can be read.
pub fn of(repository: &Repository, directory: &Path) -> LineageSeen {
    let Ok(facts) = repository.facts() else { return LineageSeen::Unknown };
    let inside = repository.inside(directory).unwrap_or_default();
    let lineage = facts.remote_url.and_then(|url| Lineage::from_remote(&url, &inside.to_string_lossy()));
    LineageSeen::Known(lineage.map(|lineage| Lineage::recorded(secret::redact(lineage.as_str()).text)))
}
