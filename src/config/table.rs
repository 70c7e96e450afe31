//! The table of settings: each is declared here and nowhere else; files, environment, flags and the reference derive
//! from it.

use super::place::Places;
use super::value::Value;

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name in settings files, with a dot for each table.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// The value when nothing else is said, as the reference shows it.
    pub default: &'static str,
    /// The environment variable.
    pub environment: &'static str,
    /// The flag of the command line, when there is one.
    pub flag: Option<&'static str>,
    /// Whether `.cim-nix.toml` in a working directory may set it: nothing that a stranger's repository could misuse.
    pub project: bool,
    /// What it does, for the reference.
    pub doc: &'static str,
}

/// What the values of a setting are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A path; relative ones begin at the file that holds them, or at the working directory.
    Path,
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of texts, in the environment separated by colons.
    List,
    /// A whole number, 0 or more.
    Count,
    /// True or false.
    Switch,
}

impl Kind {
    /// What a value may be, in words.
    pub fn expected(self) -> String {
        match self {
            Self::Path => "a path".into(),
            Self::Text => "a text".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List => "a list of texts".into(),
            Self::Count => "a whole number, 0 or more".into(),
            Self::Switch => "true or false".into(),
        }
    }
}

impl Setting {
    /// The value when nothing else is said.
    pub fn default_value(&self, places: &Places) -> Value {
        match self.kind {
            Kind::Path => Value::Path(places.expand(self.default)),
            Kind::Text | Kind::Choice(_) => Value::Text(self.default.into()),
            Kind::List => Value::List(Vec::new()),
            Kind::Count => Value::Count(0),
            Kind::Switch => Value::Switch(self.default == "true"),
        }
    }
}

/// The setting of this name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().copied().find(|setting| setting.name == name)
}

macro_rules! settings {
    ($($constant:ident = $name:literal $kind:expr, default $default:literal, env $env:literal, flag $flag:expr, project $project:literal: $doc:literal;)+) => {
        $(
            #[doc = $doc]
            pub static $constant: Setting = Setting {
                name: $name, kind: $kind, default: $default, environment: $env, flag: $flag, project: $project, doc: $doc,
            };
        )+

        /// Every setting, in the order of the reference.
        pub static SETTINGS: &[&Setting] = &[$(&$constant),+];
    };
}

settings! {
    DB = "db" Kind::Path, default "$XDG_DATA_HOME/cim-nix/ledger.db", env "CIM_NIX_DB", flag Some("--db"), project false:
        "The database file.";
    COLOR = "color" Kind::Choice(&["auto", "always", "never"]), default "auto", env "CIM_NIX_COLOR", flag Some("--color"), project true:
        "When output is coloured. `auto` means on a terminal, and honours `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE`.";
    EXCLUDES = "excludes" Kind::List, default "[]", env "CIM_NIX_EXCLUDES", flag Some("--exclude"), project true:
        "Globs, as in `.gitignore`, of what a scan passes over beside its built-in list. Each layer adds to the ones before it.";
    HISTORY_READ = "history.read" Kind::Switch, default "true", env "CIM_NIX_HISTORY_READ", flag Some("--no-history"), project true:
        "Whether a scan reads the past of each `flake.lock` from git.";
    HISTORY_SINCE = "history.since" Kind::Text, default "", env "CIM_NIX_HISTORY_SINCE", flag Some("--since"), project true:
        "How far back a scan reads the past: a date or an age such as `1y`. Empty means all of it.";
    THREADS = "threads" Kind::Count, default "0", env "CIM_NIX_THREADS", flag Some("--threads"), project true:
        "How many threads a scan uses. 0 means one for each core.";
    LOG = "log" Kind::Text, default "off", env "CIM_NIX_LOG", flag None, project false:
        "What goes to the log file in `$XDG_STATE_HOME/cim-nix`: `error`, `warn`, `info`, `debug`, `trace`, or a filter of `tracing`. `off` means no log file.";
}
