//! Settings: defaults ← system file ← user file ← project file ← environment ← flags; each value knows where it is from.
//!
//! Knows nothing of what the settings are for. Never looks at the process environment by itself: it is handed in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub mod table;

pub mod value;

pub mod place;

mod layer;

use place::Places;
use table::{SETTINGS, Setting};
use value::{Secret, Value};

/// More threads than these make nothing faster, and may take all that the system has.
const MOST_THREADS: usize = 256;

/// Which findings of rules scans record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// None.
    Off,
    /// Errors.
    Errors,
    /// Warnings and errors.
    Warnings,
    /// Hints, too.
    Everything,
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// On a terminal that can, unless `NO_COLOR` or `CLICOLOR=0` say otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Every setting, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The database file.
    pub db: PathBuf,
    /// When output is coloured.
    pub color: Color,
    /// Globs of what a scan passes over, beside its built-in list.
    pub excludes: Vec<String>,
    /// How bad a finding of a rule must be that scans record.
    pub rules_record: Record,
    /// Whether scans record modules, overlays and configurations.
    pub modules_record: bool,
    /// Rules that are wanted though they are off by themselves.
    pub rules_enabled: Vec<String>,
    /// Rules that are not wanted.
    pub rules_disabled: Vec<String>,
    /// The oldest Nix that the files are for.
    pub rules_nix: Option<String>,
    /// Whether a scan reads the past of locks from git.
    pub history: bool,
    /// How far back it reads, as the user wrote it; all of it when absent.
    pub history_since: Option<String>,
    /// How many threads a scan uses; 0 is one for each core.
    pub threads: usize,
    /// Where the machine's root is whose NixOS is looked at.
    pub system_root: PathBuf,
    /// The program with which files are formatted, and its arguments; the official style when empty.
    pub formatter: Vec<String>,
    /// Where the bus is and how to be let in.
    pub sync: Sync,
    /// What the long-running process does.
    pub serve: Serve,
    /// What goes to the log file, as a filter such as `debug`; nothing when absent.
    pub log: Option<String>,
    /// Whether the log file holds one JSON object a line.
    pub log_json: bool,
    /// Where traces go; nowhere when absent.
    pub otlp_endpoint: Option<String>,
    given: Vec<Given>,
}

/// Where the bus is, how to be let in, and how its streams are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// The servers, with commas between.
    pub servers: Secret,
    /// A credentials file.
    pub credentials: Option<PathBuf>,
    /// A file with the seed of an `NKey`.
    pub nkey: Option<PathBuf>,
    /// A user.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// A token.
    pub token: Option<Secret>,
    /// Certificates of authorities to trust.
    pub tls_authorities: Option<PathBuf>,
    /// This machine's certificate.
    pub tls_certificate: Option<PathBuf>,
    /// The key to it.
    pub tls_key: Option<PathBuf>,
    /// Whether to begin with TLS.
    pub tls_first: bool,
    /// What the subjects begin with at which answers are heard.
    pub inbox_prefix: String,
    /// The name of the exchange.
    pub ledger: String,
    /// The name of the public log.
    pub events: String,
    /// The largest size of a stream that is made, in MiB; none for no limit.
    pub max_mebibytes: Option<usize>,
    /// How many servers of a cluster keep a stream that is made.
    pub replicas: usize,
    /// The commands that are accepted over the bus.
    pub commands: Vec<String>,
}

/// What the long-running process does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    /// Where it answers over HTTP; none for nowhere.
    pub listen: Option<String>,
    /// How many seconds pass between two scans of everything.
    pub interval: usize,
}

/// One setting with its value and where that is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value.
    pub value: Value,
    /// Where the value is from; for a list, where its last part is from.
    pub origin: Origin,
}

/// Where a value is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// A line of a settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(&'static str),
    /// A flag of the command line.
    Flag(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A settings file cannot be read.
    #[error("settings file `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A settings file is not TOML.
    #[error("`{}:{line}`: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// There is no such setting.
    #[error("{origin}: there is no setting `{name}`")]
    Unknown {
        /// Where it is written.
        origin: Origin,
        /// The name that was written.
        name: String,
        /// The setting that was likely meant.
        near: Option<&'static str>,
    },
    /// A value is not of the setting's type.
    #[error("{origin}: `{name}` must be {expected}, not {found}")]
    Invalid {
        /// Where it is written.
        origin: Origin,
        /// The setting.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A project sets what only the user may set.
    #[error("{origin}: `{name}` cannot be set by a project")]
    NotForProjects {
        /// Where it is written.
        origin: Origin,
        /// The setting.
        name: &'static str,
    },
    /// Neither `HOME` nor the user database say where the home directory is.
    #[error("the home directory is not known")]
    NoHome,
}

/// What settings are resolved from.
pub struct Sources<'a> {
    /// The directories of this user.
    pub places: &'a Places,
    /// The working directory: relative paths begin here, and the project file lies here.
    pub directory: &'a Path,
    /// The environment.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// What the command line gives: setting, flag and value.
    pub flags: Vec<(&'static Setting, &'static str, Value)>,
}

impl std::fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("places", self.places).field("flags", &self.flags).finish_non_exhaustive()
    }
}

