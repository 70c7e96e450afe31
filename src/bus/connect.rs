//! The connection: one client with everything the target says, on a runtime of its own.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::rustls::InvalidMessage;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, ServerAddr, rustls};
use futures_util::future::join_all;
use tokio::runtime::{Builder, Handle, Runtime};

use super::error::BusError;
use super::files::{self, setting, unfit};
use super::link::{Link, Waited};
use super::target::Target;
use crate::domain::delivery::Seen;

/// What no message is larger than: a payload of 256 KiB with everything that stands around it.
pub const LARGEST_MESSAGE: usize = 512 * 1024;
/// A server that takes less is refused. Between the two, an event that is too large for it waits, and what comes after it.
pub const SMALLEST_LIMIT: usize = 256 * 1024;
/// The oldest server that knows the fence's header.
pub const OLDEST_SERVER: (u32, u32, u32) = (2, 11, 0);
/// What a server means that answers in other words than those of TLS.
const NO_TLS: &str =
    "the server does not speak TLS, or not at once; name it by `nats://`, and leave `sync.tls.first` out";
/// What is said of a server that lets itself be reached and says nothing.
const SILENT: &str = "no answer in time";
/// The oldest server with atomic batches that are sound.
const OLDEST_ATOMIC: (u32, u32, u32) = (2, 12, 1);

/// A connection to the bus. Every call waits for its answer, and no longer than its target says a step.
pub struct Bus {
    pub(super) runtime: Engine,
    pub(super) client: Client,
    pub(super) context: Context,
    link: Link,
    target: Target,
    name: String,
    over: Arc<AtomicBool>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("target", &self.target).field("link", &self.link).finish_non_exhaustive()
    }
}

impl Bus {
    /// Connects. From then on the client reconnects for ever by itself, with growing pauses; [`Self::link`] tells.
    ///
    /// # Errors
    /// [`BusError::Unreachable`], [`BusError::Unauthorized`], [`BusError::Tls`], or [`BusError::Setting`] for a file that
    /// cannot be read and a certificate without its key.
    pub fn connect(target: &Target, name: &str, link: Link) -> Result<Self, BusError> {
        Self::connect_with(target, name, link, None)
    }

    /// The same; of each subscription at most so many messages are read ahead of whoever takes them, and more are lost.
    pub(super) fn connect_with(
        target: &Target,
        name: &str,
        link: Link,
        read_ahead: Option<usize>,
    ) -> Result<Self, BusError> {
        let runtime = Engine::start()?;
        let plain = target.without_userinfo();
        let (over, made) = (Arc::new(AtomicBool::new(false)), link.standing().connections);
        let join = |target: &Target, is_ordered: bool| {
            let mut options = options(target, name, Heard { link: link.clone(), over: over.clone() })?;
            if let Some(messages) = read_ahead {
                options = options.subscription_capacity(messages);
            }
            if is_ordered {
                options = options.retain_servers_order();
            }
            let servers = addresses(target)?;
            // Each server of a list gets its time: the first may swallow everything and say nothing.
            let longest = target.patience.saturating_mul(u32::try_from(servers.len()).unwrap_or(u32::MAX));
            match runtime.block_on(link.within(longest, options.connect(servers))) {
                Waited::Done(joined) => joined.map_err(|error| refused(target, &error)),
                Waited::Silence => Err(unreachable(target, SILENT)),
                Waited::Stopping => Err(BusError::Stopping { doing: "connecting" }),
            }
        };
        let client = match join(&plain, false) {
            Err(error @ (BusError::Stopping { .. } | BusError::Setting { .. })) => return Err(error),
            // The client gives up at the first server that refuses it, and tries them by chance.
            Err(error) => match each(&runtime, &plain, name, &link) {
                Each::LetsIn(first) => join(&first, true)?,
                Each::Refuses(worst) => return Err(worst),
                Each::TellsNothing => return Err(error),
            },
            Ok(client) => client,
        };
        link.wait_until_made(made);
        let context = {
            let _entered = runtime.handle().enter();
            let mut context = jetstream::new(client.clone());
            // Longer than we wait: the one who gives up first is the one who knows what silence means.
            context.set_timeout(target.patience * 2);
            context
        };
        Ok(Self { runtime, client, context, link, target: target.clone(), name: name.to_owned(), over })
    }

