//! The generations of this machine's NixOS, recorded by every scan: a few links to look at, and nothing to run.

use std::path::Path;

use crate::domain::catalogue::Event;
use crate::domain::config::{self, Generation, Observation};
use crate::domain::path::RecordedPath;
use crate::scan;

use super::super::AppError;
use super::super::known::{self, Known};
use super::settle::Settler;

/// Records what is new; a machine that is no NixOS says nothing.
pub(super) fn settle(root: &Path, known: &Known, settler: &mut Settler<'_>) -> Result<(), AppError> {
    let Some(system) = scan::system(root) else { return Ok(()) };
    let stream = known.config_stream(&system.profile);
    let (profile, version) = known::profile(settler.reader(), &stream)?;
    let generation = |link: &scan::Link| {
        let is_known = profile.generations.get(&link.number) == Some(&link.store_path)
            && (profile.current == system.current || system.current != Some(link.number));
        // What is known already is asked nothing.
        let told = if is_known { scan::Version::default() } else { scan::version(root, &link.store_path) };
        let scan::Version { version, revision, configuration } = told;
        let store_path = link.store_path.clone();
        (link.made_at, Generation { number: link.number, store_path, version, revision, configuration })
    };
    let seen = Observation {
        profile: RecordedPath::new(&system.profile),
        generations: system.generations.iter().map(generation).collect(),
        current: system.current.map(|number| (system.chosen_at, number)),
    };
    let events = config::observe(&profile, &seen);
    let events = events.into_iter().map(|(at, event)| (at, Event::Config(event))).collect();
    let Some(write) = settler.write_at(stream, version, events) else { return Ok(()) };
    settler.store_or_tell(&system.profile, vec![write], Vec::new()).map(drop)
}
