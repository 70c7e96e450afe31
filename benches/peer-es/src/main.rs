//! The same work as in the bench `append`, done by sqlite-es: `peer-es FILE EVENTS CALLERS PAYLOAD`.
//!
//! Prints events per second. PAYLOAD is the number of bytes of an event. An event is stored as the framework stores it
//! after a command, without a read model, with the settings of its own pool (`synchronous=NORMAL`).

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository as _, SerializedEvent};
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlite_es::{SqliteEventRepository, default_sqlite_pool};

const STREAMS: usize = 200;

/// As the crate's own migration makes it.
const TABLE: &str = "CREATE TABLE events (aggregate_type text NOT NULL, aggregate_id text NOT NULL, \
     sequence integer CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL, \
     payload text NOT NULL, metadata text NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence)) STRICT";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Flake;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Changed;

impl DomainEvent for Changed {
    fn event_type(&self) -> String {
        "flake.input_changed".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[derive(Debug)]
struct Never;

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("never")
    }
}

impl Error for Never {}

impl Aggregate for Flake {
    const TYPE: &'static str = "flake";
    type Command = ();
    type Event = Changed;
    type Error = Never;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), _sink: &EventSink<Self>) -> Result<(), Never> {
        Ok(())
    }

    fn apply(&mut self, _event: Changed) {}
}

fn event(number: usize, bytes: usize) -> SerializedEvent {
    SerializedEvent {
        aggregate_id: format!("{:032x}", number % STREAMS),
        sequence: number / STREAMS + 1,
        aggregate_type: "flake".to_owned(),
        event_type: "flake.input_changed".to_owned(),
        event_version: "1".to_owned(),
        payload: json!({ "n": number, "text": "x".repeat(bytes) }),
        metadata: json!({}),
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut words = std::env::args().skip(1);
    let path = words.next().ok_or("peer-es FILE EVENTS CALLERS PAYLOAD")?;
    let numbers = words.map(|word| word.parse()).collect::<Result<Vec<usize>, _>>()?;
    let [events, callers, bytes] = numbers[..] else { return Err("three numbers are needed".into()) };
    let pool = default_sqlite_pool(&format!("sqlite://{path}")).await;
    sqlx::query(TABLE).execute(&pool).await?;
    let log = Arc::new(SqliteEventRepository::new(pool));
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let log = Arc::clone(&log);
        tasks.push(tokio::spawn(async move {
            for number in (caller..events).step_by(callers) {
                log.persist::<Flake>(&[event(number, bytes)], None).await?;
            }
            Ok::<_, cqrs_es::persist::PersistenceError>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    println!("{:.0}", events as f64 / begun.elapsed().as_secs_f64());
    Ok(())
}
