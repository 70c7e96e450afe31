//! The rules: each lives in one file and is registered on one line below.

use super::rule::Rule;

mod certain;
mod dead;
#[cfg(test)]
mod on_names;

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
    conflict_marker,
    too_deep,
    too_large,
    duplicate_attribute,
    duplicate_formal,
    dynamic_let,
    dynamic_inherit,
    invalid_number,
    null_byte,
    undefined_name,
    builtin_needs_prefix,
    // Names.
    unused_let,
    unused_inherit,
    unused_argument,
    unused_formal,
    unused_whole_argument,
    unused_rec,
    unused_with,
    shadowed_global,
    unknown_builtin,
    redundant_builtins_prefix,
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
