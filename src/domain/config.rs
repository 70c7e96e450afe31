//! A configuration: as a machine has it, which generation of a profile was activated, and when it was gone back from; and as a
//! flake has it, in the file beside this one.
//!
//! One stream a profile, and one a configuration of a flake. What is observed of a machine are the links that `nixos-rebuild`
//! leaves behind, so the past is known as far as its generations were not deleted before the first look.

use std::collections::BTreeMap;

use super::path::RecordedPath;
use host::{Host, HostChange, HostName};

pub mod host;

/// One generation of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its number, counted by Nix.
    pub number: u64,
    /// What it is: a path in the Nix store.
    pub store_path: String,
    /// The version that the system says it has, as in `26.05.20261101.647b2b7`.
    pub version: Option<String>,
    /// The revision of nixpkgs it was made from, in full or its beginning.
    pub revision: Option<String>,
    /// The revision of the configuration it was made from, where that says so.
    pub configuration: Option<String>,
}

/// An event of a config stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigEvent {
    /// A generation became the current one; when it did is when the event occurred.
    Activated {
        /// The profile.
        profile: RecordedPath,
        /// The generation.
        generation: Generation,
    },
    /// An older generation became the current one again.
    RolledBack {
        /// The profile.
        profile: RecordedPath,
        /// The generation that was current before.
        from: u64,
        /// The one that is now.
        to: Generation,
    },
    /// A configuration of a flake was seen for the first time, or again after it was deleted.
    Discovered {
        /// Which one.
        name: HostName,
        /// What it is.
        host: Box<Host>,
    },
    /// A configuration of a flake is otherwise than before.
    Updated {
        /// Which one.
        name: HostName,
        /// What changed.
        change: Box<HostChange>,
    },
    /// The configuration is seen in its flake no longer: it is gone, or written where nobody can read it without evaluating.
    Deleted {
        /// Which one.
        name: HostName,
    },
}

/// What is known of a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// What each generation is, by its number.
    pub generations: BTreeMap<u64, String>,
    /// The current one.
    pub current: Option<u64>,
}

impl Profile {
    /// What a stream of events leads to.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a ConfigEvent>) -> Self {
        let mut profile = Self::default();
        for event in events {
            let (ConfigEvent::Activated { generation, .. } | ConfigEvent::RolledBack { to: generation, .. }) = event
            else {
                continue;
            };
            profile.generations.insert(generation.number, generation.store_path.clone());
            profile.current = Some(generation.number);
        }
        profile
    }
}

/// What one look at a profile tells; times in microseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The profile.
    pub profile: RecordedPath,
    /// Its generations, each with when its link was made.
    pub generations: Vec<(i64, Generation)>,
    /// The number of the current one, and when it was chosen.
    pub current: Option<(i64, u64)>,
}

/// What happened since the profile was known like this, each with when it happened.
pub fn observe(known: &Profile, seen: &Observation) -> Vec<(i64, ConfigEvent)> {
    let mut events = Vec::new();
    let mut current = known.current;
    let mut fresh: Vec<_> = seen
        .generations
        .iter()
        .filter(|(_, generation)| known.generations.get(&generation.number) != Some(&generation.store_path))
        .collect();
    fresh.sort_by_key(|(_, generation)| generation.number);
    for (at, generation) in fresh {
        current = Some(generation.number);
        let (profile, generation) = (seen.profile.clone(), generation.clone());
        events.push((*at, ConfigEvent::Activated { profile, generation }));
    }
    let chosen = seen.current.filter(|(_, number)| current != Some(*number));
    let Some((at, number)) = chosen else { return events };
    let Some((_, generation)) = seen.generations.iter().find(|(_, generation)| generation.number == number) else {
        return events;
    };
    let (profile, generation) = (seen.profile.clone(), generation.clone());
    events.push(match current.filter(|current| *current > number) {
        Some(from) => (at, ConfigEvent::RolledBack { profile, from, to: generation }),
        None => (at, ConfigEvent::Activated { profile, generation }),
    });
    events
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn profile() -> RecordedPath {
        RecordedPath::new(Path::new("/nix/var/nix/profiles/system"))
    }

    fn generation(number: u64, name: &str) -> Generation {
        let store_path = format!("/nix/store/{name}-nixos-system");
        Generation { number, store_path, version: None, revision: None, configuration: None }
    }

    fn seen(numbers: &[u64], current: (i64, u64)) -> Observation {
        let generations = numbers.iter().map(|number| (i64::try_from(*number).unwrap(), generation(*number, "a")));
        Observation { profile: profile(), generations: generations.collect(), current: Some(current) }
    }

    fn told(events: &[(i64, ConfigEvent)]) -> Vec<String> {
        let tell = |(at, event): &(i64, ConfigEvent)| match event {
            ConfigEvent::Activated { generation, .. } => format!("{at} +{}", generation.number),
            ConfigEvent::RolledBack { from, to, .. } => format!("{at} {from}-{}", to.number),
            other => format!("{other:?}"),
        };
        events.iter().map(tell).collect()
    }

    fn then(known: &Profile, events: &[(i64, ConfigEvent)]) -> Profile {
        let mut next = known.clone();
        let later = Profile::fold(events.iter().map(|(_, event)| event));
        next.generations.extend(later.generations);
        next.current = later.current.or(next.current);
        next
    }

    #[test]
    fn the_past_is_told_at_the_first_look_and_only_then() {
        let events = observe(&Profile::default(), &seen(&[9, 7, 8], (9, 9)));
        assert_eq!(told(&events), ["7 +7", "8 +8", "9 +9"]);
        let known = then(&Profile::default(), &events);
        assert_eq!(observe(&known, &seen(&[7, 8, 9], (9, 9))), []);
        assert_eq!(observe(&known, &seen(&[9], (9, 9))), [], "deleting old ones activates nothing");
    }

    #[test]
    fn going_back_and_forth_is_told_when_it_happened() {
        let known = then(&Profile::default(), &observe(&Profile::default(), &seen(&[7, 8], (8, 8))));
        let back = observe(&known, &seen(&[7, 8], (20, 7)));
        assert_eq!(told(&back), ["20 8-7"]);
        let known = then(&known, &back);
        assert_eq!(observe(&known, &seen(&[7, 8], (20, 7))), []);
        assert_eq!(told(&observe(&known, &seen(&[7, 8], (30, 8)))), ["30 +8"]);
    }

    #[test]
    fn a_machine_that_had_gone_back_before_the_first_look_says_so() {
        assert_eq!(told(&observe(&Profile::default(), &seen(&[1, 2, 3], (9, 2)))), ["1 +1", "2 +2", "3 +3", "9 3-2"]);
    }

    #[test]
    fn a_number_that_is_used_again_is_another_generation() {
        let known = then(&Profile::default(), &observe(&Profile::default(), &seen(&[7, 8], (8, 8))));
        let again = Observation { generations: vec![(30, generation(8, "b"))], ..seen(&[], (30, 8)) };
        assert_eq!(told(&observe(&known, &again)), ["30 +8"]);
    }

    #[test]
    fn a_current_one_whose_link_is_not_there_is_not_guessed() {
        assert_eq!(observe(&Profile::default(), &seen(&[], (1, 4))), []);
    }
}
