//! Looking at what the ledger stands on: its file, its key, the roots, the repositories, where synchronisation stands. Claims nothing that was not
//! checked.

use std::path::Path;

use super::sync::{SyncError, status};
use crate::git::Repository;
use crate::store::view::{self, At, FlakeRow};
use crate::store::{Access, Store, StoreError, Who, check};

pub use crate::store::check::{Check, CheckState};

/// How many things are named when they are wrong.
const NAMED: usize = 3;

/// Checks everything that the ledger at this path stands on.
pub fn checks(path: &Path, who: &Who, now: i64) -> Vec<Check> {
    match Store::open(path, Access::ReadOnly, who, now) {
        Err(error @ StoreError::Missing { .. }) => {
            let around = ["sqlite", "file system", "space"];
            let mut checks = check::check(path);
            checks.retain(|check| around.contains(&check.name));
            checks.push(found("database", CheckState::Warning, error.to_string()));
            checks
        }
        Err(_) => {
            let mut checks = check::check(path);
            let why = "not looked at: the database could not be opened";
            checks.extend(
                ["key", "roots", "git", "synchronisation"].map(|name| found(name, CheckState::Unknown, why.to_owned())),
            );
            checks
        }
        Ok(store) => {
            let mut checks = check::check(path);
            checks.push(key(&store));
            checks.extend(roots_and_repositories(&store));
            checks.extend(synchronisation(&store, now));
            checks
        }
    }
}

fn found(name: &'static str, state: CheckState, detail: String) -> Check {
    Check { name, state, detail }
}

fn key(store: &Store) -> Check {
    match store.signer() {
        Ok(_) => found("key", CheckState::Ok, "the key file fits the database".to_owned()),
        Err(error) => found("key", CheckState::Failed, error.to_string()),
    }
}

/// From the ledger alone: no server is asked.
fn synchronisation(store: &Store, now: i64) -> Vec<Check> {
    let report = store.reader().map_err(SyncError::from).and_then(|reader| status::report(&reader, now));
    match report {
        Ok(report) => status::checks(&report, now),
        Err(error) => vec![found("synchronisation", CheckState::Unknown, error.to_string())],
    }
}

fn roots_and_repositories(store: &Store) -> Vec<Check> {
    let known =
        store.reader().and_then(|reader| Ok((reader.roots()?, view::flakes(&reader, view::Whose::Own, At::Now)?)));
    let (roots, flakes) = match known {
        Ok(known) => known,
        Err(error) => return vec![found("roots", CheckState::Unknown, error.to_string())],
    };
    let lost: Vec<String> = roots
        .iter()
        .filter_map(|root| std::fs::read_dir(&root.path).err().map(|why| format!("{}: {why}", root.path.display())))
        .collect();
    let repository = |flake: &FlakeRow| {
        Repository::discover(&flake.path.to_path()).and_then(|found| found.map(|found| found.facts()).transpose()).err()
    };
    let unread: Vec<String> = flakes.iter().filter_map(repository).map(|error| error.to_string()).collect();
    vec![
        summed("roots", &lost, &format!("{} of {} can be read", roots.len() - lost.len(), roots.len())),
        summed("git", &unread, &format!("looked at the repositories of all {} flakes", flakes.len())),
    ]
}

fn summed(name: &'static str, bad: &[String], good: &str) -> Check {
    if bad.is_empty() {
        return found(name, CheckState::Ok, good.to_owned());
    }
    let more = bad.len().saturating_sub(NAMED);
    let named = bad.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    found(name, CheckState::Warning, format!("{named}{more}"))
}
