//! `/metrics` and `/healthz`, for this machine alone: one connection at a time, one request each. Nothing that a client does,
//! and no lack of files or threads, ends the listening.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::ServeError;
use super::metrics::Metrics;
use crate::app::requests::Desk;

/// How often it is looked whether somebody asks, and whether to stop.
const NAP: Duration = Duration::from_millis(50);
/// How long others wait for somebody who asks slowly, or does not take the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than this is no request for what there is here.
const HEAD: usize = 16 * 1024;

const TEXT: &str = "text/plain; charset=utf-8";

/// A listener on the loopback.
pub(super) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// What is answered.
struct Reply {
    status: &'static str,
    kind: &'static str,
    body: String,
}

impl Server {
    /// Listens; any address but those of this machine alone is refused.
    pub(super) fn bind(address: &str) -> Result<Self, ServeError> {
        let found: Option<SocketAddr> = address.to_socket_addrs().ok().and_then(|mut found| found.next());
        let Some(found) = found.filter(|found| found.ip().is_loopback()) else {
            return Err(ServeError::NotLoopback(address.to_owned()));
        };
        Self::listen(found).map_err(|error| ServeError::Listen { address: address.to_owned(), why: error.to_string() })
    }

    fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is to stop.
    pub(super) fn answer(&self, desk: &Desk, metrics: &Metrics, stop: &AtomicBool) {
        let mut said = false;
        while !stop.load(Ordering::Relaxed) {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    said = false;
                    if let Err(error) = converse(stream, |method, target| reply(method, target, desk, metrics)) {
                        tracing::debug!(%error, "whoever asked has gone");
                    }
                }
                Err(error) => {
                    // Whoever asks waits until it can be done, as when no more files may be open.
                    if error.kind() != io::ErrorKind::WouldBlock && !said {
                        tracing::warn!(%error, "no connection can be taken; trying again until it can be done");
                        said = true;
                    }
                    std::thread::sleep(NAP);
                }
            }
        }
    }
}

/// Hears one request and answers it.
fn converse(mut stream: TcpStream, reply: impl FnOnce(&str, &str) -> Reply) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = hear(&mut stream)?;
    let (reply, method) = match request(&head) {
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
    stream.write_all(text.as_bytes())?;
    stream.shutdown(Shutdown::Write)
}

/// What is said up to the first empty line, the end, or more than is heard.
fn hear(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let begun = Instant::now();
    let (mut head, mut part) = (Vec::new(), [0; 1024]);
    while head.len() < HEAD && !is_whole(&head) {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => head.extend_from_slice(part.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
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

fn reply(method: &str, target: &str, desk: &Desk, metrics: &Metrics) -> Reply {
    if !matches!(method, "GET" | "HEAD") {
        return Reply::text("405 Method Not Allowed", "only GET\n");
    }
    match target.split('?').next().unwrap_or_default() {
        "/metrics" => match metrics.text(desk) {
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

    /// What is answered to these bytes over a real connection.
    fn answered(said: &[u8]) -> String {
        let server = Server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(said).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        server.listener.set_nonblocking(false).unwrap();
        let (stream, _) = server.listener.accept().unwrap();
        converse(stream, |method, target| Reply::text("200 OK", format!("{method} {target}"))).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
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
