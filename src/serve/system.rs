//! What the service manager is told: ready, still alive, stopping. Without one, nothing.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
#[cfg(target_os = "linux")]
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// How often it is looked whether to stop.
const NAP: Duration = Duration::from_millis(100);

/// Says something to the service manager, if there is one: at a path, or at a name that is in no file system and begins with `@`.
fn notify(state: NotifyState<'_>) -> io::Result<()> {
    match abstract_name(std::env::var_os("NOTIFY_SOCKET").as_deref()) {
        Some(name) => notify_abstract(name, &format!("{state}\n")),
        None => sd_notify::notify(&[state]),
    }
}

fn abstract_name(socket: Option<&OsStr>) -> Option<&[u8]> {
    socket?.as_bytes().strip_prefix(b"@")
}

#[cfg(target_os = "linux")]
fn notify_abstract(name: &[u8], message: &str) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt as _;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address).map(drop)
}

#[cfg(not(target_os = "linux"))]
fn notify_abstract(_name: &[u8], _message: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Says that everything has started.
pub(super) fn ready(say: &dyn Fn(String)) {
    if let Err(error) = notify(NotifyState::Ready) {
        say(format!("the service manager does not listen: {error}"));
    }
}

/// Says that it is still alive as often as the service manager wants it, until it is to stop; looks at something else as often.
pub(super) fn guard(stop: &AtomicBool, look: &dyn Fn()) {
    // Twice as often as it is asked for, as systemd advises.
    let pause = sd_notify::watchdog_enabled().map(|longest| longest / 2);
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if pause.is_some_and(|pause| last.elapsed() >= pause) {
            let _ = notify(NotifyState::Watchdog);
            last = Instant::now();
        }
        look();
        std::thread::sleep(NAP);
    }
}

/// Says that it is ending.
pub(super) fn stopping() {
    let _ = notify(NotifyState::Stopping);
}
