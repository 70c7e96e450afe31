//! The rules: each lives in one file and is registered on one line below.

use super::rule::Rule;

mod attributes;
mod certain;
mod dead;
mod reference;
mod writing;

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
    // Flakes and locks: what the readers and the scan say.
    not_an_attrset,
    not_literal,
    dynamic_input,
    invalid_input,
    invalid_reference,
    lock_syntax,
    lock_shape,
    lock_version,
    lock_missing_root,
    lock_missing_node,
    lock_duplicate_key,
    lock_stale,
    input_not_locked,
    input_not_declared,
    input_unlocked,
    input_dirty,
    override_without_input,
    follows_missing,
    follows_cycle,
    conflict_markers,
    not_in_git,
    dirty_lock,
    not_utf8,
    unreadable,
    git_unreadable,
    not_reachable,
    history_limited,
    history_unreadable,
    no_lock,
    lock_without_flake,
    secret,
    // Flakes and locks.
    nixpkgs_old,
    unsupported_branch,
    duplicate_nixpkgs,
    duplicate_input,
    input_from_registry,
    absolute_path_input,
    insecure_url_input,
    follows_unknown_input,
    follows_with_url,
    pinned_rev_input,
    missing_nar_hash,
    description_missing,
    unsafe_nix_config,
    deprecated_output,
    output_typo,
    input_unused,
    manual_inherit,
    manual_inherit_from,
    legacy_let,
    collapsible_let,
    eta_reduction,
    empty_pattern,
    redundant_pattern_bind,
    url_literal,
    empty_inherit,
    to_path,
    negated_comparison,
    bool_identity,
    redundant_has_attr,
    empty_list_concat,
    merged_rec_set,
    or_as_name,
    redundant_interpolation,
    lone_interpolation,
    redundant_attribute_quotes,
    beta_reduction,
    list_literal_concat,
    set_literal_update,
    update_empty_set,
    alphabetical_formals,
    alphabetical_bindings,
    free_let_in_function,
    // Comments to this program.
    suppression_malformed,
    suppression_expired,
    suppression_unused,
    suppression_without_reason,
}
