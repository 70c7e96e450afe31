//! The real programs that tests run: where `scripts/setup` put them, and which versions are good.
//! A part that is missing fails the test that needs it, with the command that installs it; nothing is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program from outside that tests run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    program: &'static str,
    /// Where it lies below the folder of parts; `None`: the distribution's, on `PATH`.
    folder: Option<&'static str>,
    nix: Nix,
}

/// Where `nix develop` and `nix flake check` have a part from.
#[derive(Debug, Clone, Copy)]
enum Nix {
    /// This package of nixpkgs; `flake.nix` names it.
    Package(&'static str),
    /// The environment of every build.
    Build,
    /// Nowhere: too old for nixpkgs. Only `scripts/setup` brings it, and what is on `PATH` is another one.
    No,
}

/// The real Nix's evaluator.
pub(crate) const NIX_INSTANTIATE: Part =
    Part { program: "nix-instantiate", folder: Some("nix/bin"), nix: Nix::Package("nix") };
/// The real Nix.
pub(crate) const NIX: Part = Part { program: "nix", folder: Some("nix/bin"), nix: Nix::Package("nix") };
/// The message bus.
pub(crate) const NATS_SERVER: Part =
    Part { program: "nats-server", folder: Some("nats/bin"), nix: Nix::Package("nats-server") };
/// The message bus as Debian bookworm has it, too old for us.
pub(crate) const NATS_SERVER_2_9: Part = Part { program: "nats-server", folder: Some("nats-2.9/bin"), nix: Nix::No };
/// The message bus as Debian trixie has it, too old for us.
pub(crate) const NATS_SERVER_2_10: Part = Part { program: "nats-server", folder: Some("nats-2.10/bin"), nix: Nix::No };
/// The distribution's SQLite, which scripts use.
pub(crate) const SQLITE3: Part = Part { program: "sqlite3", folder: None, nix: Nix::Package("sqlite") };
/// The terminal that the terminal UI is tried in.
pub(crate) const TMUX: Part = Part { program: "tmux", folder: None, nix: Nix::Package("tmux") };
/// Version control.
pub(crate) const GIT: Part = Part { program: "git", folder: None, nix: Nix::Package("git") };
/// The C compiler.
pub(crate) const CC: Part = Part { program: "cc", folder: None, nix: Nix::Build };

/// Makes keys and certificates.
pub(crate) const OPENSSL: Part = Part { program: "openssl", folder: None, nix: Nix::Package("openssl") };
/// Runs the scripts of the repository.
pub(crate) const BASH: Part = Part { program: "bash", folder: None, nix: Nix::Build };
/// Runs those scripts that are written in Python.
pub(crate) const PYTHON3: Part = Part { program: "python3", folder: None, nix: Nix::Package("python3") };

/// Every part, what asks it for its version, and what the answer begins with.
const PARTS: [(Part, &str, &str); 10] = [
    (NIX, "--version", "nix (Nix) 2."),
    (NIX_INSTANTIATE, "--version", "nix-instantiate (Nix) 2."),
    (NATS_SERVER, "--version", "nats-server: v2."),
    (OPENSSL, "version", "OpenSSL 3."),
    (SQLITE3, "--version", "3."),
    (TMUX, "-V", "tmux "),
    (GIT, "--version", "git version 2."),
    (CC, "--version", ""),
    (BASH, "--version", "GNU bash, version 5"),
    (PYTHON3, "--version", "Python 3."),
];

/// The same of the servers that are too old.
const OLD_SERVERS: [(Part, &str, &str); 2] =
    [(NATS_SERVER_2_9, "--version", "nats-server: v2.9."), (NATS_SERVER_2_10, "--version", "nats-server: v2.10.")];

/// The tests that need a server that is too old; `nix flake check` has none, and leaves them out.
pub(crate) const TESTS_OF_OLD_SERVERS: [&str; 3] = [
    "parts::old_servers_are_installed_in_the_versions_that_are_refused",
    "sync::versions::a_server_that_is_updated_in_place_is_taken_up_again",
    "sync::versions::servers_that_cannot_fence_are_refused_and_nothing_is_sent",
];

/// The packages of nixpkgs that hold the parts, each once.
pub(crate) fn packages() -> std::collections::BTreeSet<&'static str> {
    let package = |part: Part| if let Nix::Package(name) = part.nix { Some(name) } else { None };
    PARTS.iter().chain(&OLD_SERVERS).filter_map(|(part, ..)| package(*part)).collect()
}

