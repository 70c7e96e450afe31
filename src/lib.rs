//! cim-nix, the ledger of a Nix estate: the index of the house, in reading order.
//!
//! Facts are read from the world, a pure function compares them with what is known and returns events, one
//! transaction stores the events and the read model, and every face shows the read model. Nothing flows back.
//!
//! | room | what it does | what it must not know |
//! |---|---|---|
//! | [`domain`] | ids, messages, aggregates with their events and decisions; the catalogue of events | clock, files, SQLite |
//! | [`syntax`] | Nix text to our view: `flake.nix`, `flake.lock`, flake references, secrets in text | clock, files, SQLite |
//! | [`lint`] | rules on Nix text: findings, fixes, suppressions; one file per rule | clock, files, SQLite |
//! | [`store`] | the event log, the read model, backup and checks, in one SQLite file | use cases, faces |
//! | [`git`] | repository facts: remote, head, tracked files, the past of one path | use cases, faces |
//! | [`nix`] | the `nix` program: lock and update a flake | use cases, faces |
//! | [`scan`] | the file system: walk, skip, find flakes | use cases, faces |
//! | [`process`] | programs of the user's choice: one text in, one text out, within a time and a size | use cases, faces |
//! | [`bus`] | NATS: connection, subjects, envelopes, the exchange between machines | use cases, faces |
//! | [`config`] | settings: defaults, files, environment, flags; one table | everything above it |
//! | [`app`] | use cases, one file per intention | faces |
//! | [`cli`] | arguments, printing, exit codes; one file per command | the terminal UI |
//! | [`tui`] | the terminal UI; one file per screen | the command line |
//! | [`serve`] | the long-running process: watch, exchange, requests, metrics | the command line, the terminal UI |
//!
//! `ARCHITECTURE.md` holds the invariants; `tests/it/tidy.rs` checks them.

pub mod domain;

pub mod syntax;

pub mod lint;

pub mod store;

pub mod git;

pub mod nix;

pub mod scan;

pub mod process;

pub mod bus;

pub mod config;

pub mod app;

pub mod cli;

pub mod tui;

pub mod serve;

/// Where the two meet: what the command line was told is what the process starts with.
impl From<cli::Service> for serve::Serve {
    fn from(service: cli::Service) -> Self {
        let cli::Service { session, place, request, commands, listen, interval, stop } = service;
        Self { session, place, request, commands, listen, interval, stop }
    }
}
