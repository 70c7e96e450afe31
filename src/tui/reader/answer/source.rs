//! Sources in the short form that people write: `github:NixOS/nixpkgs/nixos-unstable`.

use serde_json::Value;

use crate::domain::Attrs;
use crate::store::view::InputRow;

/// Attributes as a reference.
pub(super) fn reference(attrs: &Attrs) -> Option<String> {
    let text = |name: &str| attrs.get(name).and_then(Value::as_str);
    let kind = text("type")?;
    Some(match kind {
        "github" | "gitlab" | "sourcehut" => {
            let mut out = format!("{kind}:{}/{}", text("owner")?, text("repo")?);
            if let Some(at) = text("ref").map(str::to_owned).or_else(|| text("rev").map(short)) {
                out.push('/');
                out.push_str(&at);
            }
            if let Some(host) = text("host") {
                out.push_str("?host=");
                out.push_str(host);
            }
            out
        }
        "indirect" => [text("id"), text("ref")].into_iter().flatten().collect::<Vec<_>>().join("/"),
        "path" => format!("path:{}", text("path")?),
        "git" | "hg" => format!("{kind}+{}", text("url")?),
        _ => text("url")?.to_owned(),
    })
}

/// What an input is: what `flake.nix` says, and at which revision it is locked.
pub(super) fn input(row: &InputRow) -> String {
    let declared = row.url.clone().or_else(|| row.attrs.as_ref().and_then(reference));
    let follows = |to: &String| format!("follows {}", if to.is_empty() { "the flake itself" } else { to });
    let declared = declared.or_else(|| row.follows.as_ref().map(follows));
    let declared = declared.unwrap_or_else(|| "the registry".to_owned());
    match row.locked.as_ref().and_then(revision) {
        Some(revision) => format!("{declared} at {revision}"),
        None => declared,
    }
}

/// What a node is locked at.
pub(super) fn locked(attrs: Option<&Attrs>) -> String {
    let Some(attrs) = attrs else { return "not locked".to_owned() };
    match (reference(attrs), revision(attrs)) {
        (Some(reference), Some(revision)) if !reference.ends_with(&revision) => format!("{reference} at {revision}"),
        (Some(reference), _) => reference,
        (None, revision) => revision.unwrap_or_default(),
    }
}

/// The shortest name of a locked source: its revision, else the beginning of its hash.
pub(super) fn revision(attrs: &Attrs) -> Option<String> {
    let text = |name: &str| attrs.get(name).and_then(Value::as_str);
    let rev = text("rev").or_else(|| text("dirtyRev")).map(short);
    rev.or_else(|| text("narHash").map(|hash| short(hash.trim_start_matches("sha256-"))))
}

/// Every attribute as text.
pub(super) fn pairs(attrs: &Attrs) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    attrs.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn short(text: &str) -> String {
    text.chars().take(7).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attrs(value: &Value) -> Attrs {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn every_type_has_its_short_form() {
        let forms = [
            (json!({"type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "x"}), "github:NixOS/nixpkgs/x"),
            (json!({"type": "github", "owner": "a", "repo": "b", "rev": "0123456789"}), "github:a/b/0123456"),
            (json!({"type": "indirect", "id": "nixpkgs"}), "nixpkgs"),
            (json!({"type": "path", "path": "./sub"}), "path:./sub"),
            (json!({"type": "git", "url": "https://example.org/x"}), "git+https://example.org/x"),
            (json!({"type": "tarball", "url": "https://example.org/x.tar.gz"}), "https://example.org/x.tar.gz"),
        ];
        for (value, form) in forms {
            assert_eq!(reference(&attrs(&value)).as_deref(), Some(form));
        }
        assert_eq!(reference(&attrs(&json!({"type": "github"}))), None);
    }

    #[test]
    fn an_input_that_follows_the_empty_path_is_the_flake_itself() {
        let row = |follows: &str| InputRow {
            name: "a".to_owned(),
            url: None,
            attrs: None,
            follows: Some(follows.to_owned()),
            flake: true,
            overrides: std::collections::BTreeMap::new(),
            declared: true,
            node: None,
            locked: None,
        };
        assert_eq!(input(&row("")), "follows the flake itself");
        assert_eq!(input(&row("b/c")), "follows b/c");
    }

    #[test]
    fn a_source_without_revision_is_named_by_its_hash() {
        let tarball = attrs(&json!({"type": "tarball", "url": "https://x", "narHash": "sha256-abcdefghijkl"}));
        assert_eq!(locked(Some(&tarball)), "https://x at abcdefg");
        assert_eq!(locked(None), "not locked");
    }
}
