//! What streams are called: by ids derived from whose they are and what they are about. So two scans at once write to one stream
//! and one of them notices, and whoever reads an event sees whether the name of its stream is its origin's.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use uuid::Uuid;

use super::catalogue::Event;
use super::config::ConfigEvent;
use super::config::host::HostName;
use super::finding::event::FindingEvent;
use super::flake::event::FlakeEvent;
use super::id::FlakeId;
use super::module::ModuleEvent;
use super::overlay::OverlayEvent;
use super::path::RecordedPath;
use super::pins::PinsEvent;
use super::stream::{Aggregate, StreamId};

/// How many flakes of one directory an id is looked for among: each but one moved away from it.
const FLAKES: usize = 1_024;

/// The same where its path is longer than that.
const FLAKES_OF_LONG: usize = 256;
const LONG: usize = 512;

/// How many bytes the path of a file has at most: that of Linux.
const PATH: usize = 4_096;

/// How deep in its flake a file is looked for by its whole path.
const DEPTH: usize = 128;

/// What the names of an origin's streams are derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespace(Uuid);

/// Whose the name of a stream is, by one of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Its origin's.
    Own,
    /// Whose that flake is.
    OfFlake(FlakeId),
    /// The event does not tell: it was erased, is of a newer release, or says whom a flake succeeds.
    Untold,
    /// Not its origin's.
    Others,
}

impl Namespace {
    /// That of the origin of a public key.
    pub fn of(origin_key: &str) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, origin_key.as_bytes()))
    }

    /// Whether the id of a flake is what names are derived from, and none of a flake.
    pub fn is_root(self, flake: FlakeId) -> bool {
        flake.uuid() == self.0
    }

    /// The id for a flake at a directory: the first that is not taken, as a flake that moved away keeps its own.
    pub fn flake(self, directory: &Path, mut is_taken: impl FnMut(FlakeId) -> bool) -> FlakeId {
        let mut name = directory.as_os_str().as_bytes().to_vec();
        loop {
            let id = FlakeId::new(Uuid::new_v5(&self.0, &name));
            if !is_taken(id) {
                return id;
            }
            name.push(0);
        }
    }

    /// The stream of the generations of a profile.
    pub fn profile(self, profile: &Path) -> StreamId {
        StreamId::config(self.file(None, profile))
    }

    /// The stream of a file with pins.
    pub fn pins(self, file: &Path) -> StreamId {
        StreamId::pins(self.file(None, file))
    }

    /// The id of a file: by its path inside of a flake, or by its whole path where it is in none.
    pub fn file(self, flake: Option<FlakeId>, path: &Path) -> Uuid {
        let whose = flake.map_or(self.0, FlakeId::uuid);
        Uuid::new_v5(&whose, path.as_os_str().as_bytes())
    }
}

/// The stream of a configuration of a flake.
pub fn host(host: &HostName) -> StreamId {
    let name = format!("{}.{}", host.kind.output(), host.name);
    StreamId::config(Uuid::new_v5(&host.flake.uuid(), name.as_bytes()))
}

/// Whose the name of a stream is, by an event in it of the origin of a key; none where it cannot be read. Names of things that this
/// release does not know are anybody's.
pub fn claim(origin_key: &str, stream: &StreamId, event: Option<&Event>) -> Claim {
    let namespace = Namespace::of(origin_key);
    let is = |it: bool, claim: Claim| if it { claim } else { Claim::Others };
    let Ok(key) = stream.key().parse::<Uuid>() else {
        let own = [StreamId::ledger(origin_key), StreamId::shared_ledger(origin_key)];
        return is(own.contains(stream), Claim::Own);
    };
    if key.hyphenated().to_string() != stream.key() {
        return Claim::Others;
    }
    match (stream.aggregate(), event) {
        (Aggregate::Ledger, _) => Claim::Others,
        (Aggregate::LockHistory, _) => Claim::OfFlake(FlakeId::new(key)),
        // Whom it succeeds comes before where it is.
        (_, None | Some(Event::Flake(FlakeEvent::Succeeded(_)))) => Claim::Untold,
        (_, Some(Event::Flake(FlakeEvent::Discovered(found)))) => {
            let directory = found.directory.to_path();
            let mut more = if directory.as_os_str().len() > LONG { FLAKES_OF_LONG } else { FLAKES };
            if is_long(&directory) {
                return Claim::Others;
            }
            let found = namespace.flake(&directory, |id| {
                more -= 1;
                id.uuid() != key && more > 0
            });
            is(found.uuid() == key, Claim::Own)
        }
        (_, Some(Event::Flake(_) | Event::LockHistory(_) | Event::Ledger(_))) => Claim::Others,
        (_, Some(Event::Config(told))) => match told {
            ConfigEvent::Activated { profile, .. } | ConfigEvent::RolledBack { profile, .. } => {
                is(namespace.profile(&profile.to_path()) == *stream, Claim::Own)
            }
            ConfigEvent::Discovered { name, .. }
            | ConfigEvent::Updated { name, .. }
            | ConfigEvent::Deleted { name } => is(host(name) == *stream, Claim::OfFlake(name.flake)),
        },
        (_, Some(event)) => match file_of(event) {
            Some((flake, file)) if is_named(namespace, key, flake, file) => flake.map_or(Claim::Own, Claim::OfFlake),
            _ => Claim::Others,
        },
    }
}

