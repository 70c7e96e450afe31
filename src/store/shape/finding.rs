//! Stored shapes of findings.

use serde::{Deserialize, Serialize};

use super::id::StoredId;
use super::lock::{all, all_owned};
use super::value::{PathBytes, join_path, split_path};
use super::{read, unread, write};
use crate::domain::finding::event::FindingEvent;
use crate::domain::finding::{Finding, Severity, Subject, Suppressed};
use crate::domain::id::FlakeId;
use crate::domain::path::RecordedPath;

#[derive(Serialize, Deserialize)]
struct Raised {
    #[serde(flatten)]
    file: StoredFile,
    findings: Vec<StoredFinding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flake: Option<StoredId>,
}

#[derive(Serialize, Deserialize)]
struct Changed {
    #[serde(flatten)]
    file: StoredFile,
    findings: Vec<StoredFinding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flake: Option<StoredId>,
}

#[derive(Serialize, Deserialize)]
struct Resolved {
    #[serde(flatten)]
    file: StoredFile,
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
    #[serde(flatten)]
    file: StoredFile,
    findings: Vec<StoredSuppressed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flake: Option<StoredId>,
}

#[derive(Serialize, Deserialize)]
struct StoredFile {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_bytes: Option<PathBytes>,
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
            write(Raised { file: (&subject.file).into(), findings: all(findings), flake: flake(subject) })
        }
        FindingEvent::Changed { subject, findings } => {
            write(Changed { file: (&subject.file).into(), findings: all(findings), flake: flake(subject) })
        }
        FindingEvent::Resolved { subject, fingerprints } => {
            let fingerprints = fingerprints.clone();
            write(Resolved { file: (&subject.file).into(), fingerprints, flake: flake(subject) })
        }
        FindingEvent::Suppressed { subject, findings } => {
            write(SuppressedNow { file: (&subject.file).into(), findings: all(findings), flake: flake(subject) })
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
        Self::Raised { subject: subject(stored.file, stored.flake), findings: all_owned(stored.findings) }
    }
}

impl From<Changed> for FindingEvent {
    fn from(stored: Changed) -> Self {
        Self::Changed { subject: subject(stored.file, stored.flake), findings: all_owned(stored.findings) }
    }
}

impl From<Resolved> for FindingEvent {
    fn from(stored: Resolved) -> Self {
        Self::Resolved { subject: subject(stored.file, stored.flake), fingerprints: stored.fingerprints }
    }
}

impl From<SuppressedNow> for FindingEvent {
    fn from(stored: SuppressedNow) -> Self {
        Self::Suppressed { subject: subject(stored.file, stored.flake), findings: all_owned(stored.findings) }
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

impl From<&RecordedPath> for StoredFile {
    fn from(path: &RecordedPath) -> Self {
        let (file, file_bytes) = split_path(path);
        Self { file, file_bytes }
    }
}

fn flake(subject: &Subject) -> Option<StoredId> {
    subject.flake.map(|flake| StoredId(flake.uuid()))
}

fn subject(file: StoredFile, flake: Option<StoredId>) -> Subject {
    Subject { flake: flake.map(|flake| FlakeId::new(flake.0)), file: join_path(file.file, file.file_bytes) }
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
