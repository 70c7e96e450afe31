//! The table of settings: each is declared here and nowhere else; files, environment, flags and the reference derive
//! from it.

use std::path::PathBuf;

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
    /// A list of names, which hold neither commas nor colons: either separates them in the environment.
    Names,
    /// A program and its arguments: a text that is split as a shell does, or a list of texts.
    Command,
    /// A whole number, 0 or more.
    Count,
    /// True or false.
    Switch,
    /// Any text; it is shown nowhere.
    Secret,
}

impl Kind {
    /// How an environment variable holds several, in words; none where it holds one.
    pub const fn separated(self) -> Option<&'static str> {
        match self {
            Self::List => Some("with `:` between"),
            Self::Names => Some("with `,` or `:` between"),
            Self::Command => Some("with spaces between, quoted as in a shell"),
            _ => None,
        }
    }

    /// What separates the parts of a list in an environment variable.
    pub(super) const fn separators(self) -> &'static [char] {
        if matches!(self, Self::Names) { &[',', ':'] } else { &[':'] }
    }

    /// What a value may be, in words.
    pub fn expected(self) -> String {
        match self {
            Self::Path => "a path".into(),
            Self::Text => "a text".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List => "a list of texts".into(),
            Self::Names => "a list of names".into(),
            Self::Command => "a command: a text or a list of texts".into(),
            Self::Count => "a whole number, 0 or more".into(),
            Self::Switch => "true or false".into(),
            Self::Secret => "a text, which is shown nowhere".into(),
        }
    }
}

