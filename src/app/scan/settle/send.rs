//! Sending: hands events to the ledger without waiting for the disk where it can be, and says what becomes of those that the
//! ledger does not take. Must not know what the events are about.

use std::path::{Path, PathBuf};

use super::super::super::AppError;
use super::super::look::{Glance, Sight};
use super::{Decision, Fate, Settler};
use crate::domain::catalogue::Event;
use crate::domain::finding::event::FindingEvent;
use crate::lint::{Check, Rule};
use crate::store::{Append, Command, EditRow, LocalNote, Receipt, StoreError, StreamWrite, Ticket};

/// How often something is looked at again when another process wrote to its streams meanwhile.
pub(in super::super) const TRIES: u32 = 3;

/// What is on its way to the disk.
pub(super) struct Pending {
    directory: PathBuf,
    fate: Fate,
    findings: Findings,
    ticket: Ticket,
}

/// What came of events that were handed to the ledger.
#[must_use = "what was not stored has to be looked at again or told"]
pub(in super::super) enum Outcome {
    /// They are on the disk.
    Stored,
    /// Another process wrote to the same streams first.
    Conflict,
    /// One of them is larger than an event may be; none is stored. Says which.
    TooLarge(String),
}

/// How many findings of rules are new, and how many are gone.
#[derive(Clone, Copy, Default)]
struct Findings {
    raised: u64,
    resolved: u64,
}

