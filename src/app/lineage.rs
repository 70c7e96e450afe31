//! Which project the flake of a directory is, as its repository's remote tells.

use std::path::Path;

use crate::domain::lineage::Lineage;
use crate::git::Repository;
use crate::syntax::secret;

/// The lineage of the flake in a directory of a repository; none without a remote that has a host.
pub fn of(repository: &Repository, directory: &Path) -> Option<Lineage> {
    let url = repository.facts().ok()?.remote_url?;
    let inside = repository.inside(directory).unwrap_or_default();
    let lineage = Lineage::from_remote(&url, &inside.to_string_lossy())?;
    Some(Lineage::recorded(secret::redact(lineage.as_str()).text))
}
