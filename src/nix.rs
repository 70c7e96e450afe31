//! The `nix` program: found on `PATH`, run without a question to anybody, and ended when it takes too long.
//!
//! An adapter: returns plain values and knows no use case, no database and no face.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::domain::circuit::{Circuits, State};

/// The first release whose `nix flake update` takes the names of inputs.
const NAMES_INPUTS: (u32, u32) = (2, 19);
/// How long `nix --version` may take.
const QUICK: Duration = Duration::from_secs(20);
/// How much of what it says on stderr is kept.
const SAID: usize = 64 * 1024;

/// Each `nix`, as long as this process lives.
static CIRCUITS: Circuits = Circuits::new();

/// A `nix` that is there and answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nix {
    program: PathBuf,
    /// Major and minor number of its version.
    pub version: (u32, u32),
}

/// Why `nix` did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum NixError {
    /// None is there.
    #[error("no `nix` is on PATH")]
    Missing,
    /// It does not start.
    #[error("cannot run `{}`", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// It says no version that is known.
    #[error("`{} --version` says `{said}`, which is no version of Nix", program.display())]
    Version {
        /// The program.
        program: PathBuf,
        /// What it says.
        said: String,
    },
    /// It failed.
    #[error("`nix {command}` failed: {said}")]
    Failed {
        /// What it was asked to do.
        command: String,
        /// What it says, in one line.
        said: String,
    },
    /// It took too long and was ended.
    #[error("`nix {command}` was ended after {seconds} s")]
    Slow {
        /// What it was asked to do.
        command: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// It hung or did not start some times in a row, and is not started for a while.
    #[error("`nix` hung or did not start, again and again, and is tried again in {seconds} s")]
    Open {
        /// How long until it is tried again.
        seconds: u64,
    },
    /// A name that must not stand on a command line.
    #[error("`{name}` is not the name of an input that `nix` takes: names begin with a letter")]
    Name {
        /// The name.
        name: String,
    },
}

impl Nix {
    /// Looks along a `PATH`.
    ///
    /// # Errors
    /// [`NixError::Missing`] when there is none; others when what is there is not Nix.
    pub fn find(path: Option<&OsStr>) -> Result<Self, NixError> {
        let program = Self::place(path).ok_or(NixError::Missing)?;
        let mut nix = Self { program, version: (0, 0) };
        let said = nix.run(Path::new("/"), &["--version"], QUICK)?;
        nix.version = version(&said).ok_or_else(|| NixError::Version { program: nix.program.clone(), said })?;
        Ok(nix)
    }

    /// Where along a `PATH` one is; whether it works is not asked.
    pub fn place(path: Option<&OsStr>) -> Option<PathBuf> {
        let folders = path.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
        // An empty entry would be the directory of whoever runs this, where a flake may lie with a `nix` beside it.
        let mut places = folders.into_iter().filter(|folder| folder.is_absolute()).map(|folder| folder.join("nix"));
        places.find(|program| is_program(program))
    }

    /// Adds to the lock of the flake in a directory what is missing in it, and takes out what is not needed.
    ///
    /// # Errors
    /// [`NixError`]; the lock may have been written all the same.
    pub fn lock(&self, directory: &Path, timeout: Duration) -> Result<(), NixError> {
        self.run(directory, &["flake", "lock"], timeout).map(drop)
    }

    /// Takes the newest of some inputs of the flake in a directory, or of all when none is named.
    ///
    /// # Errors
    /// [`NixError`]; the lock may have been written all the same.
    pub fn update(&self, directory: &Path, inputs: &[String], timeout: Duration) -> Result<(), NixError> {
        check_names(inputs)?;
        self.run(directory, &update_words(self.version, inputs, None), timeout).map(drop)
    }

    /// The same into another file: the lock stays as it is.
    ///
    /// # Errors
    /// [`NixError`].
    pub fn update_into(
        &self,
        directory: &Path,
        inputs: &[String],
        lock: &Path,
        timeout: Duration,
    ) -> Result<(), NixError> {
        check_names(inputs)?;
        let lock = lock.to_string_lossy();
        self.run(directory, &update_words(self.version, inputs, Some(&lock)), timeout).map(drop)
    }

    fn run(&self, directory: &Path, words: &[&str], timeout: Duration) -> Result<String, NixError> {
        let program = self.program.to_string_lossy();
        CIRCUITS.enter(&program, Instant::now()).map_err(|left| NixError::Open { seconds: left.as_secs() + 1 })?;
        let done = self.run_once(directory, words, timeout);
        let broken = matches!(done, Err(NixError::Slow { .. } | NixError::Start { .. }));
        CIRCUITS.leave(&program, !broken, Instant::now());
        done
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one adapter that starts `nix`")]
    fn run_once(&self, directory: &Path, words: &[&str], timeout: Duration) -> Result<String, NixError> {
        let mut command = Command::new(&self.program);
        command.args(["--extra-experimental-features", "nix-command flakes"]).args(words).current_dir(directory);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What nix starts asks nobody for a password either.
        command.env("GIT_TERMINAL_PROMPT", "0").env("SSH_ASKPASS_REQUIRE", "never");
        let start = |source| NixError::Start { program: self.program.clone(), source };
        let mut child = command.spawn().map_err(start)?;
        let (out, err) = (collect(child.stdout.take()), collect(child.stderr.take()));
        let command = words.join(" ");
        let Some(status) = wait(&mut child, timeout).map_err(start)? else {
            return Err(NixError::Slow { command, seconds: timeout.as_secs() });
        };
        // Whoever nix left running may hold the pipes; what was said until now is enough.
        let said = |pipe: mpsc::Receiver<String>| pipe.recv_timeout(Duration::from_secs(2)).unwrap_or_default();
        if !status.success() {
            return Err(NixError::Failed { command, said: reason(&said(err), status) });
        }
        Ok(said(out))
    }
}

/// Whether each `nix` that was run is run again.
pub fn circuits(now: Instant) -> Vec<(String, State)> {
    CIRCUITS.states(now)
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// `nix (Nix) 2.26.3` → 2, 26.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split_whitespace().last()?.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn check_names(inputs: &[String]) -> Result<(), NixError> {
    match inputs.iter().find(|name| !is_input_path(name)) {
        Some(name) => Err(NixError::Name { name: name.clone() }),
        None => Ok(()),
    }
}

/// `into` is the file that is written in place of the lock.
fn update_words<'a>(version: (u32, u32), inputs: &'a [String], into: Option<&'a str>) -> Vec<&'a str> {
    let names = inputs.iter().map(String::as_str);
    let into = into.map(|into| ["--output-lock-file", into]).into_iter().flatten();
    if inputs.is_empty() || version >= NAMES_INPUTS {
        let end = (!inputs.is_empty()).then_some("--");
        return ["flake", "update"].into_iter().chain(into).chain(end).chain(names).collect();
    }
    let names = names.flat_map(|name| ["--update-input", name]);
    ["flake", "lock"].into_iter().chain(into).chain(names).collect()
}

/// Whether `nix` takes a text for an input path: letters, digits, `_` and `-`, each name beginning with a letter.
fn is_input_path(path: &str) -> bool {
    path.split('/').all(|name| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    })
}

