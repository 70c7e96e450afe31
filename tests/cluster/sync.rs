//! Two machines exchange events, one at the cluster and one at the leaf, while servers are killed and the leaf is cut off.
//!
//! Whatever happened: nothing is lost, nothing is there twice, and both come to the same state.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test makes its own world")]

use std::io::Write;
use std::time::{Duration, Instant};

use cim_domain_nix::app::ledger::Who;
use cim_domain_nix::app::sync::{Place, setup, verify};
use cim_domain_nix::bus::Layout;

use crate::proxy::Line;
use crate::servers::Cluster;

#[path = "../it/sync/machine.rs"]
mod machine;

use machine::{Machine, target};

/// How long one kill, or one cut, lasts; the leaf is cut for three of them.
const PHASE: Duration = Duration::from_secs(4);

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "cluster: {line}").expect("stdout");
}

/// Makes the streams as soon as the cluster has found its leader.
fn set_up(place: &Place, cluster: &Cluster) {
    let who = Who { host: "admin".to_owned(), user: "admin".to_owned() };
    let begun = Instant::now();
    while let Err(error) = setup::set_up(&who, place, true, false) {
        assert!(begun.elapsed() < Duration::from_mins(1), "{error}\n{}", cluster.said());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Records for a while on both machines; how many events.
fn record(machines: &[Machine; 2], flakes: &mut u128, longest: Duration) -> usize {
    let (begun, mut recorded) = (Instant::now(), 0);
    while begun.elapsed() < longest {
        *flakes += 1;
        for machine in machines {
            machine.discover(*flakes);
            machine.change(*flakes, 9);
            recorded += 10;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    recorded
}

#[test]
fn a_cluster_that_loses_servers_and_a_leaf_that_is_cut_off_lose_nothing() {
    let Some(seconds) = std::env::var("CIM_NIX_CLUSTER_SECONDS").ok().and_then(|text| text.parse::<u64>().ok()) else {
        panic!("run scripts/cluster: it says how long this goes on");
    };
    let mut cluster = Cluster::start();
    let layout = Layout { replicas: 3, ..Layout::default() };
    let at = |urls: &str| Place { target: target(urls), layout: layout.clone() };
    let (inside, leaf) = (at(&cluster.urls()), at(&cluster.leaf.url()));
    set_up(&inside, &cluster);
    let machines = [Machine::at("ada", &inside), Machine::at("bob", &leaf)];
    let running = machines.each_ref().map(Machine::start);
    for machine in &machines {
        machine.until("live", |report| report.remote.status.state == "live");
    }
    let (begun, mut flakes, mut recorded, mut killed, mut cut) = (Instant::now(), 0, 0, 0, 0);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let node = killed % cluster.nodes.len();
        cluster.nodes[node].kill();
        killed += 1;
        recorded += record(&machines, &mut flakes, PHASE);
        cluster.nodes[node].up();
        recorded += record(&machines, &mut flakes, PHASE);
        if killed % 3 == 1 {
            cluster.set_leaf(Line::Cut);
            cut += 1;
            recorded += record(&machines, &mut flakes, PHASE * 3);
            let behind = machines[1].status().backlog;
            assert!(behind > 0, "the leaf was not cut off");
            cluster.set_leaf(Line::Good);
        }
    }
    say(&format!("{recorded} events; a server was killed {killed} times, the leaf cut off {cut} times"));
    let settled = Instant::now();
    while machines.iter().any(|machine| machine.shared().len() < recorded || machine.status().backlog > 0) {
        let counts = machines.each_ref().map(|machine| (machine.shared().len(), machine.status().backlog));
        assert!(settled.elapsed() < Duration::from_mins(2), "{counts:?} of {recorded}\n{}", cluster.said());
        std::thread::sleep(Duration::from_millis(100));
    }
    say(&format!("in step {:.1} s after the last", settled.elapsed().as_secs_f32()));
    for engine in running {
        engine.stop();
    }
    let [ada, bob] = &machines;
    assert_eq!((ada.shared().len(), ada.shared()), (recorded, bob.shared()));
    assert_eq!(ada.state_hash(), bob.state_hash());
    for machine in &machines {
        let compared = verify::verify(&machine.session, &machine.place).expect("both can be compared");
        let same: u64 = compared.iter().map(|it| it.same).sum();
        assert_eq!(same, recorded as u64, "the exchange has something twice, or not: {compared:?}");
        assert!(compared.iter().all(|it| it.different.is_empty() && it.unreadable == 0), "{compared:?}");
    }
    assert_eq!(crate::contract::assert_exchange(&cluster.nodes[0].url()), Some(recorded));
    say(&format!("nothing lost, nothing twice; both come to the state {}", &ada.state_hash()[..16]));
}
