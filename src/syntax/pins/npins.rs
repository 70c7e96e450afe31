//! `npins/sources.json`: `{ "pins": { name: pin }, "version": 5 }`, versions 0 to 7.

use super::{Attrs, PinFile, Written, text};

/// Later ones may mean something else by the same words.
const NEWEST: u64 = 7;

pub(super) fn read(fields: &Attrs, file: &mut PinFile) {
    match fields.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if version > NEWEST => {
            let message = format!("npins writes version {version}, of which this cim-nix knows {NEWEST}; update it");
            file.wrong("pins-shape", None, message);
        }
        _ => {}
    }
    match fields.get("pins").and_then(serde_json::Value::as_object) {
        Some(pins) => file.take(pins, pin),
        None => file.wrong("pins-shape", None, "the file has no `pins`; run `npins init`"),
    }
}

fn pin(fields: &Attrs) -> Option<Attrs> {
    let written = match text(fields, "type")? {
        "Git" | "GitRelease" => {
            let repository = fields.get("repository")?.as_object()?;
            of_repository(repository)?
                .with("rev", text(fields, "revision"))
                .with("ref", text(fields, "branch").or_else(|| text(fields, "version")))
        }
        "Channel" => Written::new("tarball")
            .with("channel", text(fields, "name"))
            .with("url", text(fields, "locked_url").or_else(|| text(fields, "url"))),
        "Tarball" => Written::new("tarball").with("url", text(fields, "locked_url").or_else(|| text(fields, "url"))),
        "PyPi" => Written::new("pypi")
            .with("name", text(fields, "name"))
            .with("version", text(fields, "version"))
            .with("url", text(fields, "url")),
        other => Written::new(&other.to_lowercase())
            .with("name", text(fields, "name"))
            .with("version", text(fields, "version"))
            .with("url", text(fields, "url")),
    };
    Some(written.with("hash", text(fields, "hash")).0)
}

fn of_repository(repository: &Attrs) -> Option<Written> {
    Some(match text(repository, "type")? {
        "GitHub" => {
            Written::new("github").with("owner", text(repository, "owner")).with("repo", text(repository, "repo"))
        }
        "GitLab" => {
            let path = text(repository, "repo_path")?;
            let (owner, repo) = path.rsplit_once('/').unwrap_or(("", path));
            let host = text(repository, "server").map(host).filter(|host| *host != "gitlab.com");
            Written::new("gitlab").with("owner", Some(owner)).with("repo", Some(repo)).with("host", host)
        }
        "Forgejo" | "Gitea" => {
            let server = text(repository, "server")?.trim_end_matches('/');
            let url = format!("{server}/{}/{}", text(repository, "owner")?, text(repository, "repo")?);
            Written::new("git").with("url", Some(&url))
        }
        _ => Written::new("git").with("url", text(repository, "url")),
    })
}

/// The name of a server out of its address, without whoever logs in there.
fn host(server: &str) -> &str {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}
