//! Which option a binding sets, and to what: dotted, nested, and through `mkIf` and its like. Shared by the rules on
//! modules; finds nothing itself.

use rnix::ast::{Attrpath, AttrpathValue, Expr};
use rnix::{SyntaxKind, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::certain::literal_bool;
use crate::lint::Report;
use crate::lint::call::Call;
use crate::syntax::tree::attr_name;

/// Functions of the module system whose last argument is the value.
const TRANSPARENT: &[(&str, usize)] = &[
    ("mkIf", 2),
    ("mkMerge", 1),
    ("mkDefault", 1),
    ("mkForce", 1),
    ("mkBefore", 1),
    ("mkAfter", 1),
    ("mkOptionDefault", 1),
    ("mkOverride", 2),
    ("mkOrder", 2),
    ("optionalAttrs", 2),
];
/// Longer paths are of no option.
const MOST_NAMES: usize = 24;

/// The value that a binding gives its option: of `mkIf c (mkForce v)` it is `v`.
pub(super) fn value(binding: &AttrpathValue) -> Option<Expr> {
    let mut expression = binding.value()?;
    loop {
        expression = match &expression {
            Expr::Paren(paren) => paren.expr()?,
            Expr::With(with) => with.body()?,
            Expr::Apply(_) => match passed_on(&expression) {
                Some(value) => value,
                None => return Some(expression),
            },
            _ => return Some(expression),
        };
    }
}

/// Whether the option is set to this truth value.
pub(super) fn is(binding: &AttrpathValue, wanted: bool, report: &Report<'_, '_>) -> bool {
    value(binding).and_then(|value| literal_bool(&value, report.names())) == Some(wanted)
}

/// Whether the path of the option ends like this; `*` stands for any name.
pub(super) fn ends(binding: &AttrpathValue, with: &[&str]) -> bool {
    let path = path(binding);
    let Some(start) = path.len().checked_sub(with.len()) else { return false };
    path.iter().skip(start).zip(with).all(|(name, wanted)| *wanted == "*" || name == wanted)
}

/// The names that lead to the option, the outermost first, as far as they are certain; a computed one is empty.
pub(super) fn path(binding: &AttrpathValue) -> Vec<String> {
    let mut inward = Vec::new();
    let mut next = Some(binding.syntax().clone());
    while let Some(node) = next.take().filter(|_| inward.len() < MOST_NAMES) {
        let mut names = own_names(&node);
        names.reverse();
        inward.append(&mut names);
        next = node.parent().filter(|set| set.kind() == SyntaxKind::NODE_ATTR_SET).and_then(outer_binding);
    }
    inward.reverse();
    inward
}

/// The place of the option's name.
pub(super) fn name_range(binding: &AttrpathValue) -> TextRange {
    binding.attrpath().map_or_else(|| binding.syntax().text_range(), |path| path.syntax().text_range())
}

/// Whether the binding is part of a machine that a test starts, or of an example in documentation.
pub(super) fn is_for_show(binding: &AttrpathValue) -> bool {
    const NAMES: &[&str] = &["nodes", "machine", "containers", "testScript", "example", "examples", "defaultText"];
    binding.syntax().ancestors().any(|node| {
        node.kind() == SyntaxKind::NODE_ATTRPATH_VALUE
            && own_names(&node).iter().any(|name| NAMES.contains(&name.as_str()))
    })
}

fn own_names(node: &SyntaxNode) -> Vec<String> {
    let path = node.first_child().and_then(Attrpath::cast);
    let attributes = path.iter().flat_map(Attrpath::attrs);
    attributes.map(|attribute| attr_name(&attribute).unwrap_or_default()).collect()
}

/// The binding whose value a set is, or becomes by functions of the module system.
fn outer_binding(set: SyntaxNode) -> Option<SyntaxNode> {
    let mut at = set;
    loop {
        let parent = at.parent()?;
        match parent.kind() {
            SyntaxKind::NODE_ATTRPATH_VALUE => return Some(parent),
            SyntaxKind::NODE_PAREN | SyntaxKind::NODE_LIST => {}
            SyntaxKind::NODE_WITH | SyntaxKind::NODE_LET_IN | SyntaxKind::NODE_ASSERT => {
                parent.last_child().filter(|body| *body == at)?;
            }
            SyntaxKind::NODE_IF_ELSE => {
                parent.first_child().filter(|condition| *condition != at)?;
            }
            SyntaxKind::NODE_BIN_OP => {
                let operator = rnix::ast::BinOp::cast(parent.clone())?.operator()?;
                matches!(operator, rnix::ast::BinOpKind::Update | rnix::ast::BinOpKind::Concat).then_some(())?;
            }
            SyntaxKind::NODE_APPLY => {
                let call = Call::of_expression(&Expr::cast(parent.clone())?)?;
                let is_argument = parent.last_child().is_some_and(|argument| argument == at);
                (is_argument && TRANSPARENT.iter().any(|(name, _)| *name == call.name())).then_some(())?;
            }
            _ => return None,
        }
        at = parent;
    }
}

fn passed_on(expression: &Expr) -> Option<Expr> {
    let call = Call::of_expression(expression)?;
    let (_, count) = TRANSPARENT.iter().find(|(name, _)| *name == call.name())?;
    let mut arguments = call.arguments();
    (arguments.len() == *count).then(|| arguments.pop()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::tree::parse;

    /// The path and value of the binding whose name is `x`.
    fn found(text: &str) -> (String, String) {
        let tree = parse(text);
        let bindings = tree.root().syntax().descendants().filter_map(AttrpathValue::cast);
        let is_x = |binding: &AttrpathValue| own_names(binding.syntax()).last().is_some_and(|name| name == "x");
        let binding = bindings.into_iter().find(is_x).expect("a binding of x");
        (path(&binding).join("."), value(&binding).expect("a value").to_string())
    }

    #[test]
    fn dotted_nested_and_conditional_forms_are_one_option() {
        for text in [
            "{ a.b.x = 1; }",
            "{ a = { b = { x = 1; }; }; }",
            "{ a.b = lib.mkIf c { x = mkForce 1; }; }",
            "{ a = mkMerge [ { b.x = mkIf c (mkDefault 1); } { } ]; }",
            "{ a = { b = let y = 2; in with y; ({ x = (1); } // other); }; }",
            "{ a.\"b\" = lib.optionalAttrs c { x = lib.mkOverride 10 1; }; }",
        ] {
            assert_eq!(found(text), ("a.b.x".to_owned(), "1".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_an_unknown_function_makes_of_a_set_is_not_known() {
        assert_eq!(found("{ a = f { x = g 1; }; }"), ("x".to_owned(), "g 1".to_owned()));
        assert_eq!(found("{ a = y: { x = 1; }; }").0, "x");
        assert_eq!(found("{ a.${b}.x = 1; }").0, "a..x");
    }
}
