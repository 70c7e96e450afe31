//! Whatever is renamed, in whatever order and however scans see it: what is private is never shared, and what is shared goes on.
#![expect(clippy::unwrap_used, reason = "a test makes its own world, and fails when it cannot")]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use cim_domain_nix::app::edit::{self, Locking, Operation, Writing};
use cim_domain_nix::app::roots;
use cim_domain_nix::app::scan::{Progress, ScanRequest, scan};
use cim_domain_nix::app::sync::consent::{self, Which};
use proptest::prelude::*;

use super::Estate;

/// The directories below the two shared roots at first: where, and whether it is a flake. Every one holds a module.
const TREE: &[(&str, bool)] = &[
    ("s/a", true),
    ("s/a/in", false),
    ("s/a/in/deep", true),
    ("s/b", false),
    ("s/b/c", true),
    ("s/b/d", false),
    ("s/b/d/e", false),
    ("t/f", true),
    ("t/f/in", false),
];
/// What directories are named when they are renamed.
const NAMES: &[&str] = &["a", "b", "c", "d", "in", "new"];

/// What somebody does.
#[derive(Debug, Clone)]
enum Step {
    /// Renames a directory, into another one.
    Rename {
        which: usize,
        into: usize,
        name: usize,
        leaves_link: bool,
    },
    /// Each of two directories takes the other's place.
    Swap {
        one: usize,
        other: usize,
    },
    /// Writes what is in a directory anew.
    Change(usize),
    /// Makes a directory that is nobody's secret.
    Make {
        into: usize,
        name: usize,
        is_flake: bool,
    },
    Scan,
    /// As a program that watches does.
    ScanInside(usize),
    /// Stopped after so many flakes.
    ScanStopped(usize),
    /// Edits a flake with the program, which looks at its directory alone.
    Edit(usize),
    /// What the engine of the exchange does now and then.
    Follow,
    /// Forgets a private root.
    Forget(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0..20_usize;
    let rename = (which.clone(), which.clone(), 0..NAMES.len(), prop::bool::weighted(0.1));
    let step = prop_oneof![
        8 => rename.prop_map(|(which, into, name, leaves_link)| Step::Rename { which, into, name, leaves_link }),
        2 => (which.clone(), which.clone()).prop_map(|(one, other)| Step::Swap { one, other }),
        3 => which.clone().prop_map(Step::Change),
        2 => (which.clone(), 0..NAMES.len(), any::<bool>()).prop_map(|(into, name, is_flake)| Step::Make { into, name, is_flake }),
        3 => Just(Step::Scan),
        4 => which.clone().prop_map(Step::ScanInside),
        1 => (0..3_usize).prop_map(Step::ScanStopped),
        1 => which.clone().prop_map(Step::Edit),
        2 => Just(Step::Follow),
        1 => which.prop_map(Step::Forget),
    ];
    prop::collection::vec(step, 1..14)
}

/// A directory, wherever it is by now.
#[derive(Debug, Clone)]
struct Directory {
    path: PathBuf,
    is_flake: bool,
    /// Which private directory was around it at first, or is itself.
    private: Option<usize>,
    /// Whether it is that one.
    is_top: bool,
    /// Which one it is: the number of its canary.
    number: usize,
}

struct World {
    estate: Estate,
    directories: Vec<Directory>,
    changes: Cell<usize>,
}

impl World {
    fn new(private: &[usize]) -> Self {
        let estate = Estate::new();
        let root = estate.root();
        let mut world = Self { estate, directories: Vec::new(), changes: Cell::new(0) };
        for (number, (path, is_flake)) in TREE.iter().enumerate() {
            let path = root.join(path);
            let around = world
                .directories
                .iter()
                .rev()
                .find(|other| path.starts_with(&other.path))
                .and_then(|other| other.private);
            let is_top = private.contains(&number) && around.is_none();
            let private = if is_top { Some(number) } else { around };
            world.directories.push(Directory { path, is_flake: *is_flake, private, is_top, number });
            world.fill(number);
        }
        for name in ["s", "t"] {
            roots::add(&world.estate.session, &root.join(name)).unwrap();
        }
        for directory in world.directories.iter().filter(|directory| directory.is_top) {
            roots::add(&world.estate.session, &directory.path).unwrap();
        }
        let shared = ["s", "t"].map(|name| root.join(name)).to_vec();
        consent::enable(&world.estate.session, &Which::Named(shared)).unwrap();
        world
    }

    /// Writes what is in a directory; never the same twice.
    fn fill(&self, which: usize) {
        let Directory { path, is_flake, private, number, .. } = &self.directories[which];
        let word = if private.is_some() { "mallory" } else { "wendy" };
        self.changes.set(self.changes.get() + 1);
        let user = format!("{word}{number}x{}", self.changes.get());
        fs::create_dir_all(path).unwrap();
        fs::write(
            path.join("mod.nix"),
            format!("{{ config, lib, ... }}: {{ users.users.{user}.isNormalUser = true; }}"),
        )
        .unwrap();
        if *is_flake {
            let inside: Vec<String> = fs::read_dir(path)
                .unwrap()
                .filter_map(|entry| {
                    let entry = entry.unwrap();
                    entry.file_type().unwrap().is_dir().then(|| format!("./{}/mod.nix", entry.file_name().display()))
                })
                .collect();
            let text = format!(
                "{{ description = \"{user}\"; inputs.one.url = \"github:o/{user}\"; outputs = {{ self, nixpkgs }}: \
                 {{ nixosConfigurations.desk = nixpkgs.lib.nixosSystem {{ modules = [ ./mod.nix {} ]; }}; }}; }}",
                inside.join(" ")
            );
            fs::write(path.join("flake.nix"), text).unwrap();
        }
    }

