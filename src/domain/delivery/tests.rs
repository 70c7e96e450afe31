//! Given what was seen, when more is seen, then this is next.

use proptest::prelude::*;

use super::*;

fn after(seen: &[Seen]) -> Delivery {
    let mut delivery = Delivery::default();
    for (at, seen) in seen.iter().enumerate() {
        delivery.see(*seen, i64::try_from(at).unwrap(), 7);
    }
    delivery
}

#[test]
fn given_nothing_shared_then_nothing_is_done() {
    let mut delivery = after(&[Seen::Connected, Seen::Recorded { behind: 5 }, Seen::Failed]);
    assert_eq!((delivery.state(), delivery.next(0)), (State::Disabled, Step::Wait));
}

#[test]
fn given_a_server_when_all_goes_well_then_the_way_leads_to_live() {
    let mut delivery = after(&[Seen::Enabled]);
    assert_eq!(delivery.next(0), Step::Connect);
    delivery.see(Seen::Connected, 0, 0);
    assert_eq!(delivery.next(0), Step::Reconcile);
    delivery.see(Seen::Reconciled { behind: 3 }, 0, 0);
    assert_eq!((delivery.state(), delivery.next(0)), (State::CatchingUp, Step::Publish));
    delivery.see(Seen::Acknowledged { behind: 0 }, 0, 0);
    assert_eq!((delivery.state(), delivery.next(0)), (State::Live, Step::Wait));
    delivery.see(Seen::Recorded { behind: 1 }, 0, 0);
    assert_eq!(delivery.next(0), Step::Publish);
}

#[test]
fn given_a_pause_when_the_clock_is_set_back_by_hours_then_it_lasts_no_longer_than_any() {
    const HOURS: i64 = 3 * 3_600_000_000;
    for seen in [Seen::Failed, Seen::Refused(Reason::Clock)] {
        let mut delivery = after(&[Seen::Enabled]);
        delivery.see(Seen::Connected, HOURS, 0);
        delivery.see(seen, HOURS, 0);
        let Step::WaitUntil(until) = delivery.next(0) else { panic!("{delivery:?}") };
        assert!(until <= LONGEST_PAUSE_US, "{until}");
        assert_eq!(delivery.next_attempt(), Some(until));
        assert_eq!(delivery.next(until), Step::Reconcile);
    }
}

#[test]
fn given_an_unknown_outcome_when_it_is_tried_again_then_the_server_is_asked_first() {
    let mut delivery = after(&[Seen::Enabled, Seen::Connected, Seen::Reconciled { behind: 3 }, Seen::Failed]);
    let Step::WaitUntil(until) = delivery.next(4) else { panic!("{delivery:?}") };
    assert_eq!(delivery.next(until), Step::Reconcile);
}

#[test]
fn given_a_lost_connection_when_it_is_back_then_the_server_is_asked_at_once() {
    let mut delivery = after(&[Seen::Enabled, Seen::Connected, Seen::Reconciled { behind: 0 }, Seen::Lost]);
    assert_eq!(delivery.state(), State::Backoff);
    delivery.see(Seen::Connected, 5, 0);
    assert_eq!(delivery.next(5), Step::Reconcile);
}

#[test]
fn given_five_failures_in_a_row_then_the_breaker_opens_and_one_success_closes_it() {
    let mut seen = vec![Seen::Enabled, Seen::Connected, Seen::Reconciled { behind: 9 }];
    seen.extend([Seen::Failed; 4]);
    assert_eq!(after(&seen).state(), State::Backoff);
    seen.push(Seen::Failed);
    let mut delivery = after(&seen);
    assert_eq!(delivery.state(), State::Open);
    delivery.see(Seen::Connected, 9, 0);
    assert_eq!(delivery.state(), State::Open, "the breaker watches JetStream, not the connection");
    let Step::WaitUntil(until) = delivery.next(9) else { panic!("{delivery:?}") };
    assert_eq!(delivery.next(until), Step::Reconcile, "half open");
    delivery.see(Seen::Reconciled { behind: 1 }, until, 0);
    let mut fails = delivery.clone();
    fails.see(Seen::Failed, until, 0);
    assert_eq!(fails.state(), State::Open, "that it could be asked is no success");
    delivery.see(Seen::Acknowledged { behind: 1 }, until, 0);
    delivery.see(Seen::Failed, until, 0);
    assert_eq!(delivery.state(), State::Backoff, "one failure after a success does not open it again");
}

