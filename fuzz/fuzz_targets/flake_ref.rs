//! Any text is taken for a flake reference.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = cim_domain_nix::syntax::flake_ref::parse(text);
});
