//! Drafts that a process left which was killed: the next edit of the same file removes them.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::process::{Pid, test_kill_process};

use super::parent;

/// Keeps others from taking a draft for one that was left, as long as it is open.
pub(super) fn hold(draft: &File) {
    // Where files cannot be locked, the number in its name says that its process lives.
    flock(draft, FlockOperation::NonBlockingLockExclusive).unwrap_or_default();
}

/// Removes the drafts of a file whose processes are over. What cannot be removed is in nobody's way.
pub(super) fn sweep(target: &Path) {
    let (Some(name), Ok(entries)) = (target.file_name(), fs::read_dir(parent(target))) else { return };
    for entry in entries.flatten() {
        if process_of(&entry.file_name(), name).is_some_and(is_over) {
            remove(&entry.path());
        }
    }
}

/// The process in the name of a draft, as in `flake.nix.1234.0.new`; none for any other name.
fn process_of(entry: &OsStr, target: &OsStr) -> Option<Pid> {
    let rest = entry.as_bytes().strip_prefix(target.as_bytes())?.strip_prefix(b".")?.strip_suffix(b".new")?;
    let (process, number) = std::str::from_utf8(rest).ok()?.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(process) || !is_number(number) {
        return None;
    }
    Pid::from_raw(process.parse().ok()?)
}

fn is_over(process: Pid) -> bool {
    test_kill_process(process) == Err(rustix::io::Errno::SRCH)
}

/// Removes a draft unless somebody holds it: the number may be that of a process on another machine.
fn remove(draft: &Path) {
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits() | OFlags::NONBLOCK.bits()).unwrap_or_default();
    let Ok(file) = OpenOptions::new().read(true).custom_flags(no_link).open(draft) else { return };
    let is_file = file.metadata().is_ok_and(|found| found.is_file());
    if is_file && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        tracing::info!(draft = %draft.display(), "removed what was left of an edit");
        fs::remove_file(draft).unwrap_or_default();
    }
}
