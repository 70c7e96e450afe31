//! Hooks: the text that makes a repository, or a shell, have itself recorded. Printed, never installed unasked.

/// What a `post-commit`, `post-merge` or `post-checkout` hook of a repository runs: in the background and without a
/// word, so that git never waits and never fails because of the ledger.
pub const GIT: &str = r#"#!/bin/sh
# Records this repository's flakes in the cim-nix ledger after commit, merge and checkout, but what was forgotten.
# Install: cim-nix hook git > .git/hooks/post-commit && chmod +x .git/hooks/post-commit
#          then: ln -s post-commit .git/hooks/post-merge; ln -s post-commit .git/hooks/post-checkout
command -v cim-nix >/dev/null 2>&1 || exit 0
root=$(git rev-parse --show-toplevel 2>/dev/null) || exit 0
# git exports GIT_DIR and its kin to hooks; the scan asks the directory instead.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
(cim-nix scan "$root" --keep-forgotten --quiet >/dev/null 2>&1 </dev/null &)
exit 0
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

const POSIX: &str = r#"# Records the flake that `nix flake update|lock|init|new` was about in the cim-nix ledger, unless it was forgotten.
# Install: eval "$(cim-nix hook shell)"   in ~/.bashrc or ~/.zshrc
nix() {
  command nix "$@"
  _cim_nix_status=$?
  case "${1-} ${2-}" in
    "flake update" | "flake lock" | "flake init" | "flake new")
      _cim_nix_flake=$PWD
      _cim_nix_last=
      for _cim_nix_word in "$@"; do
        if [ "$_cim_nix_last" = --flake ]; then _cim_nix_flake=${_cim_nix_word#path:}; fi
        _cim_nix_last=$_cim_nix_word
      done
      if [ "$2" = new ]; then _cim_nix_flake=$_cim_nix_last; fi
      if [ -e "$_cim_nix_flake/flake.nix" ]; then
        (command cim-nix scan "$_cim_nix_flake" --keep-forgotten --quiet >/dev/null 2>&1 </dev/null &)
      fi ;;
  esac
  return $_cim_nix_status
}
"#;

const FISH: &str = r#"# Records the flake that `nix flake update|lock|init|new` was about in the cim-nix ledger, unless it was forgotten.
# Install: cim-nix hook shell --shell fish > ~/.config/fish/conf.d/cim-nix.fish
function nix
    command nix $argv
    set --local result $status
    if test "$argv[1]" = flake; and contains -- "$argv[2]" update lock init new
        set --local flake $PWD
        if set --local at (contains --index -- --flake $argv)
            set flake (string replace --regex '^path:' '' -- $argv[(math $at + 1)])
        end
        if test "$argv[2]" = new
            set flake $argv[-1]
        end
        if test -e "$flake/flake.nix"
            command cim-nix scan $flake --keep-forgotten --quiet >/dev/null 2>&1 </dev/null &
            disown
        end
    end
    return $result
end
"#;
