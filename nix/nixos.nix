# The NixOS module: a service of every user who is logged in, settings for the whole machine.
self:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cim-nix = import ./service.nix self { inherit lib pkgs; };
  cfg = config.services.cim-nix;
in
{
  inherit (cim-nix) options;
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.etc."cim-nix/config.toml" = lib.mkIf (cfg.settings != { }) {
      source = cim-nix.settingsFile cfg.settings;
    };
    systemd.user.services.cim-nix = {
      inherit (cim-nix) description;
      after = [ "network-online.target" ];
      wantedBy = [ "default.target" ];
      serviceConfig = cim-nix.service cfg.package;
    };
  };
}
