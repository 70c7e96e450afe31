//! The whole program, from its start to its end: a scan of a thousand flakes, reads and the interface on a ledger that
//! is empty and on one of a million events, and the memory that each takes.
//!
//! `cargo bench --bench program` writes that ledger first; `PROGRAM_EVENTS` says another number. The interface runs in
//! the terminal that `script` of util-linux makes.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cim_domain_nix::store::{Access, Store, Who};
use years::{BEGIN, fill};

#[path = "ledger/terminal.rs"]
mod terminal;

#[path = "ledger/years.rs"]
mod years;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cim-nix");
const FLAKES: usize = 1_000;
const RUNS: usize = 21;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let wanted: u64 = std::env::var("PROGRAM_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir_in("target")?;
    let home = folder.path().join("home");
    fs::create_dir(&home)?;
    let mut out = std::io::stdout().lock();
    scans(&home, folder.path(), &mut out)?;
    for events in [0, wanted] {
        let db = folder.path().join(format!("{events}.db"));
        let who = Who { host: "bench".into(), user: "bench".into() };
        let store = Store::open(&db, Access::ReadWrite, &who, BEGIN)?;
        if events > 0 {
            fill(&store, events, 2_000)?;
        }
        drop(store);
        writeln!(out, "a ledger of {events} events")?;
        for words in [&["flake", "list"][..], &["log"], &["info"], &["doctor"]] {
            reads(&home, &db, words, &mut out)?;
        }
        terminal::interface(PROGRAM, &home, &db, events > 0, &mut out)?;
        let (took, memory) = watched(&mut program(&home, &db, &["store", "rebuild"]))?;
        writeln!(out, "  store rebuild: {} ms, {} MiB", took.as_millis(), memory / 1024)?;
    }
    Ok(())
}

/// An empty ledger takes the tree in; then nothing has changed.
fn scans(home: &Path, folder: &Path, out: &mut impl Write) -> Outcome {
    let tree = folder.join("tree");
    let files = plant(&tree)?;
    let tree = tree.display().to_string();
    let db = folder.join("scan.db");
    for (what, words) in [("cold", vec!["scan", &tree]), ("warm", vec!["scan"]), ("warm", vec!["scan"])] {
        let (took, memory) = watched(&mut program(home, &db, &words))?;
        let who = Who { host: "bench".into(), user: "bench".into() };
        let events = Store::open(&db, Access::ReadOnly, &who, BEGIN)?.reader()?.head()?;
        let rate = events * 1000 / i64::try_from(took.as_millis())?.max(1);
        let rate = if what == "cold" { format!("{events} events, {rate} events/s") } else { "nothing new".into() };
        let (took, memory) = (took.as_millis(), memory / 1024);
        writeln!(out, "{what} scan of {FLAKES} flakes, {files} files: {took} ms, {rate}, {memory} MiB")?;
    }
    Ok(())
}

/// Flakes with a lock of twelve nodes and three modules each; how many files.
fn plant(tree: &Path) -> Result<usize, Box<dyn Error>> {
    const FLAKE: &str = include_str!("../tests/fixtures/flakes/nixos/flake.nix");
    for number in 0..FLAKES {
        let flake = tree.join(format!("group-{}/flake-{number}", number / 40));
        fs::create_dir_all(flake.join("modules"))?;
        write(&flake.join("flake.nix"), &FLAKE.replacen('{', &format!("{{ # number {number}\n"), 1))?;
        write(&flake.join("flake.lock"), &lock(number))?;
        for module in ["base", "desktop", "server"] {
            let text = format!("{{ pkgs, ... }}: {{ environment.systemPackages = [ pkgs.{module}-{number} ]; }}\n");
            write(&flake.join(format!("modules/{module}.nix")), &text)?;
        }
    }
    Ok(FLAKES * 5)
}

fn lock(number: usize) -> String {
    let names: Vec<String> = (1..=12).map(|node| format!("n{node}")).collect();
    let nodes = names.iter().map(|name| {
        format!(
            "    \"{name}\": {{\n      \"locked\": {{\n        \"lastModified\": 1700000000,\n        \"narHash\": \
             \"sha256-{number:043}=\",\n        \"owner\": \"owner\",\n        \"repo\": \"{name}\",\n        \"rev\": \
             \"{number:040x}\",\n        \"type\": \"github\"\n      }},\n      \"original\": {{\n        \"owner\": \
             \"owner\",\n        \"repo\": \"{name}\",\n        \"type\": \"github\"\n      }}\n    }},\n"
        )
    });
    let inputs: Vec<_> = names.iter().map(|name| format!("        \"{name}\": \"{name}\"")).collect();
    format!(
        "{{\n  \"nodes\": {{\n{}    \"root\": {{\n      \"inputs\": {{\n{}\n      }}\n    }}\n  }},\n  \"root\": \
         \"root\",\n  \"version\": 7\n}}\n",
        nodes.collect::<String>(),
        inputs.join(",\n")
    )
}

#[expect(clippy::disallowed_methods, reason = "nothing of a bench needs to survive a power cut")]
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    fs::write(path, text)
}

/// One command many times, then once more to see its memory.
fn reads(home: &Path, db: &Path, words: &[&str], out: &mut impl Write) -> Outcome {
    let mut took = Vec::new();
    for _ in 0..RUNS {
        let mut command = program(home, db, words);
        let begun = Instant::now();
        let status = command.status()?;
        took.push(begun.elapsed());
        if !status.success() {
            return Err(format!("{words:?} ended with {status}").into());
        }
    }
    took.sort_unstable();
    let micros = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default().as_micros();
    let (_, memory) = watched(&mut program(home, db, words))?;
    let words = words.join(" ");
    writeln!(out, "  {words}: p50 {} µs, p95 {} µs, {} MiB", micros(50), micros(95), memory / 1024)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench starts the program itself")]
fn program(home: &Path, db: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.arg("--db").arg(db).args(words).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command
}

/// How long a command took, and the most memory in KiB that it had at any time.
fn watched(command: &mut Command) -> Result<(Duration, u64), Box<dyn Error>> {
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let mut most = 0;
    loop {
        most = most.max(memory(child.id()));
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok((begun.elapsed(), most)) } else { Err(format!("{status}").into()) };
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// The most memory in KiB that a process has had.
pub(crate) fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
