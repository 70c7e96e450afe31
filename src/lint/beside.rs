//! What stands beside a text: the files that it imports. Whoever has files brings them; without, rules that need them are silent.

use std::fmt;
use std::sync::Arc;

use crate::syntax::exports::Exports;
use crate::syntax::links::Link;

/// What is at the path of a link.
#[derive(Debug, Clone)]
pub enum Linked {
    /// Nothing.
    Missing,
    /// Something; what it gives is not known, or was not asked.
    There,
    /// A Nix file.
    File(Arc<Exports>),
}

/// How to find out.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a>(Option<&'a dyn Fn(&Link) -> Linked>);

impl<'a> Beside<'a> {
    /// Asks this of every link.
    pub fn new(ask: &'a dyn Fn(&Link) -> Linked) -> Self {
        Self(Some(ask))
    }

    pub(super) fn ask(self) -> Option<&'a dyn Fn(&Link) -> Linked> {
        self.0
    }
}

impl fmt::Debug for Beside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Beside").field(&self.0.is_some()).finish()
    }
}
