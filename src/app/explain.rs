//! Why a scan sees a path, or passes it over.

use std::path::{Path, PathBuf};

use crate::scan::Options;
pub use crate::scan::{Explanation, Verdict};

use super::AppError;

/// Follows a path down from its root and says where a scan leaves it, and by which rule.
pub fn explain(path: &Path, roots: &[PathBuf], excludes: &[String]) -> Result<Explanation, AppError> {
    let options = Options { excludes: excludes.to_vec(), ..Options::default() };
    Ok(crate::scan::explain(path, roots, &options)?)
}
