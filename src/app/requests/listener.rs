//! Where health and metrics are told over HTTP: on this machine alone.

use std::net::{SocketAddr, ToSocketAddrs};

/// An address that others could reach, or none at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of this machine alone; name one like 127.0.0.1:9617, or `off`")]
pub struct NotLoopback(pub String);

/// The addresses of a name like `127.0.0.1:9617`.
///
/// # Errors
/// When there is none, or others reach one of them.
pub fn addresses(name: &str) -> Result<Vec<SocketAddr>, NotLoopback> {
    let found: Vec<SocketAddr> = name.to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    let fits = !found.is_empty() && found.iter().all(|found| found.ip().is_loopback());
    if fits { Ok(found) } else { Err(NotLoopback(name.to_owned())) }
}
