//! Synchronisation: what this machine shares goes to the exchange, what others share comes into the log.
//!
//! One engine does both and is the same for `sync now` and `serve`. It is driven by the pure machine of
//! [`crate::domain::delivery`]; no local command waits for it.

use std::path::PathBuf;

pub use crate::bus::BusError;
use crate::bus::{Layout, Target};
use crate::config;

pub mod consent;

pub mod engine;

mod intake;

pub mod parked;

mod reading;

mod refill;

mod relay;

pub mod setup;

pub mod status;

pub mod verify;

mod wire;

/// The one remote there is: the exchange.
pub const REMOTE: &str = "exchange";
/// What only one process does at a time.
pub const LEASE: &str = "relay";

/// Where the bus is and how its streams are named, from the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where it is and how to be let in.
    pub target: Target,
    /// How its streams are named and bounded.
    pub layout: Layout,
}

/// Why synchronising did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The ledger.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// Nobody has agreed to it yet.
    #[error("synchronisation is off")]
    Off,
    /// No server is named.
    #[error("no server is named")]
    NoServer,
    /// No root is known under that path.
    #[error("`{}` is not a known root", path.display())]
    UnknownRoot {
        /// The path.
        path: PathBuf,
    },
    /// Nothing is parked under that number.
    #[error("nothing is parked under number {0}")]
    NothingParked(i64),
    /// No origin is known by that key, or several are by its beginning.
    #[error("`{0}` is neither a number nor the key of one origin that is known here")]
    NoSuchOrigin(String),
    /// This ledger is that origin, or went on from it by itself.
    #[error("{0} is what this ledger is or was: what others have of it cannot stand beside that")]
    LeftBehind(String),
}

impl Place {
    /// As the settings say.
    pub fn of(settings: &config::Sync) -> Self {
        let secret = |secret: &Option<config::value::Secret>| secret.as_ref().map(|it| it.reveal().to_owned());
        let target = Target {
            servers: Target::servers_of(settings.servers.reveal()),
            credentials: settings.credentials.clone(),
            nkey: settings.nkey.clone(),
            user: settings.user.clone(),
            password: secret(&settings.password),
            token: secret(&settings.token),
            tls_authorities: settings.tls_authorities.clone(),
            tls_certificate: settings.tls_certificate.clone(),
            tls_key: settings.tls_key.clone(),
            tls_first: settings.tls_first,
            inbox_prefix: settings.inbox_prefix.clone(),
            ..Target::default()
        };
        let bytes = |size: usize| i64::try_from(size).unwrap_or(i64::MAX).saturating_mul(1 << 20);
        let layout = Layout {
            ledger: settings.ledger.clone(),
            events: settings.events.clone(),
            max_bytes: settings.max_mebibytes.map(bytes),
            events_max_age: None,
            replicas: settings.replicas,
        };
        Self { target, layout }
    }
}
