//! The values of settings, read from text and from TOML.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeArray, DeValue};

use super::place::Places;
use super::table::Kind;

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A path.
    Path(PathBuf),
    /// A text, or one word of a choice.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// A program and its arguments; none is no program.
    Command(Vec<String>),
    /// A whole number.
    Count(usize),
    /// True or false.
    Switch(bool),
    /// A text that is shown nowhere.
    Secret(Secret),
}

/// A text that is shown nowhere: not by `info`, not in errors, not in debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "" } else { "[set]" })
    }
}

impl Value {
    /// A secret as it is written in the table of settings.
    pub(super) fn of_secret(text: &str) -> Self {
        Self::Secret(Secret(text.to_owned()))
    }

    /// Reads an environment variable; what was found instead is the error.
    pub fn from_environment(kind: Kind, value: &OsStr, places: &Places) -> Result<Self, String> {
        if kind == Kind::Path {
            return Ok(Self::Path(value.to_str().map_or_else(|| value.into(), |text| places.expand(text))));
        }
        let text = value.to_str().ok_or_else(|| format!("`{}`", value.to_string_lossy()))?;
        match kind {
            Kind::List | Kind::Names => {
                let parts =
                    text.split(kind.separators()).map(|part| if kind == Kind::Names { part.trim() } else { part });
                Ok(Self::List(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()))
            }
            Kind::Command => words(text).map(Self::Command),
            Kind::Count => text.parse().map(Self::Count).map_err(|_| format!("`{text}`")),
            Kind::Switch => match text {
                "true" | "1" | "yes" | "on" => Ok(Self::Switch(true)),
                "false" | "0" | "no" | "off" => Ok(Self::Switch(false)),
                _ => Err(format!("`{text}`")),
            },
            Kind::Path | Kind::Text | Kind::Choice(_) => text_of(kind, text),
            Kind::Secret => Ok(Self::Secret(Secret(text.to_owned()))),
        }
    }

    /// Reads a TOML value; relative paths begin at `directory`. What was found instead is the error.
    pub(super) fn from_toml(
        kind: Kind,
        value: &DeValue<'_>,
        directory: &Path,
        places: &Places,
    ) -> Result<Self, String> {
        match (kind, value) {
            (Kind::Path, DeValue::String(text)) => Ok(Self::Path(directory.join(places.expand(text)))),
            (Kind::Text | Kind::Choice(_), DeValue::String(text)) => text_of(kind, text),
            (Kind::Secret, DeValue::String(text)) => Ok(Self::Secret(Secret(text.to_string()))),
            (Kind::Count, DeValue::Integer(number)) => usize::from_str_radix(number.as_str(), number.radix())
                .map(Self::Count)
                .map_err(|_| format!("`{}`", number.as_str())),
            (Kind::Switch, DeValue::Boolean(on)) => Ok(Self::Switch(*on)),
            (Kind::List | Kind::Names, DeValue::Array(items)) => texts(items).map(Self::List),
            (Kind::Command, DeValue::Array(items)) => texts(items).map(Self::Command),
            (Kind::Command, DeValue::String(text)) => words(text).map(Self::Command),
            (_, other) => Err(name(other).into()),
        }
    }

    /// The path, when it is one.
    pub fn path(&self) -> Option<&Path> {
        if let Self::Path(path) = self { Some(path) } else { None }
    }

    /// The text, when it is one.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The secret, when it is one.
    pub fn secret(&self) -> Option<&str> {
        if let Self::Secret(secret) = self { Some(secret.reveal()) } else { None }
    }

    /// The list, when it is one.
    pub fn list(&self) -> Option<&[String]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The command, when it is one.
    pub fn command(&self) -> Option<&[String]> {
        if let Self::Command(command) = self { Some(command) } else { None }
    }

    /// The number, when it is one.
    pub const fn count(&self) -> Option<usize> {
        if let Self::Count(count) = self { Some(*count) } else { None }
    }

    /// The switch, when it is one.
    pub const fn switch(&self) -> Option<bool> {
        if let Self::Switch(on) = self { Some(*on) } else { None }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::List(list) => {
                let texts: Vec<String> = list.iter().map(|text| format!("{text:?}")).collect();
                write!(f, "[{}]", texts.join(", "))
            }
            Self::Command(words) => {
                let words: Vec<_> = words.iter().map(|word| shlex::try_quote(word).unwrap_or(word.into())).collect();
                f.write_str(&words.join(" "))
            }
            Self::Count(count) => count.fmt(f),
            Self::Switch(on) => on.fmt(f),
            Self::Secret(secret) => fmt::Display::fmt(secret, f),
        }
    }
}

/// The words of a command, as a shell splits them.
fn words(text: &str) -> Result<Vec<String>, String> {
    shlex::split(text).ok_or_else(|| format!("`{text}`, a quote of which does not end"))
}

fn texts(items: &DeArray<'_>) -> Result<Vec<String>, String> {
    let text = |item: &toml::Spanned<DeValue<'_>>| match item.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        other => Err(format!("a list with {}", name(other))),
    };
    items.iter().map(text).collect()
}

fn text_of(kind: Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Choice(words) if !words.contains(&text) => Err(format!("`{text}`")),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

const fn name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
