//! How fast events go from one ledger to another through a real server, how long one of them takes, and what a process
//! that does it needs of memory.
//!
//! `cargo bench --bench sync` has one machine catch up a million events; `SYNC_EVENTS` says another number. The server's
//! own ceiling is measured in the same run, so that a busy machine does not decide.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cim_domain_nix::app::Session;
use cim_domain_nix::app::clock::Clock;
use cim_domain_nix::app::ledger::{self, Who};
use cim_domain_nix::app::sync::engine::{self, Link, Outcome, Until};
use cim_domain_nix::app::sync::{Place, consent, status};
use cim_domain_nix::bus::envelope::{Envelope, Time, chain_text};
use cim_domain_nix::bus::{Bus, Layout, Outgoing, Target};
use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::flake::Facts;
use cim_domain_nix::domain::flake::event::{Discovered, FlakeEvent};
use cim_domain_nix::domain::id::{EventId, FlakeId};
use cim_domain_nix::domain::naming::Namespace;
use cim_domain_nix::domain::path::RecordedPath;
use cim_domain_nix::domain::stream::StreamId;
use cim_domain_nix::store::chain::{content, content_text};
use cim_domain_nix::store::{Append, Expected, LocalNote, NewEvent, StreamWrite};
use serde_json::value::RawValue;
use uuid::Uuid;

/// That of the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Done<T> = Result<T, Box<dyn Error>>;

const BULK: usize = 20_000;
/// That of the program.
const BATCH: usize = 500;
/// That of the measurement which the bar for the exchange is from.
const SMALL_BATCH: usize = 100;
const SINGLE: usize = 1_000;
const FLAKES: usize = 100;

