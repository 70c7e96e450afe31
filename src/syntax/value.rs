//! What an expression is worth, as far as that is certain without evaluating Nix.
//!
//! Literals, `let`, `rec`, `with`, `inherit`, `//`, functions written in the file and a few library functions whose result
//! has names that are known. Everything else is [`Value::Unknown`], with the reason: nothing is guessed. Steps and depth
//! are bounded, so any text gives an answer. Must not know what a flake is.

mod bindings;
mod call;
mod scope;
mod set;

use std::cell::Cell;

use rnix::{TextRange, ast};
use rowan::ast::AstNode;

pub(crate) use bindings::{Bindings, Content, Slot};
pub(crate) use call::{ANY_SYSTEM, ident};
pub(crate) use scope::{Lazy, Scope};
pub(crate) use set::{Member, Set};

use super::secret;
use super::tree::{self, Part};

/// How deep one value may hang on others.
const MAX_DEPTH: u32 = 96;
/// How many expressions are looked at for one text.
const MAX_STEPS: u32 = 100_000;
/// Bytes of a set or `let` whose bindings are gathered for the price of one step.
const BYTES_PER_STEP: usize = 64;
/// Longer texts, lists and chains of `//` than these are not put together: doubling is cheap to write.
const MAX_TEXT: usize = 64 * 1024;
const MAX_ITEMS: usize = 4096;
/// What comes from outside is called by its names as long as these are no longer than this.
const MAX_NAMES: usize = 400;

/// What is known of a value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    /// A path literal, as written.
    Path(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Null,
    List(Vec<Lazy>),
    Set(Set),
    Function(ast::Lambda, Scope),
    /// Something from outside the text: the names that lead there from the arguments of the flake, or from `builtins`.
    Outside(Vec<String>),
    /// A call of something from outside, with the arguments it got so far.
    Call(Vec<String>, Vec<Lazy>, TextRange),
    Unknown(Unknown),
}

/// Why a value is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// Goes on from "… comes from" or stands alone, as in "a function call `foo bar`".
    pub(crate) reason: String,
    pub(crate) at: TextRange,
}

impl Unknown {
    pub(crate) fn new(reason: impl Into<String>, at: TextRange) -> Self {
        Self { reason: reason.into(), at }
    }
}

/// One look at one text, and what it may still cost.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    steps: Cell<u32>,
    depth: Cell<u32>,
}

impl Reader {
    /// The value of an expression where these names are visible.
    pub(crate) fn value(&self, expression: &ast::Expr, scope: &Scope) -> Value {
        let at = expression.syntax().text_range();
        if self.depth.get() >= MAX_DEPTH || self.steps.get() >= MAX_STEPS {
            return Value::Unknown(Unknown::new("a value too involved to follow", at));
        }
        self.steps.set(self.steps.get() + 1);
        self.depth.set(self.depth.get() + 1);
        let value = self.step(expression, scope, at);
        self.depth.set(self.depth.get() - 1);
        value
    }

    pub(crate) fn lazy(&self, lazy: &Lazy) -> Value {
        match lazy {
            Lazy::Written(expression, scope) => self.value(expression, scope),
            Lazy::Known(value) => (**value).clone(),
        }
    }

    fn step(&self, expression: &ast::Expr, scope: &Scope, at: TextRange) -> Value {
        if matches!(expression, ast::Expr::AttrSet(_) | ast::Expr::LetIn(_) | ast::Expr::List(_) | ast::Expr::Str(_)) {
            self.spend(usize::from(at.len()) / BYTES_PER_STEP);
        }
        let value = match expression {
            ast::Expr::Paren(paren) => paren.expr().map(|inner| self.value(&inner, scope)),
            ast::Expr::Str(literal) => Some(self.text(literal, scope)),
            ast::Expr::Literal(literal) => Some(number(literal, at)),
            ast::Expr::PathAbs(_) | ast::Expr::PathRel(_) | ast::Expr::PathHome(_) => Some(path(expression)),
            ast::Expr::Ident(ident) => ident.ident_token().map(|token| scope.find(token.text(), at, self)),
            ast::Expr::List(list) => Some(Value::List(list.items().map(|item| Lazy::written(&item, scope)).collect())),
            ast::Expr::AttrSet(set) => Some(Value::Set(Set::literal(set, scope))),
            ast::Expr::LetIn(block) => block.body().map(|body| self.value(&body, &scope.with_let(block))),
            ast::Expr::With(with) => with.body().and_then(|body| {
                let namespace = Lazy::written(&with.namespace()?, scope);
                Some(self.value(&body, &scope.with_namespace(namespace)))
            }),
            ast::Expr::Assert(assert) => assert.body().map(|body| self.value(&body, scope)),
            ast::Expr::Lambda(lambda) => Some(Value::Function(lambda.clone(), scope.clone())),
            ast::Expr::Select(select) => self.select(select, scope),
            ast::Expr::Apply(apply) => self.apply_expression(apply, scope),
            ast::Expr::BinOp(operation) => self.operation(operation, scope),
            _ => None,
        };
        value.unwrap_or_else(|| Value::Unknown(described(expression)))
    }

    fn spend(&self, steps: usize) {
        self.steps.set(self.steps.get().saturating_add(u32::try_from(steps).unwrap_or(u32::MAX)));
    }

