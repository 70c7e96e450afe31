//! Names across files: what is done with a file that is imported by a literal path. What it is applied to, and which of its
//! attributes are taken, also by way of a `let`.
//!
//! Must not know files: whoever has them compares this with their [`super::exports`].

use rnix::SyntaxKind::{
    NODE_APPLY, NODE_ATTRPATH, NODE_ATTRPATH_VALUE, NODE_IDENT, NODE_INHERIT_FROM, NODE_LET_IN, NODE_PAREN, NODE_SELECT,
};
use rnix::ast::{self, Attr, Entry, Expr, HasEntry};
use rnix::{NodeOrToken, SyntaxNode, TextRange};
use rowan::ast::AstNode;

use super::names::{Meaning, Names};
use super::shape::{How, inside};
use super::tree::{self, Tree};

/// A name that is bound to another is followed so often.
const MAX_BINDINGS: u32 = 4;

/// One thing that is done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// How it is taken in.
    pub how: How,
    /// Its path, as written: `./lib` or `../lib/default.nix`.
    pub path: String,
    /// Where the path is written.
    pub at: TextRange,
    /// What it is applied to.
    pub arguments: Vec<Argument>,
    /// The attributes that are taken from what that gives, where each is named.
    pub selected: Vec<(String, TextRange)>,
    /// Whether this is where the path is written; then there is one such link for the path, and perhaps others that follow it.
    pub written: bool,
}

/// What a function is applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Where it is written.
    pub at: TextRange,
    /// The names of its attributes, when it is a set that is written out whole.
    pub names: Option<Vec<(String, TextRange)>>,
}

impl Link {
    /// Whether it says anything that depends on what is in the file.
    pub fn asks(&self) -> bool {
        !self.selected.is_empty() || self.arguments.iter().any(|argument| argument.names.is_some())
    }
}

/// Every link of a text, in its order. Only where one of the words stands is the tree looked at: most of a text has none.
pub fn of(tree: &Tree, text: &str, names: &Names<'_>) -> Vec<Link> {
    let find = |word: &str| memchr::memmem::find_iter(text.as_bytes(), word).collect::<Vec<_>>();
    let mut places = [find("import"), find("callPackage")].concat();
    places.sort_unstable();
    let mut reader = Reader { tree, names, links: Vec::new() };
    for at in places {
        reader.word(at);
    }
    reader.links
}

struct Reader<'a> {
    tree: &'a Tree,
    names: &'a Names<'a>,
    links: Vec<Link>,
}

