{
  inputs = {
    by-url.url = "git+https://git.example.org/a?ref=main";
    by-attributes = {
      type = "github";
      owner = "o";
      repo = "r";
      ref = "v1";
    };
    registry = { };
    followed.follows = "by-url";
    none.follows = "";
    overridden = {
      url = "github:o/overridden";
      inputs.deep.inputs.deeper.url = "github:o/deeper";
    };
  };

  outputs = { self, undeclared, ... }: { };
}
