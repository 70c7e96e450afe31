//! Scans of real trees into a real ledger: what is seen, what is stored, and that seeing twice stores nothing.
#![expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test that cannot build its world fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::scan::{ScanReport, ScanRequest, scan};
use cim_domain_nix::app::{Session, clock::Clock, forget, roots};
use cim_domain_nix::store::{Access, Store, Who, view};

use super::git_program::Git;

mod canary;
mod erased;
mod history;
mod large;
mod left_out;
mod lifecycle;
mod modules;
mod pins;
mod private;
mod problems;
mod system;
mod tracked;
mod unreadable;
mod vanished;

/// A tree to scan and a ledger beside it.
pub(crate) struct Estate {
    dir: tempfile::TempDir,
    pub(crate) session: Session,
}

impl Estate {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(dir.path().join("src")).expect("a place for flakes");
        let session = open(&dir.path().join("ledger.db"));
        Self { dir, session }
    }

    /// A tree with something of every kind that a scan records, scanned.
    pub(crate) fn whole() -> Self {
        let estate = Self::new();
        let git = estate.git("a");
        let hosts = "outputs = { nixpkgs, ... }: { nixosConfigurations.h = nixpkgs.lib.nixosSystem { \
                     system = \"x86_64-linux\"; modules = [ ./web.nix ]; }; };";
        estate.write("a/flake.nix", &FLAKE.replace("outputs = { self, nixpkgs }: { lib.one = 1; };", hosts));
        estate.write("a/web.nix", "{ config, lib, ... }: { services.nginx.enable = true; }");
        estate.write("a/overlay.nix", "final: prev: { tool = prev.hello; }");
        estate.write("a/flake.lock", &lock('a'));
        git.commit_all("First");
        estate.write("a/flake.lock", &lock('b'));
        git.commit_all("Second");
        let niv = r#"{"b": {"type": "git", "repo": "https://example.org/b", "rev": "1"}}"#;
        estate.write("b/nix/sources.json", niv);
        estate.write("b/default.nix", "{ }");
        let request = ScanRequest { modules: true, ..ScanRequest::default() };
        estate.scan_with(&ScanRequest { paths: vec![estate.root()], history: true, ..request });
        let which = cim_domain_nix::app::sync::consent::Which::Named(vec![estate.root()]);
        cim_domain_nix::app::sync::consent::share(&estate.session, &which).expect("it is shared");
        estate
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("src").canonicalize().expect("the root is there")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join("ledger.db")
    }

    /// Writes a file below the root.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, text).expect("the file is written");
        path
    }

    pub(crate) fn git(&self, path: &str) -> Git {
        let dir = self.root().join(path);
        fs::create_dir_all(&dir).expect("directories");
        Git::init(&dir)
    }

    pub(crate) fn scan(&self) -> ScanReport {
        self.scan_with(&ScanRequest { paths: vec![self.root()], history: true, ..ScanRequest::default() })
    }

    pub(crate) fn scan_with(&self, request: &ScanRequest) -> ScanReport {
        scan(&self.session, request, &|_| {}, &AtomicBool::new(false)).expect("the scan works")
    }

    /// The types of all events, in order.
    pub(crate) fn types(&self) -> Vec<String> {
        let reader = self.session.store.reader().expect("a reader");
        reader.recorded(0, 10_000).expect("events").into_iter().map(|event| event.kind).collect()
    }

    /// The directories of the flakes that are there now.
    pub(crate) fn flakes(&self) -> Vec<PathBuf> {
        let reader = self.session.store.reader().expect("a reader");
        let mut known: Vec<_> = view::known_flakes(&reader)
            .expect("flakes")
            .into_iter()
            .filter(|flake| !flake.removed)
            .map(|flake| flake.directory.to_path())
            .collect();
        known.sort();
        known
    }

    pub(crate) fn codes(report: &ScanReport) -> Vec<&str> {
        report.problems.iter().map(|problem| problem.code.as_str()).collect()
    }
}

pub(crate) fn open(path: &Path) -> Session {
    let who = Who { host: "test".into(), user: "me".into() };
    let clock = Clock::system();
    let store = Store::open(path, Access::ReadWrite, &who, clock.now()).expect("the ledger opens");
    Session { store, clock, who }
}

pub(crate) const FLAKE: &str = r#"{
  description = "A test";
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05";
  outputs = { self, nixpkgs }: { lib.one = 1; };
}
"#;

/// The first column of all rows.
fn column(session: &Session, sql: &str) -> Vec<String> {
    let reader = session.store.reader().expect("a reader");
    let mut statement = reader.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}

/// A lock of one nixpkgs at a revision made of one letter.
pub(crate) fn lock(revision: char) -> String {
    let rev = revision.to_string().repeat(40);
    format!(
        r#"{{
  "nodes": {{
    "nixpkgs": {{
      "locked": {{
        "lastModified": 1760000000,
        "narHash": "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "owner": "NixOS",
        "repo": "nixpkgs",
        "rev": "{rev}",
        "type": "github"
      }},
      "original": {{ "owner": "NixOS", "ref": "nixos-25.05", "repo": "nixpkgs", "type": "github" }}
    }},
    "root": {{ "inputs": {{ "nixpkgs": "nixpkgs" }} }}
  }},
  "root": "root",
  "version": 7
}}
"#
    )
}
