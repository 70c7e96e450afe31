//! Where the bus is and how to be let in. Secrets are shown nowhere: not in debug output, not in errors.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How long anything on the bus is waited for, unless somebody says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What the subjects begin with at which answers are heard, unless somebody says otherwise. Others answer to nothing else.
pub const INBOX: &str = "_INBOX";

/// Shorter ones would be told by what is missing.
const SHORTEST_SECRET: usize = 4;

/// A server, or several of one cluster, and what it takes to be let in. Everything that is given counts, together.
#[derive(Clone, PartialEq, Eq)]
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
    /// What the subjects begin with at which answers are heard; begins with [`INBOX`] itself.
    pub inbox_prefix: String,
    /// How long anything is waited for.
    pub patience: Duration,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            credentials: None,
            nkey: None,
            user: None,
            password: None,
            token: None,
            tls_authorities: None,
            tls_certificate: None,
            tls_key: None,
            tls_first: false,
            inbox_prefix: INBOX.to_owned(),
            patience: PATIENCE,
        }
    }
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

    /// The same with what an address says of user, password and token where the client looks for it: nowhere else does
    /// it use them, and it writes addresses into its log.
    #[must_use]
    pub fn without_userinfo(&self) -> Self {
        let mut target = Self { servers: self.shown(), ..self.clone() };
        let Some(userinfo) = self.servers.iter().find_map(|server| userinfo(server)) else { return target };
        if let Some((user, password)) = userinfo.split_once(':') {
            target.user.get_or_insert_with(|| decoded(user));
            target.password.get_or_insert_with(|| decoded(password));
        } else if target.user.is_none() && target.token.is_none() {
            target.token = Some(decoded(userinfo));
        }
        target
    }

    /// Whether answers can be heard below its prefix: others answer to inboxes alone, and a subject has tokens without gaps.
    pub(super) fn has_inbox(&self) -> bool {
        let is_token = |token: &str| {
            !token.is_empty() && token.chars().all(|char| char.is_ascii_graphic() && !matches!(char, '*' | '>'))
        };
        self.inbox_prefix.starts_with(INBOX) && self.inbox_prefix.split('.').all(is_token)
    }

    /// Takes everything secret out of a text, as an error message may hold it.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for userinfo in self.servers.iter().filter_map(|server| userinfo(server)) {
            text = text.replace(&format!("{userinfo}@"), "");
        }
        let plain = self.without_userinfo();
        let secrets = [&self.password, &self.token, &plain.password, &plain.token];
        for secret in secrets.into_iter().flatten().filter(|secret| secret.len() >= SHORTEST_SECRET) {
            text = text.replace(secret.as_str(), "[redacted]");
        }
        text
    }
}

/// What stands before the `@` of an address.
fn userinfo(server: &str) -> Option<&str> {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    rest.rsplit_once('@').map(|(userinfo, _)| userinfo)
}

/// Without percent signs, as far as they mean something.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| first == b'%');
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
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
        let text = "no server answers at nats://b.example:4222";
        assert_eq!(Target { servers: vec!["b.example:4222".into()], ..Target::default() }.redact(text), text);
    }

    #[test]
    fn answers_are_heard_below_inboxes_alone() {
        let is_fit = |prefix: &str| Target { inbox_prefix: prefix.to_owned(), ..Target::default() }.has_inbox();
        for fit in ["_INBOX", "_INBOX.ada", "_INBOX_ada", "_INBOX.ada.laptop-1"] {
            assert!(is_fit(fit), "{fit}");
        }
        for unfit in [
            "",
            "ada",
            "nix.ledger.ada",
            "INBOX",
            "_INBOX.",
            "_INBOX..ada",
            "_INBOX.*",
            "_INBOX.>",
            "_INBOX.a b",
            "_INBOX.ä",
        ] {
            assert!(!is_fit(unfit), "{unfit}");
        }
    }

    #[test]
    fn what_an_address_says_of_the_user_is_used_and_what_is_set_beside_it_counts_more() {
        let of =
            |servers: &str| Target { servers: Target::servers_of(servers), ..Target::default() }.without_userinfo();
        let found = of("nats://a.example,nats://ada:p%40ss%zz@b.example");
        assert_eq!(found.servers, ["nats://a.example", "nats://b.example"]);
        assert_eq!((found.user.as_deref(), found.password.as_deref()), (Some("ada"), Some("p@ss%zz")));
        assert_eq!(of("nats://s3cret@a.example").token.as_deref(), Some("s3cret"));
        assert_eq!(target("nats://ada:other@a").without_userinfo().password.as_deref(), Some("hunter2"));
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
