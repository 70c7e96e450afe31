//! The project's own flake, evaluated by a real Nix. The package set is a stand-in (a real one is a download), so this
//! shows that the expression is whole and passes the right things on, not that nixpkgs builds it.

use serde_json::{Value, json};

use crate::parts::{NixStore, TESTS_OF_OLD_SERVERS, packages, repository};

/// `outputs` on a package set whose builders return what they were given.
const OUTPUTS: &str = r#"
  let
    genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
    package = attrs: attrs // {
      overrideAttrs = change: package (attrs // (if builtins.isFunction change then change (package attrs) else change));
    };
    tools = genAttrs
      ([ "cargo-deny" "cargo-llvm-cov" "clippy" "installShellFiles" "nixfmt-tree" "rust-analyzer" "rustfmt" ] ++ parts)
      (name: { inherit name; });
    pkgs = system: tools // {
      lib = {
        licenses = { mit = "MIT"; asl20 = "Apache-2.0"; };
        optionalString = condition: text: if condition then text else "";
      };
      stdenv = { hostPlatform.system = system; buildPlatform.canExecute = host: host.system == system; };
      rustPlatform.buildRustPackage = package;
      mkShell = attrs: attrs;
    };
    nixpkgs = {
      lib = { inherit genAttrs; };
      legacyPackages = genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] pkgs;
    };
    outputs = (import ./flake.nix).outputs { inherit nixpkgs; self = outputs // { outPath = ./.; }; };
    names = tools: map (tool: tool.name) tools;
    linux = outputs.packages.x86_64-linux.default;
    checks = outputs.checks.x86_64-linux;
  in
"#;

fn outputs(of: &str) -> Result<Value, String> {
    let parts: Vec<String> = packages().iter().map(|name| format!("{name:?}")).collect();
    NixStore::new()?.eval(&format!("let parts = [ {} ]; in {OUTPUTS} {of}", parts.join(" ")))
}

#[test]
fn every_system_has_package_shell_checks_and_formatter() {
    let expected = json!(["aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"]);
    for output in ["packages", "devShells", "checks", "formatter"] {
        assert_eq!(outputs(&format!("builtins.attrNames outputs.{output}")).unwrap(), expected, "{output}");
    }
    assert_eq!(
        outputs("builtins.attrNames outputs").unwrap(),
        json!(["checks", "devShells", "formatter", "homeModules", "nixosModules", "overlays", "packages"])
    );
}

#[test]
fn the_package_is_this_crate_with_its_lock_file() {
    let package = "{ inherit (linux) version; inherit (linux.meta) mainProgram license description; \
                   lock = linux.cargoLock.lockFile == ./Cargo.lock && builtins.pathExists linux.cargoLock.lockFile; \
                   src = builtins.pathExists \"${toString linux.src}/Cargo.toml\"; }";
    assert_eq!(
        outputs(package).unwrap(),
        json!({
            "version": env!("CARGO_PKG_VERSION"), "mainProgram": "cim-nix", "license": ["MIT", "Apache-2.0"],
            "description": env!("CARGO_PKG_DESCRIPTION"), "lock": true, "src": true,
        })
    );
}

#[test]
fn overlay_shell_and_checks_are_made_of_the_package() {
    assert_eq!(
        outputs("(outputs.overlays.default (pkgs \"x86_64-linux\") { }).cim-nix.pname").unwrap(),
        json!("cim-nix")
    );
    let tools = outputs("names outputs.devShells.x86_64-linux.default.packages").unwrap();
    for tool in packages().into_iter().chain(["cargo-deny", "cargo-llvm-cov", "rustfmt"]) {
        assert!(tools.as_array().unwrap().contains(&json!(tool)), "{tool} is not in {tools}");
    }
    assert_eq!(
        outputs("[ checks.tests.doCheck checks.package.doCheck checks.lints.pname checks.style.buildPhase ]").unwrap(),
        json!([true, false, "cim-nix-lints", "cargo fmt --check"])
    );
    assert!(outputs("linux.postInstall").unwrap().as_str().unwrap().contains("util completions"));
    assert_eq!(
        outputs("names checks.lints.nativeBuildInputs").unwrap(),
        json!(["installShellFiles", "clippy", "rustfmt"])
    );
}

#[test]
fn the_check_runs_the_tests_with_the_tools_that_they_need_and_leaves_out_the_rest() {
    assert_eq!(
        outputs("builtins.sort builtins.lessThan (names checks.tests.nativeCheckInputs)").unwrap(),
        json!(packages())
    );
    let skipped: Vec<String> = TESTS_OF_OLD_SERVERS.iter().map(|name| format!("--skip={name}")).collect();
    assert_eq!(outputs("checks.tests.checkFlags").unwrap(), json!(skipped));
    // A name that is not a test's would leave out nothing, and a test that is not named would fail there.
    for name in TESTS_OF_OLD_SERVERS {
        let (module, test) = name.rsplit_once("::").unwrap();
        let file = repository().join("tests/it").join(module.replace("::", "/")).with_extension("rs");
        assert!(std::fs::read_to_string(file).unwrap().contains(&format!("fn {test}()")), "{name}");
    }
    let versions = std::fs::read_to_string(repository().join("tests/it/sync/versions.rs")).unwrap();
    let tests = versions.split("#[test]").filter(|test| test.contains("(NATS_SERVER_2_"));
    assert_eq!(tests.count(), TESTS_OF_OLD_SERVERS.iter().filter(|name| name.starts_with("sync::")).count());
}

/// A module's own part, as far as it goes without the module system: conditions are taken, options stay as they are.
const MODULE: &str = r#"
  module: settings:
  let
    lib = {
      mkEnableOption = text: { description = text; };
      mkOption = option: option;
      mkIf = condition: value: if condition then value else { };
      getExe = package: "/nix/store/x/bin/${package.meta.mainProgram}";
      types.package = "package";
    };
    formats.toml = _: { type = "toml"; generate = name: value: { inherit name value; }; };
    made = module { inherit lib config; pkgs = pkgs "x86_64-linux" // { inherit formats; }; };
    config.services.cim-nix = { enable = true; package = made.options.services.cim-nix.package.default; inherit settings; };
  in
  made
"#;

#[test]
fn both_modules_run_the_same_service_with_the_settings() {
    let settings = "{ sync.servers = \"nats://127.0.0.1:4222\"; }";
    let nixos = outputs(&format!(
        "(let made = ({MODULE}) outputs.nixosModules.default {settings}; in {{ \
         unit = made.config.systemd.user.services.cim-nix; \
         file = made.config.environment.etc.\"cim-nix/config.toml\".source.value; \
         options = builtins.attrNames made.options.services.cim-nix; }})"
    ))
    .unwrap();
    let home = outputs(&format!(
        "(let made = ({MODULE}) outputs.homeModules.default {settings}; in {{ \
         unit = made.config.systemd.user.services.cim-nix; \
         file = made.config.xdg.configFile.\"cim-nix/config.toml\".source.value; }})"
    ))
    .unwrap();
    assert_eq!(nixos["options"], json!(["enable", "package", "settings"]));
    for file in [&nixos["file"], &home["file"]] {
        assert_eq!(*file, json!({ "sync": { "servers": "nats://127.0.0.1:4222" } }));
    }
    let service = &home["unit"]["Service"];
    assert_eq!(*service, nixos["unit"]["serviceConfig"]);
    assert_eq!((&service["Type"], &service["WatchdogSec"]), (&json!("notify"), &json!(60)));
    assert_eq!(service["ExecStart"], "/nix/store/x/bin/cim-nix serve");
    // The unit that is written down for everybody else is the same.
    let page = std::fs::read_to_string(repository().join("docs/deployment.md")).unwrap();
    for (name, value) in service.as_object().unwrap().iter().filter(|(name, _)| *name != "ExecStart") {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(page.contains(&format!("\n{name}={value}\n")), "docs/deployment.md lacks {name}={value}");
    }
}

#[test]
fn a_module_without_settings_writes_no_file() {
    let off = format!("(({MODULE}) outputs.nixosModules.default {{ }}).config.environment.etc.\"cim-nix/config.toml\"");
    assert_eq!(outputs(&off).unwrap(), json!({}), "no settings, no file");
}

#[test]
fn the_only_input_is_nixpkgs_and_we_read_the_same() {
    let inputs = NixStore::new().unwrap().eval("(import ./flake.nix).inputs").unwrap();
    assert_eq!(inputs, json!({"nixpkgs": {"url": "github:NixOS/nixpkgs/nixos-unstable"}}));
    let read = cim_domain_nix::syntax::flake::read(&std::fs::read_to_string(repository().join("flake.nix")).unwrap());
    assert_eq!(read.problems, []);
    let inputs: Vec<_> = read.inputs.iter().map(|input| (input.name.as_str(), input.url.as_deref())).collect();
    assert_eq!(inputs, [("nixpkgs", Some("github:NixOS/nixpkgs/nixos-unstable"))]);
}
