//! Streams: one per aggregate instance, written by one origin only. The text form is `aggregate/key`.

use std::fmt;
use std::str::FromStr;

use super::id::FlakeId;
use uuid::Uuid;

/// The kinds of things whose history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aggregate {
    /// A flake at a directory of this machine.
    Flake,
    /// The findings of one file.
    Finding,
    /// The past of one flake's lock file, as git tells it.
    LockHistory,
    /// A configuration: the generations of one profile of a machine, or one configuration of a flake.
    Config,
    /// A file that pins sources without a flake.
    Pins,
    /// A Nix file that is a module.
    Module,
    /// A Nix file that is an overlay.
    Overlay,
    /// The ledger itself.
    Ledger,
}

impl Aggregate {
    /// Every aggregate, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Flake,
        Self::Finding,
        Self::LockHistory,
        Self::Config,
        Self::Pins,
        Self::Module,
        Self::Overlay,
        Self::Ledger,
    ];

    /// The name used in streams, event types and subjects.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flake => "flake",
            Self::Finding => "finding",
            Self::LockHistory => "lock_history",
            Self::Config => "config",
            Self::Pins => "pins",
            Self::Module => "module",
            Self::Overlay => "overlay",
            Self::Ledger => "ledger",
        }
    }
}

/// The name of one stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    aggregate: Aggregate,
    key: String,
}

/// A text that is not `aggregate/key`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stream: expected `aggregate/key`, as in `flake/<uuid>`")]
pub struct InvalidStream(pub String);

impl StreamId {
    /// The stream of one flake.
    pub fn flake(id: FlakeId) -> Self {
        Self { aggregate: Aggregate::Flake, key: id.to_string() }
    }

    /// The stream of the findings of one file, keyed by an id derived from the flake and the file.
    pub fn finding(key: Uuid) -> Self {
        Self { aggregate: Aggregate::Finding, key: key.to_string() }
    }

    /// The stream of what git tells of one flake's lock.
    pub fn lock_history(id: FlakeId) -> Self {
        Self { aggregate: Aggregate::LockHistory, key: id.to_string() }
    }

    /// The stream of the generations of a profile, keyed by an id derived from the origin and the profile's path; or of a
    /// configuration of a flake, keyed by one derived from the flake and its attribute path.
    pub fn config(key: Uuid) -> Self {
        Self { aggregate: Aggregate::Config, key: key.to_string() }
    }

    /// The stream of a file with pins, keyed by an id derived from the origin and the file's path.
    pub fn pins(key: Uuid) -> Self {
        Self { aggregate: Aggregate::Pins, key: key.to_string() }
    }

    /// The stream of a module, keyed by an id derived from the flake and the file.
    pub fn module(key: Uuid) -> Self {
        Self { aggregate: Aggregate::Module, key: key.to_string() }
    }

    /// The stream of an overlay, keyed by an id derived from the flake and the file.
    pub fn overlay(key: Uuid) -> Self {
        Self { aggregate: Aggregate::Overlay, key: key.to_string() }
    }

    /// The stream of what one origin did to its own ledger.
    pub fn ledger(origin: &str) -> Self {
        Self { aggregate: Aggregate::Ledger, key: origin.to_owned() }
    }

    /// The part of it that others learn of: what it did to events that they have.
    pub fn shared_ledger(origin: &str) -> Self {
        Self { aggregate: Aggregate::Ledger, key: format!("{origin}.shared") }
    }

    /// Which kind of thing the stream belongs to.
    pub const fn aggregate(&self) -> Aggregate {
        self.aggregate
    }

    /// Which one of that kind.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.aggregate.name(), self.key)
    }
}

impl FromStr for StreamId {
    type Err = InvalidStream;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('/')
            .filter(|(_, key)| !key.is_empty())
            .and_then(|(name, key)| {
                let aggregate = Aggregate::ALL.into_iter().find(|a| a.name() == name)?;
                Some(Self { aggregate, key: key.to_owned() })
            })
            .ok_or_else(|| InvalidStream(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_reads_back() {
        let stream = StreamId::flake(FlakeId::new(Uuid::from_u128(5)));
        assert_eq!(stream.to_string().parse(), Ok(stream));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "flake", "flake/", "flock/1"] {
            assert_eq!(text.parse::<StreamId>(), Err(InvalidStream(text.to_owned())));
        }
    }
}
