//! The same work as in the bench `append`, done by eventsdb-sqlite: `peer FILE EVENTS CALLERS BATCH PAYLOAD MODEL`.
//!
//! Prints events per second, and the median and 99th percentile of one call in microseconds. PAYLOAD is the number of
//! bytes of an event; with MODEL = 1 a read model of one row a stream is kept and up to date when a call returns.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use eventsdb_core::EventStore as _;
use eventsdb_core::error::Error as EventsdbError;
use eventsdb_core::position::Recorded;
use eventsdb_sqlite::{Projection, SqliteEventLog, Transaction};
use serde_json::{Map, Value, json};

const STREAMS: usize = 200;

struct Heads;

impl Projection for Heads {
    fn name(&self) -> &'static str {
        "heads"
    }

    fn init(&mut self, tx: &Transaction<'_>) -> Result<(), EventsdbError> {
        run(
            tx,
            "CREATE TABLE IF NOT EXISTS heads (stream TEXT PRIMARY KEY, events INTEGER, last TEXT) WITHOUT ROWID",
            [],
        )
    }

    fn reset(&mut self, tx: &Transaction<'_>) -> Result<(), EventsdbError> {
        run(tx, "DELETE FROM heads", [])
    }

    fn apply(&mut self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), EventsdbError> {
        let last = event.event.get("data").map(Value::to_string);
        let sql = "INSERT INTO heads VALUES (?1, 1, ?2) ON CONFLICT (stream) DO UPDATE SET events = events + 1, \
                   last = excluded.last";
        run(tx, sql, rusqlite::params![event.stream, last])
    }
}

fn run(tx: &Transaction<'_>, sql: &str, values: impl rusqlite::Params) -> Result<(), EventsdbError> {
    let done = tx.prepare_cached(sql).and_then(|mut statement| statement.execute(values));
    done.map(drop).map_err(|error| EventsdbError::storage(error.to_string()))
}

fn event(number: usize, bytes: usize) -> Map<String, Value> {
    let event = json!({ "kind": "flake.input_changed", "data": { "n": number, "text": "x".repeat(bytes) } });
    event.as_object().cloned().unwrap_or_default()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let path = words.next().ok_or("peer FILE EVENTS CALLERS BATCH PAYLOAD MODEL")?;
    let numbers = words.map(|word| word.parse()).collect::<Result<Vec<usize>, _>>()?;
    let [events, callers, batch, payload, model] = numbers[..] else { return Err("five numbers are needed".into()) };
    let log = Arc::new(SqliteEventLog::open(&path).await?);
    let begun = Instant::now();
    let mut took = Vec::new();
    if model == 1 {
        let mut runner = log.runner(Heads)?;
        runner.init().await?;
        for number in 0..events {
            let call = Instant::now();
            let mut stream = log.stream_handle(&format!("flake/{:032x}", number % STREAMS));
            stream.append(event(number, payload)).await?;
            runner.catch_up().await?;
            took.push(call.elapsed().as_micros());
        }
    } else {
        let mut tasks = Vec::new();
        for caller in 0..callers {
            let log = Arc::clone(&log);
            tasks.push(tokio::spawn(async move {
                let mut took = Vec::new();
                let calls = events / callers / batch;
                for call in 0..calls {
                    let mut stream = log.stream_handle(&format!("flake/{:032x}", (caller * calls + call) % STREAMS));
                    let begun = Instant::now();
                    if batch == 1 {
                        stream.append(event(call, payload)).await?;
                    } else {
                        stream.append_many((0..batch).map(|number| event(number, payload)).collect()).await?;
                    }
                    took.push(begun.elapsed().as_micros());
                }
                Ok::<_, EventsdbError>(took)
            }));
        }
        for task in tasks {
            took.extend(task.await??);
        }
    }
    let rate = events as f64 / begun.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default();
    println!("{rate:.0} {} {}", at(50), at(99));
    log.shutdown().await?;
    Ok(())
}
