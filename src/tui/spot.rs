//! Where in a file the editor opens: a line that is known, or something that is looked for in the text when it opens, as
//! the ledger keeps no lines of inputs. Reads that one file, and knows neither the ledger nor the terminal.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::syntax::{flake, graph, lock};

/// More of a file is not looked at: no flake and no lock is larger.
const MOST: u64 = 16 * 1024 * 1024;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Spot {
    /// None in particular.
    #[default]
    File,
    Line(u32),
    /// Where a `flake.nix` first names an input.
    Declared(String),
    /// Where a `flake.lock` has the node that an input path leads to.
    Locked(String),
}

impl Spot {
    /// The line in the file as it is now; none when it is not found.
    pub(crate) fn line(&self, path: &Path) -> Option<u32> {
        match self {
            Self::File => None,
            Self::Line(line) => Some(*line),
            Self::Declared(_) | Self::Locked(_) => self.find(&text(path)?),
        }
    }

    fn find(&self, text: &str) -> Option<u32> {
        match self {
            Self::File | Self::Line(_) => None,
            Self::Declared(name) => {
                let inputs = flake::read(text).inputs;
                inputs.into_iter().find(|input| input.name == *name).map(|input| input.span.line)
            }
            Self::Locked(input) => {
                let lock = lock::read(text);
                let path: Vec<&str> = input.split('/').collect();
                let key = graph::resolve(&lock, &path).ok()?;
                lock.nodes.get(key)?.span.map(|span| span.line)
            }
        }
    }
}

/// The beginning of a regular file: to open a pipe alone would wait for ever.
fn text(path: &Path) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAKE: &str = "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs\";\n  inputs = {\n    \"agenix\".url = \"github:ryantm/agenix\";\n  };\n  outputs = { self, nixpkgs, agenix, systems }: { };\n}\n";
    const LOCK: &str = r#"{
  "nodes": {
    "agenix": {
      "inputs": { "nixpkgs": ["nixpkgs"], "systems": "systems_2" }
    },
    "nixpkgs": { },
    "root": {
      "inputs": { "agenix": "agenix", "nixpkgs": "nixpkgs" }
    },
    "systems_2": { }
  },
  "root": "root",
  "version": 7
}
"#;

    #[test]
    fn an_input_is_found_where_it_is_named() {
        let line = |name: &str| Spot::Declared(name.to_owned()).find(FLAKE);
        assert_eq!((line("nixpkgs"), line("agenix"), line("systems")), (Some(2), Some(4), Some(6)));
        assert_eq!(line("gone"), None);
        assert_eq!(Spot::Declared("nixpkgs".to_owned()).find("{ inputs = "), None);
    }

    #[test]
    fn a_node_is_found_by_the_path_of_its_input() {
        let line = |path: &str| Spot::Locked(path.to_owned()).find(LOCK);
        assert_eq!((line("agenix"), line("agenix/systems")), (Some(3), Some(10)));
        assert_eq!(line("agenix/nixpkgs"), Some(6), "what is followed");
        assert_eq!((line("agenix/gone"), line("")), (None, None));
        assert_eq!(Spot::Locked("agenix".to_owned()).find("no lock"), None);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a file of the test's own")]
    fn the_file_is_read_as_it_is_when_it_opens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flake.nix");
        let spot = Spot::Declared("agenix".to_owned());
        assert_eq!(spot.line(&path), None, "it is not there");
        assert_eq!(spot.line(folder.path()), None, "it is no file");
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from(0o600)).unwrap();
        assert_eq!(spot.line(&pipe), None, "it never ends");
        std::fs::write(&path, FLAKE).unwrap();
        assert_eq!(spot.line(&path), Some(4));
        assert_eq!((Spot::Line(7).line(&path), Spot::File.line(&path)), (Some(7), None));
    }
}
