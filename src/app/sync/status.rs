//! Where synchronisation stands, read from the ledger alone: no server is asked.

use super::{LEASE, REMOTE, SyncError};
use crate::domain::delivery::State;
use crate::store::Reader;
use crate::store::check::{Check, CheckState};
pub use crate::store::inbox::Gap;
use crate::store::remote::{Remote, Status};

/// A backlog that is older than this is worth a word, in microseconds.
const OLD_BACKLOG_US: i64 = 15 * 60 * 1_000_000;

/// Where synchronisation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether the user agreed to it.
    pub enabled: bool,
    /// Where the exchange stands.
    pub remote: Remote,
    /// How many events this ledger has shared.
    pub shared: i64,
    /// How many of them the exchange lacks.
    pub backlog: i64,
    /// When the oldest of those was recorded, in microseconds since 1970 UTC.
    pub oldest: Option<i64>,
    /// How the breaker stands: `closed`, `half_open` or `open`.
    pub breaker: &'static str,
    /// Who delivers now; none when nobody does.
    pub holder: Option<String>,
    /// How many messages are parked.
    pub parked: u64,
    /// How many messages wait for others.
    pub waiting: u64,
    /// Of which origins, when it is an event that they wait for and not the signature of what is here.
    pub gaps: Vec<Gap>,
    /// How many roots are shared, and how many there are.
    pub roots: (usize, usize),
    /// Whether the problems that were found below them are shared as well.
    pub findings: bool,
    /// Whether the generations and channels of this machine are shared.
    pub system: bool,
    /// How many other origins have events here.
    pub origins: usize,
}

/// Reads where it stands.
///
/// # Errors
/// When the ledger cannot be read.
pub fn report(reader: &Reader, now: i64) -> Result<Report, SyncError> {
    let mut remote = reader.remote(REMOTE)?;
    let enabled = reader.is_sync_enabled()?;
    let holder = reader.lease_holder(LEASE, now)?;
    // Who was killed could not write down that nobody delivers any more.
    let state = match State::named(&remote.status.state) {
        _ if !enabled => State::Disabled,
        Some(State::Blocked) => State::Blocked,
        Some(state) if holder.is_some() && state != State::Disabled => state,
        _ => State::Offline,
    };
    state.name().clone_into(&mut remote.status.state);
    if holder.is_none() || state == State::Disabled {
        remote.status.connected_since = None;
    }
    let (shared, _) = reader.shared_head()?;
    let roots = reader.roots()?;
    let backlog = shared - remote.acked.min(shared);
    let oldest =
        if backlog > 0 { reader.shared(remote.acked, 1)?.first().map(|first| first.event.recorded_at) } else { None };
    Ok(Report {
        enabled,
        backlog,
        oldest,
        breaker: state.breaker(remote.status.attempts),
        remote,
        shared,
        holder,
        parked: reader.parked_count()?,
        waiting: reader.waiting()?,
        gaps: reader.gaps()?,
        roots: (roots.iter().filter(|root| root.shared).count(), roots.len()),
        findings: reader.are_findings_shared()?,
        system: reader.is_system_shared()?,
        origins: reader.shared_heads()?.len().saturating_sub(1),
    })
}

/// Whose events wait for one that has not come.
///
/// # Errors
/// When the ledger cannot be read.
pub fn gaps(reader: &Reader) -> Result<Vec<Gap>, SyncError> {
    Ok(reader.gaps()?)
}

/// Whether something of it is in trouble, check by check.
pub fn checks(report: &Report, now: i64) -> Vec<Check> {
    let named = |name, state, detail| Check { name, state, detail };
    if !report.enabled {
        return vec![named("synchronisation", CheckState::Ok, "off".to_owned())];
    }
    let age = report.oldest.map(|at| (now - at).max(0));
    let old = age.is_some_and(|age| age > OLD_BACKLOG_US);
    let age = age.map(|age| format!(", the oldest for {} s", age / 1_000_000)).unwrap_or_default();
    let warning = |is_one| if is_one { CheckState::Warning } else { CheckState::Ok };
    vec![
        delivery(&report.remote.status),
        named("breaker", warning(report.breaker != "closed"), report.breaker.to_owned()),
        named("outbox", warning(old), format!("{} not sent yet{age}", events_are(report.backlog))),
        named("parked", warning(report.parked > 0), parked(report.parked)),
    ]
}

/// Which events wait for which, as a sentence.
pub fn waits(gap: &Gap) -> String {
    let Gap { origin, host, waiting, event } = gap;
    let machine = if host.is_empty() { origin } else { host };
    let events = if *waiting == 1 { "1 event".to_owned() } else { format!("{waiting} events or more") };
    let wait = if *waiting == 1 { "waits" } else { "wait" };
    format!("{events} of {machine} {wait} for its event {event}, which the server does not have")
}

/// `1 event is`, `2 events are`.
fn events_are(count: i64) -> String {
    if count == 1 { "1 event is".to_owned() } else { format!("{count} events are") }
}

/// How many messages could not be taken in, for people.
pub fn parked(count: u64) -> String {
    let messages = if count == 1 { "message" } else { "messages" };
    format!("{count} {messages} could not be taken in")
}

fn delivery(status: &Status) -> Check {
    let is_in_trouble = status.last_error.is_some();
    let state = match State::named(&status.state) {
        Some(State::Blocked) => CheckState::Failed,
        Some(State::Open | State::Backoff) => CheckState::Warning,
        // Nobody delivers now, which is no trouble, but for what ended the last attempt; or all is sent and nothing is read.
        Some(State::Offline | State::Live) if is_in_trouble => CheckState::Warning,
        _ => CheckState::Ok,
    };
    let reason = status.reason.as_deref().filter(|_| state == CheckState::Failed);
    let called = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let why = status.last_error.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let hint = reason.and_then(super::engine::hint).map(|hint| format!("; {hint}")).unwrap_or_default();
    Check { name: "synchronisation", state, detail: format!("{}{called}{why}{hint}", status.state) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_who_waits_for_what() {
        let gap = |host: &str, waiting| Gap { origin: "UKEY".to_owned(), host: host.to_owned(), waiting, event: 5 };
        assert_eq!(waits(&gap("ada", 1)), "1 event of ada waits for its event 5, which the server does not have");
        assert!(waits(&gap("", 12)).starts_with("12 events or more of UKEY wait for its event 5"));
    }

    #[test]
    fn trouble_of_delivery_is_told_with_its_reason_and_the_next_step() {
        let of = |state: &str, reason: Option<&str>, error: Option<&str>| {
            let (reason, last_error) = (reason.map(str::to_owned), error.map(str::to_owned));
            let check = delivery(&Status { state: state.to_owned(), reason, last_error, ..Status::default() });
            (check.state, check.detail)
        };
        assert_eq!(of("live", None, None), (CheckState::Ok, "live".to_owned()));
        assert_eq!(of("offline", None, None), (CheckState::Ok, "offline".to_owned()));
        assert_eq!(of("offline", None, Some("x")), (CheckState::Warning, "offline: x".to_owned()));
        assert_eq!(of("live", None, Some("x")), (CheckState::Warning, "live: x".to_owned()));
        assert_eq!(of("backoff", None, Some("x")), (CheckState::Warning, "backoff: x".to_owned()));
        let (state, detail) = of("blocked", Some("clock"), Some("x"));
        assert_eq!(state, CheckState::Failed);
        assert_eq!(detail, "blocked (clock): x; set this machine's clock, or the server's");
    }
}
