//! Nix text to our view of it: its tree, names and shape, `flake.nix`, `flake.lock`, flake references, pins without flakes,
//! secrets hiding in text, and the official style.
//!
//! Pure: file contents come in as text. Parsing never fails: it returns what could be read and a list of problems.

use std::collections::BTreeMap;

pub mod tree;

pub mod names;

pub mod semantics;

mod merge;

mod value;

pub mod flake;

pub mod dedupe;

pub mod edit;

pub mod outputs;

pub mod lock;

pub mod graph;

pub mod flake_ref;

pub mod format;

pub mod pins;

pub mod shape;

pub mod exports;

pub mod links;

pub mod secret;

/// Attributes as Nix writes them in a lock file or a flake reference: names to JSON values, in name order.
pub type Attrs = serde_json::Map<String, serde_json::Value>;

/// Where something stands in a text: byte offsets, and the line a person would go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line of `start`, counted from 1.
    pub line: u32,
}

/// Something wrong with a text that did not keep the rest of it from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable name of the kind of problem, as in `syntax-error` or `lock-version`.
    pub code: &'static str,
    /// Where, when it has a place.
    pub span: Option<Span>,
    /// One lower-case sentence for a person.
    pub message: String,
}

/// Where the two meet that do not know each other: an input of `flake.nix`, as the comparison with the lock takes it.
impl From<&flake::Input> for graph::Declared {
    fn from(input: &flake::Input) -> Self {
        let span = Some(input.span);
        let overrides = input.overrides.iter().map(|(path, over)| {
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            let (url, attrs, follows) = (over.url.clone(), over.attrs.clone(), over.follows.clone());
            let flake = over.flake.unwrap_or(true);
            (path.clone(), Self { name, url, attrs, follows, flake, overrides: BTreeMap::new(), span })
        });
        Self {
            name: input.name.clone(),
            url: input.url.clone(),
            attrs: input.attrs.clone(),
            follows: input.follows.clone(),
            flake: input.flake,
            overrides: overrides.collect(),
            span,
        }
    }
}
