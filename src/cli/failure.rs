//! Why a command failed, and the exit code of each kind of failure: the one match that knows them.

use std::error::Error;
use std::io;

use crate::app::AppError;
use crate::app::edit::{EditFailure, NixError, WriteError};
use crate::app::sync::SyncError;
use crate::config::ConfigError;
use crate::domain::delivery::{Reason, Seen};
use crate::store::StoreError;

use crate::app::moment::TimeError;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What was asked for cannot be done, and nothing is broken.
    Refused,
    /// The arguments make no sense.
    Usage,
    /// The settings make no sense.
    Settings,
    /// The database cannot be used.
    Store,
    /// Nix is not there, or did not do what it was to do.
    Nix,
    /// The bus could not be reached.
    Bus,
    /// Something else wrote at the same time.
    Conflict,
    /// The user stopped it.
    Interrupted,
    /// Whoever read the output has gone.
    Closed,
    /// A mistake in this program.
    Internal,
}

impl Kind {
    /// What it is when the bus stands behind it: a setting, a server that was reached and refuses, or none that was.
    pub(crate) const fn of_bus(seen: Seen) -> Self {
        match seen {
            Seen::Refused(Reason::Setting) => Self::Settings,
            // Nobody is spoken to before TLS has come about.
            Seen::Refused(Reason::Tls) => Self::Bus,
            Seen::Refused(_) => Self::Refused,
            _ => Self::Bus,
        }
    }

    /// The exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Settings => 3,
            Self::Store => 4,
            Self::Nix => 5,
            Self::Bus => 6,
            Self::Conflict => 7,
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }
}

/// A command that failed: what, why, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// A failure with a message of its own.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// A failure that an error stands behind. What follows the last `; ` of its text is the next step, when it is one: other
    /// text of it may be a server's, or a file's.
    pub(crate) fn of(kind: Kind, error: &(dyn Error + 'static)) -> Self {
        let whole = error.to_string();
        match whole.rsplit_once("; ") {
            Some((message, hint)) if is_step(hint) => Self::told(kind, message.to_owned(), error).hinted(hint),
            _ => Self::told(kind, whole, error),
        }
    }

    /// A failure that an error stands behind whose text is what happened, and nothing else.
    fn whole(kind: Kind, error: &(dyn Error + 'static)) -> Self {
        Self::told(kind, error.to_string(), error)
    }

    fn told(kind: Kind, message: String, error: &(dyn Error + 'static)) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Many errors repeat their source in their own text.
            if !message.contains(&text) && causes.last() != Some(&text) {
                causes.push(text);
            }
            cause = error.source();
        }
        Self { kind, message, causes, hints: Vec::new() }
    }

    /// Adds the next step.
    pub(crate) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A mistake in this program.
    pub(crate) fn internal(error: impl Error + 'static) -> Self {
        Self::of(Kind::Internal, &error)
            .hinted("this is a mistake in cim-nix; please report it with the command you ran")
    }

    /// Output that could not be written; a reader that has gone is no failure worth a word.
    pub(crate) fn output(error: &io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe { Kind::Closed } else { Kind::Refused };
        Self::new(kind, "the output cannot be written").because(error)
    }

    /// A file that could not be read or written.
    pub(crate) fn file(doing: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(Kind::Refused, format!("cannot {doing} `{}`", path.display())).because(error)
    }

    /// A face that did not start, or ended; it is the ledger's failure when that stands behind it.
    pub(crate) fn face(error: &(dyn Error + 'static)) -> Self {
        let of_the_ledger = |error: &(dyn Error + 'static)| error.downcast_ref::<StoreError>().cloned();
        match of_the_ledger(error).or_else(|| error.source().and_then(of_the_ledger)) {
            Some(error) => error.into(),
            None => Self::of(Kind::Refused, error),
        }
    }

    /// The exit code.
    pub(crate) const fn code(&self) -> u8 {
        self.kind.code()
    }

    /// Whether there is anybody to tell.
    pub(crate) fn is_silent(&self) -> bool {
        self.kind == Kind::Closed
    }

    /// The message, then why, cause by cause.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        std::iter::once(self.message.clone()).chain(self.causes.iter().map(|cause| format!("  because {cause}")))
    }

    /// What to do next.
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    fn because(mut self, error: &io::Error) -> Self {
        self.causes.push(error.to_string());
        self
    }
}

/// The words that begin a next step; a command in backticks does, too.
const STEPS: &[&str] = &[
    "build", "choose", "close", "copy", "correct", "did", "do", "edit", "end", "free", "give", "have", "install",
    "keep", "leave", "let", "look", "make", "move", "name", "put", "raise", "remove", "repair", "replace", "restore",
    "run", "save", "shorten", "split", "start", "stop", "take", "try", "update", "use", "wait", "write",
];

fn is_step(text: &str) -> bool {
    let word = text.split([' ', ',']).next().unwrap_or_default();
    text.starts_with('`') || STEPS.contains(&word)
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Conflict { .. } => Kind::Conflict,
            StoreError::NoFlake { .. }
            | StoreError::AmbiguousFlake { .. }
            | StoreError::NoSuchEvent { .. }
            | StoreError::Statement { .. }
            | StoreError::NoProjection { .. }
            | StoreError::NotErasable { .. }
            | StoreError::NotOwner { .. }
            | StoreError::Exists { .. }
            | StoreError::Itself { .. }
            | StoreError::NotAdoptable { .. }
            | StoreError::NoExport { .. }
            | StoreError::Import { .. } => Kind::Refused,
            _ => Kind::Store,
        };
        let failure = Self::of(kind, &error);
        match error {
            StoreError::File { doing: "read", .. } => failure.hinted("let this user read it"),
            StoreError::File { .. } => failure.hinted("let this user write there, or name another place with `--db`"),
            StoreError::Conflict { .. } => failure.hinted("run the command again: it looks at what is there now"),
            _ => failure,
        }
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Store(error) => error.into(),
            other if other.is_of_the_arguments() => Self::of(Kind::Usage, &other),
            other => Self::of(Kind::Refused, &other),
        }
    }
}

