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
}

impl Origin {
    fn new() -> Self {
        Self { key: KeyPair::new_user(), seq: 0, chain: GENESIS }
    }

    fn sender(&self) -> Sender {
        Sender { id: 2, key: self.key.public_key(), active: true, seq: 0, chain: GENESIS }
    }

    fn next(&mut self, signed: bool) -> Arrival {
        self.seq += 1;
        let payload = format!("{{\"n\":{}}}", self.seq);
        let mut arrival = Arrival {
            remote_seq: self.seq.unsigned_abs(),
            origin: self.key.public_key(),
            seq: self.seq,
            chain: GENESIS,
            signature: None,
            event_id: Uuid::from_u128(self.seq.unsigned_abs().into()),
            stream: "flake/x".into(),
            version: self.seq.unsigned_abs(),
            kind: "flake.updated".into(),
            schema_version: 1,
            content: chain::content(&payload),
            payload,
            occurred_at: 0,
            recorded_at: 0,
            correlation_id: Uuid::nil(),
            causation_id: Uuid::nil(),
            actor: "a@b".into(),
            undoes: None,
        };
        arrival.chain = chain::link(Chain::Shared, &self.chain, &arrival.envelope());
        self.chain = arrival.chain;
        if signed {
            let message = chain::signed_head(&self.key.public_key(), self.seq, &self.chain);
            arrival.signature = Some(self.key.sign(&message).unwrap());
        }
        arrival
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
fn an_erased_payload_enters_under_its_old_content_id() {
    let mut origin = Origin::new();
    let mut erased = origin.next(true);
    erased.payload = ERASED.to_owned();
    assert_eq!(numbers(&admit(&origin.sender(), &mut candidates([erased]))), [1]);
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
}
