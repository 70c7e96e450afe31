//! Modules, overlays and configurations: discovered, updated, moved and deleted with what changed, and never told twice.

use cim_domain_nix::app::scan::Wanted;
use cim_domain_nix::domain::catalogue::Event;
use cim_domain_nix::domain::config::ConfigEvent;
use cim_domain_nix::domain::finding::Severity;
use cim_domain_nix::domain::module::ModuleEvent;
use cim_domain_nix::lint::Selection;
use cim_domain_nix::store::view::{At, ConfigRow};

use super::*;

const HOSTS: &str = r#"{
  outputs = { self, nixpkgs, agenix, ... }: {
    nixosConfigurations.desk = nixpkgs.lib.nixosSystem {
      system = "x86_64-linux";
      modules = [ ./hosts/desk.nix agenix.nixosModules.default ];
    };
    nixosConfigurations.cellar = nixpkgs.lib.nixosSystem { modules = [
      ./hosts/cellar
      ({ pkgs, ... }: { services.fstrim.enable = true; users.users.${pkgs.x} = { }; })
    ]; };
  };
}
"#;
const DESK: &str = "{ pkgs, ... }: { imports = [ ../modules/web.nix ]; users.users.ann = { isNormalUser = true; }; \
                    services.openssh.enable = true; boot.x = 1; }";
const WEB: &str = "{ lib, config, ... }: { options.site.enable = lib.mkEnableOption \"x\"; config = { \
                   services.nginx.enable = true; services.grafana.enable = lib.mkIf config.site.enable true; }; }";
const OVERLAY: &str = "final: prev: { hello = prev.hello; mine = 1; }";

fn request(estate: &Estate) -> ScanRequest {
    ScanRequest { paths: vec![estate.root()], modules: true, ..ScanRequest::default() }
}

fn estate() -> Estate {
    let estate = Estate::new();
    estate.write("infra/flake.nix", HOSTS);
    estate.write("infra/hosts/desk.nix", DESK);
    estate.write("infra/hosts/cellar/default.nix", "{ imports = [ ./disk.nix ../../../outside.nix ]; }");
    estate.write("infra/modules/web.nix", WEB);
    estate.write("infra/overlay.nix", OVERLAY);
    estate.write("infra/package.nix", "{ stdenv }: stdenv.mkDerivation { }");
    estate.write("loose/tools.nix", OVERLAY);
    estate
}

/// The types of the events of one scan, sorted, without those of flakes and their problems.
fn scan(estate: &Estate) -> Vec<String> {
    let before = estate.types().len();
    estate.scan_with(&request(estate));
    let mut types = estate.types().split_off(before);
    types.retain(|kind| !kind.starts_with("flake.") && !kind.starts_with("finding."));
    types.sort();
    types
}

fn last(estate: &Estate, kind: &str) -> Event {
    let reader = estate.session.store.reader().expect("a reader");
    let recorded = reader.recorded(0, 10_000).expect("events");
    let found = recorded.iter().rfind(|event| event.kind == kind).expect("such an event");
    found.event().expect("it can be read").clone()
}

fn modules(estate: &Estate) -> Vec<String> {
    let reader = estate.session.store.reader().expect("a reader");
    let rows = view::modules(&reader, None, At::Now).expect("modules");
    rows.into_iter().map(|row| format!("{} {} {}+{}", row.path, row.kind, row.declared, row.defined)).collect()
}

fn config(estate: &Estate, name: &str) -> ConfigRow {
    let reader = estate.session.store.reader().expect("a reader");
    let rows = view::configs(&reader, None, At::Now).expect("configurations");
    rows.into_iter().find(|row| row.name == name).expect("the configuration")
}

fn who_has(estate: &Estate, option: &str) -> Vec<String> {
    let reader = estate.session.store.reader().expect("a reader");
    let rows = view::module_options(&reader, option, At::Now).expect("options");
    rows.into_iter().map(|row| format!("{} {} {}", row.option, row.how, row.path)).collect()
}

/// What is live is what the events give when they are read again.
fn assert_rebuilt_equals_live(estate: &Estate) {
    assert_eq!(estate.session.store.compare(None).expect("compared"), []);
}

