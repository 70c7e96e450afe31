//! Messages one by one, as the server writes them down in JSON: the client drops the connection over headers that it cannot
//! read, comes back to the same message, and would do so for ever.

use std::str::FromStr;

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use data_encoding::BASE64;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::connect::{Bus, chain};
use super::error::BusError;
use super::exchange::Exchange;
use super::follow::Message;
use super::subject;

const DOING: &str = "reading the exchange one by one";
/// What the server says when there is no such message.
const NOT_FOUND: u64 = 10037;
/// How much of a header is shown.
const SHOWN: usize = 40;

impl Bus {
    /// The messages of the exchange, or of one origin on it, from a number on: at most so many, and none at its end. One that the
    /// client cannot read says so, and has everything in its body as it is stored, headers first.
    ///
    /// # Errors
    /// When there is no answer; [`BusError::Permission`] when the account may not read like this.
    pub fn read_singly(
        &self,
        exchange: &Exchange,
        origin: Option<&str>,
        from: u64,
        most: u64,
    ) -> Result<Vec<Message>, BusError> {
        let filter = origin.map_or_else(|| subject::LEDGER.to_owned(), subject::of_origin);
        let first = json!({ "seq": from, "next_by_subj": filter });
        let Some(first) = self.wait(DOING, self.stored(exchange, first))?? else { return Ok(Vec::new()) };
        let numbers = first.sequence + 1..first.sequence.saturating_add(most);
        let asking = numbers.map(|number| self.stored(exchange, json!({ "seq": number })));
        let rest: Result<Vec<_>, _> = self.wait(DOING, join_all(asking))?.into_iter().collect();
        let mut messages = vec![first];
        messages.extend(rest?.into_iter().flatten());
        if let Some(origin) = origin {
            messages.retain(|message| message.is_below(origin));
        }
        Ok(messages)
    }

    /// The last message of an origin, when it is one that the client cannot read.
    pub(super) fn unreadable_last(&self, exchange: &Exchange, origin: &str) -> Result<Option<Message>, BusError> {
        let last = json!({ "last_by_subj": subject::of_origin(origin) });
        let last = self.wait(DOING, self.stored(exchange, last))??;
        Ok(last.filter(|message| message.unreadable.is_some()))
    }

    async fn stored(&self, exchange: &Exchange, which: Value) -> Result<Option<Message>, BusError> {
        let asked = self.context.request::<_, _, Value>(format!("STREAM.MSG.GET.{}", exchange.stream), &which);
        let answer = asked.await.map_err(|error| failed(chain(&error)))?;
        let error = &answer["error"];
        if error["err_code"] == NOT_FOUND {
            return Ok(None);
        }
        if let Some(why) = error["description"].as_str() {
            return Err(failed(why.to_owned()));
        }
        read(&answer["message"], exchange.last).map(Some).ok_or_else(|| failed("the answer is no message".to_owned()))
    }
}

fn failed(why: String) -> BusError {
    BusError::Failed { doing: DOING, why }
}

/// A message as the server writes it down.
fn read(stored: &Value, last: u64) -> Option<Message> {
    let bytes = |name: &str| stored[name].as_str().map_or(Some(Vec::new()), |text| BASE64.decode(text.as_bytes()).ok());
    let (sequence, subject) = (stored["seq"].as_u64()?, stored["subject"].as_str()?.to_owned());
    let (raw, body) = (bytes("hdrs")?, bytes("data")?);
    let pending = last.saturating_sub(sequence);
    let read = refuse_subject(&subject).and_then(|()| if raw.is_empty() { Ok(None) } else { headers(&raw).map(Some) });
    Some(match read {
        Ok(headers) => Message { sequence, subject, headers, body, pending, unreadable: None },
        Err(why) => {
            let body = [raw, body].concat();
            Message { sequence, subject, headers: None, body, pending, unreadable: Some(why) }
        }
    })
}

/// The client splits the line that names the subject at white space of any kind. What is not UTF-8 comes replaced.
fn refuse_subject(subject: &str) -> Result<(), String> {
    if subject.contains(|c: char| c.is_whitespace() || c == char::REPLACEMENT_CHARACTER) {
        return Err("its subject is not one that the client can read".to_owned());
    }
    Ok(())
}

