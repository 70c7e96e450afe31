//! The generations of a machine: recorded by scans from links alone, once, with the times that the links have.

use std::os::unix::fs::symlink;

use cim_domain_nix::app::system;
use cim_domain_nix::store::view::{self, At, GenerationRow, Whose};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::*;

const DAY: i64 = 86_400;

/// A machine below a directory of the test.
struct Machine(PathBuf);

impl Machine {
    fn new(estate: &Estate) -> Self {
        let machine = Self(estate.root().join("../machine"));
        for directory in ["nix/var/nix/profiles", "run"] {
            fs::create_dir_all(machine.0.join(directory)).expect("directories");
        }
        machine
    }

    /// A generation, made on a day, of a nixpkgs whose revision is one letter.
    fn generation(&self, number: u64, day: i64, revision: char) {
        let store = Self::store(number);
        let at = self.0.join(store.trim_start_matches('/'));
        fs::create_dir_all(&at).expect("a system");
        let version = format!("26.05.20261101.{}\n", revision.to_string().repeat(7));
        fs::write(at.join("nixos-version"), version).expect("its version");
        self.link(&store, &format!("nix/var/nix/profiles/system-{number}-link"), day);
    }

    fn store(number: u64) -> String {
        format!("/nix/store/{}-nixos-system-desk", number.to_string().repeat(4))
    }

    fn choose(&self, number: u64, day: i64) {
        self.link(&format!("system-{number}-link"), "nix/var/nix/profiles/system", day);
        self.link(&Self::store(number), "run/current-system", day);
    }

    fn link(&self, target: &str, at: &str, day: i64) {
        let path = self.0.join(at);
        fs::remove_file(&path).unwrap_or_default();
        symlink(target, &path).expect("a link");
        let time = Timespec { tv_sec: day * DAY, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("its time");
    }

    fn scan(&self, estate: &Estate) -> u64 {
        let request =
            ScanRequest { paths: vec![estate.root()], system: Some(self.0.clone()), ..ScanRequest::default() };
        estate.scan_with(&request).events
    }
}

/// Number, first and last day, whether it was gone back to.
fn told(rows: &[GenerationRow]) -> Vec<(u64, i64, Option<i64>, bool)> {
    let day = |time: i64| time / 1_000_000 / DAY;
    rows.iter().map(|row| (row.number, day(row.since), row.until.map(day), row.rolled_back)).collect()
}

fn generations(estate: &Estate, at: At) -> Vec<GenerationRow> {
    let reader = estate.session.store.reader().expect("a reader");
    view::generations(&reader, Whose::Own, at).expect("generations")
}

#[test]
fn generations_are_recorded_once_and_going_back_is_told() {
    let estate = Estate::new();
    let machine = Machine::new(&estate);
    assert_eq!(machine.scan(&estate), 0, "no NixOS yet");
    machine.generation(8, 100, 'a');
    machine.generation(9, 110, 'b');
    machine.choose(9, 110);
    assert_eq!(machine.scan(&estate), 2);
    assert_eq!(machine.scan(&estate), 0, "seeing the same twice records nothing");
    machine.choose(8, 120);
    assert_eq!(machine.scan(&estate), 1);
    machine.generation(10, 130, 'c');
    machine.choose(10, 130);
    fs::remove_file(machine.0.join("nix/var/nix/profiles/system-8-link")).expect("it was there");
    assert_eq!((machine.scan(&estate), machine.scan(&estate)), (1, 0));
    assert_eq!(
        estate.types(),
        ["config.activated", "config.activated", "config.rolled_back", "config.activated"],
        "nothing but generations is here"
    );
    let rows = generations(&estate, At::Now);
    assert_eq!(
        told(&rows),
        [(8, 100, Some(110), false), (9, 110, Some(120), false), (8, 120, Some(130), true), (10, 130, None, false)]
    );
    let revisions: Vec<_> = rows.iter().filter_map(|row| row.revision.as_deref()).collect();
    assert_eq!(revisions, ["aaaaaaa", "bbbbbbb", "aaaaaaa", "ccccccc"]);
    let then = generations(&estate, At::Occurred(115 * DAY * 1_000_000));
    assert_eq!(told(&then), [(8, 100, Some(110), false), (9, 110, None, false)]);
}

#[test]
fn what_runs_is_held_against_what_the_locks_say() {
    let estate = Estate::new();
    let machine = Machine::new(&estate);
    machine.generation(1, 100, 'a');
    machine.choose(1, 100);
    let flake = r#"{ inputs.nixpkgs.url = "github:NixOS/nixpkgs"; outputs = { nixpkgs, ... }: { nixosConfigurations.desk = nixpkgs.lib.nixosSystem { }; }; }"#;
    for (name, revision) in [("one", 'a'), ("two", 'b')] {
        estate.write(&format!("{name}/flake.nix"), &flake.replace("desk", if name == "one" { "shed" } else { "desk" }));
        estate.write(&format!("{name}/flake.lock"), &lock(revision));
    }
    machine.scan(&estate);
    let nixos = system::nixos(&machine.0).expect("a NixOS");
    let running = nixos.running.expect("something runs");
    assert_eq!((running.generation, running.version.revision.as_deref()), (Some(1), Some("aaaaaaa")));
    let reader = estate.session.store.reader().expect("a reader");
    let sources = system::sources(&reader, "desk", running.version.revision.as_deref()).expect("sources");
    let told: Vec<_> =
        sources.iter().map(|one| (one.configurations.join(" "), one.of_this_machine, one.runs)).collect();
    assert_eq!(told, [("desk".to_owned(), true, Some(false)), ("shed".to_owned(), false, Some(true))]);
    let unknown = system::sources(&reader, "desk", None).expect("sources");
    assert!(unknown.iter().all(|source| source.runs.is_none()));
}