#[test]
fn what_is_there_is_discovered_once() {
    let estate = estate();
    let first = scan(&estate);
    let count = |kind: &str| first.iter().filter(|known| *known == kind).count();
    assert_eq!((count("module.discovered"), count("overlay.discovered"), count("config.discovered")), (3, 2, 2));
    assert_eq!(first.len(), 7, "{first:?}");
    assert_eq!(scan(&estate), Vec::<String>::new(), "seeing twice says nothing");
    assert_eq!(
        modules(&estate),
        ["hosts/cellar/default.nix unknown 0+0", "hosts/desk.nix nixos 0+3", "modules/web.nix unknown 1+2"]
    );
    assert_eq!(who_has(&estate, "services.nginx"), ["services.nginx.enable defined modules/web.nix"]);
    assert_eq!(who_has(&estate, "site"), ["site.enable declared modules/web.nix"]);
    let reader = estate.session.store.reader().expect("a reader");
    let overlays = view::overlays(&reader, None, At::Now).expect("overlays");
    let told: Vec<_> = overlays.iter().map(|row| (row.flake.is_some(), row.adds.join(" "))).collect();
    assert_eq!(told, [(false, "hello mine".to_owned()), (true, "hello mine".to_owned())]);
    assert_rebuilt_equals_live(&estate);
}

#[test]
fn a_configuration_has_the_users_and_services_of_its_modules_and_says_what_it_does_not_know() {
    let estate = estate();
    scan(&estate);
    let desk = config(&estate, "desk");
    assert_eq!(desk.system.as_deref(), Some("x86_64-linux"));
    assert_eq!(desk.modules, ["hosts/desk.nix", "modules/web.nix"]);
    assert_eq!((desk.users, desk.services), (vec!["ann".to_owned()], vec!["nginx".to_owned(), "openssh".to_owned()]));
    assert_eq!(
        desk.unknown,
        ["`agenix.nixosModules.default`, in flake.nix", "whether `services.grafana` is enabled"],
        "what holds under a condition is not claimed"
    );
    let cellar = config(&estate, "cellar");
    assert_eq!(cellar.system, None);
    assert_eq!(
        cellar.unknown,
        [
            "`../../../outside.nix`, which lies outside the flake",
            "users with computed names, in `flake.nix`",
            "what cannot be read: `hosts/cellar/disk.nix`"
        ]
    );
    assert_eq!(cellar.services, ["fstrim"], "what is written in flake.nix itself counts as well");
}

#[test]
fn a_changed_module_is_one_event_that_says_what_changed_and_so_is_its_configuration() {
    let estate = estate();
    scan(&estate);
    let then = estate.session.clock.now();
    estate.write("infra/modules/web.nix", &WEB.replace("nginx", "caddy"));
    assert_eq!(scan(&estate), ["config.updated", "module.updated"]);
    let Event::Module(ModuleEvent::Updated { file, change }) = last(&estate, "module.updated") else { panic!() };
    assert_eq!(file.path.text(), "modules/web.nix");
    let told = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
    assert_eq!(told(&change.defined.added), ["services.caddy.enable"]);
    assert_eq!(told(&change.defined.removed), ["services.nginx.enable"]);
    assert!(change.declared.is_empty() && change.kind.is_none() && !change.same_file);
    let Event::Config(ConfigEvent::Updated { name, change }) = last(&estate, "config.updated") else { panic!() };
    assert_eq!((name.name.as_str(), told(&change.services.added)), ("desk", vec!["caddy".to_owned()]));
    assert!(change.modules.is_empty() && !change.same_files);
    assert_eq!(who_has(&estate, "services.caddy"), ["services.caddy.enable defined modules/web.nix"]);
    let reader = estate.session.store.reader().expect("a reader");
    let before = view::module_options(&reader, "services.nginx", At::Occurred(then)).expect("options");
    assert_eq!(before.len(), 1, "the past is still known");
    assert_rebuilt_equals_live(&estate);
}

#[test]
fn what_is_deleted_or_becomes_something_else_is_deleted() {
    let estate = estate();
    scan(&estate);
    fs::remove_file(estate.root().join("infra/modules/web.nix")).expect("it was there");
    estate.write("infra/modules/other.txt", "so that the directory is not empty");
    estate.write("infra/overlay.nix", "{ config, ... }: { a = 1; }");
    assert_eq!(scan(&estate), ["config.updated", "module.deleted", "module.discovered", "overlay.deleted"]);
    assert_eq!(scan(&estate), Vec::<String>::new());
    assert_eq!(who_has(&estate, "site"), Vec::<String>::new());
    estate.write("infra/flake.nix", &HOSTS.replace("nixosConfigurations.cellar", "nixosConfigurations.attic"));
    assert_eq!(scan(&estate), ["config.deleted", "config.discovered"]);
    assert_rebuilt_equals_live(&estate);
}

#[test]
fn a_flake_that_moves_takes_its_modules_along_without_a_word() {
    let estate = estate();
    scan(&estate);
    let before = modules(&estate);
    fs::rename(estate.root().join("infra"), estate.root().join("moved")).expect("renamed");
    assert_eq!(scan(&estate), Vec::<String>::new());
    assert_eq!(scan(&estate), Vec::<String>::new());
    assert_eq!(modules(&estate), before);
    estate.write("moved/modules/web.nix", "{ config, ... }: { }");
    assert_eq!(scan(&estate), ["config.updated", "module.updated"], "the streams go on");
}