impl Reader<'_> {
    /// Looks at a place where a word begins that may be one of ours.
    fn word(&mut self, at: usize) {
        let at = TextRange::at(u32::try_from(at).unwrap_or(u32::MAX).into(), 1.into());
        let root = self.tree.root().syntax();
        // Of a text that is too long, nothing is in the tree.
        if !root.text_range().contains_range(at) {
            return;
        }
        let NodeOrToken::Token(token) = root.covering_element(at) else { return };
        let Some(name) = token.parent().filter(|name| name.kind() == NODE_IDENT) else { return };
        let Some(parent) = name.parent().filter(|_| token.text_range().start() == at.start()) else { return };
        match (token.text(), parent.kind()) {
            ("imports", NODE_ATTRPATH) => {
                if let Some(binding) = parent.parent().and_then(ast::AttrpathValue::cast) {
                    self.imports(&binding);
                }
            }
            ("import" | "callPackage", NODE_APPLY) => self.call_of(&name),
            ("import" | "callPackage", NODE_ATTRPATH) => {
                if let Some(select) = parent.parent().filter(|select| select.kind() == NODE_SELECT) {
                    self.call_of(&select);
                }
            }
            _ => {}
        }
    }

    /// The call of a function.
    fn call_of(&mut self, function: &SyntaxNode) {
        let Some(apply) = function.parent().and_then(ast::Apply::cast) else { return };
        if apply.syntax().first_child().as_ref() == Some(function) {
            self.call(&apply);
        }
    }

    /// `import ./x` and `callPackage ./x`, whatever set they are taken from.
    fn call(&mut self, apply: &ast::Apply) {
        let Some((path, at)) = apply.argument().as_ref().and_then(relative_path) else { return };
        let how = match apply.lambda() {
            Some(Expr::Ident(name)) if name.to_string() == "import" => {
                if !self.is_global(name.syntax().text_range()) {
                    return;
                }
                How::Import
            }
            Some(Expr::Ident(name)) if is_call_package(&name.to_string()) => How::CallPackage,
            Some(Expr::Select(select)) => {
                let last = select.attrpath().and_then(|path| tree::attr_name(&path.attrs().last()?));
                match last.as_deref() {
                    Some("import") if select.expr().is_some_and(|set| set.to_string() == "builtins") => How::Import,
                    Some(name) if is_call_package(name) => How::CallPackage,
                    _ => return,
                }
            }
            _ => return,
        };
        let link = Link { how, path, at, arguments: Vec::new(), selected: Vec::new(), written: true };
        self.follow(apply.syntax().clone(), link, MAX_BINDINGS);
    }

    /// The items of `imports = [ ./x ]`.
    fn imports(&mut self, binding: &ast::AttrpathValue) {
        let name = binding.attrpath().and_then(|path| tree::attr_name(&path.attrs().last()?));
        let Some(Expr::List(list)) = binding.value().map(inside).filter(|_| name.as_deref() == Some("imports")) else {
            return;
        };
        for (path, at) in list.items().filter_map(|item| relative_path(&item)) {
            let (arguments, selected) = (Vec::new(), Vec::new());
            self.links.push(Link { how: How::Imports, path, at, arguments, selected, written: true });
        }
    }

    /// Goes outwards from where the file stands: through arguments to what is selected, or to a name and its uses.
    fn follow(&mut self, mut node: SyntaxNode, mut link: Link, bindings: u32) {
        let mut uses = Vec::new();
        while let Some(parent) = node.parent() {
            let is_first = parent.first_child().as_ref() == Some(&node);
            match parent.kind() {
                NODE_PAREN => {}
                NODE_APPLY if is_first => {
                    let argument = ast::Apply::cast(parent.clone()).and_then(|apply| apply.argument());
                    link.arguments.extend(argument.map(argument_of));
                }
                NODE_SELECT if is_first => {
                    link.selected.extend(ast::Select::cast(parent).as_ref().and_then(selected));
                    break;
                }
                NODE_INHERIT_FROM => {
                    let inherit = parent.parent().and_then(ast::Inherit::cast);
                    let attrs = inherit.into_iter().flat_map(|inherit| inherit.attrs().collect::<Vec<_>>());
                    link.selected.extend(attrs.filter_map(|attr| named(&attr)));
                    break;
                }
                NODE_ATTRPATH_VALUE if bindings > 0 => {
                    uses = self.uses(&parent);
                    break;
                }
                _ => break,
            }
            node = parent;
        }
        for at in uses {
            self.follow(at, Link { written: false, ..link.clone() }, bindings - 1);
        }
        self.links.push(link);
    }

    /// Where the name of a binding of `let` is used.
    fn uses(&self, binding: &SyntaxNode) -> Vec<SyntaxNode> {
        let path =
            binding.first_child().filter(|_| binding.parent().is_some_and(|parent| parent.kind() == NODE_LET_IN));
        let Some(name) = path.filter(|path| path.children().count() == 1).and_then(|path| path.first_child()) else {
            return Vec::new();
        };
        let mut all = self
            .names
            .ids()
            .filter(|id| self.names.definition(*id).is_some_and(|definition| definition.range == name.text_range()));
        let Some(id) = all.next() else { return Vec::new() };
        let root = self.tree.root().syntax();
        let uses = self.names.uses.iter().filter(|name| name.meaning == Meaning::Defined(id));
        let node = |range| match root.covering_element(range) {
            NodeOrToken::Node(node) => Some(node),
            NodeOrToken::Token(token) => token.parent(),
        };
        uses.filter_map(|name| node(name.range)).collect()
    }

    fn is_global(&self, at: TextRange) -> bool {
        let found = self.names.uses.binary_search_by_key(&at.start(), |name| name.range.start());
        found.is_ok_and(|found| self.names.uses.get(found).is_some_and(|name| name.meaning == Meaning::Global))
    }
}

fn is_call_package(name: &str) -> bool {
    name == "callPackage"
}