fn main() -> Done<()> {
    let wanted: usize = std::env::var("SYNC_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir_in("target")?;
    let mut out = std::io::stdout().lock();
    let server = Server::start(&folder.path().join("one"))?;
    let [small, large] = [ceiling(&server, SMALL_BATCH)?, ceiling(&server, BATCH)?];
    writeln!(out, "ceiling       {small:>8.0} events/s: atomic batches of {SMALL_BATCH}, nothing but sent")?;
    writeln!(out, "ceiling       {large:>8.0} events/s: atomic batches of {BATCH}, nothing but sent")?;
    drop(server);
    let server = Server::start(&folder.path().join("two"))?;
    let both = exchange(&server, folder.path())?;
    writeln!(out, "both ways     {both:>8.0} events/s: {:.2} and {:.2} of the ceilings", both / small, both / large)?;
    let [committed, called] = latency(&server, folder.path())?.map(shown);
    writeln!(out, "commit here -> committed there at 100 events/s: {committed}; from the call that appends: {called}")?;
    drop(server);
    let server = Server::start(&folder.path().join("three"))?;
    catch_up(&server, folder.path(), wanted, &mut out)
}

/// What the server takes in batches of so many, one after the other, when nothing is read from it and no ledger is written:
/// messages as machines send them, to the streams that machines have.
fn ceiling(server: &Server, batch: usize) -> Done<f64> {
    let (place, origin) = (server.place(), format!("UCEILING{batch}"));
    let bus = Bus::connect(&place.target, "bench", Link::default())?;
    bus.set_up_ledger(&place.layout, false)?;
    bus.set_up_events(&place.layout, false)?;
    let exchange = bus.exchange(&place.layout, Clock::system().now())?;
    let batches = (0..BULK / batch).map(|round| {
        let messages = (0..batch).map(|index| message(&origin, batch, round * batch + index + 1));
        messages.collect::<Done<Vec<_>>>()
    });
    let batches = batches.collect::<Done<Vec<_>>>()?;
    let begun = Instant::now();
    let mut fence = 0;
    for messages in batches {
        fence = bus.publish(&exchange, &origin, messages, fence)?;
    }
    Ok(rate(BULK, begun.elapsed()))
}

/// A message like those that [`Machine::fill`] makes, with an id that those of batches of another size do not have.
fn message(origin: &str, batch: usize, number: usize) -> Done<Outgoing> {
    let payload = format!(r#"{{"from":null,"to":"change {number} of round 0"}}"#);
    let id = Uuid::from_u128((batch as u128) << 64 | number as u128);
    let envelope = Envelope {
        event_id: id,
        stream: format!("flake/{id}"),
        version: 1,
        kind: "flake.description_changed".to_owned(),
        schema_version: 1,
        occurred_at: Time(1_800_000_000_000_000),
        recorded_at: Time(1_800_000_000_000_000),
        correlation_id: id,
        causation_id: Some(id),
        actor: "bench@bench".to_owned(),
        origin: origin.to_owned(),
        origin_sequence: i64::try_from(number)?,
        origin_chain: chain_text(&[7; 32]),
        undoes: None,
        content_id: content_text(&content(&payload)),
        payload: RawValue::from_string(payload)?,
    };
    let subject = format!("nix.ledger.{origin}.{}", envelope.kind);
    Ok(Outgoing { subject, headers: envelope.headers(None), body: envelope.body()? })
}

/// Two machines with as many events each: until both have all of them.
fn exchange(server: &Server, folder: &Path) -> Done<f64> {
    let place = server.place();
    let machines =
        [Machine::new(&folder.join("a"), "ada", place.clone())?, Machine::new(&folder.join("b"), "bob", place)?];
    for machine in &machines {
        machine.fill(BULK)?;
    }
    let begun = Instant::now();
    running(&machines.each_ref(), || {
        for machine in &machines {
            machine.wait_for(2 * BULK)?;
        }
        Ok(rate(2 * BULK, begun.elapsed()))
    })
}

/// Does something while the engines of machines run, as they do in `serve`.
fn running<T>(machines: &[&Machine], work: impl FnOnce() -> Done<T>) -> Done<T> {
    let stop = AtomicBool::new(false);
    let links: Vec<_> = machines.iter().map(|_| Link::default()).collect();
    thread::scope(|scope| {
        for (machine, link) in machines.iter().zip(&links) {
            let stop = &stop;
            scope.spawn(move || {
                engine::run(&machine.session, &machine.place, link, Until::Stopped, stop)
                    .map_err(|error| error.to_string())
            });
        }
        let done = work();
        stop.store(true, Ordering::Relaxed);
        links.iter().for_each(Link::nudge);
        done
    })
}

/// From before the commit on one machine until the other's readers see it, a hundred times a second.
/// How long it takes until an event that is committed here is committed there, and from the call that appends it.
fn latency(server: &Server, folder: &Path) -> Done<[Vec<Duration>; 2]> {
    let ada = Machine::new(&folder.join("c"), "ada", server.place())?;
    let bob = Machine::new(&folder.join("d"), "bob", server.place())?;
    ada.fill(1)?;
    for machine in [&ada, &bob] {
        machine.synced()?;
    }
    running(&[&ada, &bob], || measure(&ada, &bob))
}

fn measure(ada: &Machine, bob: &Machine) -> Done<[Vec<Duration>; 2]> {
    let reader = bob.session.store.reader()?;
    for machine in [ada, bob] {
        while machine.report()?.remote.status.state != "live" {
            thread::sleep(Duration::from_millis(10));
        }
    }
    let mut took = [Vec::new(), Vec::new()];
    for number in 0..SINGLE {
        let (before, begun) = (reader.head()?, Instant::now());
        ada.change(0, 1, number)?;
        let own = begun.elapsed();
        while reader.head()? == before && begun.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_micros(50));
        }
        let there = begun.elapsed();
        for (took, lasted) in took.iter_mut().zip([there.saturating_sub(own), there]) {
            took.push(lasted);
        }
        thread::sleep(Duration::from_millis(10).saturating_sub(begun.elapsed()));
    }
    Ok(took)
}

fn shown(mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default().as_micros();
    format!("p50 {} µs, p99 {} µs", at(50), at(99))
}

