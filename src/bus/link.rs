//! The connection's own state, as its client tells it: connected or not, and what the server complained of.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::{ClientError, Event, ServerError};

/// Watches one connection; shared between its client and whoever waits for a change.
#[derive(Clone, Default)]
pub struct Link(Arc<Shared>);

#[derive(Default)]
struct Shared {
    standing: Mutex<Standing>,
    changed: Condvar,
}

/// How a connection stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it stands.
    pub connected: bool,
    /// How often it was made; a reconnect counts.
    pub connections: u64,
    /// How often the server refused a permission.
    pub violations: u64,
    /// The last refusal, in the server's words.
    pub violation: Option<String>,
    /// Why the server did not let us in again, since the connection was lost.
    pub unauthorized: Option<String>,
    /// The last complaint of another kind.
    pub complaint: Option<String>,
    /// How often somebody was woken for a reason of their own.
    pub nudges: u64,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.standing()).finish()
    }
}

impl Link {
    /// How it stands now.
    pub fn standing(&self) -> Standing {
        self.lock().clone()
    }

    /// Wakes whoever waits.
    pub fn nudge(&self) {
        self.lock().nudges += 1;
        self.0.changed.notify_all();
    }

    /// Waits until it stands otherwise than `seen`, at most so long; returns how it stands.
    pub fn wait(&self, seen: &Standing, longest: Duration) -> Standing {
        let guard = self.lock();
        let waited = self.0.changed.wait_timeout_while(guard, longest, |now| now == seen);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Takes in what the client tells.
    pub(super) fn hear(&self, event: &Event) {
        tracing::debug!(%event, "bus");
        {
            let mut standing = self.lock();
            match event {
                Event::Connected => {
                    standing.connected = true;
                    standing.connections += 1;
                    standing.unauthorized = None;
                }
                Event::Disconnected | Event::Closed => standing.connected = false,
                Event::ServerError(ServerError::Other(text)) if text.to_ascii_lowercase().contains("permissions") => {
                    standing.violations += 1;
                    standing.violation = Some(text.clone());
                }
                Event::ServerError(ServerError::AuthorizationViolation) => {
                    standing.unauthorized = Some(event.to_string());
                }
                Event::ClientError(ClientError::Other(text)) if is_refusal(text) => {
                    standing.unauthorized = Some(text.clone());
                }
                Event::ServerError(_) | Event::ClientError(_) | Event::SlowConsumer(_) => {
                    standing.complaint = Some(event.to_string());
                }
                Event::LameDuckMode | Event::Draining => {}
            }
        }
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client tells in words alone why it could not connect again.
fn is_refusal(text: &str) -> bool {
    ["authorization violation", "failed signing nonce"].iter().any(|words| text.contains(words))
}
