//! What happened to the findings of a file between two looks at it.

use super::event::FindingEvent;
use super::{Finding, Open, Subject};

/// The events that lead from the open findings to those seen now; a finding that only moved to another line is the same.
pub fn observe(open: &Open, subject: &Subject, seen: &[Finding]) -> Vec<FindingEvent> {
    let raised: Vec<_> = seen.iter().filter(|finding| !open.contains_key(&finding.fingerprint)).cloned().collect();
    let resolved: Vec<_> =
        open.keys().filter(|known| seen.iter().all(|finding| finding.fingerprint != **known)).cloned().collect();
    let mut events = Vec::new();
    if !resolved.is_empty() {
        events.push(FindingEvent::Resolved { subject: subject.clone(), fingerprints: resolved });
    }
    if !raised.is_empty() {
        events.push(FindingEvent::Raised { subject: subject.clone(), findings: raised });
    }
    events
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::finding::Severity;
    use crate::domain::finding::event::fold;
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

    #[test]
    fn given_nothing_when_two_are_seen_then_one_event_raises_both() {
        let events = observe(&Open::new(), &subject(), &[finding("a", 1), finding("b", 2)]);
        assert!(matches!(&events[..], [FindingEvent::Raised { findings, .. }] if findings.len() == 2));
    }

    #[test]
    fn given_one_when_it_only_moved_then_nothing_happened() {
        let open = fold(&observe(&Open::new(), &subject(), &[finding("a", 1)]));
        assert_eq!(observe(&open, &subject(), &[finding("a", 9)]), []);
    }

    #[test]
    fn given_one_when_another_is_seen_then_the_first_is_resolved() {
        let open = fold(&observe(&Open::new(), &subject(), &[finding("a", 1)]));
        let events = observe(&open, &subject(), &[finding("b", 1)]);
        assert!(matches!(&events[..], [
            FindingEvent::Resolved { fingerprints, .. },
            FindingEvent::Raised { findings, .. },
        ] if fingerprints == &["a"] && findings[0].fingerprint == "b"));
    }
}
