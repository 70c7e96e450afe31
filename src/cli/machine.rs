//! What machines are called: their host's name, and the beginning of their key where several have the same.

use std::collections::BTreeMap;

use crate::store::view::Freshness;

/// The names of machines, by public key.
#[derive(Debug)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Of these machines, no two the same.
    pub(crate) fn of(machines: &[Freshness]) -> Self {
        let named = |machine: &Freshness| {
            let again = machines.iter().filter(|other| other.host == machine.host).nth(1).is_some();
            if again { format!("{} {}", machine.host, short(&machine.origin)) } else { machine.host.clone() }
        };
        Self(machines.iter().map(|machine| (machine.origin.clone(), named(machine))).collect())
    }

    /// The name of the machine with this key; the key itself of one that is not known.
    pub(crate) fn get<'a>(&'a self, origin: &'a str) -> &'a str {
        self.0.get(origin).map_or_else(|| short(origin), String::as_str)
    }
}

/// The beginning of a public key: enough to tell machines apart.
pub(crate) fn short(origin: &str) -> &str {
    origin.get(..12).unwrap_or(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_of_one_name_are_told_apart_by_their_keys() {
        let machine = |origin: &str, host: &str| Freshness {
            origin: origin.to_owned(),
            host: host.to_owned(),
            user: "mira".to_owned(),
            own: false,
            state: "active".to_owned(),
            reason: None,
            succeeds: None,
            flakes: 0,
            seq: 0,
            behind: 0,
            recorded_at: None,
        };
        let names = Names::of(&[
            machine("UAAAAAAAAAAAAA1", "nixos"),
            machine("UBBBBBBBBBBBBB2", "nixos"),
            machine("UC3", "desk"),
        ]);
        assert_eq!(names.get("UAAAAAAAAAAAAA1"), "nixos UAAAAAAAAAAA");
        assert_eq!(names.get("UBBBBBBBBBBBBB2"), "nixos UBBBBBBBBBBB");
        assert_eq!(names.get("UC3"), "desk");
        assert_eq!(names.get("UDDDDDDDDDDDDD4"), "UDDDDDDDDDDD");
    }
}
