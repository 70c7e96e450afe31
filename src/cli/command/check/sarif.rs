//! SARIF 2.1.0, as code scanning reads it: rules, results with places, fixes, and fingerprints that outlive moved lines.

use std::path::Path;

use serde_json::{Value, json};

use crate::app::check::CheckReport;
use crate::app::edit::from_here;
use crate::domain::finding::Severity;
use crate::lint::rules::RULES;
use crate::lint::{Finding, Rule};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// The name under which the fingerprint stands; another number when it is made otherwise.
const FINGERPRINT: &str = "cimNix/v1";

/// The whole document; paths are relative to `directory` where they lie below it.
pub(super) fn document(report: &CheckReport, directory: &Path) -> Value {
    let findings = report.found.iter().flat_map(|file| {
        let at = from_here(&file.path, directory);
        let text =
            std::fs::read(&file.path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines = Lines::of(&text);
        file.findings.iter().map(|finding| result(&at, &lines, finding)).collect::<Vec<_>>()
    });
    let unread = report.unread.iter().map(|unread| {
        let at = uri(&from_here(&unread.path, directory));
        json!({
            "ruleId": unread.rule,
            "level": "error",
            "message": { "text": unread.message },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": at } } }],
        })
    });
    let results: Vec<Value> = unread.chain(findings).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "cim-nix",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": RULES.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.why },
        "defaultConfiguration": { "level": level(rule.severity), "enabled": rule.on },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(path: &Path, lines: &Lines<'_>, finding: &Finding) -> Value {
    let artifact = json!({ "uri": uri(path) });
    let place = finding.place.shown();
    let mut result = json!({
        "ruleId": finding.rule.name,
        "ruleIndex": RULES.iter().position(|rule| rule.name == finding.rule.name),
        "level": level(finding.severity),
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact,
            "region": {
                "startLine": place.line, "startColumn": place.column,
                "endLine": place.end_line, "endColumn": place.end_column,
            },
        } }],
        "partialFingerprints": { FINGERPRINT: finding.fingerprint },
    });
    if let Some(fix) = super::shown_fix(finding)
        && let Some(object) = result.as_object_mut()
    {
        let replacements: Vec<Value> = fix.edits.iter().map(|edit| replacement(lines, edit)).collect();
        let change = json!({ "artifactLocation": artifact, "replacements": replacements });
        let fixes = json!([{ "description": { "text": finding.rule.summary }, "artifactChanges": [change] }]);
        object.insert("fixes".to_owned(), fixes);
    }
    result
}

fn replacement(lines: &Lines<'_>, edit: &crate::syntax::edit::Edit) -> Value {
    let (line, column) = lines.position(edit.start);
    let (end_line, end_column) = lines.position(edit.end);
    json!({
        "deletedRegion": {
            "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column,
        },
        "insertedContent": { "text": edit.text },
    })
}

/// Where each line of a text begins, counted once for all its fixes.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, starts: std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect() }
    }

    /// Line and column in characters, both from 1.
    fn position(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at);
        let begin = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or_default();
        (line, self.text.get(begin..at).map_or(0, |before| before.chars().count()) + 1)
    }
}

/// A relative reference, or `file://` with the whole path; everything but plain characters is escaped.
fn uri(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;

    let mut uri = String::new();
    if path.is_absolute() {
        uri.push_str("file://");
    }
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}
