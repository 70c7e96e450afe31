//! Flake references as text: the three forms (name, URL, path) read in Nix's order, and the one canonical URL.

use std::collections::BTreeMap;

use serde_json::Value;

use super::url::{self, Url};
use super::{FlakeRef, FlakeRefError, Forge, Source, is_rev};
use crate::syntax::Attrs;

/// Parameters of a tarball or file URL that Nix keeps to itself.
const ARCHIVE_ATTRS: [&str; 7] = ["lastModified", "name", "narHash", "rev", "revCount", "unpack", "url"];
/// Parameters of a Git URL: flags first, then texts.
const GIT_ATTRS: [&str; 9] =
    ["allRefs", "exportIgnore", "lfs", "shallow", "submodules", "verifyCommit", "keytype", "publicKey", "publicKeys"];
const GIT_FLAGS: usize = 6;

pub(super) fn parse(text: &str, flake: bool) -> Result<FlakeRef, FlakeRefError> {
    if text.is_empty() {
        return Err(FlakeRefError::Empty);
    }
    let reading = Reading { text, flake };
    match Url::parse(text) {
        _ if is_name(text) => reading.name(),
        Some(url) => reading.url(url),
        None => reading.path(),
    }
}

/// The same of the URL of an input, where Nix takes no fragment.
pub(super) fn parse_input(text: &str, flake: bool) -> Result<FlakeRef, FlakeRefError> {
    let reference = parse(text, flake)?;
    match reference.fragment {
        None => Ok(reference),
        Some(_) => {
            Err(Reading { text, flake }.invalid("an input takes no fragment; leave out `#` and what follows it"))
        }
    }
}

/// The same of what a person writes: a path whose first name is a known scheme in capitals is no path.
pub(super) fn parse_written(text: &str) -> Result<FlakeRef, FlakeRefError> {
    let reference = parse_input(text, true)?;
    let lower = text.split_once(':').map(|(scheme, rest)| format!("{}:{rest}", scheme.to_ascii_lowercase()));
    let meant = lower.filter(|lower| lower != text && Url::parse(lower).is_some()).map(|lower| parse(&lower, true));
    match meant {
        None | Some(Err(FlakeRefError::UnknownScheme { .. })) => Ok(reference),
        Some(_) => Err(Reading { text, flake: true }
            .invalid("Nix takes it for a path, as its scheme has capitals; write the scheme in lower case")),
    }
}

pub(super) fn write(reference: &FlakeRef) -> String {
    let written = url_attrs(&reference.source);
    let rest = reference.rest.iter().filter(|(name, _)| written.contains(&name.as_str()));
    let mut query: BTreeMap<String, String> =
        rest.filter_map(|(name, value)| Some((name.clone(), parameter(value)?))).collect();
    query.extend(reference.dir.iter().map(|dir| ("dir".to_owned(), dir.clone())));
    let (reference_name, rev) = (reference.reference.as_deref(), reference.rev.as_deref());
    let base = match &reference.source {
        Source::Indirect { id } => {
            let parts = [Some(id.as_str()), reference_name, rev].into_iter().flatten().map(path).collect::<Vec<_>>();
            format!("flake:{}", parts.join("/"))
        }
        Source::Forge { forge, owner, repo, host } => {
            query.extend(host.iter().map(|host| ("host".to_owned(), host.clone())));
            let in_path =
                reference_name.filter(|name| !is_rev(name) && fits_path(name)).or(rev.filter(|rev| rev.len() == 40));
            let tail = in_path.map(|part| format!("/{}", path(part))).unwrap_or_default();
            query.extend(
                reference_name.filter(|name| in_path != Some(name)).map(|name| ("ref".to_owned(), name.to_owned())),
            );
            query.extend(rev.filter(|rev| in_path != Some(rev)).map(|rev| ("rev".to_owned(), rev.to_owned())));
            format!("{}:{}/{}{tail}", forge.name(), segment(owner), segment(repo))
        }
        Source::Path { path: target } => {
            query.extend(rev.map(|rev| ("rev".to_owned(), rev.to_owned())));
            // Two slashes after the colon would be read as the beginning of a host.
            let host = if target.starts_with("//") { "//" } else { "" };
            format!("path:{host}{}", path(target))
        }
        Source::Git { url } | Source::Mercurial { url } | Source::Tarball { url } | Source::File { url } => {
            query.extend(reference_name.map(|name| ("ref".to_owned(), name.to_owned())));
            query.extend(rev.map(|rev| ("rev".to_owned(), rev.to_owned())));
            let prefix = prefix(&reference.source, url);
            let (base, own, _) = url::tail(url);
            query.extend(own);
            format!("{prefix}{base}")
        }
    };
    format!("{base}{}", url::query(&query))
}

