//! Files that a text names by a literal path.

use rnix::ast::{Apply, Expr};
use rowan::ast::AstNode;

use super::options::Top;
use super::walk::{call, inside};
use super::{MAX_LISTED, Shape};
use crate::syntax::Span;
use crate::syntax::tree::Tree;

/// How a file is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// An item of a module's `imports`.
    Imports,
    /// `import ./x`
    Import,
    /// `callPackage ./x`
    CallPackage,
}

/// A file that is referred to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// How.
    pub how: How,
    /// The path, as written.
    pub path: String,
    /// Where it is written.
    pub span: Span,
}

/// The items of `imports`: lists, and what is put together of lists.
pub(super) fn imports(top: &Top, tree: &Tree, shape: &mut Shape) {
    let mut open: Vec<Expr> = top.values("imports").cloned().collect();
    while let Some(expression) = open.pop() {
        match inside(expression) {
            Expr::List(list) => {
                for item in list.items() {
                    match literal(&item, tree).filter(|_| shape.references.len() < MAX_LISTED) {
                        Some((path, span)) => shape.references.push(Reference { how: How::Imports, path, span }),
                        None => shape.other_imports = shape.other_imports.saturating_add(1),
                    }
                }
            }
            Expr::BinOp(operation) => open.extend(operation.lhs().into_iter().chain(operation.rhs())),
            _ => shape.other_imports = shape.other_imports.saturating_add(1),
        }
    }
}

/// `import ./x` and `callPackage ./x` anywhere.
pub(super) fn everywhere(tree: &Tree, references: &mut Vec<Reference>) {
    for apply in tree.root().syntax().descendants().filter_map(Apply::cast) {
        // Of `callPackage ./x { }` the inner call is the one that names the file.
        let Some(Expr::Ident(_) | Expr::Select(_)) = apply.lambda() else { continue };
        let Some((name, arguments)) = call(&apply) else { continue };
        let how = match name.as_str() {
            "import" => How::Import,
            "callPackage" | "callPackages" => How::CallPackage,
            _ => continue,
        };
        let named = arguments.first().and_then(|argument| literal(argument, tree));
        if let Some((path, span)) = named.filter(|_| references.len() < MAX_LISTED) {
            references.push(Reference { how, path, span });
        }
    }
    references.sort_by_key(|reference| (reference.span, reference.how));
}

/// A path that is written out, without interpolation.
fn literal(expression: &Expr, tree: &Tree) -> Option<(String, Span)> {
    let node = match inside(expression.clone()) {
        Expr::PathRel(path) => path.syntax().clone(),
        Expr::PathAbs(path) => path.syntax().clone(),
        Expr::PathHome(path) => path.syntax().clone(),
        _ => return None,
    };
    node.children().next().is_none().then(|| (node.text().to_string(), tree.span(node.text_range())))
}
