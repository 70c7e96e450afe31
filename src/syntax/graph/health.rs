//! Locked nodes that are not reproducible, as Nix defines locked.

use super::paths;
use crate::syntax::lock::LockFile;
use crate::syntax::{Attrs, Problem};

/// A problem for every reachable node that is not locked.
///
/// Codes: `input-dirty` (taken from a tree with uncommitted changes, or checked by its hash alone) and
/// `input-unlocked` (nothing says which content it was).
pub fn health(lock: &LockFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, key) in paths(lock) {
        let Some(node) = lock.nodes.get(key) else { continue };
        let Some((code, why)) = node.locked.as_ref().and_then(unlocked) else { continue };
        let message = format!("input `{path}` of flake.lock {why}");
        problems.push(Problem { code, span: node.span, message });
    }
    problems
}

fn unlocked(locked: &Attrs) -> Option<(&'static str, &'static str)> {
    const DIRTY: &str = "was locked from a tree with uncommitted changes, which nobody else can fetch; commit them, then \
                         run `nix flake update`";
    const HASH_ONLY: &str = "has a content hash but no revision, so it breaks once the content is garbage collected; run \
                             `nix flake update` on a committed tree";
    const UNLOCKED: &str = "is not locked to a content, so every build may get another; run `nix flake lock`";
    let text = |name: &str| locked.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    if text("dirtyRev").is_some() {
        return Some(("input-dirty", DIRTY));
    }
    let by_hash = text("narHash").is_some();
    let by_rev = text("rev").is_some_and(|rev| rev.bytes().any(|byte| byte != b'0'));
    let is_locked = match text("type")? {
        "path" if text("path").is_some_and(|path| !path.starts_with('/')) => true,
        "path" | "tarball" | "file" => by_hash,
        "github" | "gitlab" | "sourcehut" | "git" | "hg" => by_rev,
        "indirect" => false,
        _ => by_rev || by_hash,
    };
    match (is_locked, by_hash) {
        (true, _) => None,
        (false, true) => Some(("input-dirty", HASH_ONLY)),
        (false, false) => Some(("input-unlocked", UNLOCKED)),
    }
}
