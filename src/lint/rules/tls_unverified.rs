//! Servers that are not asked who they are.

use rnix::{SyntaxKind, TextRange};

use crate::domain::finding::Severity;
use crate::lint::{Check, Example, Report, Rule, Safety};

pub(super) static RULE: Rule = Rule {
    name: "tls-unverified",
    summary: "a download from a server that may be anyone",
    why: "Without the check of its certificate, whoever sits on the way can answer in place of the server. Add \
          `cacert` to the inputs of the build, or name the certificate of your own server.",
    bad: Example::Nix(r#"{ runCommand }: runCommand "x" { } "curl --insecure https://example.org/x > $out""#),
    good: Example::Nix(r#"{ runCommand }: runCommand "x" { } "curl https://example.org/x > $out""#),
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::File(check),
};

/// What programs are told so that they take any certificate.
const WORDS: &[&str] = &[
    "--no-check-certificate",
    "GIT_SSL_NO_VERIFY=1",
    "GIT_SSL_NO_VERIFY=true",
    "NODE_TLS_REJECT_UNAUTHORIZED=0",
    "curl --insecure",
    "curl -k ",
    "http.sslVerify=false",
    "npm config set strict-ssl false",
];

fn check(report: &mut Report<'_, '_>) {
    for word in WORDS {
        for start in memchr::memmem::find_iter(report.file.text.as_bytes(), word) {
            let to = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).into();
            let range = TextRange::new(to(start), to(start + word.len()));
            let element = report.file.element_at(range);
            let line = report.file.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            let here = line.contains("localhost") || line.contains("127.0.0.1");
            if !here && element.is_some_and(|element| element.kind() == SyntaxKind::TOKEN_STRING_CONTENT) {
                report.at(range, format!("`{}` takes any server for the right one", word.trim()));
            }
        }
    }
}
