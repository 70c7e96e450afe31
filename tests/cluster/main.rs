//! A cluster of three servers and a leaf: `scripts/cluster` runs it, `cargo test` alone does not, for it takes a minute.
#![expect(dead_code, reason = "what the integration tests have beside it is of no use here")]

#[path = "../it/contract.rs"]
mod contract;
#[path = "../it/nats.rs"]
mod nats;
#[path = "../it/parts.rs"]
mod parts;
#[path = "../it/proxy.rs"]
mod proxy;
mod servers;
mod sync;
