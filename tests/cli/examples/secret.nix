{
  inputs.private.url = "git+https://mira:hunter2@git.example.org/mira/private.git";
  outputs = { self, private }: { };
}
