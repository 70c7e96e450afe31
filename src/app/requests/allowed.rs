//! What others may be allowed: the names in the setting `sync.commands` against the table of commands.

use super::command::COMMANDS;

/// A name in the settings that allows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unallowable {
    /// No command is called so.
    #[error("`sync.commands` names `{name}`, and there is no such command")]
    Unknown {
        /// The name that was written.
        name: String,
        /// The command that was likely meant.
        near: Option<&'static str>,
    },
    /// It is not done for others, whoever allows it.
    #[error("`sync.commands` names `{0}`, which this release does not do over the bus")]
    NotDone(&'static str),
}

/// Looks whether every name is one of a command that can be allowed.
///
/// # Errors
/// The first that is not.
pub fn allowable(names: &[String]) -> Result<(), Unallowable> {
    for name in names {
        match COMMANDS.iter().find(|command| command.name == name) {
            Some(command) if command.is_done() => {}
            Some(command) => return Err(Unallowable::NotDone(command.name)),
            None => return Err(Unallowable::Unknown { name: name.clone(), near: near(name) }),
        }
    }
    Ok(())
}

/// The names of all that can be allowed.
pub fn all() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().filter(|command| command.is_done()).map(|command| command.name)
}

fn near(name: &str) -> Option<&'static str> {
    let alike = all().map(|known| (strsim::jaro_winkler(known, name), known));
    alike.filter(|(likeness, _)| *likeness > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_allows_nothing_is_told_with_the_one_that_was_meant() {
        let of = |names: &[&str]| allowable(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["flake.scan", "flake.forget"]), Ok(()));
        let unknown = |name: &str, near| Err(Unallowable::Unknown { name: name.to_owned(), near });
        assert_eq!(of(&["flake.scan", "flake.forgt"]), unknown("flake.forgt", Some("flake.forget")));
        assert_eq!(of(&["spaceship"]), unknown("spaceship", None));
        assert_eq!(of(&["config.activate"]), Err(Unallowable::NotDone("config.activate")));
    }
}
