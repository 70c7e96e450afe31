//! An administrator of a server: looks at streams and changes them as it likes.

use std::time::Duration;

use cim_domain_nix::app::ledger::Who;
use cim_domain_nix::app::sync::{Place, SyncError, setup};
use cim_domain_nix::bus::{Layout, Target};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::machine::target;
use crate::nats::Server;

/// Whoever may do everything.
pub(super) struct Admin {
    runtime: tokio::runtime::Runtime,
    client: async_nats::Client,
    place: Place,
}

impl Admin {
    /// Of a server that lets everybody in.
    pub(super) fn of(server: &Server) -> Self {
        Self::at(target(&server.url()), async_nats::ConnectOptions::new())
    }

    /// Of a server that knows the user `admin` with the password `all`.
    pub(super) fn known_to(server: &Server) -> Self {
        let mut target = target(&server.url());
        (target.user, target.password) = (Some("admin".to_owned()), Some("all".to_owned()));
        Self::at(target, async_nats::ConnectOptions::with_user_and_password("admin".to_owned(), "all".to_owned()))
    }

    fn at(target: Target, options: async_nats::ConnectOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = options.request_timeout(Some(Duration::from_secs(10)));
        let client = runtime.block_on(options.connect(target.servers.clone())).unwrap();
        Self { runtime, client, place: Place { target, layout: Layout::default() } }
    }

    /// `cim-nix sync setup`.
    pub(super) fn set_up(&self, upgrade: bool) -> Result<setup::Done, SyncError> {
        self.set_up_as(&self.place.layout, upgrade)
    }

    /// The same, with other names and limits.
    pub(super) fn set_up_as(&self, layout: &Layout, upgrade: bool) -> Result<setup::Done, SyncError> {
        let who = Who { host: "admin".to_owned(), user: "admin".to_owned() };
        setup::set_up(&who, &Place { layout: layout.clone(), ..self.place.clone() }, true, upgrade)
    }

    /// A call of the server's own interface; its answer.
    pub(super) fn call(&self, subject: &str, body: &Value) -> Value {
        let asked = self.client.request(format!("$JS.API.{subject}"), body.to_string().into());
        let answer: Value = serde_json::from_slice(&self.runtime.block_on(asked).unwrap().payload).unwrap();
        assert!(answer["error"].is_null(), "{subject}: {answer}");
        answer
    }

    /// Asks a machine; none when nobody answers.
    pub(super) fn ask(&self, subject: &str) -> Option<Value> {
        let request = async_nats::Request::new().payload("{}".into()).timeout(Some(Duration::from_secs(3)));
        let reply = self.runtime.block_on(self.client.send_request(subject.to_owned(), request)).ok()?;
        Some(serde_json::from_slice(&reply.payload).unwrap())
    }

    /// What the server says of a stream.
    pub(super) fn info(&self, stream: &str) -> Value {
        self.call(&format!("STREAM.INFO.{stream}"), &json!({}))
    }

    /// Changes some of a stream's configuration.
    pub(super) fn change(&self, stream: &str, changes: &Value) {
        let mut config = self.info(stream)["config"].clone();
        for (key, value) in changes.as_object().unwrap() {
            config[key] = value.clone();
        }
        self.call(&format!("STREAM.UPDATE.{stream}"), &config);
    }

    /// Listens to a subject and says nothing, as long as this lives.
    pub(super) fn swallow(&self, subject: &'static str) {
        let mut heard = self.runtime.block_on(self.client.subscribe(subject)).unwrap();
        self.runtime.block_on(self.client.flush()).unwrap();
        self.runtime.spawn(async move { while heard.next().await.is_some() {} });
    }

    /// How many messages the exchange has.
    pub(super) fn messages(&self) -> u64 {
        self.info("NIX_LEDGER")["state"]["messages"].as_u64().unwrap()
    }
}
