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
    #[serde(flatten)]
    subject: StoredSubject,
    findings: Vec<StoredFinding>,
}

#[derive(Serialize, Deserialize)]
struct Changed {
    #[serde(flatten)]
    subject: StoredSubject,
    findings: Vec<StoredFinding>,
}

#[derive(Serialize, Deserialize)]
struct Resolved {
    #[serde(flatten)]
    subject: StoredSubject,
    fingerprints: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredSuppressed {
    fingerprint: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct SuppressedNow {
    #[serde(flatten)]
    subject: StoredSubject,
    findings: Vec<StoredSuppressed>,
}

#[derive(Serialize, Deserialize)]
struct StoredSubject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flake: Option<StoredId>,
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_bytes: Option<PathBytes>,
}

#[derive(Serialize, Deserialize)]
struct StoredFinding {
    fingerprint: String,
    code: String,
    severity: StoredSeverity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    message: String,
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
            write(Raised { subject: subject.into(), findings: all(findings) })
        }
        FindingEvent::Changed { subject, findings } => {
            write(Changed { subject: subject.into(), findings: all(findings) })
        }
        FindingEvent::Resolved { subject, fingerprints } => {
            write(Resolved { subject: subject.into(), fingerprints: fingerprints.clone() })
        }
        FindingEvent::Suppressed { subject, findings } => {
            write(SuppressedNow { subject: subject.into(), findings: all(findings) })
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
        Self::Raised { subject: stored.subject.into(), findings: all_owned(stored.findings) }
    }
}

impl From<Changed> for FindingEvent {
    fn from(stored: Changed) -> Self {
        Self::Changed { subject: stored.subject.into(), findings: all_owned(stored.findings) }
    }
}

impl From<Resolved> for FindingEvent {
    fn from(stored: Resolved) -> Self {
        Self::Resolved { subject: stored.subject.into(), fingerprints: stored.fingerprints }
    }
}

impl From<SuppressedNow> for FindingEvent {
    fn from(stored: SuppressedNow) -> Self {
        Self::Suppressed { subject: stored.subject.into(), findings: all_owned(stored.findings) }
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

impl From<&Subject> for StoredSubject {
    fn from(subject: &Subject) -> Self {
        let (file, file_bytes) = split_path(&subject.file);
        Self { flake: subject.flake.map(|flake| StoredId(flake.uuid())), file, file_bytes }
    }
}

impl From<StoredSubject> for Subject {
    fn from(stored: StoredSubject) -> Self {
        Self { flake: stored.flake.map(|flake| FlakeId::new(flake.0)), file: join_path(stored.file, stored.file_bytes) }
    }
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
