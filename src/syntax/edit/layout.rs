//! Where everything about the inputs stands in a text: every binding with the whole path it defines.

use std::ops::Range;

use rnix::{SyntaxKind, TextRange, ast};
use rowan::ast::AstNode;

use super::EditError;
use crate::syntax::tree::{self, Tree};

/// The bindings of the flake itself, and those below `inputs`.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) sites: Vec<Site>,
    /// The sets they stand in; the first is the flake itself.
    pub(super) bodies: Vec<Body>,
}

/// One binding.
#[derive(Debug)]
pub(super) struct Site {
    /// The names from the flake down to what it defines.
    pub(super) path: Vec<String>,
    /// From its first name to its semicolon.
    pub(super) range: Range<usize>,
    /// The last name it writes.
    pub(super) last_name: Range<usize>,
    /// Its value, without parentheses around it; none when it is inherited.
    pub(super) value: Option<ast::Expr>,
    /// The set that it stands in.
    pub(super) body: usize,
    /// The set that it defines, when that was looked into.
    pub(super) defines: Option<usize>,
    /// The line it begins on.
    pub(super) line: u32,
}

/// A set that is written out.
#[derive(Debug)]
pub(super) struct Body {
    /// The names from the flake down to it.
    pub(super) path: Vec<String>,
    /// Just behind its opening brace.
    pub(super) open: usize,
    /// Just before its closing brace.
    pub(super) close: usize,
    /// Its bindings, in the order of the text.
    pub(super) sites: Vec<usize>,
    /// The binding that defines it.
    pub(super) owner: Option<usize>,
}

impl Layout {
    pub(super) fn of(tree: &Tree) -> Result<Self, EditError> {
        let top = tree.expression().map(bare);
        let Some(ast::Expr::AttrSet(set)) = top else { return Err(EditError::NotASet) };
        let mut layout = Self::default();
        layout.body(tree, &set, &[], None)?;
        Ok(layout)
    }

    /// The bindings that define something at or below a path.
    pub(super) fn below<'a>(&'a self, path: &'a [String]) -> impl Iterator<Item = (usize, &'a Site)> {
        self.sites.iter().enumerate().filter(move |(_, site)| site.path.starts_with(path))
    }

    /// The one binding that defines exactly this path.
    pub(super) fn exactly(&self, path: &[String]) -> Result<Option<&Site>, EditError> {
        let mut found = self.sites.iter().filter(|site| site.path == path);
        let first = found.next();
        match found.next() {
            Some(second) => Err(EditError::Twice { what: path.join("."), line: second.line }),
            None => Ok(first),
        }
    }

    /// Refuses when something on the way to a path, or the path itself, is defined by anything but a set.
    pub(super) fn refuse_computed(&self, path: &[String]) -> Result<(), EditError> {
        let on_the_way = |site: &&Site| path.starts_with(&site.path) && site.defines.is_none();
        match self.sites.iter().find(on_the_way) {
            Some(site) => Err(EditError::NotLiteral { what: site.path.join("."), line: site.line }),
            None => Ok(()),
        }
    }

    fn body(
        &mut self,
        tree: &Tree,
        set: &ast::AttrSet,
        path: &[String],
        owner: Option<usize>,
    ) -> Result<usize, EditError> {
        let (open, close) = braces(set);
        let index = self.bodies.len();
        self.bodies.push(Body { path: path.to_vec(), open, close, sites: Vec::new(), owner });
        for entry in ast::HasEntry::entries(set) {
            match entry {
                ast::Entry::Inherit(inherit) => self.inherit(tree, &inherit, path, index)?,
                ast::Entry::AttrpathValue(binding) => self.binding(tree, &binding, path, index)?,
            }
        }
        Ok(index)
    }

    fn binding(
        &mut self,
        tree: &Tree,
        binding: &ast::AttrpathValue,
        above: &[String],
        body: usize,
    ) -> Result<(), EditError> {
        let line = tree.span_of(binding).line;
        let mut path = above.to_vec();
        let mut last_name = 0..0;
        for attr in binding.attrpath().iter().flat_map(ast::Attrpath::attrs) {
            last_name = bytes(attr.syntax().text_range());
            let Some(name) = tree::attr_name(&attr) else {
                // A computed name may be any name, also that of an input.
                return if path.first().is_none_or(|first| first == "inputs") {
                    Err(EditError::NotLiteral { what: attr.syntax().text().to_string(), line })
                } else {
                    self.add(Site { path, value: None, ..site(binding, last_name, body, line) });
                    Ok(())
                };
            };
            path.push(name);
        }
        let value = binding.value().map(bare);
        let index = self.sites.len();
        self.add(Site { path: path.clone(), value: value.clone(), ..site(binding, last_name, body, line) });
        if path.first().is_some_and(|first| first == "inputs") {
            match value {
                Some(ast::Expr::AttrSet(set)) => {
                    let defined = self.body(tree, &set, &path, Some(index))?;
                    if let Some(site) = self.sites.get_mut(index) {
                        site.defines = Some(defined);
                    }
                }
                _ if path.len() == 1 => return Err(EditError::NotLiteral { what: "inputs".to_owned(), line }),
                _ => {}
            }
        }
        Ok(())
    }

    fn inherit(&mut self, tree: &Tree, inherit: &ast::Inherit, above: &[String], body: usize) -> Result<(), EditError> {
        let line = tree.span_of(inherit).line;
        for attr in inherit.attrs() {
            let at = bytes(attr.syntax().text_range());
            let what = attr.syntax().text().to_string();
            let Some(name) = tree::attr_name(&attr) else { return Err(EditError::NotLiteral { what, line }) };
            if above.is_empty() && name == "inputs" {
                return Err(EditError::NotLiteral { what: name, line });
            }
            let path = above.iter().cloned().chain([name]).collect();
            self.add(Site { path, value: None, ..site(inherit, at, body, line) });
        }
        Ok(())
    }

    fn add(&mut self, site: Site) {
        if let Some(body) = self.bodies.get_mut(site.body) {
            body.sites.push(self.sites.len());
        }
        self.sites.push(site);
    }
}

fn site(node: &impl AstNode<Language = rnix::NixLanguage>, last_name: Range<usize>, body: usize, line: u32) -> Site {
    let range = bytes(node.syntax().text_range());
    Site { path: Vec::new(), range, last_name, value: None, body, defines: None, line }
}

/// An expression without the parentheses around it.
pub(super) fn bare(expression: ast::Expr) -> ast::Expr {
    match &expression {
        ast::Expr::Paren(paren) => match paren.expr() {
            Some(inner) => bare(inner),
            None => expression,
        },
        _ => expression,
    }
}

/// A range of the tree as bytes of the text.
pub(super) fn bytes(range: TextRange) -> Range<usize> {
    range.start().into()..range.end().into()
}

fn braces(set: &ast::AttrSet) -> (usize, usize) {
    let range = bytes(set.syntax().text_range());
    let token = |kind: SyntaxKind| {
        let tokens = set.syntax().children_with_tokens().filter_map(rnix::NodeOrToken::into_token);
        tokens.filter(move |token| token.kind() == kind).map(|token| bytes(token.text_range()))
    };
    let open = token(SyntaxKind::TOKEN_L_BRACE).next().map_or(range.start, |brace| brace.end);
    let close = token(SyntaxKind::TOKEN_R_BRACE).last().map_or(range.end, |brace| brace.start);
    (open, close)
}
