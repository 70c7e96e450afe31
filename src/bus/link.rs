//! The connection's own state, as its client tells it: connected or not, and what the server complained of.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{ClientError, Event, ServerError};
use futures_util::future::{Either, select};
use tokio::sync::watch;

use super::denied::{Act, Denied};

/// Watches one connection; shared between its client and whoever waits for a change.
#[derive(Clone, Default)]
pub struct Link(Arc<Shared>);

#[derive(Default)]
struct Shared {
    standing: Mutex<Standing>,
    changed: Condvar,
    /// Since when the process is to end.
    stopping: watch::Sender<Option<Instant>>,
}

/// How many kinds of refusals are remembered.
const KINDS: usize = 32;

/// How long it takes at most until it is told that a connection was made.
const TOLD: Duration = Duration::from_secs(1);

/// How a connection stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it stands.
    pub connected: bool,
    /// How often it was made; a reconnect counts.
    pub connections: u64,
    /// How often the server refused a permission.
    pub violations: u64,
    /// How many of these were before the connection was made last: another one may do what that could not.
    pub violations_before: u64,
    /// What was refused, each with how many refusals there were by then; the last of its kind alone.
    pub denied: Vec<(u64, Denied)>,
    /// Why the server did not let us in again, since the connection was lost.
    pub unauthorized: Option<String>,
    /// The last complaint of another kind.
    pub complaint: Option<String>,
    /// How often somebody was woken for a reason of their own.
    pub nudges: u64,
}

/// How waiting ended.
pub(super) enum Waited<T> {
    /// It came.
    Done(T),
    /// It did not come in time.
    Silence,
    /// The process is to end.
    Stopping,
}

impl Standing {
    /// What was refused since there were so many refusals, the last one first.
    pub fn denied_since(&self, violations: u64) -> impl Iterator<Item = &Denied> {
        self.denied.iter().rev().filter(move |(number, _)| *number > violations).map(|(_, denied)| denied)
    }

    /// Whether the server refused, since the connection was made last, that answers be heard on it.
    pub fn is_deaf(&self) -> bool {
        self.denied_since(self.violations_before).any(Denied::concerns_hearing)
    }

    fn deny(&mut self, denied: Denied) {
        self.violations += 1;
        self.denied.retain(|(_, known)| *known != denied);
        if self.denied.len() >= KINDS {
            // Every answer that may not be given has a subject of its own, and none of them tells what is not heard.
            self.denied.remove(self.denied.iter().position(|(_, known)| known.act == Act::Publish).unwrap_or(0));
        }
        self.denied.push((self.violations, denied));
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.standing()).finish()
    }
}

impl Link {
    /// For another connection of this process, which ends when this one is told to.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self(Arc::new(Shared { stopping: self.0.stopping.clone(), ..Shared::default() }))
    }

    /// How it stands now.
    pub fn standing(&self) -> Standing {
        self.lock().clone()
    }

    /// Wakes whoever waits.
    pub fn nudge(&self) {
        self.lock().nudges += 1;
        self.0.changed.notify_all();
    }

    /// Whoever waits on this connection waits no longer, now and later: the process is to end.
    pub fn stop(&self) {
        self.0.stopping.send_modify(|since| {
            since.get_or_insert_with(Instant::now);
        });
        self.nudge();
    }

    /// Whether [`Self::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        self.stopping_since().is_some()
    }

    /// Since when, if it was.
    pub fn stopping_since(&self) -> Option<Instant> {
        *self.0.stopping.borrow()
    }

    /// Waits until it is.
    pub(super) async fn stopped(&self) {
        let mut stopping = self.0.stopping.subscribe();
        // The sender is held by this link.
        let _ = stopping.wait_for(Option::is_some).await;
    }

    /// Waits for something at most so long, and no longer once the process is to end.
    pub(super) async fn within<T>(&self, longest: Duration, work: impl Future<Output = T>) -> Waited<T> {
        match select(pin!(tokio::time::timeout(longest, work)), pin!(self.stopped())).await {
            Either::Left((Ok(done), _)) => Waited::Done(done),
            Either::Left((Err(_), _)) => Waited::Silence,
            Either::Right(_) => Waited::Stopping,
        }
    }

    /// Waits until it was made more often than so: what tells that comes a moment after it was made.
    pub(super) fn wait_until_made(&self, connections: u64) {
        let guard = self.lock();
        drop(self.0.changed.wait_timeout_while(guard, TOLD, |now| now.connections <= connections));
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
                    standing.violations_before = standing.violations;
                    standing.unauthorized = None;
                }
                Event::Disconnected | Event::Closed => standing.connected = false,
                Event::ServerError(ServerError::Other(text)) => match Denied::read(text) {
                    Some(denied) => standing.deny(denied),
                    None => standing.complaint = Some(event.to_string()),
                },
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
