//! The generations of this machine's NixOS, from the links that it leaves behind; neither Nix nor anything else is run.
//!
//! Everything is looked at below a root of its own, `/` for the machine itself: absolute links mean places below it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::read::read_text;
use super::walk::FileStamp;

/// Where a NixOS keeps the links to its generations, and the names of those in use.
const PROFILES: &str = "/nix/var/nix/profiles";
const PROFILE: &str = "system";
const RUNNING: &str = "/run/current-system";
const BOOTED: &str = "/run/booted-system";

const STORE: &str = "/nix/store/";

/// As deep as the kernel follows links.
const MAX_LINKS: usize = 40;

/// More than any file that says a version needs.
const VERSION_BYTES: u64 = 64 * 1024;

/// What a look at a NixOS tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Its profile, below the root.
    pub profile: PathBuf,
    /// Its generations, in the order of their numbers.
    pub generations: Vec<Link>,
    /// The number of the one that is current: what the next boot brings. Absent when the profile is none of its links.
    pub current: Option<u64>,
    /// When that was chosen, in microseconds since 1970 UTC.
    pub chosen_at: i64,
    /// What runs: a path in the Nix store.
    pub running: Option<String>,
    /// What was booted.
    pub booted: Option<String>,
}

/// The link to a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The generation's number.
    pub number: u64,
    /// What it is: a path in the Nix store.
    pub store_path: String,
    /// When it was made, in microseconds since 1970 UTC.
    pub made_at: i64,
}

/// What a system says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    /// Its version, as in `26.05.20261101.647b2b7`.
    pub version: Option<String>,
    /// The revision of nixpkgs, in full, or its beginning.
    pub revision: Option<String>,
    /// The revision of the configuration.
    pub configuration: Option<String>,
}

/// Looks for a NixOS below a root; none when there is no sign of one.
pub fn system(root: &Path) -> Option<System> {
    let machine = Machine { root };
    let profile = Path::new(PROFILES).join(PROFILE);
    let running = machine.store_path(Path::new(RUNNING));
    let chosen = machine.real(&profile);
    let meta = chosen.symlink_metadata().ok();
    if running.is_none() && meta.is_none() {
        return None;
    }
    Some(System {
        generations: machine.generations(),
        current: std::fs::read_link(&chosen).ok().and_then(|link| number(&link)),
        chosen_at: meta.map_or(0, |meta| micros(&meta)),
        profile: chosen,
        running,
        booted: machine.store_path(Path::new(BOOTED)),
    })
}

/// What the system at a path of the Nix store says of itself. Texts that are no versions are no answer.
pub fn version(root: &Path, store_path: &str) -> Version {
    let machine = Machine { root };
    let system = Path::new(store_path);
    let text = machine.read(&system.join("nixos-version")).map(|text| text.trim().to_owned());
    // The program that tells the version holds it as JSON; it says more than the file.
    let script = machine.read(&system.join("sw/bin/nixos-version")).unwrap_or_default();
    let told = script.lines().find_map(|line| serde_json::from_str::<Told>(line.trim()).ok()).unwrap_or_default();
    let version = told.nixos_version.or(text).filter(|text| is_version(text));
    let short = version.as_deref().and_then(|text| text.rsplit('.').next()).filter(|part| part.len() >= 7);
    let revision = told.nixpkgs_revision.filter(|text| is_revision(text));
    Version {
        revision: revision.or_else(|| short.filter(|part| is_revision(part)).map(str::to_owned)),
        configuration: told.configuration_revision.filter(|text| is_revision(text)),
        version,
    }
}

/// What `nixos-version --json` prints.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    nixos_version: Option<String>,
    nixpkgs_revision: Option<String>,
    configuration_revision: Option<String>,
}

fn is_version(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-+_".contains(&byte);
    (1..=100).contains(&text.len()) && text.bytes().all(fits) && text.starts_with(|first: char| first.is_ascii_digit())
}

/// Hexadecimal, and a mark behind it where something was not committed.
fn is_revision(text: &str) -> bool {
    let hex = text.strip_suffix("-dirty").unwrap_or(text);
    (7..=64).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `system-42-link`.
fn number(link: &Path) -> Option<u64> {
    let name = link.file_name()?.to_str()?;
    name.strip_prefix(PROFILE)?.strip_prefix('-')?.strip_suffix("-link")?.parse().ok()
}

fn micros(meta: &std::fs::Metadata) -> i64 {
    FileStamp::new(meta).mtime_ns.div_euclid(1000)
}

/// A machine whose root lies somewhere.
pub(super) struct Machine<'a> {
    pub(super) root: &'a Path,
}