#[test]
fn a_flake_that_goes_takes_its_modules_and_configurations_along() {
    let estate = estate();
    scan(&estate);
    fs::remove_dir_all(estate.root().join("infra")).expect("removed");
    let gone = scan(&estate);
    let count = |kind: &str| gone.iter().filter(|known| *known == kind).count();
    assert_eq!((count("module.deleted"), count("overlay.deleted"), count("config.deleted")), (3, 1, 2), "{gone:?}");
    assert_eq!(scan(&estate), Vec::<String>::new());
    assert_rebuilt_equals_live(&estate);
}

#[test]
fn files_that_lose_their_flake_are_files_of_their_own_at_once() {
    let estate = estate();
    scan(&estate);
    fs::remove_file(estate.root().join("infra/flake.nix")).expect("removed");
    let kinds = scan(&estate);
    let count = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
    assert_eq!((count("module.deleted"), count("module.discovered"), count("config.deleted")), (3, 3, 2), "{kinds:?}");
    assert_eq!(scan(&estate), Vec::<String>::new(), "nothing is left for the next scan");
    assert!(modules(&estate).iter().all(|path| path.starts_with('/')), "{:?}", modules(&estate));
}

#[test]
fn a_forgotten_flake_is_not_shown_and_comes_back_as_it_was() {
    let estate = estate();
    scan(&estate);
    let before = modules(&estate);
    let reader = estate.session.store.reader().expect("a reader");
    let id = view::known_flakes(&reader).expect("flakes").remove(0).id;
    forget::forget(&estate.session, id).expect("forgotten");
    assert_eq!(scan(&estate), Vec::<String>::new());
    assert_eq!(modules(&estate), Vec::<String>::new());
    let again = ScanRequest { paths: vec![estate.root().join("infra")], ..request(&estate) };
    estate.scan_with(&again);
    assert_eq!(modules(&estate), before);
}

#[test]
fn a_slip_in_flake_nix_deletes_no_configuration() {
    let estate = estate();
    scan(&estate);
    estate.write("infra/flake.nix", &HOSTS.replace("./hosts/cellar\n", "./hosts/cellar {\n"));
    let kinds = scan(&estate);
    assert!(!kinds.iter().any(|kind| kind.starts_with("config.")), "{kinds:?}");
    estate.write("infra/flake.nix", "");
    let kinds = scan(&estate);
    assert!(!kinds.iter().any(|kind| kind.starts_with("config.")), "{kinds:?}");
}

#[test]
fn a_configuration_that_flake_nix_names_no_longer_is_seen_no_longer_also_where_outputs_are_unknown() {
    let estate = estate();
    let parts = |hosts: &str| {
        format!(
            "{{ inputs.flake-parts.url = \"github:hercules-ci/flake-parts\"; outputs = inputs@{{ flake-parts, ... }}: \
             flake-parts.lib.mkFlake {{ inherit inputs; }} {{ imports = [ inputs.x.flakeModule ]; \
             flake.nixosConfigurations = {{ {hosts} }}; }}; }}"
        )
    };
    let host = |name: &str| format!("{name} = lib.nixosSystem {{ modules = [ ./hosts/cellar ]; }};");
    let seen = || column(&estate.session, "SELECT name FROM v1_configs WHERE valid_to IS NULL ORDER BY 1");
    estate.write("infra/flake.nix", &parts(&(host("desk") + &host("old"))));
    scan(&estate);
    assert_eq!(seen(), ["desk", "old"]);
    estate.write("infra/flake.nix", &parts(&host("desk")));
    assert_eq!(scan(&estate), ["config.deleted"]);
    assert_eq!(seen(), ["desk"]);
    estate.write("infra/flake.nix", "{ outputs = inputs: import ./outputs.nix inputs; }");
    let kinds = scan(&estate);
    assert!(kinds.contains(&"config.deleted".to_owned()), "{kinds:?}");
    assert_eq!(seen(), Vec::<String>::new());
}

