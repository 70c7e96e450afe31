# The Home Manager module: a service of this user, settings of this user.
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
    home.packages = [ cfg.package ];
    xdg.configFile."cim-nix/config.toml" = lib.mkIf (cfg.settings != { }) {
      source = cim-nix.settingsFile cfg.settings;
    };
    systemd.user.services.cim-nix = {
      Unit = {
        Description = cim-nix.description;
        After = [ "network-online.target" ];
      };
      Service = cim-nix.service cfg.package;
      Install.WantedBy = [ "default.target" ];
    };
  };
}
