//! Any text is taken for a flake reference; one that is, still is the same after it was written out.
#![no_main]

use cim_domain_nix::syntax::flake_ref::{FlakeRef, same};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(reference) = FlakeRef::parse(text) {
        let written = reference.normalise();
        let again = FlakeRef::parse(&written);
        assert!(again.is_ok_and(|again| same(&again, &reference)), "{text:?} was written as {written:?}");
    }
});
