//! What a Nix file is, by its shape: a module, an overlay, a package; and what it declares, defines, adds and refers to.
//!
//! Only what is written out is told; nothing is evaluated and no binding is followed. Linear in the text: every expression
//! is looked at once. Must not know files, options that exist, or rules.

mod kind;
mod options;
mod references;
mod walk;

use rnix::ast::Expr;

use super::Span;
use super::tree::Tree;

pub use kind::Kind;
pub use references::{How, Reference};
pub(super) use walk::inside;

/// The deepest option path that is told apart; what lies below counts as part of it.
const MAX_PATH: usize = 32;
/// More options, names or references of one file than this are not listed.
const MAX_LISTED: usize = 20_000;
/// Stands for a name that is computed.
pub const ANY_NAME: &str = "*";

/// What is seen of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// What the file is.
    pub kind: Kind,
    /// What decided that, in a few words.
    pub why: String,
    /// Options that a module declares, in the order of the text.
    pub declared: Vec<Declared>,
    /// Options that a module defines, in the order of the text.
    pub defined: Vec<Defined>,
    /// Names that an overlay adds or changes, in the order of the text.
    pub added: Vec<Name>,
    /// Files that are named by a literal path: in `imports`, by `import`, by `callPackage`.
    pub references: Vec<Reference>,
    /// Items of `imports` that are not literal paths.
    pub other_imports: u32,
}

/// An option that is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its path; [`ANY_NAME`] for a computed name.
    pub path: Vec<String>,
    /// The function that makes it, as in `mkOption`.
    pub maker: String,
    /// Where its name is written.
    pub span: Span,
}

/// An option that is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defined {
    /// Its path as deep as sets are written out; [`ANY_NAME`] for a computed name.
    pub path: Vec<String>,
    /// Whether the definition holds only under a condition: `mkIf`, `optionalAttrs`, `if`.
    pub conditional: bool,
    /// The innermost function that changes its rank, as in `mkForce`.
    pub rank: Option<&'static str>,
    /// Its value, when that is a written `true` or `false`.
    pub switch: Option<bool>,
    /// Where its name is written.
    pub span: Span,
}

/// A name, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub name: String,
    /// Where.
    pub span: Span,
}

/// Looks at a file.
pub fn read(tree: &Tree) -> Shape {
    let Some(expression) = tree.expression() else {
        return Shape { why: "it has no expression".to_owned(), ..Shape::default() };
    };
    let mut shape = of(expression, tree);
    references::everywhere(tree, &mut shape.references);
    shape
}

/// Looks at one expression of a text, as if it stood in a file of its own; of references, those in `imports` alone are told.
pub fn of(expression: Expr, tree: &Tree) -> Shape {
    let mut shape = Shape::default();
    let file = walk::open(expression);
    let seen = options::Top::of(&file.body);
    (shape.kind, shape.why) = kind::decide(&file, &seen, tree);
    if shape.kind.is_module() {
        shape.declared = options::declared(&seen, tree);
        shape.defined = options::defined(&seen, tree);
        shape.kind = kind::of_module(shape.kind, &shape.declared, &shape.defined, &mut shape.why);
        references::imports(&seen, tree, &mut shape);
    } else if shape.kind == Kind::Overlay {
        shape.added = options::added(&file.body, tree);
    }
    shape
}

#[cfg(test)]
mod tests;
