{ config, lib, ... }:

{
  options.site.enable = lib.mkEnableOption "the site";

  config = {
    services.nginx.enable = true;
    services.grafana.enable = lib.mkIf config.site.enable true;
  };
}
