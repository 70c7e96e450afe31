//! Publishing to the exchange: fenced, in atomic batches where the server has them, and never blindly repeated.

use std::time::Duration;

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::DirectGetErrorKind;
use async_nats::{HeaderMap, Request};
use data_encoding::BASE64;
use serde_json::Value;
use uuid::Uuid;

use super::connect::{Bus, chain};
use super::envelope::{Envelope, chain_text};
use super::error::BusError;
use super::exchange::{Exchange, SEALED};
use super::follow::Message;
use super::link::Waited;
use super::{header, subject};

/// The most messages of a batch; the server takes 1,000.
pub const BATCH_MESSAGES: usize = 500;
/// Longer than anything takes.
const FOR_EVER: Duration = Duration::from_hours(24);
/// The most bytes of a batch.
pub const BATCH_BYTES: usize = 4 << 20;
/// No number has more.
const DIGITS: usize = 20;

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its subject on the exchange.
    pub subject: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// What the server holds of an origin.
#[derive(Debug, Clone)]
pub struct Held {
    /// The stream's number of its last message; zero when there is none.
    pub fence: u64,
    /// That event's place in what the origin has shared; zero when there is none.
    pub seq: i64,
    /// That event's link in the origin's chain; none when there is no such event.
    pub chain: Option<[u8; 32]>,
    /// The origin's signature of it, when the message carries one, as the last of a batch does.
    pub signature: Option<Vec<u8>>,
    /// The message itself, when there is one.
    pub message: Option<Message>,
}

impl Outgoing {
    /// The same, with the origin's signature of everything up to it.
    pub fn sign(&mut self, signature: &[u8]) {
        self.headers.insert(header::SIGNATURE, BASE64.encode(signature).as_str());
    }

    /// The same, without the id by which the server drops what it has got already.
    pub fn once_more(&mut self) {
        let mut headers = HeaderMap::new();
        for (name, values) in self.headers.iter() {
            if AsRef::<str>::as_ref(name) != header::NATS_MSG_ID {
                for value in values {
                    headers.append(name.clone(), value.clone());
                }
            }
        }
        self.headers = headers;
    }

    /// The same, with the origin's signature that it erased the payload.
    pub fn sign_erasure(&mut self, signature: &[u8]) {
        self.headers.insert(header::ERASURE, BASE64.encode(signature).as_str());
    }

    /// How many bytes of it are sent to a stream, headers and body, with its signature and what [`Bus::publish`] adds at most.
    pub fn bytes(&self, stream: &str) -> usize {
        let line = |name: usize, value: usize| name + ": ".len() + value + "\r\n".len();
        let headers = self.headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let headers = headers.map(|(name, value)| line(AsRef::<str>::as_ref(name).len(), value.as_str().len()));
        let added = [
            (header::EXPECTED_STREAM, stream.len()),
            (header::EXPECTED_LAST, DIGITS),
            // Its own subject is longer than that of all of its origin.
            (header::EXPECTED_LAST_SUBJECT, self.subject.len()),
            (header::BATCH_ID, 32),
            (header::BATCH_SEQUENCE, DIGITS),
            (header::BATCH_COMMIT, 1),
            (header::SIGNATURE, 88),
            (header::ERASURE, 88),
        ];
        let added = added.into_iter().map(|(name, value)| line(name.len(), value));
        "NATS/1.0\r\n\r\n".len() + headers.chain(added).sum::<usize>() + self.body.len()
    }
}

