//! Channels: the lines of `.nix-channels`, and what a channel says of itself once it is installed.

use super::{PinFile, Pins, Written};
use crate::syntax::Attrs;

/// Reads `.nix-channels`: an address and a name on each line; without a name the last part of the address.
pub fn subscribed(text: &str) -> PinFile {
    let mut pins = Pins::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let Some(url) = words.next() else { continue };
        let channel = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name = words.next().unwrap_or(channel);
        let attrs = Written::new("channel").with("channel", Some(channel)).with("url", Some(url)).0;
        pins.insert(name.to_owned(), attrs);
    }
    PinFile { pins, ..PinFile::default() }
}

/// An installed channel, from the texts of its `.git-revision` and of its version.
pub fn installed(revision: Option<&str>, version: Option<&str>) -> Attrs {
    let is_revision = |text: &&str| (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_version = |text: &&str| {
        text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+_".contains(&byte))
    };
    Written::new("channel")
        .with("rev", revision.map(str::trim).filter(is_revision))
        .with("version", version.map(str::trim).filter(is_version))
        .0
}