#[test]
fn given_a_server_that_only_refuses_what_it_is_sent_then_pauses_grow_and_the_breaker_stays_open() {
    let (mut delivery, mut now) = (after(&[Seen::Enabled, Seen::Connected]), 10);
    for attempt in 1..=12_u32 {
        assert_eq!(delivery.next(now), Step::Reconcile);
        delivery.see(Seen::Reconciled { behind: 1 }, now, 0);
        assert_eq!((delivery.next(now), delivery.attempts()), (Step::Publish, attempt - 1));
        assert_eq!(delivery.state().breaker(delivery.attempts()), if attempt > 5 { "half_open" } else { "closed" });
        delivery.see(Seen::Failed, now, 0);
        assert_eq!(delivery.state(), if attempt < 5 { State::Backoff } else { State::Open });
        let until = delivery.next_attempt().unwrap();
        let full = (FIRST_PAUSE_US << (attempt - 1)).min(LONGEST_PAUSE_US);
        assert!((full / 2..=full).contains(&(until - now)), "{attempt}: {}", until - now);
        // It breaks the connection off each time, which comes back at once.
        if attempt > 5 {
            delivery.see(Seen::Lost, now, 0);
            delivery.see(Seen::Connected, now, 0);
            assert_eq!(delivery.next(now), Step::WaitUntil(until));
        }
        now = until;
    }
}

#[test]
fn given_a_server_that_cannot_be_reached_then_the_breaker_stays_closed() {
    let (mut delivery, mut now) = (after(&[Seen::Enabled]), 10);
    for _ in 0..10 {
        assert_eq!(delivery.next(now), Step::Connect);
        assert_eq!(delivery.state().breaker(delivery.attempts()), "closed");
        delivery.see(Seen::Unreachable, now, 0);
        assert_eq!((delivery.state(), delivery.state().breaker(delivery.attempts())), (State::Backoff, "closed"));
        now = delivery.next_attempt().unwrap();
    }
}

#[test]
fn given_half_of_twenty_failed_then_the_breaker_opens() {
    let mut delivery = after(&[Seen::Enabled, Seen::Connected]);
    for _ in 0..10 {
        delivery.see(Seen::Acknowledged { behind: 1 }, 0, 0);
        delivery.see(Seen::Failed, 0, 0);
    }
    assert_eq!(delivery.state(), State::Open);
}

#[test]
fn given_a_refusal_then_it_is_named_and_asked_again_after_a_minute() {
    let mut delivery = after(&[Seen::Enabled, Seen::Connected, Seen::Refused(Reason::StreamFull)]);
    assert_eq!((delivery.state(), delivery.reason()), (State::Blocked, Some(Reason::StreamFull)));
    assert_eq!(delivery.next(3), Step::WaitUntil(2 + LONGEST_PAUSE_US));
    assert_eq!(delivery.next(2 + LONGEST_PAUSE_US), Step::Reconcile);
    // A leaf that is cut off says that there is no JetStream, and must not be believed for long.
    let mut delivery = after(&[Seen::Enabled, Seen::Connected, Seen::Refused(Reason::NoJetStream)]);
    assert_eq!(delivery.next(3), Step::WaitUntil(2 + LEAF_PAUSE_US));
    delivery.see(Seen::Reconciled { behind: 0 }, 0, 0);
    assert_eq!(delivery.reason(), None);
}

#[test]
fn given_a_refusal_when_something_else_fails_then_it_is_not_told_as_the_reason_of_that() {
    let forged = [Seen::Enabled, Seen::Connected, Seen::Refused(Reason::Forged)];
    let mut delivery = after(&forged);
    assert_eq!(delivery.next(3 + LONGEST_PAUSE_US), Step::Reconcile);
    assert_eq!(delivery.reason(), None, "it is being asked again");
    delivery.see(Seen::Lost, 4 + LONGEST_PAUSE_US, 0);
    assert_eq!((delivery.state(), delivery.reason()), (State::Backoff, None));
    let mut delivery = after(&forged);
    delivery.see(Seen::Lost, 4, 0);
    assert_eq!(
        (delivery.state(), delivery.reason()),
        (State::Blocked, Some(Reason::Forged)),
        "the connection cures it not"
    );
}

