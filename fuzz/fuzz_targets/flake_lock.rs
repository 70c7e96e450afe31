//! Any text is read as `flake.lock`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = cim_domain_nix::syntax::lock::read(text);
});
