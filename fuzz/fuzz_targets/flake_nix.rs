//! Any text is read as `flake.nix`, and its tree prints back byte for byte.
#![no_main]

use cim_domain_nix::syntax::{flake, tree};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if text.len() <= tree::MAX_BYTES {
        assert_eq!(tree::parse(text).text(), text);
    }
    let _ = flake::read(text);
});