#[test]
fn given_a_pause_when_somebody_asks_then_it_is_tried_at_once_and_nothing_else_changes() {
    let connected = [Seen::Enabled, Seen::Connected];
    for (seen, next) in [
        (vec![Seen::Enabled, Seen::Unreachable], Step::Connect),
        (vec![Seen::Enabled, Seen::Refused(Reason::Unauthorized)], Step::Connect),
        ([&connected[..], &[Seen::Refused(Reason::StreamFull)]].concat(), Step::Reconcile),
        ([&connected[..], &[Seen::Failed; 5]].concat(), Step::Reconcile),
    ] {
        let mut delivery = after(&seen);
        assert!(matches!(delivery.next(9), Step::WaitUntil(10..)), "{delivery:?}");
        let before = delivery.clone();
        delivery.see(Seen::Asked, 9, 0);
        assert_eq!((delivery.state(), delivery.attempts()), (before.state(), before.attempts()));
        assert_eq!(delivery.next(9), next);
    }
    for seen in
        [&[][..], &[Seen::Enabled], &connected, &[Seen::Enabled, Seen::Connected, Seen::Reconciled { behind: 0 }]]
    {
        let (mut delivery, mut asked) = (after(seen), after(seen));
        asked.see(Seen::Asked, 9, 0);
        assert_eq!((asked.state(), asked.next(9)), (delivery.state(), delivery.next(9)), "who waits for nothing");
    }
}

#[test]
fn pauses_double_up_to_a_minute_and_are_at_least_half_random() {
    let mut delivery = after(&[Seen::Enabled]);
    let mut longest = 0;
    for attempt in 0..40 {
        delivery.see(Seen::Unreachable, 0, (u64::MAX / 3).wrapping_mul(attempt));
        let until = delivery.next_attempt().unwrap();
        assert!(until <= LONGEST_PAUSE_US && until * 2 >= longest.min(LONGEST_PAUSE_US), "{attempt}: {until}");
        longest = longest.max(until);
    }
    assert!(longest >= LONGEST_PAUSE_US / 2);
}

#[test]
fn names_are_their_own() {
    let names: std::collections::BTreeSet<_> = State::ALL.iter().map(|state| state.name()).collect();
    assert_eq!(names.len(), State::ALL.len());
    let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
}

fn any_seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        4 => Just(Seen::Enabled),
        1 => Just(Seen::Disabled),
        4 => Just(Seen::Connected),
        2 => Just(Seen::Lost),
        2 => Just(Seen::Unreachable),
        4 => (0u64..3).prop_map(|behind| Seen::Reconciled { behind }),
        4 => (0u64..3).prop_map(|behind| Seen::Acknowledged { behind }),
        3 => (0u64..3).prop_map(|behind| Seen::Recorded { behind }),
        4 => Just(Seen::Failed),
        2 => Just(Seen::Asked),
        1 => Just(Seen::Refused(Reason::Permission)),
    ]
}

proptest! {
    /// Whatever is seen: publishing comes only after the server said what it holds with nothing unknown since, and
    /// whoever waits long enough does something.
    #[test]
    fn it_never_publishes_blindly_and_never_hangs(seen in prop::collection::vec((any_seen(), any::<u64>()), 0..60)) {
        let mut delivery = Delivery::default();
        let mut known = false;
        let mut now = 0;
        for (seen, random) in seen {
            let was_disabled = delivery.state() == State::Disabled;
            let before = delivery.attempts();
            delivery.see(seen, now, random);
            let worked = matches!(seen, Seen::Reconciled { behind: 0 } | Seen::Acknowledged { .. } | Seen::Disabled);
            prop_assert!(worked || delivery.attempts() >= before);
            match seen {
                Seen::Reconciled { .. } | Seen::Acknowledged { .. } => known = !was_disabled,
                Seen::Recorded { .. } | Seen::Enabled | Seen::Asked => {}
                _ => known = false,
            }
            now += 1_000;
            let step = delivery.next(now);
            prop_assert_eq!(delivery.reason().is_some(), delivery.state() == State::Blocked);
            prop_assert!(step != Step::Publish || known, "{delivery:?}");
            if let Step::WaitUntil(until) = step {
                prop_assert!(until <= now + LONGEST_PAUSE_US);
                let mut later = delivery.clone();
                prop_assert!(matches!(later.next(until), Step::Connect | Step::Reconcile));
            }
        }
    }
}

#[test]
fn the_breaker_is_half_open_while_an_attempt_tells_whether_it_closes() {
    let (mut delivery, mut now) = (Delivery::default(), 0);
    let breaker = |delivery: &Delivery| delivery.state().breaker(delivery.attempts());
    delivery.see(Seen::Enabled, now, 0);
    delivery.see(Seen::Connected, now, 0);
    for _ in 0..breaker::IN_A_ROW {
        assert_eq!(breaker(&delivery), "closed");
        now += LONGEST_PAUSE_US;
        delivery.next(now);
        delivery.see(Seen::Failed, now, 0);
    }
    assert_eq!(breaker(&delivery), "open");
    now += LONGEST_PAUSE_US;
    assert_eq!((delivery.next(now), breaker(&delivery)), (Step::Reconcile, "half_open"));
    delivery.see(Seen::Reconciled { behind: 0 }, now, 0);
    assert_eq!(breaker(&delivery), "closed");
}
