//! What somebody publishes under this ledger's name, who can write to the server: `sync verify` finds it, and delivery tells a
//! copy of the ledger from a forgery.

use async_nats::HeaderMap;
use cim_domain_nix::app::sync::Place;
use cim_domain_nix::app::sync::verify::{self, Compared};
use cim_domain_nix::bus::Layout;
use cim_domain_nix::bus::envelope::chain_text;
use cim_domain_nix::store::chain::{self, Chain};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use super::admin::Admin;
use super::machine::{Machine, target};
use super::stranger::Stranger;
use crate::nats::Server;
use crate::proxy::{Line, Proxy};

/// A message as the stream holds it.
pub(super) struct Stored {
    subject: String,
    headers: Vec<(String, String)>,
    body: Value,
}

impl Stored {
    /// One of the stream, without what only the sender's server looks at.
    pub(super) fn read(admin: &Admin, sequence: u64) -> Self {
        let message = admin.call("STREAM.MSG.GET.NIX_LEDGER", &json!({ "seq": sequence }))["message"].clone();
        let bytes = |field: &str| BASE64.decode(message[field].as_str().unwrap().as_bytes()).unwrap();
        let headers = String::from_utf8(bytes("hdrs")).unwrap();
        let headers = headers.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.filter(|(name, _)| !name.starts_with("Nats-"));
        Self {
            subject: message["subject"].as_str().unwrap().to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(),
            body: serde_json::from_slice(&bytes("data")).unwrap(),
        }
    }

    pub(super) fn send(&self, stranger: &Stranger) {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(name.as_str(), value.as_str());
        }
        stranger.send(&self.subject, headers, self.body.to_string().into_bytes());
    }

    fn header(&mut self, name: &str, value: Option<&str>) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
}

/// Everything the stream holds.
fn stored(admin: &Admin) -> Vec<Stored> {
    (1..=admin.messages()).map(|sequence| Stored::read(admin, sequence)).collect()
}

/// A ledger whose four events are on the server.
fn sent() -> (Server, Machine, Admin, Stranger) {
    let server = Server::start();
    let ada = Machine::new("ada", &server);
    ada.discover(1);
    ada.change(1, 3);
    ada.synced();
    let (admin, stranger) = (Admin::of(&server), Stranger::new(&server));
    (server, ada, admin, stranger)
}

fn compared(ada: &Machine) -> Compared {
    verify::verify(&ada.session, &ada.place).unwrap().into_iter().find(|it| it.own).unwrap()
}

/// The stream anew, with these messages.
fn republish(admin: &Admin, stranger: &Stranger, messages: &[Stored]) {
    admin.call("STREAM.DELETE.NIX_LEDGER", &json!({}));
    admin.set_up(false).unwrap();
    for message in messages {
        message.send(stranger);
    }
}

#[test]
fn messages_that_were_copied_as_they_were_are_the_same() {
    let (_server, ada, admin, stranger) = sent();
    republish(&admin, &stranger, &stored(&admin));
    let compared = compared(&ada);
    assert!(compared.is_good() && compared.same == 4, "{compared:?}");
}

#[test]
fn a_payload_or_a_field_that_was_changed_on_the_server_is_found() {
    let (_server, ada, admin, stranger) = sent();
    let mut messages = stored(&admin);
    messages[1].body["payload"]["to"] = "another".into();
    messages[2].body["actor"] = "mallory@evil".into();
    messages[3].body["payload"] = Value::Null;
    republish(&admin, &stranger, &messages);
    let compared = compared(&ada);
    assert_eq!((compared.same, compared.different.clone()), (1, vec![2, 3, 4]), "{compared:?}");
    assert!(!compared.is_good());
}

#[test]
fn a_signature_that_is_not_ours_is_found() {
    let (_server, ada, admin, stranger) = sent();
    let mut messages = stored(&admin);
    let name = signature_header(&messages[3]);
    messages[3].header(&name, Some(&BASE64.encode(&[7; 64])));
    republish(&admin, &stranger, &messages);
    assert_eq!(compared(&ada).different, [4]);
}

