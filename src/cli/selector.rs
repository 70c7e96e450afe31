//! Which flake somebody means: a path, an id or the beginning of one, or the name of its directory.

use std::ffi::OsStr;
use std::path::Path;

use super::context::Reading;
use super::failure::{Failure, Kind};
use crate::domain::path::RecordedPath;
use crate::store::StoreError;
use crate::store::view::{self, At, FlakeRow};

/// How many flakes are named when none fits.
const NEAR: usize = 3;

/// How alike a name must be to be worth naming.
const LIKENESS: f64 = 0.85;

/// Finds the flake that is meant.
pub(crate) fn flake(reading: &Reading, selector: &OsStr, directory: &Path) -> Result<FlakeRow, Failure> {
    let named = RecordedPath::new(&absolute(selector, directory));
    let reader = &reading.ledger.reader;
    match view::flake_at(reader, &named, reading.at) {
        Err(StoreError::NoFlake { .. }) => {}
        found => return Ok(found?),
    }
    let text = selector.to_string_lossy();
    let of_name = view::flakes_named(reader, selector, reading.at)?;
    match (view::flake(reader, &text, reading.at), &*of_name) {
        // A name that is a beginning of ids as well, as `ada` is, means the directory.
        (Ok(flake), []) => Ok(flake),
        (Ok(flake), _) if flake.id.to_string().eq_ignore_ascii_case(&text) || flake.path.text() == text => Ok(flake),
        (Ok(_) | Err(StoreError::NoFlake { .. } | StoreError::AmbiguousFlake { .. }), [flake]) => Ok(flake.clone()),
        (Err(StoreError::NoFlake { .. }), []) if reading.at != At::Now => Err(unknown_then(&text)),
        (Err(StoreError::NoFlake { .. }), []) => {
            Err(unknown(&text, &named, &view::flakes(reader, view::Whose::All, reading.at)?))
        }
        (Ok(_) | Err(StoreError::NoFlake { .. } | StoreError::AmbiguousFlake { .. }), [_, ..]) => {
            let candidates = of_name.iter().map(|flake| told(flake, &of_name)).collect();
            Err(StoreError::AmbiguousFlake { selector: text.into_owned(), candidates }.into())
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// A flake by its path, and its id where another machine has one at that path.
fn told(flake: &FlakeRow, all: &[FlakeRow]) -> String {
    let is_one = all.iter().filter(|other| other.path == flake.path).count() == 1;
    if is_one { flake.path.text().to_owned() } else { format!("{} ({})", flake.id, flake.path) }
}

/// The path that a selector would be: symbolic links resolved when it is there.
fn absolute(selector: &OsStr, directory: &Path) -> std::path::PathBuf {
    let path = directory.join(selector);
    let path = if path.file_name() == Some(OsStr::new("flake.nix")) { path.parent().unwrap_or(&path) } else { &path };
    path.canonicalize().unwrap_or_else(|_| path.components().collect())
}

fn unknown_then(selector: &str) -> Failure {
    Failure::new(Kind::Refused, format!("no flake `{selector}` was known at that moment")).hinted(
        "name another moment; without `--at`, `cim-nix flake history` tells of its lock before it was first seen",
    )
}

fn unknown(selector: &str, named: &RecordedPath, all: &[FlakeRow]) -> Failure {
    if selector == "." {
        return Failure::new(Kind::Refused, "this directory belongs to no flake that is known").hinted(
            "go into one or name one: `cim-nix flake list` shows what is known; `cim-nix scan .` adds this one",
        );
    }
    let failure = Failure::new(Kind::Refused, format!("no flake `{selector}` is known"));
    let directory = named.to_path();
    let below: Vec<&str> =
        all.iter().filter(|row| row.path.to_path().starts_with(&directory)).map(|row| row.path.text()).collect();
    let near = if below.is_empty() { near(all, selector) } else { below.into_iter().take(NEAR).collect() };
    if near.is_empty() {
        return failure.hinted("`cim-nix flake list` shows what is known; `cim-nix scan PATH` adds to it");
    }
    failure.hinted(format!("did you mean `{}`?", near.join("`, or `")))
}

/// The flakes whose path or directory name is most like the selector.
fn near<'a>(all: &'a [FlakeRow], selector: &str) -> Vec<&'a str> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_lowercase();
    let wanted = name(selector.trim_end_matches('/'));
    let likeness = |name: &str| if name.contains(&wanted) { 1.0 } else { strsim::jaro_winkler(name, &wanted) };
    let mut alike: Vec<(f64, &str)> = all
        .iter()
        .filter(|_| !wanted.is_empty())
        .map(|flake| (likeness(&name(flake.path.text())), flake.path.text()))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    alike.into_iter().take(NEAR).map(|(_, path)| path).collect()
}