/// Resolves every setting; the first thing wrong is the error.
pub fn resolve(sources: &Sources<'_>) -> Result<Settings, ConfigError> {
    let mut given: Vec<Given> = SETTINGS
        .iter()
        .map(|setting| Given { setting, value: setting.default_value(sources.places), origin: Origin::Default })
        .collect();
    let system = sources.places.system_settings();
    let user = sources.places.user_settings();
    for (file, project) in [(system, false), (user, false), (sources.directory.join(".cim-nix.toml"), true)] {
        layer::file(&file, project, sources.places, &mut |one| put(&mut given, one))?;
    }
    for one in layer::environment(sources)? {
        put(&mut given, one);
    }
    for (setting, flag, value) in &sources.flags {
        put(&mut given, Given { setting, value: value.clone(), origin: Origin::Flag(flag) });
    }
    Ok(Settings::of(given, sources.directory))
}

impl Settings {
    /// Every setting with its value and where that is from, in the order of the table.
    pub fn given(&self) -> &[Given] {
        &self.given
    }

    /// Where the value of a setting is from.
    pub fn origin(&self, setting: &Setting) -> Option<&Origin> {
        self.given.iter().find(|one| one.setting.name == setting.name).map(|one| &one.origin)
    }

    fn of(given: Vec<Given>, directory: &Path) -> Self {
        let value = |setting: &Setting| given.iter().find(|one| one.setting.name == setting.name).map(|one| &one.value);
        let list = |setting| value(setting).and_then(Value::list).unwrap_or_default().to_vec();
        let text = |setting| value(setting).and_then(Value::text).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            db: directory.join(value(&table::DB).and_then(Value::path).unwrap_or(Path::new(""))),
            color: match text(&table::COLOR).as_deref() {
                Some("always") => Color::Always,
                Some("never") => Color::Never,
                _ => Color::Auto,
            },
            excludes: list(&table::EXCLUDES),
            rules_record: match text(&table::RULES_RECORD).as_deref() {
                Some("off") => Record::Off,
                Some("error") => Record::Errors,
                Some("info") => Record::Everything,
                _ => Record::Warnings,
            },
            modules_record: value(&table::MODULES_RECORD).and_then(Value::switch).unwrap_or(true),
            rules_enabled: list(&table::RULES_ENABLED),
            rules_disabled: list(&table::RULES_DISABLED),
            rules_nix: text(&table::RULES_NIX),
            history: value(&table::HISTORY_READ).and_then(Value::switch).unwrap_or(true),
            history_since: text(&table::HISTORY_SINCE),
            threads: value(&table::THREADS).and_then(Value::count).unwrap_or_default().min(MOST_THREADS),
            system_root: directory.join(value(&table::SYSTEM_ROOT).and_then(Value::path).unwrap_or(Path::new("/"))),
            formatter: value(&table::FORMATTER).and_then(Value::command).unwrap_or_default().to_vec(),
            sync: Sync::of(&value, directory),
            serve: Serve {
                listen: text(&table::SERVE_LISTEN).filter(|address| address != "off"),
                interval: value(&table::SERVE_INTERVAL).and_then(Value::count).unwrap_or(600).max(1),
            },
            log: text(&table::LOG).filter(|filter| filter != "off"),
            log_json: text(&table::LOG_FORMAT).as_deref() == Some("json"),
            otlp_endpoint: text(&table::OTLP_ENDPOINT),
            given,
        }
    }
}

impl Sync {
    fn of<'a>(value: &impl Fn(&Setting) -> Option<&'a Value>, directory: &Path) -> Self {
        let filled = |text: &&str| !text.is_empty();
        let text = |setting| value(setting).and_then(Value::text).filter(filled).map(str::to_owned);
        let secret = |setting| match value(setting) {
            Some(Value::Secret(secret)) if !secret.reveal().is_empty() => Some(secret.clone()),
            _ => None,
        };
        let path = |setting| {
            let path = value(setting).and_then(Value::path).filter(|path| !path.as_os_str().is_empty());
            path.map(|path| directory.join(path))
        };
        let count = |setting| value(setting).and_then(Value::count);
        Self {
            servers: secret(&table::SYNC_SERVERS).unwrap_or_default(),
            credentials: path(&table::SYNC_CREDENTIALS),
            nkey: path(&table::SYNC_NKEY),
            user: text(&table::SYNC_USER),
            password: secret(&table::SYNC_PASSWORD),
            token: secret(&table::SYNC_TOKEN),
            tls_authorities: path(&table::SYNC_TLS_AUTHORITIES),
            tls_certificate: path(&table::SYNC_TLS_CERTIFICATE),
            tls_key: path(&table::SYNC_TLS_KEY),
            tls_first: value(&table::SYNC_TLS_FIRST).and_then(Value::switch).unwrap_or_default(),
            inbox_prefix: text(&table::SYNC_INBOX_PREFIX)
                .unwrap_or_else(|| table::SYNC_INBOX_PREFIX.default.to_owned()),
            ledger: text(&table::SYNC_LEDGER).unwrap_or_else(|| table::SYNC_LEDGER.default.to_owned()),
            events: text(&table::SYNC_EVENTS).unwrap_or_else(|| table::SYNC_EVENTS.default.to_owned()),
            max_mebibytes: count(&table::SYNC_MAX_MEBIBYTES).filter(|size| *size > 0),
            replicas: count(&table::SYNC_REPLICAS).unwrap_or(1).max(1),
            commands: value(&table::SYNC_COMMANDS).and_then(Value::list).unwrap_or_default().to_vec(),
        }
    }
}

/// A later layer replaces what an earlier one gave; lists add up.
fn put(given: &mut [Given], mut one: Given) {
    let Some(old) = given.iter_mut().find(|old| old.setting.name == one.setting.name) else { return };
    if let (Value::List(old), Value::List(new)) = (&old.value, &mut one.value) {
        let fresh = std::mem::take(new);
        new.extend(old.iter().cloned().chain(fresh));
    }
    *old = one;
}

#[cfg(test)]
mod tests;
