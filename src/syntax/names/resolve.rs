//! The walk that finds definitions and resolves uses, in one pass over the tree.

use std::collections::HashMap;

use rnix::SyntaxKind::{
    NODE_ATTR_SET, NODE_ATTRPATH, NODE_ATTRPATH_VALUE, NODE_DYNAMIC, NODE_IDENT, NODE_IDENT_PARAM, NODE_INHERIT,
    NODE_INHERIT_FROM, NODE_LAMBDA, NODE_LEGACY_LET, NODE_LET_IN, NODE_PAREN, NODE_PAT_BIND, NODE_PAT_ENTRY,
    NODE_PATTERN, NODE_STRING, NODE_WITH, TOKEN_ELLIPSIS, TOKEN_REC,
};
use rnix::{SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::builtins::is_global;
use super::parts::{Part, Parts};
use super::{Binder, Definition, DefinitionId, Meaning, Names, Scope, ScopeId, Tree, Use, With, WithId};
use crate::syntax::tree::green::Place;

pub(super) fn resolve<'t>(tree: &Tree, text: &'t str) -> Names<'t> {
    let green = tree.root().syntax().green();
    let root = Place::root(green);
    let parts = Parts::of(tree, root, text);
    let mut walk = Walk { text, names: Names::default(), visible: HashMap::new(), with: None, parts };
    walk.node(root);
    walk.names.uses.sort_unstable_by_key(|name| name.range.start());
    walk.names
}

struct Walk<'t, 'g> {
    text: &'t str,
    names: Names<'t>,
    /// The definitions of each name around the present place, the innermost last.
    visible: HashMap<&'t str, Vec<DefinitionId>>,
    with: Option<WithId>,
    parts: Parts<'g>,
}

impl<'t, 'g> Walk<'t, 'g> {
    fn node(&mut self, node: Place<'g>) {
        match node.kind {
            NODE_IDENT => self.used(node.range()),
            NODE_LET_IN => self.recursive(node, Binder::Let, Binder::LetInherit),
            NODE_LEGACY_LET => self.legacy(node),
            NODE_ATTR_SET | NODE_ATTRPATH_VALUE if self.parts.belongs_elsewhere(node) => {}
            NODE_ATTR_SET if node.has(TOKEN_REC) && !self.parts.is_plain(node.range()) => {
                self.recursive(node, Binder::Rec, Binder::RecInherit);
            }
            NODE_LAMBDA => self.lambda(node),
            NODE_WITH => self.with(node),
            NODE_ATTRPATH => self.attributes(node),
            NODE_INHERIT => self.inherit(node),
            _ => self.children(node),
        }
    }

    fn children(&mut self, node: Place<'g>) {
        for child in node.children() {
            self.node(child);
        }
    }

    /// Of an attribute path or a list of names only what is computed is an expression.
    fn attributes(&mut self, path: Place<'g>) {
        for attribute in path.children().filter(|child| matches!(child.kind, NODE_STRING | NODE_DYNAMIC)) {
            self.children(attribute);
        }
    }

    /// `inherit a;` uses `a` of the names around; `inherit (e) a;` uses what `e` does.
    fn inherit(&mut self, inherit: Place<'g>) {
        match inherit.children().find(|child| child.kind == NODE_INHERIT_FROM) {
            Some(from) => self.children(from),
            None => self.inherited(inherit),
        }
    }

    fn inherited(&mut self, inherit: Place<'g>) {
        for attribute in inherit.children() {
            let range = attribute.range();
            if attribute.kind == NODE_IDENT {
                self.used(range);
            } else if let Some(name) = self.plain(attribute) {
                self.use_name(name, range);
            }
        }
    }

