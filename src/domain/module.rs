//! A module: a Nix file that declares or defines options. One stream a file; what it says is told as far as it is
//! written out.

use super::nix_file::{Names, NamesChange, NixFile};

/// Which module system reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModuleKind {
    /// NixOS.
    Nixos,
    /// Home Manager.
    Home,
    /// nix-darwin.
    Darwin,
    /// flake-parts.
    FlakeParts,
    /// It does not show.
    #[default]
    Unknown,
}

impl ModuleKind {
    /// Every one of them.
    pub const ALL: [Self; 5] = [Self::Nixos, Self::Home, Self::Darwin, Self::FlakeParts, Self::Unknown];

    /// The name used in events, views and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nixos => "nixos",
            Self::Home => "home",
            Self::Darwin => "darwin",
            Self::FlakeParts => "flake-parts",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of a module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// Which module system reads it.
    pub kind: ModuleKind,
    /// The options that it declares, as in `services.web.enable`; `*` stands for a computed name.
    pub declared: Names,
    /// The options that it defines.
    pub defined: Names,
    /// The files that it imports by a literal path, as written.
    pub imports: Names,
    /// How many names there was no room for.
    pub left_out: u32,
}

/// How a module became another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleChange {
    /// Which module system it was for, and which one it is for now, when that is another.
    pub kind: Option<(ModuleKind, ModuleKind)>,
    /// Of the options that it declares.
    pub declared: NamesChange,
    /// Of the options that it defines.
    pub defined: NamesChange,
    /// Of the files that it imports.
    pub imports: NamesChange,
    /// How many names there is no room for now.
    pub left_out: u32,
    /// Whether the file is the same, and only a newer release reads it otherwise.
    pub same_file: bool,
}

/// An event of a module stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleEvent {
    /// A module was seen for the first time, or again after it was deleted.
    Discovered {
        /// The file.
        file: NixFile,
        /// What it says.
        module: Module,
    },
    /// It says something else than before.
    Updated {
        /// The file.
        file: NixFile,
        /// What changed.
        change: ModuleChange,
    },
    /// The file is gone, or no module any more.
    Deleted {
        /// The file.
        file: NixFile,
    },
}

impl ModuleChange {
    fn between(from: &Module, to: &Module, same_file: bool) -> Self {
        Self {
            kind: (from.kind != to.kind).then_some((from.kind, to.kind)),
            declared: NamesChange::between(&from.declared, &to.declared),
            defined: NamesChange::between(&from.defined, &to.defined),
            imports: NamesChange::between(&from.imports, &to.imports),
            left_out: to.left_out,
            same_file,
        }
    }

    /// Does the same to a module.
    pub fn apply(&self, module: &mut Module) {
        module.kind = self.kind.map_or(module.kind, |(_, to)| to);
        self.declared.apply(&mut module.declared);
        self.defined.apply(&mut module.defined);
        self.imports.apply(&mut module.imports);
        module.left_out = self.left_out;
    }
}

/// What a module says after a stream of events; none when it is not there.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a ModuleEvent>) -> Option<Module> {
    let mut state = None;
    for event in events {
        match event {
            ModuleEvent::Discovered { module, .. } => state = Some(module.clone()),
            ModuleEvent::Updated { change, .. } => change.apply(state.get_or_insert_default()),
            ModuleEvent::Deleted { .. } => state = None,
        }
    }
    state
}

/// What happened to a file since it was known like this; `seen` is what it says now, none when it is no module.
pub fn observe(known: Option<&Module>, file: &NixFile, seen: Option<&Module>, same_file: bool) -> Option<ModuleEvent> {
    let file = file.clone();
    match (known, seen) {
        (None, None) => None,
        (None, Some(module)) => Some(ModuleEvent::Discovered { file, module: module.clone() }),
        (Some(_), None) => Some(ModuleEvent::Deleted { file }),
        (Some(known), Some(seen)) => (known != seen)
            .then(|| ModuleEvent::Updated { file, change: ModuleChange::between(known, seen, same_file) }),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::path::RecordedPath;

    fn names(all: &[&str]) -> Names {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    fn module(kind: ModuleKind, declared: &[&str], defined: &[&str], imports: &[&str]) -> Module {
        Module { kind, declared: names(declared), defined: names(defined), imports: names(imports), left_out: 0 }
    }

    fn file() -> NixFile {
        NixFile { flake: None, path: RecordedPath::new(Path::new("/x/a.nix")) }
    }

    #[test]
    fn events_lead_from_what_was_known_to_what_is_seen() {
        let states = [
            None,
            Some(module(ModuleKind::Unknown, &["a.enable"], &["b", "c"], &[])),
            Some(module(ModuleKind::Nixos, &["a.enable"], &["c", "d"], &["./e.nix"])),
            Some(Module { left_out: 3, ..module(ModuleKind::Nixos, &["a.enable"], &["c", "d"], &["./e.nix"]) }),
            None,
            Some(Module::default()),
        ];
        let mut events = Vec::new();
        for pair in states.windows(2) {
            events.push(observe(pair[0].as_ref(), &file(), pair[1].as_ref(), false).unwrap());
            assert_eq!(fold(&events), pair[1]);
            assert_eq!(observe(pair[1].as_ref(), &file(), pair[1].as_ref(), true), None, "the same twice says nothing");
        }
        let ModuleEvent::Updated { change, .. } = &events[1] else { panic!("{events:?}") };
        assert_eq!(change.kind, Some((ModuleKind::Unknown, ModuleKind::Nixos)));
        assert!(change.declared.is_empty() && !change.same_file);
        assert_eq!((&change.defined.added, &change.defined.removed), (&names(&["d"]), &names(&["b"])));
        assert_eq!(change.imports.added, names(&["./e.nix"]));
        assert!(
            matches!(events[3], ModuleEvent::Deleted { .. }) && matches!(events[4], ModuleEvent::Discovered { .. })
        );
    }

    #[test]
    fn what_only_a_newer_release_sees_is_said_to_be_so() {
        let (old, new) = (module(ModuleKind::Home, &[], &["a"], &[]), module(ModuleKind::Home, &[], &["a", "b"], &[]));
        let Some(ModuleEvent::Updated { change, .. }) = observe(Some(&old), &file(), Some(&new), true) else {
            panic!()
        };
        assert!(change.same_file);
    }
}
