//! What a file is: decided by how it begins and by what it returns, never by words somewhere in it.

use rnix::ast::{BinOpKind, Expr};

use super::options::Top;
use super::walk::{File, Function, attributes, call, inside};
use super::{Declared, Defined};
use crate::syntax::tree::{self, Tree};

/// What a file is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `flake.nix`.
    Flake,
    /// A module for NixOS.
    NixosModule,
    /// A module for Home Manager.
    HomeModule,
    /// A module for nix-darwin.
    DarwinModule,
    /// A module for flake-parts.
    FlakePartsModule,
    /// A module; for what, does not show.
    Module,
    /// `final: prev: { … }`
    Overlay,
    /// A function that returns a derivation, or a derivation.
    Package,
    /// A test of NixOS.
    Test,
    /// A set of functions.
    Library,
    /// Nothing but written values.
    Data,
    /// Something else.
    #[default]
    Unknown,
}

impl Kind {
    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flake => "flake",
            Self::NixosModule => "nixos module",
            Self::HomeModule => "home module",
            Self::DarwinModule => "darwin module",
            Self::FlakePartsModule => "flake-parts module",
            Self::Module => "module",
            Self::Overlay => "overlay",
            Self::Package => "package",
            Self::Test => "test",
            Self::Library => "library",
            Self::Data => "data",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the module system reads it.
    pub const fn is_module(self) -> bool {
        matches!(
            self,
            Self::NixosModule | Self::HomeModule | Self::DarwinModule | Self::FlakePartsModule | Self::Module
        )
    }
}

const FLAKE: &[&str] = &["description", "inputs", "nixConfig", "outputs"];
const FINAL: &[&str] = &["final", "self", "_final", "_self", "_", "finalPkgs"];
const PREVIOUS: &[&str] = &["prev", "super", "_prev", "_super", "_", "prevPkgs", "old"];
/// What is named so makes a derivation.
const BUILDERS: &[&str] = &[
    "derivation",
    "buildEnv",
    "mkDerivation",
    "mkShell",
    "mkShellNoCC",
    "runCommand",
    "runCommandCC",
    "runCommandLocal",
    "symlinkJoin",
    "writeShellApplication",
    "writeShellScript",
    "writeShellScriptBin",
    "writeText",
    "writeTextFile",
];
/// Functions that begin so and end as below make one, too: `buildGoModule`, `buildPythonPackage`.
const BUILD: &str = "build";
const BUILT: &[&str] = &["Application", "Extension", "Image", "Module", "Package", "Plugin"];

/// What the file is, and what decided.
pub(super) fn decide(file: &File, top: &Top, tree: &Tree) -> (Kind, String) {
    let said = |kind, why: &str| (kind, why.to_owned());
    if is_flake(file, top) {
        return said(Kind::Flake, "a set with the function `outputs`");
    }
    if is_overlay(file) {
        return said(Kind::Overlay, "a function of the final and the previous packages that returns a set");
    }
    if let Some(builder) = builder(&file.body) {
        return (Kind::Package, format!("it returns what `{builder}` makes"));
    }
    if top.has("testScript") && (top.has("nodes") || top.has("machine") || top.has("name")) {
        return said(Kind::Test, "a set with `testScript`");
    }
    if let Some((kind, why)) = module(file, top) {
        return (kind, why);
    }
    if top.functions > 0 {
        return said(Kind::Library, "a set of functions");
    }
    if file.functions.is_empty() && is_data(&file.body, tree) {
        return said(Kind::Data, "written values alone");
    }
    said(Kind::Unknown, "it has the shape of nothing that is known")
}

fn is_flake(file: &File, top: &Top) -> bool {
    let outputs = top.values("outputs").next().map(|value| inside(value.clone()));
    file.functions.is_empty()
        && matches!(file.body, Expr::AttrSet(_))
        && matches!(outputs, Some(Expr::Lambda(_)))
        && top.names().all(|name| FLAKE.contains(&name))
}

fn is_overlay(file: &File) -> bool {
    let [.., Function::Plain(first), Function::Plain(second)] = &file.functions[..] else { return false };
    let named =
        FINAL.contains(&first.as_str()) && PREVIOUS.contains(&second.as_str()) && (first != "_" || second != "_");
    named && returns_set(&file.body)
}

fn returns_set(body: &Expr) -> bool {
    match body {
        Expr::AttrSet(_) => true,
        Expr::BinOp(operation) => operation.operator() == Some(BinOpKind::Update),
        Expr::Apply(apply) => {
            call(apply).is_some_and(|(name, _)| matches!(name.as_str(), "optionalAttrs" | "mapAttrs"))
        }
        _ => false,
    }
}

