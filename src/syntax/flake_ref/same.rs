//! Whether two flake references name the same thing, however they are spelled, and whether Nix takes one for the other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FlakeRef, Source, url};

/// True when both ask for the same: repository, branch or tag, revision, directory and options.
pub fn same(a: &FlakeRef, b: &FlakeRef) -> bool {
    repository(a) == repository(b)
        && a.reference == b.reference
        && a.rev.as_deref().map(str::to_ascii_lowercase) == b.rev.as_deref().map(str::to_ascii_lowercase)
        && directory(a) == directory(b)
        && options(a).eq(options(b))
}

/// True when both name the same repository, archive or path, at whatever branch, revision and directory.
pub fn same_repository(a: &FlakeRef, b: &FlakeRef) -> bool {
    repository(a) == repository(b)
}

/// True when Nix takes one for the other and leaves the lock as it is: attribute by attribute, as they are written. Of a
/// URL the encoding is left out, as some versions of Nix write `%2A` where others write `*`.
pub fn same_attributes(a: &FlakeRef, b: &FlakeRef) -> bool {
    let sources = match (&a.source, &b.source) {
        (Source::Git { url: a }, Source::Git { url: b }) => decoded(&git(a)) == decoded(&git(b)),
        (Source::Mercurial { url: a }, Source::Mercurial { url: b })
        | (Source::Tarball { url: a }, Source::Tarball { url: b })
        | (Source::File { url: a }, Source::File { url: b }) => decoded(a) == decoded(b),
        (a, b) => a == b,
    };
    sources && a.reference == b.reference && a.rev == b.rev && a.dir == b.dir && a.rest == b.rest
}

/// What a reference names without branch, revision, directory and options: `github:nixos/nixpkgs`.
pub(in crate::syntax) fn repository(reference: &FlakeRef) -> String {
    match &reference.source {
        Source::Indirect { id } => format!("flake:{id}"),
        Source::Forge { forge, owner, repo, host } => {
            let repo = repo.strip_suffix(".git").unwrap_or(repo);
            let host = host.as_deref().map(str::to_ascii_lowercase).filter(|host| host != forge.default_host());
            let host = host.map(|host| format!("?host={host}")).unwrap_or_default();
            format!("{}:{owner}/{repo}", forge.name()).to_lowercase() + &host
        }
        Source::Git { url } => format!("git+{}", place(url)),
        Source::Mercurial { url } => format!("hg+{}", place(url)),
        Source::Tarball { url } => format!("tarball+{}", archive(url)),
        Source::File { url } => format!("file+{}", archive(url)),
        Source::Path { path } => format!("path:{}", lexical(path)),
    }
}

/// The parts of a URL, decoded.
fn decoded(text: &str) -> (String, BTreeMap<String, String>, Option<String>) {
    let (base, query, fragment) = url::tail(text);
    (url::decode(base), query, fragment)
}

/// The URL of a Git repository as Nix completes it: a path becomes `file`, `me@host:x` becomes `ssh`.
fn git(url: &str) -> String {
    match url {
        url if url.starts_with('/') => format!("file://{url}"),
        url if url.contains("://") => url.to_owned(),
        url => from_scp(url),
    }
}

/// A repository URL with its host in lower case and without `.git` and a last slash.
fn place(url: &str) -> String {
    if url.starts_with('/') {
        return format!("file://{}", url.trim_end_matches('/'));
    }
    let url = git(url);
    let (base, query, _) = url::tail(&url);
    let base = base.trim_end_matches('/');
    let base = base.strip_suffix(".git").unwrap_or(base);
    format!("{}{}", lower_host(base.trim_end_matches('/')), url::query(&query))
}

/// The URL of an archive, decoded: some versions of Nix lock `/*` as `/%2A`.
fn archive(url: &str) -> String {
    let (base, query, _) = url::tail(url);
    let base = url::decode(base);
    format!("{}{}", lower_host(base.trim_end_matches('/')), url::query(&query))
}

fn from_scp(url: &str) -> String {
    match url.split_once(':') {
        Some((host, path)) if host.contains('@') && !host.contains('/') => {
            format!("ssh://{host}/{}", path.trim_start_matches('/'))
        }
        _ => url.to_owned(),
    }
}

fn lower_host(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    let at = if user.is_empty() { "" } else { "@" };
    format!("{}://{user}{at}{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
}

/// A path without `.`, doubled and last slashes. `..` stays: it may cross a symbolic link.
fn lexical(path: &str) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    let names: Vec<_> = path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    format!("{root}{}", names.join("/"))
}

fn directory(reference: &FlakeRef) -> Option<String> {
    reference.dir.as_deref().map(lexical).filter(|dir| !dir.is_empty())
}

/// What else is asked for; a flag that is off is as good as none, and what fetching found out is no question.
fn options(reference: &FlakeRef) -> impl Iterator<Item = (&String, &Value)> {
    const FOUND: [&str; 5] = ["narHash", "lastModified", "revCount", "treeHash", "__final"];
    reference.rest.iter().filter(|(name, value)| !FOUND.contains(&name.as_str()) && **value != Value::Bool(false))
}
