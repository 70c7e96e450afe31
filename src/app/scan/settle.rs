//! Settling: compares what was seen with the state, and makes the events of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::domain::catalogue::Event;
use crate::domain::finding::{self, Finding, Seen, Subject};
use crate::domain::flake::decide::{self, Observation};
use crate::domain::id::{EventId, FlakeId};
use crate::domain::message::MessageIdentity;
use crate::domain::nix_file::NixFile;
use crate::domain::path::RecordedPath;
use crate::domain::stream::StreamId;
use crate::domain::{module, overlay};
use crate::git::Repository;
use crate::scan::Found;
use crate::store::{Command, EditRow, Expected, FileRow, LocalNote, NewEvent, Reader, StreamWrite};

use super::super::known::{self, Known, KnownFlake};
use super::super::observe::{self, EXTRACTOR};
use super::super::{AppError, Session, edit, history};
use super::facts::Facts;
use super::look::{Glance, HISTORY_LIMITED, Sight};
use super::unseen::Look;
use super::{ScanProblem, ScanReport, carried};

mod send;

use send::Pending;
pub(super) use send::{Outcome, TRIES};

/// Turns glances into events.
pub(super) struct Settler<'a> {
    session: &'a Session,
    known: &'a Known,
    identity: MessageIdentity,
    actor: String,
    reader: Reader,
    /// The end of the ledger before anything was looked at: what was recorded behind it may be newer than what was seen.
    began: i64,
    anew: &'a Anew<'a>,
    moved: &'a HashMap<PathBuf, FlakeId>,
    extractor: u32,
    notes: Vec<LocalNote>,
    pending: Vec<Pending>,
    /// Flakes of which something was read, and whether that was another text than before.
    touched: BTreeMap<FlakeId, bool>,
    /// Those of them that the ledger does not know to be due for another look at their configurations.
    undue: BTreeMap<FlakeId, bool>,
    pub(super) report: ScanReport,
}

/// Looks at one directory again, as if nothing had been seen of it.
pub(super) type Anew<'a> = dyn Fn(&Path) -> Result<Option<Glance>, AppError> + 'a;

/// What became of a flake.
#[derive(Clone, Copy)]
enum Fate {
    New,
    Changed,
    Same,
}

/// Everything that happened to one flake, as one command.
struct Decision {
    /// The command whose doing it is.
    command: Command,
    fate: Fate,
    writes: Vec<StreamWrite>,
    notes: Vec<LocalNote>,
}

impl<'a> Settler<'a> {
    pub(super) fn new(
        session: &'a Session,
        known: &'a Known,
        command: &Command,
        moved: &'a HashMap<PathBuf, FlakeId>,
        anew: &'a Anew<'a>,
        extractor: u32,
        began: i64,
    ) -> Result<Self, AppError> {
        let reader = session.store.reader()?;
        let (notes, pending, report) = (Vec::new(), Vec::new(), ScanReport::default());
        let (touched, undue) = (BTreeMap::new(), BTreeMap::new());
        let (identity, actor) = (command.identity, command.actor.clone());
        Ok(Self {
            session,
            known,
            identity,
            actor,
            reader,
            began,
            anew,
            moved,
            extractor,
            notes,
            pending,
            touched,
            undue,
            report,
        })
    }

    /// A command of the scan's own, in the name of whoever asked for it.
    fn observe(&self) -> Command {
        Command { actor: self.actor.clone(), ..self.session.caused("observe", &self.identity) }
    }

    /// The command that made an edit, in the name of whoever asked for it.
    fn edit_command(&self, edit: &EditRow) -> Result<Command, AppError> {
        let command = self.session.command_as(edit::name(&edit.name), edit.identity());
        // The scan that an edit brings about knows who that was.
        let is_own = self.identity.causation_id.uuid() == edit.command;
        let actor = if is_own { Some(self.actor.clone()) } else { self.reader.edit_actor(edit)? };
        Ok(match actor {
            Some(actor) => Command { actor, ..command },
            None => command,
        })
    }

