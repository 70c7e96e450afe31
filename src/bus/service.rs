//! The service as NATS tools look for it, with what it has done: `$SRV.PING`, `INFO` and `STATS`.
//!
//! The library's own service answers wherever a request says. Ours answers to inboxes alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::service::endpoint::{Info as EndpointInfo, Stats};
use async_nats::service::{Info, PingResponse, Verb};
use async_nats::{Client, HeaderMap, Message, Subject};
use serde_json::json;

use super::answer::{About, Miss};
use super::envelope::Time;

/// The service and its endpoints.
#[derive(Debug)]
pub(super) struct Service {
    name: String,
    version: String,
    description: String,
    id: String,
    since: Time,
    endpoints: Mutex<BTreeMap<String, Endpoint>>,
}

/// What is known of an endpoint.
#[derive(Debug, Default)]
struct Endpoint {
    subject: String,
    group: String,
    requests: usize,
    took: Duration,
    rejected: u64,
    failed: u64,
}

/// Where an answer may go: an inbox, which begins with `_` by its convention, as what stands for one of another account does.
/// Who asks could name any other subject, and this machine would publish there in the asker's place.
pub(super) fn inbox(asked: &Message) -> Option<Subject> {
    asked.reply.clone().filter(|reply| reply.starts_with('_'))
}

/// Whether somebody asks for an answer where none may go, or the server sends what a stream holds: who may only read names the
/// subject to which that goes.
pub(super) fn is_led_astray(asked: &Message) -> bool {
    let is_stored = asked.headers.as_ref().is_some_and(|headers| headers.get("Nats-Stream").is_some());
    is_stored || asked.reply.is_some() && inbox(asked).is_none()
}

impl Service {
    /// A service that begins now, under an id that no other has.
    pub(super) fn new(about: &About<'_>, id: String) -> Self {
        Self {
            name: about.name.to_owned(),
            version: about.version.to_owned(),
            description: about.description.to_owned(),
            id,
            since: Time(about.since),
            endpoints: Mutex::default(),
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where NATS tools ask, of all services, of those of its name, and of this one alone.
    pub(super) fn subjects(&self) -> impl Iterator<Item = (String, Verb)> {
        let rests = [String::new(), format!(".{}", self.name), format!(".{}.{}", self.name, self.id)];
        rests
            .into_iter()
            .flat_map(|rest| [Verb::Ping, Verb::Info, Verb::Stats].map(|verb| (format!("$SRV.{verb}{rest}"), verb)))
    }

    /// An endpoint is listened to, in a queue group.
    pub(super) fn offer(&self, name: &str, subject: &str, group: &str) {
        let mut endpoints = self.endpoints();
        let endpoint = endpoints.entry(name.to_owned()).or_default();
        (endpoint.subject, endpoint.group) = (subject.to_owned(), group.to_owned());
    }

    /// Counts a request that was answered.
    pub(super) fn count(&self, endpoint: &str, took: Duration, miss: Option<&Miss>) {
        let mut endpoints = self.endpoints();
        let Some(endpoint) = endpoints.get_mut(endpoint) else { return };
        endpoint.requests += 1;
        endpoint.took += took;
        match miss {
            Some(miss) if miss.rejected => endpoint.rejected += 1,
            Some(_) => endpoint.failed += 1,
            None => {}
        }
    }

    fn endpoints(&self) -> MutexGuard<'_, BTreeMap<String, Endpoint>> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is told of it.
    pub(super) fn tell(&self, verb: &Verb) -> serde_json::Result<Vec<u8>> {
        let (name, id, version) = (self.name.clone(), self.id.clone(), self.version.clone());
        match verb {
            Verb::Info => serde_json::to_vec(&Info {
                kind: "io.nats.micro.v1.info_response".to_owned(),
                name,
                id,
                description: self.description.clone(),
                version,
                metadata: HashMap::new(),
                endpoints: self.endpoints().iter().map(|(name, endpoint)| endpoint.info(name)).collect(),
            }),
            Verb::Stats => {
                let endpoints: Vec<Stats> =
                    self.endpoints().iter().map(|(name, endpoint)| endpoint.stats(name)).collect();
                serde_json::to_vec(&json!({
                    "type": "io.nats.micro.v1.stats_response", "name": name, "id": id, "version": version, "metadata": {},
                    "started": self.since, "endpoints": endpoints,
                }))
            }
            Verb::Ping | Verb::Schema => serde_json::to_vec(&PingResponse {
                kind: "io.nats.micro.v1.ping_response".to_owned(),
                name,
                id,
                version,
                metadata: HashMap::new(),
            }),
        }
    }
}

impl Endpoint {
    fn info(&self, name: &str) -> EndpointInfo {
        let (name, subject, queue_group) = (name.to_owned(), self.subject.clone(), self.group.clone());
        EndpointInfo { name, subject, queue_group, metadata: HashMap::new() }
    }

    fn stats(&self, name: &str) -> Stats {
        let average = u32::try_from(self.requests).ok().and_then(|requests| self.took.checked_div(requests));
        Stats {
            name: name.to_owned(),
            subject: self.subject.clone(),
            requests: self.requests,
            processing_time: self.took,
            average_processing_time: average.unwrap_or_default(),
            data: Some(json!({ "rejected": self.rejected, "failed": self.failed })),
            queue_group: self.group.clone(),
            ..Stats::default()
        }
    }
}

/// Sends an answer, which nobody may be waiting for any more.
pub(super) async fn say(client: &Client, inbox: Subject, headers: HeaderMap, body: Vec<u8>) {
    let said = if headers.is_empty() {
        client.publish(inbox, body.into()).await
    } else {
        client.publish_with_headers(inbox, headers, body.into()).await
    };
    if let Err(error) = said {
        tracing::debug!(%error, "nobody waits for the answer");
    }
}
