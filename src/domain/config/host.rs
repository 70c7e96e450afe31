//! A configuration that a flake has: the modules it names by a literal path, and the users and services written in them.
//!
//! What is seen is what is written out. What may add to it without being seen is listed, each with why.

use super::ConfigEvent;
use crate::domain::id::FlakeId;
use crate::domain::nix_file::{Names, NamesChange};

/// What a configuration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostKind {
    /// `nixosConfigurations`
    Nixos,
    /// `darwinConfigurations`
    Darwin,
    /// `homeConfigurations`
    Home,
}

impl HostKind {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Nixos, Self::Darwin, Self::Home];

    /// The name used in events, views and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nixos => "nixos",
            Self::Darwin => "darwin",
            Self::Home => "home",
        }
    }

    /// The output of a flake that holds them.
    pub const fn output(self) -> &'static str {
        match self {
            Self::Nixos => "nixosConfigurations",
            Self::Darwin => "darwinConfigurations",
            Self::Home => "homeConfigurations",
        }
    }
}

/// Which configuration it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName {
    /// The flake.
    pub flake: FlakeId,
    /// What it is for.
    pub kind: HostKind,
    /// Its name among those.
    pub name: String,
}

/// What is known of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// The system, as in `x86_64-linux`, where the flake says it.
    pub system: Option<String>,
    /// The modules that it names by a literal path, and those that they import so: paths inside the flake.
    pub modules: Names,
    /// The users that these define.
    pub users: Names,
    /// The services that these enable.
    pub services: Names,
    /// What else may be part of it and was not looked into, each with why.
    pub unknown: Names,
    /// How many names there was no room for.
    pub left_out: u32,
}

/// How a configuration became another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostChange {
    /// The system it was for, and the one it is for now, when that is another.
    pub system: Option<(Option<String>, Option<String>)>,
    /// Of its modules.
    pub modules: NamesChange,
    /// Of its users.
    pub users: NamesChange,
    /// Of its services.
    pub services: NamesChange,
    /// Of what is not known.
    pub unknown: NamesChange,
    /// How many names there is no room for now.
    pub left_out: u32,
    /// Whether its files are the same, and only a newer release reads them otherwise.
    pub same_files: bool,
}

impl HostChange {
    fn between(from: &Host, to: &Host, same_files: bool) -> Self {
        Self {
            system: (from.system != to.system).then(|| (from.system.clone(), to.system.clone())),
            modules: NamesChange::between(&from.modules, &to.modules),
            users: NamesChange::between(&from.users, &to.users),
            services: NamesChange::between(&from.services, &to.services),
            unknown: NamesChange::between(&from.unknown, &to.unknown),
            left_out: to.left_out,
            same_files,
        }
    }

    /// Does the same to a configuration.
    pub fn apply(&self, host: &mut Host) {
        if let Some((_, to)) = &self.system {
            host.system.clone_from(to);
        }
        self.modules.apply(&mut host.modules);
        self.users.apply(&mut host.users);
        self.services.apply(&mut host.services);
        self.unknown.apply(&mut host.unknown);
        host.left_out = self.left_out;
    }
}

/// What is known of a configuration after a stream of events; none when it is not there.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a ConfigEvent>) -> Option<Host> {
    let mut state = None;
    for event in events {
        match event {
            ConfigEvent::Discovered { host, .. } => state = Some((**host).clone()),
            ConfigEvent::Updated { change, .. } => change.apply(state.get_or_insert_default()),
            ConfigEvent::Deleted { .. } => state = None,
            ConfigEvent::Activated { .. } | ConfigEvent::RolledBack { .. } => {}
        }
    }
    state
}

/// What happened to a configuration since it was known like this; `seen` is what it is now, none when it is not there.
pub fn observe(known: Option<&Host>, name: &HostName, seen: Option<&Host>, same_files: bool) -> Option<ConfigEvent> {
    let name = name.clone();
    match (known, seen) {
        (None, None) => None,
        (None, Some(host)) => Some(ConfigEvent::Discovered { name, host: Box::new(host.clone()) }),
        (Some(_), None) => Some(ConfigEvent::Deleted { name }),
        (Some(known), Some(seen)) => (known != seen).then(|| {
            let change = Box::new(HostChange::between(known, seen, same_files));
            ConfigEvent::Updated { name, change }
        }),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn names(all: &[&str]) -> Names {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    fn host(system: Option<&str>, modules: &[&str], users: &[&str], services: &[&str]) -> Host {
        Host {
            system: system.map(str::to_owned),
            modules: names(modules),
            users: names(users),
            services: names(services),
            ..Host::default()
        }
    }

    #[test]
    fn events_lead_from_what_was_known_to_what_is_seen() {
        let name = HostName { flake: FlakeId::new(Uuid::from_u128(1)), kind: HostKind::Nixos, name: "desk".to_owned() };
        let states = [
            None,
            Some(host(None, &["a.nix"], &["ann"], &["nginx"])),
            Some(host(Some("x86_64-linux"), &["a.nix", "b.nix"], &["bob"], &["nginx"])),
            Some(Host { unknown: names(&["x"]), ..host(None, &["a.nix"], &[], &[]) }),
            None,
            Some(Host::default()),
        ];
        let mut events = Vec::new();
        for pair in states.windows(2) {
            events.push(observe(pair[0].as_ref(), &name, pair[1].as_ref(), false).unwrap());
            assert_eq!(fold(&events), pair[1]);
            assert_eq!(observe(pair[1].as_ref(), &name, pair[1].as_ref(), false), None);
        }
        let ConfigEvent::Updated { change, .. } = &events[1] else { panic!("{events:?}") };
        assert_eq!(change.system, Some((None, Some("x86_64-linux".to_owned()))));
        assert_eq!((&change.users.added, &change.users.removed), (&names(&["bob"]), &names(&["ann"])));
        assert!(change.services.is_empty() && matches!(events[3], ConfigEvent::Deleted { .. }));
    }
}
