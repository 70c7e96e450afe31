//! A line between a client and a server that can be cut, made slow, deaf or dumb.
#![expect(clippy::unwrap_used, reason = "a test makes its own world, and fails when it cannot")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Everything passes.
    Good,
    /// Everything passes, late.
    Slow,
    /// What the server says is swallowed, what the client says arrives: acknowledgements are lost.
    Deaf,
    /// Everything is swallowed, and no end learns of it.
    HalfOpen,
    /// The client takes nothing in: what the server says waits, and what it has to say piles up there.
    Stuck,
    /// Nobody gets through, and everybody who was is cut off.
    Cut,
}

const LINES: [Line; 6] = [Line::Good, Line::Slow, Line::Deaf, Line::HalfOpen, Line::Stuck, Line::Cut];

/// The line.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    line: AtomicU8,
    to: AtomicU16,
    over: AtomicBool,
    room: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
    cue: Mutex<Option<&'static str>>,
}

impl Line {
    fn number(self) -> u8 {
        u8::try_from(LINES.iter().position(|it| *it == self).unwrap()).unwrap()
    }
}

impl Shared {
    fn line(&self) -> Line {
        LINES[usize::from(self.line.load(Ordering::SeqCst))]
    }

    fn hears_its_cue(&self, said: &[u8]) -> bool {
        let mut cue = self.cue.lock().unwrap();
        let heard = cue.is_some_and(|cue| said.windows(cue.len()).any(|part| part == cue.as_bytes()));
        if heard {
            *cue = None;
        }
        heard
    }
}

impl Proxy {
    /// A good line to a port of this machine.
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            line: AtomicU8::new(0),
            to: AtomicU16::new(port),
            over: AtomicBool::new(false),
            room: AtomicUsize::new(usize::MAX),
            open: Mutex::default(),
            cue: Mutex::default(),
        });
        let accepting = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.over.load(Ordering::SeqCst) {
                    break;
                }
                client.map(|client| connect(&client, &accepting)).unwrap_or_default();
            }
        });
        Self { port: own, shared }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Cuts off all but who came first, and lets nobody through any more.
    pub(crate) fn keep_the_first(&self) {
        self.shared.room.store(0, Ordering::SeqCst);
        for stream in self.shared.open.lock().unwrap().drain(2..) {
            stream.shutdown(Shutdown::Both).unwrap_or_default();
        }
    }

    /// Lets everybody through again.
    pub(crate) fn let_in(&self) {
        self.shared.room.store(usize::MAX, Ordering::SeqCst);
    }

    /// Lets one more through, and nobody after that one.
    pub(crate) fn let_one_in(&self) {
        self.shared.room.store(1, Ordering::SeqCst);
    }

    /// Makes the line deaf as soon as the client says these words: the answer to them is lost.
    pub(crate) fn deaf_after(&self, words: &'static str) {
        *self.shared.cue.lock().unwrap() = Some(words);
    }

    /// Makes the line otherwise, for connections that stand too.
    pub(crate) fn set(&self, line: Line) {
        self.shared.line.store(line.number(), Ordering::SeqCst);
        if line == Line::Cut {
            for stream in self.shared.open.lock().unwrap().drain(..) {
                stream.shutdown(Shutdown::Both).unwrap_or_default();
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Line::Cut);
        self.shared.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn connect(client: &TcpStream, shared: &Arc<Shared>) {
    let take = |room: usize| room.checked_sub(1);
    if shared.line() == Line::Cut || shared.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", shared.to.load(Ordering::SeqCst))) else { return };
    let copies = [client, &server].map(|stream| stream.try_clone().unwrap());
    shared.open.lock().unwrap().extend(copies);
    for (from, to, of_server) in [(client, &server, false), (&server, client, true)] {
        let (from, to, shared) = (from.try_clone().unwrap(), to.try_clone().unwrap(), shared.clone());
        thread::spawn(move || carry(from, to, of_server, &shared));
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, of_server: bool, shared: &Shared) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        while of_server && shared.line() == Line::Stuck {
            thread::sleep(Duration::from_millis(10));
        }
        let Ok(length) = from.read(&mut buffer) else { break };
        if !of_server && shared.hears_its_cue(&buffer[..length]) {
            shared.line.store(Line::Deaf.number(), Ordering::SeqCst);
        }
        let swallowed = match shared.line() {
            Line::HalfOpen => true,
            Line::Deaf => of_server,
            Line::Slow => {
                thread::sleep(Duration::from_millis(30));
                false
            }
            Line::Good | Line::Stuck | Line::Cut => false,
        };
        if length == 0 || (!swallowed && to.write_all(&buffer[..length]).is_err()) {
            break;
        }
    }
    for stream in [from, to] {
        stream.shutdown(Shutdown::Both).unwrap_or_default();
    }
}