impl Settler<'_> {
    /// Hands over what happened to a flake, and does not wait for it.
    pub(super) fn send(&mut self, directory: &Path, decision: Decision) -> Result<(), AppError> {
        let Decision { command, fate, writes, mut notes } = decision;
        if writes.is_empty() {
            self.notes.extend(notes);
            return Ok(());
        }
        if self.is_late(&writes)? {
            return self.settle_again(directory);
        }
        notes.extend(self.due());
        let findings = Findings::of(&writes);
        match self.session.store.submit(Append { command, received_at: self.now(), writes, notes }) {
            Ok(ticket) => {
                self.pending.push(Pending { directory: directory.to_owned(), fate, findings, ticket });
            }
            Err(error) => drop(self.tell(&directory.join("flake.nix"), Outcome::of(error)?)),
        }
        Ok(())
    }

    /// Waits until everything that is on its way is on the disk.
    pub(in super::super) fn wait(&mut self) -> Result<(), AppError> {
        for pending in std::mem::take(&mut self.pending) {
            match pending.ticket.wait() {
                Ok(receipt) => {
                    self.count(&receipt, pending.findings);
                    self.count_flake(pending.fate);
                }
                Err(error) => match Outcome::of(error)? {
                    Outcome::Conflict => self.settle_again(&pending.directory)?,
                    outcome => drop(self.tell(&pending.directory.join("flake.nix"), outcome)),
                },
            }
        }
        Ok(())
    }

    /// Another process wrote first: what it saw may be newer than what was seen here, so that is worth nothing now.
    fn settle_again(&mut self, directory: &Path) -> Result<(), AppError> {
        let began = self.began;
        for tries_left in (0..TRIES).rev() {
            self.look_again()?;
            let Some(sight) = self.sight_anew(directory)? else { break };
            self.touch(sight.id, !sight.same_files);
            self.show_instead(directory, &sight);
            let Decision { command, fate, writes, notes } = self.decide(directory, &sight)?;
            match self.store_as(|_| command, writes, notes)? {
                Outcome::Conflict if tries_left > 0 => {}
                outcome => {
                    if self.tell(&directory.join("flake.nix"), outcome) {
                        self.count_flake(fate);
                    }
                    break;
                }
            }
        }
        // The others were looked at before.
        self.as_of(began);
        Ok(())
    }

    /// What is there now; nothing when it is recorded already, or is no flake that can be read: the next scan says so.
    fn sight_anew(&self, directory: &Path) -> Result<Option<Box<Sight>>, AppError> {
        Ok(match (self.anew)(directory)? {
            Some(Glance::Read(sight)) => Some(sight),
            _ => None,
        })
    }

    /// Stores events that belong to no sight, and says whether they are stored; the place is what they are about. What
    /// another process saw first is left to the next scan, and what is too large is a problem of this one.
    pub(in super::super) fn store_or_tell(
        &mut self,
        place: &Path,
        writes: Vec<StreamWrite>,
        notes: Vec<LocalNote>,
    ) -> Result<bool, AppError> {
        let outcome = self.store(writes, notes)?;
        Ok(self.tell(place, outcome))
    }

    /// The same for whoever can do better than to leave it.
    pub(in super::super) fn store(
        &mut self,
        writes: Vec<StreamWrite>,
        notes: Vec<LocalNote>,
    ) -> Result<Outcome, AppError> {
        self.store_as(Self::observe, writes, notes)
    }

    /// Stores what was found in a file that a command of this ledger wrote, as that command. Its note says that it was
    /// seen even when there is nothing to store.
    pub(in super::super) fn store_edit(
        &mut self,
        edit: &EditRow,
        mut writes: Vec<StreamWrite>,
        seen: LocalNote,
    ) -> Result<(), AppError> {
        for event in writes.iter_mut().flat_map(|write| &mut write.events) {
            event.undoes = edit.undoes;
        }
        let command = self.edit_command(edit)?;
        let outcome = self.store_as(|_| command, writes, vec![seen, LocalNote::EditSeen { command: edit.command }])?;
        self.tell(&edit.path, outcome);
        Ok(())
    }

    /// Says what is not stored, and whether it is.
    pub(in super::super) fn tell(&mut self, place: &Path, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Stored => return true,
            Outcome::Conflict => {}
            Outcome::TooLarge(why) => self.problem(place, "too-large", format!("nothing new of it is recorded: {why}")),
        }
        false
    }

    /// What changed only beside the events is kept with the command of the scan, and needs no other.
    fn store_as(
        &mut self,
        command: impl FnOnce(&Self) -> Command,
        writes: Vec<StreamWrite>,
        mut notes: Vec<LocalNote>,
    ) -> Result<Outcome, AppError> {
        if writes.is_empty() {
            self.notes.extend(notes);
            return Ok(Outcome::Stored);
        }
        if self.is_late(&writes)? {
            return Ok(Outcome::Conflict);
        }
        notes.extend(self.due());
        let (command, findings) = (command(self), Findings::of(&writes));
        match self.session.store.append(Append { command, received_at: self.now(), writes, notes }) {
            Ok(receipt) => {
                self.count(&receipt, findings);
                Ok(Outcome::Stored)
            }
            Err(error) => Outcome::of(error),
        }
    }

    fn count(&mut self, receipt: &Receipt, findings: Findings) {
        if let Receipt::Stored { events, .. } = receipt {
            self.report.events += *events as u64;
        }
        self.report.raised += findings.raised;
        self.report.resolved += findings.resolved;
    }

    fn count_flake(&mut self, fate: Fate) {
        match fate {
            Fate::New => self.report.new += 1,
            Fate::Changed => self.report.changed += 1,
            Fate::Same => {}
        }
    }
}

impl Outcome {
    /// What an error of the ledger means for a scan; what is no matter of these events ends the scan.
    fn of(error: StoreError) -> Result<Self, AppError> {
        match error {
            StoreError::Conflict { .. } => Ok(Self::Conflict),
            error @ StoreError::TooLarge { .. } => Ok(Self::TooLarge(error.to_string())),
            error => Err(error.into()),
        }
    }
}

impl Findings {
    /// In what is to be written. What only a scan sees, of files and repositories, is no finding of a rule on their text.
    fn of(writes: &[StreamWrite]) -> Self {
        let mut counted = Self::default();
        for event in writes.iter().flat_map(|write| &write.events) {
            match &event.event {
                Event::Finding(FindingEvent::Raised { findings, .. }) => {
                    counted.raised += findings.iter().filter(|finding| is_of_text(&finding.code)).count() as u64;
                }
                Event::Finding(FindingEvent::Resolved { fingerprints, .. }) => {
                    let code = |fingerprint: &&String| fingerprint.split(':').next().is_some_and(is_of_text);
                    counted.resolved += fingerprints.iter().filter(code).count() as u64;
                }
                _ => {}
            }
        }
        counted
    }
}

fn is_of_text(code: &str) -> bool {
    !Rule::named(code).is_some_and(|rule| matches!(rule.check, Check::Scan))
}
