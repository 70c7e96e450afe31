//! The `cim-nix` program.
fn main() {}
