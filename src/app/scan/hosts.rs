//! The configurations that flakes have: read again when anything of their flake was, compared and recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::domain::catalogue::Event;
use crate::domain::config::ConfigEvent;
use crate::domain::config::host::{self, Host, HostKind, HostName};
use crate::domain::id::FlakeId;
use crate::domain::naming;
use crate::scan::{DEFAULT_LIMIT, ReadError, read_text};
use crate::store::{LocalNote, StreamWrite, view};
use crate::syntax::flake::read_with_configurations;

use super::super::AppError;
use super::super::known::{self, KnownFlake};
use super::Run;
use super::facts::clean;
use super::renamed;
use super::settle::{Outcome, Settler, TRIES};

mod follow;

use follow::Follower;

/// What is seen of the configurations of one flake.
#[derive(Default)]
struct Seen {
    hosts: BTreeMap<HostName, Host>,
    /// Those with a file that makes no sense: what is seen of them is only what could be made out.
    not_understood: BTreeSet<HostName>,
}

/// Records what is new about the configurations of the flakes of which something was read, in this scan or in one that did
/// not come so far.
pub(super) fn settle(run: &Run<'_>, settler: &mut Settler<'_>) -> Result<(), AppError> {
    if !run.request.modules {
        return Ok(());
    }
    let touched = settler.touched().clone();
    let is_due_here = |due: &BTreeMap<FlakeId, bool>, flake: &KnownFlake| {
        let is_here = flake.removed || run.walked.has_flake(&flake.directory);
        due.contains_key(&flake.id) && is_here && !run.known.is_forgotten(&flake.directory)
    };
    let due = settler.reader().configs_due()?;
    if touched.is_empty() && !run.known.flakes().any(|flake| is_due_here(&due, flake)) {
        return Ok(());
    }
    settler.look_again()?;
    settler.follow_up();
    let due = settler.reader().configs_due()?;
    let known = settler.known_now()?;
    let mut recorded: BTreeMap<FlakeId, BTreeSet<HostName>> = BTreeMap::new();
    for (flake, kind, name) in view::recorded_configs(settler.reader())? {
        let kind = HostKind::ALL.into_iter().find(|known| known.name() == kind);
        recorded.entry(flake).or_default().extend(kind.map(|kind| HostName { flake, kind, name }));
    }
    let mut flakes: Vec<_> =
        known.flakes().filter(|flake| touched.contains_key(&flake.id) || is_due_here(&due, flake)).collect();
    flakes.sort_by(|a, b| a.directory.cmp(&b.directory));
    for flake in flakes {
        let same_files = ![&touched, &due].iter().any(|flakes| flakes.get(&flake.id) == Some(&true));
        for tries_left in (0..TRIES).rev() {
            let seen = if flake.removed { Ok(Some(Seen::default())) } else { look(flake.id, &flake.directory) };
            let settled = LocalNote::ConfigsSettled { flake: flake.id, began: settler.began() };
            // What cannot be read stays due.
            let Ok(seen) = seen else { break };
            let Some(seen) = seen else {
                // It is read again when it is another text.
                settler.note(settled);
                break;
            };
            // A private root may have gone where the walk did not come by.
            let files = seen.hosts.values().flat_map(|host| &host.modules).map(|file| flake.directory.join(file));
            settler.report.roots_moved.extend(renamed::follow_files(run.session, files)?);
            match settle_flake(flake.id, &seen, recorded.get(&flake.id), same_files, settled, settler)? {
                // No later scan would look again at files that have not changed.
                Outcome::Conflict if tries_left > 0 => {
                    settler.look_again()?;
                    if settler.known_now()?.is_forgotten(&flake.directory) {
                        break;
                    }
                }
                outcome => {
                    settler.tell(&flake.directory.join("flake.nix"), outcome);
                    break;
                }
            }
        }
    }
    Ok(())
}

fn settle_flake(
    flake: FlakeId,
    seen: &Seen,
    recorded: Option<&BTreeSet<HostName>>,
    same_files: bool,
    settled: LocalNote,
    settler: &mut Settler<'_>,
) -> Result<Outcome, AppError> {
    // What a text that makes sense names no longer is seen no longer, also where it may be written out of sight by now.
    let names: BTreeSet<&HostName> = seen.hosts.keys().chain(recorded.into_iter().flatten()).collect();
    let (mut writes, mut notes): (Vec<StreamWrite>, _) = (Vec::new(), vec![settled]);
    for name in names {
        let stream = naming::host(name);
        let (state, version) = known::host(settler.reader(), &stream)?;
        // What a slip hides for a moment is neither gone nor changed.
        if state.is_some() && seen.not_understood.contains(name) {
            continue;
        }
        let event = host::observe(state.as_ref(), name, seen.hosts.get(name), same_files);
        if event.as_ref().is_some_and(takes_in_more) {
            // A new file may be one that a root inside the flake keeps: whoever follows consent looks whether it is.
            notes.push(LocalNote::Withdrawn { stream: stream.clone() });
        }
        writes.extend(settler.write(stream, version, event.map(Event::Config).into_iter().collect()));
    }
    settler.guard(&mut writes, [flake])?;
    settler.store(writes, notes)
}

/// Whether an event may tell of files that no earlier one did.
fn takes_in_more(event: &ConfigEvent) -> bool {
    match event {
        ConfigEvent::Updated { change, .. } => change.left_out > 0 || !change.modules.added.is_empty(),
        ConfigEvent::Deleted { .. } => false,
        _ => true,
    }
}

/// Looks at one flake; none when it cannot be understood. That, and that it cannot be read, the scan has said already.
fn look(flake: FlakeId, directory: &Path) -> Result<Option<Seen>, ReadError> {
    let text = read_text(&directory.join("flake.nix"), DEFAULT_LIMIT)?.text;
    let (file, configurations) = read_with_configurations(&text);
    // What a slip hides for a moment is neither gone nor changed.
    if !file.is_understood() {
        return Ok(None);
    }
    let mut seen = Seen::default();
    let mut follower = Follower::new(directory);
    for one in configurations {
        let Some(kind) = HostKind::ALL.into_iter().find(|kind| kind.output() == one.category) else { continue };
        let name = HostName { flake, kind, name: clean(&one.name) };
        let (host, understood) = follower.host(&one);
        if !understood {
            seen.not_understood.insert(name.clone());
        }
        seen.hosts.insert(name, host);
    }
    Ok(Some(seen))
}
