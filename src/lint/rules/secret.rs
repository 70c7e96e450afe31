//! Secrets in a flake.

use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::flake::{FlakeFile, Input, Override};
use crate::syntax::flake_ref::FlakeRef;
use crate::syntax::lock::LockFile;
use crate::syntax::secret::{self, Secret};
use crate::syntax::{Attrs, Span};

pub(super) static RULE: Rule = Rule {
    name: "secret",
    summary: "a secret in `flake.nix` or `flake.lock`",
    why: "Everyone who can read the file has it, and so has everyone who has the repository, for ever. Revoke \
          it; then take it from a file outside the repository, as `netrc-file` and `access-tokens` do.",
    bad: Example::Flake {
        nix: r#"{ inputs.x.url = "git+https://me:hunter22@example.org/x.git"; outputs = _: { }; }"#,
        lock: "",
    },
    good: Example::Flake { nix: r#"{ inputs.x.url = "git+https://example.org/x.git"; outputs = _: { }; }"#, lock: "" },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    if let Some(flake) = view.flake {
        in_nix(flake, report);
    }
    if let Some(lock) = view.lock {
        in_lock(lock, report);
    }
}

fn in_nix(flake: &FlakeFile, report: &mut FlakeReport<'_>) {
    let mut say = |found: &[Secret], span: Option<Span>, place: &str| {
        for secret in found {
            report.in_nix(span, message(secret, place));
        }
    };
    if let Some(description) = &flake.description {
        say(&secret::redact(description).found, None, "the description");
    }
    for input in &flake.inputs {
        say(&of_input(input), Some(input.span), &format!("input `{}`", input.name));
    }
    for setting in &flake.nix_config {
        let found = secret::redact_setting(&setting.name, &setting.value).found;
        say(&found, Some(setting.span), &format!("nixConfig.{}", setting.name));
    }
}

fn of_input(input: &Input) -> Vec<Secret> {
    let urls = input.overrides.values().filter_map(override_url).chain(input.url.clone());
    let mut found: Vec<Secret> = urls.flat_map(|url| secret::redact(&url).found).collect();
    found.extend(of_attrs(&input.attrs));
    found
}

fn of_attrs(attrs: &Attrs) -> Vec<Secret> {
    if secret::are_clean(attrs) { Vec::new() } else { secret::redact_attrs(attrs).1 }
}

/// Where an override leads, as one text: attributes are written as the URL that they mean.
fn override_url(over: &Override) -> Option<String> {
    if over.attrs.is_empty() {
        return over.url.clone();
    }
    let mut attrs = over.attrs.clone();
    attrs.extend(over.url.iter().map(|url| ("url".to_owned(), url.as_str().into())));
    FlakeRef::from_attrs(&attrs).ok().map(|reference| reference.normalise())
}

fn in_lock(lock: &LockFile, report: &mut FlakeReport<'_>) {
    for (key, node) in &lock.nodes {
        for secret in [&node.locked, &node.original].into_iter().flatten().flat_map(of_attrs) {
            report.in_lock(node.span, message(&secret, &format!("lock node `{key}`")));
        }
    }
}

fn message(secret: &Secret, place: &str) -> String {
    let kind = secret.kind;
    format!(
        "a secret ({kind}) stands in {place}; the ledger keeps it out, but everyone who can read the file has it: revoke it"
    )
}
