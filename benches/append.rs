//! How long a durable append takes, with the read model: alone, against the disk's own price; with two other processes;
//! from 64 callers at once; a thousand at a time, against bare SQLite and `UmaDB`; and beside two other event stores on
//! SQLite.
//!
//! Those are packages of their own that are built beforehand:
//! `cargo build --release --locked --manifest-path benches/peer/Cargo.toml --target-dir target/peer`, and the same of
//! `benches/peer-es/Cargo.toml` and `benches/peer-uma/Cargo.toml`.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cim_domain_nix::store::{Access, Store, Who};
use single::Edits;

#[path = "ledger/bare.rs"]
mod bare;

#[path = "ledger/single.rs"]
mod single;

#[path = "ledger/years.rs"]
mod years;

const ALONE: usize = 2_000;
const ROUNDS: usize = 3;
const CALLERS: usize = 64;
const BATCH: usize = 1_000;
const BATCHED: u64 = 40_000;
/// About the size of the payloads that [`Edits`] makes.
const PAYLOAD: usize = 100;

/// That of the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    if let [word, path, caller] = words.as_slice()
        && word == "writer"
    {
        return be_a_writer(Path::new(path), caller.parse()?, &mut out);
    }
    let folder = tempfile::tempdir_in("target")?;
    for round in 1..=ROUNDS {
        alone(&folder.path().join(format!("alone-{round}")), &mut out)?;
    }
    processes(&folder.path().join("processes"), &mut out)?;
    let single = callers(&folder.path().join("one"), 1, ALONE, &mut out)?;
    let many = callers(&folder.path().join("many"), CALLERS, 200, &mut out)?;
    writeln!(out, "64 callers do {:.1} times what one does", many / single)?;
    for round in 1..=ROUNDS {
        batches(&folder.path().join(format!("batches-{round}")), &mut out)?;
    }
    peers(folder.path(), &mut out)
}

fn open(path: &Path) -> Result<Store, Box<dyn Error>> {
    let who = Who { host: "bench".into(), user: "bench".into() };
    Ok(Store::open(path, Access::ReadWrite, &who, years::BEGIN)?)
}

/// Appends until every command has one event.
fn settled(store: &Store, caller: u64) -> Result<Edits, Box<dyn Error>> {
    let mut edits = Edits::of(caller);
    while !edits.settled() {
        store.append(edits.next())?;
    }
    Ok(edits)
}

/// One event after the other, each beside a raw append of 16 KiB that is made durable, so that both see the same disk.
fn alone(path: &Path, out: &mut impl Write) -> Outcome {
    let store = open(path)?;
    let mut edits = settled(&store, 0)?;
    let raw = std::fs::File::create(path.with_extension("raw"))?;
    let (mut ours, mut disk) = (Vec::new(), Vec::new());
    for turn in 0..ALONE as u64 {
        let begun = Instant::now();
        raw.write_all_at(&[7; 16 * 1024], turn * 16 * 1024)?;
        raw.sync_data()?;
        disk.push(begun.elapsed());
        let append = edits.next();
        let begun = Instant::now();
        store.append(append)?;
        ours.push(begun.elapsed());
    }
    let ratio = at(&mut ours, 50).as_secs_f64() / at(&mut disk, 50).as_secs_f64();
    writeln!(
        out,
        "alone: {}; raw append + fdatasync: {}; ratio of medians {ratio:.2}",
        shown(&mut ours),
        shown(&mut disk)
    )?;
    Ok(())
}

/// Three processes, each one event after the other.
fn processes(path: &Path, out: &mut impl Write) -> Outcome {
    drop(open(path)?);
    let program = std::env::current_exe()?;
    let children = (1..=3)
        .map(|caller| start(&program).arg("writer").arg(path).arg(caller.to_string()).stdout(Stdio::piped()).spawn());
    let children = children.collect::<Result<Vec<_>, _>>()?;
    let mut took = Vec::new();
    for mut child in children {
        let pipe = child.stdout.take().ok_or("a writer without output")?;
        for line in BufReader::new(pipe).lines() {
            took.push(Duration::from_nanos(line?.parse()?));
        }
        if !child.wait()?.success() {
            return Err("a writer has failed".into());
        }
    }
    writeln!(out, "three processes: {}", shown(&mut took))?;
    Ok(())
}

fn be_a_writer(path: &Path, caller: u64, out: &mut impl Write) -> Outcome {
    let store = open(path)?;
    let mut edits = settled(&store, caller)?;
    for _ in 0..ALONE {
        let append = edits.next();
        let begun = Instant::now();
        store.append(append)?;
        writeln!(out, "{}", begun.elapsed().as_nanos())?;
    }
    Ok(())
}

