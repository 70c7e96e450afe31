//! Stored shapes of findings.

use serde::{Deserialize, Serialize};

use super::id::StoredId;
use super::lock::{all, all_owned};
use super::value::{PathBytes, join_path, split_path};
use super::{read, unread, write};
use crate::domain::finding::event::FindingEvent;
use crate::domain::finding::{Finding, Severity, Subject, Suppressed};
use crate::domain::id::FlakeId;

#[derive(Serialize, Deserialize)]
struct Raised {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_bytes: Option<PathBytes>,
    findings: Vec<StoredFinding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flake: Option<StoredId>,
}

#[derive(Serialize, Deserialize)]
struct Changed {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_bytes: Option<PathBytes>,
    findings: Vec<StoredFinding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flake: Option<StoredId>,
}

#[derive(Serialize, Deserialize)]
struct Resolved {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_bytes: Option<PathBytes>,
    fingerprints: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flake: Option<StoredId>,
}

#[derive(Serialize, Deserialize)]
struct StoredSuppressed {
    fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    why: String,
}

#[derive(Serialize, Deserialize)]
struct SuppressedNow {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_bytes: Option<PathBytes>,
    findings: Vec<StoredSuppressed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flake: Option<StoredId>,
}

#[derive(Serialize, Deserialize)]
struct StoredFinding {
    code: String,
    fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    message: String,
    severity: StoredSeverity,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredSeverity {
    Info,
    Warning,
    Error,
}

pub(super) fn encode(event: &FindingEvent) -> serde_json::Result<String> {
    match event {
        FindingEvent::Raised { subject, findings } => {
            let (file, file_bytes, flake) = of_subject(subject);
            write(Raised { file, file_bytes, findings: all(findings), flake })
        }
        FindingEvent::Changed { subject, findings } => {
            let (file, file_bytes, flake) = of_subject(subject);
            write(Changed { file, file_bytes, findings: all(findings), flake })
        }
        FindingEvent::Resolved { subject, fingerprints } => {
            let (file, file_bytes, flake) = of_subject(subject);
            write(Resolved { file, file_bytes, fingerprints: fingerprints.clone(), flake })
        }
        FindingEvent::Suppressed { subject, findings } => {
            let (file, file_bytes, flake) = of_subject(subject);
            write(SuppressedNow { file, file_bytes, findings: all(findings), flake })
        }
    }
}

pub(super) fn decode(action: &str, payload: &str) -> serde_json::Result<FindingEvent> {
    match action {
        "raised" => read::<Raised, _>(payload),
        "changed" => read::<Changed, _>(payload),
        "resolved" => read::<Resolved, _>(payload),
        "suppressed" => read::<SuppressedNow, _>(payload),
        other => unread(other),
    }
}

impl From<Raised> for FindingEvent {
    fn from(stored: Raised) -> Self {
        let subject = subject(stored.file, stored.file_bytes, stored.flake);
        Self::Raised { subject, findings: all_owned(stored.findings) }
    }
}

impl From<Changed> for FindingEvent {
    fn from(stored: Changed) -> Self {
        let subject = subject(stored.file, stored.file_bytes, stored.flake);
        Self::Changed { subject, findings: all_owned(stored.findings) }
    }
}

impl From<Resolved> for FindingEvent {
    fn from(stored: Resolved) -> Self {
        let subject = subject(stored.file, stored.file_bytes, stored.flake);
        Self::Resolved { subject, fingerprints: stored.fingerprints }
    }
}

impl From<SuppressedNow> for FindingEvent {
    fn from(stored: SuppressedNow) -> Self {
        let subject = subject(stored.file, stored.file_bytes, stored.flake);
        Self::Suppressed { subject, findings: all_owned(stored.findings) }
    }
}

impl From<&Suppressed> for StoredSuppressed {
    fn from(finding: &Suppressed) -> Self {
        Self { fingerprint: finding.fingerprint.clone(), why: finding.why.clone(), until: finding.until.clone() }
    }
}

impl From<StoredSuppressed> for Suppressed {
    fn from(stored: StoredSuppressed) -> Self {
        Self { fingerprint: stored.fingerprint, why: stored.why, until: stored.until }
    }
}

/// Fields of their own in every struct: serde reads flattened ones in twice the time.
fn of_subject(subject: &Subject) -> (String, Option<PathBytes>, Option<StoredId>) {
    let (file, file_bytes) = split_path(&subject.file);
    (file, file_bytes, subject.flake.map(|flake| StoredId(flake.uuid())))
}

fn subject(file: String, file_bytes: Option<PathBytes>, flake: Option<StoredId>) -> Subject {
    Subject { flake: flake.map(|flake| FlakeId::new(flake.0)), file: join_path(file, file_bytes) }
}

impl From<&Finding> for StoredFinding {
    fn from(finding: &Finding) -> Self {
        Self {
            fingerprint: finding.fingerprint.clone(),
            code: finding.code.clone(),
            severity: match finding.severity {
                Severity::Info => StoredSeverity::Info,
                Severity::Warning => StoredSeverity::Warning,
                Severity::Error => StoredSeverity::Error,
            },
            line: finding.line,
            message: finding.message.clone(),
        }
    }
}

impl From<StoredFinding> for Finding {
    fn from(stored: StoredFinding) -> Self {
        Self {
            fingerprint: stored.fingerprint,
            code: stored.code,
            severity: match stored.severity {
                StoredSeverity::Info => Severity::Info,
                StoredSeverity::Warning => Severity::Warning,
                StoredSeverity::Error => Severity::Error,
            },
            line: stored.line,
            message: stored.message,
        }
    }
}
