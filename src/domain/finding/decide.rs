//! What happened to the findings of a file between two looks at it.

use std::collections::{HashMap, HashSet};

use super::event::FindingEvent;
use super::{Finding, Open, Seen, Subject, Suppressed};
use crate::domain::size::{split, text_bytes};

/// The events that lead from the open findings to those seen now. A finding that only moved to another line is the same,
/// but says so: whoever goes to the line must not go to the old one. One that was open and is suppressed now is not resolved;
/// one that was suppressed from the first is none. Of what is too much for one event there are several: a generated file may
/// have thousands.
pub fn observe(open: &Open, subject: &Subject, seen: &Seen) -> Vec<FindingEvent> {
    let Seen { findings, suppressed } = seen;
    let seen = distinct(findings, open);
    let is_new = |finding: &&Finding| !open.contains_key(&finding.fingerprint);
    let raised: Vec<_> = seen.iter().copied().filter(is_new).cloned().collect();
    let differs = |finding: &&Finding| open.get(&finding.fingerprint).is_some_and(|known| known != *finding);
    let changed: Vec<_> = seen.iter().copied().filter(differs).cloned().collect();
    let there: HashSet<&str> = seen.iter().map(|finding| finding.fingerprint.as_str()).collect();
    let gone = open.keys().filter(|known| !there.contains(known.as_str()));
    let suppressed: HashMap<&str, &Suppressed> =
        suppressed.iter().map(|finding| (finding.fingerprint.as_str(), finding)).collect();
    let meant = |known: &String| suppressed.get(known.as_str()).copied();
    let resolved: Vec<_> = gone.clone().filter(|known| meant(known).is_none()).cloned().collect();
    let suppressed: Vec<_> = gone.filter_map(meant).cloned().collect();
    let resolved = split(resolved, |fingerprint| text_bytes(fingerprint)).into_iter();
    let resolved = resolved.map(|fingerprints| FindingEvent::Resolved { subject: subject.clone(), fingerprints });
    let suppressed = split(suppressed, suppressed_bytes).into_iter();
    let suppressed = suppressed.map(|findings| FindingEvent::Suppressed { subject: subject.clone(), findings });
    let changed = split(changed, finding_bytes).into_iter();
    let changed = changed.map(|findings| FindingEvent::Changed { subject: subject.clone(), findings });
    let raised = split(raised, finding_bytes).into_iter();
    let raised = raised.map(|findings| FindingEvent::Raised { subject: subject.clone(), findings });
    resolved.chain(suppressed).chain(changed).chain(raised).collect()
}

/// What a finding takes in JSON; the names of its fields, its severity and its line take less than 96.
fn finding_bytes(finding: &Finding) -> usize {
    96 + text_bytes(&finding.fingerprint) + text_bytes(&finding.code) + text_bytes(&finding.message)
}

/// What a suppressed finding takes in JSON, with the names of its fields.
fn suppressed_bytes(finding: &Suppressed) -> usize {
    48 + text_bytes(&finding.fingerprint) + text_bytes(&finding.why) + finding.until.as_deref().map_or(4, text_bytes)
}