impl Setting {
    /// The value when nothing else is said.
    pub fn default_value(&self, places: &Places) -> Value {
        match self.kind {
            Kind::Path if self.default.is_empty() => Value::Path(PathBuf::new()),
            Kind::Path => Value::Path(places.expand(self.default)),
            Kind::Secret => Value::of_secret(self.default),
            Kind::Text | Kind::Choice(_) => Value::Text(self.default.into()),
            Kind::List | Kind::Names => Value::List(Vec::new()),
            Kind::Command => Value::Command(Vec::new()),
            Kind::Count => Value::Count(self.default.parse().unwrap_or_default()),
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
        "How many threads a scan uses, 256 at most. 0 means one for each core.";
    RULES_ENABLED = "rules.enabled" Kind::Names, default "[]", env "CIM_NIX_RULES_ENABLED", flag Some("--enable"), project true:
        "Rules of `check` that are wanted though they are off by themselves. Each layer adds to the ones before it.";
    RULES_DISABLED = "rules.disabled" Kind::Names, default "[]", env "CIM_NIX_RULES_DISABLED", flag Some("--disable"), project true:
        "Rules of `check` that are not wanted. Each layer adds to the ones before it.";
    RULES_RECORD = "rules.record" Kind::Choice(&["off", "error", "warning", "info"]), default "warning", env "CIM_NIX_RULES_RECORD", flag Some("--no-check"), project true:
        "How bad a finding of the rules of `check` must be that a scan records. `off` leaves Nix files beside `flake.nix` alone; hints are `info`.";
    RULES_NIX = "rules.nix" Kind::Text, default "", env "CIM_NIX_RULES_NIX", flag None, project true:
        "The oldest Nix that the files are for, as in `2.18`: `check` reports builtins that it does not have. Empty means any.";
    MODULES_RECORD = "modules.record" Kind::Switch, default "true", env "CIM_NIX_MODULES_RECORD", flag None, project true:
        "Whether a scan records the modules and overlays among the Nix files below the roots, and the configurations of flakes.";
    SYSTEM_ROOT = "system_root" Kind::Path, default "/", env "CIM_NIX_SYSTEM_ROOT", flag None, project false:
        "The root of the machine whose NixOS `scan` and `system` look at. Another one is for a disk that is mounted somewhere.";
    FORMATTER = "formatter" Kind::Command, default "", env "CIM_NIX_FORMATTER", flag None, project false:
        "The program with which `fmt` formats instead of by itself, as in `[\"alejandra\", \"-q\"]`: it reads Nix on stdin and writes it to stdout. Empty means the official style.";
    SYNC_SERVERS = "sync.servers" Kind::Secret, default "nats://127.0.0.1:4222", env "NATS_URL", flag None, project false:
        "The NATS server, or several of one cluster with commas between: `nats://`, `tls://`, `ws://` or `wss://`. Reached only once `sync enable` was run.";
    SYNC_CREDENTIALS = "sync.credentials" Kind::Path, default "", env "NATS_CREDS", flag None, project false:
        "A credentials file of NATS: a JWT with the seed that signs for it.";
    SYNC_NKEY = "sync.nkey" Kind::Path, default "", env "NATS_NKEY", flag None, project false:
        "A file with the seed of an nkey.";
    SYNC_USER = "sync.user" Kind::Text, default "", env "NATS_USER", flag None, project false:
        "The user that the server knows.";
    SYNC_PASSWORD = "sync.password" Kind::Secret, default "", env "NATS_PASSWORD", flag None, project false:
        "The password of `sync.user`. A file that holds it should be readable by you alone.";
    SYNC_TOKEN = "sync.token" Kind::Secret, default "", env "NATS_TOKEN", flag None, project false:
        "The token that the server knows.";
    SYNC_TLS_AUTHORITIES = "sync.tls.authorities" Kind::Path, default "", env "NATS_CA", flag None, project false:
        "A file with certificates of authorities to trust, beside those of the system.";
    SYNC_TLS_CERTIFICATE = "sync.tls.certificate" Kind::Path, default "", env "NATS_CERT", flag None, project false:
        "The file of this machine's certificate, for servers that ask for one.";
    SYNC_TLS_KEY = "sync.tls.key" Kind::Path, default "", env "NATS_KEY", flag None, project false:
        "The file of the key to `sync.tls.certificate`.";
    SYNC_TLS_FIRST = "sync.tls.first" Kind::Switch, default "false", env "NATS_TLS_FIRST", flag None, project false:
        "Whether to begin with TLS before the server says a word, as servers with `handshake_first` want it.";
    SYNC_INBOX_PREFIX = "sync.inbox_prefix" Kind::Text, default "_INBOX", env "NATS_INBOX_PREFIX", flag None, project false:
        "What the subjects begin with at which answers are heard. It begins with `_INBOX`; with one for each user, as `_INBOX.ada`, the server can let everybody hear their own answers alone.";
    SYNC_LEDGER = "sync.ledger" Kind::Text, default "NIX_LEDGER", env "CIM_NIX_SYNC_LEDGER", flag None, project false:
        "The name of the stream through which machines exchange events.";
    SYNC_EVENTS = "sync.events" Kind::Text, default "NIX_EVENTS", env "CIM_NIX_SYNC_EVENTS", flag None, project false:
        "The name of the stream that other CIM services read.";
    SYNC_MAX_MEBIBYTES = "sync.max_mebibytes" Kind::Count, default "0", env "CIM_NIX_SYNC_MAX_MEBIBYTES", flag None, project false:
        "The largest size of a stream that `sync setup` makes. 0 means no limit of its own.";
    SYNC_REPLICAS = "sync.replicas" Kind::Count, default "1", env "CIM_NIX_SYNC_REPLICAS", flag None, project false:
        "How many servers of a cluster keep a stream that `sync setup` makes.";
    SYNC_COMMANDS = "sync.commands" Kind::Names, default "[]", env "CIM_NIX_SYNC_COMMANDS", flag None, project false:
        "The commands that this machine accepts over the bus while `serve` runs: `flake.scan`, `flake.forget`, and, which write below its roots, `flake.create`, `flake.add_input`, `flake.remove_input`. Empty means none.";
    SERVE_LISTEN = "serve.listen" Kind::Text, default "127.0.0.1:9617", env "CIM_NIX_SERVE_LISTEN", flag Some("--listen"), project false:
        "Where `serve` answers `/metrics` and `/healthz`: an address of this machine alone, or `off`.";
    SERVE_INTERVAL = "serve.interval" Kind::Count, default "600", env "CIM_NIX_SERVE_INTERVAL", flag Some("--interval"), project false:
        "How many seconds pass between two scans of everything while `serve` runs; changes that the system tells of are seen at once.";
    LOG = "log" Kind::Text, default "off", env "CIM_NIX_LOG", flag None, project false:
        "What goes to the log file in `$XDG_STATE_HOME/cim-nix`: `error`, `warn`, `info`, `debug`, `trace`, or a filter of `tracing`. `off` means no log file.";
    LOG_FORMAT = "log_format" Kind::Choice(&["text", "json"]), default "text", env "CIM_NIX_LOG_FORMAT", flag None, project false:
        "How the log file is written: `text`, or `json` with one object a line, its spans and the id of the conversation.";
    OTLP_ENDPOINT = "otlp_endpoint" Kind::Text, default "", env "CIM_NIX_OTLP_ENDPOINT", flag None, project false:
        "Where traces go, as in `http://127.0.0.1:4318`: a collector of OpenTelemetry. Only in builds with the feature `otlp`. Empty means nowhere.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_of_the_bus_may_come_from_a_repository() {
        let bus =
            SETTINGS.iter().filter(|setting| setting.name.starts_with("sync.") || setting.name.starts_with("serve."));
        let found: Vec<&str> = bus.clone().filter(|setting| setting.project).map(|setting| setting.name).collect();
        assert!(found.is_empty() && bus.count() > 15, "{found:?}");
    }
}
