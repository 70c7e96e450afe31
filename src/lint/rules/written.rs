//! Lists, names and texts that are written out. Shared by the rules; finds nothing itself.

use rnix::ast::{BinOpKind, Expr};

use super::certain::bare;
use crate::lint::call::{Call, path};
use crate::syntax::tree::string;

/// The items that are written out in a list, in the lists that `++` joins to it, and in those of `optionals`.
pub(super) fn items(expression: &Expr) -> Vec<Expr> {
    gather(expression, true)
}

/// The same without those of `optionals`: what the list has whatever the conditions are.
pub(super) fn certain_items(expression: &Expr) -> Vec<Expr> {
    gather(expression, false)
}

fn gather(expression: &Expr, optional: bool) -> Vec<Expr> {
    let mut items = Vec::new();
    let mut rest = vec![bare(expression.clone())];
    while let Some(expression) = rest.pop() {
        match expression {
            Expr::List(list) => items.extend(list.items()),
            Expr::BinOp(operation) if operation.operator() == Some(BinOpKind::Concat) => {
                rest.extend([operation.lhs(), operation.rhs()].into_iter().flatten().map(bare));
            }
            Expr::With(with) => rest.extend(with.body().map(bare)),
            Expr::Apply(_) if optional => {
                let call = Call::of_expression(&expression).filter(|call| call.name() == "optionals");
                rest.extend(call.and_then(|call| call.arguments().into_iter().nth(1)));
            }
            _ => {}
        }
    }
    items
}

/// The last name of an expression such as `pkgs.cmake`.
pub(super) fn last_name(expression: &Expr) -> Option<String> {
    path(&bare(expression.clone()))?.pop()
}

/// The text of a string literal without anything computed in it.
pub(super) fn text(expression: &Expr) -> Option<String> {
    match bare(expression.clone()) {
        Expr::Str(literal) => string(&literal),
        _ => None,
    }
}
