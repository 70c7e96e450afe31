//! The one integration test binary; every file beside it is a room of tests.

mod git;
mod nix_flake;
mod parts;
mod store;
mod tidy;
mod walk;
