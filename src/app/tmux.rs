//! Copying into tmux, which a program in one of its windows may ask for.

use std::path::Path;
use std::time::Duration;

use crate::process::{self, Program};

/// How long it may take: who copies waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Puts a text into the paste buffer of the tmux around this process, which hands it on to the clipboard of the terminal as far
/// as its settings say; whether it is there.
pub fn load(text: &str) -> bool {
    // Since tmux 3.2, of 2021, `-w` tells the terminal; an older one refuses it.
    [&["tmux", "load-buffer", "-w", "-"][..], &["tmux", "load-buffer", "-"]].into_iter().any(|words| {
        let command: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let program = Program { command: &command, directory: Path::new("/"), timeout: PATIENCE, limit: 0 };
        process::run(program, text.as_bytes().to_vec()).is_ok()
    })
}
