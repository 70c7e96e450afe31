//! What was found before: at a moment of the ledger, or in the text of a commit. What is new is what was not there then.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{AppError, CheckReport, CheckRequest, beside, day};
use crate::domain::path::RecordedPath;
use crate::git::{AtRevision, Repository};
use crate::lint::{Beside, Linked, Linter};
use crate::store::Reader;
use crate::store::view::{self, At, Whose};
use crate::syntax::links::Link;
use crate::syntax::{exports, tree};

/// Leaves only what is new. Files outside the repository are new altogether.
pub fn only_new_since_commit(report: &mut CheckReport, request: &CheckRequest, revision: &str) -> Result<(), AppError> {
    let linter = Linter::new(&request.selection, day(request.now));
    let mut repositories: HashMap<PathBuf, Option<(Repository, String)>> = HashMap::new();
    let mut before: HashSet<(PathBuf, String)> = HashSet::new();
    let mut known = false;
    for file in &report.found {
        let Some(directory) = file.path.parent() else { continue };
        let found = repositories.entry(directory.to_owned()).or_insert_with(|| at(directory, revision));
        let Some((repository, commit)) = found else { continue };
        known = true;
        for fingerprint in then(repository, commit, &file.path, &linter, request)? {
            before.insert((file.path.clone(), fingerprint));
        }
    }
    if !known && !report.found.is_empty() {
        return Err(AppError::UnknownRevision { revision: revision.to_owned() });
    }
    report.retain(|path, finding| !before.contains(&(path.to_owned(), finding.fingerprint.clone())));
    Ok(())
}

fn at(directory: &Path, revision: &str) -> Option<(Repository, String)> {
    let repository = Repository::discover(directory).ok().flatten()?;
    let commit = repository.commit(revision)?;
    Some((repository, commit))
}

/// The fingerprints of what is found in the text that a commit has.
fn then(
    repository: &Repository,
    commit: &str,
    path: &Path,
    linter: &Linter,
    request: &CheckRequest,
) -> Result<Vec<String>, AppError> {
    let text = |path: &Path| -> Result<Option<String>, AppError> {
        let inside = repository.inside(path)?;
        Ok(match repository.at_commit(commit, &inside)? {
            AtRevision::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            AtRevision::Absent | AtRevision::NotFetched => None,
        })
    };
    let sibling = |name: &str| text(&path.with_file_name(name));
    // The files that it imported then.
    let ask = |link: &Link| {
        let at = beside::place(path.parent().unwrap_or(Path::new("")), &link.path);
        let default = at.join("default.nix");
        match [at, default].iter().map(|path| text(path)).find(|text| !matches!(text, Ok(None))) {
            None => Linked::Missing,
            Some(Ok(Some(text))) => {
                let exports = exports::read(&tree::parse(&text));
                exports.map_or(Linked::There, |exports| Linked::File(Arc::new(exports)))
            }
            Some(_) => Linked::There,
        }
    };
    let others = Beside::new(&ask);
    let findings = match path.file_name().and_then(|name| name.to_str()) {
        Some(name @ ("flake.nix" | "flake.lock")) => {
            let (nix, lock) = (sibling("flake.nix")?, sibling("flake.lock")?);
            let now = Some(super::seconds(request.now));
            let found = linter.check_flake_beside(nix.as_deref(), lock.as_deref(), now, others);
            if name == "flake.nix" { found.nix } else { found.lock }
        }
        _ => text(path)?.map_or_else(Vec::new, |text| linter.check_beside(&text, others)),
    };
    Ok(findings.into_iter().map(|finding| finding.fingerprint).collect())
}

/// Leaves only what was not open on this machine at a moment of the ledger. What is never recorded is left out: nobody knows whether it is new.
pub fn only_new_since_moment(report: &mut CheckReport, reader: &Reader, moment: At) -> Result<(), AppError> {
    let before: HashSet<(RecordedPath, String)> =
        view::problems(reader, Whose::Own, moment)?.into_iter().map(|row| (row.path, row.fingerprint)).collect();
    report.retain(|path, finding| {
        !finding.rule.is_of_several_files() && !before.contains(&(RecordedPath::new(path), finding.fingerprint.clone()))
    });
    Ok(())
}