#[test]
fn a_last_message_that_is_not_as_it_was_sent_is_a_forgery() {
    for what in ["signature", "payload", "blank", "actor", "once more"] {
        let (_server, ada, admin, stranger) = sent();
        let mut messages = stored(&admin);
        let last = &mut messages[3];
        match what {
            "payload" => last.body["payload"]["to"] = "another".into(),
            "blank" => last.body["payload"] = Value::Null,
            "actor" => last.body["actor"] = "mallory@evil".into(),
            _ => last.header(&signature_header(last), Some(&BASE64.encode(&[7; 64]))),
        }
        if what == "once more" {
            last.send(&stranger);
        } else {
            republish(&admin, &stranger, &messages);
        }
        let outcome = ada.sync();
        assert_eq!(outcome.status.reason.as_deref(), Some("forged"), "{what}: {outcome:?}");
        let error = outcome.status.last_error.unwrap();
        assert!(error.contains("is event 4 of this origin and not as it was sent"), "{what}: {error}");
    }
}

/// The one header whose value is as long as a signature.
fn signature_header(message: &Stored) -> String {
    let length = BASE64.encode(&[0; 64]).len();
    message.headers.iter().find(|(_, value)| value.len() == length).unwrap().0.clone()
}

#[test]
fn a_hole_and_a_repetition_on_the_server_are_found() {
    let (_server, ada, admin, stranger) = sent();
    let mut messages = stored(&admin);
    messages.remove(1);
    let last = messages.len() - 1;
    republish(&admin, &stranger, &messages);
    messages[last].body["payload"] = json!({ "evil": 1 });
    messages[last].send(&stranger);
    let found = compared(&ada);
    assert_eq!((found.missing.clone(), found.repeated.clone()), (vec![2], vec![4]), "{found:?}");
    assert!(!found.is_good());
    // What was recorded since is no fault.
    let (_server, ada, ..) = sent();
    ada.change(1, 2);
    let found = compared(&ada);
    assert!(found.is_good() && (found.same, found.only_here) == (4, 2), "{found:?}");
}

#[test]
fn what_is_published_after_our_last_event_and_not_as_we_signed_is_found() {
    let wrong_link = "0".repeat(64);
    for (link, signature) in
        [("right", None), ("right", Some([7; 64])), (wrong_link.as_str(), None), ("as it was", None)]
    {
        let (_server, ada, admin, stranger) = sent();
        let mut last = stored(&admin).pop().unwrap();
        let name = signature_header(&last);
        last.body["origin_sequence"] = 5.into();
        last.body["version"] = 5.into();
        last.body["event_id"] = "0192f0c1-2345-7000-8000-000000000001".into();
        match link {
            "right" => last.body["origin_chain"] = link_of(&last.body).into(),
            "as it was" => {}
            wrong => last.body["origin_chain"] = wrong.into(),
        }
        last.header(&name, signature.map(|signature| BASE64.encode(&signature)).as_deref());
        last.send(&stranger);
        let found = compared(&ada);
        assert_eq!((found.same, found.only_there, found.unproved.clone()), (4, 0, vec![5]), "{link}: {found:?}");
        assert!(!found.is_good());
    }
    // What another ledger has not taken in yet is no fault of anybody.
    let (server, ..) = sent();
    let bob = Machine::new("bob", &server);
    let found = verify::verify(&bob.session, &bob.place).unwrap();
    assert!(found.iter().all(Compared::is_good) && found.iter().any(|it| it.only_there == 4), "{found:?}");
}

/// The link that an event of a ledger would have after the one of its body's link: everybody can tell.
fn link_of(body: &Value) -> String {
    let text = |name: &str| body[name].as_str().unwrap();
    let id = |name: &str| text(name).parse().unwrap();
    let time = |name: &str| chrono::DateTime::parse_from_rfc3339(text(name)).unwrap().timestamp_micros();
    let previous = HEXLOWER.decode(text("origin_chain").as_bytes()).unwrap().try_into().unwrap();
    let envelope = chain::Envelope {
        event_id: id("event_id"),
        origin: text("origin"),
        stream: text("stream"),
        version: body["version"].as_u64().unwrap(),
        kind: text("type"),
        schema_version: 1,
        occurred_at: time("occurred_at"),
        recorded_at: time("recorded_at"),
        correlation_id: id("correlation_id"),
        causation_id: id("causation_id"),
        actor: text("actor"),
        undoes: None,
        content: &chain::content_of_text(text("content_id")).unwrap(),
    };
    chain_text(&chain::link(Chain::Shared, &previous, &envelope))
}

