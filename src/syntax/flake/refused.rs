//! What Nix refuses in a `flake.nix` that is one literal set: kinds of values, attributes it does not know, arguments.
//!
//! Nix looks at these without evaluating: what is computed is of the wrong kind to it, whatever would come out. Of a name
//! it takes what stands behind it, which may be computed already, so of names only the certain is said.

use rnix::{TextRange, ast};
use rowan::ast::AstNode;

use super::{Input, Reading};
use crate::syntax::tree::attr_name;
use crate::syntax::value::{Content, Lazy, Member, Set, Value, ident};

/// What may stand in a flake.
const ATTRIBUTES: &[&str] = &["description", "inputs", "outputs", "nixConfig"];

/// What some kind of input takes beside its `type`, in any release of Nix.
const OF_TYPED_INPUTS: &[&str] = &[
    "__final",
    "allRefs",
    "dir",
    "dirtyRev",
    "dirtyShortRev",
    "exportIgnore",
    "host",
    "id",
    "keytype",
    "lastModified",
    "lfs",
    "name",
    "narHash",
    "owner",
    "parent",
    "path",
    "publicKey",
    "publicKeys",
    "ref",
    "repo",
    "rev",
    "revCount",
    "shallow",
    "submodules",
    "treeHash",
    "type",
    "unpack",
    "url",
    "verifyCommit",
];

/// What other programs that read flakes take of any input: Determinate Nix.
const OF_OTHERS: &[&str] = &["buildTime"];

impl Reading<'_> {
    /// Says what of the set of a flake Nix refuses; its inputs are looked at where they are read.
    pub(super) fn refuse(&mut self, top: &Set, inputs: &[Input]) {
        for (name, at) in top.names() {
            if !ATTRIBUTES.contains(&name.as_str()) {
                let message = format!("nix refuses a flake with `{name}`: {} are all that it has", quoted(ATTRIBUTES));
                self.say("flake-attribute", at, message);
            }
        }
        self.kind(top, "description", Kind::Text, "a text");
        self.kind(top, "nixConfig", Kind::Set, "a set");
        self.outputs(top, inputs);
        if let Member::Present(Value::Set(set)) = top.get("nixConfig", &self.reader) {
            for (name, at) in set.names() {
                self.setting_kind(&set, &name, at);
            }
        }
    }

    /// Says of a path with a computed name in it what it makes: Nix takes one that is computed from its beginning.
    pub(super) fn computed(&mut self, path: TextRange) {
        let node = self.tree.root().syntax().covering_element(path);
        let written = node.ancestors().find_map(ast::Attrpath::cast).and_then(|path| attr_name(&path.attrs().next()?));
        let (code, message) = match written.as_deref() {
            None => ("computed-attribute", "the name of this attribute is computed".to_owned()),
            Some("inputs") => ("dynamic-input", "nix refuses inputs that are not written as a literal set".to_owned()),
            Some(name) => {
                ("flake-shape", format!("a name in `{name}` is computed; nix takes only what is written out there"))
            }
        };
        self.say(code, path, message);
    }

    fn outputs(&mut self, top: &Set, inputs: &[Input]) {
        match top.get("outputs", &self.reader) {
            Member::Absent => {
                let message = "there is no `outputs`, without which nix refuses a flake".to_owned();
                self.problems.push(super::problem("flake-shape", None, &message));
            }
            Member::Present(value) => {
                let is_function = self.kind(top, "outputs", Kind::Function, "a function");
                if let (true, Value::Function(lambda, _)) = (is_function, value) {
                    self.arguments(&lambda, inputs);
                }
            }
            Member::Uncertain(_) => {}
        }
    }

    /// Whether an attribute is of the kind that Nix takes, or may be.
    fn kind(&mut self, top: &Set, name: &str, wanted: Kind, called: &str) -> bool {
        let Some(slot) = top.slot(name) else { return true };
        let (kind, at) = (self.kind_of(top, name), slot.at);
        let is_right = kind.is_none_or(|kind| kind == wanted);
        if let Some(kind) = kind.filter(|_| !is_right) {
            let message = format!("`{name}` is {}; nix takes only {called} that is written out there", kind.called());
            self.say("flake-shape", at, message);
        }
        is_right
    }

    fn setting_kind(&mut self, set: &Set, name: &str, at: TextRange) {
        let why = match self.kind_of(set, name) {
            Some(Kind::List) => match self.wrong_item(set, name) {
                Some(kind) => format!("has an item that is {}", kind.called()),
                None => return,
            },
            Some(kind @ (Kind::Null | Kind::Float | Kind::Set | Kind::Function | Kind::Computed)) => {
                format!("is {}", kind.called())
            }
            Some(Kind::Text | Kind::Path | Kind::Integer | Kind::Bool) | None => return,
        };
        let message = format!(
            "the setting `{name}` {why}; nix takes a text, a path, a whole number, true, false or a list of texts, written out"
        );
        self.say("flake-shape", at, message);
    }

    fn wrong_item(&self, set: &Set, name: &str) -> Option<Kind> {
        let Member::Present(Value::List(items)) = set.get(name, &self.reader) else { return None };
        items.iter().find_map(|item| {
            let kind = match item {
                Lazy::Written(expression, _) => match written(expression) {
                    None => kind(&self.reader.lazy(item)),
                    known => known,
                },
                Lazy::Known(value) => kind(value),
            };
            kind.filter(|kind| *kind != Kind::Text)
        })
    }

    /// The kind that Nix sees under a name; none when that is not certain.
    fn kind_of(&self, set: &Set, name: &str) -> Option<Kind> {
        match &set.slot(name)?.content {
            Content::Nested(bindings, _) if bindings.computed.is_empty() => Some(Kind::Set),
            Content::Nested(..) | Content::InheritFrom(_) => Some(Kind::Computed),
            Content::Value(expression) => written(expression).or_else(|| self.kind_behind(set, name)),
            Content::Inherit => self.kind_behind(set, name),
            Content::Missing => None,
        }
    }

    fn kind_behind(&self, set: &Set, name: &str) -> Option<Kind> {
        if let Member::Present(value) = set.get(name, &self.reader) { kind(&value) } else { None }
    }

    /// `outputs` is called with every input and `self`: without `...` it has to name them all.
    fn arguments(&mut self, lambda: &ast::Lambda, inputs: &[Input]) {
        let Some(ast::Param::Pattern(pattern)) = lambda.param() else { return };
        if pattern.ellipsis_token().is_some() {
            return;
        }
        let taken: Vec<String> = pattern.pat_entries().filter_map(|entry| ident(entry.ident())).collect();
        let given = std::iter::once("self").chain(inputs.iter().map(|input| input.name.as_str()));
        for name in given.filter(|name| !taken.iter().any(|taken| taken == name)) {
            let message = format!("`outputs` does not take `{name}`, which nix calls it with; name it, or add `...`");
            self.say("outputs-arguments", pattern.syntax().text_range(), message);
        }
    }

    /// The attributes of an input that say where it comes from; `typed` when `type` is among them.
    pub(super) fn refuse_attribute(&mut self, path: &str, name: &str, typed: bool, at: TextRange) {
        // A release after 2.26 takes some of the flake itself.
        if !self.is_whole() || path == "self" || OF_OTHERS.contains(&name) || (typed && OF_TYPED_INPUTS.contains(&name))
        {
            return;
        }
        let message = if typed {
            format!("nix refuses the attribute `{name}` of the input `{path}`: no type of input has it")
        } else {
            format!(
                "nix refuses the attribute `{name}` of the input `{path}`: without `type` an input has only `url`, `flake`, \
                 `follows` and `inputs`"
            )
        };
        self.say("flake-attribute", at, message);
    }
}

