//! The bus: NATS with JetStream, as a room that can be called from any thread and waits no longer than it says.
//!
//! Knows subjects, headers, envelopes and streams; knows no store, no use case and no face. The asynchronous runtime
//! lives in here and nowhere else.

pub mod answer;

pub mod connect;

pub mod denied;

pub mod envelope;

pub mod error;

pub mod exchange;

mod files;

pub mod follow;

pub mod header;

mod link;

pub mod publish;

mod service;

mod singly;

pub mod subject;

pub mod target;

pub use answer::{About, Answer, Answered, Answering, Endpoint, Miss, Request, Who};
pub use connect::Bus;
pub use denied::Denied;
pub use envelope::Envelope;
pub use error::BusError;
pub use exchange::{Exchange, Layout, SetUp};
pub use follow::{Follow, Message};
pub use link::{Link, Standing};
pub use publish::{Held, Outgoing};
pub use target::Target;
