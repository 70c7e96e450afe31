//! Health, discovery and metrics as the bus asks for them: from real checks and real counts, never a constant.

use std::ffi::OsStr;

use serde_json::{Value, json};

use super::super::programs;
use super::super::sync::status;
use super::super::watch::Coverage;
use super::measure::{Measure, measure};
use super::{DESCRIPTION, Desk, Hearing, SERVICE, command, query};
use crate::nix::Nix;
use crate::scan::Unwatched;
use crate::store::Reader;
use crate::store::check::{self, Check, CheckState};
use crate::store::view::rfc3339;

/// `healthy`, `degraded` or `unhealthy`, with every check that led to it. The pages of the database are not among them: whoever
/// may ask could keep a machine reading all of its ledger. `names_places` for whoever asks on this machine: a directory that cannot
/// be watched may be private.
pub(super) fn health(desk: &Desk, names_places: bool) -> Value {
    let now = desk.clock().now();
    let mut checks: Vec<Check> = check::glance(desk.session.store.path());
    let report = desk.glance(|reader| status::report(reader, now));
    match &report {
        Ok(report) => checks.extend(status::checks(report, now)),
        Err(error) => checks.push(named("synchronisation", CheckState::Unknown, error.to_string())),
    }
    checks.push(of_hearing(desk.hearing().as_ref()));
    checks.push(of_watching(desk.coverage().as_ref(), names_places));
    checks.push(of_nix(std::env::var_os("PATH").as_deref()));
    checks.push(programs::check(&programs::states(), now));
    let status = match check::worst(&checks) {
        CheckState::Failed => "unhealthy",
        CheckState::Warning => "degraded",
        CheckState::Ok | CheckState::Unknown => "healthy",
    };
    let checks: serde_json::Map<String, Value> = checks
        .iter()
        .map(|check| (check.name.to_owned(), json!({ "status": check.state.name(), "message": check.detail })))
        .collect();
    json!({
        "status": status, "service": SERVICE, "version": env!("CARGO_PKG_VERSION"), "timestamp": rfc3339(now),
        "origin": desk.session.store.origin().public_key, "machine": desk.session.who.host,
        "checks": checks,
        "details": {
            "uptime": (now - desk.since) / 1_000_000,
            "memory": { "used_mb": used_mb() },
            "connections": { "nats": report.as_ref().map_or("unknown", |report| report.remote.status.state.as_str()) },
        },
    })
}

fn of_hearing(hearing: Option<&Hearing>) -> Check {
    let (state, detail) = match hearing {
        None => (CheckState::Unknown, "nobody on the bus can ask now".to_owned()),
        Some(hearing @ Hearing::All) => (CheckState::Ok, hearing.to_string()),
        Some(hearing) => (CheckState::Warning, hearing.to_string()),
    };
    named("requests", state, detail)
}

fn of_watching(coverage: Option<&Coverage>, names_places: bool) -> Check {
    let Some(covers) = coverage else {
        return named("watching", CheckState::Unknown, "it is not known yet what is watched".to_owned());
    };
    let Coverage { watched, unwatched, .. } = covers;
    let state = if *unwatched == 0 { CheckState::Ok } else { CheckState::Warning };
    let detail = match covers.why {
        Some(Unwatched::Other(_)) if !names_places => {
            format!(
                "{unwatched} of {} directories are not watched; `cim-nix serve` says why where it runs",
                watched + unwatched
            )
        }
        _ => covers.to_string(),
    };
    named("watching", state, detail)
}

/// Nothing but edits of a lock needs it.
fn of_nix(path: Option<&OsStr>) -> Check {
    match Nix::place(path) {
        Some(program) => named("nix", CheckState::Ok, program.display().to_string()),
        None => named("nix", CheckState::Ok, "none is on PATH: what needs it is not done".to_owned()),
    }
}

fn named(name: &'static str, state: CheckState, detail: String) -> Check {
    Check { name, state, detail }
}

/// What this service can do and where.
pub(super) fn discovery(desk: &Desk) -> Value {
    let commands = command::COMMANDS.iter().filter(|command| desk.allows(command.name));
    let capabilities: Vec<String> = commands
        .map(|command| format!("cmd.{}", command.name))
        .chain(query::QUERIES.iter().map(|query| format!("query.{}", query.name)))
        .collect();
    let endpoints: Vec<String> = desk.endpoints().into_iter().map(|endpoint| endpoint.subject).collect();
    json!({
        "service": {
            "name": SERVICE, "version": env!("CARGO_PKG_VERSION"), "description": DESCRIPTION,
            "instance_id": desk.session.store.origin().public_key, "capabilities": capabilities, "endpoints": endpoints,
        },
        "timestamp": rfc3339(desk.clock().now()),
    })
}

/// The counts that `/metrics` shows as well, each by its name there, with the main ones in groups.
pub(super) fn metrics(desk: &Desk) -> Value {
    let now = desk.clock().now();
    let (answered, refused) = desk.counts();
    let report = desk.glance(|reader| status::report(reader, now));
    let head = desk.glance(Reader::head);
    json!({
        "service": SERVICE, "timestamp": rfc3339(now),
        "events": head.ok(), "requests": { "answered": answered, "refused": refused },
        "sync": report.ok().map(|report| json!({
            "state": report.remote.status.state, "shared": report.shared, "backlog": report.backlog,
            "waiting": report.waiting, "parked": report.parked, "origins": report.origins,
        })),
        "watch": desk.coverage().map(|covers| json!({ "watched": covers.watched, "unwatched": covers.unwatched })),
        "memory": { "used_mb": used_mb() },
        "metrics": measure(desk).ok().map(|measures| measures.iter().map(counted).collect::<serde_json::Map<_, _>>()),
    })
}

/// A number, or one for each of its labels.
fn counted(measure: &Measure) -> (String, Value) {
    let value = match measure.values.as_slice() {
        [(labels, value)] if labels.is_empty() => json!(value),
        values => values.iter().fold(json!({}), |mut all, (labels, value)| {
            labels.iter().fold(&mut all, |place, (_, label)| &mut place[label]).clone_from(&json!(value));
            all
        }),
    };
    (measure.name.to_owned(), value)
}

/// The memory that is resident, in MiB; none where the system does not tell.
pub(super) fn used_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bus_is_not_told_which_directory_cannot_be_watched() {
        let why = Some(Unwatched::Other("`/home/ada/private`: permission denied; let this user read it".to_owned()));
        let covers = Coverage { watched: 2, unwatched: 1, why };
        let of = |names_places| of_watching(Some(&covers), names_places);
        assert!(of(true).detail.contains("/home/ada/private"));
        assert_eq!(of(false).detail, "1 of 3 directories are not watched; `cim-nix serve` says why where it runs");
        assert_eq!((of(true).state, of(false).state), (CheckState::Warning, CheckState::Warning));
    }
}
