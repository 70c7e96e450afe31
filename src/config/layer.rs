//! One layer of settings: a TOML file or the environment.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::table::{self, SETTINGS, Setting};
use super::value::Value;
use super::{ConfigError, Given, Origin, Sources};
use crate::config::place::Places;

/// Reads a settings file, when it is there, and hands out what it gives.
pub(super) fn file(path: &Path, project: bool, places: &Places, put: &mut dyn FnMut(Given)) -> Result<(), ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_path_buf(), source }),
    };
    let reading = Reading { path, text: &text, project, places };
    let table = DeTable::parse(&text).map_err(|error| reading.syntax(&error))?;
    reading.table("", table.get_ref(), put)
}

/// What the environment gives.
pub(super) fn environment(sources: &Sources<'_>) -> Result<Vec<Given>, ConfigError> {
    let mut given = Vec::new();
    for setting in SETTINGS.iter().copied() {
        let Some(raw) = (sources.environment)(setting.environment).filter(|raw| !raw.is_empty()) else { continue };
        let origin = Origin::Environment(setting.environment);
        let value = Value::from_environment(setting.kind, &raw, sources.places)
            .map_err(|found| invalid(setting, origin.clone(), found))?;
        given.push(Given { setting, value, origin });
    }
    Ok(given)
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    project: bool,
    places: &'a Places,
}

impl Reading<'_> {
    fn table(&self, prefix: &str, entries: &DeTable<'_>, put: &mut dyn FnMut(Given)) -> Result<(), ConfigError> {
        for (key, value) in entries {
            let name = format!("{prefix}{}", key.get_ref());
            match (table::find(&name), value.get_ref()) {
                (Some(setting), _) => put(self.value(setting, key.span().start, value)?),
                (None, DeValue::Table(below)) if is_table(&name) => self.table(&format!("{name}."), below, put)?,
                (None, _) => return Err(self.unknown(name, key.span().start)),
            }
        }
        Ok(())
    }

    fn value(
        &self,
        setting: &'static Setting,
        offset: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Given, ConfigError> {
        let origin = self.origin(offset);
        if self.project && !setting.project {
            return Err(ConfigError::NotForProjects { origin, name: setting.name });
        }
        let directory = self.path.parent().unwrap_or(Path::new(""));
        let value = Value::from_toml(setting.kind, value.get_ref(), directory, self.places)
            .map_err(|found| invalid(setting, origin.clone(), found))?;
        Ok(Given { setting, value, origin })
    }

    fn unknown(&self, name: String, offset: usize) -> ConfigError {
        let near = SETTINGS
            .iter()
            .map(|setting| (strsim::jaro_winkler(setting.name, &name), setting.name))
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name);
        ConfigError::Unknown { origin: self.origin(offset), name, near }
    }

    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let line = line_of(self.text, error.span().map_or(0, |span| span.start));
        ConfigError::Syntax { path: self.path.to_path_buf(), line, message: error.message().to_owned() }
    }

    fn origin(&self, offset: usize) -> Origin {
        Origin::File { path: self.path.to_path_buf(), line: line_of(self.text, offset) }
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

fn is_table(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

fn invalid(setting: &'static Setting, origin: Origin, found: String) -> ConfigError {
    ConfigError::Invalid { origin, name: setting.name, expected: setting.kind.expected(), found }
}
