//! Hooks: the text that makes a repository, or a shell, have itself recorded. Printed, never installed unasked.

pub mod after_nix;

/// What a `post-commit`, `post-merge` or `post-checkout` hook of a repository runs: in the background and without a
/// word, so that git never waits and never fails because of the ledger, and what stands around it in the same hook runs on.
pub const GIT: &str = r#"#!/bin/sh
# Records this repository's flakes in the cim-nix ledger after commit, merge and checkout, but what was forgotten, and what lies
# in a linked work tree outside the roots.
# Install, in the repository. A hook that is there already is added to: it must be a shell script that does not end in `exit`.
#   hooks=$(git rev-parse --git-path hooks) && mkdir -p "$hooks"
#   for hook in "$hooks/post-commit" "$hooks/post-merge" "$hooks/post-checkout"; do
#     [ -z "$(tail -c 1 "$hook" 2>/dev/null)" ] || echo >> "$hook"
#     cim-nix hook git >> "$hook" && chmod +x "$hook"
#   done
({
  # git exports GIT_DIR and its kin to hooks; the scan asks the directory instead.
  root=$(git rev-parse --show-toplevel) && unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE &&
    cim-nix scan "$root" --keep-forgotten --quiet
} >/dev/null 2>&1 </dev/null &)
"#;

/// The shells that have a snippet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// fish.
    Fish,
}

/// What a shell runs after `nix flake …` changed something: the same, for people who do not use hooks.
pub const fn shell(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash | Shell::Zsh => POSIX,
        Shell::Fish => FISH,
    }
}

const POSIX: &str = r#"# Records the flake that `nix flake update|lock|init|new` was about in the cim-nix ledger, unless it was forgotten, or
# lies in a linked work tree outside the roots.
# Install: eval "$(cim-nix hook shell)"   in ~/.bashrc or ~/.zshrc
nix() {
  local _cim_nix_status=0
  command nix "$@" || _cim_nix_status=$?
  case "$*" in
    *flake*) (command cim-nix scan --after-nix --quiet -- "$@" >/dev/null 2>&1 </dev/null &) ;;
  esac
  return $_cim_nix_status
}
"#;

const FISH: &str = r"# Records the flake that `nix flake update|lock|init|new` was about in the cim-nix ledger, unless it was forgotten, or
# lies in a linked work tree outside the roots.
# Install: cim-nix hook shell --shell fish > ~/.config/fish/conf.d/cim-nix.fish
function nix
    command nix $argv
    set --local result $status
    if string match --quiet '*flake*' -- $argv
        command cim-nix scan --after-nix --quiet -- $argv >/dev/null 2>&1 </dev/null &
        disown $last_pid 2>/dev/null
    end
    return $result
end
";
