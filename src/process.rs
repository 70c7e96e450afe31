//! Programs of the user's choice: one text in, one text out, within a time and a size.
//!
//! An adapter: knows no use case and no face. What is run comes from the user's own settings, or is the tmux around this
//! process, and never comes from a file of a project. The program gets a group of its own, so that one that has to be ended takes what it started with it.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::domain::circuit::{Circuits, State};

/// How much of what a program complains about is kept.
const COMPLAINT: usize = 4096;

/// Each program with its arguments, as long as this process lives.
static CIRCUITS: Circuits = Circuits::new();

/// A program to be run once.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// Where it runs.
    pub directory: &'a Path,
    /// How long it may take.
    pub timeout: Duration,
    /// How many bytes it may write.
    pub limit: usize,
}

/// Why a program did not do what it was run for; every variant names it.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is nothing to run.
    #[error("no program is named; name one with its arguments")]
    Empty,
    /// It did not start.
    #[error("`{program}` does not start; install it, or correct the setting that names it")]
    Start {
        /// The program.
        program: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("`{program}` ended with {status}: {complaint}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The beginning of what it wrote to stderr.
        complaint: String,
    },
    /// It took too long and was ended.
    #[error("`{program}` took longer than {} s and was ended", timeout.as_secs())]
    Slow {
        /// The program.
        program: String,
        /// How long it had.
        timeout: Duration,
    },
    /// It wrote more than it may and was ended.
    #[error("`{program}` wrote more than {limit} bytes and was ended")]
    TooMuch {
        /// The program.
        program: String,
        /// How much it may write.
        limit: usize,
    },
    /// It hung or did not start some times in a row, and is not started for a while.
    #[error("`{program}` hung or did not start, again and again, and is tried again in {seconds} s")]
    Open {
        /// The program.
        program: String,
        /// How long until it is tried again.
        seconds: u64,
    },
    /// It could not be watched.
    #[error("`{program}` cannot be waited for; run it again")]
    Wait {
        /// The program.
        program: String,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// Runs a program that reads `input` on stdin, and gives back what it writes to stdout. One that hung or did not start some
/// times in a row is not started for a while, whoever asks.
pub fn run(program: Program<'_>, input: Vec<u8>) -> Result<Vec<u8>, ProcessError> {
    let Some((name, arguments)) = program.command.split_first() else { return Err(ProcessError::Empty) };
    let words = program.command.join(" ");
    CIRCUITS
        .enter(&words, Instant::now())
        .map_err(|left| ProcessError::Open { program: name.clone(), seconds: left.as_secs() + 1 })?;
    let done = run_once(program, (name, arguments), input);
    let broken =
        matches!(done, Err(ProcessError::Slow { .. } | ProcessError::Start { .. } | ProcessError::Wait { .. }));
    CIRCUITS.leave(&words, !broken, Instant::now());
    done
}

/// Whether the programs that were run are run again, by their names alone: arguments may hold what nobody else is to see.
pub fn circuits(now: Instant) -> Vec<(String, State)> {
    let name = |words: String| words.split(' ').next().unwrap_or_default().to_owned();
    CIRCUITS.states(now).into_iter().map(|(words, state)| (name(words), state)).collect()
}

fn run_once(
    program: Program<'_>,
    (name, arguments): (&String, &[String]),
    input: Vec<u8>,
) -> Result<Vec<u8>, ProcessError> {
    let mut child = start(name, arguments, program.directory)?;
    feed(&mut child, input);
    let out = collect(child.stdout.take(), program.limit);
    let complaint = collect(child.stderr.take(), COMPLAINT);
    let deadline = Instant::now() + program.timeout;
    let mut running = Running { child, name, deadline, timeout: program.timeout, ended: false };
    let out = running.output(&out)?;
    if out.len() > program.limit {
        return Err(ProcessError::TooMuch { program: name.clone(), limit: program.limit });
    }
    let status = running.end()?;
    if status.success() {
        return Ok(out);
    }
    let complaint = complaint.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    let complaint = String::from_utf8_lossy(complaint.get(..COMPLAINT).unwrap_or(&complaint)).trim().to_owned();
    Err(ProcessError::Failed { program: name.clone(), status, complaint })
}

#[expect(clippy::disallowed_methods, reason = "this is the one home of the user's programs")]
fn start(name: &str, arguments: &[String], directory: &Path) -> Result<Child, ProcessError> {
    let mut command = Command::new(program_at(name, directory));
    command.args(arguments).current_dir(directory).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|source| ProcessError::Start { program: name.to_owned(), source })
}

/// A name with a slash means the file from where the user stands, not from where the program runs.
fn program_at(name: &str, directory: &Path) -> PathBuf {
    let path = Path::new(name);
    if path.is_relative() && name.contains('/') { directory.join(path) } else { path.to_owned() }
}

/// A program that does not read to the end is its own affair.
fn feed(child: &mut Child, input: Vec<u8>) {
    if let Some(mut stdin) = child.stdin.take() {
        std::thread::spawn(move || stdin.write_all(&input).unwrap_or_default());
    }
}

/// What comes out, up to one byte more than the limit.
fn collect(from: Option<impl Read + Send + 'static>, limit: usize) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            from.take(most).read_to_end(&mut bytes).map(drop).unwrap_or_default();
        }
        sender.send(bytes).unwrap_or_default();
    });
    receiver
}

