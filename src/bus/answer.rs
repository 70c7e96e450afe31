//! Answering requests: endpoints of one NATS micro service, so that `$SRV.PING`, `INFO` and `STATS` tell of them too.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::HeaderMap;
use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE, Service, ServiceExt};
use futures_util::StreamExt;
use tokio::sync::Semaphore;

use super::connect::{Bus, LARGEST_MESSAGE, chain};
use super::error::BusError;

/// How many requests are answered at a time.
const AT_ONCE: usize = 4;
/// How many requests may wait; the rest is told to try again.
const WAITING: usize = 256;

/// Where requests come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in the service's own words.
    pub name: &'static str,
    /// The subject, wildcards allowed.
    pub subject: String,
    /// Whether one machine of many answers; otherwise every one does.
    pub shared: bool,
}

/// A request, as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its subject.
    pub subject: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header, in any of its spellings.
    pub fn header(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.headers.get(*name)).map(async_nats::HeaderValue::as_str)
    }
}

/// What answers a request; blocking, called on a thread of its own.
pub type Answer = Arc<dyn Fn(&Request) -> Answered + Send + Sync>;

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its body.
    pub body: Vec<u8>,
    /// Why it is no success, for NATS tools, which do not look into bodies.
    pub miss: Option<Miss>,
}

/// Why an answer is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// Whether it is the asker's to see to; otherwise it could not be done.
    pub rejected: bool,
    /// The reply's `code`.
    pub code: String,
}

/// How many answers of an endpoint were no success.
#[derive(Debug, Default)]
struct Missed {
    rejected: AtomicU64,
    failed: AtomicU64,
}

impl Missed {
    fn count(&self, miss: &Miss) {
        let counter = if miss.rejected { &self.rejected } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn told(&self) -> serde_json::Value {
        let number = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        serde_json::json!({ "rejected": number(&self.rejected), "failed": number(&self.failed) })
    }
}

/// Requests are answered until this is dropped.
pub struct Answering {
    service: Option<Service>,
    tasks: Vec<tokio::task::AbortHandle>,
    runtime: tokio::runtime::Handle,
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").field("endpoints", &self.tasks.len()).finish_non_exhaustive()
    }
}

impl Bus {
    /// Answers requests on these endpoints, as a service of this name and version.
    ///
    /// # Errors
    /// When the server does not take the subscriptions.
    pub fn answer(
        &self,
        (name, version, description): (&str, &str, &str),
        endpoints: &[Endpoint],
        answer: &Answer,
    ) -> Result<Answering, BusError> {
        let doing = "offering to answer requests";
        let failed = |why: String| BusError::Failed { doing, why };
        let missed: HashMap<&str, Arc<Missed>> = endpoints.iter().map(|one| (one.name, Arc::default())).collect();
        // The library's own `num_errors` counts answers without a body, and ours have one.
        let told = missed.clone();
        let stats = move |endpoint: String, _| told.get(endpoint.as_str()).map_or_else(Default::default, |m| m.told());
        let starting = self.client.service_builder().description(description).stats_handler(stats).start(name, version);
        let service = self.wait(doing, starting)?.map_err(|error| failed(error.to_string()))?;
        let (busy, waiting) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(WAITING)));
        let mut tasks = Vec::with_capacity(endpoints.len());
        for endpoint in endpoints {
            let group = if endpoint.shared { name.to_owned() } else { self.client.new_inbox() };
            let adding =
                service.endpoint_builder().name(endpoint.name).queue_group(group).add(endpoint.subject.as_str());
            let mut requests = self.wait(doing, adding)?.map_err(|error| failed(error.to_string()))?;
            let (answer, busy, waiting) = (answer.clone(), busy.clone(), waiting.clone());
            let missed = missed.get(endpoint.name).cloned().unwrap_or_default();
            let task = self.runtime.handle().spawn(async move {
                while let Some(request) = requests.next().await {
                    let Ok(place) = waiting.clone().try_acquire_owned() else {
                        respond(&request, too_busy(), &missed).await;
                        continue;
                    };
                    tokio::spawn(reply(request, answer.clone(), busy.clone(), missed.clone(), place));
                }
            });
            tasks.push(task.abort_handle());
        }
        Ok(Answering { service: Some(service), tasks, runtime: self.runtime.handle().clone() })
    }

    /// Tells whoever listens, without waiting for anybody.
    ///
    /// # Errors
    /// When the connection does not take it.
    pub fn announce(&self, subject: &str, body: Vec<u8>) -> Result<(), BusError> {
        let doing = "announcing";
        let said = self.wait(doing, self.client.publish(subject.to_owned(), body.into()))?;
        said.map_err(|error| BusError::Failed { doing, why: chain(&error) })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        if let Some(service) = self.service.take() {
            self.runtime.spawn(service.stop());
        }
    }
}

async fn reply(
    request: async_nats::service::Request,
    answer: Answer,
    busy: Arc<Semaphore>,
    missed: Arc<Missed>,
    _waiting: tokio::sync::OwnedSemaphorePermit,
) {
    let Ok(_turn) = busy.acquire_owned().await else { return };
    let asked = Request {
        subject: request.message.subject.to_string(),
        headers: request.message.headers.clone().unwrap_or_default(),
        body: request.message.payload.to_vec(),
    };
    // A panic in an answer is an answer, too: silence would make the asker wait.
    let answered = tokio::task::spawn_blocking(move || answer(&asked)).await;
    let answered = match answered {
        Ok(answered) if answered.body.len() > LARGEST_MESSAGE => {
            error("too_large", "the answer is larger than a message may be; ask for less")
        }
        Ok(answered) => answered,
        Err(_) => error("internal", "the request could not be answered; this is a mistake in cim-nix"),
    };
    respond(&request, answered, &missed).await;
}

async fn respond(request: &async_nats::service::Request, answered: Answered, missed: &Missed) {
    let mut headers = HeaderMap::new();
    if let Some(miss) = &answered.miss {
        missed.count(miss);
        headers.insert(NATS_SERVICE_ERROR, miss.code.as_str());
        headers.insert(NATS_SERVICE_ERROR_CODE, if miss.rejected { "400" } else { "500" });
    }
    if let Err(error) = request.respond_with_headers(Ok(answered.body.into()), headers).await {
        tracing::debug!(%error, "nobody waits for the answer");
    }
}

fn too_busy() -> Answered {
    error("busy", "too many requests wait; ask again later")
}

fn error(code: &str, message: &str) -> Answered {
    let body = serde_json::json!({ "ok": false, "status": "error", "code": code, "message": message, "events": [] });
    Answered { body: body.to_string().into(), miss: Some(Miss { rejected: false, code: code.to_owned() }) }
}
