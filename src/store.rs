//! The ledger's one SQLite file: the event log, the read model built from it, and everything that keeps both sound.
//!
//! Knows nothing of use cases, faces, flakes on disk or the network. Domain types are not stored: [`shape`] holds
//! their written form. One connection writes, by turns for whoever has something to store; readers stand beside it.

pub mod backup;
pub mod chain;

pub mod check;
mod connect;
pub mod erase;
pub mod error;

pub mod export;
pub mod file;

mod holder;

mod inode;

pub mod import;

pub mod inbox;

pub mod local;

pub mod log;

mod network;

pub mod open;

pub mod origin;

pub mod outbox;

pub mod projection;

pub mod reader;

pub mod rebuild;

pub mod remote;

pub mod shape;

pub mod sql;

mod state_hash;
pub mod verify;

pub mod view;

pub mod writer;

pub use error::StoreError;
pub use local::{EditRow, FileRow, HistoryCursor, LocalNote, Replaced, RootRow, Undo};
pub use log::{Append, Command, Expected, NewEvent, Receipt, Recorded, StreamWrite};
pub use open::{Access, Store, Who};
pub use origin::{Origin, Signer};
pub use reader::Reader;
pub use writer::{Listener, Ticket};
