//! Branches of releases that have reached their end.

use super::reference;
use crate::domain::finding::Severity;
use crate::lint::flake::{FlakeReport, FlakeView};
use crate::lint::{Check, Example, Rule, Safety};
use crate::syntax::flake_ref::{FlakeRef, Source};
use crate::syntax::{Span, graph};

pub(super) static RULE: Rule = Rule {
    name: "unsupported-branch",
    summary: "an input on a branch that gets no security fixes any more",
    why: "A NixOS release gets fixes until one month after the next. Move to the branch of a newer release.",
    bad: Example::Flake {
        nix: r#"{ inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-24.05"; outputs = _: { }; }"#,
        lock: "",
    },
    good: Example::Flake {
        nix: r#"{ inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05"; outputs = _: { }; }"#,
        lock: "",
    },
    severity: Severity::Warning,
    fix: Safety::None,
    on: true,
    alike: &[("flake-checker", "supported refs")],
    check: Check::Flake(check),
};

/// Releases and the last month in which each gets fixes.
const RELEASES: &[(&str, i64, i64)] = &[
    ("17.03", 2017, 10),
    ("17.09", 2018, 5),
    ("18.03", 2018, 11),
    ("18.09", 2019, 5),
    ("19.03", 2019, 11),
    ("19.09", 2020, 5),
    ("20.03", 2020, 11),
    ("20.09", 2021, 6),
    ("21.05", 2021, 12),
    ("21.11", 2022, 6),
    ("22.05", 2022, 12),
    ("22.11", 2023, 6),
    ("23.05", 2023, 12),
    ("23.11", 2024, 6),
    ("24.05", 2024, 12),
    ("24.11", 2025, 6),
    ("25.05", 2025, 12),
    ("25.11", 2026, 6),
    ("26.05", 2026, 12),
];
/// What the names of branches of a release begin with.
const BRANCHES: &[&str] = &["nixos-", "nixpkgs-", "release-", "nix-darwin-"];
/// Repositories that have such branches.
const REPOSITORIES: &[&str] = &["nixpkgs", "home-manager", "nix-darwin", "nixvim", "stylix"];

fn check(view: &FlakeView<'_>, report: &mut FlakeReport<'_>) {
    let Some(now) = view.now else { return };
    if view.sound().is_some() {
        for input in view.declared() {
            let ended = reference::of(input).and_then(|reference| ended(&reference, now));
            if let Some(ended) = ended {
                report.in_nix(Some(input.span), message(&input.name, ended));
            }
        }
    } else if view.flake.is_none() {
        for (name, span, ended) in in_lock(view, now) {
            report.in_lock(span, message(&name, ended));
        }
    }
}

/// The inputs of the root of a lock that stands alone.
fn in_lock(view: &FlakeView<'_>, now: i64) -> Vec<(String, Option<Span>, Ended)> {
    let Some(lock) = view.lock else { return Vec::new() };
    let of_root = graph::paths(lock).into_iter().filter(|(path, _)| !path.contains('/'));
    let found = of_root.filter_map(|(path, key)| {
        let node = lock.nodes.get(key)?;
        let reference = FlakeRef::from_attrs(node.original.as_ref()?).ok()?;
        Some((path, node.span, ended(&reference, now)?))
    });
    found.collect()
}

type Ended = &'static (&'static str, i64, i64);

fn message(name: &str, (release, year, month): Ended) -> String {
    format!(
        "input `{name}` is on {release}, which gets no fixes since the end of {year}-{month:02}; move to a newer branch"
    )
}

/// The release that a reference names, when its time is over.
fn ended(reference: &FlakeRef, now: i64) -> Option<Ended> {
    let release = release(reference)?;
    let found = RELEASES.iter().find(|(name, ..)| *name == release)?;
    (now >= first_second_after(found.1, found.2)).then_some(found)
}

fn release(reference: &FlakeRef) -> Option<String> {
    match &reference.source {
        Source::Indirect { id } if REPOSITORIES.contains(&id.as_str()) => of_branch(reference.reference.as_deref()?),
        Source::Forge { repo, .. } if REPOSITORIES.contains(&repo.to_lowercase().as_str()) => {
            of_branch(reference.reference.as_deref()?)
        }
        Source::Git { url } if REPOSITORIES.iter().any(|repo| url.trim_end_matches(".git").ends_with(repo)) => {
            of_branch(reference.reference.as_deref()?)
        }
        Source::Tarball { url } | Source::File { url } if url.contains("nixos.org/") => {
            url.split('/').find_map(of_branch)
        }
        Source::Tarball { url } if url.contains("flakehub.com/f/NixOS/nixpkgs/") => {
            url.split('/').find_map(of_flakehub)
        }
        _ => None,
    }
}

/// `24.05` of `nixos-24.05-small`.
fn of_branch(branch: &str) -> Option<String> {
    let rest = BRANCHES.iter().find_map(|prefix| branch.strip_prefix(prefix))?;
    let release = rest.split('-').next()?;
    (release.len() == 5).then(|| release.to_owned())
}

/// `24.05` of `0.2405.*`.
fn of_flakehub(version: &str) -> Option<String> {
    let digits = version.strip_prefix("0.")?.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let (year, month) = digits.split_at_checked(2)?;
    Some(format!("{year}.{month}"))
}

/// Seconds since 1970 at which a month is over.
fn first_second_after(year: i64, month: i64) -> i64 {
    let months = year * 12 + month;
    // Years that begin in March have their leap day at the end.
    let (year, month) = ((months - 2).div_euclid(12), (months - 2).rem_euclid(12));
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 - 719_468;
    days * 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_over_when_the_next_begins() {
        assert_eq!(first_second_after(1969, 12), 0);
        assert_eq!(first_second_after(2000, 2), 951_868_800);
        assert_eq!(first_second_after(2025, 12), 1_767_225_600);
        assert_eq!(first_second_after(2026, 6), 1_782_864_000);
    }

    #[test]
    fn releases_are_read_from_branches_channels_and_flakehub() {
        let of = |url: &str| release(&FlakeRef::parse(url).expect("a reference"));
        for url in [
            "github:NixOS/nixpkgs/nixos-24.05-small",
            "github:nix-community/home-manager/release-24.05",
            "github:LnL7/nix-darwin/nix-darwin-24.05",
            "https://channels.nixos.org/nixos-24.05/nixexprs.tar.xz",
            "https://flakehub.com/f/NixOS/nixpkgs/0.2405.*.tar.gz",
            "git+https://github.com/NixOS/nixpkgs.git?ref=nixos-24.05",
            "nixpkgs/nixos-24.05",
        ] {
            assert_eq!(of(url).as_deref(), Some("24.05"), "{url}");
        }
        for url in ["github:NixOS/nixpkgs/nixos-unstable", "github:a/b/release-24.05", "nixpkgs/24.05"] {
            assert_eq!(of(url), None, "{url}");
        }
    }
}