    /// Another connection to the same place, for what this one may not survive.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn beside(&self) -> Result<Self, BusError> {
        Self::connect(&self.target, &self.name, self.link.beside())
    }

    /// The connection's own state.
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// Whether its client broke down: it reconnects no more, and says nothing of it.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Where it leads.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The server, by name and version.
    pub fn server(&self) -> String {
        let info = self.client.server_info();
        format!("{} (nats-server {})", info.server_name, info.version)
    }

    /// Whether the server takes atomic batches.
    pub fn has_atomic_batches(&self) -> bool {
        version(&self.client.server_info().version) >= OLDEST_ATOMIC
    }

    /// Refuses a server that cannot do what is needed.
    pub(super) fn refuse_unfit_server(&self) -> Result<(), BusError> {
        let info = self.client.server_info();
        if version(&info.version) < OLDEST_SERVER {
            return Err(BusError::ServerTooOld { found: info.version.clone() });
        }
        if info.max_payload < SMALLEST_LIMIT {
            return Err(BusError::PayloadLimit { found: info.max_payload, needed: SMALLEST_LIMIT });
        }
        Ok(())
    }

    /// The most bytes that the server takes as one message, headers and body, as it said last.
    pub fn max_message(&self) -> usize {
        self.client.max_payload()
    }

    /// Waits for something on the bus, at most as long as its target says.
    pub(super) fn wait<T>(&self, doing: &'static str, work: impl Future<Output = T>) -> Result<T, BusError> {
        let before = self.link.standing().violations;
        match self.runtime.block_on(self.link.within(self.target.patience, work)) {
            Waited::Done(done) => Ok(done),
            Waited::Silence => Err(self.silence(doing, before)),
            Waited::Stopping => Err(BusError::Stopping { doing }),
        }
    }

    /// What no answer means: a refused permission is told beside it, and only there.
    pub(super) fn silence(&self, doing: &'static str, violations_before: u64) -> BusError {
        let standing = self.link.standing();
        match standing.denied_since(violations_before).find(|denied| !denied.concerns_answering()) {
            Some(denied) => BusError::Permission(denied.clone()),
            _ if !standing.connected => BusError::Failed { doing, why: "the connection is lost".to_owned() },
            _ => BusError::Silence { doing, patience: self.target.patience },
        }
    }
}

/// The runtime. Who ends does not wait for what is still looked up or answered on its threads.
pub(super) struct Engine(Option<Runtime>, Handle);

impl Engine {
    fn start() -> Result<Self, BusError> {
        let built = Builder::new_multi_thread().worker_threads(1).thread_name("bus").enable_all().build();
        let runtime = built.map_err(|error| BusError::Failed { doing: "starting", why: error.to_string() })?;
        let handle = runtime.handle().clone();
        Ok(Self(Some(runtime), handle))
    }

    /// What tasks are given to.
    pub(super) const fn handle(&self) -> &Handle {
        &self.1
    }

    /// Waits for something.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.1.block_on(work)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a client tells its events. A client that ends, as when the headers of a message make it panic, lets go of it.
struct Heard {
    link: Link,
    over: Arc<AtomicBool>,
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.link.nudge();
    }
}

/// The addresses of the servers. The client takes one without a host for a name to look up.
fn addresses(target: &Target) -> Result<Vec<ServerAddr>, BusError> {
    let read = |server: &String| {
        let unfit = |why: String| BusError::Setting { what: server.clone(), why };
        let address = server.parse::<ServerAddr>().map_err(|error| unfit(chain(&error)))?;
        if address.host().is_empty() { Err(unfit("it names no host".to_owned())) } else { Ok(address) }
    };
    target.servers.iter().map(read).collect()
}

/// What several servers say, each tried by itself.
enum Each {
    /// One lets us in: the target with those first that do.
    LetsIn(Target),
    /// None does: what no retry cures is told first.
    Refuses(BusError),
    /// There is one alone, or none says more than that it is not there.
    TellsNothing,
}

/// Asks each of several servers: the client tries them in an order of its own and tells of the last alone.
fn each(runtime: &Engine, target: &Target, name: &str, link: &Link) -> Each {
    if target.servers.len() < 2 {
        return Each::TellsNothing;
    }
    let alone = target.servers.iter().map(|server| Target { servers: vec![server.clone()], ..target.clone() });
    let tried = alone.map(async |one| {
        let heard = Heard { link: link.beside(), over: Arc::default() };
        let options = options(&one, name, heard)?;
        let connected = tokio::time::timeout(one.patience, options.connect(addresses(&one)?)).await;
        let connected = connected.map_err(|_| unreachable(&one, SILENT))?;
        connected.map(drop).map_err(|error| refused(&one, &error))
    });
    let longest = target.patience.saturating_mul(2);
    let Waited::Done(found) = runtime.block_on(link.within(longest, join_all(tried))) else {
        return Each::TellsNothing;
    };
    if found.iter().any(Result::is_ok) {
        let (first, last): (Vec<_>, Vec<_>) =
            target.servers.iter().cloned().zip(&found).partition(|(_, said)| said.is_ok());
        let servers = first.into_iter().chain(last).map(|(server, _)| server).collect();
        return Each::LetsIn(Target { servers, ..target.clone() });
    }
    let refusals = found.into_iter().filter_map(Result::err).filter(|error| matches!(error.seen(), Seen::Refused(_)));
    let worst = refusals.min_by_key(|error| u8::from(!matches!(error, BusError::Unauthorized { .. })));
    worst.map_or(Each::TellsNothing, Each::Refuses)
}

