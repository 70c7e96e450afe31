//! The order of what happened on several machines: by time, by origin, by its place in what the origin has shared.

use cim_domain_nix::store::view::{self, At, HistoryFilter};

use super::machine::Machine;
use crate::nats::Server;

const NOON: i64 = 1_790_000_000_000_000;

/// Time, origin, place and commit of every change of an input, the latest first.
fn told(machine: &Machine) -> Vec<(i64, String, i64, String)> {
    let reader = machine.session.store.reader().unwrap();
    let rows = view::history(&reader, None, &HistoryFilter::default(), At::Now).unwrap();
    let place = |position: i64| {
        let sql = "SELECT o.public_key, b.seq FROM outbox b JOIN origins o ON o.id = b.origin WHERE b.position = ?1";
        reader.query_row(sql, [position], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    rows.into_iter()
        .map(|row| {
            let (origin, seq): (String, i64) = place(row.position);
            (row.occurred_at, origin, seq, row.commit.unwrap_or_default())
        })
        .collect()
}

#[test]
fn what_happened_on_several_machines_has_one_order_on_all_of_them() {
    let server = Server::start();
    let machines = ["ada", "bob", "carol"].map(|name| Machine::new(name, &server));
    // Recorded in one order, happened in another, and much of it at the same moment.
    for (index, machine) in machines.iter().enumerate() {
        machine.discover(1);
        for (number, minute) in [3, 1, 1, 2].into_iter().enumerate() {
            machine.commit(1, &format!("{index}{number}"), NOON + minute * 60_000_000);
        }
    }
    // Each learns of the others in an order of its own.
    for index in [2, 0, 1, 2, 0] {
        machines[index].synced();
    }
    let [first, rest @ ..] = &machines;
    let order = told(first);
    assert_eq!(order.len(), 12);
    let mut sorted = order.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!(order, sorted, "by time, origin and place");
    for machine in rest {
        assert_eq!(told(machine), order);
    }
}