impl Bus {
    /// What the server holds of an origin: its last message, asked for directly.
    ///
    /// # Errors
    /// When there is no answer; [`BusError::Unplaced`] when the message does not say which event it is.
    pub fn held(&self, exchange: &Exchange, origin: &str) -> Result<Held, BusError> {
        let doing = "asking what the server holds";
        let failed = |why: String| BusError::Failed { doing, why };
        let stream = self.wait(doing, self.context.get_stream_no_info(&exchange.stream))?;
        let stream = stream.map_err(|error| failed(chain(&error)))?;
        let before = self.link().standing().connections;
        let last = self.wait(doing, stream.direct_get_last_for_subject(subject::of_origin(origin)));
        // An answer that the client cannot read is no answer, and costs the connection, or the client itself.
        let unread = match &last {
            Err(BusError::Silence { .. } | BusError::Failed { .. }) if self.is_over() => {
                self.beside()?.unreadable_last(exchange, origin)?
            }
            Err(BusError::Silence { .. } | BusError::Failed { .. }) if self.link().standing().connections > before => {
                self.unreadable_last(exchange, origin)?
            }
            Ok(Err(error)) if error.kind() != DirectGetErrorKind::NotFound && self.takes_nothing() => {
                self.beside()?.unreadable_last(exchange, origin)?
            }
            _ => None,
        };
        if let Some(unread) = unread {
            return Err(BusError::Unplaced { origin: origin.to_owned(), message: unread.sequence });
        }
        let last = last?;
        let message = match last {
            Ok(message) => message,
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => {
                return Ok(Held { fence: 0, seq: 0, chain: None, signature: None, message: None });
            }
            Err(error) => return Err(failed(chain(&error))),
        };
        let signature = message.headers.get(header::SIGNATURE);
        let signature = signature.and_then(|text| BASE64.decode(text.as_str().as_bytes()).ok());
        match place(&message, origin) {
            Some((seq, link)) => {
                let (fence, chain, message) = (message.sequence, Some(link), Some(Message::stored(message)));
                Ok(Held { fence, seq, chain, signature, message })
            }
            None => Err(BusError::Unplaced { origin: origin.to_owned(), message: message.sequence }),
        }
    }

    /// Whether the client broke down: it says so to whoever asks next, before [`Self::is_over`] does.
    fn takes_nothing(&self) -> bool {
        matches!(self.wait("asking what the server holds", self.client.flush()), Ok(Err(_)))
    }

    /// Publishes messages as one batch, if nothing else of this origin was published since `fence`; returns the stream's
    /// number of the last one.
    ///
    /// # Errors
    /// [`BusError::Fenced`] when something else was. After any other error nobody knows: ask with [`Self::held`].
    pub fn publish(
        &self,
        exchange: &Exchange,
        origin: &str,
        messages: Vec<Outgoing>,
        fence: u64,
    ) -> Result<u64, BusError> {
        let violations = self.link().standing().violations;
        // Each question of it has its own time: the whole may take as long as it takes, unless the process is to end.
        let sending = self.link().within(FOR_EVER, self.send(exchange, origin, messages, fence));
        let Waited::Done(sent) = self.runtime.block_on(sending) else {
            return Err(BusError::Stopping { doing: "publishing" });
        };
        sent.map_err(|error| match error {
            Sending::Silence => self.silence("publishing", violations),
            Sending::Refused(answer) => refusal(&exchange.stream, &answer),
            Sending::Failed(why) => BusError::Failed { doing: "publishing", why },
        })
    }

    async fn send(
        &self,
        exchange: &Exchange,
        origin: &str,
        messages: Vec<Outgoing>,
        fence: u64,
    ) -> Result<u64, Sending> {
        // Two batches at the same fence may be on their way after a lost answer: each has a name of its own.
        let (count, batch) = (messages.len(), Uuid::new_v4());
        let mut last = 0;
        for (index, mut message) in messages.into_iter().enumerate() {
            let headers = &mut message.headers;
            headers.insert(header::EXPECTED_STREAM, exchange.stream.as_str());
            if index == 0 {
                headers.insert(header::EXPECTED_LAST, fence.to_string().as_str());
                headers.insert(header::EXPECTED_LAST_SUBJECT, subject::of_origin(origin).as_str());
            }
            if count > 1 {
                headers.insert(header::BATCH_ID, batch.simple().to_string().as_str());
                headers.insert(header::BATCH_SEQUENCE, (index + 1).to_string().as_str());
                if index + 1 == count {
                    headers.insert(header::BATCH_COMMIT, "1");
                }
            }
            if index == 0 || index + 1 == count {
                last = self.ask(&exchange.stream, message).await?;
            } else {
                let published = self.client.publish_with_headers(message.subject, message.headers, message.body.into());
                published.await.map_err(|error| Sending::Failed(chain(&error)))?;
            }
        }
        Ok(last)
    }

