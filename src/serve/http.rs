//! `/metrics` and `/healthz`, for this machine alone: many connections side by side on one thread, one request each. Nothing
//! that a client does, and no lack of files or threads, ends the listening or keeps others waiting.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::ServeError;
use super::metrics;
use crate::app::requests::{Desk, listener};

/// How often it is looked whether somebody asks, and whether to stop; and while somebody is being heard or told.
const NAP: Duration = Duration::from_millis(50);
const WINK: Duration = Duration::from_millis(5);
/// How long somebody is heard, and then told. While an answer is being made, nobody's time runs.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many conversations there may be; the oldest gives way to one more.
const AT_ONCE: usize = 64;
/// More than this is no request for what there is here.
const HEAD: usize = 16 * 1024;

const TEXT: &str = "text/plain; charset=utf-8";

/// A listener on the loopback.
pub(super) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// Somebody who asks.
struct Conversation {
    stream: TcpStream,
    /// When it came, or when it was known what to tell.
    begun: Instant,
    /// What was heard up to now.
    head: Vec<u8>,
    /// What is told, once enough was heard, and how much of it was taken.
    told: Option<(Vec<u8>, usize)>,
}

/// What a turn of a conversation came to.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// Something was heard or told.
    Moved,
    /// The other side does nothing.
    Still,
    /// It is over.
    Over,
}

/// What is answered.
struct Reply {
    status: &'static str,
    kind: &'static str,
    body: String,
}

impl Server {
    /// Listens at the first address of a name that can be had; any name but one of this machine alone is refused.
    pub(super) fn bind(address: &str) -> Result<Self, ServeError> {
        let found = listener::addresses(address)?;
        Self::listen(&found).map_err(|error| ServeError::Listen { address: address.to_owned(), why: error.to_string() })
    }

