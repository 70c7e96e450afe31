//! The options that a module declares and defines, and the names that an overlay adds.

use std::rc::Rc;

use rnix::TextRange;
use rnix::ast::{BinOpKind, Expr};
use rowan::ast::AstNode;

use super::walk::{Attribute, attributes, call, inside};
use super::{Declared, Defined, MAX_LISTED, MAX_PATH, Name};
use crate::syntax::tree::{self, Tree};

/// What a module says of itself; all else at its top are definitions, when neither `config` nor `options` stands there.
const OWN: &[&str] =
    &["_class", "_file", "config", "disabledModules", "freeformType", "imports", "key", "meta", "options"];
/// First names of options that every system has, or that only one has.
const CONFIGURATION: &[&str] = &[
    "accounts",
    "boot",
    "environment",
    "fileSystems",
    "fonts",
    "gtk",
    "hardware",
    "home",
    "homebrew",
    "i18n",
    "launchd",
    "networking",
    "nixpkgs",
    "programs",
    "security",
    "services",
    "systemd",
    "users",
    "wayland",
    "xdg",
    "xsession",
];
/// Functions that make an option.
const MAKERS: &[&str] = &[
    "mkEnableOption",
    "mkOption",
    "mkPackageOption",
    "mkPackageOptionMD",
    "mkSinkUndeclaredOptions",
    "mkInternalOption",
];
/// Functions that change the rank of their last argument, with how many they take.
const RANKS: &[(&str, usize)] = &[
    ("mkAfter", 1),
    ("mkBefore", 1),
    ("mkDefault", 1),
    ("mkForce", 1),
    ("mkOptionDefault", 1),
    ("mkOrder", 2),
    ("mkOverride", 2),
    ("mkVMOverride", 1),
];

/// What stands at the top of the set that a file returns.
pub(super) struct Top {
    /// Whether it returns a set at all.
    pub(super) is_set: bool,
    /// How many attributes are functions.
    pub(super) functions: usize,
    attributes: Vec<Attribute>,
    body: Expr,
}

impl Top {
    pub(super) fn of(body: &Expr) -> Self {
        let mut top = Self { is_set: false, functions: 0, attributes: Vec::new(), body: body.clone() };
        let mut open = vec![body.clone()];
        while let Some(expression) = open.pop() {
            match inside(expression) {
                Expr::AttrSet(set) => {
                    top.is_set = true;
                    top.attributes.extend(attributes(&set));
                }
                Expr::BinOp(operation) if operation.operator() == Some(BinOpKind::Update) => {
                    open.extend(operation.rhs().into_iter().chain(operation.lhs()));
                }
                Expr::Apply(apply) => open.extend(guarded(call(&apply).as_ref()).map(|(inner, _)| inner)),
                _ => {}
            }
        }
        let is_function = |attribute: &&Attribute| matches!(attribute.value.clone().map(inside), Some(Expr::Lambda(_)));
        top.functions = top.attributes.iter().filter(is_function).count();
        top
    }

    /// The first names of all attributes.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().filter_map(|attribute| attribute.path.first()).map(String::as_str)
    }

    /// Whether an attribute has this first name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|other| other == name)
    }

    /// The values of an attribute with this one name.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Expr> {
        let named =
            self.attributes.iter().filter(move |attribute| matches!(&attribute.path[..], [only] if only == name));
        named.filter_map(|attribute| attribute.value.as_ref())
    }

    /// The text of an attribute that is a plain string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.values(name).next()? {
            Expr::Str(text) => tree::string(text),
            _ => None,
        }
    }

    /// Whether it looks like a configuration.
    pub(super) fn is_configuration(&self) -> bool {
        self.has("config") || self.names().any(|name| CONFIGURATION.contains(&name))
    }
}

/// What is left to look at.
#[derive(Clone)]
struct Task {
    value: Option<Expr>,
    path: Rc<Vec<String>>,
    at: TextRange,
    conditional: bool,
    rank: Option<&'static str>,
}

impl Task {
    fn root(value: Expr) -> Self {
        let at = value.syntax().text_range();
        Self { value: Some(value), path: Rc::default(), at, conditional: false, rank: None }
    }

    fn with(&self, value: Expr) -> Self {
        Self { value: Some(value), ..self.clone() }
    }

    /// An attribute of the set that stands here.
    fn below(&self, attribute: Attribute) -> Self {
        let mut path = Vec::clone(&self.path);
        path.extend(attribute.path);
        path.truncate(MAX_PATH);
        Self { value: attribute.value, path: Rc::new(path), at: attribute.at, ..self.clone() }
    }
}

/// The declarations below `options`.
pub(super) fn declared(top: &Top, tree: &Tree) -> Vec<Declared> {
    let mut all = Vec::new();
    leaves(below(top, "options"), &mut |task, maker| {
        if let Some(maker) = maker.filter(|_| !task.path.is_empty()) {
            all.push(Declared { path: Vec::clone(&task.path), maker, span: tree.span(task.at) });
        }
    });
    all.sort_by_key(|option| option.span);
    all
}

