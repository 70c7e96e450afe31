//! The cheap question before all others: could this repository tell anything new? Opens nothing but two small files.

use std::path::{Path, PathBuf};

/// The files that change when HEAD, the branch it names, the index or the remotes of a directory's repository do:
/// while their stamps stay, so does what the repository tells. Empty outside of any repository.
pub fn stamped(dir: &Path) -> Vec<PathBuf> {
    let Some(git) = dir.ancestors().find_map(git_dir) else { return Vec::new() };
    let common = common_dir(&git);
    let mut files = vec![git.join("HEAD"), git.join("index"), common.join("config"), common.join("packed-refs")];
    if let Ok(head) = read(&git.join("HEAD"))
        && let Some(branch) = head.trim_end().strip_prefix("ref: ")
    {
        files.push(common.join(branch));
    }
    files
}

/// What changes when something arrives in a directory's repository that was left out when it was cloned: the edge of a
/// shallow clone, and the packs. Empty outside of any repository.
pub fn stamped_edge(dir: &Path) -> Vec<PathBuf> {
    let Some(common) = dir.ancestors().find_map(git_dir).map(|git| common_dir(&git)) else { return Vec::new() };
    vec![common.join("shallow"), common.join("objects/pack")]
}

/// The files that say whether a directory's repository ignores everything by default. Empty outside of any repository.
pub fn stamped_rules(dir: &Path) -> Vec<PathBuf> {
    let Some((top, git)) = dir.ancestors().find_map(|top| Some((top, git_dir(top)?))) else { return Vec::new() };
    vec![top.join(".gitignore"), common_dir(&git).join("info/exclude")]
}

/// Whether a directory lies in a linked work tree, as `git worktree add` makes them beside a repository's own.
pub fn is_in_linked_work_tree(dir: &Path) -> bool {
    dir.ancestors().filter_map(git_dir).any(|git| git.join("commondir").is_file())
}

/// Where the work trees of a repository keep what they share.
fn common_dir(git: &Path) -> PathBuf {
    match read(&git.join("commondir")) {
        Ok(text) => git.join(text.trim_end()),
        Err(_) => git.to_owned(),
    }
}

/// The git directory of a work tree's root: `.git` itself, or what the file of that name points to.
fn git_dir(root: &Path) -> Option<PathBuf> {
    let link = root.join(".git");
    let meta = link.metadata().ok()?;
    if meta.is_dir() {
        return Some(link);
    }
    let text = read(&link).ok()?;
    text.trim_end().strip_prefix("gitdir: ").map(|path| root.join(path))
}

/// What stands in the place of a file that tells of a directory's repository and is a pipe, a socket or a device: who opens one
/// may wait for ever.
pub(super) fn unreadable(dir: &Path) -> Option<PathBuf> {
    let is_special = |path: &PathBuf| path.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
    let links = dir.ancestors().map(|ancestor| ancestor.join(".git"));
    let common = dir.ancestors().find_map(git_dir).map(|git| git.join("commondir"));
    links.chain(common).chain(stamped(dir)).find(is_special)
}

/// The text of a regular file.
fn read(path: &Path) -> std::io::Result<String> {
    if path.metadata()?.is_file() {
        return std::fs::read_to_string(path);
    }
    Err(std::io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_outside_of_any_repository_has_none() {
        assert_eq!(stamped(Path::new("/proc")), Vec::<PathBuf>::new());
        assert_eq!(stamped_edge(Path::new("/proc")), Vec::<PathBuf>::new());
        assert_eq!(stamped_rules(Path::new("/proc")), Vec::<PathBuf>::new());
        assert!(!is_in_linked_work_tree(Path::new("/proc")));
    }
}
