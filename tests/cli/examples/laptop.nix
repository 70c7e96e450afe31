{ pkgs, ... }:

{
  imports = [
    ./modules/web.nix
    ./hardware.nix
  ];

  networking.hostName = "laptop";
  users.users.mira = {
    isNormalUser = true;
    extraGroups = [ "wheel" ];
  };
  services.openssh.enable = true;
}
