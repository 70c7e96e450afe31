//! Subjects: `nix.{cmd|event|query}.{aggregate}.{action}`, and `nix.ledger.<origin>.{aggregate}.{action}` for the
//! exchange between machines.

/// Everything that one origin has on the exchange.
pub fn of_origin(origin: &str) -> String {
    format!("nix.ledger.{origin}.>")
}

/// Everything on the exchange.
pub const LEDGER: &str = "nix.ledger.*.*.*";

/// The public log.
pub const EVENTS: &str = "nix.event.*.*";

/// What the server makes of a subject of the exchange for the public log.
pub const EVENTS_OF_LEDGER: &str = "nix.event.{{wildcard(2)}}.{{wildcard(3)}}";

/// The subject of an event on the exchange. `kind` is its type, as in `flake.updated`; none for a type or an origin that
/// is no token.
pub fn ledger(origin: &str, kind: &str) -> Option<String> {
    let (aggregate, action) = kind.split_once('.')?;
    [origin, aggregate, action]
        .iter()
        .all(|token| is_token(token))
        .then(|| format!("nix.ledger.{origin}.{aggregate}.{action}"))
}

/// The origin and the event's type that a subject of the exchange names.
pub fn parse_ledger(subject: &str) -> Option<(&str, String)> {
    let rest = subject.strip_prefix("nix.ledger.")?;
    let mut tokens = rest.split('.');
    let (origin, aggregate, action) = (tokens.next()?, tokens.next()?, tokens.next()?);
    (tokens.next().is_none() && [origin, aggregate, action].iter().all(|token| is_token(token)))
        .then(|| (origin, format!("{aggregate}.{action}")))
}

/// Whose message it is by its subject on the exchange, whatever else the subject says: what the server counts as that origin's.
pub fn origin(subject: &str) -> Option<&str> {
    subject.strip_prefix("nix.ledger.")?.split_once('.').map(|(origin, _)| origin)
}

/// Letters, digits, `_` and `-`: what a subject may hold without meaning something else.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::EVENTS;

    #[test]
    fn every_event_has_a_subject_that_reads_back() {
        for kind in EVENTS {
            let subject = ledger("UABC", &kind.name()).unwrap();
            assert_eq!(parse_ledger(&subject), Some(("UABC", kind.name())));
        }
    }

    #[test]
    fn what_would_mean_something_else_is_refused() {
        for (origin, kind) in [("U.A", "a.b"), ("*", "a.b"), ("U", "a.>"), ("U", "a.b.c"), ("U", "ab"), ("", "a.b")] {
            assert_eq!(ledger(origin, kind), None, "{origin} {kind}");
        }
        for subject in
            ["nix.ledger.U.a", "nix.ledger.U.a.b.c", "nix.event.a.b", "nix.ledger..a.b", "nix.ledger.U.a b.c"]
        {
            assert_eq!(parse_ledger(subject), None, "{subject}");
        }
    }

    #[test]
    fn a_subject_that_says_no_type_says_whose_it_is() {
        for (subject, whose) in [
            ("nix.ledger.U.a.b$", Some("U")),
            ("nix.ledger.U.a\u{a0}.b", Some("U")),
            ("nix.ledger.U", None),
            ("U.a", None),
        ] {
            assert_eq!(origin(subject), whose, "{subject}");
        }
    }
}
