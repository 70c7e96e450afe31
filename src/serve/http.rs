//! `/metrics` and `/healthz`, for this machine alone.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tiny_http::{Header, Method, Response};

use super::ServeError;
use super::metrics::Metrics;
use crate::app::requests::Desk;

/// How often it is looked whether to stop.
const NAP: Duration = Duration::from_millis(250);

/// A listener on the loopback.
pub(super) struct Server(tiny_http::Server);

impl Server {
    /// Listens; any address but those of this machine alone is refused.
    pub(super) fn bind(address: &str) -> Result<Self, ServeError> {
        let found: Option<SocketAddr> = address.to_socket_addrs().ok().and_then(|mut found| found.next());
        let Some(found) = found.filter(|found| found.ip().is_loopback()) else {
            return Err(ServeError::NotLoopback(address.to_owned()));
        };
        let bound = tiny_http::Server::http(found);
        bound.map(Self).map_err(|error| ServeError::Listen { address: address.to_owned(), why: error.to_string() })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> String {
        self.0.server_addr().to_string()
    }

    /// Answers until it is to stop.
    pub(super) fn answer(&self, desk: &Desk, metrics: &Metrics, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let request = match self.0.recv_timeout(NAP) {
                Ok(Some(request)) => request,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(%error, "a request could not be read");
                    continue;
                }
            };
            let (status, kind, body) = reply(request.method(), request.url(), desk, metrics);
            let mut response = Response::from_string(body).with_status_code(status);
            if let Ok(kind) = Header::from_bytes("Content-Type", kind) {
                response.add_header(kind);
            }
            // Whoever asked may have gone.
            let _ = request.respond(response);
        }
    }
}

fn reply(method: &Method, url: &str, desk: &Desk, metrics: &Metrics) -> (u16, &'static str, String) {
    const TEXT: &str = "text/plain; charset=utf-8";
    if !matches!(method, Method::Get | Method::Head) {
        return (405, TEXT, "only GET\n".to_owned());
    }
    match url.split('?').next().unwrap_or_default() {
        "/metrics" => match metrics.text(desk) {
            Ok(text) => (200, "application/openmetrics-text; version=1.0.0; charset=utf-8", text),
            Err(why) => (500, TEXT, format!("{why}\n")),
        },
        "/healthz" => {
            let health = desk.health();
            let status = if health["status"] == "unhealthy" { 503 } else { 200 };
            (status, "application/json", health.to_string())
        }
        _ => (404, TEXT, "there are /metrics and /healthz\n".to_owned()),
    }
}
