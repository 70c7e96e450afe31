//! The channels that are installed on this machine, from the profiles that hold them; nothing is run.

use std::path::{Path, PathBuf};

use super::generations::Machine;

/// Where each user's profiles lie, and the name of the one with channels.
const PROFILES: &str = "/nix/var/nix/profiles/per-user";
const PROFILE: &str = "channels";

/// A channel as it is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// What its `.git-revision` says.
    pub revision: Option<String>,
    /// Its version, of its `.version` and `.version-suffix`.
    pub version: Option<String>,
}

/// The profiles with channels below a root, each with what is in it, in path order.
pub fn channels(root: &Path) -> Vec<(PathBuf, Vec<Channel>)> {
    let machine = Machine { root };
    let Ok(users) = std::fs::read_dir(machine.real(Path::new(PROFILES))) else { return Vec::new() };
    let mut found: Vec<_> = users.flatten().filter_map(|user| of_user(&machine, &user.file_name())).collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn of_user(machine: &Machine<'_>, user: &std::ffi::OsStr) -> Option<(PathBuf, Vec<Channel>)> {
    let profile = Path::new(PROFILES).join(user).join(PROFILE);
    let inside = machine.resolve(&profile).ok()?;
    let entries = std::fs::read_dir(machine.real(&inside)).ok()?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut channels: Vec<Channel> =
        names.filter(|name| name != "manifest.nix").map(|name| channel(machine, &profile, name)).collect();
    channels.sort_by(|one, other| one.name.cmp(&other.name));
    Some((machine.real(&profile), channels))
}

fn channel(machine: &Machine<'_>, profile: &Path, name: String) -> Channel {
    let text = |file: &str| machine.read(&profile.join(&name).join(file)).map(|text| text.trim().to_owned());
    let version = text(".version").map(|version| version + &text(".version-suffix").unwrap_or_default());
    Channel { revision: text(".git-revision"), version, name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test makes its own world")]
    fn channels_are_found_through_the_links_of_the_profile() {
        let root = tempfile::tempdir().unwrap();
        let store = root.path().join("nix/store/aaaa-user-environment");
        std::fs::create_dir_all(root.path().join("nix/store/bbbb-nixos/nixos")).unwrap();
        std::fs::create_dir_all(&store).unwrap();
        std::fs::create_dir_all(root.path().join("nix/var/nix/profiles/per-user/ann")).unwrap();
        std::fs::write(root.path().join("nix/store/bbbb-nixos/nixos/.git-revision"), "647b2b7ca047\n").unwrap();
        std::fs::write(root.path().join("nix/store/bbbb-nixos/nixos/.version"), "25.11").unwrap();
        std::fs::write(root.path().join("nix/store/bbbb-nixos/nixos/.version-suffix"), ".1234.647b2b7").unwrap();
        let link = |target: &str, at: &str| std::os::unix::fs::symlink(target, root.path().join(at)).unwrap();
        link("/nix/store/bbbb-nixos/nixos", "nix/store/aaaa-user-environment/nixos");
        link("/nix/store/cccc-manifest.nix", "nix/store/aaaa-user-environment/manifest.nix");
        link("/nix/store/aaaa-user-environment", "nix/var/nix/profiles/per-user/ann/channels-3-link");
        link("channels-3-link", "nix/var/nix/profiles/per-user/ann/channels");
        let found = channels(root.path());
        assert_eq!(found.len(), 1);
        assert!(found[0].0.ends_with("per-user/ann/channels"));
        let version = Some("25.11.1234.647b2b7".to_owned());
        assert_eq!(found[0].1, [Channel { name: "nixos".into(), revision: Some("647b2b7ca047".into()), version }]);
    }
}