impl From<EditFailure> for Failure {
    fn from(error: EditFailure) -> Self {
        let kind = match error {
            EditFailure::App(error) => return error.into(),
            EditFailure::Write(WriteError::Changed { .. }) | EditFailure::ChangedSince { .. } => Kind::Conflict,
            EditFailure::NotRecorded { .. } => Kind::Store,
            EditFailure::Nix(NixError::Missing) => {
                return Self::of(Kind::Nix, &error).hinted("this needs the real Nix: https://nixos.org/download");
            }
            EditFailure::Nix(_) => Kind::Nix,
            _ => Kind::Refused,
        };
        let failure = Self::of(kind, &error);
        match error {
            EditFailure::ChangedSince { before: Some(before), .. }
            | EditFailure::NotKept { before: Some(before), .. } => {
                failure.hinted(format!("`cim-nix undo {before}` takes back the edit before it"))
            }
            _ => failure,
        }
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Store(error) => error.into(),
            SyncError::Bus(error) => {
                let hint = error.hint();
                hint.into_iter().fold(Self::whole(Kind::of_bus(error.seen()), &error), Self::hinted)
            }
            SyncError::Off => Self::of(Kind::Refused, &error).hinted("`cim-nix sync enable` turns it on"),
            SyncError::NoServer => {
                Self::of(Kind::Settings, &error).hinted("set `sync.servers` in the settings, or `NATS_URL`")
            }
            SyncError::UnknownRoot { .. } => {
                Self::of(Kind::Refused, &error).hinted("`cim-nix roots list` shows those there are")
            }
            SyncError::NothingParked(_) => {
                Self::of(Kind::Refused, &error).hinted("`cim-nix sync parked list` shows what is")
            }
            SyncError::NoSuchOrigin(_) => Self::of(Kind::Refused, &error).hinted("`cim-nix fleet` shows the keys"),
            SyncError::LeftBehind(_) => Self::of(Kind::Refused, &error),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let hint = match &error {
            ConfigError::Unknown { near: Some(near), .. } => format!("did you mean `{near}`?"),
            ConfigError::Unknown { near: None, .. } => "`cim-nix info --settings` lists every setting".to_owned(),
            ConfigError::NotForProjects { name, .. } => {
                format!("move `{name}` to your own settings; `cim-nix info --settings` says where they are")
            }
            ConfigError::NoHome => "set `HOME`".to_owned(),
            ConfigError::Unreadable { .. } | ConfigError::Syntax { .. } | ConfigError::Invalid { .. } => {
                return Self::whole(Kind::Settings, &error);
            }
        };
        Self::whole(Kind::Settings, &error).hinted(hint)
    }
}