    fn pick(&self, which: usize) -> usize {
        which % self.directories.len()
    }

    /// Where something goes that is put into a directory or one of the roots.
    fn place(&self, into: usize, name: usize) -> PathBuf {
        let around = match into % (self.directories.len() + 2) {
            0 => self.estate.root().join("s"),
            1 => self.estate.root().join("t"),
            which => self.directories[which - 2].path.clone(),
        };
        around.join(NAMES[name])
    }

    /// Whether a directory may be put somewhere: what is below a private one stays below it, else it is the user who shares it.
    fn may_go(&self, from: &Path, place: &Path) -> bool {
        let goes = |directory: &&Directory| directory.path.starts_with(from);
        self.directories.iter().filter(goes).all(|directory| {
            let top = self.directories.iter().find(|other| other.is_top && Some(other.number) == directory.private);
            top.is_none_or(|top| goes(&top) || place.starts_with(&top.path))
        })
    }

    /// What the names of the directories are after one was renamed.
    fn renamed(&mut self, from: &Path, to: &Path) {
        fs::rename(from, to).unwrap();
        for directory in &mut self.directories {
            if let Ok(below) = directory.path.strip_prefix(from) {
                directory.path = if below.as_os_str().is_empty() { to.to_owned() } else { to.join(below) };
            }
        }
    }

    fn rename(&mut self, which: usize, place: &Path, leaves_link: bool) {
        let from = self.directories[which].path.clone();
        if place.symlink_metadata().is_ok() || place.starts_with(&from) || !self.may_go(&from, place) {
            return;
        }
        self.renamed(&from, place);
        if leaves_link && from.parent().is_some_and(Path::is_dir) {
            std::os::unix::fs::symlink(place, &from).unwrap();
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        let [first, second] = [one, other].map(|which| self.directories[which].path.clone());
        if first.starts_with(&second) || second.starts_with(&first) {
            return;
        }
        if !self.may_go(&first, &second) || !self.may_go(&second, &first) {
            return;
        }
        let aside = self.estate.root().join("aside");
        self.renamed(&first, &aside);
        self.renamed(&second, &first);
        self.renamed(&aside, &second);
    }

    fn request(paths: Vec<PathBuf>) -> ScanRequest {
        ScanRequest { paths, threads: 1, modules: true, ..ScanRequest::default() }
    }

    fn scan(&self) {
        self.estate.scan_with(&Self::request(Vec::new()));
    }

    fn scan_stopped(&self, after: usize) {
        let stop = AtomicBool::new(false);
        let progress = |told: Progress| match told {
            Progress::Flakes { done, .. } if done < after => {}
            Progress::Walking if after > 0 => {}
            _ => stop.store(true, Ordering::Relaxed),
        };
        scan(&self.estate.session, &Self::request(Vec::new()), &progress, &stop).unwrap();
    }

    fn edit(&self, which: usize) {
        let Directory { path, is_flake: true, .. } = &self.directories[which] else { return };
        self.changes.set(self.changes.get() + 1);
        let name = format!("more{}", self.changes.get());
        let input = Operation::AddInput { name, url: "path:./more".to_owned(), flake: true };
        let Ok(draft) = edit::draft(path, "add_input", &[input]) else { return };
        let request = Self::request(Vec::new());
        let session = Some(&self.estate.session);
        let writing = Writing { session, scan: &request, locking: Locking::Never, search: None };
        edit::write(&draft, &writing).unwrap();
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Rename { which, into, name, leaves_link } => {
                let (which, place) = (self.pick(which), self.place(into, name));
                self.rename(which, &place, leaves_link);
            }
            Step::Swap { one, other } => self.swap(self.pick(one), self.pick(other)),
            Step::Change(which) => self.fill(self.pick(which)),
            Step::Make { into, name, is_flake } => {
                let path = self.place(into, name);
                if path.symlink_metadata().is_err() {
                    let number = self.directories.len();
                    self.directories.push(Directory { path, is_flake, private: None, is_top: false, number });
                    self.fill(number);
                }
            }
            Step::Scan => self.scan(),
            Step::ScanInside(which) => {
                let path = self.directories[self.pick(which)].path.clone();
                self.estate.scan_with(&ScanRequest { keep_forgotten: true, ..Self::request(vec![path]) });
            }
            Step::ScanStopped(after) => self.scan_stopped(after),
            Step::Edit(which) => self.edit(self.pick(which)),
            Step::Follow => drop(consent::follow(&self.estate.session).unwrap()),
            Step::Forget(which) => {
                let roots = roots::list(&self.estate.session).unwrap();
                let private: Vec<_> = roots.into_iter().filter(|root| !root.shared).collect();
                if let Some(root) = private.get(which % private.len().max(1)) {
                    roots::forget(&self.estate.session, &root.path).unwrap();
                }
            }
        }
    }

    /// How many events with a word would be sent.
    fn told(&self, word: &str) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM outbox o JOIN events e ON e.position = o.position WHERE e.payload LIKE '%{word}%'"
        );
        self.estate.session.store.reader().unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_private_is_never_shared(
        private in prop::collection::vec(0..TREE.len(), 1..3),
        steps in steps(),
    ) {
        let mut world = World::new(&private);
        world.scan();
        for (number, step) in steps.iter().enumerate() {
            world.take(step);
            prop_assert_eq!(world.told("mallory"), 0, "after step {} of {:#?}", number, world.directories);
        }
        world.scan();
        consent::follow(&world.estate.session).unwrap();
        prop_assert_eq!(world.told("mallory"), 0, "at the end of {:#?}", world.directories);
    }
}
