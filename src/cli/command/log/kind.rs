//! Which type of event somebody means: one that exists, or what to write instead.

use crate::cli::context::Reading;
use crate::cli::failure::{Failure, Kind};
use crate::domain::catalogue::EVENTS;
use crate::domain::stream::Aggregate;
use crate::store::view;

/// How many types are named when none fits.
const NEAR: usize = 3;

/// How alike a type must be to be worth naming.
const LIKENESS: f64 = 0.75;

/// Refuses a type that this release does not know and no event has; one of a newer release may have come from elsewhere.
pub(super) fn check(kind: &str, reading: &Reading) -> Result<(), Failure> {
    if known().any(|name| name == kind) || view::has_kind(&reading.ledger.reader, kind)? {
        return Ok(());
    }
    let failure = Failure::new(Kind::Usage, format!("no event has the type `{kind}`"));
    let near = near(kind);
    let failure =
        if near.is_empty() { failure } else { failure.hinted(format!("did you mean `{}`?", near.join("`, or `"))) };
    Err(failure.hinted(
        "`cim-nix util event-schema` lists every type; `flake`, `finding` and the like stand for all of a kind",
    ))
}

/// Every name that `--type` takes: the kinds of things, then the types.
fn known() -> impl Iterator<Item = String> {
    let aggregates = Aggregate::ALL.into_iter().map(|aggregate| aggregate.name().to_owned());
    aggregates.chain(EVENTS.iter().map(|kind| kind.name()))
}

/// The names most like the one that was written, the likest first, among equals as they are documented. What happened may be
/// written without to what.
fn near(written: &str) -> Vec<String> {
    let written = written.to_lowercase();
    let likeness = |name: &str| match (name.split_once('.'), written.split_once('.')) {
        (Some((of, action)), Some((written_of, written_action))) => {
            strsim::jaro_winkler(of, written_of).min(strsim::jaro_winkler(action, written_action))
        }
        (Some((_, action)), None) => strsim::jaro_winkler(action, &written),
        (None, None) => strsim::jaro_winkler(name, &written),
        (None, Some(_)) => 0.0,
    };
    let mut alike: Vec<(f64, String)> =
        known().map(|name| (likeness(&name), name)).filter(|(likeness, _)| *likeness >= LIKENESS).collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    alike.into_iter().take(NEAR).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        for (written, meant) in [
            ("flake.update", "flake.updated"),
            ("flake.inputadded", "flake.input_added"),
            ("updated", "flake.updated"),
            ("Raised", "finding.raised"),
            ("findings", "finding"),
            ("lock-history", "lock_history"),
        ] {
            assert_eq!(near(written).first().map(String::as_str), Some(meant), "{written}: {:?}", near(written));
        }
    }

    #[test]
    fn what_is_like_nothing_names_nothing() {
        for written in ["zzz", "", ".", "flake.exploded"] {
            assert_eq!(near(written), [""; 0], "{written}");
        }
    }
}
