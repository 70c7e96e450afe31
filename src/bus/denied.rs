//! What the server does not let this account do, read from its complaint: the subject, and what it is needed for.

use std::fmt;

use super::target::INBOX;

/// A permission that is lacking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What was tried.
    pub act: Act,
    /// The subject, as the server names it.
    pub subject: String,
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// To publish or to ask.
    Publish,
    /// To listen.
    Subscribe,
}

/// What a subject begins with, and what it is needed for.
const PURPOSES: &[(Act, &str, &str)] = &[
    (Act::Publish, "nix.ledger.", "sharing events"),
    (Act::Publish, "$JS.API.STREAM.INFO.", "looking at the exchange"),
    (Act::Publish, "$JS.API.STREAM.MSG.GET.", "passing over a message that the client cannot read"),
    (Act::Publish, "$JS.API.STREAM.", "setting streams up, an administrator's work"),
    (Act::Publish, "$JS.API.DIRECT.GET.", "asking what the exchange holds"),
    (Act::Publish, "$JS.API.CONSUMER.", READING),
    (Act::Publish, "discovery.", ANSWERING),
    (Act::Subscribe, INBOX, "hearing answers"),
    (Act::Subscribe, "nix.", ANSWERING),
    (Act::Subscribe, "health.", ANSWERING),
    (Act::Subscribe, "discovery.", ANSWERING),
    (Act::Subscribe, "metrics.", ANSWERING),
    (Act::Subscribe, TOOLS, ANSWERING),
];
/// Where NATS tools ask for services.
pub(super) const TOOLS: &str = "$SRV.>";
const READING: &str = "reading the exchange";
const ANSWERING: &str = "answering requests";

impl Denied {
    /// Reads a complaint such as `Permissions Violation for Publish to "a.b"`; none for one of another kind.
    pub(super) fn read(complaint: &str) -> Option<Self> {
        let (_, rest) = complaint.split_once("Permissions Violation for ")?;
        let (act, rest) = match rest.strip_prefix("Publish to ") {
            Some(rest) => (Act::Publish, rest),
            None => (Act::Subscribe, rest.strip_prefix("Subscription to ")?),
        };
        // A queue may stand behind it: `"a.b" using queue "c"`.
        let subject = rest.trim_start_matches(['"', '\'']).split(['"', '\'']).next().unwrap_or(rest);
        // The names of an inbox and of a service are others each time, and are allowed with all of them.
        let named = subject.strip_suffix(".*").unwrap_or(subject);
        let subject = match named.rsplit_once('.') {
            Some((prefix, _)) if subject.starts_with(INBOX) => format!("{prefix}.>"),
            Some(_) if subject.starts_with("$SRV.") => TOOLS.to_owned(),
            _ => subject.to_owned(),
        };
        Some(Self { act, subject })
    }

    /// What it is needed for; none when we have no use for it.
    pub fn purpose(&self) -> Option<&'static str> {
        let fits = |(act, start, _): &&(Act, &str, &str)| *act == self.act && self.subject.starts_with(start);
        PURPOSES.iter().find(fits).map(|(_, _, purpose)| *purpose)
    }

    /// Whether nothing can be read without it. Not everybody may answer requests, and that stops nobody from reading.
    pub(super) fn concerns_reading(&self) -> bool {
        self.purpose() == Some(READING) || self.concerns_hearing()
    }

    /// Whether no answer is heard without it. The client listens for answers once, and not again when it may.
    pub fn concerns_hearing(&self) -> bool {
        self.act == Act::Subscribe && self.subject.starts_with(INBOX)
    }

    /// Whether synchronising goes on without it.
    pub(super) fn concerns_answering(&self) -> bool {
        self.purpose() == Some(ANSWERING)
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let act = match self.act {
            Act::Publish => "publish to",
            Act::Subscribe => "subscribe to",
        };
        write!(f, "the server does not let this account {act} `{}`", self.subject)?;
        self.purpose().map_or(Ok(()), |purpose| write!(f, ", which {purpose} needs"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_becomes_a_sentence() {
        for (complaint, sentence) in [
            (
                "Permissions Violation for Publish to \"nix.ledger.UA.flake.moved\"",
                "the server does not let this account publish to `nix.ledger.UA.flake.moved`, which sharing events needs",
            ),
            (
                "Permissions Violation for Subscription to \"nix.cmd.*.*\" using queue \"cim-domain-nix\"",
                "the server does not let this account subscribe to `nix.cmd.*.*`, which answering requests needs",
            ),
            (
                "'permissions violation': Permissions Violation for Subscription to \"_INBOX.x.*\"",
                "the server does not let this account subscribe to `_INBOX.>`, which hearing answers needs",
            ),
            (
                "Permissions Violation for Subscription to \"_INBOX.ada.x.*\"",
                "the server does not let this account subscribe to `_INBOX.ada.>`, which hearing answers needs",
            ),
            (
                "Permissions Violation for Subscription to \"_INBOX.ada.x\"",
                "the server does not let this account subscribe to `_INBOX.ada.>`, which hearing answers needs",
            ),
            (
                "Permissions Violation for Subscription to \"$SRV.PING.cim-domain-nix.x\"",
                "the server does not let this account subscribe to `$SRV.>`, which answering requests needs",
            ),
            ("Permissions Violation for Publish to \"a\"", "the server does not let this account publish to `a`"),
        ] {
            assert_eq!(Denied::read(complaint).map(|denied| denied.to_string()).as_deref(), Some(sentence));
        }
        assert_eq!(Denied::read("Stale Connection"), None);
    }
}
