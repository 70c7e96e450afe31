//! File systems on which a write-ahead log gets damaged: its shared memory works on one machine only.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Types as the kernel's mount table names them.
const NETWORK: &[&str] = &[
    "9p",
    "afs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "orangefs",
    "pvfs2",
    "smb2",
    "smb3",
    "smbfs",
    "virtiofs",
];
/// Those of the user space file systems that reach another machine.
const NETWORK_FUSE: &[&str] = &[
    "ceph",
    "curlftpfs",
    "davfs",
    "davfs2",
    "gcsfuse",
    "glusterfs",
    "goofys",
    "gvfsd-fuse",
    "mfs",
    "rclone",
    "s3fs",
    "sshfs",
];

/// The magic numbers that `statfs` gives, for where the mount table cannot be read.
const MAGIC: &[(u64, &str)] = &[
    (0x6969, "nfs"),
    (0x517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "afs"),
    (0x00c3_6400, "ceph"),
    (0x0bd0_0bd0, "lustre"),
];

/// The kind of network file system that holds a directory; none when it is local or cannot be told.
pub(crate) fn network_kind(directory: &Path) -> Option<String> {
    let magic = rustix::fs::statfs(directory).ok().and_then(|found| kind_of_magic(u64::try_from(found.f_type).ok()?));
    if let Some(kind) = magic {
        return Some(kind.to_owned());
    }
    let device = fs::metadata(directory).ok()?.dev();
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    kind_in(&mounts, rustix::fs::major(device), rustix::fs::minor(device))
}

fn kind_of_magic(magic: u64) -> Option<&'static str> {
    // Some architectures give the type as a signed 32-bit number.
    let magic = magic & 0xffff_ffff;
    MAGIC.iter().find(|(known, _)| *known == magic).map(|(_, kind)| *kind)
}

/// Looks a device up in a mount table: `id parent major:minor root mountpoint options … - type source options`.
fn kind_in(mounts: &str, major: u32, minor: u32) -> Option<String> {
    let device = format!("{major}:{minor}");
    mounts.lines().find_map(|line| {
        let (head, tail) = line.split_once(" - ")?;
        let kind = tail.split(' ').next()?;
        let network = match kind.strip_prefix("fuse.") {
            Some(kind) => NETWORK_FUSE.contains(&kind),
            None => NETWORK.contains(&kind),
        };
        (head.split(' ').nth(2) == Some(&device) && network).then(|| kind.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:44 / /home/a rw shared:2 - nfs4 server:/home rw
31 22 0:45 / /mnt/b rw - fuse.sshfs b: rw
32 22 0:46 / /mnt/c rw - fuse.gocryptfs /c rw
";

    #[test]
    fn network_mounts_are_told_from_local_ones() {
        let kind = |minor| kind_in(MOUNTS, 0, minor);
        assert_eq!(kind(44).as_deref(), Some("nfs4"));
        assert_eq!(kind(45).as_deref(), Some("fuse.sshfs"));
        assert_eq!((kind(46), kind_in(MOUNTS, 254, 0)), (None, None));
    }

    #[test]
    fn magic_numbers_are_read_on_every_architecture() {
        assert_eq!(kind_of_magic(0x6969), Some("nfs"));
        assert_eq!(kind_of_magic(0xffff_ffff_ff53_4d42), Some("cifs"));
        assert_eq!(kind_of_magic(0xef53), None);
    }
}