/// The function whose result a file returns, when it makes derivations.
fn builder(body: &Expr) -> Option<String> {
    let Expr::Apply(apply) = body else { return None };
    let (name, _) = call(apply)?;
    let built = name.strip_prefix(BUILD).is_some_and(|rest| BUILT.iter().any(|end| rest.ends_with(end)));
    (built || BUILDERS.contains(&name.as_str())).then_some(name)
}

fn module(file: &File, top: &Top) -> Option<(Kind, String)> {
    if let Some(class) = top.text("_class") {
        let kind = match class.as_str() {
            "nixos" => Kind::NixosModule,
            "homeManager" => Kind::HomeModule,
            "darwin" => Kind::DarwinModule,
            "flake" => Kind::FlakePartsModule,
            _ => Kind::Module,
        };
        return Some((kind, format!("its `_class` is `{class}`")));
    }
    if !top.is_set || file.functions.iter().filter(|function| matches!(function, Function::Plain(_))).count() > 1 {
        return None;
    }
    let header = file.functions.iter().rev().find_map(|function| match function {
        Function::Pattern(names, true) => Some(names),
        _ => None,
    });
    let takes = |name: &str| header.is_some_and(|names| names.iter().any(|other| other == name));
    for (name, kind) in [("perSystem", Kind::FlakePartsModule), ("options", Kind::Module), ("imports", Kind::Module)] {
        if top.has(name) && (header.is_some() || file.functions.is_empty()) {
            return Some((kind, format!("a set with `{name}`")));
        }
    }
    let found = match () {
        () if takes("osConfig") => (Kind::HomeModule, "osConfig"),
        () if takes("modulesPath") => (Kind::Module, "modulesPath"),
        () if takes("config") => (Kind::Module, "config"),
        () if takes("options") => (Kind::Module, "options"),
        () if top.functions == 0 && takes("pkgs") => (Kind::Module, "pkgs"),
        () if top.functions == 0 && top.is_configuration() && could_be_module(file) => {
            return Some((Kind::Module, "a set that defines known options".to_owned()));
        }
        () => return None,
    };
    let (kind, argument) = found;
    Some((kind, format!("a function of `{{ {argument}, ... }}` that returns a set")))
}

/// A set, or a function that takes whatever it is given.
fn could_be_module(file: &File) -> bool {
    match &file.functions[..] {
        [] | [Function::Plain(_)] => true,
        [Function::Pattern(_, open)] => *open,
        _ => false,
    }
}

/// Where only one of the module systems has options.
const NIXOS: &[&str] = &["boot", "console", "fileSystems", "hardware", "swapDevices", "virtualisation", "containers"];
const HOME: &[&str] = &["accounts", "dconf", "gtk", "home", "targets", "wayland", "xsession", "xresources"];
const DARWIN: &[&str] = &["homebrew"];

/// For which system a module is, when the options it names say so.
pub(super) fn of_module(kind: Kind, declared: &[Declared], defined: &[Defined], why: &mut String) -> Kind {
    if kind != Kind::Module {
        return kind;
    }
    let paths = declared.iter().map(|option| &option.path).chain(defined.iter().map(|option| &option.path));
    for path in paths {
        let Some(first) = path.first().map(String::as_str) else { continue };
        let second = path.get(1).map(String::as_str);
        let kind = match (first, second) {
            ("xdg", Some("configFile" | "dataFile" | "userDirs" | "desktopEntries")) => Kind::HomeModule,
            ("networking", Some("firewall" | "interfaces" | "networkmanager"))
            | ("systemd", Some("services" | "sockets" | "timers" | "tmpfiles")) => Kind::NixosModule,
            ("system", Some("defaults")) | ("launchd", Some("daemons" | "user")) => Kind::DarwinModule,
            (first, _) if NIXOS.contains(&first) => Kind::NixosModule,
            (first, _) if HOME.contains(&first) => Kind::HomeModule,
            (first, _) if DARWIN.contains(&first) => Kind::DarwinModule,
            _ => Kind::Module,
        };
        if kind != Kind::Module {
            why.push_str(", with options of `");
            why.push_str(first);
            why.push('`');
            return kind;
        }
    }
    kind
}

/// Whether only literals, lists and sets stand there.
fn is_data(body: &Expr, tree: &Tree) -> bool {
    let mut open = vec![body.clone()];
    while let Some(expression) = open.pop() {
        match expression {
            Expr::Literal(_) | Expr::PathAbs(_) | Expr::PathRel(_) | Expr::PathHome(_) => {}
            Expr::Str(text) if tree::string(&text).is_some() => {}
            Expr::Ident(name) if matches!(name.to_string().as_str(), "true" | "false" | "null") => {}
            Expr::Paren(paren) => open.extend(paren.expr()),
            Expr::List(list) => open.extend(list.items()),
            Expr::AttrSet(set) => {
                for attribute in attributes(&set) {
                    match attribute.value {
                        Some(value) => open.push(value),
                        None => return false,
                    }
                }
            }
            _ => return false,
        }
    }
    tree.problems.is_empty()
}