/// The file that an event is about, and the flake that it is in.
fn file_of(event: &Event) -> Option<(Option<FlakeId>, &RecordedPath)> {
    match event {
        Event::Finding(
            FindingEvent::Raised { subject, .. }
            | FindingEvent::Changed { subject, .. }
            | FindingEvent::Resolved { subject, .. }
            | FindingEvent::Suppressed { subject, .. },
        ) => Some((subject.flake, &subject.file)),
        Event::Pins(
            PinsEvent::Discovered { file, .. } | PinsEvent::Updated { file, .. } | PinsEvent::Removed { file },
        ) => Some((None, file)),
        Event::Module(
            ModuleEvent::Discovered { file, .. } | ModuleEvent::Updated { file, .. } | ModuleEvent::Deleted { file },
        )
        | Event::Overlay(
            OverlayEvent::Discovered { file, .. } | OverlayEvent::Updated { file, .. } | OverlayEvent::Deleted { file },
        ) => Some((file.flake, &file.path)),
        Event::Flake(_) | Event::LockHistory(_) | Event::Config(_) | Event::Ledger(_) => None,
    }
}

/// Whether a file has that id. Where its whole path is told, it lies in its flake at one of the path's ends.
fn is_named(namespace: Namespace, key: Uuid, flake: Option<FlakeId>, file: &RecordedPath) -> bool {
    let path = file.to_path();
    if is_long(&path) {
        return false;
    }
    let bytes = path.as_os_str().as_bytes();
    let begins = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1);
    let begins = std::iter::once(bytes.len()).chain(begins);
    let inside = begins.take(DEPTH).filter(|_| flake.is_some()).filter_map(|at| bytes.get(at..));
    let ends = inside.map(|end| Path::new(OsStr::from_bytes(end)));
    std::iter::once(path.as_path()).chain(ends).any(|path| namespace.file(flake, path) == key)
}

