//! Mount points of file systems that hold no files a person made: `proc`, `sysfs` and their like.
//!
//! Read once per walk from the kernel's own list, so the walk needs no extra `stat` per directory.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// File systems made of the kernel's own state.
const PSEUDO: &[&str] = &[
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// Mount points by path, each with the name of its file system.
#[derive(Debug, Default)]
pub(super) struct Pseudo(HashMap<PathBuf, String>);

impl Pseudo {
    /// What is mounted now; empty where the kernel does not tell (not Linux).
    pub(super) fn read() -> Self {
        Self::parse(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
    }

    /// The file system mounted at a path, when it is one of these.
    pub(super) fn at(&self, path: &Path) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// `36 35 98:0 /root /mount/point options [optional…] - type source super-options`
    fn parse(mountinfo: &[u8]) -> Self {
        let lines = mountinfo.split(|byte| *byte == b'\n');
        Self(lines.filter_map(mount_point).filter(|(_, kind)| PSEUDO.contains(&kind.as_str())).collect())
    }
}

fn mount_point(line: &[u8]) -> Option<(PathBuf, String)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let path = fields.nth(4)?;
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    Some((PathBuf::from(OsString::from_vec(unescape(path))), String::from_utf8_lossy(kind).into_owned()))
}

/// Spaces, tabs, line ends and backslashes are written as `\040` and so on.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = tail.get(3..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_file_systems_are_found_among_the_mounts() {
        let pseudo = Pseudo::parse(
            b"22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n\
              23 28 0:21 / /a\\040jail/proc rw - proc proc rw\n\
              28 1 8:1 / / rw shared:1 master:2 - ext4 /dev/sda1 rw\n\
              nonsense\n\\",
        );
        assert_eq!(pseudo.at(Path::new("/sys")), Some("sysfs"));
        assert_eq!(pseudo.at(Path::new("/a jail/proc")), Some("proc"));
        assert_eq!(pseudo.at(Path::new("/")), None);
        assert_eq!(pseudo.0.len(), 2);
    }
}