    /// `let … in …` and `rec { … }`: all entries see each other; `inherit a;` alone looks outside.
    fn recursive(&mut self, node: Place<'g>, binding: Binder, inherit: Binder) {
        let parts = self.parts.of_set(node);
        let children = || node.children().chain(parts.iter().flat_map(Part::entries));
        for entry in children().filter(|entry| is_plain_inherit(*entry)) {
            self.inherited(entry);
        }
        let scope = self.open(node.range());
        for entry in children() {
            match entry.kind {
                NODE_ATTRPATH_VALUE => self.define_binding(entry, binding, scope),
                NODE_INHERIT => {
                    for attribute in entry.children().filter(|child| child.kind != NODE_INHERIT_FROM) {
                        if let Some(name) = self.plain(attribute) {
                            let range = attribute.range();
                            self.define(name, inherit, range, range, scope);
                        }
                    }
                }
                _ => {}
            }
        }
        for (path, name) in parts.iter().filter_map(Part::path) {
            self.define_path(name, path, binding, scope);
        }
        self.close_list(scope);
        for child in children().filter(|child| !is_plain_inherit(*child)) {
            self.node(child);
        }
        for (path, _) in parts.iter().filter_map(Part::path) {
            self.children(path);
        }
        self.leave(scope);
    }

    /// The value of `let { … }` is its `body`.
    fn legacy(&mut self, node: Place<'g>) {
        let first = self.names.definitions.len();
        self.recursive(node, Binder::Rec, Binder::RecInherit);
        let own = self.names.definitions.get_mut(first..).unwrap_or_default();
        if let Some(body) = own.iter_mut().find(|definition| definition.name == "body") {
            body.uses += 1;
        }
    }

    fn define_binding(&mut self, entry: Place<'g>, binder: Binder, scope: ScopeId) {
        let first = entry.children().find(|child| child.kind == NODE_ATTRPATH).and_then(Place::first);
        if let Some(first) = first {
            self.define_path(first, entry, binder, scope);
        }
    }

    fn define_path(&mut self, first: Place<'g>, entry: Place<'g>, binder: Binder, scope: ScopeId) {
        if let Some(name) = self.plain(first) {
            self.define(name, binder, first.range(), entry.range(), scope);
        }
    }

    fn lambda(&mut self, node: Place<'g>) {
        let scope = self.open(node.range());
        let mut children = node.children().peekable();
        if let Some(parameter) = children.next_if(|child| matches!(child.kind, NODE_IDENT_PARAM | NODE_PATTERN)) {
            if parameter.kind == NODE_IDENT_PARAM {
                let range = parameter.range();
                self.define(self.slice(range), Binder::Argument, range, range, scope);
                self.close_list(scope);
            } else {
                self.pattern(parameter, scope);
            }
        }
        for body in children {
            self.node(body);
        }
        self.leave(scope);
    }

    fn pattern(&mut self, pattern: Place<'g>, scope: ScopeId) {
        for entry in pattern.children() {
            let binder = match entry.kind {
                NODE_PAT_ENTRY => Binder::Formal,
                NODE_PAT_BIND => Binder::Whole,
                _ => continue,
            };
            if let Some(name) = entry.children().find(|child| child.kind == NODE_IDENT) {
                let range = name.range();
                self.define(self.slice(range), binder, range, entry.range(), scope);
            }
        }
        let open = pattern.has(TOKEN_ELLIPSIS);
        if let Some(scope) = self.names.scopes.get_mut(scope.0 as usize) {
            scope.open = open;
        }
        self.close_list(scope);
        for entry in pattern.children().filter(|child| child.kind == NODE_PAT_ENTRY) {
            for default in entry.children().skip(1) {
                self.node(default);
            }
        }
    }

    fn with(&mut self, node: Place<'g>) {
        let mut children = node.children();
        let namespace = children.next();
        let outer = self.with;
        let id = WithId(count(self.names.withs.len()));
        let range = namespace.map_or_else(|| node.range(), Place::range);
        self.names.withs.push(With { range: node.range(), namespace: range, outer, uses: 0 });
        if let Some(namespace) = namespace {
            self.node(namespace);
        }
        self.with = Some(id);
        for body in children {
            self.node(body);
        }
        self.with = outer;
    }

    // Scopes.

