//! The rules: each lives in one file and is registered on one line below.

use super::rule::Rule;

mod certain;

macro_rules! rules {
    ($($(#[$group:meta])* $module:ident),+ $(,)?) => {
        $(mod $module;)+

        /// Every rule, in the order of the documentation.
        pub static RULES: &[&Rule] = &[$(&$module::RULE),+];
    };
}

rules! {
    // What Nix itself refuses.
    syntax_error,
    undefined_name,
    // Names.
    unused_let,
    unused_with,
    // Style.
    bool_comparison,
    empty_let,
    redundant_parentheses,
    // Comments to this program.
    suppression_malformed,
    suppression_expired,
    suppression_unused,
    suppression_without_reason,
}
