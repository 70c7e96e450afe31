//! The rules: each lives in one file and is registered on one line below.

use super::rule::Rule;

mod bound;
mod certain;
mod fetcher;
mod option;
mod package;
mod reference;
mod written;

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
    // Flakes and locks: what the readers and the scan say.
    conflict_marker,
    too_deep,
    too_large,
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
    untested_branch,
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
    // Security and purity.
    fetch_without_hash,
    unpinned_fetch,
    fetchgit_without_rev,
    fake_hash,
    moving_source,
    insecure_url,
    import_from_derivation,
    impure_builtin,
    builtins_exec,
    secret_in_store,
    password_in_store,
    empty_password,
    secret_file_in_store,
    secret_read,
    world_readable_key,
    sandbox_disabled,
    unsigned_binaries,
    trusted_users_open,
    insecure_substituter,
    permit_root_login,
    ssh_password_authentication,
    firewall_disabled,
    wheel_without_password,
    insecure_packages_allowed,
    moving_state_version,
    tls_unverified,
    // Packages.
    build_tool_in_build_inputs,
    explicit_phases,
    overridden_phase,
    missing_phase_hooks,
    name_and_version,
    flags_as_text,
    license_missing,
    maintainers_missing,
    unclear_gpl,
    unnecessary_parallel_building,
    duplicate_check_inputs,
    meson_cmake,
    missing_patch_comment,
    attribute_typo,
    deprecated_hash_attribute,
    python_format,
    python_explicit_check_phase,
    python_without_tests,
    stdenv_lib,
    // Comments to this program.
    suppression_malformed,
    suppression_expired,
    suppression_unused,
    suppression_without_reason,
}

#[cfg(test)]
mod tests;
