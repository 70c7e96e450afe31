{lib,stdenv,...}:
stdenv.mkDerivation{
  pname="demo";version="1.2"; # bumped by hand
  meta=with lib;{description="A demo";
    license=licenses.mit;};
}
