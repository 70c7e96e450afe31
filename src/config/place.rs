//! Where things lie: the directories of the XDG base directory specification, on every system.

use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

use super::ConfigError;

/// The directories of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The home directory.
    pub home: PathBuf,
    /// For settings: `$XDG_CONFIG_HOME`.
    pub config: PathBuf,
    /// For the database: `$XDG_DATA_HOME`.
    pub data: PathBuf,
    /// For the log file: `$XDG_STATE_HOME`.
    pub state: PathBuf,
    /// For what can be made again: `$XDG_CACHE_HOME`.
    pub cache: PathBuf,
    /// For the settings of the machine: `/etc`.
    pub system: PathBuf,
}

impl Places {
    /// The directories of whoever runs the program.
    pub fn of_this_user() -> Result<Self, ConfigError> {
        let xdg = Xdg::new().map_err(|_| ConfigError::NoHome)?;
        let home = xdg.home_dir().to_path_buf();
        Ok(Self {
            config: xdg.config_dir(),
            data: xdg.data_dir(),
            state: xdg.state_dir().unwrap_or_else(|| home.join(".local/state")),
            cache: xdg.cache_dir(),
            system: PathBuf::from("/etc"),
            home,
        })
    }

    /// The settings of the machine.
    pub fn system_settings(&self) -> PathBuf {
        self.system.join("cim-nix/config.toml")
    }

    /// The settings of the user.
    pub fn user_settings(&self) -> PathBuf {
        self.config.join("cim-nix/config.toml")
    }

    /// The log file.
    pub fn log_file(&self) -> PathBuf {
        self.state.join("cim-nix/cim-nix.log")
    }

    /// What `fmt` found to be formatted already.
    pub fn formatted_files(&self) -> PathBuf {
        self.cache.join("cim-nix/formatted")
    }

    /// Puts the directory in for a leading `~`, `$HOME`, `$XDG_CONFIG_HOME`, `$XDG_DATA_HOME` or `$XDG_STATE_HOME`.
    pub fn expand(&self, text: &str) -> PathBuf {
        let (first, rest) = text.split_once('/').unwrap_or((text, ""));
        let directory: &Path = match first {
            "~" | "$HOME" => &self.home,
            "$XDG_CONFIG_HOME" => &self.config,
            "$XDG_DATA_HOME" => &self.data,
            "$XDG_STATE_HOME" => &self.state,
            _ => return PathBuf::from(text),
        };
        if rest.is_empty() { directory.to_path_buf() } else { directory.join(rest) }
    }
}
