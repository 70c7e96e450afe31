{
  description = "cim-nix, the ledger of a Nix estate: reads flakes without Nix and records every change as an event in SQLite";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      forAllSystems = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      manifest = (builtins.fromTOML (builtins.readFile ./Cargo.toml)).package;

      # What the tests run besides cargo; scripts/setup installs the same on Debian, and two old nats-servers.
      testTools = pkgs: [
        pkgs.git
        pkgs.nats-server
        pkgs.nix
        pkgs.openssl
        pkgs.python3
        pkgs.sqlite
        pkgs.tmux
      ];

      cim-nix =
        pkgs:
        pkgs.rustPlatform.buildRustPackage {
          pname = "cim-nix";
          inherit (manifest) version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          # The checks below run them, with the tools they need.
          doCheck = false;
          nativeCheckInputs = testTools pkgs;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          postInstall = pkgs.lib.optionalString (pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform) ''
            for shell in bash zsh fish; do
              $out/bin/cim-nix util completions $shell >cim-nix.$shell
              installShellCompletion --cmd cim-nix --$shell cim-nix.$shell
            done
            $out/bin/cim-nix util man manual
            installManPage manual/*
          '';
          meta = {
            inherit (manifest) description;
            license = [
              pkgs.lib.licenses.mit
              pkgs.lib.licenses.asl20
            ];
            mainProgram = "cim-nix";
          };
        };
    in
    {
      packages = forAllSystems (
        pkgs:
        let
          package = cim-nix pkgs;
        in
        {
          default = package;
          cim-nix = package;
        }
      );

      nixosModules.default = import ./nix/nixos.nix self;
      homeModules.default = import ./nix/home.nix self;

      overlays.default = final: _prev: { cim-nix = cim-nix final; };

      devShells = forAllSystems (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.stdenv.hostPlatform.system}.default ];
          packages = testTools pkgs ++ [
            pkgs.cargo-deny
            pkgs.cargo-llvm-cov
            pkgs.clippy
            pkgs.rust-analyzer
            pkgs.rustfmt
          ];
        };
      });

      checks = forAllSystems (
        pkgs:
        let
          package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
          cargo =
            name: command:
            package.overrideAttrs (old: {
              pname = "cim-nix-${name}";
              nativeBuildInputs = old.nativeBuildInputs ++ [
                pkgs.clippy
                pkgs.rustfmt
              ];
              buildPhase = command;
              doCheck = false;
              installPhase = "touch $out";
            });
        in
        {
          inherit package;
          # Without the tests that need a nats-server that is too old, which nixpkgs does not have.
          tests = package.overrideAttrs {
            doCheck = true;
            checkFlags = [
              "--skip=parts::old_servers_are_installed_in_the_versions_that_are_refused"
              "--skip=sync::versions::a_server_that_is_updated_in_place_is_taken_up_again"
              "--skip=sync::versions::servers_that_cannot_fence_are_refused_and_nothing_is_sent"
            ];
          };
          style = cargo "style" "cargo fmt --check";
          lints = cargo "lints" "cargo clippy --offline --locked --all-targets -- -D warnings";
        }
      );

      formatter = forAllSystems (pkgs: pkgs.nixfmt-tree);
    };
}