/// The attributes beside the named ones that a URL of this kind takes; the others cannot be said in one.
fn url_attrs(source: &Source) -> &'static [&'static str] {
    match source {
        Source::Indirect { .. } | Source::Mercurial { .. } => &[],
        Source::Forge { .. } => &["narHash"],
        Source::Git { .. } => &GIT_ATTRS,
        Source::Tarball { .. } | Source::File { .. } | Source::Path { .. } => &["lastModified", "narHash", "revCount"],
    }
}

/// What turns a plain URL into one that says its fetcher.
fn prefix(source: &Source, url: &str) -> &'static str {
    match source {
        Source::Git { .. } if url.starts_with("git:") => "",
        Source::Git { .. } => "git+",
        Source::Mercurial { .. } => "hg+",
        Source::File { .. } => "file+",
        _ => "",
    }
}

fn parameter(value: &Value) -> Option<String> {
    match value {
        Value::Bool(true) => Some("1".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn segment(text: &str) -> String {
    url::encode(text, b"!$&'()*+,;=:@")
}

fn path(text: &str) -> String {
    url::encode(text, b"/!$&'()*+,;=:@")
}

fn fits_path(name: &str) -> bool {
    !name.split('/').any(str::is_empty)
}

/// `id`, `id/ref`, `id/rev` or `id/ref/rev`, with or without a fragment.
fn is_name(text: &str) -> bool {
    let name = text.split_once('#').map_or(text, |(name, _)| name);
    let (id, rest) = name.split_once('/').map_or((name, None), |(id, rest)| (id, Some(rest)));
    is_id(id) && rest.is_none_or(is_ref)
}

fn is_id(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn is_ref(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '@')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./@+-".contains(&byte))
}

/// One text on its way to a reference; carries it for the errors.
struct Reading<'t> {
    text: &'t str,
    flake: bool,
}

impl Reading<'_> {
    fn name(&self) -> Result<FlakeRef, FlakeRefError> {
        let (name, _, fragment) = url::tail(self.text);
        let segments = name.split('/').filter(|part| !part.is_empty()).map(url::decode).collect();
        self.indirect(segments, None, fragment)
    }

    fn path(&self) -> Result<FlakeRef, FlakeRefError> {
        let (path, query, fragment) = url::tail(self.text);
        self.at_path(path.to_owned(), query, fragment)
    }

    fn url(&self, mut url: Url<'_>) -> Result<FlakeRef, FlakeRefError> {
        let dir = url.query.remove("dir").filter(|dir| !dir.is_empty());
        let (application, transport) = url.scheme.split_once('+').unwrap_or(("", url.scheme));
        match (application, transport) {
            ("", "flake") => self.indirect(url.segments(), dir, url.fragment),
            ("", name) if Forge::named(name).is_some() => {
                let forge = Forge::named(name).unwrap_or(Forge::GitHub);
                self.forge(forge, url).map(|reference| FlakeRef { dir, ..reference })
            }
            ("", "path") => self.path_url(url).map(|reference| FlakeRef { dir, ..reference }),
            ("", "git") | ("git", _) => Ok(FlakeRef { dir, ..git(url, transport) }),
            ("hg", "http" | "https" | "ssh" | "file") => Ok(FlakeRef { dir, ..mercurial(url, transport) }),
            ("" | "tarball" | "file", "http" | "https" | "file") => {
                let tarball = match application {
                    "" => self.flake || is_archive(url.path),
                    application => application == "tarball",
                };
                Ok(FlakeRef { dir, ..archive(url, transport, tarball) })
            }
            _ => Err(FlakeRefError::UnknownScheme { text: self.text.to_owned(), scheme: url.scheme.to_owned() }),
        }
    }

    fn indirect(
        &self,
        segments: Vec<String>,
        dir: Option<String>,
        fragment: Option<String>,
    ) -> Result<FlakeRef, FlakeRefError> {
        let mut segments = segments.into_iter();
        let id = segments.next().filter(|id| is_id(id)).ok_or_else(|| self.invalid("its name is not a flake name"))?;
        let (reference, rev) = match (segments.next(), segments.next(), segments.next()) {
            (None, ..) => (None, None),
            (Some(rev), None, _) if is_rev(&rev) => (None, Some(rev)),
            (Some(reference), None, _) if is_ref(&reference) => (Some(reference), None),
            (Some(reference), Some(rev), None) if is_ref(&reference) && is_rev(&rev) => (Some(reference), Some(rev)),
            _ => {
                return Err(
                    self.invalid("after the name comes a branch or tag, then a revision; a path begins with `./`")
                );
            }
        };
        // Nix does so here and at the forges, and nowhere else.
        let rev = rev.map(|rev| rev.to_ascii_lowercase());
        Ok(FlakeRef { reference, rev, dir, fragment, ..bare(Source::Indirect { id }) })
    }

    fn forge(&self, forge: Forge, url: Url<'_>) -> Result<FlakeRef, FlakeRefError> {
        let mut segments = url.segments().into_iter();
        let (Some(owner), Some(repo)) = (segments.next(), segments.next()) else {
            return Err(self.invalid("it needs an owner and a repository, as in `owner/repo`"));
        };
        let tail = segments.collect::<Vec<_>>().join("/");
        let (mut reference, mut rev) = match tail.as_str() {
            "" => (None, None),
            tail if is_rev(tail) && tail.len() == 40 => (None, Some(tail.to_ascii_lowercase())),
            tail => (Some(tail.to_owned()), None),
        };
        let (mut host, mut rest) = (None, Attrs::new());
        for (name, value) in url.query {
            match name.as_str() {
                "ref" if reference.is_some() => return Err(self.invalid("it names two branches or tags")),
                "rev" if rev.is_some() => return Err(self.invalid("it names two revisions")),
                "rev" if !is_rev(&value) => {
                    return Err(self.invalid("its `rev` is not a revision of 40 hexadecimal digits"));
                }
                "ref" => reference = Some(value),
                "rev" => rev = Some(value.to_ascii_lowercase()),
                "host" => host = Some(value),
                "narHash" => drop(rest.insert(name, Value::String(value))),
                // Nix passes over all others.
                _ => {}
            }
        }
        if reference.is_some() && rev.is_some() {
            return Err(self.invalid("it names a revision and also a branch or tag"));
        }
        let source = Source::Forge { forge, owner, repo, host };
        Ok(FlakeRef { reference, rev, rest, fragment: url.fragment, ..bare(source) })
    }

    fn path_url(&self, url: Url<'_>) -> Result<FlakeRef, FlakeRefError> {
        if url.authority.is_some_and(|authority| !authority.is_empty()) {
            return Err(self.invalid("a path has no host; write `path:/x` or `path:./x`"));
        }
        self.at_path(url::decode(url.path), url.query, url.fragment)
    }

    fn at_path(
        &self,
        path: String,
        mut query: BTreeMap<String, String>,
        fragment: Option<String>,
    ) -> Result<FlakeRef, FlakeRefError> {
        let dir = query.remove("dir").filter(|dir| !dir.is_empty());
        let rev = query.remove("rev");
        let mut rest = Attrs::new();
        for (name, value) in query {
            let value = match name.as_str() {
                "narHash" => Value::String(value),
                "revCount" | "lastModified" => {
                    let count = value.parse::<u64>().map_err(|_| self.invalid("its counts are not whole numbers"))?;
                    Value::Number(count.into())
                }
                _ => return Err(FlakeRefError::UnknownParameter { text: self.text.to_owned(), parameter: name }),
            };
            rest.insert(name, value);
        }
        Ok(FlakeRef { rev, dir, fragment, rest, ..bare(Source::Path { path }) })
    }

    fn invalid(&self, why: &'static str) -> FlakeRefError {
        FlakeRefError::Invalid { text: self.text.to_owned(), why }
    }
}

fn git(mut url: Url<'_>, transport: &str) -> FlakeRef {
    let (reference, rev) = (url.query.remove("ref"), url.query.remove("rev"));
    let mut rest = Attrs::new();
    for (at, name) in GIT_ATTRS.into_iter().enumerate() {
        let value = url.query.remove(name);
        let value = value.map(|value| if at < GIT_FLAGS { Value::Bool(value == "1") } else { Value::String(value) });
        rest.extend(value.map(|value| (name.to_owned(), value)));
    }
    let source = Source::Git { url: url.with_scheme(transport) };
    FlakeRef { reference, rev, rest, fragment: url.fragment, ..bare(source) }
}

fn mercurial(mut url: Url<'_>, transport: &str) -> FlakeRef {
    let (reference, rev) = (url.query.remove("ref"), url.query.remove("rev"));
    let source = Source::Mercurial { url: url.with_scheme(transport) };
    FlakeRef { reference, rev, fragment: url.fragment, ..bare(source) }
}

fn archive(mut url: Url<'_>, transport: &str, tarball: bool) -> FlakeRef {
    let rev = url.query.remove("rev");
    let mut rest = Attrs::new();
    for name in ARCHIVE_ATTRS {
        let value = match (name, url.query.remove(name)) {
            ("narHash", Some(value)) => Some(Value::String(value)),
            ("revCount" | "lastModified", Some(value)) => {
                value.parse::<u64>().ok().map(|count| Value::Number(count.into()))
            }
            _ => None,
        };
        rest.extend(value.map(|value| (name.to_owned(), value)));
    }
    let at = url.with_scheme(transport);
    let source = if tarball { Source::Tarball { url: at } } else { Source::File { url: at } };
    FlakeRef { rev, rest, fragment: url.fragment, ..bare(source) }
}

fn is_archive(path: &str) -> bool {
    const ENDINGS: [&str; 7] = [".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst"];
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

fn bare(source: Source) -> FlakeRef {
    FlakeRef { source, reference: None, rev: None, dir: None, fragment: None, rest: Attrs::new() }
}
