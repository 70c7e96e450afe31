//! What a command works with: the settings, the clock, the printer, and the ledger once it is asked for.

use std::path::PathBuf;

use super::args::Global;
use super::failure::{Failure, Kind};
use super::printer::{self, Printer};
use super::{Faces, Opening};
use crate::app::Session;
use crate::app::check;
use crate::app::clock::Clock;
use crate::app::ledger::{self, Ledger, Who};
use crate::app::moment::{Moment, Written};
use crate::app::scan::{ScanRequest, Wanted};
use crate::config::place::Places;
use crate::config::value::Value;
use crate::config::{self, Record, Settings, Sources, table};
use crate::domain::finding::Severity;
use crate::lint::Selection;
use crate::store::view::{self, At};
use crate::syntax::names::builtins::Release;

/// Makes every run of a test see the same time and ids.
const TEST_CLOCK: &str = "CIM_NIX_TEST_CLOCK";

/// What is known before any command runs.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) settings: Settings,
    pub(crate) places: Places,
    pub(crate) directory: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) who: Who,
}

/// What a command works with.
pub(crate) struct Context<'a> {
    pub(crate) settings: Settings,
    pub(crate) places: Places,
    pub(crate) directory: PathBuf,
    pub(crate) global: Global,
    pub(crate) faces: Faces,
    pub(crate) printer: &'a mut Printer,
    pub(crate) clock: Clock,
    pub(crate) who: Who,
}

/// The ledger, open for reading, and the moment that is looked at.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) ledger: Ledger,
    pub(crate) at: At,
}

impl Launch {
    /// Resolves the settings and finds out who runs the program, where and when.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let places = Places::of_this_user()?;
        let directory = std::env::current_dir().map_err(|error| {
            Failure::file("find", &PathBuf::from("."), &error).hinted("change to a directory that exists")
        })?;
        let mut flags = Vec::new();
        if let Some(db) = &global.db {
            flags.push((&table::DB, "--db", Value::Path(db.clone())));
        }
        if let Some(when) = global.color {
            flags.push((&table::COLOR, "--color", Value::Text(when.word().to_owned())));
        }
        if let Some(threads) = global.threads {
            flags.push((&table::THREADS, "--threads", Value::Count(threads)));
        }
        let environment = |name: &str| std::env::var_os(name);
        let sources = Sources { places: &places, directory: &directory, environment: &environment, flags };
        let settings = config::resolve(&sources)?;
        Ok(Self { settings, places, directory, clock: clock()?, who: who() })
    }
}

impl<'a> Context<'a> {
    /// Puts together what a command works with.
    pub(crate) fn new(launch: Launch, global: Global, faces: Faces, printer: &'a mut Printer) -> Self {
        let Launch { settings, places, directory, clock, who } = launch;
        Self { settings, places, directory, global, faces, printer, clock, who }
    }

    /// Opens the ledger for reading and writing, and makes it when it is not there.
    pub(crate) fn session(&mut self) -> Result<Session, Failure> {
        self.printer.detail(format!("database `{}`, for writing", self.settings.db.display()));
        self.refuse_directory()?;
        let clock = std::mem::replace(&mut self.clock, Clock::system());
        Ok(ledger::open(&self.settings.db, self.who.clone(), clock)?)
    }

    /// Whether there is a ledger already. Where that cannot be known, there may be: whoever opens it says why.
    pub(crate) fn has_ledger(&self) -> bool {
        self.settings.db.try_exists().unwrap_or(true)
    }

    /// What the terminal UI starts with.
    pub(crate) fn opening(mut self) -> Result<Opening, Failure> {
        let session = self.session()?;
        let reader = session.store.reader()?;
        let at = self.global.at.as_ref().map_or(Ok(At::Now), |moment| self.at(moment, &reader))?;
        let request = self.scan_request()?;
        let colors = printer::colors(self.settings.color);
        Ok(Opening { session, request, at, colors, named: self.global.db })
    }

    /// How the settings say to scan, without paths.
    pub(crate) fn scan_request(&self) -> Result<ScanRequest, Failure> {
        let settings = &self.settings;
        Ok(ScanRequest {
            keep_forgotten: false,
            paths: Vec::new(),
            excludes: settings.excludes.clone(),
            history: settings.history,
            since: self.history_since()?,
            threads: settings.threads,
            rules: self.wanted()?,
            modules: settings.modules_record,
            system: Some(settings.system_root.clone()),
        })
    }

    /// Which findings of rules a scan records.
    fn wanted(&self) -> Result<Option<Wanted>, Failure> {
        let Some(least) = self.recorded() else { return Ok(None) };
        Ok(Some(Wanted { selection: self.selection()?, least }))
    }

    /// How bad a finding must be that scans record.
    pub(crate) const fn recorded(&self) -> Option<Severity> {
        match self.settings.rules_record {
            Record::Off => None,
            Record::Errors => Some(Severity::Error),
            Record::Warnings => Some(Severity::Warning),
            Record::Everything => Some(Severity::Info),
        }
    }

