//! What can happen to the findings of a file.

use super::{Finding, Open, Subject, Suppressed};

/// An event of a finding stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingEvent {
    /// Findings were seen that were not there before.
    Raised {
        /// The file they are in.
        subject: Subject,
        /// The findings.
        findings: Vec<Finding>,
    },
    /// Open findings read otherwise: another line, message or severity under the same fingerprint.
    Changed {
        /// The file they are in.
        subject: Subject,
        /// The findings as they are now.
        findings: Vec<Finding>,
    },
    /// Findings are no longer seen.
    Resolved {
        /// The file they were in.
        subject: Subject,
        /// The fingerprints of the findings.
        fingerprints: Vec<String>,
    },
    /// Open findings are still there, and a comment now says that they are meant.
    Suppressed {
        /// The file they are in.
        subject: Subject,
        /// The findings.
        findings: Vec<Suppressed>,
    },
}

/// The open findings after a stream of events.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a FindingEvent>) -> Open {
    let mut open = Open::new();
    for event in events {
        match event {
            FindingEvent::Raised { findings, .. } | FindingEvent::Changed { findings, .. } => {
                open.extend(findings.iter().map(|finding| (finding.fingerprint.clone(), finding.clone())));
            }
            FindingEvent::Resolved { fingerprints, .. } => {
                for fingerprint in fingerprints {
                    open.remove(fingerprint);
                }
            }
            FindingEvent::Suppressed { findings, .. } => {
                for finding in findings {
                    open.remove(&finding.fingerprint);
                }
            }
        }
    }
    open
}