/// `./x`, without interpolation.
fn relative_path(expression: &Expr) -> Option<(String, TextRange)> {
    let Expr::PathRel(path) = inside(expression.clone()) else { return None };
    let node = path.syntax();
    node.children().next().is_none().then(|| (node.text().to_string(), node.text_range()))
}

fn argument_of(expression: Expr) -> Argument {
    let at = expression.syntax().text_range();
    let names = match bare(expression) {
        Some(Expr::AttrSet(set)) => set_names(&set),
        _ => None,
    };
    Argument { at, names }
}

/// An expression without the parentheses around it.
fn bare(mut expression: Expr) -> Option<Expr> {
    while let Expr::Paren(paren) = &expression {
        expression = paren.expr()?;
    }
    Some(expression)
}

/// None when a name is computed.
fn set_names(set: &ast::AttrSet) -> Option<Vec<(String, TextRange)>> {
    let mut names: Vec<(String, TextRange)> = Vec::new();
    for entry in set.entries() {
        let attrs: Vec<Attr> = match entry {
            Entry::AttrpathValue(binding) => binding.attrpath()?.attrs().take(1).collect(),
            Entry::Inherit(inherit) => inherit.attrs().collect(),
        };
        for attr in attrs {
            let (name, at) = named(&attr)?;
            if names.iter().all(|(known, _)| *known != name) {
                names.push((name, at));
            }
        }
    }
    Some(names)
}

/// The first name that is selected; none with `or`, which allows for its absence.
fn selected(select: &ast::Select) -> Option<(String, TextRange)> {
    if select.or_token().is_some() || select.default_expr().is_some() {
        return None;
    }
    named(&select.attrpath()?.attrs().next()?)
}

fn named(attr: &Attr) -> Option<(String, TextRange)> {
    Some((tree::attr_name(attr)?, attr.syntax().text_range()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Path, arguments, and what is selected, of every link.
    fn told(text: &str) -> Vec<String> {
        let tree = tree::parse(text);
        let names = Names::of(&tree, text);
        let list =
            |names: &[(String, TextRange)]| names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",");
        let argument = |argument: &Argument| argument.names.as_deref().map_or_else(|| "?".to_owned(), list);
        let link = |link: &Link| {
            let arguments = link.arguments.iter().map(argument).collect::<Vec<_>>().join("|");
            format!(
                "{} [{arguments}] {}{}",
                link.path,
                list(&link.selected),
                if link.written { "" } else { " followed" }
            )
        };
        of(&tree, text, &names).iter().map(link).collect()
    }

    #[test]
    fn what_is_selected_and_applied_is_told() {
        assert_eq!(told("(import ./a.nix).b.c"), ["./a.nix [] b"]);
        assert_eq!(told("(import ./a.nix { inherit x; y = 1; }).b"), ["./a.nix [x,y] b"]);
        assert_eq!(told("import ./a.nix { ${n} = 1; } z"), ["./a.nix [?|?] "]);
        assert_eq!(told("(import ./a.nix).b or 1"), ["./a.nix [] "]);
        assert_eq!(told("{ inherit (import ./a.nix) b c; }"), ["./a.nix [] b,c"]);
        assert_eq!(told("pkgs.callPackage ./a.nix { b = 1; }"), ["./a.nix [b] "]);
        assert_eq!(told("{ imports = [ ./a.nix x ../b ]; }"), ["./a.nix [] ", "../b [] "]);
        assert_eq!(told("(builtins.import ./a.nix).b"), ["./a.nix [] b"]);
    }

    #[test]
    fn a_name_is_followed_to_its_uses() {
        assert_eq!(
            told("let a = import ./a.nix; f = a { x = 1; }; in [ f.y a.z ({ inherit (f) w; }) ]"),
            [
                "./a.nix [x] y followed",
                "./a.nix [x] w followed",
                "./a.nix [x]  followed",
                "./a.nix [] z followed",
                "./a.nix [] "
            ]
        );
        // Another name of that kind is another thing.
        assert_eq!(told("let a = import ./a.nix; in (a: a.z)"), ["./a.nix [] "]);
    }

    #[test]
    fn what_is_no_import_by_a_literal_path_is_none() {
        for text in
            ["let import = x: x; in (import ./a.nix).b", "(import <nixpkgs>).b", "(import ./${a}.nix).b", "import a"]
        {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }
}
