//! What a file gives to those that import it: the functions around it with what they take, and the attributes of the set
//! that they come to.
//!
//! Only what is written out is told; what may be more is unknown. Must not know files or rules.

use rnix::ast::{self, Entry, Expr, HasEntry, Param};
use rowan::ast::AstNode;

use super::Span;
use super::shape::{Name, inside};
use super::tree::{self, Tree};

/// Functions of functions beyond these are not looked into: what they come to is unknown.
const MAX_FUNCTIONS: usize = 8;

/// What a file gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exports {
    /// What it has to be applied to, one argument after the other.
    pub functions: Vec<Takes>,
    /// Every attribute of what it then is, in the order of the text; none when that is no set, or may have more.
    pub gives: Option<Vec<Name>>,
}

/// What one function takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takes {
    /// Whatever it is given.
    Anything,
    /// A set with these attributes.
    Set {
        /// Those that it names.
        formals: Vec<Formal>,
        /// Whether there may be others.
        open: bool,
    },
}

/// One attribute that a function names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formal {
    /// Its name.
    pub name: String,
    /// Whether it can be left out.
    pub optional: bool,
    /// Where it is written.
    pub span: Span,
}

/// Looks at a file; of a text with faults nothing is known.
pub fn read(tree: &Tree) -> Option<Exports> {
    let mut body = inside(tree.expression().filter(|_| tree.problems.is_empty())?);
    let mut exports = Exports::default();
    while let Expr::Lambda(lambda) = &body {
        exports.functions.push(takes(&lambda.param()?, tree)?);
        if exports.functions.len() > MAX_FUNCTIONS {
            return None;
        }
        body = inside(lambda.body()?);
    }
    if let Expr::AttrSet(set) = &body {
        exports.gives = gives(set, tree);
    }
    Some(exports)
}

fn takes(param: &Param, tree: &Tree) -> Option<Takes> {
    let Param::Pattern(pattern) = param else { return Some(Takes::Anything) };
    let formal = |entry: ast::PatEntry| {
        let ident = entry.ident()?;
        let span = tree.span_of(&ident);
        Some(Formal { name: ident.to_string(), optional: entry.default().is_some(), span })
    };
    let formals = pattern.pat_entries().map(formal).collect::<Option<_>>()?;
    Some(Takes::Set { formals, open: pattern.ellipsis_token().is_some() })
}

/// None when a name is computed.
fn gives(set: &ast::AttrSet, tree: &Tree) -> Option<Vec<Name>> {
    let mut names = Vec::new();
    for entry in set.entries() {
        let attrs: Vec<ast::Attr> = match entry {
            Entry::AttrpathValue(binding) => binding.attrpath()?.attrs().take(1).collect(),
            Entry::Inherit(inherit) => inherit.attrs().collect(),
        };
        for attr in attrs {
            names.push(Name { name: tree::attr_name(&attr)?, span: tree.span(attr.syntax().text_range()) });
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<(String, Option<String>)> {
        let exports = read(&tree::parse(text))?;
        let formal = |formal: &Formal| format!("{}{}", formal.name, if formal.optional { "?" } else { "" });
        let takes = |takes: &Takes| match takes {
            Takes::Anything => "_".to_owned(),
            Takes::Set { formals, open } => {
                let open = open.then(|| "...".to_owned());
                formals.iter().map(formal).chain(open).collect::<Vec<_>>().join(",")
            }
        };
        let functions = exports.functions.iter().map(takes).collect::<Vec<_>>().join(" ");
        let names = |names: Vec<Name>| names.into_iter().map(|name| name.name).collect::<Vec<_>>().join(",");
        Some((functions, exports.gives.map(names)))
    }

    #[test]
    fn what_is_written_out_is_told_and_the_rest_is_unknown() {
        let cases: [(&str, &str, Option<&str>); 9] = [
            ("{ a = 1; b.c = 2; \"d\" = 3; }", "", Some("a,b,d")),
            ("rec { inherit (x) a b; inherit c; }", "", Some("a,b,c")),
            ("{ a, b ? 1, ... }: { c = a; }", "a,b?,...", Some("c")),
            ("self: super: with self; { c = 1; }", "_ _", Some("c")),
            ("let x = 1; in assert true; ({ y = x; })", "", Some("y")),
            ("{ ${\"a\" + \"b\"} = 1; c = 2; }", "", None),
            ("{ a = 1; } // x", "", None),
            ("{ a }: a", "a", None),
            ("1", "", None),
        ];
        for (text, functions, gives) in cases {
            assert_eq!(told(text), Some((functions.to_owned(), gives.map(str::to_owned))), "{text}");
        }
        assert_eq!(told("{ a = ; }"), None, "a text with faults");
    }
}
