//! Given where an origin's chain ends, when events arrive, then these may enter.

use nkeys::KeyPair;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::store::chain::GENESIS;

struct Origin {
    key: KeyPair,
    seq: i64,
    chain: chain::Hash,
    /// The link before that.
    before: chain::Hash,
}

impl Origin {
    fn new() -> Self {
        Self { key: KeyPair::new_user(), seq: 0, chain: GENESIS, before: GENESIS }
    }

    fn sender(&self) -> Sender {
        Sender { id: 2, key: self.key.public_key(), host: String::new(), active: true, seq: 0, chain: GENESIS }
    }

    fn next(&mut self, signed: bool) -> Arrival {
        self.next_with(&format!("{{\"n\":{}}}", self.seq + 1), signed)
    }

    /// The next event says that another one was erased.
    fn says_erased(&mut self, erased: &Arrival, signed: bool) -> Arrival {
        let (event, content) = (erased.event_id, chain::content_text(&erased.content));
        let payload = serde_json::json!({ "event": event, "stream": "flake/x", "content": content, "reason": "" });
        let mut says = self.next_with(&payload.to_string(), false);
        (says.kind, says.stream) = ("ledger.erased".into(), "ledger/x".into());
        self.link(&mut says, signed);
        says
    }

    fn sign_erasure(&self, of: &mut Arrival) {
        let message = chain::erasure(&self.key.public_key(), of.event_id, &of.content);
        of.erasure = Some(self.key.sign(&message).unwrap());
    }

    fn next_with(&mut self, payload: &str, signed: bool) -> Arrival {
        self.seq += 1;
        self.before = self.chain;
        let mut arrival = Arrival {
            remote_seq: self.seq.unsigned_abs(),
            origin: self.key.public_key(),
            seq: self.seq,
            chain: GENESIS,
            signature: None,
            erasure: None,
            event_id: Uuid::from_u128(self.seq.unsigned_abs().into()),
            stream: "flake/x".into(),
            version: self.seq.unsigned_abs(),
            kind: "flake.updated".into(),
            schema_version: 1,
            content: chain::content(payload),
            payload: payload.to_owned(),
            occurred_at: 0,
            recorded_at: 0,
            correlation_id: Uuid::nil(),
            causation_id: Uuid::nil(),
            actor: "a@b".into(),
            undoes: None,
        };
        self.link(&mut arrival, signed);
        arrival
    }

    /// Ties the newest event to the one before it.
    fn link(&mut self, arrival: &mut Arrival, signed: bool) {
        arrival.chain = chain::link(Chain::Shared, &self.before, &arrival.envelope());
        self.chain = arrival.chain;
        if signed {
            let message = chain::signed_head(&self.key.public_key(), self.seq, &self.chain);
            arrival.signature = Some(self.key.sign(&message).unwrap());
        }
    }
}

fn candidates(arrivals: impl IntoIterator<Item = Arrival>) -> BTreeMap<i64, Arrival> {
    arrivals.into_iter().map(|arrival| (arrival.seq, arrival)).collect()
}

fn numbers(admitted: &Admitted) -> Vec<i64> {
    admitted.proved.iter().map(|arrival| arrival.seq).collect()
}

#[test]
fn what_is_signed_for_enters_and_the_rest_waits() {
    let mut origin = Origin::new();
    let mut arrived = candidates([origin.next(false), origin.next(true), origin.next(false)]);
    let admitted = admit(&origin.sender(), &mut arrived);
    assert_eq!(numbers(&admitted), [1, 2]);
    assert!(admitted.refused.is_none());
    assert_eq!(arrived.keys().collect::<Vec<_>>(), [&3]);
}

#[test]
fn nothing_enters_over_a_gap() {
    let mut origin = Origin::new();
    let all = [origin.next(true), origin.next(true), origin.next(true)];
    let mut arrived = candidates([all[0].clone(), all[2].clone()]);
    let admitted = admit(&origin.sender(), &mut arrived);
    assert_eq!(numbers(&admitted), [1]);
    assert_eq!(arrived.keys().collect::<Vec<_>>(), [&3]);
}

#[test]
fn an_erased_payload_enters_under_its_old_content_id_when_its_origin_signed_that() {
    let mut origin = Origin::new();
    let mut erased = origin.next(true);
    erased.payload = ERASED.to_owned();
    origin.sign_erasure(&mut erased);
    assert_eq!(numbers(&admit(&origin.sender(), &mut candidates([erased]))), [1]);
}

