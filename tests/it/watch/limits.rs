//! A system that watches little or nothing: told once, with the next step, in health and in the metrics; and watched as
//! soon as it can be.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{describe, lock};
use crate::scan::Estate;

/// Sets a limit of the system for one process, and takes it away when it hears a line; ends the process with the next.
const LIMITED: &str =
    "echo \"$1\" > \"$0\"; shift; \"$@\" & read line || :; echo 100000 > \"$0\"; read line || :; kill $!; wait $!";

/// A process that serves an estate under a limit.
struct Limited<'a> {
    estate: &'a Estate,
    child: Child,
    said_to: std::path::PathBuf,
}

impl<'a> Limited<'a> {
    fn start(estate: &'a Estate, limit: &str, number: &str, interval: &str) -> Self {
        let said_to = estate.database().with_extension("said");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "sh", "-ec", LIMITED]).arg(format!("/proc/sys/user/{limit}")).arg(number);
        command.arg(env!("CARGO_BIN_EXE_cim-nix")).args(["serve", "--listen", "127.0.0.1:0", "--interval", interval]);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", estate.database().with_extension("home"));
        command.env("CIM_NIX_DB", estate.database()).env("CIM_NIX_SYSTEM_ROOT", estate.root());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(fs::File::create(&said_to).expect("a file"));
        let child = command.spawn().expect("unshare runs");
        Self { estate, child, said_to }
    }

    /// Lets the script go on.
    fn go_on(&mut self) {
        self.child.stdin.as_mut().expect("a pipe").write_all(b"\n").expect("it listens");
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said_to).expect("what was said")
    }

    fn ask(&self, target: &str) -> Option<String> {
        let said = self.said();
        let address = said.split("http://").nth(1)?.lines().next()?;
        let mut stream = TcpStream::connect(address).ok()?;
        write!(stream, "GET {target} HTTP/1.0\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// The health once this check says so.
    fn until(&self, status: &str) -> (Value, String) {
        let begun = Instant::now();
        loop {
            let health: Value =
                self.ask("/healthz").map_or(Value::Null, |body| serde_json::from_str(&body).expect("JSON"));
            if health["checks"]["watching"]["status"] == status {
                return (health, self.ask("/metrics").expect("metrics"));
            }
            assert!(begun.elapsed() < Duration::from_secs(15), "not {status}: {health:#}\n{}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn until_recorded(&self, kind: &str) {
        let begun = Instant::now();
        while self.estate.types().last().map(String::as_str) != Some(kind) {
            assert!(begun.elapsed() < Duration::from_secs(15), "{:#?}\n{}", self.estate.types(), self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn end(mut self) -> String {
        self.go_on();
        self.child.wait().expect("it ends");
        self.said()
    }
}

impl Drop for Limited<'_> {
    fn drop(&mut self) {
        // The script ends what it started when it hears nothing more.
        drop(self.child.stdin.take());
        self.child.wait().map(drop).unwrap_or_default();
    }
}

#[test]
fn directories_that_the_system_does_not_watch_are_told_once_and_watched_when_they_can_be() {
    let estate = Estate::new();
    for path in ["a", "b", "c"] {
        describe(&estate, path, "first");
    }
    estate.scan();
    let mut limited = Limited::start(&estate, "max_inotify_watches", "3", "3600");
    let (health, metrics) = limited.until("warning");
    assert_eq!(health["status"], "degraded");
    let message = "1 of 4 directories are not watched, and wait for the next scan of everything: the system watches no more \
                   of them for this user; raise the limit, as with `sysctl fs.inotify.max_user_watches=1048576`";
    assert_eq!(health["checks"]["watching"]["message"], message);
    assert!(metrics.contains("\ncim_nix_watched_directories 3\n"), "{metrics}");
    assert!(metrics.contains("\ncim_nix_unwatched_directories 1\n"), "{metrics}");
    // More of them are no news.
    describe(&estate, "d", "first");
    limited.until_recorded("flake.discovered");
    limited.go_on();
    std::thread::sleep(super::SETTLED);
    estate.write("a/flake.lock", &lock('a'));
    let (health, metrics) = limited.until("ok");
    assert_eq!(
        (&health["status"], &health["checks"]["watching"]["message"]),
        (&"healthy".into(), &"5 directories are watched".into())
    );
    assert!(metrics.contains("\ncim_nix_unwatched_directories 0\n"), "{metrics}");
    describe(&estate, "d", "second");
    limited.until_recorded("flake.description_changed");
    let said = limited.end();
    assert_eq!(said.matches("not watched").count(), 1, "{said}");
    assert!(said.contains(message), "{said}");
}

#[test]
fn a_system_that_gives_no_watcher_is_told_once_and_asked_again_with_every_scan_of_everything() {
    let estate = Estate::new();
    describe(&estate, "a", "first");
    estate.scan();
    let mut limited = Limited::start(&estate, "max_inotify_instances", "0", "1");
    let (health, _) = limited.until("warning");
    assert_eq!(health["status"], "degraded");
    let message = "2 of 2 directories are not watched, and wait for the next scan of everything: the system gives this user \
                   no more watchers; end other programs that watch files, or raise the limit, as with `sysctl \
                   fs.inotify.max_user_instances=1024`";
    assert_eq!(health["checks"]["watching"]["message"], message);
    describe(&estate, "a", "second");
    limited.until_recorded("flake.description_changed");
    limited.go_on();
    let (health, _) = limited.until("ok");
    assert_eq!(health["status"], "healthy");
    let said = limited.end();
    assert_eq!(said.matches("not watched").count(), 1, "{said}");
}
