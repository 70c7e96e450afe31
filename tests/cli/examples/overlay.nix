final: prev: {
  hello = prev.hello.override { };
  my-tool = final.callPackage ./my-tool.nix { };
}
