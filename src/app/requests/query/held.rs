//! What flakes hold without naming it as an output, and what their configurations run as.

use serde_json::{Value, json};

use super::{of_flake, one, text};
use crate::app::requests::Desk;
use crate::app::requests::asked::Asked;
use crate::app::requests::reply::Refusal;
use crate::store::view::{self, At, FlakeRow, GenerationRow, Whose, rfc3339};
use crate::store::{Reader, StoreError};

/// The files of a flake that are modules or overlays, each with its key; none for another category.
pub(super) fn files(reader: &Reader, flake: &FlakeRow, category: &str) -> Result<Vec<(String, Value)>, StoreError> {
    let item = |path: String, seen: Value| {
        let of = of_flake(flake.id, &flake.origin, &flake.path.to_string());
        let item = json!({ "name": path, "path": path, "unknown": Value::Null, "flake": of, "seen": seen });
        (format!("{}/{path}", flake.id), item)
    };
    Ok(match category {
        "nixosModules" => {
            let rows = view::modules(reader, Some(flake.id), At::Now)?.into_iter().map(|row| {
                let seen = json!({
                    "kind": row.kind, "declared": row.declared, "defined": row.defined, "imports": row.imports,
                    "left_out": row.left_out, "since": rfc3339(row.since),
                });
                item(row.path.to_string(), seen)
            });
            rows.collect()
        }
        "overlays" => {
            let rows = view::overlays(reader, Some(flake.id), At::Now)?.into_iter().map(|row| {
                let seen = json!({ "adds": row.adds, "left_out": row.left_out, "since": rfc3339(row.since) });
                item(row.path.to_string(), seen)
            });
            rows.collect()
        }
        _ => Vec::new(),
    })
}

/// The generation of a configuration that runs now, on every machine that is known to run one.
pub(super) fn current(desk: &Desk, asked: &Asked) -> Result<Value, Refusal> {
    generations(desk, asked, |row| row.until.is_none())
}

/// Every generation of a configuration that ran.
pub(super) fn history(desk: &Desk, asked: &Asked) -> Result<Value, Refusal> {
    generations(desk, asked, |_| true)
}

/// Generations do not say of which configuration they are, but the name of the system does: NixOS takes its host name, which
/// nearly everybody gives the configuration as well.
fn generations(desk: &Desk, asked: &Asked, wanted: impl Fn(&GenerationRow) -> bool) -> Result<Value, Refusal> {
    let found = one(desk, asked, "nixosConfigurations")?;
    let name = text(asked, "name").unwrap_or_default();
    let name = name.strip_prefix("nixosConfigurations.").unwrap_or(name);
    let rows = desk.read(|reader| view::generations(reader, Whose::All, At::Now))?;
    let fits = |row: &&GenerationRow| host_name(&row.store_path, row.version.as_deref()) == Some(name) && wanted(row);
    let rows: Vec<Value> = rows.iter().filter(fits).map(generation).collect();
    if rows.is_empty() {
        let why = format!("no generation is known whose host name is {name}");
        return Ok(json!({ "items": found["items"], "generations": "unknown", "why": why }));
    }
    Ok(json!({ "items": found["items"], "generations": rows, "why": "by the host name in the name of the system" }))
}

fn generation(row: &GenerationRow) -> Value {
    json!({
        "origin": row.origin, "profile": row.profile.to_string(), "generation": row.number, "store_path": row.store_path,
        "version": row.version, "revision": row.revision, "configuration": row.configuration,
        "rolled_back": row.rolled_back, "since": rfc3339(row.since), "until": row.until.map(rfc3339),
    })
}

/// `desk` of `/nix/store/…-nixos-system-desk-26.05.20261101.647b2b7`.
fn host_name<'a>(store_path: &'a str, version: Option<&str>) -> Option<&'a str> {
    let (_, rest) = store_path.split_once("-nixos-system-")?;
    let whole = version.and_then(|version| rest.strip_suffix(version)?.strip_suffix('-'));
    // Without a version that fits: a version begins with a digit.
    whole.or_else(|| {
        let (at, _) = rest.match_indices('-').find(|(at, _)| rest.get(at + 1..).is_some_and(begins_with_digit))?;
        rest.get(..at)
    })
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::host_name;

    #[test]
    fn the_host_name_stands_before_the_version() {
        let store = |name: &str| format!("/nix/store/{}-{name}", "a".repeat(32));
        let told = |name: &str, version| host_name(&store(name), version).map(str::to_owned);
        assert_eq!(told("nixos-system-desk-26.05.2026", Some("26.05.2026")).as_deref(), Some("desk"));
        assert_eq!(told("nixos-system-desk-2-26.05", Some("26.05")).as_deref(), Some("desk-2"));
        assert_eq!(told("nixos-system-desk-26.05", None).as_deref(), Some("desk"));
        assert_eq!(told("nixos-system-my-desk-26.05", Some("other")).as_deref(), Some("my-desk"));
        assert_eq!(told("nixos-system-desk", None), None);
        assert_eq!(told("home-manager-generation", None), None);
    }
}
