//! The same work as in the bench `append`, done by UmaDB in this process: `peer-uma FILE EVENTS BATCH PAYLOAD`.
//!
//! Prints events per second. Every batch is durable when its call returns. PAYLOAD is the number of bytes of an event; each
//! has two tags, by which it is found, as it would be here by its stream and its type. There is no read model.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use umadb_core::db::UmaDb;
use umadb_core::mvcc::{Mvcc, StorageOptions};
use umadb_dcb::{DcbEvent, DcbEventStoreSync as _};

const STREAMS: usize = 200;

fn event(number: usize, bytes: usize) -> DcbEvent {
    let tags = [format!("flake/{:032x}", number % STREAMS), "flake.input_changed".to_owned()];
    DcbEvent::new().event_type("flake.input_changed").tags(tags).data(vec![b'x'; bytes])
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let path = words.next().ok_or("peer-uma FILE EVENTS BATCH PAYLOAD")?;
    let numbers = words.map(|word| word.parse()).collect::<Result<Vec<usize>, _>>()?;
    let [events, batch, payload] = numbers[..] else { return Err("three numbers are needed".into()) };
    let store = UmaDb::from_arc(Arc::new(Mvcc::new(false, StorageOptions::default().db_path(path))?));
    let mut took = Duration::ZERO;
    for first in (0..events).step_by(batch) {
        let events = (first..first + batch).map(|number| event(number, payload)).collect();
        let begun = Instant::now();
        store.append(events, None, None)?;
        took += begun.elapsed();
    }
    println!("{:.0}", events as f64 / took.as_secs_f64());
    Ok(())
}
