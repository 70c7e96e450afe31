//! How fast the read model is built from the log, projection by projection, how long a writer waits meanwhile, and how
//! long the queries behind the faces take on the result.
//!
//! `cargo bench --bench rebuild` writes a ledger of a million events first; `REBUILD_EVENTS` says another number.

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cim_domain_nix::store::projection::PROJECTIONS;
use cim_domain_nix::store::verify::verify_log;
use cim_domain_nix::store::view::{self, At, EventFilter, HistoryFilter, Page};
use cim_domain_nix::store::{Access, Store, Who};
use single::Edits;
use years::{BEGIN, fill, flake_id};

#[path = "ledger/single.rs"]
mod single;

#[path = "ledger/years.rs"]
mod years;

/// That of the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const BATCH: usize = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: u64 = std::env::var("REBUILD_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir_in("target")?;
    let path = folder.path().join("ledger.db");
    let who = Who { host: "bench".into(), user: "bench".into() };
    let store = Store::open(&path, Access::ReadWrite, &who, BEGIN)?;
    let mut out = std::io::stdout().lock();

    let filled = fill(&store, wanted, BATCH)?;
    let events = view::head(&*store.reader()?)?;
    writeln!(out, "{events} events appended with projections: {}", rate(events, filled))?;
    let (begun, cpu) = (Instant::now(), cpu_of_thread());
    let checks = verify_log(&path)?.map(|check| check.detail);
    let cpu = cpu_of_thread().saturating_sub(cpu).as_millis();
    writeln!(out, "verify  {}, {cpu} ms CPU, {}", rate(events, begun.elapsed()), checks.join(", "))?;
    for projection in PROJECTIONS {
        let ((built, cpu), stalls) = while_writing(&store, folder.path(), || {
            let cpu = cpu_of_thread();
            let built = store.rebuild(Some(projection.name()), &AtomicBool::new(false), &mut |_| {});
            (built, cpu_of_thread().saturating_sub(cpu))
        });
        for built in built? {
            let (chunks, longest, rate) = (built.chunks, built.longest.as_millis(), rate(events, built.took));
            let cpu = cpu.as_millis();
            writeln!(
                out,
                "rebuild {:14} {rate}, {cpu} ms CPU with sweeping, {chunks} chunks, longest {longest} ms; {stalls}",
                built.name
            )?;
        }
    }
    read(&store, &mut out)
}

/// Does something while another thread appends an event every five milliseconds; how long those took, and how long a page
/// that is written and synced beside the ledger took at most: what the disk alone makes everybody wait.
fn while_writing<T>(store: &Store, folder: &Path, work: impl FnOnce() -> T) -> (T, String) {
    static CALLERS: AtomicU64 = AtomicU64::new(0);
    let ended = AtomicBool::new(false);
    let mut edits = Edits::of(CALLERS.fetch_add(1, Ordering::Relaxed));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut took = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let append = edits.next();
                let begun = Instant::now();
                if store.append(append).is_ok() && edits.settled() {
                    took.push(begun.elapsed());
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            took
        });
        let disk = scope.spawn(|| longest_sync(&folder.join("raw"), &ended).unwrap_or_default());
        let done = work();
        ended.store(true, Ordering::Relaxed);
        let disk = disk.join().unwrap_or_default().as_millis();
        let mut took = writer.join().unwrap_or_default();
        took.sort_unstable();
        let at = |part: usize| took.get(took.len().saturating_sub(1) * part / 1000).copied().unwrap_or_default();
        let [half, most, longest] = [500, 990, 1000].map(|part| at(part).as_micros());
        let appends = took.len();
        let appends = format!("{appends} appends meanwhile: p50 {half} µs, p99 {most} µs, longest {longest} µs");
        (done, format!("{appends}; longest raw sync {disk} ms"))
    })
}

fn longest_sync(path: &Path, ended: &AtomicBool) -> std::io::Result<Duration> {
    let raw = File::create(path)?;
    let mut longest = Duration::ZERO;
    while !ended.load(Ordering::Relaxed) {
        let begun = Instant::now();
        raw.write_all_at(&[7; 4_096], 0)?;
        raw.sync_data()?;
        longest = longest.max(begun.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(longest)
}

/// How long this thread has had a processor: what is left of a time when others wanted it as well.
fn cpu_of_thread() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}

fn rate(events: i64, took: Duration) -> String {
    let millis = i64::try_from(took.as_millis()).unwrap_or(i64::MAX).max(1);
    format!("{} ms, {} events/s", millis, events * 1000 / millis)
}

/// The queries behind the faces, each once.
fn read(store: &Store, out: &mut impl std::io::Write) -> Result<(), Box<dyn Error>> {
    let reader = store.reader()?;
    let mut clock = Instant::now();
    let mut lap = |what: &str, rows: usize, out: &mut dyn std::io::Write| {
        let took = clock.elapsed().as_micros();
        let written = writeln!(out, "read    {what:22} {took} µs, {rows} rows");
        clock = Instant::now();
        written
    };
    let flake = flake_id(7);
    lap("flakes", view::flakes(&reader, view::Whose::Own, At::Now)?.len(), out)?;
    lap(
        "flakes at half-way",
        view::flakes(&reader, view::Whose::Own, At::Position(view::head(&reader)? / 2))?.len(),
        out,
    )?;
    lap("inputs", view::inputs(&reader, flake, At::Now)?.len(), out)?;
    lap("lock_nodes", view::lock_nodes(&reader, flake, At::Now)?.len(), out)?;
    lap("history", view::history(&reader, Some(flake), &HistoryFilter::default(), At::Now)?.len(), out)?;
    lap("duplicates", view::duplicates(&reader, None, At::Now)?.len(), out)?;
    lap("problems", view::problems(&reader, view::Whose::All, At::Now)?.len(), out)?;
    let all = EventFilter::default();
    lap("events, newest page", view::events(&reader, &all, Page::Newest, 200, At::Now)?.len(), out)?;
    let updated = EventFilter { kind: Some("flake.updated".into()), ..all };
    lap("events of a type", view::events(&reader, &updated, Page::Newest, 200, At::Now)?.len(), out)?;
    let counts = view::counts(&reader, At::Now)?;
    lap("counts", usize::try_from(counts.flakes)?, out)?;
    lap(
        "diff of two moments",
        view::diff(&reader, At::Position(counts.events.cast_signed() - 500), At::Now, None)?.len(),
        out,
    )?;
    Ok(())
}
