//! Files that pin sources without a flake, and the channels of the machine: read, compared and recorded.

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::catalogue::Event;
use crate::domain::path::RecordedPath;
use crate::domain::pins::{self as domain, Manager, Pins};
use crate::scan::{self, DEFAULT_LIMIT, Passed, read_text};
use crate::store::{FileRow, view};
use crate::syntax::{pins, secret};

use super::super::AppError;
use super::super::known::{self, Known};
use super::Run;
use super::left_out::LeftOutFiles;
use super::settle::Settler;

/// What is seen of a file.
#[derive(Default)]
struct Seen {
    pins: Pins,
    /// The names of pins that are there and could not be read.
    unread: BTreeSet<String>,
}

impl Seen {
    /// Without secrets, in names and in attributes.
    fn clean(pins: pins::Pins, unread: BTreeSet<String>) -> Self {
        let name = |name: String| secret::redact(&name).text;
        Self {
            pins: pins.into_iter().map(|(pin, attrs)| (name(pin), secret::redact_attrs(&attrs).0)).collect(),
            unread: unread.into_iter().map(name).collect(),
        }
    }

    /// What the file pins, with what is known of pins that could not be read.
    fn beside(self, known: Option<&Pins>) -> Pins {
        let kept = known.into_iter().flatten().filter(|(name, _)| self.unread.contains(*name));
        let mut pins: Pins = kept.map(|(name, attrs)| (name.clone(), attrs.clone())).collect();
        pins.extend(self.pins);
        pins
    }
}

/// Records what is new in the files that the walk found, and in the channels of the machine below a root.
pub(super) fn settle(run: &Run<'_>, settler: &mut Settler<'_>) -> Result<(), AppError> {
    let (walked, machine) = (run.walked, run.request.system.as_deref());
    settler.look_again()?;
    // With the flakes that this scan has found.
    let now = (settler.report.events > 0).then(|| settler.known_now()).transpose()?;
    let known = now.as_ref().unwrap_or(run.known);
    for file in walked.pins.iter().filter(|file| !known.is_of_forgotten(file)) {
        if let Some(manager) = Manager::of(file)
            && let Some(seen) = look(file, manager, settler)
        {
            settle_file(file, manager, Some(seen), known, settler)?;
        }
    }
    for (profile, installed) in machine.map(scan::channels).unwrap_or_default() {
        let of = |channel: scan::Channel| {
            (channel.name, pins::installed(channel.revision.as_deref(), channel.version.as_deref()))
        };
        let seen = Seen::clean(installed.into_iter().map(of).collect(), BTreeSet::new());
        settle_file(&profile, Manager::Channels, Some(seen), known, settler)?;
    }
    let mut left_out = LeftOutFiles::default();
    let is_out_of_reach =
        |file: &Path| known.flake_around(file).is_some_and(|flake| !walked.has_flake(&flake.directory));
    for (file, manager) in view::pin_files(settler.reader())? {
        let file = file.to_path();
        let manager = Manager::ALL.into_iter().find(|known| known.name() == manager).unwrap_or(Manager::Npins);
        // One that git tracks was looked at, also where git's rules leave out the directory around it. Of what is forgotten,
        // nobody asks, until all of it is gone.
        let is_kept = |forgotten: &Path| !run.devices.is_flake_gone(forgotten);
        if walked.pins.binary_search(&file).is_ok() || known.forgotten_around(&file).is_some_and(is_kept) {
            continue;
        }
        // The channels of a profile are the machine's, wherever a walk does not come by.
        let passed = Manager::of(&file).and_then(|_| walked.passed_over(&file));
        match passed {
            Some((at, Passed::Excluded { pattern })) => left_out.add(&file, at, pattern, None),
            // Of a flake that is out of reach, nobody knows.
            Some((_, Passed::ByRule)) if is_out_of_reach(&file) || !walked.is_ruled_out(&file, None) => {}
            passed if passed.is_some() || is_gone(&file, run) => {
                settle_file(&file, manager, None, known, settler)?;
            }
            _ => {}
        }
    }
    settler.report.left_out.extend(left_out.into_list());
    Ok(())
}

/// Whether a file is gone. On which device it was, a Nix file beside it tells, as those tools write one, or the flake around.
fn is_gone(file: &Path, run: &Run<'_>) -> bool {
    let known = run.known;
    let is_beside = |path: &Path, row: &FileRow| row.is_checked() && path.parent() == file.parent();
    let beside = || known.files().find_map(|(path, row)| is_beside(path, row).then_some(row));
    let around = || known.file(&known.flake_around(file)?.directory);
    run.walked.is_missing(file) && run.devices.is_file_gone(file, beside().or_else(around))
}

/// What a file pins; none when nothing of it can be read, which is said.
fn look(file: &Path, manager: Manager, settler: &mut Settler<'_>) -> Option<Seen> {
    let text = match read_text(file, DEFAULT_LIMIT) {
        Ok(read) => read.text,
        Err(error) => {
            settler.problem(file, error.code(), error.to_string());
            return None;
        }
    };
    let read = match manager {
        Manager::Npins => pins::npins(&text),
        Manager::Niv => pins::niv(&text),
        Manager::Channels => pins::subscribed(&text),
    };
    // The name says little: another tool's `nix/sources.json` may hold anything.
    if manager == Manager::Niv
        && read.pins.is_empty()
        && read.problems.iter().all(|problem| problem.code == "pins-shape")
    {
        return read.problems.is_empty().then(Seen::default);
    }
    for problem in &read.problems {
        let line = problem.span.map(|span| format!("line {}: ", span.line)).unwrap_or_default();
        settler.problem(file, problem.code, secret::redact(&format!("{line}{}", problem.message)).text);
    }
    // What has faults and gives no pin says nothing about those that were there.
    (!read.pins.is_empty() || read.problems.is_empty()).then(|| Seen::clean(read.pins, read.unread))
}

fn settle_file(
    file: &Path,
    manager: Manager,
    seen: Option<Seen>,
    known: &Known,
    settler: &mut Settler<'_>,
) -> Result<(), AppError> {
    let stream = known.pins_stream(file);
    let (state, version) = known::pins(settler.reader(), &stream)?;
    let seen = seen.map(|seen| seen.beside(state.as_ref()));
    let event = domain::observe(state.as_ref(), &RecordedPath::new(file), manager, seen.as_ref());
    let events = event.into_iter().map(Event::Pins).collect();
    let Some(write) = settler.write(stream, version, events) else { return Ok(()) };
    settler.store_or_tell(file, vec![write], Vec::new()).map(drop)
}