/// Reads a pipe to its end beside whatever else is done.
fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut piece) {
                let room = SAID.saturating_sub(kept.len()).min(read);
                kept.extend_from_slice(piece.get(..room).unwrap_or_default());
            }
            // Nobody listens any more when it took too long.
            send.send(String::from_utf8_lossy(&kept).trim().to_owned()).unwrap_or_default();
        });
    }
    receive
}

/// Waits so long and no longer; a process that is not done by then is ended.
fn wait(child: &mut Child, timeout: Duration) -> std::io::Result<Option<ExitStatus>> {
    let since = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if since.elapsed() >= timeout {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// What went wrong, in one line: the last error that was said.
fn reason(said: &str, status: ExitStatus) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().filter_map(|line| line.strip_prefix("error:").map(str::trim)).rfind(|line| !line.is_empty());
    error.or_else(|| lines().next_back()).map_or_else(|| status.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(version: (u32, u32), inputs: &[&str]) -> String {
        let inputs: Vec<String> = inputs.iter().map(|&name| name.to_owned()).collect();
        update_words(version, &inputs, None).join(" ")
    }

    #[test]
    fn versions_are_read_and_decide_how_inputs_are_named() {
        assert_eq!(version("nix (Nix) 2.26.3"), Some((2, 26)));
        assert_eq!(version("nix (Nix) 2.18pre20230801_abc"), Some((2, 18)));
        assert_eq!(version("nix (Lix, like Nix) 2.91.1"), Some((2, 91)));
        assert_eq!(version(""), None);
        assert_eq!(words((2, 18), &["a", "b/c"]), "flake lock --update-input a --update-input b/c");
        assert_eq!(words((2, 19), &["a", "b/c"]), "flake update -- a b/c");
        assert_eq!(words((2, 18), &[]), "flake update");
    }

    #[test]
    fn only_what_nix_takes_for_an_input_is_handed_to_it() {
        for good in ["a", "nixpkgs", "a-b_1/c"] {
            assert!(is_input_path(good), "{good}");
        }
        for bad in ["", "-a", "--impure", "a b", "a/", "/a", "1a", "a/-b", "é", "a;b", "."] {
            assert!(!is_input_path(bad), "{bad}");
        }
        let nix = Nix { program: PathBuf::from("/nonexistent"), version: (2, 20) };
        let refused = nix.update(Path::new("/"), &["--impure".to_owned()], QUICK);
        assert!(matches!(refused, Err(NixError::Name { .. })));
    }

    #[test]
    fn the_last_error_is_told_in_one_line() {
        let failed = std::os::unix::process::ExitStatusExt::from_raw(256);
        assert_eq!(reason("warning: x\nerror:\n  … while\n  error: no such\n\n  thing", failed), "no such");
        assert_eq!(reason("only this\n", failed), "only this");
        assert_eq!(reason("", failed), "exit status: 1");
    }

    #[test]
    fn what_takes_too_long_is_ended_and_what_is_not_there_is_missed() {
        let sleeper = Nix { program: PathBuf::from("/bin/sh"), version: (2, 20) };
        // A shell does not know these words and ends with an error; it is started, waited for and heard.
        let failed = sleeper.run(Path::new("/"), &["x"], QUICK);
        assert!(matches!(failed, Err(NixError::Failed { .. })), "{failed:?}");
        let folder = tempfile::tempdir().unwrap();
        let slow = folder.path().join("nix");
        std::io::Write::write_all(&mut std::fs::File::create(&slow).unwrap(), b"#!/bin/sh\nexec sleep 60\n").unwrap();
        std::fs::set_permissions(&slow, std::fs::Permissions::from_mode(0o755)).unwrap();
        let slow = Nix { program: slow, version: (2, 20) }.lock(Path::new("/"), Duration::from_millis(50));
        assert!(matches!(slow, Err(NixError::Slow { .. })), "{slow:?}");
        assert!(matches!(Nix::find(None), Err(NixError::Missing)));
        assert!(matches!(Nix::find(Some(OsStr::new("::relative"))), Err(NixError::Missing)));
        let nowhere = Nix { program: PathBuf::from("/nonexistent"), version: (2, 20) };
        assert!(matches!(nowhere.lock(Path::new("/"), QUICK), Err(NixError::Start { .. })));
    }
}
