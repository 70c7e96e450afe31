//! Answering requests: endpoints of one NATS micro service. Only inboxes are answered.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE};
use async_nats::{Client, HeaderMap, Message, Subscriber};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::connect::{Bus, LARGEST_MESSAGE, chain};
use super::denied::TOOLS;
use super::denied::{Act, Denied};
use super::error::BusError;
use super::link::{Link, Standing};
use super::service::{Service, inbox, is_led_astray, say};
use super::target::Target;

/// How many requests are answered at a time.
const AT_ONCE: usize = 4;
/// How many requests may wait; the rest is told to try again.
const WAITING: usize = 256;
/// How many requests of a subject are read before they are looked at; when more come faster than they can be refused, they are lost.
const READ_AHEAD: usize = 512;
/// The most bytes of a request, headers and body: no command or query comes near, and so many of them may wait.
const LARGEST_REQUEST: usize = 64 * 1024;
/// The most bytes of an answer's headers: a code of at most some dozen letters.
const HEADERS: usize = 256;
/// How long a machine that does a command has to say that it is there. It answers at once; where nobody is, the server does.
const BEACON: Duration = Duration::from_secs(1);

/// The service, as others know it.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// What it is.
    pub description: &'a str,
    /// Which of many machines it is.
    pub origin: &'a str,
    /// Since when it is there, in microseconds since 1970 UTC.
    pub since: i64,
}

/// Where requests come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in the service's own words.
    pub name: String,
    /// The subject, wildcards allowed.
    pub subject: String,
    /// Which machines answer.
    pub who: Who,
}

/// Which of many machines answer what comes to a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Every one.
    Each,
    /// One of all.
    One,
    /// One of those that do it; the subject has no wildcards. The others can find out that it is there.
    Doer,
    /// One of all, unless a doer does: so that who would refuse takes nothing away from who would not.
    Otherwise,
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

/// Requests are answered until this is dropped. Once the process is to end, nothing more is taken, and what was taken and not begun is
/// refused.
pub struct Answering {
    offer: Offer,
    /// What is listened to, as a permission names it, each with what listens.
    tasks: Vec<(String, JoinHandle<()>)>,
    /// How often the server had refused a permission when it was asked last to let us listen.
    violations: u64,
    runtime: tokio::runtime::Handle,
    client: Client,
}

/// What is offered.
struct Offer {
    service: Arc<Service>,
    endpoints: Vec<Endpoint>,
    answer: Answer,
    origin: Arc<str>,
    busy: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Answering {
    /// Waits until all that was taken is answered, and the server has the answers; at most until a moment. True when that is so. Only
    /// once the process is to end does it come to that. While the server is away, what is begun is all that is waited for.
    pub fn finish(&mut self, until: Instant) -> bool {
        let (tasks, waiting, client) = (&mut self.tasks, &self.offer.waiting, &self.client);
        // A client that makes its connection anew does nothing else: by it nothing comes, and nothing goes.
        let connected = client.connection_state() == State::Connected;
        let finishing = async {
            while connected && let Some((_, task)) = tasks.last_mut() {
                // Its panic is not for this thread, which waits for the others.
                let _ = task.await;
                tasks.pop();
            }
            let all = u32::try_from(WAITING).unwrap_or(u32::MAX);
            drop(waiting.acquire_many(all).await);
            !connected || client.flush().await.is_ok()
        };
        let longest = until.saturating_duration_since(Instant::now());
        self.runtime.block_on(async { tokio::time::timeout(longest, finishing).await }).unwrap_or(false)
    }
}

impl Answering {
    /// What the server does not let this account listen to, as its connection stands: what is asked there is not heard.
    pub fn unheard(&self, standing: &Standing) -> Vec<String> {
        let refused = standing.denied_since(self.violations.max(standing.violations_before));
        let ours = |denied: &&Denied| {
            denied.act == Act::Subscribe && self.tasks.iter().any(|(subject, _)| *subject == denied.subject)
        };
        let mut unheard: Vec<String> = refused.filter(ours).map(|denied| denied.subject.clone()).collect();
        unheard.sort_unstable();
        unheard
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").field("endpoints", &self.tasks.len()).finish_non_exhaustive()
    }
}

impl Bus {
    /// Connects to answer requests: whoever asks, and how fast, is for others to say.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn connect_to_answer(target: &Target, name: &str, link: Link) -> Result<Self, BusError> {
        Self::connect_with(target, name, link, Some(READ_AHEAD))
    }

