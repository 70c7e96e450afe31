//! Which name means what: every definition of a text, every use, and what it refers to.
//!
//! Nix binds names by `let`, `rec` and function arguments; these win over what Nix itself defines, and only what neither
//! has is looked up in `with`. Must not know values, files or rules.

pub mod builtins;

mod live;
mod parts;
mod resolve;

use std::cmp::Reverse;

use rnix::{TextRange, TextSize};

use super::tree::Tree;

pub use builtins::is_global;
pub use live::Dead;

/// All names of one text.
#[derive(Debug, Default)]
pub struct Names<'t> {
    /// Every definition, in the order of their scopes.
    pub definitions: Vec<Definition<'t>>,
    /// Every place where a name is used as a value, in the order of the text.
    pub uses: Vec<Use<'t>>,
    /// What binds names.
    pub scopes: Vec<Scope>,
    /// Every `with`.
    pub withs: Vec<With>,
    /// More places where a definition that has several is written: `let a.b = 1; a.c = 2;` is one `a`.
    pub also: Vec<(DefinitionId, TextRange)>,
}

/// The number of a definition in [`Names::definitions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefinitionId(pub(super) u32);

impl DefinitionId {
    /// Its place in [`Names::definitions`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The number of a scope in [`Names::scopes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub(super) u32);

/// The number of a `with` in [`Names::withs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WithId(pub(super) u32);

impl WithId {
    /// Its place in [`Names::withs`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a name is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binder {
    /// `let name = …;`
    Let,
    /// `let inherit name;` or `let inherit (from) name;`
    LetInherit,
    /// A name of a `rec` set, or of the old `let { … }`.
    Rec,
    /// `rec { inherit name; }`
    RecInherit,
    /// `name: …`
    Argument,
    /// A name of `{ a, b }: …`.
    Formal,
    /// The name of the whole argument: `args@{ … }: …`
    Whole,
}

/// One definition.
#[derive(Debug, Clone)]
pub struct Definition<'t> {
    /// The name, without quotes.
    pub name: &'t str,
    /// How it is bound.
    pub binder: Binder,
    /// Where the name is written.
    pub range: TextRange,
    /// The entry around it: a whole binding, an attribute of an `inherit`, an entry of a pattern.
    pub entry: TextRange,
    /// Where it is visible.
    pub scope: ScopeId,
    /// How often it is used.
    pub uses: u32,
}

/// What binds names together: one `let`, one `rec` set or one argument.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The whole construct.
    pub range: TextRange,
    /// Its first definition and one past its last.
    pub definitions: (u32, u32),
    /// How many names were looked up and found here.
    pub uses: u32,
    /// For a pattern: whether it takes more than it names.
    pub open: bool,
}

/// One `with`.
#[derive(Debug, Clone)]
pub struct With {
    /// The whole construct.
    pub range: TextRange,
    /// The expression whose attributes it brings in.
    pub namespace: TextRange,
    /// The `with` around it.
    pub outer: Option<WithId>,
    /// Names that may come from it.
    pub uses: u32,
}

/// One use of a name.
#[derive(Debug, Clone, Copy)]
pub struct Use<'t> {
    /// The name.
    pub name: &'t str,
    /// Where it is written.
    pub range: TextRange,
    /// What it refers to.
    pub meaning: Meaning,
}

/// What a use refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A definition of this text.
    Defined(DefinitionId),
    /// Something that Nix itself defines.
    Global,
    /// An attribute of one of the `with` around it, the innermost of which is this.
    FromWith(WithId),
    /// Nothing: Nix refuses the text.
    Undefined,
}

impl<'t> Names<'t> {
    /// Resolves every name; `text` is the one that `tree` was parsed from.
    pub fn of(tree: &Tree, text: &'t str) -> Self {
        resolve::resolve(tree, text)
    }

    /// The bindings of `let` that nothing uses but themselves and each other, in the order of their scopes.
    pub fn dead(&self) -> Vec<Dead> {
        live::dead(self)
    }

    /// Everything that is written for a definition: its entry, and the parts beside it.
    pub fn entries_of(&self, id: DefinitionId) -> impl Iterator<Item = TextRange> {
        let own = self.definition(id).map(|definition| definition.entry);
        let more = self.also.iter().filter(move |(other, _)| *other == id);
        own.into_iter().chain(more.map(|(_, entry)| *entry))
    }

    /// A definition by its number.
    pub fn definition(&self, id: DefinitionId) -> Option<&Definition<'t>> {
        self.definitions.get(id.0 as usize)
    }

    /// The numbers of all definitions.
    pub fn ids(&self) -> impl Iterator<Item = DefinitionId> + use<> {
        (0..u32::try_from(self.definitions.len()).unwrap_or(u32::MAX)).map(DefinitionId)
    }

    /// A scope by its number.
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(id.0 as usize)
    }

    /// What binds names at exactly this construct.
    pub fn scope_at(&self, construct: TextRange) -> Option<&Scope> {
        let at = self.scopes.binary_search_by_key(&place(construct), |scope| place(scope.range)).ok()?;
        self.scopes.get(at)
    }

    /// A `with` by its number.
    pub fn with(&self, id: WithId) -> Option<&With> {
        self.withs.get(id.0 as usize)
    }

    /// The use that is written at exactly this place.
    pub fn use_at(&self, range: TextRange) -> Option<&Use<'t>> {
        let at = self.uses.binary_search_by_key(&range.start(), |name| name.range.start()).ok()?;
        self.uses.get(at)
    }

    /// Whether the name written here is one that Nix itself defines, and no definition hides it.
    pub fn is_global(&self, range: TextRange) -> bool {
        self.use_at(range).is_some_and(|name| name.meaning == Meaning::Global)
    }

    /// The uses of a definition, in the order of the text.
    pub fn uses_of(&self, id: DefinitionId) -> impl Iterator<Item = &Use<'t>> {
        self.uses.iter().filter(move |name| name.meaning == Meaning::Defined(id))
    }

    /// The definitions of a scope, in the order of the text.
    pub fn definitions_of(&self, scope: &Scope) -> impl Iterator<Item = (DefinitionId, &Definition<'t>)> {
        let (from, to) = scope.definitions;
        (from..to).filter_map(|id| Some((DefinitionId(id), self.definitions.get(id as usize)?)))
    }
}

/// Outer constructs come before those inside.
fn place(range: TextRange) -> (TextSize, Reverse<TextSize>) {
    (range.start(), Reverse(range.end()))
}

#[cfg(test)]
mod tests;
