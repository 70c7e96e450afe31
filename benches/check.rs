//! Checking a whole tree: the processor time and the memory of the program against the linters and the formatter whose
//! work it does, on the same files in turn.
//!
//! `CHECK_TREE=DIR cargo bench --bench check` takes a tree of your own; else two thousand files are written. `statix`, `deadnix`
//! and `nixfmt` (the port in Rust or the original) take part when they are on `PATH`, and are named as missing when not.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cim-nix");
const FILES: usize = 2_000;
const RUNS: usize = 5;
/// Clock ticks in a second, as Linux counts processor time in `/proc`.
const TICKS: u64 = 100;

type Outcome = Result<(), Box<dyn Error>>;

/// One program on the tree.
struct Runner {
    name: &'static str,
    command: fn(&Path, &Path) -> Command,
}

const RUNNERS: &[Runner] = &[
    Runner { name: "cim-nix check, everything read", command: |home, tree| ours(home, tree, &["--no-cache"]) },
    Runner { name: "cim-nix check, nothing changed", command: |home, tree| ours(home, tree, &[]) },
    Runner { name: "statix", command: |_, tree| of("statix", &["check", "-u", "-o", "errfmt"], tree) },
    Runner { name: "deadnix", command: |_, tree| of("deadnix", &["-q"], tree) },
    Runner { name: "nixfmt-rs", command: |_, tree| of("nixfmt-rs", &["--check"], tree) },
];

fn main() -> Outcome {
    let folder = tempfile::tempdir_in("target")?;
    let (home, tree) = (folder.path().join("home"), std::env::var_os("CHECK_TREE").map(PathBuf::from));
    fs::create_dir(&home)?;
    let tree = match tree {
        Some(tree) => tree,
        None => plant(&folder.path().join("tree"))?,
    };
    // What changed just now is not remembered.
    std::thread::sleep(Duration::from_secs(3));
    let mut out = std::io::stdout().lock();
    for runner in RUNNERS {
        let mut took = Vec::new();
        for _ in 0..=RUNS {
            match run(&mut (runner.command)(&home, &tree)) {
                Ok(one) => took.push(one),
                Err(error) => {
                    writeln!(out, "{:<34} not measured: {error}", runner.name)?;
                    break;
                }
            }
        }
        // The first run warms the page cache, and writes what is remembered.
        let Some(measured) = took.get(1..).filter(|measured| !measured.is_empty()) else { continue };
        let mut cpu: Vec<_> = measured.iter().map(|one| one.cpu).collect();
        let mut wall: Vec<_> = measured.iter().map(|one| one.wall).collect();
        cpu.sort();
        wall.sort();
        let memory = measured.iter().map(|one| one.memory).max().unwrap_or_default() / 1024;
        let (cpu, wall) = (cpu[cpu.len() / 2], wall[wall.len() / 2]);
        writeln!(
            out,
            "{:<34} {:>7.3} s CPU  {:>7.3} s  {memory:>4} MiB",
            runner.name,
            cpu.as_secs_f64(),
            wall.as_secs_f64()
        )?;
    }
    Ok(())
}

/// What one run took.
struct Took {
    cpu: Duration,
    wall: Duration,
    /// KiB.
    memory: u64,
}

#[expect(clippy::disallowed_methods, reason = "a bench starts the programs itself")]
fn ours(home: &Path, tree: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .env_clear()
        .env("HOME", home)
        .args(["check", "--fail-on", "never", "--format", "plain"])
        .args(words)
        .arg(tree);
    command
}

#[expect(clippy::disallowed_methods, reason = "a bench starts the programs itself")]
fn of(program: &str, words: &[&str], tree: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(words).arg(tree);
    command
}

/// Exit codes say what was found, not whether it ran.
fn run(command: &mut Command) -> Result<Took, Box<dyn Error>> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (before, begun) = (children()?, Instant::now());
    let mut child = command.spawn()?;
    let mut memory = 0;
    while child.try_wait()?.is_none() {
        memory = memory.max(peak(child.id()));
        std::thread::sleep(Duration::from_micros(500));
    }
    Ok(Took { cpu: children()?.saturating_sub(before), wall: begun.elapsed(), memory })
}

/// The processor time of all children that have ended.
fn children() -> Result<Duration, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    Ok(Duration::from_millis((ticks(13) + ticks(14)) * 1000 / TICKS))
}

fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// Modules such as people write them, each a little different.
fn plant(tree: &Path) -> Result<PathBuf, Box<dyn Error>> {
    const MODULE: &str = include_str!("../tests/fixtures/lint/module.nix");
    for number in 0..FILES {
        let folder = tree.join(format!("group-{}", number / 50));
        fs::create_dir_all(&folder)?;
        let text = MODULE.replace("example", &format!("example{number}"));
        fs::File::create(folder.join(format!("module-{number}.nix")))?.write_all(text.as_bytes())?;
    }
    Ok(tree.to_owned())
}
