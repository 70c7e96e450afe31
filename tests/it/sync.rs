//! Synchronisation between real ledgers through a real server.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test makes its own world, and fails when it cannot"
)]

mod access;

mod admin;

mod anew;

mod answers;

mod chaos;

mod claims;

mod commands;

mod consent;

mod copies;

mod cursor;

mod damaged;

mod deaf;

mod ending;

mod erased;

mod estates;

mod exchange;

mod findings;

mod lies;

mod keys;

mod line;

mod machine;

mod nested;

mod odd;

mod order;

mod processes;

mod refused;

mod renamed;

mod replaced;

mod republished;

mod requests;

mod serving;

mod stranger;

mod succession;

mod told;

mod trouble;

mod unfit;

mod versions;