    fn listen(addresses: &[SocketAddr]) -> io::Result<Self> {
        let listener = TcpListener::bind(addresses)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is to stop.
    pub(super) fn answer(&self, desk: &Desk, stop: &AtomicBool) {
        let (mut open, mut said) = (Vec::new(), false);
        while !stop.load(Ordering::Relaxed) {
            match self.accept(&mut open) {
                Ok(accepted) => said &= !accepted,
                // Whoever asks waits until it can be done, as when no more files may be open.
                Err(error) if !said => {
                    tracing::warn!(%error, "no connection can be taken; trying again until it can be done");
                    said = true;
                }
                Err(_) => {}
            }
            if !take_turns(&mut open, &|method, target| reply(method, target, desk)) {
                std::thread::sleep(if open.is_empty() { NAP } else { WINK });
            }
        }
    }

    /// Takes in everybody who waits; whether there was somebody.
    fn accept(&self, open: &mut Vec<Conversation>) -> io::Result<bool> {
        let mut accepted = false;
        for _ in 0..AT_ONCE {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    accepted = true;
                    stream.set_nonblocking(true)?;
                    if open.len() >= AT_ONCE {
                        open.remove(0);
                    }
                    open.push(Conversation { stream, begun: Instant::now(), head: Vec::new(), told: None });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(accepted)
    }
}

/// Goes on with every conversation; whether one of them moved.
fn take_turns(open: &mut Vec<Conversation>, reply: &impl Fn(&str, &str) -> Reply) -> bool {
    let (mut moved, mut away) = (false, Duration::ZERO);
    open.retain_mut(|conversation| {
        let begun = Instant::now();
        let turn = conversation.turn(reply).unwrap_or_else(|error| {
            tracing::debug!(%error, "whoever asked has gone");
            Turn::Over
        });
        away += begun.elapsed();
        moved |= turn == Turn::Moved;
        turn != Turn::Over
    });
    // Whoever waited while others had their turn could neither say nor hear anything.
    open.retain_mut(|conversation| {
        conversation.begun += away;
        conversation.begun.elapsed() < PATIENCE
    });
    moved
}

impl Conversation {
    /// Hears or tells as much as can be without waiting.
    fn turn(&mut self, reply: &impl Fn(&str, &str) -> Reply) -> io::Result<Turn> {
        let Some((text, taken)) = &mut self.told else { return self.hear(reply) };
        match self.stream.write(text.get(*taken..).unwrap_or_default()) {
            Ok(count) => *taken += count,
            Err(error) => return still(error),
        }
        if *taken < text.len() {
            return Ok(Turn::Moved);
        }
        self.stream.shutdown(Shutdown::Write)?;
        Ok(Turn::Over)
    }

    /// Hears up to the first empty line, the end, or more than is heard; then it is known what to tell.
    fn hear(&mut self, reply: &impl Fn(&str, &str) -> Reply) -> io::Result<Turn> {
        let mut part = [0; 1024];
        let count = match self.stream.read(&mut part) {
            Ok(count) => count,
            Err(error) => return still(error),
        };
        self.head.extend_from_slice(part.get(..count).unwrap_or_default());
        if count == 0 || self.head.len() >= HEAD || is_whole(&self.head) {
            self.told = Some((answer_to(&self.head, reply), 0));
            self.begun = Instant::now();
        }
        Ok(Turn::Moved)
    }
}

fn still(error: io::Error) -> io::Result<Turn> {
    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) { Ok(Turn::Still) } else { Err(error) }
}

/// The whole answer to what was heard.
fn answer_to(head: &[u8], reply: &impl Fn(&str, &str) -> Reply) -> Vec<u8> {
    let (reply, method) = match request(head) {
        Some((method, target)) => (reply(method, target), method),
        None => (Reply::text("400 Bad Request", "this is no request\n"), "GET"),
    };
    let Reply { status, kind, body } = reply;
    let length = body.len();
    let mut text =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    if method != "HEAD" {
        text.push_str(&body);
    }
    text.into_bytes()
}

fn is_whole(head: &[u8]) -> bool {
    memchr::memmem::find(head, b"\r\n\r\n").is_some() || memchr::memmem::find(head, b"\n\n").is_some()
}

/// The method and the target of a request, when it is a whole one.
fn request(head: &[u8]) -> Option<(&str, &str)> {
    let line = std::str::from_utf8(head.split(|byte| *byte == b'\n').next()?).ok()?;
    let mut words = line.trim_end().split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    (is_whole(head) && version.starts_with("HTTP/1.") && words.next().is_none()).then_some((method, target))
}

impl Reply {
    fn text(status: &'static str, body: impl Into<String>) -> Self {
        Self { status, kind: TEXT, body: body.into() }
    }
}

fn reply(method: &str, target: &str, desk: &Desk) -> Reply {
    if !matches!(method, "GET" | "HEAD") {
        return Reply::text("405 Method Not Allowed", "only GET\n");
    }
    match target.split('?').next().unwrap_or_default() {
        "/metrics" => match metrics::text(desk) {
            Ok(body) => {
                Reply { status: "200 OK", kind: "application/openmetrics-text; version=1.0.0; charset=utf-8", body }
            }
            Err(why) => Reply::text("500 Internal Server Error", format!("{why}\n")),
        },
        "/healthz" => {
            let health = desk.health();
            let status = if health["status"] == "unhealthy" { "503 Service Unavailable" } else { "200 OK" };
            Reply { status, kind: "application/json", body: health.to_string() }
        }
        _ => Reply::text("404 Not Found", "there are /metrics and /healthz\n"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn echo(method: &str, target: &str) -> Reply {
        Reply::text("200 OK", format!("{method} {target}"))
    }

    /// Listens until a client, which is handed the address, is done.
    fn serving<T: Send>(
        reply: &(impl Fn(&str, &str) -> Reply + Sync),
        client: impl FnOnce(SocketAddr) -> T + Send,
    ) -> T {
        let server = Server::bind("127.0.0.1:0").unwrap();
        std::thread::scope(|scope| {
            let client = scope.spawn(|| client(server.address()));
            let mut open = Vec::new();
            while !client.is_finished() {
                server.accept(&mut open).unwrap();
                if !take_turns(&mut open, reply) {
                    std::thread::sleep(WINK);
                }
                assert!(open.len() <= AT_ONCE);
            }
            client.join().unwrap()
        })
    }

    /// What is answered to these bytes over a real connection.
    fn answered_at(address: SocketAddr, said: &[u8]) -> String {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(said).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    }

    fn answered(said: &[u8]) -> String {
        serving(&echo, |address| answered_at(address, said))
    }

    #[test]
    fn whoever_says_nothing_or_takes_nothing_keeps_nobody_waiting() {
        let large = |_: &str, target: &str| {
            Reply::text("200 OK", if target == "/large" { "x".repeat(64 << 20) } else { "small".into() })
        };
        let took = serving(&large, |address| {
            let connect = || TcpStream::connect(address).unwrap();
            let mut idle: Vec<TcpStream> = (0..8).map(|_| connect()).collect();
            let mut deaf = connect();
            deaf.write_all(b"GET /large HTTP/1.1\r\n\r\n").unwrap();
            let begun = Instant::now();
            assert!(answered_at(address, b"GET / HTTP/1.1\r\n\r\n").ends_with("small"));
            // More than may be open at a time: the oldest of them give way.
            idle.extend((0..2 * AT_ONCE).map(|_| connect()));
            assert!(answered_at(address, b"GET / HTTP/1.1\r\n\r\n").ends_with("small"));
            begun.elapsed()
        });
        assert!(took < Duration::from_secs(2), "{took:?}");
    }

    #[test]
    fn a_conversation_has_an_end_however_slowly_it_goes_on() {
        serving(&echo, |address| {
            let mut client = TcpStream::connect(address).unwrap();
            let begun = Instant::now();
            // A letter now and then, and never an empty line.
            while client.write_all(b"x").is_ok() {
                assert!(begun.elapsed() < PATIENCE * 2, "it never ends");
                std::thread::sleep(NAP * 4);
            }
        });
    }

    #[test]
    fn an_answer_that_took_long_to_make_is_told_and_so_are_those_that_waited_for_it() {
        let slow = |_: &str, target: &str| {
            if target == "/slow" {
                std::thread::sleep(PATIENCE + NAP);
            }
            Reply::text("200 OK", target)
        };
        serving(&slow, |address| {
            let mut half = TcpStream::connect(address).unwrap();
            half.write_all(b"GET /ha").unwrap();
            let others = ["/slow", "/other"].map(|target| {
                let ask = format!("GET {target} HTTP/1.1\r\n\r\n");
                (target, std::thread::spawn(move || answered_at(address, ask.as_bytes())))
            });
            for (target, answered) in others {
                let text = answered.join().unwrap();
                assert!(text.ends_with(target), "{target}: {text}");
            }
            half.write_all(b"lf HTTP/1.1\r\n\r\n").unwrap();
            let mut text = String::new();
            half.read_to_string(&mut text).unwrap();
            assert!(text.ends_with("/half"), "{text}");
        });
    }

    #[test]
    fn every_address_of_a_name_is_tried_and_only_those_of_this_machine() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let free = SocketAddr::from(([127, 0, 0, 2], address.port()));
        assert_eq!(Server::listen(&[address, free]).unwrap().address(), free);
        for name in ["192.0.2.1:80", "0.0.0.0:0", "nowhere"] {
            assert!(matches!(Server::bind(name), Err(ServeError::NotLoopback(_))), "{name}");
        }
        assert!(matches!(Server::bind(&address.to_string()), Err(ServeError::Listen { .. })));
    }

    #[test]
    fn a_request_is_answered_with_its_length_and_a_head_alone_without_a_body() {
        let text = answered(b"GET /metrics?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("\r\nContent-Length: 16\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\nGET /metrics?x=1"), "{text}");
        let text = answered(b"HEAD /healthz HTTP/1.0\n\n");
        assert!(text.contains("\r\nContent-Length: 13\r\n") && text.ends_with("\r\n\r\n"), "{text}");
    }

    #[test]
    fn what_is_no_whole_request_is_told_so() {
        for said in
            [&b""[..], b"\r\n\r\n", b"GET /metrics\r\n\r\n", b"GET /metrics HTTP/1.1\r\n", b"\xff / HTTP/1.1\n\n"]
        {
            assert!(answered(said).starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said:?}");
        }
        assert!(answered(&[b'x'; HEAD]).starts_with("HTTP/1.1 400 Bad Request\r\n"), "more than is heard");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_bytes_are_a_request_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..64), target in "/[!-~]{0,20}") {
            let _ = request(&bytes);
            let head = format!("GET {target} HTTP/1.1\r\n\r\n");
            prop_assert_eq!(request(head.as_bytes()), Some(("GET", target.as_str())));
        }
    }
}