    /// Answers requests on these endpoints, as a service of this name and version.
    ///
    /// # Errors
    /// When the server does not take the subscriptions.
    pub fn answer(&self, about: About<'_>, endpoints: &[Endpoint], answer: &Answer) -> Result<Answering, BusError> {
        let inbox = self.client.new_inbox();
        let service = Arc::new(Service::new(&about, inbox.rsplit('.').next().unwrap_or(&inbox).to_owned()));
        let (busy, waiting) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(WAITING)));
        let (endpoints, answer, origin) = (endpoints.to_vec(), answer.clone(), about.origin.into());
        let offer = Offer { service, endpoints, answer, origin, busy, waiting };
        let (runtime, client) = (self.runtime.handle().clone(), self.client.clone());
        let violations = self.link().standing().violations;
        let mut answering = Answering { offer, tasks: Vec::new(), violations, runtime, client };
        self.listen(&mut answering, &|_| true)?;
        Ok(answering)
    }

    /// Asks the server once more to let us listen to what it did not.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn listen_again(&self, answering: &mut Answering, subjects: &[String]) -> Result<(), BusError> {
        answering.violations = self.link().standing().violations;
        answering.tasks.retain(|(subject, task)| {
            let stays = !subjects.contains(subject);
            if !stays {
                task.abort();
            }
            stays
        });
        self.listen(answering, &|subject| subjects.iter().any(|wanted| wanted == subject))
    }

    fn listen(&self, answering: &mut Answering, wanted: &dyn Fn(&str) -> bool) -> Result<(), BusError> {
        let doing = "offering to answer requests";
        let Answering { offer, tasks, .. } = answering;
        let (service, name) = (&offer.service, offer.service.name());
        for endpoint in &offer.endpoints {
            if wanted(&endpoint.subject) {
                let group = match endpoint.who {
                    Who::Each => self.client.new_inbox(),
                    Who::One | Who::Doer => name.to_owned(),
                    Who::Otherwise => format!("{name}-otherwise"),
                };
                service.offer(&endpoint.name, &endpoint.subject, &group);
                let requests = self.wait(doing, self.client.queue_subscribe(endpoint.subject.clone(), group))?;
                let requests = requests.map_err(|error| BusError::Failed { doing, why: chain(&error) })?;
                let serving = self.desk(offer, endpoint).serve(requests, offer.waiting.clone());
                tasks.push((endpoint.subject.clone(), self.runtime.handle().spawn(serving)));
            }
            let lit = beacon(name, &endpoint.subject);
            if endpoint.who == Who::Doer && wanted(&lit) {
                let told = || Ok(b"{\"ok\":true}".to_vec());
                let task = self.tell(doing, &lit, Some(name), told)?;
                tasks.push((lit, task));
            }
        }
        for (subject, verb) in service.subjects().filter(|_| wanted(TOOLS)) {
            let about = Arc::clone(service);
            let task = self.tell(doing, &subject, None, move || about.tell(&verb))?;
            tasks.push((TOOLS.to_owned(), task));
        }
        Ok(())
    }

    fn desk(&self, offer: &Offer, endpoint: &Endpoint) -> Desk {
        Desk {
            answer: offer.answer.clone(),
            busy: offer.busy.clone(),
            service: offer.service.clone(),
            endpoint: endpoint.name.as_str().into(),
            origin: offer.origin.clone(),
            client: self.client.clone(),
            waits: endpoint.who == Who::Otherwise,
            link: self.link().clone(),
        }
    }

    /// Answers at once what it knows, to whoever asks on a subject; in a queue, one of those in it does.
    fn tell(
        &self,
        doing: &'static str,
        subject: &str,
        queue: Option<&str>,
        told: impl Fn() -> serde_json::Result<Vec<u8>> + Send + 'static,
    ) -> Result<JoinHandle<()>, BusError> {
        let subject = subject.to_owned();
        let listening = match queue {
            Some(queue) => self.wait(doing, self.client.queue_subscribe(subject, queue.to_owned()))?,
            None => self.wait(doing, self.client.subscribe(subject))?,
        };
        let mut asked = listening.map_err(|error| BusError::Failed { doing, why: chain(&error) })?;
        let (client, link) = (self.client.clone(), self.link().clone());
        Ok(self.runtime.handle().spawn(async move {
            let mut stopped = pin!(link.stopped());
            while let Either::Left((Some(message), _)) = select(asked.next(), stopped.as_mut()).await {
                if let (Some(inbox), Ok(told)) = (inbox(&message), told()) {
                    say(&client, inbox, HeaderMap::new(), told).await;
                }
            }
        }))
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
        for (_, task) in &self.tasks {
            task.abort();
        }
    }
}

/// What answers the requests of one endpoint.
#[derive(Clone)]
struct Desk {
    answer: Answer,
    busy: Arc<Semaphore>,
    service: Arc<Service>,
    endpoint: Arc<str>,
    origin: Arc<str>,
    client: Client,
    /// Whether it is asked first whether somebody else does it.
    waits: bool,
    /// Says when the process is to end.
    link: Link,
}

