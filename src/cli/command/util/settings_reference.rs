//! The reference of the settings, made from their table.

use std::fmt::Write as _;

use crate::config::table::SETTINGS;

/// The whole reference.
pub(in crate::cli) fn markdown() -> String {
    let mut text = String::from(
        "<!-- Made by `cim-nix util settings-reference`; a test keeps it so. -->\n\n# Settings\n\n\
         Later ones win: built in, `/etc/cim-nix/config.toml`, `$XDG_CONFIG_HOME/cim-nix/config.toml`, `.cim-nix.toml` \
         in the working directory, the environment, flags. `cim-nix info --settings` shows each value and where it is \
         from. A name that no setting has is an error.\n",
    );
    for setting in SETTINGS {
        let _ = writeln!(text, "\n## `{}`\n\n{}\n", setting.name, setting.doc);
        let _ = writeln!(text, "- type: {}", setting.kind.expected());
        let default = if setting.default.is_empty() { "empty".to_owned() } else { format!("`{}`", setting.default) };
        let _ = writeln!(text, "- default: {default}");
        let separated = setting.kind.separated().map(|how| format!(", {how}")).unwrap_or_default();
        let _ = writeln!(text, "- environment: `{}`{separated}", setting.environment);
        if let Some(flag) = setting.flag {
            let _ = writeln!(text, "- flag: `{flag}`");
        }
        if !setting.project {
            text.push_str("- not in `.cim-nix.toml`: a repository must not decide it\n");
        }
    }
    text
}