impl Machine<'_> {
    /// Where a path of the machine lies for us.
    pub(super) fn real(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn generations(&self) -> Vec<Link> {
        let Ok(entries) = std::fs::read_dir(self.real(Path::new(PROFILES))) else { return Vec::new() };
        let mut links: Vec<Link> = entries.flatten().filter_map(|entry| self.link(&entry)).collect();
        links.sort_by_key(|link| link.number);
        links
    }

    fn link(&self, entry: &std::fs::DirEntry) -> Option<Link> {
        let number = number(Path::new(&entry.file_name()))?;
        let made_at = micros(&entry.path().symlink_metadata().ok()?);
        let path = Path::new(PROFILES).join(entry.file_name());
        Some(Link { number, store_path: self.store_path(&path)?, made_at })
    }

    /// The path of the Nix store that a link leads to, also when nothing is there any more.
    fn store_path(&self, link: &Path) -> Option<String> {
        let target = std::fs::read_link(self.real(link)).ok()?;
        let target = target.to_str()?;
        let is_entry = |rest: &str| !rest.is_empty() && !rest.contains(['/', '\n']);
        target.strip_prefix(STORE).is_some_and(is_entry).then(|| target.to_owned())
    }

    pub(super) fn read(&self, path: &Path) -> Option<String> {
        let path = self.resolve(path).ok()?;
        read_text(&self.real(&path), VERSION_BYTES).ok().map(|read| read.text)
    }

    /// Follows every link on the way, absolute ones from the root.
    pub(super) fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut waiting: VecDeque<OsString> = names(path).collect();
        let (mut at, mut links) = (PathBuf::from("/"), 0);
        while let Some(name) = waiting.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&name);
            if !self.real(&next).is_symlink() {
                at = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let target = std::fs::read_link(self.real(&next))?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            names(&target).rev().for_each(|name| waiting.push_front(name));
        }
        Ok(at)
    }
}

fn names(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const SYSTEM: &str = "/nix/store/aaaa-nixos-system-desk-26.05";

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for directory in
            ["nix/var/nix/profiles", "run", "nix/store/aaaa-nixos-system-desk-26.05", "nix/store/bbbb-path/bin"]
        {
            std::fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        root
    }

    fn link(root: &Path, target: &str, at: &str) {
        symlink(target, root.join(at)).unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes its own world")]
    fn write(root: &Path, at: &str, text: &str) {
        std::fs::write(root.join(at), text).unwrap();
    }

    #[test]
    fn a_machine_without_the_links_is_no_nixos() {
        assert_eq!(system(tempfile::tempdir().unwrap().path()), None);
    }

    #[test]
    fn generations_are_the_links_that_lead_into_the_store() {
        let root = root();
        link(root.path(), SYSTEM, "nix/var/nix/profiles/system-9-link");
        link(root.path(), "/nix/store/cccc-nixos-system-desk-26.05", "nix/var/nix/profiles/system-10-link");
        link(root.path(), "/etc/passwd", "nix/var/nix/profiles/system-11-link");
        link(root.path(), SYSTEM, "nix/var/nix/profiles/system-x-link");
        link(root.path(), SYSTEM, "nix/var/nix/profiles/per-user-9-link");
        link(root.path(), "system-9-link", "nix/var/nix/profiles/system");
        link(root.path(), SYSTEM, "run/current-system");
        let found = system(root.path()).unwrap();
        let numbers: Vec<u64> = found.generations.iter().map(|link| link.number).collect();
        assert_eq!((numbers, found.current), (vec![9, 10], Some(9)));
        assert_eq!((found.running.as_deref(), found.booted.as_deref()), (Some(SYSTEM), None));
        assert!(found.generations[0].made_at > 1_600_000_000_000_000, "{found:?}");
    }

    #[test]
    fn the_program_says_more_than_the_file_and_links_are_followed_below_the_root() {
        let root = root();
        write(root.path(), "nix/store/aaaa-nixos-system-desk-26.05/nixos-version", "26.05.20261101.647b2b7\n");
        let short = version(root.path(), SYSTEM);
        assert_eq!(short.version.as_deref(), Some("26.05.20261101.647b2b7"));
        assert_eq!((short.revision.as_deref(), short.configuration), (Some("647b2b7"), None));
        let script = format!(
            "#!/bin/sh\ncat <<EOF\n{{\"configurationRevision\":\"{}\",\"nixosVersion\":\"26.05.x\",\"nixpkgsRevision\":\"{}\"}}\nEOF\n",
            "c".repeat(40),
            "9".repeat(40)
        );
        write(root.path(), "nix/store/bbbb-path/bin/real", &script);
        link(root.path(), "../bin/real", "nix/store/bbbb-path/bin/nixos-version");
        link(root.path(), "/nix/store/bbbb-path", "nix/store/aaaa-nixos-system-desk-26.05/sw");
        let full = version(root.path(), SYSTEM);
        assert_eq!(full.version.as_deref(), Some("26.05.x"));
        assert_eq!((full.revision, full.configuration), (Some("9".repeat(40)), Some("c".repeat(40))));
    }

    #[test]
    fn what_is_no_version_is_not_passed_on() {
        let root = root();
        for text in ["password=hunter2\n", "26.05 and more", "", &"2".repeat(200)] {
            write(root.path(), "nix/store/aaaa-nixos-system-desk-26.05/nixos-version", text);
            assert_eq!(version(root.path(), SYSTEM), Version::default(), "{text}");
        }
        link(root.path(), "loop", "nix/store/bbbb-path/loop");
        assert_eq!(version(root.path(), "/nix/store/bbbb-path/loop"), Version::default());
    }
}