impl Desk {
    /// Takes requests until the process is to end, and then those that have come by then.
    async fn serve(self, mut requests: Subscriber, waiting: Arc<Semaphore>) {
        let take = |message: Message| {
            let (desk, waiting, came) = (self.clone(), waiting.clone(), Instant::now());
            async move {
                if is_led_astray(&message) {
                    tracing::debug!(subject = %message.subject, reply = ?message.reply, "neither answered nor done");
                } else if message.length > LARGEST_REQUEST {
                    desk.respond(&message, came, desk.oversized()).await;
                } else if let Ok(place) = waiting.try_acquire_owned() {
                    drop(tokio::spawn(desk.reply((message, came), place)));
                } else {
                    desk.respond(&message, came, desk.too_busy()).await;
                }
            }
        };
        {
            let mut stopped = pin!(self.link.stopped());
            while let Either::Left((next, _)) = select(requests.next(), stopped.as_mut()).await {
                let Some(request) = next else { return };
                take(request).await;
            }
        }
        if let Err(error) = requests.unsubscribe().await {
            tracing::debug!(%error, "the connection is gone");
            return;
        }
        while let Some(request) = requests.next().await {
            take(request).await;
        }
    }

    async fn reply(self, (mut message, came): (Message, Instant), _waiting: tokio::sync::OwnedSemaphorePermit) {
        // What waits holds its own bytes alone: as it came, it holds all that the client read with it.
        message.payload = message.payload.to_vec().into();
        if self.waits && is_lit(&self.client, self.service.name(), &message.subject).await {
            return;
        }
        let Ok(_turn) = self.busy.clone().acquire_owned().await else { return };
        if self.link.is_stopping() {
            return self.respond(&message, came, self.stopping()).await;
        }
        let asked = Request {
            subject: message.subject.to_string(),
            headers: message.headers.clone().unwrap_or_default(),
            body: message.payload.to_vec(),
        };
        // A panic in an answer is an answer, too: silence would make the asker wait.
        let answer = self.answer.clone();
        let answered = tokio::task::spawn_blocking(move || answer(&asked)).await;
        let answered = match answered {
            Ok(answered) if answered.body.len() > self.largest_answer() => {
                self.error("too_large", "the answer is larger than a message may be; ask for less")
            }
            Ok(answered) => answered,
            Err(_) => self.error("internal", "the request could not be answered; this is a mistake in cim-nix"),
        };
        self.respond(&message, came, answered).await;
    }

    /// How many bytes an answer may have: the server refuses what is larger than it takes, headers and body together.
    fn largest_answer(&self) -> usize {
        LARGEST_MESSAGE.min(self.client.max_payload().saturating_sub(HEADERS))
    }

    async fn respond(&self, message: &Message, came: Instant, answered: Answered) {
        let mut headers = HeaderMap::new();
        self.service.count(&self.endpoint, came.elapsed(), answered.miss.as_ref());
        if let Some(miss) = &answered.miss {
            headers.insert(NATS_SERVICE_ERROR, miss.code.as_str());
            headers.insert(NATS_SERVICE_ERROR_CODE, if miss.rejected { "400" } else { "500" });
        }
        if let Some(inbox) = inbox(message) {
            say(&self.client, inbox, headers, answered.body).await;
        }
    }

    fn too_busy(&self) -> Answered {
        self.error("busy", "too many requests wait; ask again later")
    }

    fn oversized(&self) -> Answered {
        let kib = LARGEST_REQUEST / 1024;
        self.refusal(true, "oversized", &format!("a request has at most {kib} KiB, headers and body together"))
    }

    fn stopping(&self) -> Answered {
        self.refusal(true, "stopping", "the service stops, and has not begun with it; ask again later")
    }

    fn error(&self, code: &str, message: &str) -> Answered {
        self.refusal(false, code, message)
    }

    fn refusal(&self, rejected: bool, code: &str, message: &str) -> Answered {
        let status = if rejected { "rejected" } else { "error" };
        let body = serde_json::json!({
            "ok": false, "status": status, "code": code, "message": message, "events": [], "answered_by": &*self.origin,
        });
        Answered { body: body.to_string().into(), miss: Some(Miss { rejected, code: code.to_owned() }) }
    }
}

/// Whether somebody does what is asked for on a subject. Where nobody is there to say so, the server says that at once.
async fn is_lit(client: &Client, name: &str, subject: &str) -> bool {
    let asking = async_nats::Request::new().timeout(Some(BEACON));
    client.send_request(beacon(name, subject), asking).await.is_ok()
}

/// Where those who do what is asked for on a subject say that they are there.
fn beacon(name: &str, subject: &str) -> String {
    format!("discovery.{name}.{subject}")
}