    /// Sends a message and waits for the server's word on it; the first of a batch is answered with nothing.
    async fn ask(&self, stream: &str, message: Outgoing) -> Result<u64, Sending> {
        let request =
            Request::new().headers(message.headers).payload(message.body.into()).timeout(Some(self.target().patience));
        let answer = self.client.send_request(message.subject, request).await.map_err(|error| match error.kind() {
            async_nats::RequestErrorKind::TimedOut => Sending::Silence,
            _ => Sending::Failed(chain(&error)),
        })?;
        if answer.payload.is_empty() {
            return Ok(0);
        }
        let answer: Value =
            serde_json::from_slice(&answer.payload).map_err(|_| Sending::Failed("the answer is no JSON".to_owned()))?;
        acknowledged(stream, answer)
    }
}

/// The number that a stream has given to a message, by the server's word. What another stream took says nothing of this one.
fn acknowledged(stream: &str, answer: Value) -> Result<u64, Sending> {
    match (answer.get("error"), answer["seq"].as_u64(), answer["stream"].as_str()) {
        (None, Some(seq), Some(named)) if named == stream => Ok(seq),
        (None, Some(_), named) => {
            let named = named.unwrap_or("no stream");
            Err(Sending::Failed(format!("it was acknowledged by {named}, and sent to {stream}")))
        }
        _ => Err(Sending::Refused(answer)),
    }
}

/// The place and the link of a message in its origin's chain, when body and headers say the same.
fn place(message: &StreamMessage, origin: &str) -> Option<(i64, [u8; 32])> {
    let value = |name| message.headers.get(name).map(async_nats::HeaderValue::as_str);
    let (seq, link) = Envelope::place_in(&message.payload, origin)?;
    let told = value(header::ORIGIN_SEQUENCE)?.parse() == Ok(seq) && value(header::ORIGIN_CHAIN)? == chain_text(&link);
    (told && seq >= 1).then_some((seq, link))
}

/// How sending ended.
#[derive(Debug, PartialEq, Eq)]
enum Sending {
    /// No answer in time.
    Silence,
    /// The server refused it; its answer.
    Refused(Value),
    /// Something else.
    Failed(String),
}

fn refusal(stream: &str, answer: &Value) -> BusError {
    let error = &answer["error"];
    let why = error["description"].as_str().unwrap_or("no reason given").to_owned();
    let stream = stream.to_owned();
    match error["err_code"].as_u64() {
        Some(10109) => BusError::StreamDiffers { stream, differences: vec![SEALED.to_owned()] },
        Some(10071 | 10164) => BusError::Fenced,
        Some(10059 | 10060) => BusError::StreamMissing { stream },
        Some(10039 | 10076) => BusError::NoJetStream { why },
        Some(10047 | 10077 | 10122 | 10023 | 10002) => BusError::StreamFull { stream, why },
        _ => BusError::Failed { doing: "publishing", why },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_stream_that_was_meant_acknowledges() {
        let of = |answer: Value| acknowledged("NIX_LEDGER", answer);
        assert_eq!(of(json!({ "stream": "NIX_LEDGER", "seq": 7, "batch": "b", "count": 2 })), Ok(7));
        for other in [json!({ "stream": "OTHER", "seq": 105 }), json!({ "seq": 105 })] {
            assert!(
                matches!(of(other.clone()), Err(Sending::Failed(why)) if why.contains("acknowledged by")),
                "{other}"
            );
        }
        let refused = json!({ "error": { "err_code": 10071 }, "stream": "NIX_LEDGER", "seq": 0 });
        assert_eq!(of(refused.clone()), Err(Sending::Refused(refused)));
    }
}