/// What a person would read twice is one finding: of those that say the same of the same line the one that is open already
/// stays, else the first.
fn distinct<'f>(seen: &'f [Finding], open: &Open) -> Vec<&'f Finding> {
    let (known, new): (Vec<_>, Vec<_>) = seen.iter().partition(|finding| open.contains_key(&finding.fingerprint));
    let mut said = HashSet::with_capacity(seen.len());
    let kept = known.into_iter().chain(new);
    kept.filter(|finding| said.insert((finding.code.as_str(), finding.line, finding.message.as_str()))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::finding::event::fold;
    use crate::domain::finding::{Finding, Severity, Suppressed};
    use crate::domain::path::RecordedPath;

    fn subject() -> Subject {
        Subject { flake: None, file: RecordedPath::new(Path::new("/x/flake.nix")) }
    }

    fn finding(fingerprint: &str, line: u32) -> Finding {
        Finding {
            fingerprint: fingerprint.into(),
            code: "c".into(),
            severity: Severity::Warning,
            line: Some(line),
            message: "m".into(),
        }
    }

    fn seen<const N: usize>(findings: [Finding; N]) -> Seen {
        Seen::from(Vec::from(findings))
    }

    #[test]
    fn given_nothing_when_two_are_seen_then_one_event_raises_both() {
        let events = observe(&Open::new(), &subject(), &seen([finding("a", 1), finding("b", 2)]));
        assert!(matches!(&events[..], [FindingEvent::Raised { findings, .. }] if findings.len() == 2));
    }

    #[test]
    fn given_two_that_say_the_same_of_one_line_then_one_is_raised_and_stays() {
        let twins = seen([finding("b", 1), finding("a", 1), finding("c", 2)]);
        let events = observe(&Open::new(), &subject(), &twins);
        let open = fold(&events);
        assert_eq!(open.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(observe(&open, &subject(), &seen([finding("a", 1), finding("b", 1), finding("c", 2)])), []);
    }

    #[test]
    fn given_thousands_then_no_event_is_larger_than_a_payload_and_together_they_say_all() {
        use crate::domain::size::PART_BYTES;
        let many = |line, message: &str| {
            let one = |number| Finding {
                code: format!("c{number}"),
                message: message.into(),
                ..finding(&format!("f{number:04}"), line)
            };
            super::Seen::from((0..3_000).map(one).collect::<Vec<_>>())
        };
        let first = many(1, &"\u{1}\"\\".repeat(20));
        let raised = observe(&Open::new(), &subject(), &first);
        let open = fold(&raised);
        assert_eq!(open.values().cloned().collect::<Vec<_>>(), first.findings);
        assert_eq!(observe(&open, &subject(), &first), []);
        let changed = observe(&open, &subject(), &many(2, "m"));
        let meant = |finding: &Finding| Suppressed {
            fingerprint: finding.fingerprint.clone(),
            why: "w".repeat(99),
            until: Some("2027-01-01".into()),
        };
        let suppressed = super::Seen { findings: Vec::new(), suppressed: first.findings.iter().map(meant).collect() };
        let suppressed = observe(&open, &subject(), &suppressed);
        for events in [&raised, &changed, &suppressed] {
            assert!(events.len() > 2, "{}", events.len());
            for event in events {
                let bytes: usize = match event {
                    FindingEvent::Raised { findings, .. } | FindingEvent::Changed { findings, .. } => {
                        findings.iter().map(finding_bytes).sum()
                    }
                    FindingEvent::Suppressed { findings, .. } => findings.iter().map(suppressed_bytes).sum(),
                    FindingEvent::Resolved { .. } => panic!("{event:?}"),
                };
                assert!(bytes <= PART_BYTES, "{bytes}");
            }
        }
        let all = || raised.iter().chain(&changed);
        assert_eq!(fold(all()).into_values().collect::<Vec<_>>(), many(2, "m").findings);
        assert_eq!(fold(raised.iter().chain(&suppressed)), Open::new());
        let gone = observe(&fold(all()), &subject(), &super::Seen::default());
        assert_eq!(fold(all().chain(&gone)), Open::new());
    }

    #[test]
    fn given_one_when_it_only_moved_then_it_changed_once() {
        let open = fold(&observe(&Open::new(), &subject(), &seen([finding("a", 1), finding("b", 2)])));
        let seen = seen([finding("a", 9), finding("b", 2)]);
        let events = observe(&open, &subject(), &seen);
        assert_eq!(events, [FindingEvent::Changed { subject: subject(), findings: vec![finding("a", 9)] }]);
        let open = open.into_iter().chain(fold(&events)).collect();
        assert_eq!(observe(&open, &subject(), &seen), []);
    }

    #[test]
    fn given_one_when_its_message_or_severity_is_another_then_it_changed() {
        let open = fold(&observe(&Open::new(), &subject(), &seen([finding("a", 1)])));
        let worse = Finding { severity: Severity::Error, ..finding("a", 1) };
        let reworded = Finding { message: "n".into(), ..finding("a", 1) };
        for seen in [worse, reworded] {
            let events = observe(&open, &subject(), &super::Seen::from(vec![seen.clone()]));
            assert_eq!(events, [FindingEvent::Changed { subject: subject(), findings: vec![seen] }]);
        }
    }

    #[test]
    fn given_one_when_another_is_seen_then_the_first_is_resolved() {
        let open = fold(&observe(&Open::new(), &subject(), &seen([finding("a", 1)])));
        let events = observe(&open, &subject(), &seen([finding("b", 1)]));
        assert!(matches!(&events[..], [
            FindingEvent::Resolved { fingerprints, .. },
            FindingEvent::Raised { findings, .. },
        ] if fingerprints == &["a"] && findings[0].fingerprint == "b"));
    }

    #[test]
    fn given_two_when_one_is_suppressed_and_one_is_gone_then_each_is_told_apart_and_once() {
        let open = fold(&observe(&Open::new(), &subject(), &seen([finding("a", 1), finding("b", 2)])));
        let meant = |name: &str| Suppressed { fingerprint: name.into(), why: "w".into(), until: None };
        let now = Seen { findings: Vec::new(), suppressed: vec![meant("a"), meant("never open")] };
        let events = observe(&open, &subject(), &now);
        assert_eq!(
            events,
            [
                FindingEvent::Resolved { subject: subject(), fingerprints: vec!["b".into()] },
                FindingEvent::Suppressed { subject: subject(), findings: vec![meant("a")] },
            ]
        );
        let raised = FindingEvent::Raised { subject: subject(), findings: open.into_values().collect() };
        let open = fold([&raised].into_iter().chain(&events));
        assert_eq!(observe(&open, &subject(), &now), []);
        // The comment is taken out again.
        let events = observe(&open, &subject(), &seen([finding("a", 1)]));
        assert!(matches!(&events[..], [FindingEvent::Raised { .. }]), "{events:?}");
    }
}
