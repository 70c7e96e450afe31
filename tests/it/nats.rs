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
use std::time::{Duration, Instant};

use crate::parts::NATS_SERVER;

/// A server that can be killed, started again, and lose its disk.
#[derive(Debug)]
pub(crate) struct Server {
    folder: tempfile::TempDir,
    port: u16,
    extra: String,
    child: Option<Child>,
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

    /// A server that is not started yet; its port is known.
    pub(crate) fn stopped(extra: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let extra = extra.replace("{dir}", folder.path().to_str().unwrap());
        Self { folder, port: free_port(), extra, child: None }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Starts it, or starts it again, and waits until it answers.
    pub(crate) fn up(&mut self) {
        self.down();
        let conf = self.folder.path().join("server.conf");
        let text = format!(
            "listen: 127.0.0.1:{}\nserver_name: test\nlog_file: {}\njetstream {{ store_dir: {}, max_mem: 64M, max_file: 2G }}\n{}\n",
            self.port,
            self.log().display(),
            self.store().display(),
            self.extra
        );
        fs::write(&conf, text).unwrap();
        let mut command = NATS_SERVER.command().unwrap();
        let child = command.arg("-c").arg(&conf).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(child.spawn().unwrap());
        self.wait_until_ready();
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

    /// What it logged.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
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
        self.down();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