/// Reads headers by the client's own rules, and says which of them it cannot read. A status is the server's to say: the client
/// takes the message for the server's word and not for a message.
fn headers(raw: &[u8]) -> Result<HeaderMap, String> {
    let mut lines = match std::str::from_utf8(raw) {
        Ok(text) => text.lines().peekable(),
        Err(_) => return Err(format!("its header {} is not UTF-8", shown(not_utf8(raw)))),
    };
    let first = lines.next().unwrap_or_default();
    match first.strip_prefix("NATS/1.0").map(str::trim) {
        None => return Err(format!("its headers begin with {} and not with `NATS/1.0`", shown(first.as_bytes()))),
        Some("") => {}
        Some(status) => {
            return Err(format!("its headers say the status {}, as only the server may", shown(status.as_bytes())));
        }
    }
    let mut headers = HeaderMap::new();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (name, value) =
            line.split_once(':').ok_or_else(|| format!("its header {} has no `:`", shown(line.as_bytes())))?;
        let cannot = |what: &str| format!("its header {} {what}", shown(name.as_bytes()));
        let header = HeaderName::from_str(name).map_err(|_| cannot("has a name that is not of printable ASCII"))?;
        let mut value = value.trim_start().to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with(char::is_whitespace)) {
            value.push_str(more);
        }
        let value = HeaderValue::from_str(value.trim_end()).map_err(|_| cannot("holds the end of a line"))?;
        headers.append(header, value);
    }
    Ok(headers)
}

/// The first line that is not UTF-8.
fn not_utf8(raw: &[u8]) -> &[u8] {
    raw.split(|byte| *byte == b'\n').find(|line| std::str::from_utf8(line).is_err()).unwrap_or_default()
}

/// The name of a header, or what stands in its place, fit for a sentence.
fn shown(line: &[u8]) -> String {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name.get(..SHOWN).unwrap_or(name));
    format!("`{}`", name.trim().escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(raw: &[u8]) -> String {
        headers(raw).unwrap_err()
    }

    #[test]
    fn what_the_client_can_read_is_read_as_it_does() {
        let read =
            headers(b"NATS/1.0\r\nX-Actor: ada@host \r\nX-Long: a\r\n  b\r\nX-Actor: eve\r\nEmpty:\r\n\r\n").unwrap();
        let values = |name: &str| read.get_all(name).map(|value| value.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(values("X-Actor"), ["ada@host", "eve"]);
        assert_eq!((values("X-Long"), values("Empty")), (vec!["a  b".to_owned()], vec![String::new()]));
        assert!(headers("NATS/1.0\r\nX-Actor: Zoë\r\n\r\n".as_bytes()).is_ok());
        assert!(headers(b"NATS/1.0\nX-A: b\n\n").is_ok(), "lines may end without a carriage return");
    }

    #[test]
    fn what_the_client_cannot_read_is_named() {
        for (raw, words) in [
            (&b"NATS/1.0\r\nX-B: c\r\nX-Actor: Zo\xeb\r\n\r\n"[..], "header `X-Actor` is not UTF-8"),
            (b"NATS/1.0\r\nblah\r\n\r\n", "header `blah` has no `:`"),
            (b"NATS/1.0\r\nX-Actor: a\nb\r\n\r\n", "header `b` has no `:`"),
            (b"NATS/1.0\r\nX Actor: a\r\n\r\n", "header `X Actor` has a name"),
            ("NATS/1.0\r\nX-Zoë: a\r\n\r\n".as_bytes(), "header `X-Zoë` has a name"),
            (b"NATS/1.0\r\nX-Actor: a\rb\r\n\r\n", "header `X-Actor` holds the end of a line"),
            (b"NATS/2.0\r\nX-A: b\r\n\r\n", "begin with `NATS/2.0`"),
            (b"NATS/1.0 409 Consumer Deleted\r\n\r\n", "say the status `409 Consumer Deleted`"),
            (b"NATS/1.0 99999 x\r\n\r\n", "say the status"),
        ] {
            assert!(why(raw).contains(words), "{}", why(raw));
        }
        assert!(why(&[b"NATS/1.0\r\n", &[b'x'; 500][..], b"\r\n\r\n"].concat()).len() < 100);
    }

    #[test]
    fn a_message_that_cannot_be_read_keeps_everything_as_it_is_stored() {
        let stored = |raw: &[u8], subject: &str| json!({ "seq": 7, "subject": subject, "hdrs": BASE64.encode(raw), "data": BASE64.encode(b"{}") });
        let odd = read(&stored(b"NATS/1.0\r\nX: \xff\r\n\r\n", "nix.ledger.a.b.c"), 9).unwrap();
        assert_eq!((odd.sequence, odd.pending, odd.body.as_slice()), (7, 2, &b"NATS/1.0\r\nX: \xff\r\n\r\n{}"[..]));
        assert!(odd.unreadable.is_some());
        for subject in ["nix.ledger.a.b\u{a0}c.d", "nix.ledger.a.\u{fffd}.d"] {
            let odd = read(&stored(b"NATS/1.0\r\nX: a\r\n\r\n", subject), 9).unwrap();
            assert!(odd.unreadable.unwrap().contains("subject"), "{subject}");
        }
        let plain = read(&json!({ "seq": 1, "subject": "nix.ledger.a.b.c", "data": BASE64.encode(b"{}") }), 1).unwrap();
        assert_eq!((plain.headers, plain.body.as_slice(), plain.unreadable), (None, &b"{}"[..], None));
        assert!(read(&json!({ "seq": 1 }), 1).is_none());
    }
}