    fn text(&self, literal: &ast::Str, scope: &Scope) -> Value {
        let broken = || Value::Unknown(Unknown::new("a broken string", literal.syntax().text_range()));
        let Some(parts) = tree::parts(literal) else { return broken() };
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(piece) => text.push_str(&piece),
                Part::Expression(None) => return broken(),
                Part::Expression(Some(inner)) => match self.value(&inner, scope) {
                    Value::Text(piece) if text.len() + piece.len() <= MAX_TEXT => {
                        self.spend(piece.len() / BYTES_PER_STEP);
                        text.push_str(&piece);
                    }
                    Value::Unknown(unknown) => return Value::Unknown(unknown),
                    _ => return Value::Unknown(described(&inner)),
                },
            }
        }
        Value::Text(text)
    }

    fn select(&self, select: &ast::Select, scope: &Scope) -> Option<Value> {
        let mut value = self.value(&select.expr()?, scope);
        for attr in select.attrpath()?.attrs() {
            let at = attr.syntax().text_range();
            let Some(name) = self.attr_name(&attr, scope) else {
                return Some(Value::Unknown(Unknown::new(format!("the computed name `{}`", shorten(&attr)), at)));
            };
            value = match value {
                Value::Set(set) => match set.get(&name, self) {
                    Member::Present(member) => member,
                    Member::Absent => return select.default_expr().map(|default| self.value(&default, scope)),
                    Member::Uncertain(unknown) => Value::Unknown(unknown),
                },
                Value::Outside(mut path) => {
                    path.push(name);
                    Value::Outside(path)
                }
                Value::Unknown(unknown) => return Some(Value::Unknown(unknown)),
                _ => return None,
            };
        }
        Some(value)
    }

    /// The name of an attribute, also when it is an interpolation that is known.
    pub(crate) fn attr_name(&self, attr: &ast::Attr, scope: &Scope) -> Option<String> {
        let value = match attr {
            ast::Attr::Ident(_) => return tree::attr_name(attr),
            ast::Attr::Str(literal) => self.text(literal, scope),
            ast::Attr::Dynamic(dynamic) => self.value(&dynamic.expr()?, scope),
        };
        if let Value::Text(name) = value { Some(name) } else { None }
    }

    fn operation(&self, operation: &ast::BinOp, scope: &Scope) -> Option<Value> {
        let operator = operation.operator()?;
        if !matches!(operator, ast::BinOpKind::Update | ast::BinOpKind::Concat | ast::BinOpKind::Add) {
            return None;
        }
        let (left, right) = (operation.lhs()?, operation.rhs()?);
        match (operator, self.value(&left, scope), self.value(&right, scope)) {
            // `nixpkgs.lib // home-manager.lib`: what is taken from it comes from one of the two.
            (ast::BinOpKind::Update, Value::Outside(a), Value::Outside(b)) if names(&a) + names(&b) <= MAX_NAMES => {
                Some(Value::Outside(vec![format!("{} // {}", a.join("."), b.join("."))]))
            }
            (ast::BinOpKind::Update, a, b) => {
                let set = set_or_open(a, &left).updated_by(set_or_open(b, &right));
                self.spend(set.layers());
                (set.layers() <= MAX_ITEMS).then_some(Value::Set(set))
            }
            (ast::BinOpKind::Concat, Value::List(mut a), Value::List(b)) if a.len() + b.len() <= MAX_ITEMS => {
                a.extend(b);
                self.spend(a.len());
                Some(Value::List(a))
            }
            (ast::BinOpKind::Add, Value::Text(a), Value::Text(b)) if a.len() + b.len() <= MAX_TEXT => {
                self.spend((a.len() + b.len()) / BYTES_PER_STEP);
                Some(Value::Text(a + &b))
            }
            _ => None,
        }
    }
}

/// How long a path of names is when it is written.
fn names(path: &[String]) -> usize {
    path.iter().map(|name| name.len() + 1).sum()
}

/// A set, or one of which no name is known.
fn set_or_open(value: Value, written: &ast::Expr) -> Set {
    match value {
        Value::Set(set) => set,
        Value::Unknown(unknown) => Set::open(unknown),
        _ => Set::open(described(written)),
    }
}

/// The reason that says how the expression is written.
pub(crate) fn described(expression: &ast::Expr) -> Unknown {
    let kind = match expression {
        ast::Expr::Apply(_) => "a function call",
        ast::Expr::IfElse(_) => "a condition",
        ast::Expr::Ident(_) | ast::Expr::Select(_) => "the name",
        ast::Expr::Lambda(_) => "a function",
        _ => "an expression",
    };
    Unknown::new(format!("{kind} `{}`", shorten(expression)), expression.syntax().text_range())
}

fn shorten(node: &impl AstNode<Language = rnix::NixLanguage>) -> String {
    const LENGTH: usize = 40;
    let words = node.syntax().descendants_with_tokens().filter_map(rnix::NodeOrToken::into_token);
    let mut text = String::new();
    for word in words {
        let word = if word.kind().is_trivia() { " " } else { word.text() };
        for c in word.chars().map(|c| if c.is_whitespace() { ' ' } else { c }) {
            if c != ' ' || !text.ends_with(' ') {
                text.push(c);
            }
        }
        if text.len() > secret::WINDOW {
            break;
        }
    }
    secret::cut(&text, LENGTH)
}

fn number(literal: &ast::Literal, at: TextRange) -> Value {
    let unknown = || Value::Unknown(Unknown::new("a number out of range", at));
    match literal.kind() {
        ast::LiteralKind::Integer(token) => token.value().map_or_else(|_| unknown(), Value::Integer),
        ast::LiteralKind::Float(token) => token.value().map_or_else(|_| unknown(), Value::Float),
        ast::LiteralKind::Uri(token) => Value::Text(rnix::ast::AstToken::syntax(&token).text().to_owned()),
    }
}

fn path(expression: &ast::Expr) -> Value {
    if expression.syntax().children().next().is_some() {
        return Value::Unknown(described(expression));
    }
    Value::Path(expression.syntax().text().to_string())
}
