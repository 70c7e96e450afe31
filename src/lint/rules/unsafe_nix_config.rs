//! Settings of a flake that open the machine that uses it.

use super::reference::is_insecure;
use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::flake::{FlakeFile, Setting};

pub(super) static RULE: Rule = Rule {
    name: "unsafe-nix-config",
    summary: "a setting in `nixConfig` that makes its users less safe",
    why: "Nix asks everyone who uses the flake whether to take its settings; those who say yes, or have \
          `accept-flake-config`, get them. Leave such settings to the owners of the machines.",
    bad: Example::Flake { nix: "{ nixConfig.sandbox = false; outputs = _: { }; }", lock: "" },
    good: Example::Flake {
        nix: r#"{ nixConfig.extra-experimental-features = "pipe-operators"; outputs = _: { }; }"#,
        lock: "",
    },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[],
    check: Check::Flake(check),
};

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let Some(flake) = view.sound() else { return };
    for setting in &flake.nix_config {
        if let Some(why) = why(setting, flake) {
            report.in_nix(Some(setting.span), format!("`nixConfig.{}` {why}", setting.name));
        }
    }
}

fn why(setting: &Setting, flake: &FlakeFile) -> Option<&'static str> {
    let is = |value: &str| setting.value == value;
    match setting.name.as_str() {
        "sandbox" if is("false") => Some("lets builds reach the network and every file"),
        "sandbox-fallback" if is("true") => Some("lets builds go on without a sandbox"),
        "trusted-users" | "extra-trusted-users" => Some("makes others as powerful as root"),
        "require-sigs" if is("false") => Some("takes binaries that nobody signed"),
        "allow-unsafe-native-code-during-evaluation" if is("true") => Some("lets evaluation run any program"),
        "accept-flake-config" if is("true") => Some("takes the settings of every other flake, too"),
        "post-build-hook" | "build-hook" | "diff-hook" | "plugin-files" => Some("runs a program of the flake's choice"),
        "substituters" | "extra-substituters" | "trusted-substituters" => of_caches(&setting.value, flake),
        _ => None,
    }
}

fn of_caches(value: &str, flake: &FlakeFile) -> Option<&'static str> {
    const KEYS: &[&str] = &["trusted-public-keys", "extra-trusted-public-keys"];
    if value.split_ascii_whitespace().any(is_insecure) {
        return Some("names a cache that is reached without encryption");
    }
    let official = |url: &str| url.contains("cache.nixos.org") || url.contains("trusted=");
    let needs_key = !value.split_ascii_whitespace().all(official);
    let has_key = flake.nix_config.iter().any(|setting| KEYS.contains(&setting.name.as_str()));
    // A list that could not be read is reported as such.
    let unread = flake.problems.iter().any(|problem| matches!(problem.code, "not-literal" | "flake-shape"));
    (needs_key && !has_key && !unread).then_some("names caches but no key of theirs, so nothing is taken from them")
}