#[test]
fn an_erased_payload_enters_with_the_event_that_says_so_and_not_before_that_is_signed_for() {
    for signed in [true, false] {
        let mut origin = Origin::new();
        let mut erased = origin.next(true);
        erased.payload = ERASED.to_owned();
        let says = origin.says_erased(&erased, signed);
        let admitted = admit(&origin.sender(), &mut candidates([erased, says]));
        assert_eq!(
            (numbers(&admitted), admitted.refused.is_none()),
            if signed { (vec![1, 2], true) } else { (vec![], false) }
        );
    }
}

#[test]
fn a_payload_that_was_recorded_as_null_enters() {
    let mut origin = Origin::new();
    let null = origin.next_with(ERASED, true);
    assert_eq!(numbers(&admit(&origin.sender(), &mut candidates([null]))), [1]);
}

#[test]
fn a_signature_of_another_key_is_refused() {
    let (mut origin, other) = (Origin::new(), Origin::new());
    let mut forged = origin.next(true);
    let message = chain::signed_head(&origin.key.public_key(), 1, &forged.chain);
    forged.signature = Some(other.key.sign(&message).unwrap());
    let admitted = admit(&origin.sender(), &mut candidates([forged]));
    assert_eq!(numbers(&admitted), [0_i64; 0]);
    assert!(admitted.refused.unwrap().1.contains("signature"));
}

proptest! {
    /// Whatever is changed of an event, neither it nor anything after it enters.
    #[test]
    fn nothing_that_was_tampered_with_enters(at in 0usize..6, what in 0usize..12) {
        let mut origin = Origin::new();
        let mut all: Vec<Arrival> = (0..6).map(|n| origin.next(n % 2 == 1)).collect();
        let it = &mut all[at];
        match what {
            0 => it.event_id = Uuid::from_u128(99),
            1 => it.stream.push('y'),
            2 => it.version += 1,
            3 => it.kind = "flake.moved".into(),
            4 => it.schema_version += 1,
            5 => it.payload = "{\"n\":99}".into(),
            6 => it.occurred_at += 1,
            7 => it.recorded_at += 1,
            8 => it.actor = "mallory@b".into(),
            9 => it.undoes = Some(Uuid::nil()),
            10 => it.chain = [1; 32],
            _ => it.causation_id = Uuid::from_u128(5),
        }
        let admitted = admit(&origin.sender(), &mut candidates(all));
        let tampered = i64::try_from(at).unwrap() + 1;
        prop_assert!(admitted.proved.iter().all(|arrival| arrival.seq < tampered));
        prop_assert_eq!(admitted.refused.map(|(arrival, _)| arrival.seq), Some(tampered));
    }

    /// Whichever payloads are blank, one enters only when its origin signed that, or says so in an event that enters as well. The first
    /// for which there is neither is told, and nothing from there on enters.
    #[test]
    fn what_somebody_else_made_blank_does_not_enter(
        how in prop::collection::vec(0usize..8, 6),
        signed in prop::collection::vec(any::<bool>(), 6),
    ) {
        let mut origin = Origin::new();
        let mut all: Vec<Arrival> = signed.iter().map(|signed| origin.next(*signed)).collect();
        let (mut said, mut wrong) = (Vec::new(), None);
        for (arrival, how) in all.iter_mut().zip(how).filter(|(_, how)| *how > 4) {
            arrival.payload = ERASED.to_owned();
            match how {
                5 => origin.sign_erasure(arrival),
                6 => said.push(arrival.clone()),
                _ => wrong = wrong.or(Some(arrival.seq)),
            }
        }
        all.extend(said.iter().map(|erased| origin.says_erased(erased, false)).collect::<Vec<_>>());
        all.push(origin.next(true));
        let count = all.len();
        let admitted = admit(&origin.sender(), &mut candidates(all));
        prop_assert_eq!(admitted.refused.map(|(arrival, _)| arrival.seq), wrong);
        prop_assert!(wrong.map_or(admitted.proved.len() == count, |wrong| admitted.proved.iter().all(|it| it.seq < wrong)));
        let erased: Vec<Uuid> = admitted.proved.iter().filter_map(Arrival::erases).map(|(event, _)| event).collect();
        let founded = |it: &Arrival| it.payload != ERASED || it.erasure.is_some() || erased.contains(&it.event_id);
        prop_assert!(admitted.proved.iter().all(founded));
    }
}