/// Callers on threads of their own, one event each call; events per second.
fn callers(path: &Path, callers: usize, calls: usize, out: &mut impl Write) -> Result<f64, Box<dyn Error>> {
    let store = open(path)?;
    let edits = (0..callers as u64).map(|caller| settled(&store, caller)).collect::<Result<Vec<_>, _>>()?;
    let begun = Instant::now();
    let mut took = std::thread::scope(|scope| {
        let threads: Vec<_> = edits.into_iter().map(|edits| scope.spawn(|| call(&store, edits, calls))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    if took.len() != callers * calls {
        return Err("a caller was refused".into());
    }
    let rate = f64::from(u32::try_from(took.len())?) / begun.elapsed().as_secs_f64();
    writeln!(out, "{callers} callers: {rate:.0} events/s, {}", shown(&mut took))?;
    Ok(rate)
}

fn call(store: &Store, mut edits: Edits, calls: usize) -> Vec<Duration> {
    let timed = |_| {
        let append = edits.next();
        let begun = Instant::now();
        store.append(append).ok().map(|_| begun.elapsed())
    };
    (0..calls).map_while(timed).collect()
}

/// A thousand events in a transaction, then the same rows in the same transactions by bare SQLite.
fn batches(path: &Path, out: &mut impl Write) -> Outcome {
    let store = open(path)?;
    let ours = years::fill(&store, BATCHED, BATCH)?.as_secs_f64();
    let events = store.reader()?.head()?;
    drop(store);
    let transactions = usize::try_from(events)? / BATCH;
    let (rows, bare) = bare::write_again(path, &path.with_extension("bare"), transactions)?;
    let count = f64::from(u32::try_from(events)?);
    let rate = |took: f64| count / took;
    writeln!(
        out,
        "{BATCH} a transaction: {:.0} events/s; bare SQLite, the same {rows} rows: {:.0} events/s; ratio {:.2}",
        rate(ours),
        rate(bare.as_secs_f64()),
        bare.as_secs_f64() / ours
    )?;
    let payload = bare::payload(path)?;
    let uma = run_peer(&peer("peer-uma")?, &path.with_extension("uma"), [usize::try_from(BATCHED)?, BATCH, payload])?;
    let ratio = rate(ours) / uma;
    writeln!(out, "{BATCH} a transaction, {payload} bytes each: UmaDB {uma:.0} events/s; ratio {ratio:.2}")?;
    Ok(())
}

/// The other stores: they do not wait for the disk, so all run where the disk costs nothing, and where they would.
fn peers(folder: &Path, out: &mut impl Write) -> Outcome {
    let (program, other) = (peer("peer")?, peer("peer-es")?);
    let memory = tempfile::tempdir_in("/dev/shm")?;
    for (place, folder) in [("memory", memory.path()), ("disk", folder)] {
        for (number, (callers, calls)) in [(1, 4000), (CALLERS, 200)].into_iter().enumerate() {
            let ours = self::callers(&folder.join(format!("ours-{number}")), callers, calls, out)?;
            let events = callers * calls;
            let alone = run_peer(&program, &folder.join(format!("peer-{number}")), [events, callers, 1, PAYLOAD, 0])?;
            writeln!(out, "{place}, {callers} callers: eventsdb {alone:.0} events/s; ratio {:.2}", ours / alone)?;
            if callers == 1 {
                let rate = run_peer(&other, &folder.join("peer-es"), [events, 1, PAYLOAD])?;
                writeln!(out, "{place}, without a read model: sqlite-es {rate:.0} events/s; ratio {:.2}", ours / rate)?;
                let model = run_peer(&program, &folder.join("peer-model"), [events, 1, 1, PAYLOAD, 1])?;
                writeln!(out, "{place}, with a read model: eventsdb {model:.0} events/s; ratio {:.2}", ours / model)?;
            }
        }
    }
    Ok(())
}

fn peer(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = std::env::var_os("BENCH_PEERS").unwrap_or_else(|| "target/peer/release".into());
    let program = PathBuf::from(folder).join(name);
    if program.exists() {
        return Ok(program);
    }
    let build =
        format!("cargo build --release --locked --manifest-path benches/{name}/Cargo.toml --target-dir target/peer");
    Err(format!("{} is not there; build it: {build}", program.display()).into())
}

fn run_peer<const N: usize>(program: &Path, file: &Path, numbers: [usize; N]) -> Result<f64, Box<dyn Error>> {
    let output = start(program).arg(file).args(numbers.map(|number| number.to_string())).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // One of them says how it opened its file before.
    let told = text.lines().next_back().and_then(|line| line.split_whitespace().next());
    let rate = told.ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(rate.parse()?)
}

#[expect(clippy::disallowed_methods, reason = "a bench starts its peers itself")]
fn start(program: &Path) -> Command {
    Command::new(program)
}

fn at(took: &mut [Duration], part: usize) -> Duration {
    took.sort_unstable();
    took.get(took.len() * part / 100).copied().unwrap_or_default()
}

fn shown(took: &mut [Duration]) -> String {
    format!("p50 {} µs, p99 {} µs", at(took, 50).as_micros(), at(took, 99).as_micros())
}
