//! `system status`: what runs, and whether that is what the locks say now.

use serde::Serialize;

use crate::app::moment::for_people;
use crate::app::system::{self, Built, Nixos, Source};
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::path::{PathFields, for_people as path_for_people};
use crate::cli::text::short;
use crate::store::view::rfc3339;

pub(super) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let nixos = system::nixos(&context.settings.system_root);
    let flakes = match &nixos {
        Some(nixos) if context.has_ledger() => {
            let running = nixos.running.as_ref().and_then(|built| built.version.revision.as_deref());
            let host = context.who.host.clone();
            system::sources(&context.read()?.ledger.reader, &host, running)?
        }
        _ => Vec::new(),
    };
    let status = Status { nixos: nixos.as_ref().map(System::of), flakes: flakes.into_iter().map(Flake::of).collect() };
    context.printer.answer(&status)
}

/// `cim-nix/system-status/1`.
#[derive(Debug, Serialize)]
struct Status {
    /// Absent when this is no NixOS.
    nixos: Option<System>,
    /// The flakes of this machine that make a NixOS; those that make one of its name first.
    flakes: Vec<Flake>,
}

#[derive(Debug, Serialize)]
struct System {
    #[serde(flatten)]
    profile: PathFields,
    generations: usize,
    /// The current generation of the profile: what the next boot brings.
    current: Option<Made>,
    current_since: Option<String>,
    running: Option<Made>,
    booted: Option<Made>,
    #[serde(skip)]
    since: Option<i64>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Made {
    /// The newest generation that it is; absent when none is.
    generation: Option<u64>,
    store_path: String,
    version: Option<String>,
    nixpkgs: Option<String>,
    configuration: Option<String>,
}

#[derive(Debug, Serialize)]
struct Flake {
    id: String,
    #[serde(flatten)]
    path: PathFields,
    configurations: Vec<String>,
    of_this_machine: bool,
    /// The revision to which it locks nixpkgs.
    nixpkgs: Option<String>,
    /// Whether that runs; absent when one of the two is not known.
    runs: Option<bool>,
}

impl System {
    fn of(nixos: &Nixos) -> Self {
        let since = nixos.chosen.as_ref().map(|chosen| chosen.since);
        Self {
            profile: PathFields::from(nixos.profile.as_path()),
            generations: nixos.generations,
            current: nixos.chosen.as_ref().map(|chosen| Made::of(&chosen.built)),
            current_since: since.map(rfc3339),
            running: nixos.running.as_ref().map(Made::of),
            booted: nixos.booted.as_ref().map(Made::of),
            since,
        }
    }
}

impl Made {
    fn of(built: &Built) -> Self {
        Self {
            generation: built.generation,
            store_path: built.store_path.clone(),
            version: built.version.version.clone(),
            nixpkgs: built.version.revision.clone(),
            configuration: built.version.configuration.clone(),
        }
    }

    /// `generation 42, 26.05.20261101.647b2b7, nixpkgs 647b2b7c`.
    fn line(&self) -> String {
        let number =
            self.generation.map_or_else(|| "no generation".to_owned(), |number| format!("generation {number}"));
        let version = self.version.as_deref().unwrap_or("of unknown version");
        let named = |name: &str, text: &Option<String>| text.as_deref().map(|text| format!(", {name} {}", short(text)));
        let nixpkgs = named("nixpkgs", &self.nixpkgs).unwrap_or_default();
        let configuration = named("configuration", &self.configuration).unwrap_or_default();
        format!("{number}, {version}{nixpkgs}{configuration}")
    }
}

impl Flake {
    fn of(source: Source) -> Self {
        let Source { flake, path, configurations, of_this_machine, nixpkgs, runs } = source;
        let path = PathFields::from(&path);
        Self { id: flake.to_string(), path, configurations, of_this_machine, nixpkgs, runs }
    }

    fn line(&self) -> String {
        let says = match (self.nixpkgs.as_deref().map(short), self.runs) {
            (None, _) => "locks no nixpkgs".to_owned(),
            (Some(revision), Some(true)) => format!("locks nixpkgs {revision}, which runs"),
            (Some(revision), Some(false)) => format!("locks nixpkgs {revision}, which does not run"),
            (Some(revision), None) => format!("locks nixpkgs {revision}; which one runs is not known"),
        };
        format!("{}#{} {says}", path_for_people(&self.path.path), self.configurations.join(","))
    }
}

impl Answer for Status {
    const NAME: &'static str = "system-status";
    type Record = Flake;

    fn records(&self) -> &[Flake] {
        &self.flakes
    }

    fn cells(flake: &Flake) -> Vec<String> {
        let runs = flake.runs.map(|runs| runs.to_string()).unwrap_or_default();
        let nixpkgs = flake.nixpkgs.clone().unwrap_or_default();
        [flake.path.path.clone(), flake.configurations.join(","), nixpkgs, runs].into()
    }

    fn page(&self, page: &mut Page) {
        let Some(nixos) = &self.nixos else {
            page.line("this machine is no NixOS: it has neither /run/current-system nor a system profile");
            return;
        };
        let text = |store: &Option<Made>| store.as_ref().map_or_else(|| "nothing that is known".to_owned(), Made::line);
        page.field("running", text(&nixos.running));
        let since = nixos.since.map(|since| format!(", since {}", for_people(since))).unwrap_or_default();
        page.field("next boot", format!("{}{since}", text(&nixos.current)));
        page.field("booted", text(&nixos.booted));
        let path = |store: &Option<Made>| store.as_ref().map(|store| store.store_path.clone());
        let (running, current, booted) = (path(&nixos.running), path(&nixos.current), path(&nixos.booted));
        if current.is_some() && running != current {
            page.line("what runs is not what the profile says; `nixos-rebuild switch` would change that");
        }
        if booted.is_some() && running != booted {
            page.line("what runs was switched to since the machine was booted");
        }
        if !self.flakes.is_empty() {
            page.gap();
            self.flakes.iter().for_each(|flake| page.line(flake.line()));
        }
    }
}