/// A machine that joins late, as a process of its own.
fn catch_up(server: &Server, folder: &Path, wanted: usize, out: &mut impl Write) -> Done<()> {
    let ada = Machine::new(&folder.join("e"), "ada", server.place())?;
    ada.fill(wanted)?;
    let begun = Instant::now();
    ada.synced()?;
    writeln!(out, "sent          {:>8.0} events/s: {wanted} of one machine", rate(wanted, begun.elapsed()))?;
    let home = folder.join("f");
    fs::create_dir_all(&home)?;
    let program = |arguments: &[&str]| {
        let mut command = command(Path::new(env!("CARGO_BIN_EXE_cim-nix")));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", &home)
            .env("PATH", "/usr/bin:/bin")
            .env("NATS_URL", server.url());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    program(&["sync", "enable"]).status()?;
    let begun = Instant::now();
    let mut process = program(&["sync", "now"]).spawn()?;
    let mut highest = 0;
    while process.try_wait()?.is_none() {
        highest = memory(process.id(), "VmHWM").unwrap_or(highest);
        thread::sleep(Duration::from_millis(20));
    }
    let took = begun.elapsed();
    writeln!(out, "caught up     {:>8.0} events/s: {wanted}, at most {highest} MB", rate(wanted, took))?;
    let mut process = program(&["serve", "--listen", "off"]).spawn()?;
    thread::sleep(Duration::from_secs(5));
    writeln!(
        out,
        "serve         {} MB resident, connected and idle",
        memory(process.id(), "VmRSS").unwrap_or_default()
    )?;
    process.kill()?;
    process.wait()?;
    Ok(())
}

fn rate(events: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(events).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

/// A line of a process's status, in megabytes.
fn memory(process: u32, line: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let found = text.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(':'))?;
    Some(found.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1_024)
}

/// A ledger with one shared root.
struct Machine {
    session: Session,
    place: Place,
    root: PathBuf,
}

impl Machine {
    fn new(folder: &Path, name: &str, place: Place) -> Done<Self> {
        fs::create_dir_all(folder)?;
        let who = Who { host: name.to_owned(), user: name.to_owned() };
        let session = ledger::open(&folder.join("ledger.db"), who, Clock::system())?;
        let machine = Self { session, place, root: PathBuf::from(format!("/home/{name}")) };
        let root = LocalNote::RootAdded { path: machine.root.clone(), at: machine.session.clock.now() };
        machine.append(Vec::new(), vec![root])?;
        consent::enable(&machine.session, &consent::Which::All)?;
        Ok(machine)
    }

    fn directory(&self, number: usize) -> PathBuf {
        self.root.join(format!("flake-{number}"))
    }

    fn flake(&self, number: usize) -> FlakeId {
        Namespace::of(&self.session.store.origin().public_key).flake(&self.directory(number), |_| false)
    }

    fn fill(&self, events: usize) -> Done<()> {
        let flakes = FLAKES.min(events);
        for number in 0..flakes {
            let directory = RecordedPath::new(&self.directory(number));
            let facts = Facts { description: Some(format!("flake {number}")), ..Facts::default() };
            let found = Discovered { directory, lineage: None, extractor: 1, facts };
            self.record(number, vec![FlakeEvent::Discovered(Box::new(found))])?;
        }
        consent::follow(&self.session)?;
        let mut left = events - flakes;
        for round in 0.. {
            let count = left.min(BATCH);
            if count == 0 {
                break;
            }
            self.change(round % FLAKES, count, round)?;
            left -= count;
        }
        Ok(())
    }

    fn change(&self, flake: usize, count: usize, round: usize) -> Done<()> {
        let change =
            |n| FlakeEvent::DescriptionChanged { from: None, to: Some(format!("change {n} of round {round}")) };
        self.record(flake, (0..count).map(change).collect())
    }

    fn record(&self, flake: usize, events: Vec<FlakeEvent>) -> Done<()> {
        let event = |event| NewEvent {
            id: EventId::new(self.session.clock.new_id()),
            occurred_at: self.session.clock.now(),
            event: Event::Flake(event),
            undoes: None,
        };
        let events = events.into_iter().map(event).collect();
        let stream = StreamId::flake(self.flake(flake));
        self.append(vec![StreamWrite { stream, expected: Expected::Any, events }], Vec::new())
    }

    fn append(&self, writes: Vec<StreamWrite>, notes: Vec<LocalNote>) -> Done<()> {
        let command = self.session.command("bench");
        self.session.store.append(Append { command, received_at: self.session.clock.now(), writes, notes })?;
        Ok(())
    }

    fn report(&self) -> Done<status::Report> {
        Ok(status::report(&self.session.store.reader()?, self.session.clock.now())?)
    }

    fn synced(&self) -> Done<Outcome> {
        let outcome =
            engine::run(&self.session, &self.place, &Link::default(), Until::Synced, &AtomicBool::new(false))?;
        if outcome.synced { Ok(outcome) } else { Err(format!("{outcome:?}").into()) }
    }

    /// Until so many shared events are here, wherever they are from, and all of its own are there.
    fn wait_for(&self, events: usize) -> Done<()> {
        let reader = self.session.store.reader()?;
        loop {
            let here: i64 = reader.shared_heads()?.iter().map(|head| head.seq).sum();
            if usize::try_from(here)? >= events && self.report()?.backlog == 0 {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A server of its own, killed when dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(folder: &Path) -> Done<Self> {
        fs::create_dir_all(folder)?;
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let parts = std::env::var_os("CIM_NIX_PARTS").map_or_else(|| PathBuf::from(".parts"), PathBuf::from);
        let mut started = command(&parts.join("nats/bin/nats-server"));
        started.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(folder);
        let process = started.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self { process, port };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(300));
        Ok(server)
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn place(&self) -> Place {
        Place { target: Target { servers: vec![self.url()], ..Target::default() }, layout: Layout::default() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "the bench runs the real programs")]
fn command(program: &Path) -> Command {
    Command::new(program)
}
