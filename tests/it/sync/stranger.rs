//! Somebody who can write to the server and follows no rule but those that the test wants.

use async_nats::HeaderMap;
use cim_domain_nix::bus::envelope::{Envelope, Time, chain_text};
use cim_domain_nix::store::chain::{self, Chain, GENESIS, Hash};
use nkeys::KeyPair;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::nats::Server;

/// An origin that is no ledger.
pub(super) struct Stranger {
    runtime: tokio::runtime::Runtime,
    client: async_nats::Client,
    pub(super) key: KeyPair,
    pub(super) seq: i64,
    chain: Hash,
    version: u64,
    /// The id of the next event, where it is to have a certain one.
    pub(super) id: Option<Uuid>,
    /// The version of the shape of the next events.
    pub(super) schema: u32,
}

impl Stranger {
    pub(super) fn new(server: &Server) -> Self {
        server.let_a_stranger_in();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async_nats::connect(server.url())).unwrap();
        Self { runtime, client, key: KeyPair::new_user(), seq: 0, chain: GENESIS, version: 0, id: None, schema: 1 }
    }

    /// The next event of its own stream, signed for.
    pub(super) fn next(&mut self, kind: &str, payload: &str) -> (Envelope, Vec<u8>) {
        self.version += 1;
        let (stream, version) = (self.stream(), self.version);
        self.next_in(&stream, version, kind, payload)
    }

    /// A stream of its own.
    pub(super) fn stream(&self) -> String {
        format!("flake/{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, self.key.public_key().as_bytes()))
    }

    /// The next event, in any stream.
    pub(super) fn next_in(&mut self, stream: &str, version: u64, kind: &str, payload: &str) -> (Envelope, Vec<u8>) {
        self.seq += 1;
        let origin = self.key.public_key();
        let content = chain::content(payload);
        let event_id = self
            .id
            .take()
            .unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{origin}/{}", self.seq).as_bytes()));
        let hashed = chain::Envelope {
            event_id,
            origin: &origin,
            stream,
            version,
            kind,
            schema_version: self.schema,
            occurred_at: 1,
            recorded_at: 2,
            correlation_id: event_id,
            causation_id: event_id,
            actor: "mallory@evil",
            undoes: None,
            content: &content,
        };
        self.chain = chain::link(Chain::Shared, &self.chain, &hashed);
        let envelope = Envelope {
            event_id,
            stream: stream.to_owned(),
            version,
            kind: kind.to_owned(),
            schema_version: self.schema,
            occurred_at: Time(1),
            recorded_at: Time(2),
            correlation_id: event_id,
            causation_id: Some(event_id),
            actor: "mallory@evil".to_owned(),
            origin: origin.clone(),
            origin_sequence: self.seq,
            origin_chain: chain_text(&self.chain),
            undoes: None,
            content_id: chain::content_text(&content),
            payload: RawValue::from_string(payload.to_owned()).unwrap(),
        };
        let signature = self.key.sign(&chain::signed_head(&origin, self.seq, &self.chain)).unwrap();
        (envelope, signature)
    }

    /// Publishes an envelope where it belongs.
    pub(super) fn publish(&self, envelope: &Envelope, signature: Option<&[u8]>) {
        let subject = format!("nix.ledger.{}.{}", envelope.origin, envelope.kind);
        self.send(&subject, envelope.headers(signature), envelope.body().unwrap());
    }

    /// The same with a signature that its payload was erased.
    pub(super) fn publish_erased(&self, envelope: &Envelope, signature: &[u8], erasure: &[u8]) {
        let mut headers = envelope.headers(Some(signature));
        headers.insert("X-Origin-Erasure", data_encoding::BASE64.encode(erasure).as_str());
        let subject = format!("nix.ledger.{}.{}", envelope.origin, envelope.kind);
        self.send(&subject, headers, envelope.body().unwrap());
    }

    /// Publishes anything anywhere, and waits until the stream has it.
    pub(super) fn send(&self, subject: &str, mut headers: HeaderMap, body: Vec<u8>) {
        headers.insert("Nats-Msg-Id", Uuid::now_v7().to_string().as_str());
        let request = async_nats::Request::new().headers(headers).payload(body.into());
        let answer = self.runtime.block_on(self.client.send_request(subject.to_owned(), request)).unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
        assert!(answer["error"].is_null(), "{answer}");
    }
}