fn options(target: &Target, name: &str, heard: Heard) -> Result<ConnectOptions, BusError> {
    if !target.has_inbox() {
        let why =
            "it must begin with `_INBOX`, as `_INBOX.ada` does, and hold neither `*` nor `>`, blanks or empty parts";
        return Err(BusError::Setting {
            what: format!("`sync.inbox_prefix` (`{}`)", target.inbox_prefix),
            why: why.to_owned(),
        });
    }
    let mut options = ConnectOptions::new()
        .custom_inbox_prefix(&target.inbox_prefix)
        .name(name)
        .connection_timeout(target.patience)
        .request_timeout(Some(target.patience * 2))
        .ping_interval(Duration::from_secs(15))
        .max_reconnects(None)
        .reconnect_delay_callback(pause)
        .event_callback(move |event| {
            let link = heard.link.clone();
            async move { link.hear(&event) }
        });
    if let Some(path) = &target.credentials {
        options = options.credentials(&files::read(path)?).map_err(|error| setting(path, &error))?;
    }
    if let Some(path) = &target.nkey {
        options = options.nkey(files::seed(path)?);
    }
    if let (Some(user), password) = (&target.user, &target.password) {
        options = options.user_and_password(user.clone(), password.clone().unwrap_or_default());
    }
    if let Some(token) = &target.token {
        options = options.token(token.clone());
    }
    if let Some(path) = &target.tls_authorities {
        files::refuse_no_authority(path)?;
        options = options.add_root_certificates(path.clone());
    }
    match (&target.tls_certificate, &target.tls_key) {
        (Some(certificate), Some(key)) => {
            files::refuse_no_certificate(certificate)?;
            files::refuse_no_key(key)?;
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        (Some(certificate), None) => return Err(unfit(certificate, "`sync.tls.key` (`NATS_KEY`) names no key to it")),
        (None, Some(key)) => {
            return Err(unfit(key, "`sync.tls.certificate` (`NATS_CERT`) names no certificate that it is the key to"));
        }
        (None, None) => {}
    }
    if target.tls_first {
        options = options.tls_first();
    }
    Ok(options)
}

/// Up to 30 s between two attempts, spread by a tenth so that a fleet does not come back as one.
fn pause(attempts: usize) -> Duration {
    let exponent = u32::try_from(attempts).unwrap_or(u32::MAX).min(12);
    let full = 50_u64.saturating_mul(1 << exponent).min(30_000);
    let spread = u64::from(std::process::id()).wrapping_mul(7919).wrapping_add(attempts as u64 * 31) % (full / 10 + 1);
    Duration::from_millis(full - spread)
}

fn refused(target: &Target, error: &async_nats::ConnectError) -> BusError {
    let why = target.redact(&chain(error));
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            BusError::Unauthorized { servers: target.shown().join(", "), why }
        }
        ConnectErrorKind::ServerParse => BusError::Setting { what: target.shown().join(", "), why },
        kind => match (of_tls(error), kind) {
            (Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)), _) => {
                BusError::Tls { servers: target.shown().join(", "), why: NO_TLS.to_owned() }
            }
            (Some(_), _) | (None, ConnectErrorKind::Tls) => BusError::Tls { servers: target.shown().join(", "), why },
            (None, _) => unreachable(target, &why),
        },
    }
}

/// What of TLS stands behind an error, if it does: the client calls most of its trouble an I/O error.
fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // What an I/O error is made of is not its source.
        let inner: Option<&'a (dyn Error + 'static)> = match error.downcast_ref::<io::Error>() {
            Some(error) => error.get_ref().map(|inner| inner as _),
            None => None,
        };
        next = inner.or_else(|| error.source());
    }
    None
}

fn unreachable(target: &Target, why: &str) -> BusError {
    BusError::Unreachable { servers: target.shown().join(", "), why: why.to_owned() }
}

/// An error with what caused it.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

fn version(text: &str) -> (u32, u32, u32) {
    let mut numbers = text.split(['.', '-']).map(|part| part.parse().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version("2.9.10") < OLDEST_SERVER && version("2.10.27") < OLDEST_SERVER);
        assert!(version("2.11.0") >= OLDEST_SERVER && version("2.12.0") < OLDEST_ATOMIC);
        assert!(version("2.15.1-RC.1") >= OLDEST_ATOMIC && version("nonsense") < OLDEST_SERVER);
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let pauses: Vec<Duration> = (0..40).map(pause).collect();
        assert!(pauses[0] <= Duration::from_millis(50));
        assert!(pauses[39] <= Duration::from_secs(30) && pauses[39] >= Duration::from_secs(27));
    }
}