struct Running<'a> {
    child: Child,
    name: &'a str,
    deadline: Instant,
    timeout: Duration,
    ended: bool,
}

impl Running<'_> {
    fn output(&mut self, out: &Receiver<Vec<u8>>) -> Result<Vec<u8>, ProcessError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        out.recv_timeout(left).map_err(|_| self.slow())
    }

    /// Waits for the end of a program that has closed its output.
    fn end(&mut self) -> Result<ExitStatus, ProcessError> {
        let mut pause = Duration::from_millis(1);
        loop {
            let ended = self.child.try_wait();
            let ended = ended.map_err(|source| ProcessError::Wait { program: self.name.to_owned(), source })?;
            if let Some(status) = ended {
                self.ended = true;
                return Ok(status);
            }
            if Instant::now() >= self.deadline {
                return Err(self.slow());
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    fn slow(&self) -> ProcessError {
        ProcessError::Slow { program: self.name.to_owned(), timeout: self.timeout }
    }
}

/// A program that has not ended is ended, with all it started.
impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let group = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap_or_default();
        }
        self.child.wait().map(drop).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, timeout: Duration) -> Result<Vec<u8>, ProcessError> {
        let command = ["sh", "-c", script].map(str::to_owned);
        run(Program { command: &command, directory: Path::new("/"), timeout, limit: 1000 }, b"{ }".to_vec())
    }

    #[test]
    fn one_that_hangs_again_and_again_is_not_started_for_a_while() {
        let hang = || shell("sleep 60 # one that hangs", Duration::from_millis(50));
        for _ in 0..2 {
            assert!(matches!(hang(), Err(ProcessError::Slow { .. })));
        }
        let begun = Instant::now();
        let error = hang().unwrap_err();
        assert!(matches!(error, ProcessError::Open { seconds: 1..=61, .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_millis(50));
        let seen = circuits(Instant::now());
        assert!(seen.iter().any(|(name, state)| name == "sh" && matches!(state, State::Open(_))), "{seen:?}");
        // Another one is.
        assert_eq!(shell("echo x # one that works", Duration::from_secs(20)).unwrap(), b"x\n");
        // What it says of its input is no reason.
        for _ in 0..5 {
            let said = shell("exit 3 # one that complains", Duration::from_secs(20));
            assert!(matches!(said, Err(ProcessError::Failed { .. })));
        }
    }

    #[test]
    fn what_goes_in_comes_out_as_the_program_makes_it() {
        assert_eq!(shell("tr '{' '['", Duration::from_secs(20)).unwrap(), b"[ }");
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let error = shell("echo not this >&2; exit 3", Duration::from_secs(20)).unwrap_err().to_string();
        assert!(error.starts_with("`sh` ended with exit status: 3") && error.ends_with("not this"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_or_never_ends_is_ended_with_all_it_started() {
        let began = Instant::now();
        let slow = shell("sleep 60 & sleep 60", Duration::from_millis(300)).unwrap_err();
        assert!(matches!(slow, ProcessError::Slow { .. }), "{slow}");
        let deaf = shell("exec >&-; sleep 60", Duration::from_millis(300)).unwrap_err();
        assert!(matches!(deaf, ProcessError::Slow { .. }), "{deaf}");
        let much = shell("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", Duration::from_secs(20)).unwrap_err();
        assert!(matches!(much, ProcessError::TooMuch { limit: 1000, .. }), "{much}");
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let command = ["no-such-formatter".to_owned()];
        let program =
            Program { command: &command, directory: Path::new("/"), timeout: Duration::from_secs(1), limit: 10 };
        assert!(run(program, Vec::new()).unwrap_err().to_string().contains("no-such-formatter"));
    }
}
