{ lib, pkgs, ... }:
let
  unused = 1;
in
{
  # kept
  environment.systemPackages = [ pkgs.git ] ++ [ pkgs.jq ];
  services.openssh.enable = (lib.mkDefault true);
  users.users.mira.shell = pkgs.${if true == false then "bash" else "fish"};
  programs.git.package = gitFull;
}
