//! The NixOS of this machine: what it runs, and whether that is what the locks of its flakes say now.

use std::path::{Path, PathBuf};

use crate::domain::Attrs;
use crate::domain::id::FlakeId;
use crate::domain::path::RecordedPath;
use crate::scan::{self, Version};
use crate::store::view::{self, At, Whose};
use crate::store::{Reader, StoreError};

/// What `nixosConfigurations` are called in outputs.
const CONFIGURATIONS: &str = "nixosConfigurations.";

/// A NixOS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nixos {
    /// Its profile.
    pub profile: PathBuf,
    /// What the next boot brings.
    pub chosen: Option<Chosen>,
    /// What runs now.
    pub running: Option<Built>,
    /// What was booted; something else may have been switched to since.
    pub booted: Option<Built>,
    /// How many generations there are.
    pub generations: usize,
}

/// The current generation of the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// When it was chosen, in microseconds since 1970 UTC.
    pub since: i64,
    /// What it is.
    pub built: Built,
}

/// A system in the Nix store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its path in the Nix store.
    pub store_path: String,
    /// The number of the newest generation that it is.
    pub generation: Option<u64>,
    /// What it says of itself.
    pub version: Version,
}

/// A flake that makes a NixOS, as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The flake.
    pub flake: FlakeId,
    /// Its directory.
    pub path: RecordedPath,
    /// The machines that it makes, as far as that is known without evaluation.
    pub configurations: Vec<String>,
    /// Whether one of them has the name of this machine.
    pub of_this_machine: bool,
    /// The revision to which it locks nixpkgs now.
    pub nixpkgs: Option<String>,
    /// Whether that is what runs; absent when one of the two is not known.
    pub runs: Option<bool>,
}

/// Looks at the machine below a root; none when it is no NixOS.
pub fn nixos(root: &Path) -> Option<Nixos> {
    let system = scan::system(root)?;
    let built = |store_path: &String| Built {
        store_path: store_path.clone(),
        generation: system.generations.iter().rev().find(|link| link.store_path == *store_path).map(|link| link.number),
        version: scan::version(root, store_path),
    };
    let chosen = system.generations.iter().find(|link| Some(link.number) == system.current).map(|link| Chosen {
        since: system.chosen_at,
        built: Built { generation: Some(link.number), ..built(&link.store_path) },
    });
    Some(Nixos {
        chosen,
        running: system.running.as_ref().map(built),
        booted: system.booted.as_ref().map(built),
        generations: system.generations.len(),
        profile: system.profile,
    })
}

/// The flakes of this machine that make a NixOS: those that make one of this name first, the others in path order.
pub fn sources(reader: &Reader, host: &str, running: Option<&str>) -> Result<Vec<Source>, StoreError> {
    let mut sources = Vec::new();
    for flake in view::flakes(reader, Whose::Own, At::Now)? {
        let outputs = view::outputs(reader, flake.id, At::Now)?;
        let named = outputs.iter().filter(|output| output.unknown.is_none());
        let configurations: Vec<String> = named
            .filter_map(|output| output.path.strip_prefix(CONFIGURATIONS))
            .map(|name| name.trim_matches('"').to_owned())
            .collect();
        if configurations.is_empty() {
            continue;
        }
        let nixpkgs = nixpkgs(reader, flake.id)?;
        let of_this_machine = configurations.iter().any(|name| name == host);
        let runs = nixpkgs.as_deref().zip(running).map(|(locked, running)| locked.starts_with(running));
        sources.push(Source { flake: flake.id, path: flake.path, configurations, of_this_machine, nixpkgs, runs });
    }
    sources.sort_by_key(|source| !source.of_this_machine);
    Ok(sources)
}

/// The revision of the input `nixpkgs`, else of the first input that is nixpkgs by its source.
fn nixpkgs(reader: &Reader, flake: FlakeId) -> Result<Option<String>, StoreError> {
    let inputs = view::inputs(reader, flake, At::Now)?;
    let is_nixpkgs = |locked: &Attrs| {
        let text = |name: &str| locked.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        text("owner").eq_ignore_ascii_case("nixos") && text("repo").eq_ignore_ascii_case("nixpkgs")
    };
    let named = inputs.iter().find(|input| input.name == "nixpkgs");
    let found = named.or_else(|| inputs.iter().find(|input| input.locked.as_ref().is_some_and(is_nixpkgs)));
    let revision = found.and_then(|input| input.locked.as_ref()?.get("rev")?.as_str());
    Ok(revision.map(str::to_owned))
}
