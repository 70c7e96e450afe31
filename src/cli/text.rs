//! Small texts that many answers need.

use crate::app::sync::consent::Released;
use crate::domain::Attrs;

/// `1 flake`, `2 flakes`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `8 streams with 14 events`, for whoever learns what was shared.
fn shared(released: Released) -> String {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    format!("{} with {}", plural(count(released.streams), "stream"), plural(count(released.events), "event"))
}

/// Of a restored ledger, what is to be shared and waits.
pub(crate) fn waits(released: Released) -> String {
    let streams = plural(u64::try_from(released.waiting).unwrap_or(u64::MAX), "stream");
    let are = if released.waiting == 1 { "is" } else { "are" };
    format!(
        "{streams} {are} shared by the next synchronisation, when the server has told what it holds of this ledger, \
         which was restored"
    )
}

/// The same as a sentence: `1 stream with 1 event is shared now`.
pub(crate) fn shared_now(released: Released) -> String {
    let are = if released.streams == 1 { "is" } else { "are" };
    format!("{} {are} shared now", shared(released))
}

/// The first eight characters of an id or a hash: enough for people.
pub(crate) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// A size in bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut tenths, mut unit) = (u128::from(count) * 10, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    if unit == "B" { format!("{count} B") } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

/// A locked or declared source in one line: `github:NixOS/nixpkgs/0a1b2c3d`.
pub(crate) fn source(attrs: &Attrs) -> String {
    let text = |name: &str| attrs.get(name).and_then(serde_json::Value::as_str);
    let kind = text("type").unwrap_or("?");
    let place = match (text("owner"), text("repo")) {
        (Some(owner), Some(repo)) => format!("{owner}/{repo}"),
        _ => text("url").or_else(|| text("path")).or_else(|| text("id")).unwrap_or("?").to_owned(),
    };
    let revision = text("rev").map(short).or_else(|| text("ref")).map(|rev| format!("/{rev}"));
    format!("{kind}:{place}{}", revision.unwrap_or_default())
}

/// Where an input comes from, in one line, as `flake.nix` says it.
pub(crate) fn declared(url: Option<&str>, attrs: Option<&Attrs>, follows: Option<&str>, is_declared: bool) -> String {
    match (url, attrs, follows) {
        (_, _, Some("")) => "follows the flake itself".to_owned(),
        (_, _, Some(follows)) => format!("follows {follows}"),
        (Some(url), _, None) => url.to_owned(),
        (None, Some(attrs), None) => source(attrs),
        (None, None, None) if !is_declared => "the registry (not declared)".to_owned(),
        (None, None, None) => "the registry".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_one_line() {
        let attrs = |text| serde_json::from_str::<Attrs>(text).unwrap();
        let github = attrs(r#"{"type":"github","owner":"NixOS","repo":"nixpkgs","rev":"0123456789abcdef"}"#);
        assert_eq!(source(&github), "github:NixOS/nixpkgs/01234567");
        assert_eq!(
            source(&attrs(r#"{"type":"git","url":"https://e.org/x","ref":"main"}"#)),
            "git:https://e.org/x/main"
        );
        assert_eq!(source(&attrs(r#"{"type":"path","path":"./a"}"#)), "path:./a");
        assert_eq!(source(&attrs("{}")), "?:?");
    }

    #[test]
    fn what_is_not_written_comes_from_the_registry() {
        let path: Attrs = serde_json::from_str(r#"{"type":"path","path":"./a"}"#).unwrap();
        assert_eq!(declared(Some("github:o/r"), None, None, true), "github:o/r");
        assert_eq!(declared(None, Some(&path), None, true), "path:./a");
        assert_eq!(declared(Some("github:o/r"), None, Some("nixpkgs"), true), "follows nixpkgs");
        assert_eq!(declared(None, None, Some(""), true), "follows the flake itself");
        assert_eq!(declared(None, None, None, true), "the registry");
        assert_eq!(declared(None, None, None, false), "the registry (not declared)");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 1, 2].map(|count| plural(count, "flake")), ["0 flakes", "1 flake", "2 flakes"]);
        assert_eq!([0, 1023, 1024, 1_600_000].map(bytes), ["0 B", "1023 B", "1.0 KiB", "1.5 MiB"]);
        assert_eq!(bytes(u64::MAX), "16777215.9 TiB");
    }
}
