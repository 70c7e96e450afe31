# What the NixOS and the Home Manager module share: the options, and the unit. Knows neither of them.
self:
{ lib, pkgs }:
let
  toml = pkgs.formats.toml { };
in
{
  options.services.cim-nix = {
    enable = lib.mkEnableOption "the ledger of a Nix estate, as a service of the user";
    package = lib.mkOption {
      type = lib.types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      description = "The package of cim-nix.";
    };
    settings = lib.mkOption {
      type = toml.type;
      default = { };
      example = {
        sync.servers = "tls://nats.example.org:4222";
        serve.interval = 300;
      };
      description = "The settings, as `docs/reference/settings.md` lists them. Everybody may read them: no secrets.";
    };
  };

  description = "The ledger of a Nix estate";

  settingsFile = settings: toml.generate "cim-nix.toml" settings;

  service = package: {
    Type = "notify";
    ExecStart = "${lib.getExe package} serve";
    Restart = "on-failure";
    RestartSec = 5;
    WatchdogSec = 60;
    NoNewPrivileges = true;
    LockPersonality = true;
    MemoryDenyWriteExecute = true;
    # AF_NETLINK is how names are resolved.
    RestrictAddressFamilies = "AF_UNIX AF_INET AF_INET6 AF_NETLINK";
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    UMask = "0077";
  };
}
