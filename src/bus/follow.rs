//! Following the exchange: every message in order from a number on, through restarts of the server.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::message::StreamMessage;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::connect::{Bus, chain};
use super::envelope::Envelope;
use super::error::BusError;
use super::exchange::Exchange;
use super::link::{Link, Waited};
use super::{header, subject};

/// How many messages are read ahead of whoever takes them in: bounds the memory.
const READ_AHEAD: usize = 1_000;

/// A message of the exchange.
#[derive(Debug, Clone)]
pub struct Message {
    /// The stream's number of it.
    pub sequence: u64,
    /// Its subject.
    pub subject: String,
    /// Its headers.
    pub headers: Option<HeaderMap>,
    /// Its body.
    pub body: Vec<u8>,
    /// How many messages of the stream came after it when it was sent.
    pub pending: u64,
    /// Why the client cannot read it, when it cannot: then its headers stand in its body.
    pub unreadable: Option<String>,
}

impl Message {
    /// A message that was asked for by itself.
    pub(super) fn stored(message: StreamMessage) -> Self {
        let (sequence, subject) = (message.sequence, message.subject.to_string());
        let (headers, body) = (Some(message.headers), message.payload.to_vec());
        Self { sequence, subject, headers, body, pending: 0, unreadable: None }
    }

    /// Whether it ends what was there up to a number. A server that has lost something counts wrongly what is pending.
    pub const fn ends(&self, exchange: &Exchange, up_to: u64) -> bool {
        self.sequence >= up_to || (self.pending == 0 && exchange.lost.is_none())
    }

    /// Whether its origin signed for everything up to it, as with the last of a batch.
    pub fn is_signed(&self) -> bool {
        self.headers.as_ref().is_some_and(|headers| headers.get(header::SIGNATURE).is_some())
    }

    /// A message of nothing but a body, signed for or not.
    #[cfg(test)]
    pub(crate) fn plain(body: Vec<u8>, signed: bool) -> Self {
        let headers = signed.then(|| {
            let mut headers = HeaderMap::new();
            headers.insert(header::SIGNATURE, "signed");
            headers
        });
        Self { sequence: 0, subject: String::new(), headers, body, pending: 0, unreadable: None }
    }

    /// The place and the link that it says to have in the chain of this origin; none for a message of another origin, or
    /// one that does not say so where it counts, in its body.
    pub fn place_of(&self, origin: &str) -> Option<(i64, [u8; 32])> {
        if self.is_below(origin) { Envelope::place_in(&self.body, origin) } else { None }
    }

    /// Whether its subject names this origin.
    pub(super) fn is_below(&self, origin: &str) -> bool {
        let rest = self.subject.strip_prefix("nix.ledger.").and_then(|rest| rest.strip_prefix(origin));
        rest.is_some_and(|rest| rest.starts_with('.'))
    }
}

/// The messages of the exchange from a number on. Ends when it is dropped.
#[derive(Debug)]
pub struct Follow {
    messages: mpsc::Receiver<Result<Message, BusError>>,
    waiting: u64,
    link: Link,
    violations: u64,
    reading: AbortHandle,
    runtime: tokio::runtime::Handle,
}

impl Bus {
    /// Follows the exchange, or one origin's part of it, from right after a message's number.
    ///
    /// # Errors
    /// When the server gives no consumer.
    pub fn follow(&self, exchange: &Exchange, origin: Option<&str>, after: u64) -> Result<Follow, BusError> {
        let (doing, violations) = ("following the exchange", self.link().standing().violations);
        let failed = |why: String| BusError::Failed { doing, why };
        let filter_subject = origin.map_or_else(|| subject::LEDGER.to_owned(), subject::of_origin);
        let deliver_policy = match after {
            0 => DeliverPolicy::All,
            after => DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
        };
        let config = OrderedConfig { deliver_policy, filter_subject, ..OrderedConfig::default() };
        let stream = self.wait(doing, self.context.get_stream_no_info(&exchange.stream))?;
        let stream = stream.map_err(|error| failed(chain(&error)))?;
        let consumer = self.wait(doing, stream.create_consumer(config))?.map_err(|error| failed(chain(&error)))?;
        let waiting = consumer.cached_info().num_pending;
        let mut incoming = self.wait(doing, consumer.messages())?.map_err(|error| failed(chain(&error)))?;
        let (sender, messages) = mpsc::channel(READ_AHEAD);
        let reading = self.runtime.handle().spawn(async move {
            while let Some(message) = incoming.next().await {
                let message = match message {
                    Ok(message) => read(message),
                    Err(error) => Err(BusError::Failed { doing, why: chain(&error) }),
                };
                let over = message.is_err();
                if sender.send(message).await.is_err() || over {
                    break;
                }
            }
        });
        let (reading, runtime) = (reading.abort_handle(), self.runtime.handle().clone());
        Ok(Follow { messages, waiting, link: self.link().clone(), violations, reading, runtime })
    }
}

impl Follow {
    /// How many messages there were when it began.
    pub const fn waiting(&self) -> u64 {
        self.waiting
    }

    /// What has come, at least one message and at most `limit`; waits for the first at most so long, and none is none.
    ///
    /// # Errors
    /// When following came to its end: begin anew.
    pub fn next(&mut self, limit: usize, longest: Duration) -> Result<Vec<Message>, BusError> {
        let mut chunk = Vec::new();
        let receiving = self.link.within(longest, self.messages.recv_many(&mut chunk, limit));
        match self.runtime.block_on(receiving) {
            Waited::Silence | Waited::Stopping => self.refuse_violation().map(|()| Vec::new()),
            Waited::Done(0) => Err(BusError::Failed { doing: "following the exchange", why: "it ended".to_owned() }),
            Waited::Done(_) => {
                // What came before a failure counts; the failure comes again, as the end.
                let mut messages = Vec::with_capacity(chunk.len());
                for message in chunk {
                    match message {
                        Ok(message) => messages.push(message),
                        Err(error) if messages.is_empty() => return Err(error),
                        Err(_) => break,
                    }
                }
                Ok(messages)
            }
        }
    }
}

impl Follow {
    /// Asking for messages without the permission is answered by nothing; the refusal is told beside it, and only there.
    fn refuse_violation(&self) -> Result<(), BusError> {
        let standing = self.link.standing();
        match standing.denied_since(self.violations).find(|denied| denied.concerns_reading()) {
            Some(denied) => Err(BusError::Permission(denied.clone())),
            None => Ok(()),
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

fn read(message: async_nats::jetstream::Message) -> Result<Message, BusError> {
    let info = message.info().map_err(|error| BusError::Failed {
        doing: "following the exchange",
        why: format!("a message without its number came: {error}"),
    })?;
    let (sequence, pending, message) = (info.stream_sequence, info.pending, message.message);
    let (subject, body) = (message.subject.to_string(), message.payload.to_vec());
    Ok(Message { sequence, subject, headers: message.headers, body, pending, unreadable: None })
}