    /// The rules that the settings want.
    pub(crate) fn selection(&self) -> Result<Selection, Failure> {
        let wrong = |error| {
            let origin = self.settings.origin(&table::RULES_NIX).map(ToString::to_string).unwrap_or_default();
            Failure::of(Kind::Settings, &error).hinted(format!("correct `rules.nix`, which is from {origin}"))
        };
        let nix = self.settings.rules_nix.as_deref().map(|text| text.parse::<Release>().map_err(wrong)).transpose()?;
        let (enabled, disabled) = (self.settings.rules_enabled.clone(), self.settings.rules_disabled.clone());
        let selection = Selection { enabled, disabled, only: Vec::new(), nix };
        check::known(&selection).map_err(|error| {
            let hint =
                "correct `rules.enabled` or `rules.disabled`; `cim-nix info --settings` says where they are from";
            Failure::of(Kind::Settings, &error).hinted(hint)
        })?;
        Ok(selection)
    }

    /// How far back the settings say to read the past, in seconds since 1970 UTC.
    fn history_since(&self) -> Result<Option<i64>, Failure> {
        let Some(text) = &self.settings.history_since else { return Ok(None) };
        let wrong = |error| {
            let origin = self.settings.origin(&table::HISTORY_SINCE).map(ToString::to_string).unwrap_or_default();
            Failure::of(Kind::Settings, &error).hinted(format!("correct `history.since`, which is from {origin}"))
        };
        let written: Written = text.parse().map_err(wrong)?;
        written.at(self.clock.now()).map(|micros| Some(micros.div_euclid(1_000_000))).map_err(wrong)
    }

    /// Opens the ledger for reading, at the moment that `--at` names.
    pub(crate) fn read(&mut self) -> Result<Reading, Failure> {
        self.printer.detail(format!("database `{}`, for reading", self.settings.db.display()));
        self.refuse_directory()?;
        let ledger = ledger::look(&self.settings.db, &self.who, self.clock.now())?;
        let at = self.global.at.as_ref().map_or(Ok(At::Now), |moment| self.at(moment, &ledger.reader))?;
        Ok(Reading { ledger, at })
    }

    fn refuse_directory(&self) -> Result<(), Failure> {
        let path = &self.settings.db;
        if !path.is_dir() {
            return Ok(());
        }
        let origin = self.settings.origin(&table::DB).map(ToString::to_string).unwrap_or_default();
        Err(Failure::new(Kind::Store, format!("the database `{}` is a directory", path.display()))
            .hinted(format!("name a file, as in `{}/ledger.db`; the path is from {origin}", path.display())))
    }

    /// What time an answer is about: that of `--at`, else now.
    pub(crate) fn now(&self, at: At) -> i64 {
        match at {
            At::Occurred(then) => then,
            At::Now | At::Position(_) => self.clock.now(),
        }
    }

    /// A time that an argument names.
    pub(crate) fn time(&self, written: &Written) -> Result<i64, Failure> {
        Ok(written.at(self.clock.now())?)
    }

    /// The times of `--since` and of the flag with its end, between which something can lie.
    pub(crate) fn span(
        &self,
        since: Option<&Written>,
        (flag, until): (&str, Option<&Written>),
    ) -> Result<(Option<i64>, Option<i64>), Failure> {
        let time = |written: Option<&Written>| written.map(|time| self.time(time)).transpose();
        let span = (time(since)?, time(until)?);
        match span {
            (Some(since), Some(until)) if since >= until => {
                let message =
                    format!("nothing lies between `--since` and `{flag}`: the first is not before the second");
                Err(Failure::new(Kind::Usage, message)
                    .hinted(format!("`--since` takes the earlier time, as in `--since 2h {flag} 1h`")))
            }
            span => Ok(span),
        }
    }

    /// The moment that an argument names.
    pub(crate) fn at(&self, moment: &Moment, reader: &ledger::Reader) -> Result<At, Failure> {
        Ok(match moment {
            Moment::Occurred(time) => At::Occurred(time.reached(self.clock.now())?),
            Moment::Seen(time) => view::seen(reader, time.reached(self.clock.now())?)?,
            Moment::Position(position) => {
                let head = reader.head()?;
                if *position > head {
                    return Err(Failure::new(
                        Kind::Usage,
                        format!("there is no event #{position}, the last is #{head}"),
                    ));
                }
                At::Position(*position)
            }
        })
    }
}

fn clock() -> Result<Clock, Failure> {
    let Some(start) = std::env::var_os(TEST_CLOCK) else {
        let clock = Clock::system();
        is_set(clock.now())?;
        return Ok(clock);
    };
    match start.to_string_lossy().parse::<Written>().ok().and_then(|written| written.exactly()) {
        Some(start) => is_set(start).map(|()| Clock::fixed(start)),
        None => Err(Failure::new(Kind::Settings, format!("`{TEST_CLOCK}` must be a time in RFC 3339"))),
    }
}

/// Whether somebody has set the clock: ids begin with the time since 1970, and nothing that is recorded is older.
fn is_set(now: i64) -> Result<(), Failure> {
    if now >= 0 {
        return Ok(());
    }
    let message = format!("the clock of this machine says {}, before 1970", view::rfc3339(now));
    Err(Failure::new(Kind::Refused, message).hinted("set it, as every event is recorded with its time"))
}

/// Who acts: the user and the machine, as far as the system tells.
fn who() -> Who {
    let host = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned());
    let named = |name| std::env::var(name).ok().filter(|user| !user.is_empty());
    Who { host, user: named("USER").or_else(|| named("LOGNAME")).unwrap_or_else(user_of_this_process) }
}

/// The name in the user database, else the number.
fn user_of_this_process() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(&id)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid-{id}"))
}
