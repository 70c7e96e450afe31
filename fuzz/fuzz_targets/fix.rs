//! Any text is checked and mended: a fix never breaks a text, and what is mended is not mended again.
#![no_main]

use cim_domain_nix::lint::fix::fix;
use cim_domain_nix::lint::{Linter, Safety, Selection};
use cim_domain_nix::syntax::tree;

libfuzzer_sys::fuzz_target!(|given: (&str, bool)| {
    let (text, review) = given;
    let linter = Linter::new(&Selection::default(), "2026-11-28");
    let least = if review { Safety::Review } else { Safety::Safe };
    let sound = tree::parse(text).problems.is_empty();
    let fixed = fix(&linter, text, least);
    assert!(fixed.refused.is_empty(), "{:?}", fixed.refused);
    assert!(!sound || tree::parse(&fixed.text).problems.is_empty());
    if !review {
        assert_eq!(fix(&linter, &fixed.text, least).text, fixed.text);
    }
    linter.check_flake(Some(text), Some(text), None);
});