impl From<TimeError> for Failure {
    fn from(error: TimeError) -> Self {
        Self::of(Kind::Usage, &error)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::sync::BusError;

    #[derive(Debug, thiserror::Error)]
    #[error("`/a` cannot be used; name another")]
    struct Outer(#[source] io::Error);

    #[test]
    fn an_error_is_taken_apart_into_message_causes_and_next_step() {
        let failure = Failure::of(Kind::Store, &Outer(io::Error::other("disk on fire")));
        let lines: Vec<String> = failure.lines().collect();
        assert_eq!(lines, ["`/a` cannot be used", "  because disk on fire"]);
        assert_eq!(failure.hints(), ["name another"]);
        assert_eq!(failure.code(), 4);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Foreign(&'static str);

    #[test]
    fn only_the_last_part_is_a_next_step_and_only_when_it_says_what_to_do() {
        let apart = |text| {
            let failure = Failure::of(Kind::Refused, &Foreign(text));
            (failure.lines().next().unwrap(), failure.hints().join("|"))
        };
        for whole in
            ["the server is 2.10.27; 2.11 or newer is needed", "`/a; b` is no file", "near \";\": syntax error"]
        {
            assert_eq!(apart(whole), (whole.to_owned(), String::new()));
        }
        assert_eq!(apart("a: b; c; name another"), ("a: b; c".to_owned(), "name another".to_owned()));
        assert_eq!(apart("a; `cim-nix log` shows it"), ("a".to_owned(), "`cim-nix log` shows it".to_owned()));
        let differs = BusError::StreamDiffers {
            stream: "NIX_LEDGER".to_owned(),
            differences: vec!["its window must be 120 s".to_owned(), "it must republish".to_owned()],
        };
        let failure = Failure::from(SyncError::from(differs));
        let lines: Vec<String> = failure.lines().collect();
        assert_eq!(lines, ["the stream NIX_LEDGER is not as it must be: its window must be 120 s; it must republish"]);
        assert_eq!(failure.hints(), [Reason::StreamDiffers.hint()]);
    }

    #[test]
    fn what_follows_the_last_semicolon_of_our_errors_is_a_next_step() {
        // These have a next step of their own, or are shown in lists, where there is none.
        let apart = ["src/bus/error.rs", "src/scan/read.rs", "src/cli/failure.rs"];
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut checked = 0;
        while let Some(path) = folders.pop() {
            if path.is_dir() {
                folders.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for error in text.split("#[error(").skip(1).filter(|_| !apart.iter().any(|file| path.ends_with(file))) {
                let literal = error.split_once('"').map_or("", |(_, rest)| rest);
                let literal = literal.split_once("\")]").or(literal.split_once("\",")).unwrap_or((literal, "")).0;
                let literal = literal.split('"').next().unwrap_or_default();
                if let Some((_, step)) = literal.rsplit_once("; ") {
                    assert!(is_step(step) || step == "{}", "{}: `{step}` is no next step", path.display());
                    checked += 1;
                }
            }
        }
        assert!(checked > 50, "{checked}");
    }

    #[test]
    fn a_bus_that_was_reached_and_refuses_is_no_bus_that_cannot_be_reached() {
        let code = |error: BusError| Failure::from(SyncError::from(error)).code();
        let text = String::new;
        assert_eq!(code(BusError::Setting { what: text(), why: text() }), 3);
        assert_eq!(code(BusError::StreamDiffers { stream: text(), differences: Vec::new() }), 1);
        assert_eq!(code(BusError::StreamRefused { stream: text(), doing: "x", why: text() }), 1);
        assert_eq!(code(BusError::ServerTooOld { found: text() }), 1);
        assert_eq!(code(BusError::Unauthorized { servers: text(), why: text() }), 1);
        assert_eq!(code(BusError::Unreachable { servers: text(), why: text() }), 6);
        assert_eq!(code(BusError::Tls { servers: text(), why: text() }), 6);
        assert_eq!(code(BusError::Failed { doing: "x", why: text() }), 6);
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let failure = Failure::output(&io::ErrorKind::BrokenPipe.into());
        assert!(failure.is_silent());
        assert_eq!(failure.code(), 0);
    }
}