/// Whether no file can have that path. Others make up what they say, and it is looked at while everybody waits.
fn is_long(path: &Path) -> bool {
    path.as_os_str().len() > PATH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::host::HostKind;
    use crate::domain::finding::Subject;
    use crate::domain::flake::Facts;
    use crate::domain::flake::event::Discovered;
    use crate::domain::module::Module;
    use crate::domain::nix_file::NixFile;

    const ADA: &str = "UADA";
    const BOB: &str = "UBOB";

    fn raised(flake: Option<FlakeId>, file: &str) -> Event {
        let subject = Subject { flake, file: RecordedPath::new(Path::new(file)) };
        Event::Finding(FindingEvent::Raised { subject, findings: Vec::new() })
    }

    fn module(flake: Option<FlakeId>, file: &str) -> Event {
        let file = NixFile { flake, path: RecordedPath::new(Path::new(file)) };
        Event::Module(ModuleEvent::Discovered { file, module: Module::default() })
    }

    #[test]
    fn a_file_is_its_origins_or_whose_its_flake_is() {
        let namespace = Namespace::of(ADA);
        let flake = FlakeId::new(Uuid::from_u128(7));
        let loose = Path::new("/home/ada/x.nix");
        let stream = StreamId::module(namespace.file(None, loose));
        let told = module(None, "/home/ada/x.nix");
        assert_eq!(claim(ADA, &stream, Some(&told)), Claim::Own);
        assert_eq!(claim(BOB, &stream, Some(&told)), Claim::Others);
        assert_eq!(claim(BOB, &stream, Some(&module(None, "/home/bob/x.nix"))), Claim::Others);
        assert_eq!(claim(BOB, &stream, None), Claim::Untold);
        let inside = StreamId::module(namespace.file(Some(flake), Path::new("a/b.nix")));
        assert_eq!(claim(BOB, &inside, Some(&module(Some(flake), "a/b.nix"))), Claim::OfFlake(flake));
        let other = FlakeId::new(Uuid::from_u128(8));
        assert_eq!(claim(BOB, &inside, Some(&module(Some(other), "a/b.nix"))), Claim::Others);
        let found = StreamId::finding(namespace.file(Some(flake), Path::new("a/b.nix")));
        assert_eq!(claim(ADA, &found, Some(&raised(Some(flake), "/src/one/a/b.nix"))), Claim::OfFlake(flake));
        assert_eq!(claim(ADA, &found, Some(&raised(Some(flake), "/src/one/b.nix"))), Claim::Others);
        assert_eq!(claim(ADA, &found, Some(&raised(None, "/src/one/a/b.nix"))), Claim::Others);
    }

    #[test]
    fn what_others_make_up_is_looked_at_in_bounds() {
        let flake = FlakeId::new(Uuid::from_u128(7));
        let claimed = |inside: &str, whole: &str| {
            let stream = StreamId::finding(Namespace::of(ADA).file(Some(flake), Path::new(inside)));
            claim(ADA, &stream, Some(&raised(Some(flake), whole)))
        };
        let deep = |depth: usize| format!("{}x.nix", "a/".repeat(depth));
        assert_eq!(claimed(&deep(126), &format!("/src/one/{}", deep(126))), Claim::OfFlake(flake));
        assert_eq!(claimed(&deep(127), &format!("/src/one/{}", deep(127))), Claim::Others);
        assert_eq!(claimed("", "/src/one"), Claim::OfFlake(flake));
        let long = format!("/{}/x.nix", "a".repeat(4_090));
        assert_eq!(claimed("x.nix", &long), Claim::Others);
        assert_eq!(claimed("x.nix", &long[1..]), Claim::OfFlake(flake));
        let place = Path::new(&long).to_owned();
        let found =
            Discovered { directory: RecordedPath::new(&place), lineage: None, extractor: 1, facts: Facts::default() };
        let stream = StreamId::flake(Namespace::of(ADA).flake(&place, |_| false));
        assert_eq!(claim(ADA, &stream, Some(&Event::Flake(FlakeEvent::Discovered(Box::new(found))))), Claim::Others);
    }

    #[test]
    fn a_history_a_configuration_and_a_ledger_are_whose_they_say() {
        let flake = FlakeId::new(Uuid::from_u128(7));
        assert_eq!(claim(ADA, &StreamId::lock_history(flake), None), Claim::OfFlake(flake));
        let name = HostName { flake, kind: HostKind::Nixos, name: "desk".to_owned() };
        let deleted = Event::Config(ConfigEvent::Deleted { name: name.clone() });
        assert_eq!(claim(ADA, &host(&name), Some(&deleted)), Claim::OfFlake(flake));
        assert_eq!(claim(ADA, &StreamId::config(Uuid::from_u128(9)), Some(&deleted)), Claim::Others);
        assert_eq!(claim(ADA, &StreamId::shared_ledger(ADA), None), Claim::Own);
        assert_eq!(claim(ADA, &StreamId::shared_ledger(BOB), None), Claim::Others);
        assert_eq!(claim(ADA, &"ledger/00000000-0000-0000-0000-000000000009".parse().unwrap(), None), Claim::Others);
    }

    #[test]
    fn what_is_no_id_names_nothing() {
        for key in ["not-a-uuid", "00000000000000000000000000000009", "{00000000-0000-0000-0000-000000000009}", "A"] {
            let stream: StreamId = format!("flake/{key}").parse().unwrap();
            assert_eq!(claim(ADA, &stream, None), Claim::Others, "{key}");
        }
    }

    #[test]
    fn every_flake_of_a_directory_has_an_id_of_its_own() {
        let (ada, bob, one) = (Namespace::of(ADA), Namespace::of(BOB), Path::new("/src/one"));
        let first = ada.flake(one, |_| false);
        let second = ada.flake(one, |id| id == first);
        let third = ada.flake(one, |id| id == first || id == second);
        assert!(first != second && second != third && first != third);
        assert_ne!(bob.flake(one, |_| false), first);
    }
}