#[test]
fn a_slip_in_a_nix_file_changes_no_module_overlay_or_configuration() {
    let estate = estate();
    scan(&estate);
    let files = [("infra/modules/web.nix", WEB), ("infra/overlay.nix", OVERLAY), ("infra/hosts/desk.nix", DESK)];
    for broken in
        ["", "{ config, ... }: {\n<<<<<<< HEAD\n", "{ lib, config, ... }: { config = { services.x.enable = ; }; }"]
    {
        for (path, _) in files {
            estate.write(path, broken);
        }
        assert_eq!(scan(&estate), Vec::<String>::new(), "{broken:?}");
        // Something else of the flake has its configurations looked at.
        estate.write("infra/hosts/cellar/default.nix", "{ imports = [ ./disk.nix ]; }");
        let kinds = scan(&estate);
        assert!(kinds.iter().all(|kind| kind == "module.updated" || kind == "config.updated"), "{kinds:?}");
        assert_eq!(config(&estate, "desk").services, ["nginx", "openssh"], "{broken:?}");
        estate.write("infra/hosts/cellar/default.nix", "{ imports = [ ./disk.nix ../../../outside.nix ]; }");
        scan(&estate);
        for (path, text) in files {
            estate.write(path, text);
        }
        assert_eq!(scan(&estate), Vec::<String>::new(), "{broken:?}");
    }
    let web = estate.root().join("infra/modules/web.nix");
    fs::remove_file(&web).expect("removed");
    std::os::unix::fs::symlink("/nowhere/at/all", &web).expect("a link");
    estate.write("infra/hosts/cellar/default.nix", "{ imports = [ ./disk.nix ]; }");
    scan(&estate);
    assert_eq!(config(&estate, "desk").services, ["nginx", "openssh"], "behind a link that leads nowhere");
    fs::remove_file(&web).expect("removed");
    estate.write("infra/modules/web.nix", WEB);
    scan(&estate);
    estate.write("infra/new.nix", "{ lib, config, ... }: { options.a = lib.mkOption { }; config = { b = ; }; }");
    assert_eq!(scan(&estate), ["module.discovered"], "what could be made out of one that is new");
    estate.write("infra/new.nix", "1");
    assert_eq!(scan(&estate), ["module.deleted"]);
}

#[test]
fn modules_are_recorded_whatever_the_rules_are() {
    let estate = estate();
    let rules = Some(Wanted { selection: Selection::default(), least: Severity::Error });
    let both = ScanRequest { rules, ..request(&estate) };
    estate.scan_with(&both);
    let before = modules(&estate);
    assert_eq!(before.len(), 3);
    assert_eq!(scan(&estate), Vec::<String>::new(), "without rules the same is seen");
    let only_rules = ScanRequest { modules: false, ..both.clone() };
    estate.write("infra/modules/web.nix", "{ config, ... }: { a = 1; }");
    estate.scan_with(&only_rules);
    assert_eq!(modules(&estate), before, "what is switched off records nothing");
    assert_eq!(scan(&estate), ["config.updated", "module.updated"], "and is caught up on");
}

#[test]
fn a_large_module_is_cut_and_says_so() {
    let estate = Estate::new();
    let many: String = (0..5_000)
        .map(|number| format!("services.s{number:04}.option.\"{}\" = 1;\n", "x".repeat(40)))
        .collect::<Vec<_>>()
        .concat();
    estate.write("a/many.nix", &format!("{{ config, ... }}: {{ {many} }}"));
    assert_eq!(scan(&estate), ["module.discovered"]);
    let few = many.replace("services.s", "services.t");
    estate.write("a/many.nix", &format!("{{ config, ... }}: {{ {few} }}"));
    assert_eq!(scan(&estate), ["module.updated"], "old and new fit into one event");
    let reader = estate.session.store.reader().expect("a reader");
    let row = view::modules(&reader, None, At::Now).expect("modules").remove(0);
    assert!(row.left_out >= 3_000 && row.defined + row.left_out == 5_000, "{row:?}");
}

#[test]
fn a_machine_notices_a_change_in_a_flake_inside_its_own() {
    let estate = estate();
    estate.write("infra/modules/flake.nix", FLAKE);
    scan(&estate);
    estate.write("infra/modules/web.nix", &WEB.replace("nginx", "caddy"));
    assert_eq!(scan(&estate), ["config.updated", "module.updated"]);
    assert_eq!(config(&estate, "desk").services, ["caddy", "openssh"]);
}

#[test]
fn a_configuration_that_fits_into_no_event_is_said_and_stops_nothing() {
    let estate = Estate::new();
    let huge = "x".repeat(300_000);
    estate.write(
        "a/flake.nix",
        &format!("{{ outputs = {{ nixpkgs, ... }}: {{ nixosConfigurations.a = nixpkgs.lib.nixosSystem {{ system = \"{huge}\"; }}; }}; }}"),
    );
    estate.write("a/module.nix", WEB);
    let report = estate.scan_with(&request(&estate));
    assert!(Estate::codes(&report).contains(&"too-large"), "{:?}", Estate::codes(&report));
    assert_eq!(modules(&estate).len(), 1);
}
