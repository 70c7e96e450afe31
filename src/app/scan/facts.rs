//! What the ledger keeps of a Nix file by its shape: a module, an overlay, or nothing. Secrets are taken out here.

use crate::domain::module::{Module, ModuleKind};
use crate::domain::nix_file::Room;
use crate::domain::overlay::Overlay;
use crate::syntax::secret;
use crate::syntax::shape::{self, ANY_NAME, How, Kind, Shape};
use crate::syntax::tree::Tree;

/// Raised when the same text is told otherwise: every file is looked at again.
pub(super) const RELEASE: u32 = 3;

/// What is kept of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) module: Option<Module>,
    pub(super) overlay: Option<Overlay>,
}

/// Reads them off a text that was parsed.
pub(super) fn read(tree: &Tree) -> Facts {
    let shape = shape::read(tree);
    match shape.kind {
        Kind::Overlay => Facts { overlay: Some(overlay(&shape)), ..Facts::default() },
        kind if kind.is_module() => Facts { module: Some(module(&shape)), ..Facts::default() },
        _ => Facts::default(),
    }
}

fn module(shape: &Shape) -> Module {
    let mut room = Room::default();
    let declared = room.take(shape.declared.iter().map(|option| clean(&written(&option.path))));
    let defined = room.take(shape.defined.iter().map(|option| clean(&written(&option.path))));
    let imported = shape.references.iter().filter(|reference| reference.how == How::Imports);
    let imports = room.take(imported.map(|reference| clean(&reference.path)));
    let kind = match shape.kind {
        Kind::NixosModule => ModuleKind::Nixos,
        Kind::HomeModule => ModuleKind::Home,
        Kind::DarwinModule => ModuleKind::Darwin,
        Kind::FlakePartsModule => ModuleKind::FlakeParts,
        _ => ModuleKind::Unknown,
    };
    Module { kind, declared, defined, imports, left_out: room.left_out() }
}

fn overlay(shape: &Shape) -> Overlay {
    let mut room = Room::default();
    let adds = room.take(shape.added.iter().map(|added| clean(&added.name)));
    Overlay { adds, left_out: room.left_out() }
}

/// An attribute path as one would write it; a computed name is a star.
pub(super) fn written(path: &[String]) -> String {
    let names = path.iter().map(|name| {
        let plain = name == ANY_NAME
            || (name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-'".contains(c)));
        if plain { name.clone() } else { format!("{name:?}") }
    });
    names.collect::<Vec<_>>().join(".")
}

/// Without secrets.
pub(super) fn clean(text: &str) -> String {
    secret::redact(text).text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::tree;

    #[test]
    fn a_module_is_told_by_its_options_and_imports() {
        let text = "{ config, lib, ... }: { imports = [ ./b.nix ./a.nix ./a.nix ]; options.a.b = lib.mkOption { };
            config = { boot.x = 1; services.y.\"z.example\".w = 2; services.\"${v}\" = 3; }; }";
        let module = read(&tree::parse(text)).module.unwrap();
        let told = |names: &crate::domain::nix_file::Names| names.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(module.kind, ModuleKind::Nixos);
        assert_eq!(told(&module.declared), "a.b");
        assert_eq!(told(&module.defined), "boot.x services.* services.y.\"z.example\".w");
        assert_eq!((told(&module.imports), module.left_out), ("./a.nix ./b.nix".to_owned(), 0));
    }

    #[test]
    fn what_is_neither_module_nor_overlay_is_nothing() {
        assert_eq!(read(&tree::parse("{ a = 1; }")), Facts::default());
        assert_eq!(read(&tree::parse("final: prev: { a = 1; }")).overlay.unwrap().adds.len(), 1);
    }

    #[test]
    fn no_secret_is_kept() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        let text = format!("{{ pkgs, ... }}: {{ services.x.\"{token}\".y = 1; }}");
        let facts = read(&tree::parse(&text));
        assert!(facts.module.is_some() && !format!("{facts:?}").contains(&token), "{facts:?}");
    }
}
