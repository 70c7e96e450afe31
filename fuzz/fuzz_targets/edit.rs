//! Any text is edited or refused: what comes out is what the edits make, can be parsed, and never says less than before.
#![no_main]

use cim_domain_nix::syntax::edit::{Operation, apply, plan};
use cim_domain_nix::syntax::{flake, tree};

libfuzzer_sys::fuzz_target!(|given: (&str, &str, &str, u8)| {
    let (text, name, value, which) = given;
    let (name, value) = (name.to_owned(), value.to_owned());
    let operation = match which % 6 {
        0 => Operation::AddInput { name, url: value, flake: which < 128 },
        1 => Operation::RemoveInput { name, force: which < 128 },
        2 => Operation::SetUrl { name, url: value },
        3 => Operation::Follow { path: name, target: value },
        4 => Operation::Unfollow { path: name },
        _ => Operation::Follow { path: format!("{name}/{value}"), target: String::new() },
    };
    if let Ok(plan) = plan(text, &operation) {
        assert_eq!(apply(text, &plan.edits).as_deref(), Ok(plan.text.as_str()));
        assert!(tree::parse(&plan.text).problems.is_empty());
        if let Operation::AddInput { name, .. } = operation {
            assert!(flake::read(&plan.text).inputs.iter().any(|input| input.name == name));
            let back = Operation::RemoveInput { name, force: false };
            let _ = cim_domain_nix::syntax::edit::plan(&plan.text, &back);
        }
    }
});
