//! The rules: each lives in one file and is registered on one line below.

use super::rule::Rule;

mod certain;
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
    undefined_name,
    // Names.
    unused_let,
    unused_with,
    // Style.
    bool_comparison,
    empty_let,
    redundant_parentheses,
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
    repeated_keys,
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
    if_same_branches,
    if_true_false,
    double_negation,
    constant_condition,
    assert_true,
    same_operands,
    has_attr_and,
    is_null,
    let_returned,
    identity_map,
    empty_indented_string,
    indented_string_on_one_line,
    redundant_string_concat,
    // Where names and files come from.
    nested_with,
    with_over_file,
    search_path,
    search_path_in_flake,
    // What costs more than it looks.
    repeated_import,
    quadratic_list,
    quadratic_update,
    elem_of_attr_names,
    // Comments to this program.
    suppression_malformed,
    suppression_expired,
    suppression_unused,
    suppression_without_reason,
}