    fn open(&mut self, range: TextRange) -> ScopeId {
        let first = count(self.names.definitions.len());
        self.names.scopes.push(Scope { range, definitions: (first, first), uses: 0, open: false });
        ScopeId(count(self.names.scopes.len() - 1))
    }

    /// All definitions of the scope are known now.
    fn close_list(&mut self, scope: ScopeId) {
        let end = count(self.names.definitions.len());
        if let Some(scope) = self.names.scopes.get_mut(scope.0 as usize) {
            scope.definitions.1 = end;
        }
    }

    fn leave(&mut self, scope: ScopeId) {
        let Some((from, to)) = self.names.scopes.get(scope.0 as usize).map(|scope| scope.definitions) else { return };
        for definition in self.names.definitions.get(from as usize..to as usize).unwrap_or_default() {
            if let Some(stack) = self.visible.get_mut(definition.name) {
                stack.pop();
            }
        }
    }

    /// A name that the same scope defines already is one more place of it: a duplicate, or a part of one set.
    fn define(&mut self, name: &'t str, binder: Binder, range: TextRange, entry: TextRange, scope: ScopeId) {
        let stack = self.visible.entry(name).or_default();
        if let Some(known) = stack.last()
            && self.names.definitions.get(known.0 as usize).is_some_and(|definition| definition.scope == scope)
        {
            self.names.also.push((*known, entry));
            return;
        }
        stack.push(DefinitionId(count(self.names.definitions.len())));
        self.names.definitions.push(Definition { name, binder, range, entry, scope, uses: 0 });
    }

    // Uses.

    fn used(&mut self, range: TextRange) {
        self.use_name(self.slice(range), range);
    }

    fn use_name(&mut self, name: &'t str, range: TextRange) {
        let meaning = self.meaning(name);
        self.names.uses.push(Use { name, range, meaning });
    }

    fn meaning(&mut self, name: &str) -> Meaning {
        if let Some(id) = self.visible.get(name).and_then(|stack| stack.last()).copied() {
            if let Some(definition) = self.names.definitions.get_mut(id.0 as usize) {
                definition.uses += 1;
                if let Some(scope) = self.names.scopes.get_mut(definition.scope.0 as usize) {
                    scope.uses += 1;
                }
            }
            return Meaning::Defined(id);
        }
        if is_global(name) {
            return Meaning::Global;
        }
        let Some(innermost) = self.with else { return Meaning::Undefined };
        let mut next = Some(innermost);
        while let Some(with) = next.and_then(|id| self.names.withs.get_mut(id.0 as usize)) {
            with.uses += 1;
            next = with.outer;
        }
        Meaning::FromWith(innermost)
    }

    // Text.

    fn slice(&self, range: TextRange) -> &'t str {
        self.text.get(usize::from(range.start())..usize::from(range.end())).unwrap_or_default()
    }

    /// The name of an attribute that is written out; quotes without escapes or interpolation count as that.
    fn plain(&self, attribute: Place<'g>) -> Option<&'t str> {
        let text = self.slice(attribute.range());
        match attribute.kind {
            NODE_IDENT => Some(text),
            NODE_STRING => {
                let inner = text.strip_prefix('"')?.strip_suffix('"')?;
                (!inner.contains(['\\', '$'])).then_some(inner)
            }
            // `${"name"}` is as good as `name`.
            NODE_DYNAMIC => {
                let mut inner = attribute.first()?;
                while inner.kind == NODE_PAREN {
                    inner = inner.first()?;
                }
                if inner.kind == NODE_STRING { self.plain(inner) } else { None }
            }
            _ => None,
        }
    }
}

pub(super) fn is_rec(set: &SyntaxNode) -> bool {
    set.first_token().is_some_and(|token| token.kind() == TOKEN_REC)
}

/// `inherit a;` without a source.
fn is_plain_inherit(entry: Place<'_>) -> bool {
    entry.kind == NODE_INHERIT && entry.children().all(|child| child.kind != NODE_INHERIT_FROM)
}

/// A text has at most 16 million bytes, so no more names than that.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
