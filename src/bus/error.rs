//! What can go wrong with the bus, in words that name the server and the next step, and what it means for delivery.

use std::time::Duration;

use super::denied::Denied;
use crate::domain::delivery::{Reason, Seen};

/// An error of the bus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// A setting of the connection cannot be used.
    #[error("{what} cannot be used: {why}")]
    Setting {
        /// The file, or the server's address.
        what: String,
        /// Why.
        why: String,
    },
    /// No server answers.
    #[error("no server answers at {servers}: {why}")]
    Unreachable {
        /// The servers, without secrets.
        servers: String,
        /// What was seen.
        why: String,
    },
    /// The server does not let us in.
    #[error("{servers} refuses these credentials: {why}")]
    Unauthorized {
        /// The servers, without secrets.
        servers: String,
        /// What it says.
        why: String,
    },
    /// TLS with the server does not come about.
    #[error("no TLS with {servers}: {why}")]
    Tls {
        /// The servers, without secrets.
        servers: String,
        /// What was seen.
        why: String,
    },
    /// This account may not do what is needed.
    #[error("{0}")]
    Permission(Denied),
    /// The server is too old.
    #[error("the server is nats-server {found}; 2.11 or newer is needed")]
    ServerTooOld {
        /// Its version.
        found: String,
    },
    /// The server has no `JetStream` for this account.
    #[error("the server offers no JetStream to this account ({why})")]
    NoJetStream {
        /// What it says.
        why: String,
    },
    /// The server takes smaller messages than an event may be.
    #[error("the server takes messages of at most {found} bytes, at least {needed} are needed")]
    PayloadLimit {
        /// What it takes.
        found: usize,
        /// What is needed.
        needed: usize,
    },
    /// The stream is not there.
    #[error("there is no stream {stream} on the server")]
    StreamMissing {
        /// Its name.
        stream: String,
    },
    /// The stream is not as it must be.
    #[error("the stream {stream} is not as it must be: {}", differences.join("; "))]
    StreamDiffers {
        /// Its name.
        stream: String,
        /// What differs.
        differences: Vec<String>,
    },
    /// The server makes or changes no such stream.
    #[error("{doing} failed: the server refuses {stream}: {why}")]
    StreamRefused {
        /// Its name.
        stream: String,
        /// What was being done.
        doing: &'static str,
        /// What the server says.
        why: String,
    },
    /// The stream takes no more.
    #[error("the stream {stream} is full: {why}")]
    StreamFull {
        /// Its name.
        stream: String,
        /// What the server says.
        why: String,
    },
    /// The clocks are too far apart.
    #[error("{}", apart(*seconds))]
    Clock {
        /// By how much; positive when the server's is ahead.
        seconds: i64,
    },
    /// This process is to end, and waits for nobody.
    #[error("{doing} was given up: this process is to end")]
    Stopping {
        /// What was being done.
        doing: &'static str,
    },
    /// What an origin published last does not say which event it is: it is not that origin's.
    #[error("message {message} under the name of {origin} does not say which event it is")]
    Unplaced {
        /// Whose it seems to be.
        origin: String,
        /// Its number in the stream.
        message: u64,
    },
    /// Something else was published since: the fence held.
    #[error("the server holds other messages of this origin than expected")]
    Fenced,
    /// There was no answer in time, though the connection stands.
    #[error("{doing} failed: no answer within {patience:?}")]
    Silence {
        /// What was being done.
        doing: &'static str,
        /// How long it was waited for.
        patience: Duration,
    },
    /// It failed, or nobody knows what became of it.
    #[error("{doing} failed: {why}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// What was seen.
        why: String,
    },
}

/// Whose clock is ahead, and by how much; positive when it is the server's.
fn apart(seconds: i64) -> String {
    let (ahead, behind) =
        if seconds > 0 { ("the server's", "this machine's") } else { ("this machine's", "the server's") };
    let minutes = seconds.unsigned_abs() / 60;
    let by = match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    };
    format!("{ahead} clock is {by} ({} s) ahead of {behind}", seconds.unsigned_abs())
}

impl BusError {
    /// What the user does about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self.seen() {
            Seen::Refused(reason) => Some(reason.hint()),
            Seen::Unreachable => Some("start the server, or name another one in `sync.servers` or `NATS_URL`"),
            _ => None,
        }
    }

    /// What delivery makes of it.
    pub const fn seen(&self) -> Seen {
        match self {
            Self::Unreachable { .. } => Seen::Unreachable,
            Self::Setting { .. } => Seen::Refused(Reason::Setting),
            Self::Unauthorized { .. } => Seen::Refused(Reason::Unauthorized),
            Self::Tls { .. } => Seen::Refused(Reason::Tls),
            Self::Permission(_) => Seen::Refused(Reason::Permission),
            Self::ServerTooOld { .. } => Seen::Refused(Reason::ServerTooOld),
            Self::NoJetStream { .. } => Seen::Refused(Reason::NoJetStream),
            Self::PayloadLimit { .. } => Seen::Refused(Reason::PayloadLimit),
            Self::StreamMissing { .. } => Seen::Refused(Reason::StreamMissing),
            Self::StreamDiffers { .. } => Seen::Refused(Reason::StreamDiffers),
            Self::StreamRefused { .. } => Seen::Refused(Reason::StreamRefused),
            Self::StreamFull { .. } => Seen::Refused(Reason::StreamFull),
            Self::Clock { .. } => Seen::Refused(Reason::Clock),
            Self::Unplaced { .. } => Seen::Refused(Reason::Forged),
            Self::Fenced | Self::Stopping { .. } | Self::Silence { .. } | Self::Failed { .. } => Seen::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_whose_clock_is_ahead_and_by_how_much() {
        for (seconds, text) in [
            (1_000, "the server's clock is 16 min (1000 s) ahead of this machine's"),
            (-12_240, "this machine's clock is 3 h 24 min (12240 s) ahead of the server's"),
            (180_000, "the server's clock is 2 d 2 h (180000 s) ahead of this machine's"),
        ] {
            assert_eq!(BusError::Clock { seconds }.to_string(), text);
        }
    }
}
