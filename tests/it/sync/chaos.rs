//! Two machines that exchange events while everything around them dies at random, from a seed that is printed.
//!
//! Whatever happened: nothing is lost, nothing is there twice, and both come to the same state.

use std::io::Write;
use std::time::{Duration, Instant};

use cim_domain_nix::app::sync::{Place, verify};
use cim_domain_nix::bus::Layout;

use super::machine::{Machine, target};
use super::processes::{Serving, assert_clean};
use crate::nats::Server;
use crate::proxy::{Line, Proxy};

/// How long it goes on, unless `CIM_NIX_CHAOS_SECONDS` says otherwise.
const SECONDS: u64 = 60;

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A machine with its process, and its line to the server.
struct Side {
    machine: Machine,
    proxy: Proxy,
    serving: Option<Serving>,
    flakes: u128,
    recorded: usize,
}

impl Side {
    fn new(name: &str, server: &Server) -> Self {
        let place = Place { target: target(&server.url()), layout: Layout::default() };
        Self {
            machine: Machine::at(name, &place),
            proxy: Proxy::to(server.port()),
            serving: None,
            flakes: 0,
            recorded: 0,
        }
    }

    fn record(&mut self, dice: &mut Dice) {
        if self.flakes == 0 || dice.below(8) == 0 {
            self.flakes += 1;
            self.machine.discover(self.flakes);
            self.recorded += 1;
        }
        // A hundred thousand events in a minute.
        let count = usize::try_from(1 + dice.below(1_000)).unwrap();
        self.machine.change(1 + u128::from(dice.below(u64::try_from(self.flakes).unwrap())), count);
        self.recorded += count;
    }

    fn kill_or_start(&mut self) {
        match self.serving.take() {
            Some(mut serving) => serving.kill(),
            None => self.serving = Some(Serving::start(&self.machine, &self.proxy.url())),
        }
    }
}

/// Past the test harness, which would keep it to itself.
fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "\n{line}").unwrap();
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_dies_nothing_is_lost_and_nothing_is_there_twice() {
    let clock = u64::from(std::process::id()) ^ u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    let seed = number("CIM_NIX_CHAOS_SEED").unwrap_or(clock).max(1);
    let seconds = number("CIM_NIX_CHAOS_SECONDS").unwrap_or(SECONDS);
    say(&format!("chaos: seed {seed}, {seconds} s"));
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut server = Server::start();
    let mut sides = [Side::new("ada", &server), Side::new("bob", &server)];
    let mut done = [0_u64; 6];
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) {
        let which = usize::try_from(dice.below(2)).unwrap();
        let side = &mut sides[which];
        let kind = match dice.below(40) {
            0..=23 => {
                side.record(&mut dice);
                0
            }
            24..=29 => {
                side.kill_or_start();
                1
            }
            30..=32 => {
                server.down();
                std::thread::sleep(Duration::from_millis(dice.below(300)));
                server.up();
                2
            }
            33 => {
                server.down();
                server.lose_disk();
                server.up();
                3
            }
            34..=36 => {
                side.proxy
                    .set([Line::Cut, Line::Deaf, Line::Slow, Line::HalfOpen][usize::try_from(dice.below(4)).unwrap()]);
                4
            }
            _ => {
                side.proxy.set(Line::Cut);
                side.proxy.set(Line::Good);
                5
            }
        };
        done[kind] += 1;
        std::thread::sleep(Duration::from_millis(dice.below(250)));
    }
    let recorded = sides.iter().map(|side| side.recorded).sum::<usize>();
    say(&format!(
        "chaos: {recorded} events; recorded, killed or started, server killed, disk lost, line worse, better: {done:?}"
    ));
    settle(&mut sides, recorded, seed);
}

/// All is well again: both come to the same, and the server as well.
fn settle(sides: &mut [Side; 2], recorded: usize, seed: u64) {
    for side in sides.iter_mut() {
        side.serving.take();
        side.machine.until("a free lease", |report| report.holder.is_none());
    }
    for side in [0, 1, 0] {
        sides[side].machine.synced();
    }
    let [ada, bob] = [&sides[0].machine, &sides[1].machine];
    assert_eq!(ada.shared().len(), recorded, "seed {seed}: something is lost");
    assert_eq!(ada.shared(), bob.shared(), "seed {seed}");
    assert_eq!(ada.state_hash(), bob.state_hash(), "seed {seed}");
    for machine in [ada, bob] {
        let gaps = "SELECT count(*) FROM (SELECT origin FROM outbox GROUP BY origin HAVING max(seq) <> count(*))";
        assert_eq!(machine.count(gaps), 0, "seed {seed}: an origin has a gap");
        let compared = verify::verify(&machine.session, &machine.place).unwrap();
        let same = compared.iter().map(|it| it.same).sum::<u64>();
        assert_eq!(same, recorded as u64, "seed {seed}: the server has something twice, or not: {compared:?}");
        assert!(compared.iter().all(verify::Compared::is_good), "seed {seed}: {compared:?}");
        assert_clean(machine);
    }
}
