//! Flake references as attribute sets.

use serde_json::Value;

use super::url::{self, Url};
use super::{FlakeRef, FlakeRefError, Forge, Source};
use crate::syntax::Attrs;

pub(super) fn read(attrs: &Attrs) -> Result<FlakeRef, FlakeRefError> {
    let mut rest = attrs.clone();
    let kind = take(&mut rest, "type").ok_or_else(|| missing("?", "type"))?;
    let mut need = |attribute| take(&mut rest, attribute).ok_or_else(|| missing(&kind, attribute));
    let mut source = match kind.as_str() {
        "indirect" => Source::Indirect { id: need("id")? },
        "git" => Source::Git { url: need("url")? },
        "hg" => Source::Mercurial { url: need("url")? },
        "tarball" => Source::Tarball { url: need("url")? },
        "file" => Source::File { url: need("url")? },
        "path" => Source::Path { path: need("path")? },
        name => {
            let forge = Forge::named(name).ok_or_else(|| FlakeRefError::UnknownType { name: name.to_owned() })?;
            // Older versions of Nix wrote the owner of a nested group with its slash still encoded.
            let (owner, repo) = (url::decode(&need("owner")?), url::decode(&need("repo")?));
            Source::Forge { forge, owner, repo, host: take(&mut rest, "host") }
        }
    };
    let dir = take(&mut rest, "dir").filter(|dir| !dir.is_empty());
    if let (Some(dir), Some(url)) = (&dir, url_of(&mut source)) {
        drop_dir(url, dir);
    }
    Ok(FlakeRef { source, reference: take(&mut rest, "ref"), rev: take(&mut rest, "rev"), dir, fragment: None, rest })
}

/// The same of attributes whose `url` is kept apart from them, as the reader of `flake.nix` does.
pub(super) fn read_with(attrs: &Attrs, url: Option<&str>) -> Result<FlakeRef, FlakeRefError> {
    let mut whole = attrs.clone();
    whole.extend(url.map(|url| ("url".to_owned(), Value::String(url.to_owned()))));
    let mut reference = read(&whole)?;
    if url.is_some() && url_of(&mut reference.source).is_none() {
        let kind = take(&mut whole, "type").unwrap_or_default();
        return Err(FlakeRefError::UnknownAttribute { kind, attribute: "url" });
    }
    Ok(reference)
}

pub(super) fn write(reference: &FlakeRef) -> Attrs {
    let mut attrs = reference.rest.clone();
    let mut put = |name: &str, value: &str| drop(attrs.insert(name.to_owned(), Value::String(value.to_owned())));
    match &reference.source {
        Source::Indirect { id } => {
            put("type", "indirect");
            put("id", id);
        }
        Source::Forge { forge, owner, repo, host } => {
            put("type", forge.name());
            put("owner", owner);
            put("repo", repo);
            if let Some(host) = host {
                put("host", host);
            }
        }
        Source::Git { url } => {
            put("type", "git");
            put("url", url);
        }
        Source::Mercurial { url } => {
            put("type", "hg");
            put("url", url);
        }
        Source::Tarball { url } => {
            put("type", "tarball");
            put("url", url);
        }
        Source::File { url } => {
            put("type", "file");
            put("url", url);
        }
        Source::Path { path } => {
            put("type", "path");
            put("path", path);
        }
    }
    for (name, value) in [("ref", &reference.reference), ("rev", &reference.rev), ("dir", &reference.dir)] {
        if let Some(value) = value {
            put(name, value);
        }
    }
    attrs
}

fn take(attrs: &mut Attrs, name: &str) -> Option<String> {
    match attrs.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn missing(kind: &str, attribute: &'static str) -> FlakeRefError {
    FlakeRefError::MissingAttribute { kind: kind.to_owned(), attribute }
}

fn url_of(source: &mut Source) -> Option<&mut String> {
    match source {
        Source::Git { url } | Source::Mercurial { url } | Source::Tarball { url } | Source::File { url } => Some(url),
        Source::Indirect { .. } | Source::Forge { .. } | Source::Path { .. } => None,
    }
}

/// Older versions of Nix left `?dir=` in the URL beside the attribute; newer ones take it out, and so is it the same.
fn drop_dir(url: &mut String, dir: &str) {
    if let Some(mut parts) = Url::parse(url)
        && parts.query.get("dir").is_some_and(|own| own == dir)
    {
        parts.query.remove("dir");
        *url = parts.with_scheme(parts.scheme);
    }
}
