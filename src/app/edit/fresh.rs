//! A flake where there was none, from the skeleton that comes with the program.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{EditFailure, Unrecorded, file_directory, recorder};
use crate::app::Session;
use crate::app::scan::{ScanRequest, look_at};
use crate::store::Command;
use crate::store::file::{self, WriteError};

/// What every new flake says.
const SKELETON: &str = include_str!("../../../assets/flake-new/flake.nix");

/// A flake that is new, or would be.
#[derive(Debug)]
pub struct NewFlake {
    /// Its `flake.nix`.
    pub path: PathBuf,
    /// Its text.
    pub text: &'static str,
    /// How many events were recorded.
    pub events: u64,
    /// Why nothing was.
    pub unrecorded: Option<Unrecorded>,
}

/// Looks whether a flake can be made in a directory; nothing is written.
pub fn plan_new_flake(directory: &Path) -> Result<NewFlake, EditFailure> {
    let path = directory.join("flake.nix");
    if path.symlink_metadata().is_ok() {
        return Err(WriteError::Exists { path }.into());
    }
    if directory.symlink_metadata().is_ok() && !directory.is_dir() {
        return Err(WriteError::Exists { path: directory.to_owned() }.into());
    }
    Ok(NewFlake { path, text: SKELETON, events: 0, unrecorded: None })
}

/// Makes a flake in a directory, and the directory when it is missing. Nothing that is there is changed.
pub fn new_flake(directory: &Path, session: Option<&Session>, scan: &ScanRequest) -> Result<NewFlake, EditFailure> {
    let mut flake = plan_new_flake(directory)?;
    let failed = |source| EditFailure::System { path: directory.to_owned(), source };
    fs::create_dir_all(directory).map_err(failed)?;
    flake.path = directory.canonicalize().map_err(failed)?.join("flake.nix");
    file::create(&flake.path, SKELETON.as_bytes())?;
    let (recorder, unrecorded) = recorder(session, &flake.path, scan)?;
    flake.unrecorded = unrecorded;
    if let Some(session) = recorder {
        let lost = |source| EditFailure::NotRecorded { path: flake.path.clone(), source: Box::new(source) };
        let report = look_at(session, &file_directory(&flake.path), scan, session.command("new_flake"));
        flake.events = report.map_err(lost)?.events;
    }
    Ok(flake)
}

/// Makes a directory with a flake, as the command of somebody: nothing above it is made and nothing is written over. None, and
/// nothing is left, where no scan would come by.
pub(in crate::app) fn new_flake_in(
    session: &Session,
    directory: &Path,
    scan: &ScanRequest,
    command: Command,
) -> Result<Option<NewFlake>, EditFailure> {
    fs::create_dir(directory).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => WriteError::Exists { path: directory.to_owned() }.into(),
        _ => EditFailure::System { path: directory.to_owned(), source },
    })?;
    let path = directory.join("flake.nix");
    // What somebody else put there meanwhile keeps the directory from being removed.
    let unmade = || fs::remove_dir(directory).unwrap_or_default();
    file::create(&path, SKELETON.as_bytes()).inspect_err(|_| unmade())?;
    let recorder = recorder(Some(session), &path, scan);
    let Ok((Some(session), _)) = recorder else {
        fs::remove_file(&path).unwrap_or_default();
        unmade();
        return recorder.map(|_| None).map_err(EditFailure::from);
    };
    let lost = |source| EditFailure::NotRecorded { path: path.clone(), source: Box::new(source) };
    let events = look_at(session, directory, scan, command).map_err(lost)?.events;
    Ok(Some(NewFlake { path, text: SKELETON, events, unrecorded: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::flake;

    #[test]
    fn the_skeleton_is_read_without_a_problem_and_every_output_is_known() {
        let file = flake::read(SKELETON);
        assert_eq!(file.problems, []);
        assert_eq!(file.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["nixpkgs"]);
        assert_eq!(file.outputs.unknown, []);
        assert!(file.outputs.known.contains_key("packages.x86_64-linux.default"), "{:?}", file.outputs.known);
    }

    #[test]
    fn what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let scan = ScanRequest::default();
        let made = new_flake(&folder.path().join("a/b"), None, &scan).unwrap();
        assert_eq!(fs::read_to_string(&made.path).unwrap(), SKELETON);
        assert_eq!(made.unrecorded, Some(Unrecorded::NoLedger));
        let again = new_flake(&folder.path().join("a/b"), None, &scan).unwrap_err();
        assert!(matches!(again, EditFailure::Write(WriteError::Exists { .. })), "{again}");
        let on_a_file = new_flake(&made.path, None, &scan).unwrap_err();
        assert!(matches!(on_a_file, EditFailure::Write(WriteError::Exists { .. })), "{on_a_file}");
    }
}
