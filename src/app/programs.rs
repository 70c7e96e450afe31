//! The programs that this process runs, and whether it runs them again: one that hung or did not start is left alone for a
//! while, and the rest of the work goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

pub use crate::domain::circuit::State;
use crate::store::check::{Check, CheckState};
use crate::store::view::rfc3339;
use crate::{nix, process};

/// How every program stands that was run, by its name; of several of one name, the worst.
pub fn states() -> BTreeMap<String, State> {
    let now = Instant::now();
    worst(nix::circuits(now).into_iter().chain(process::circuits(now)))
}

fn worst(known: impl Iterator<Item = (String, State)>) -> BTreeMap<String, State> {
    let mut states = BTreeMap::new();
    for (program, state) in known {
        let name =
            Path::new(&program).file_name().map_or_else(|| program.clone(), |name| name.to_string_lossy().into());
        let found = states.entry(name).or_insert(state);
        *found = state.max(*found);
    }
    states
}

/// Whether one of them is not run now, and until when; `now` is in microseconds since 1970 UTC.
pub fn check(states: &BTreeMap<String, State>, now: i64) -> Check {
    let told: Vec<String> = states
        .iter()
        .filter_map(|(program, state)| match state {
            State::Closed => None,
            State::HalfOpen => {
                Some(format!("`{program}` hung or did not start, and is tried once more when it is needed"))
            }
            State::Open(left) => {
                let until = rfc3339(now.saturating_add(i64::try_from(left.as_micros()).unwrap_or(i64::MAX)));
                Some(format!("`{program}` hung or did not start, and is not run until {until}"))
            }
        })
        .collect();
    let is_open = states.values().any(|state| matches!(state, State::Open(_)));
    let state = if is_open { CheckState::Warning } else { CheckState::Ok };
    let detail = match (told.is_empty(), states.is_empty()) {
        (false, _) => told.join("; "),
        (true, true) => "none was run".to_owned(),
        (true, false) => "closed".to_owned(),
    };
    Check { name: "programs", state, detail }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_program_that_is_left_alone_is_named_with_until_when() {
        let known = [
            ("/bin/nix", State::Closed),
            ("/usr/bin/nix", State::Open(Duration::from_mins(1))),
            ("fmt", State::HalfOpen),
        ];
        let states = worst(known.into_iter().map(|(program, state)| (program.to_owned(), state)));
        let told = check(&states, 0);
        assert_eq!((told.name, told.state), ("programs", CheckState::Warning));
        assert_eq!(
            told.detail,
            "`fmt` hung or did not start, and is tried once more when it is needed; \
             `nix` hung or did not start, and is not run until 1970-01-01T00:01:00Z"
        );
        let closed = BTreeMap::from([("nix".to_owned(), State::Closed)]);
        assert_eq!((check(&closed, 0).state, check(&closed, 0).detail), (CheckState::Ok, "closed".to_owned()));
        assert_eq!(check(&BTreeMap::new(), 0).detail, "none was run");
    }
}