/// What Nix tells apart without evaluating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Path,
    Integer,
    Float,
    Bool,
    Null,
    List,
    Set,
    Function,
    /// Anything that would have to be evaluated.
    Computed,
}

impl Kind {
    const fn called(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Path => "a path",
            Self::Integer | Self::Float => "a number",
            Self::Bool => "true or false",
            Self::Null => "null",
            Self::List => "a list",
            Self::Set => "a set",
            Self::Function => "a function",
            Self::Computed => "computed",
        }
    }
}

/// The kind of an expression by how it is written; none for a name.
fn written(expression: &ast::Expr) -> Option<Kind> {
    match expression {
        ast::Expr::Paren(paren) => written(&paren.expr()?),
        ast::Expr::Str(literal) if literal.syntax().children().next().is_none() => Some(Kind::Text),
        ast::Expr::Literal(literal) => Some(match literal.kind() {
            ast::LiteralKind::Integer(_) => Kind::Integer,
            ast::LiteralKind::Float(_) => Kind::Float,
            ast::LiteralKind::Uri(_) => Kind::Text,
        }),
        ast::Expr::PathAbs(_) | ast::Expr::PathRel(_) | ast::Expr::PathHome(_) => {
            Some(if expression.syntax().children().next().is_none() { Kind::Path } else { Kind::Computed })
        }
        ast::Expr::List(_) => Some(Kind::List),
        ast::Expr::AttrSet(_) => Some(Kind::Set),
        ast::Expr::Lambda(_) => Some(Kind::Function),
        ast::Expr::Ident(_) | ast::Expr::Error(_) => None,
        _ => Some(Kind::Computed),
    }
}

/// The kind of what a name stands for; none when that is not known.
const fn kind(value: &Value) -> Option<Kind> {
    match value {
        Value::Text(_) => Some(Kind::Text),
        Value::Path(_) => Some(Kind::Path),
        Value::Integer(_) => Some(Kind::Integer),
        Value::Float(_) => Some(Kind::Float),
        Value::Bool(_) => Some(Kind::Bool),
        Value::Null => Some(Kind::Null),
        Value::List(_) => Some(Kind::List),
        Value::Set(_) => Some(Kind::Set),
        Value::Function(..) => Some(Kind::Function),
        Value::Outside(_) | Value::Call(..) | Value::Unknown(_) => None,
    }
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
