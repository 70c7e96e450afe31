//! Real servers for tests: on free ports of the loopback, each with a store of its own, killed when dropped.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test makes its own world, and fails when it cannot"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::parts::{NATS_SERVER, Part};

/// A server that can be killed, started again, and lose its disk.
#[derive(Debug)]
pub(crate) struct Server {
    folder: tempfile::TempDir,
    port: u16,
    part: Part,
    jetstream: bool,
    extra: String,
    child: Option<Child>,
    strangers: AtomicBool,
}

impl Server {
    /// A server with JetStream.
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// A server with more lines of configuration; `{dir}` in them is a folder of its own.
    pub(crate) fn with(extra: &str) -> Self {
        let mut server = Self::stopped(extra);
        server.up();
        server
    }

    /// A server without JetStream, unless the lines of configuration say otherwise.
    pub(crate) fn without_jetstream(extra: &str) -> Self {
        let mut server = Self::stopped(extra);
        server.jetstream = false;
        server.up();
        server
    }

    /// A server of another version.
    pub(crate) fn of(part: Part) -> Self {
        let mut server = Self::stopped("");
        server.part = part;
        server.up();
        server
    }

    /// A server that is not started yet; its port is known.
    pub(crate) fn stopped(extra: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (none, strangers) = (String::new(), AtomicBool::new(false));
        let mut server =
            Self { folder, port: free_port(), part: NATS_SERVER, jetstream: true, extra: none, child: None, strangers };
        server.configure(extra);
        server
    }

    /// Other lines of configuration, from the next start on.
    pub(crate) fn configure(&mut self, extra: &str) {
        self.extra = extra.replace("{dir}", self.folder.path().to_str().unwrap());
    }

    /// A folder of its own.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Somebody writes to it who keeps no rules.
    pub(crate) fn let_a_stranger_in(&self) {
        self.strangers.store(true, Ordering::Relaxed);
    }

    /// Its port.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Starts it, or starts it again, and waits until it answers.
    pub(crate) fn up(&mut self) {
        self.down();
        let conf = self.write_configuration();
        let mut command = self.part.command().unwrap();
        let child = command.arg("-c").arg(&conf).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(child.spawn().unwrap());
        self.wait_until_ready();
    }

    /// Has it read its configuration again, while it runs.
    pub(crate) fn reload(&mut self, extra: &str) {
        let reloads = |server: &Self| server.said().matches("Reloaded server configuration").count();
        let before = reloads(self);
        self.configure(extra);
        self.write_configuration();
        let pid = rustix::process::Pid::from_child(self.child.as_ref().unwrap());
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
        let begun = Instant::now();
        while reloads(self) == before {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts it again as the newest version.
    pub(crate) fn update(&mut self) {
        self.part = NATS_SERVER;
        self.up();
    }

    /// Kills it at once, as a power cut does to a process.
    pub(crate) fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Deletes everything it stored; it must be down.
    pub(crate) fn lose_disk(&mut self) {
        assert!(self.child.is_none(), "the server is running");
        fs::remove_dir_all(self.store()).unwrap();
    }

    /// Deletes everything it stored, while it runs.
    pub(crate) fn delete_store(&self) {
        fs::remove_dir_all(self.store()).unwrap();
    }

    /// Deletes one of the files with messages of the exchange, and what tells of it; it must be down.
    pub(crate) fn lose_block(&self, number: u32) {
        assert!(self.child.is_none(), "the server is running");
        let messages = self.store().join("jetstream/$G/streams/NIX_LEDGER/msgs");
        fs::remove_file(messages.join(format!("{number}.blk"))).unwrap();
        fs::remove_file(messages.join("index.db")).unwrap_or_default();
    }

    /// What it logged.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn write_configuration(&self) -> PathBuf {
        let conf = self.folder.path().join("server.conf");
        let jetstream = format!("jetstream {{ store_dir: {}, max_mem: 64M, max_file: 2G }}\n", self.store().display());
        let text = format!(
            "listen: 127.0.0.1:{}\nserver_name: test\nlog_file: {}\n{}{}\n",
            self.port,
            self.log().display(),
            if self.jetstream { jetstream.as_str() } else { "" },
            self.extra
        );
        fs::write(&conf, text).unwrap();
        conf
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn wait_until_ready(&self) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                let mut greeting = String::new();
                let tls = self.extra.contains("handshake_first");
                if tls || BufReader::new(stream).read_line(&mut greeting).is_ok_and(|_| greeting.starts_with("INFO")) {
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("nats-server does not start: {}", self.said());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What a test leaves on an exchange is what other services are told to expect there.
        if !std::thread::panicking() && self.child.is_some() && !self.strangers.load(Ordering::Relaxed) {
            crate::contract::assert_exchange(&self.url());
        }
        self.down();
    }
}

/// A port that nobody listens on, each given once: not one that the system gives to whoever connects somewhere meanwhile.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    loop {
        let port = 10_000 + first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
