//! The interface in a real terminal: how long until its first frame, and from a key to the frame it leads to.

use std::error::Error;
use std::io::{Read as _, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// What ends every frame.
const END: &[u8] = b"\x1b[?2026l";
const LONG: Duration = Duration::from_secs(10);
const STARTS: usize = 15;
const KEYS: usize = 600;

/// A running interface and when each piece of what it shows arrived.
struct Running {
    child: std::process::Child,
    keys: ChildStdin,
    shown: Receiver<(Instant, Vec<u8>)>,
    process: u32,
}

/// Measures the interface on a ledger; `filled` says that there are flakes to be seen.
pub(crate) fn interface(
    program: &str,
    home: &Path,
    db: &Path,
    filled: bool,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let sign = if filled { "flake-" } else { "" };
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let (running, took) = start(program, home, db, sign)?;
        starts.push(took);
        leave(running)?;
    }
    let (mut running, _) = start(program, home, db, sign)?;
    let mut frames = Vec::new();
    for number in 0..if filled { KEYS } else { 0 } {
        // Down the list, now and then to the other screen and back.
        let key = match number % 50 {
            48 => "2",
            49 => "1",
            _ => "j",
        };
        std::thread::sleep(Duration::from_millis(3));
        while running.shown.try_recv().is_ok() {}
        let begun = Instant::now();
        running.keys.write_all(key.as_bytes())?;
        frames.push(frame(&running, begun, "")?);
    }
    let memory = super::memory(running.process);
    leave(running)?;
    writeln!(out, "  interface: first frame {}, {} MiB", shown(&mut starts), memory / 1024)?;
    if filled {
        writeln!(out, "  interface: key to frame {}", shown(&mut frames))?;
    }
    Ok(())
}

/// Starts the interface in a terminal of 120 columns; how long until the first frame that shows `sign` was there.
fn start(program: &str, home: &Path, db: &Path, sign: &str) -> Result<(Running, Duration), Box<dyn Error>> {
    let line = format!("stty rows 40 cols 120; echo pid $$ :; read go; exec {program} --db {}", db.display());
    let mut child = script(home)
        .args(["-q", "-c", &line, "/dev/null"])
        .spawn()
        .map_err(|error| format!("`script` cannot be started ({error}); install util-linux (Debian: bsdutils)"))?;
    let (keys, pipe) = (child.stdin.take(), child.stdout.take());
    let (Some(mut keys), Some(mut pipe)) = (keys, pipe) else { return Err("a terminal without ends".into()) };
    let (sender, shown) = channel();
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = pipe.read(&mut bytes) {
            let piece = bytes.get(..length).unwrap_or_default().to_vec();
            if sender.send((Instant::now(), piece)).is_err() {
                break;
            }
        }
    });
    let mut said = String::new();
    let process = loop {
        let (_, piece) = shown.recv_timeout(LONG)?;
        said.push_str(&String::from_utf8_lossy(&piece));
        if let Some(number) = said.split_whitespace().skip_while(|word| *word != "pid").nth(1)
            && said.contains(':')
        {
            break number.parse()?;
        }
    };
    let begun = Instant::now();
    keys.write_all(b"\n")?;
    let running = Running { child, keys, shown, process };
    let took = frame(&running, begun, sign)?;
    Ok((running, took))
}

/// How long until a frame was complete that showed `sign` or came after one that did.
fn frame(running: &Running, begun: Instant, sign: &str) -> Result<Duration, Box<dyn Error>> {
    let mut all = Vec::new();
    loop {
        let (when, piece) = running
            .shown
            .recv_timeout(LONG)
            .map_err(|_| format!("no frame came; this did: {}", String::from_utf8_lossy(&all).escape_debug()))?;
        all.extend(piece);
        let from = find(&all, sign.as_bytes());
        if from.and_then(|from| find(all.get(from..).unwrap_or_default(), END)).is_some() {
            return Ok(when.duration_since(begun));
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() { Some(0) } else { bytes.windows(wanted.len()).position(|part| part == wanted) }
}

fn leave(mut running: Running) -> Result<(), Box<dyn Error>> {
    running.keys.write_all(b"q")?;
    running.child.wait()?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench starts the program itself")]
fn script(home: &Path) -> Command {
    let mut command = Command::new("script");
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn shown(took: &mut [Duration]) -> String {
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default().as_micros();
    format!("p50 {} µs, p99 {} µs", at(50), at(99))
}
