//! `nix/sources.json` of niv: `{ name: { owner, repo, branch, rev, sha256, type, url } }`.

use super::{Attrs, PinFile, Written, text};

pub(super) fn read(fields: &Attrs, file: &mut PinFile) {
    file.take(fields, pin);
}

fn pin(fields: &Attrs) -> Option<Attrs> {
    let written = match (text(fields, "owner"), text(fields, "repo"), text(fields, "type")) {
        (_, Some(url), Some("git")) => Written::new("git").with("url", Some(url)),
        (Some(owner), Some(repo), _) => Written::new(host(fields)).with("owner", Some(owner)).with("repo", Some(repo)),
        (_, _, kind) => {
            let url = text(fields, "url")?;
            Written::new(kind.unwrap_or("tarball")).with("url", Some(url)).with("version", text(fields, "version"))
        }
    };
    let branch = text(fields, "branch").or_else(|| text(fields, "ref"));
    let hash = text(fields, "sha256").or_else(|| text(fields, "outputHash"));
    Some(written.with("rev", text(fields, "rev")).with("ref", branch).with("hash", hash).0)
}

/// Whose archive it is: niv speaks of owner and repository for both.
fn host(fields: &Attrs) -> &'static str {
    let at_gitlab = |name| text(fields, name).is_some_and(|url| url.starts_with("https://gitlab.com/"));
    if at_gitlab("url") || at_gitlab("url_template") { "gitlab" } else { "github" }
}
