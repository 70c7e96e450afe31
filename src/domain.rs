//! The pure core: identities, messages, and one folder per aggregate with its events, state and decisions.
//!
//! Knows no clock, no file system, no process, no network and no database: time, ids and facts come in as arguments.

pub mod id;

pub mod message;

pub mod stream;

pub mod naming;

pub mod path;

pub mod shell;

pub mod lineage;

pub mod flake;

pub mod lock;

pub mod finding;

pub mod lock_history;

pub mod config;

pub mod pins;

pub mod nix_file;

pub mod module;

pub mod overlay;

pub mod ledger;

pub mod size;

pub mod catalogue;

pub mod circuit;

pub mod delivery;

/// Attributes as Nix writes them in a lock file or a flake reference: names to JSON values, in name order.
pub type Attrs = serde_json::Map<String, serde_json::Value>;