    /// Whether a flake was found at a new place.
    pub(super) fn has_moved(&self, flake: FlakeId) -> bool {
        self.moved.values().any(|id| *id == flake)
    }

    /// Says that something of a flake was read, and whether that was another text than before. Before it is recorded: its
    /// configurations are due with it, whatever becomes of this process.
    pub(super) fn touch(&mut self, flake: FlakeId, changed: bool) {
        for flakes in [&mut self.touched, &mut self.undue] {
            *flakes.entry(flake).or_default() |= changed;
        }
    }

    /// What is due with the events that are recorded now.
    fn due(&mut self) -> impl Iterator<Item = LocalNote> + use<> {
        std::mem::take(&mut self.undue).into_iter().map(|(flake, changed)| LocalNote::ConfigsDue { flake, changed })
    }

    /// What was read is followed up now, and is due no more but where the ledger says so.
    pub(super) fn follow_up(&mut self) {
        self.undue.clear();
        self.touched.clear();
    }

    /// Keeps a note that belongs to no event.
    pub(super) fn note(&mut self, note: LocalNote) {
        self.notes.push(note);
    }

    /// The flakes of which something was read.
    pub(super) fn touched(&self) -> &BTreeMap<FlakeId, bool> {
        &self.touched
    }

    /// Adds a problem that no flake has.
    pub(super) fn problem(&mut self, path: &Path, code: &str, message: String) {
        self.report.problems.push(ScanProblem {
            path: path.to_owned(),
            line: None,
            severity: super::super::findings::severity(code),
            code: code.to_owned(),
            message,
        });
    }

    /// Settles one directory.
    pub(super) fn settle(&mut self, at: &Found, glance: Glance) -> Result<(), AppError> {
        match glance {
            Glance::Unchanged(flake) => {
                self.report.seen += 1;
                self.repeat_findings(at, flake)?;
            }
            Glance::Failed { code, path, message } => {
                self.report.seen += 1;
                self.problem(&path.to_path(), code, message);
            }
            Glance::LockAlone(row, findings) => self.settle_lock_alone(at, row, findings)?,
            Glance::Read(sight) => {
                self.report.seen += 1;
                self.show_findings(at, &sight);
                self.touch(sight.id, !sight.same_files);
                self.settle_sight(&at.dir, &sight)?;
            }
        }
        Ok(())
    }

    /// The report, and the notes that belong to no event.
    pub(super) fn finish(mut self) -> Result<(ScanReport, Vec<LocalNote>), AppError> {
        self.wait()?;
        // Also what went with events that the ledger did not take.
        self.undue = std::mem::take(&mut self.touched);
        let due = self.due();
        self.notes.extend(due);
        Ok((self.report, self.notes))
    }