impl Part {
    /// The program's path; without one, the message for the test's failure.
    pub(crate) fn path(self) -> Result<PathBuf, String> {
        let own = self.folder.map(|folder| parts_folder().join(folder).join(self.program));
        let others = search_path().filter(|_| !matches!(self.nix, Nix::No));
        own.into_iter()
            .chain(others.map(|folder| folder.join(self.program)))
            .find(|path| path.is_file())
            .ok_or_else(|| format!("{} is not installed: run scripts/setup", self.program))
    }

    /// A command that runs it.
    #[expect(clippy::disallowed_methods, reason = "the one place where tests start the real programs")]
    pub(crate) fn command(self) -> Result<Command, String> {
        Ok(Command::new(self.path()?))
    }

    /// What it prints on stdout for these arguments.
    pub(crate) fn output(self, arguments: &[&str]) -> Result<String, String> {
        run(self.command()?.args(arguments))
    }
}

/// A Nix store of one test's own: no `/nix`, no users, no network, nothing shared with another test.
#[derive(Debug)]
pub(crate) struct NixStore {
    folder: tempfile::TempDir,
}

impl NixStore {
    /// Makes an empty one.
    pub(crate) fn new() -> Result<Self, String> {
        // Not below /tmp: newer releases refuse a store below a folder that everybody may write to.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|error| error.to_string())?;
        Ok(Self { folder })
    }

    /// A command that runs `part` on this store, with every cache below it.
    pub(crate) fn command(&self, part: Part) -> Result<Command, String> {
        let below = |name: &str| self.folder.path().join(name);
        let mut command = part.command()?;
        command
            .env("NIX_STORE_DIR", below("store"))
            .env("NIX_STATE_DIR", below("var"))
            .env("NIX_LOG_DIR", below("log"))
            .env("NIX_CONF_DIR", below("etc"))
            .env("XDG_CACHE_HOME", below("cache"))
            .env("HOME", below("home"))
            .env("NIX_CONFIG", "experimental-features = nix-command flakes\nsubstituters =\nbuild-users-group =\n");
        if let Some(folder) = part.path()?.parent() {
            command.env("NIX_BIN_DIR", folder);
        }
        Ok(command)
    }

    /// What a Nix expression evaluates to, as JSON; relative paths in it start at the repository.
    pub(crate) fn eval(&self, expression: &str) -> Result<serde_json::Value, String> {
        let mut command = self.command(NIX_INSTANTIATE)?;
        command.args(["--eval", "--strict", "--json", "-E", expression]).current_dir(repository());
        serde_json::from_str(&run(&mut command)?).map_err(|error| error.to_string())
    }
}

/// The repository's root.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command; stdout if it succeeds, otherwise what it said.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
    }
}

fn parts_folder() -> PathBuf {
    std::env::var_os("CIM_NIX_PARTS").map_or_else(|| repository().join(".parts"), PathBuf::from)
}

fn search_path() -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>().into_iter()
}

#[test]
fn every_part_is_installed_in_a_version_that_is_known_to_work() {
    assert_eq!(wrong(&PARTS), [""; 0]);
}

#[test]
fn old_servers_are_installed_in_the_versions_that_are_refused() {
    assert_eq!(wrong(&OLD_SERVERS), [""; 0]);
}

/// What is missing or of a version that is not known.
fn wrong(parts: &[(Part, &str, &str)]) -> Vec<String> {
    let says = |(part, flag, words): &(Part, &str, &str)| match part.output(&[flag]) {
        Ok(said) if said.starts_with(words) => None,
        Ok(said) => Some(format!("{part:?} says {said:?}, expected {words:?}")),
        Err(why) => Some(why),
    };
    parts.iter().filter_map(says).collect()
}

#[test]
fn nats_server_knows_the_headers_that_fence_a_publisher() {
    let said = NATS_SERVER.output(&["--version"]).unwrap();
    let minor = said.trim().trim_start_matches("nats-server: v2.").split('.').next().unwrap().parse::<u32>().unwrap();
    assert!(minor >= 12, "atomic batches came with 2.12, this is {said}");
}

#[test]
fn nix_evaluates_in_a_store_of_its_own() {
    let store = NixStore::new().unwrap();
    assert_eq!(store.eval("builtins.storeDir == \"/nix/store\"").unwrap(), serde_json::json!(false));
}
