//! The one integration test binary; every file beside it is a room of tests.

mod child;
mod cli;
mod contract;
mod crash;
mod fixes;
mod git;
mod git_program;
mod ground_truth;
mod nats;
mod nix_flake;
mod parts;
mod permissions;
mod power;
mod projection;
mod proxy;
mod reference;
mod scan;
mod store;
mod sync;
mod tidy;
mod traces;
mod tui;
mod walk;
mod wire;
