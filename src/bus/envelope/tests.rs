//! What is written is read back; what does not fit is named.

use serde_json::json;

use super::*;

fn envelope() -> Envelope {
    Envelope {
        event_id: Uuid::from_u128(1),
        stream: "flake/x".into(),
        version: 3,
        kind: "flake.updated".into(),
        schema_version: 1,
        occurred_at: Time(1_764_000_000_000_001),
        recorded_at: Time(-1),
        correlation_id: Uuid::from_u128(2),
        causation_id: Some(Uuid::from_u128(3)),
        actor: "ada@host".into(),
        origin: "UORIGIN".into(),
        origin_sequence: 7,
        origin_chain: "ab".repeat(32),
        undoes: None,
        content_id: "bafkr4i".into(),
        payload: RawValue::from_string("{\"a\":1}".into()).unwrap(),
    }
}

const SUBJECT: &str = "nix.ledger.UORIGIN.flake.updated";

#[test]
fn what_is_written_is_read_back() {
    let sent = envelope();
    let headers = sent.headers(Some(&[7; 64]));
    let (read, signature) = Envelope::read(SUBJECT, Some(&headers), &sent.body().unwrap()).unwrap();
    assert_eq!(signature, Some(vec![7; 64]));
    assert_eq!(read.chain(), Ok([0xab; 32]));
    assert_eq!((read.occurred_at, read.recorded_at), (sent.occurred_at, sent.recorded_at));
    assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&sent).unwrap());
}

#[test]
fn the_place_is_told_of_the_origin_that_the_body_names_and_of_no_other() {
    let body = envelope().body().unwrap();
    assert_eq!(Envelope::place_in(&body, "UORIGIN"), Some((7, [0xab; 32])));
    assert_eq!(Envelope::place_in(&body, "UOTHER"), None);
    let unlinked = Envelope { origin_chain: "no hash".into(), ..envelope() };
    assert_eq!(Envelope::place_in(&unlinked.body().unwrap(), "UORIGIN"), None);
    assert_eq!(Envelope::place_in(b"not json", "UORIGIN"), None);
}

#[test]
fn the_body_is_the_envelope_with_the_payload_inside() {
    let body: Value = serde_json::from_slice(&envelope().body().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "event_id": "00000000-0000-0000-0000-000000000001", "stream": "flake/x", "version": 3,
            "type": "flake.updated", "schema_version": 1, "occurred_at": "2025-11-24T16:00:00.000001Z",
            "recorded_at": "1969-12-31T23:59:59.999999Z",
            "correlation_id": "00000000-0000-0000-0000-000000000002",
            "causation_id": "00000000-0000-0000-0000-000000000003", "actor": "ada@host", "origin": "UORIGIN",
            "origin_sequence": 7, "origin_chain": "ab".repeat(32), "content_id": "bafkr4i", "payload": { "a": 1 },
        })
    );
}

#[test]
fn the_reference_names_the_fields_that_are_written() {
    let sent = Envelope { undoes: Some(Uuid::from_u128(4)), ..envelope() };
    let body = String::from_utf8(sent.body().unwrap()).unwrap();
    let mut after = 0;
    for field in FIELDS {
        let at = body.find(&format!("\"{}\":", field.name)).unwrap_or_else(|| panic!("no {}", field.name));
        assert!(at >= after, "{} is out of order", field.name);
        after = at;
    }
    let written: serde_json::Map<String, Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(written.len(), FIELDS.len());
    let written = serde_json::to_value(envelope()).unwrap();
    let left_out: Vec<&str> = FIELDS.iter().filter(|field| !field.always).map(|field| field.name).collect();
    assert!(left_out.iter().all(|name| written.get(*name).is_none()) && left_out == ["undoes"]);
    let mut headers = sent.headers(Some(&[7; 64]));
    headers.insert(header::ERASURE, "BwcH");
    assert_eq!(Envelope::erasure(Some(&headers)), Some(vec![7; 3]));
    let known: Vec<&str> = header::OF_EVENTS.iter().map(|(name, _)| *name).collect();
    assert!(headers.iter().all(|(name, _)| known.contains(&name.to_string().as_str())), "{headers:?}");
    assert_eq!(headers.len(), known.len());
}

#[test]
fn the_headers_are_those_every_domain_knows() {
    let headers = envelope().headers(None);
    let value = |name: &str| headers.get(name).map(async_nats::HeaderValue::as_str);
    assert_eq!(value("X-Event-Type"), Some("flake.updated"));
    assert_eq!(value("X-Aggregate-ID"), Some("x"));
    assert_eq!(value("X-Domain"), Some("nix"));
    assert_eq!(value("Nats-Msg-Id"), value("X-Event-ID"));
    assert_eq!(value("X-Timestamp"), Some("2025-11-24T16:00:00.000001Z"));
    assert_eq!(value("X-Origin-Signature"), None);
}

#[test]
fn ids_and_times_of_others_are_read() {
    let mut body = serde_json::to_value(envelope()).unwrap();
    body["correlation_id"] = json!({ "Uuid": "00000000-0000-0000-0000-000000000002" });
    body["causation_id"] = Value::Null;
    body["occurred_at"] = json!("2025-11-24T17:00:00.000001+01:00");
    body["unheard_of"] = json!([1]);
    let (read, _) = Envelope::read(SUBJECT, None, body.to_string().as_bytes()).unwrap();
    assert_eq!((read.correlation_id, read.causation_id), (Uuid::from_u128(2), None));
    assert_eq!(read.occurred_at, envelope().occurred_at);
}

#[test]
fn a_time_beyond_the_calendar_survives() {
    for micros in [i64::MAX, i64::MIN, 253_402_300_800_000_000] {
        let text = serde_json::to_string(&Time(micros)).unwrap();
        assert_eq!(serde_json::from_str::<Time>(&text).unwrap(), Time(micros), "{text}");
    }
}

#[test]
fn subject_headers_and_body_must_agree() {
    let body = envelope().body().unwrap();
    for (subject, word) in [
        ("nix.ledger.UOTHER.flake.updated", "origin"),
        ("nix.ledger.UORIGIN.flake.moved", "subject says flake.moved"),
        ("nix.event.flake.updated", "no subject"),
    ] {
        let why = Envelope::read(subject, None, &body).unwrap_err();
        assert!(why.contains(word), "{why}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::ORIGIN, "UOTHER");
    assert!(Envelope::read(SUBJECT, Some(&headers), &body).unwrap_err().contains("headers"));
    assert!(Envelope::read(SUBJECT, None, b"\xff").unwrap_err().contains("no envelope"));
}
