//! Edits of flakes: what a real Nix reads of them afterwards, and what the ledger knows of them.

mod nix;
mod record;