#[test]
fn an_event_of_ours_that_is_published_once_more_makes_us_send_nothing_again() {
    for what in ["the last, said to be none", "the last, said to be none in its body as well", "the first", "the third"]
    {
        let (_server, ada, admin, stranger) = sent();
        let mut messages = stored(&admin);
        let again = match what {
            "the first" => messages.remove(0),
            "the third" => messages.remove(2),
            _ => messages.remove(3),
        };
        let mut again = again;
        if what.contains("none") {
            again.header("X-Origin-Sequence", Some("0"));
        }
        if what.contains("body") {
            again.body["origin_sequence"] = 0.into();
        }
        again.send(&stranger);
        ada.change(1, 2);
        for _ in 0..2 {
            ada.sync();
            assert_eq!(blocked(&ada).as_deref(), Some("forged"), "{what}");
        }
        assert_eq!(admin.messages(), 5, "{what}");
    }
    // Our last event once more changes nothing: what comes next is the next one.
    let (_server, ada, admin, stranger) = sent();
    stored(&admin).pop().unwrap().send(&stranger);
    ada.change(1, 2);
    assert_eq!((ada.synced().sent, admin.messages()), (2, 7));
}

#[test]
fn an_event_of_ours_that_is_published_once_more_is_found_by_who_waits_for_the_server_as_well() {
    let server = Server::start();
    let proxy = Proxy::to(server.port());
    let ada = Machine::at("ada", &Place { target: target(&proxy.url()), layout: Layout::default() });
    ada.discover(1);
    ada.change(1, 3);
    ada.synced();
    let (admin, stranger) = (Admin::of(&server), Stranger::new(&server));
    stored(&admin).remove(1).send(&stranger);
    // It answers, and delivers nothing.
    proxy.deaf_after("CONSUMER.MSG.NEXT");
    let outcome = ada.sync();
    assert_eq!((ada.status().remote.acked, blocked(&ada), outcome.sent), (4, None, 0), "{outcome:?}");
    let again = || {
        proxy.set(Line::Cut);
        proxy.set(Line::Good);
    };
    again();
    proxy.deaf_after("CONSUMER.MSG.NEXT");
    let compared = verify::verify(&ada.session, &ada.place);
    assert!(compared.is_err(), "what did not come is not said to be lost: {compared:?}");
    again();
    ada.sync();
    assert_eq!((blocked(&ada).as_deref(), admin.messages()), (Some("forged"), 5));
}

fn blocked(ada: &Machine) -> Option<String> {
    let status = ada.status().remote.status;
    (status.state == "blocked").then(|| status.reason.unwrap())
}

#[test]
fn a_forgery_after_our_last_event_is_no_fork_of_ours() {
    for signature in [None, Some(BASE64.encode(&[7; 64])), Some("as it was".to_owned())] {
        let (_server, ada, admin, stranger) = sent();
        let mut forged = stored(&admin).pop().unwrap();
        let name = signature_header(&forged);
        for field in ["origin_sequence", "version"] {
            forged.body[field] = 5.into();
        }
        for (_, value) in forged.headers.iter_mut().filter(|(_, value)| value == "4") {
            "5".clone_into(value);
        }
        forged.body["event_id"] = "0192f0c1-2345-7000-8000-000000000001".into();
        if signature.as_deref() != Some("as it was") {
            forged.header(&name, signature.as_deref());
        }
        forged.send(&stranger);
        ada.sync();
        assert_eq!(blocked(&ada).as_deref(), Some("forged"), "{signature:?}");
    }
}

#[test]
fn a_running_engine_notices_what_is_published_under_its_name() {
    for what in ["garbage", "the next event", "another event under a number of ours"] {
        let (_server, ada, admin, stranger) = sent();
        let running = ada.start();
        ada.until("live", |report| report.remote.status.state == "live" && report.backlog == 0);
        let mut forged = stored(&admin).pop().unwrap();
        let name = signature_header(&forged);
        forged.header(&name, None);
        match what {
            "garbage" => stranger.send(&forged.subject, HeaderMap::new(), b"garbage".to_vec()),
            "the next event" => {
                forged.body["origin_sequence"] = 5.into();
                for (_, value) in forged.headers.iter_mut().filter(|(_, value)| value == "4") {
                    "5".clone_into(value);
                }
                forged.send(&stranger);
            }
            _ => {
                let link = forged.body["origin_chain"].as_str().unwrap().to_owned();
                let other = "0".repeat(link.len());
                forged.body["origin_chain"] = other.as_str().into();
                for (_, value) in forged.headers.iter_mut().filter(|(_, value)| *value == link) {
                    other.clone_into(value);
                }
                forged.send(&stranger);
            }
        }
        ada.until(what, |_| blocked(&ada).as_deref() == Some("forged"));
        running.stop();
    }
}
