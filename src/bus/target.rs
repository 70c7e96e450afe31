//! Where the bus is and how to be let in. Secrets are shown nowhere: not in debug output, not in errors.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// A server, or several of one cluster, and what it takes to be let in. Everything that is given counts, together.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The servers, as in `nats://host:4222`, `tls://…`, `ws://…` or `wss://…`.
    pub servers: Vec<String>,
    /// A credentials file: a JWT and the seed that signs for it.
    pub credentials: Option<PathBuf>,
    /// A file with the seed of an `NKey`.
    pub nkey: Option<PathBuf>,
    /// A user.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// A token.
    pub token: Option<String>,
    /// A file with certificates of authorities to trust, beside those of the system.
    pub tls_authorities: Option<PathBuf>,
    /// The file of this client's certificate.
    pub tls_certificate: Option<PathBuf>,
    /// The file of the key to it.
    pub tls_key: Option<PathBuf>,
    /// Whether to begin with TLS before the server says a word.
    pub tls_first: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("servers", &self.shown()).finish_non_exhaustive()
    }
}

impl Target {
    /// The servers of a comma-separated list.
    pub fn servers_of(list: &str) -> Vec<String> {
        list.split(',').map(str::trim).filter(|server| !server.is_empty()).map(str::to_owned).collect()
    }

    /// The servers as they may be shown: without user, password and token.
    pub fn shown(&self) -> Vec<String> {
        self.servers.iter().map(|server| without_userinfo(server)).collect()
    }

    /// Whether every server is on this machine.
    pub fn is_loopback(&self) -> bool {
        !self.servers.is_empty() && self.servers.iter().all(|server| is_loopback(server))
    }

    /// Takes everything secret out of a text, as an error message may hold it.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for server in &self.servers {
            text = text.replace(server, &without_userinfo(server));
        }
        for secret in [&self.password, &self.token].into_iter().flatten().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "[redacted]");
        }
        text
    }
}

fn without_userinfo(server: &str) -> String {
    let (scheme, rest) = server.split_once("://").unwrap_or(("nats", server));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{host}")
}

fn is_loopback(server: &str) -> bool {
    let shown = without_userinfo(server);
    let rest = shown.split_once("://").map_or(shown.as_str(), |(_, rest)| rest);
    let place = rest.split('/').next().unwrap_or(rest);
    let host = match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => place.rsplit_once(':').map_or(place, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(servers: &str) -> Target {
        Target { servers: Target::servers_of(servers), password: Some("hunter2".into()), ..Target::default() }
    }

    #[test]
    fn a_list_is_split_and_secrets_are_not_shown() {
        let target = target("nats://ada:s3cret@a.example:4222, b.example , nats://tok@c.example");
        assert_eq!(target.shown(), ["nats://a.example:4222", "nats://b.example", "nats://c.example"]);
        let shown = format!("{target:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("tok@") && !shown.contains("hunter2"), "{shown}");
        let error = target.redact("cannot reach nats://ada:s3cret@a.example:4222 with hunter2");
        assert_eq!(error, "cannot reach nats://a.example:4222 with [redacted]");
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_else() {
        for server in ["127.0.0.1", "nats://127.0.0.1:4222", "localhost:4222", "ws://[::1]:80", "nats://u:p@127.9.9.9"]
        {
            assert!(target(server).is_loopback(), "{server}");
        }
        for server in
            ["", "nats://10.0.0.1", "nats://localhost.example", "127.0.0.1,nats.example", "nats://127.0.0.1@x"]
        {
            assert!(!target(server).is_loopback(), "{server}");
        }
    }
}
