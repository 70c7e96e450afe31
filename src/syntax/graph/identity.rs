//! Which repository a lock node is, whatever branch, revision and spelling.

use crate::syntax::flake_ref::{FlakeRef, Forge, Source, repository};
use crate::syntax::lock::Node;

/// The repository of a node, as in `github:nixos/nixpkgs`; relative paths and unreadable nodes have none.
pub(super) fn of(node: &Node) -> Option<String> {
    let reference = reference(node)?;
    if reference.is_relative() || matches!(reference.source, Source::Indirect { .. }) {
        return None;
    }
    let flakehub = url(&reference).and_then(flakehub);
    Some(flakehub.map_or_else(|| repository(&reference), |project| format!("flakehub:{project}")))
}

/// Whether a node is nixpkgs: the repository, a channel's tarball, or FlakeHub's.
pub(super) fn is_nixpkgs(node: &Node) -> bool {
    let Some(reference) = reference(node) else { return false };
    if let Source::Forge { forge: Forge::GitHub, owner, repo, .. } = &reference.source {
        return owner.eq_ignore_ascii_case("nixos") && repo.eq_ignore_ascii_case("nixpkgs");
    }
    if let Source::Git { .. } = reference.source {
        return repository(&reference).to_lowercase().ends_with("github.com/nixos/nixpkgs");
    }
    let Some(url) = url(&reference) else { return false };
    let project = flakehub(url);
    let at_flakehub =
        project.as_deref().is_some_and(|name| name == "nixos/nixpkgs" || name.ends_with("/nixpkgs-weekly"));
    at_flakehub || is_channel(url)
}

/// What was locked; for an archive what was asked for, as locked archives have the release in their URL.
fn reference(node: &Node) -> Option<FlakeRef> {
    let read = |attrs: &Option<_>| attrs.as_ref().and_then(|attrs| FlakeRef::from_attrs(attrs).ok());
    let locked = read(&node.locked)?;
    let archive = |reference: &FlakeRef| matches!(reference.source, Source::Tarball { .. } | Source::File { .. });
    if archive(&locked) { read(&node.original).filter(archive).or(Some(locked)) } else { Some(locked) }
}

fn url(reference: &FlakeRef) -> Option<&str> {
    match &reference.source {
        Source::Tarball { url } | Source::File { url } => Some(url),
        _ => None,
    }
}

/// `owner/project` of `https://flakehub.com/f/owner/project/version` and of its pinned form, in lower case.
fn flakehub(url: &str) -> Option<String> {
    let path =
        url.strip_prefix("https://flakehub.com/f/").or_else(|| url.strip_prefix("https://api.flakehub.com/f/"))?;
    let path = path.strip_prefix("pinned/").unwrap_or(path);
    let mut names = path.split(['/', '?']).filter(|name| !name.is_empty());
    let (owner, project) = (names.next()?, names.next()?);
    Some(format!("{owner}/{}", project.strip_suffix(".tar.gz").unwrap_or(project)).to_lowercase())
}

fn is_channel(url: &str) -> bool {
    const CHANNELS: [&str; 4] =
        ["channels.nixos.org/", "nixos.org/channels/", "releases.nixos.org/nixos/", "releases.nixos.org/nixpkgs/"];
    let place = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    place.is_some_and(|place| CHANNELS.iter().any(|channel| place.starts_with(channel)))
}