/// The definitions: below `config`, or all that is not the module's own.
pub(super) fn defined(top: &Top, tree: &Tree) -> Vec<Defined> {
    let tasks =
        if top.has("config") || top.has("options") { below(top, "config") } else { vec![Task::root(top.body.clone())] };
    let whole = !(top.has("config") || top.has("options"));
    let mut all = Vec::new();
    leaves(tasks, &mut |task, _| {
        let own = whole && task.path.first().is_some_and(|first| OWN.contains(&first.as_str()));
        if !task.path.is_empty() && !own {
            let (conditional, rank) = (task.conditional, task.rank);
            let (switch, span) = (switch(task.value.as_ref()), tree.span(task.at));
            all.push(Defined { path: Vec::clone(&task.path), conditional, rank, switch, span });
        }
    });
    all.sort_by_key(|option| option.span);
    all
}

/// `true` or `false`, when one of them stands there.
fn switch(value: Option<&Expr>) -> Option<bool> {
    let Expr::Ident(name) = inside(value?.clone()) else { return None };
    match name.to_string().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The names at the top of what an overlay returns.
pub(super) fn added(body: &Expr, tree: &Tree) -> Vec<Name> {
    let top = Top::of(body);
    let named = top.attributes.iter().filter_map(|attribute| Some((attribute.path.first()?.clone(), attribute.at)));
    let mut all: Vec<Name> = named.map(|(name, at)| Name { name, span: tree.span(at) }).take(MAX_LISTED).collect();
    all.sort_by_key(|name| name.span);
    all
}

/// What stands below a first name, each with the rest of its path.
fn below(top: &Top, name: &str) -> Vec<Task> {
    let mut tasks = Vec::new();
    for attribute in &top.attributes {
        let Some((first, rest)) = attribute.path.split_first() else { continue };
        if let Some(value) = attribute.value.clone().filter(|_| first == name) {
            tasks.push(Task { path: Rc::new(rest.to_vec()), at: attribute.at, ..Task::root(value) });
        }
    }
    tasks
}

/// Goes down every set that is written out; tells of what is none, with the function that made it when that makes options.
fn leaves(mut open: Vec<Task>, tell: &mut dyn FnMut(&Task, Option<String>)) {
    let mut told = 0;
    while let Some(task) = open.pop() {
        let value = task.value.clone().map(inside);
        let before = open.len();
        let mut maker = None;
        match &value {
            Some(Expr::AttrSet(set)) => open.extend(attributes(set).into_iter().map(|attribute| task.below(attribute))),
            Some(Expr::BinOp(operation)) if operation.operator() == Some(BinOpKind::Update) => {
                open.extend(operation.lhs().into_iter().chain(operation.rhs()).map(|side| task.with(side)));
            }
            Some(Expr::IfElse(choice)) if task.path.is_empty() => {
                let sides = choice.body().into_iter().chain(choice.else_body());
                open.extend(sides.map(|side| Task { conditional: true, ..task.with(side) }));
            }
            Some(Expr::Apply(apply)) => {
                let called = call(apply);
                open.extend(guarded(called.as_ref()).map(|(inner, conditional)| Task {
                    conditional: task.conditional || conditional,
                    ..task.with(inner)
                }));
                open.extend(ranked(called.as_ref()).map(|(inner, rank)| Task { rank: Some(rank), ..task.with(inner) }));
                maker = called.map(|(name, _)| name).filter(|name| MAKERS.contains(&name.as_str()));
            }
            _ => {}
        }
        if open.len() == before && told < MAX_LISTED {
            told += 1;
            tell(&task, maker);
        }
    }
}

/// What `mkIf`, `mkMerge` and their like let through, and whether under a condition.
fn guarded(called: Option<&(String, Vec<Expr>)>) -> impl Iterator<Item = (Expr, bool)> + use<> {
    let (inner, conditional) = match called.map(|(name, arguments)| (name.as_str(), arguments.as_slice())) {
        Some(("mkIf" | "optionalAttrs", [_, inner])) => (vec![inner.clone()], true),
        Some(("mkMerge", [list])) => match inside(list.clone()) {
            Expr::List(list) => (list.items().collect(), false),
            _ => (Vec::new(), false),
        },
        _ => (Vec::new(), false),
    };
    inner.into_iter().map(move |inner| (inner, conditional))
}

fn ranked(called: Option<&(String, Vec<Expr>)>) -> Option<(Expr, &'static str)> {
    let (name, arguments) = called?;
    let (rank, _) = RANKS.iter().find(|(rank, takes)| rank == name && *takes == arguments.len())?;
    Some((arguments.last()?.clone(), rank))
}