    /// One write of events that happened now; none when there are no events.
    pub(super) fn write(&self, stream: StreamId, version: u64, events: Vec<Event>) -> Option<StreamWrite> {
        let now = self.now();
        self.write_at(stream, version, events.into_iter().map(|event| (now, event)).collect())
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The same with when each happened.
    pub(super) fn write_at(&self, stream: StreamId, version: u64, events: Vec<(i64, Event)>) -> Option<StreamWrite> {
        if events.is_empty() {
            return None;
        }
        let event = |(occurred_at, event)| NewEvent {
            id: EventId::new(self.session.clock.new_id()),
            occurred_at,
            event,
            undoes: None,
        };
        let events = events.into_iter().map(event).collect();
        Some(StreamWrite { stream, expected: Expected::Version(version), events })
    }

    fn now(&self) -> i64 {
        self.session.clock.now()
    }

    fn settle_sight(&mut self, directory: &Path, sight: &Sight) -> Result<(), AppError> {
        let decision = self.decide(directory, sight)?;
        self.send(directory, decision)
    }

    fn decide(&mut self, directory: &Path, sight: &Sight) -> Result<Decision, AppError> {
        let (state, version) = known::flake(&self.reader, sight.id)?;
        let known_lock = state.as_ref().and_then(|flake| flake.facts.lock.as_ref());
        let observation = Observation {
            directory: RecordedPath::new(directory),
            lineage: sight.lineage.clone(),
            extractor: EXTRACTOR,
            same_files: sight.same_files,
            lock_changes: observe::lock_changes(known_lock, sight.facts.lock.as_ref()),
            facts: sight.facts.clone(),
            not_understood: sight.not_understood,
        };
        let old = if version == 0 { self.known.succeeded(&self.reader, directory)? } else { None };
        let events = match &old {
            Some(old) => decide::succeed(old.clone(), &observation),
            None => decide::observe(state.as_ref(), &observation),
        };
        let fate = match version {
            0 => Fate::New,
            _ if events.is_empty() => Fate::Same,
            _ => Fate::Changed,
        };
        let is_told = !events.is_empty();
        let events = events.into_iter().map(Event::Flake).collect();
        let mut writes: Vec<_> = self.write(StreamId::flake(sight.id), version, events).into_iter().collect();
        let (nix, lock) = (directory.join("flake.nix"), directory.join("flake.lock"));
        writes.extend(self.flake_findings(sight.id, &nix, &sight.flake_findings, &sight.flake_look)?);
        writes.extend(self.flake_findings(sight.id, &lock, &sight.lock_findings, &sight.lock_look)?);
        let alone = known::findings(&self.reader, &self.known.finding_stream(None, &lock))?.0;
        if !alone.is_empty() {
            writes.extend(self.findings(None, &lock, &Seen::default())?);
        }
        let edit = self.reader.pending_edit(&nix, &sight.nix_hash)?;
        let undoes = edit.as_ref().and_then(|edit| edit.undoes);
        for event in writes.iter_mut().flat_map(|write| &mut write.events) {
            event.undoes = undoes;
        }
        let row = FileRow {
            path: directory.to_owned(),
            stamp: sight.stamp.clone(),
            content: sight.content,
            extractor: self.extractor,
            flake: Some(sight.id),
        };
        let mut notes = vec![self.known.seen(row, !writes.is_empty())];
        let stream = StreamId::flake(sight.id);
        notes.extend(old.map(|old| LocalNote::Succeeds { stream, old: Box::new(old) }));
        writes.extend(self.past(directory, sight, &mut notes)?);
        if !is_told {
            self.guard(&mut writes, [sight.id])?;
        }
        if self.moved.contains_key(directory) {
            // Not even where it went is shared before it is known there.
            notes.extend(writes.iter().map(|write| LocalNote::Withdrawn { stream: write.stream.clone() }));
            if let Some(before) = state.as_ref().map(|flake| flake.directory.to_path()) {
                notes.extend(carried::notes(&self.reader, &before, directory, self.now())?);
            }
        }
        let command = match edit {
            Some(edit) => {
                notes.push(LocalNote::EditSeen { command: edit.command });
                self.edit_command(&edit)?
            }
            None => self.observe(),
        };
        Ok(Decision { command, fate, writes, notes })
    }

    /// The findings of a file of a flake. What is open and was not looked for stays in the report, as in the ledger.
    fn flake_findings(
        &mut self,
        flake: FlakeId,
        file: &Path,
        seen: &Seen,
        look: &Look,
    ) -> Result<Option<StreamWrite>, AppError> {
        let subject = Subject { flake: Some(flake), file: RecordedPath::new(file) };
        let (write, kept) = self.findings_on(self.known.finding_stream(Some(flake), file), &subject, seen, look)?;
        self.show(file, &kept);
        Ok(write)
    }

    /// What git tells of the past; what could not be read is said, and never in the way.
    fn past(
        &mut self,
        directory: &Path,
        sight: &Sight,
        notes: &mut Vec<LocalNote>,
    ) -> Result<Option<StreamWrite>, AppError> {
        let lock = directory.join("flake.lock");
        if let Some(message) = &sight.past_failed {
            self.problem(&lock, "history-unreadable", format!("the lock's history could not be read: {message}"));
        }
        let Some(past) = &sight.past else { return Ok(None) };
        let repository = || sight.repository.as_deref().and_then(|path| Repository::discover(path).ok().flatten());
        let decided = history::decide(&self.reader, repository, sight.id, past, self.now())?;
        for sentence in decided.unreadable {
            self.problem(&lock, HISTORY_LIMITED, sentence);
        }
        notes.push(self.known.learnt(LocalNote::HistoryCursor(past.cursor.clone())));
        Ok(self.write_at(StreamId::lock_history(sight.id), decided.version, decided.events))
    }

    /// The findings of `flake.nix` or `flake.lock`, also of a lock without a flake, when all there is was looked at.
    pub(super) fn findings(
        &self,
        flake: Option<FlakeId>,
        file: &Path,
        seen: &Seen,
    ) -> Result<Option<StreamWrite>, AppError> {
        let subject = Subject { flake, file: RecordedPath::new(file) };
        Ok(self.findings_on(self.known.finding_stream(flake, file), &subject, seen, &Look::WHOLE)?.0)
    }

    /// The findings of a Nix file somewhere in a flake, or in none.
    pub(super) fn findings_inside(
        &self,
        flake: Option<&KnownFlake>,
        file: &Path,
        seen: &Seen,
        look: &Look,
    ) -> Result<Option<StreamWrite>, AppError> {
        let subject = Subject { flake: flake.map(|flake| flake.id), file: RecordedPath::new(file) };
        Ok(self.findings_on(self.known.finding_stream_inside(flake, file), &subject, seen, look)?.0)
    }

    /// The findings of one stream, and those among them that are open and were not looked for; of a flake that moved, the
    /// old ones are resolved where they were.
    fn findings_on(
        &self,
        stream: StreamId,
        subject: &Subject,
        seen: &Seen,
        look: &Look,
    ) -> Result<(Option<StreamWrite>, Vec<Finding>), AppError> {
        let (open, version) = known::findings(&self.reader, &stream)?;
        let before = if open.is_empty() { None } else { known::found_in(&self.reader, &stream)? };
        let kept = look.kept(&open, seen);
        let mut seen = Cow::Borrowed(seen);
        if !kept.is_empty() {
            seen.to_mut().findings.extend(kept.iter().cloned());
        }
        let events = match before.filter(|before| *before != subject.file) {
            Some(before) => {
                let old = Subject { file: before, ..subject.clone() };
                let mut events = finding::decide::observe(&open, &old, &Seen::default());
                events.extend(finding::decide::observe(&finding::Open::new(), subject, &seen));
                events
            }
            None => finding::decide::observe(&open, subject, &seen),
        };
        Ok((self.write(stream, version, events.into_iter().map(Event::Finding).collect()), kept))
    }

    /// What a Nix file is by its shape; of a flake that moved, it is still the same file. Where a text makes no sense as a whole,
    /// what is recorded stays: what a slip hides for a moment is neither gone nor changed.
    pub(super) fn facts_inside(
        &self,
        flake: Option<&KnownFlake>,
        file: &Path,
        seen: &Facts,
        (same_file, understood): (bool, bool),
    ) -> Result<Vec<StreamWrite>, AppError> {
        let inside = flake.and_then(|flake| file.strip_prefix(&flake.directory).ok()).unwrap_or(file);
        let named = NixFile { flake: flake.map(|flake| flake.id), path: RecordedPath::new(inside) };
        let (modules, overlays) = self.known.shape_streams(flake, file);
        let (module, of_modules) = known::module(&self.reader, &modules)?;
        let (overlay, of_overlays) = known::overlay(&self.reader, &overlays)?;
        if !understood && (module.is_some() || overlay.is_some()) {
            return Ok(Vec::new());
        }
        let event = module::observe(module.as_ref(), &named, seen.module.as_ref(), same_file).map(Event::Module);
        let mut writes: Vec<StreamWrite> =
            self.write(modules, of_modules, event.into_iter().collect()).into_iter().collect();
        let event = overlay::observe(overlay.as_ref(), &named, seen.overlay.as_ref(), same_file).map(Event::Overlay);
        writes.extend(self.write(overlays, of_overlays, event.into_iter().collect()));
        Ok(writes)
    }

    /// Begins anew: what is looked at from here on is newer than all that is recorded.
    pub(super) fn look_again(&mut self) -> Result<(), AppError> {
        self.reader = self.session.store.reader()?;
        self.began = self.reader.head()?;
        Ok(())
    }

    /// What is known by now.
    pub(super) fn known_now(&self) -> Result<Known, AppError> {
        Ok(Known::load(&self.reader, &self.session.store.origin().public_key)?)
    }

    /// Has what is written conflict with what somebody else writes to the streams of these flakes: who forgets one meanwhile
    /// wants to hear no more of it.
    pub(super) fn guard(
        &self,
        writes: &mut Vec<StreamWrite>,
        flakes: impl IntoIterator<Item = FlakeId>,
    ) -> Result<(), AppError> {
        if writes.is_empty() {
            return Ok(());
        }
        for flake in flakes {
            let stream = StreamId::flake(flake);
            // Whether that is still the version of the look is asked for afterwards, with all streams.
            let expected = Expected::Version(self.reader.version(&stream)?);
            writes.push(StreamWrite { stream, expected, events: Vec::new() });
        }
        Ok(())
    }

    /// Where the ledger ended before the look that is settled now.
    pub(super) const fn began(&self) -> i64 {
        self.began
    }

    /// What comes next follows from what was looked at when the ledger ended there.
    pub(super) const fn as_of(&mut self, began: i64) {
        self.began = began;
    }

    /// Whether somebody wrote to one of the streams since the look that the events are of: they may be the older ones.
    fn is_late(&self, writes: &[StreamWrite]) -> Result<bool, AppError> {
        for write in writes {
            if self.reader.head_of(&write.stream)? > self.began {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn settle_lock_alone(&mut self, at: &Found, row: FileRow, findings: Vec<Finding>) -> Result<(), AppError> {
        let file = at.dir.join("flake.lock");
        self.show(&file, &findings);
        let write = self.findings(None, &file, &Seen::from(findings))?;
        let seen = self.known.seen(row, write.is_some());
        self.store_or_tell(&file, write.into_iter().collect(), vec![seen]).map(drop)
    }

    /// What is wrong stays in the report of every scan, also when nothing was read again.
    fn repeat_findings(&mut self, at: &Found, flake: FlakeId) -> Result<(), AppError> {
        for name in ["flake.nix", "flake.lock"] {
            let file = at.dir.join(name);
            let (open, _) = known::findings(&self.reader, &self.known.finding_stream(Some(flake), &file))?;
            self.show(&file, &open.into_values().collect::<Vec<_>>());
        }
        Ok(())
    }

    fn show_findings(&mut self, at: &Found, sight: &Sight) {
        self.show(&at.dir.join("flake.nix"), &sight.flake_findings.findings);
        self.show(&at.dir.join("flake.lock"), &sight.lock_findings.findings);
    }

    /// What was seen first is worth nothing now.
    fn show_instead(&mut self, directory: &Path, sight: &Sight) {
        let files = ["flake.nix", "flake.lock"].map(|name| directory.join(name));
        self.report.problems.retain(|problem| !files.contains(&problem.path));
        for (file, seen) in files.iter().zip([&sight.flake_findings, &sight.lock_findings]) {
            self.show(file, &seen.findings);
        }
    }

    fn show(&mut self, file: &Path, findings: &[Finding]) {
        self.report.problems.extend(findings.iter().map(|finding| ScanProblem {
            path: file.to_owned(),
            line: finding.line,
            severity: finding.severity,
            code: finding.code.clone(),
            message: finding.message.clone(),
        }));
    }
}
