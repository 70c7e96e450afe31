//! The log file: written only when `CIM_NIX_LOG` or the setting `log` asks for it.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::context::Launch;
use super::failure::{Failure, Kind};

/// Sends what the program logs to the file, when it is asked for. Nothing logs arguments or file contents.
pub(super) fn start(launch: &Launch) -> Result<(), Failure> {
    let Some(filter) = &launch.settings.log else { return Ok(()) };
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::new(Kind::Settings, format!("`log` is no filter: {error}")).hinted("write `debug`, for example")
    })?;
    let path = launch.places.log_file();
    let unusable =
        |error: &std::io::Error| Failure::file("write the log file", &path, error).hinted("unset `CIM_NIX_LOG`");
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(|error| unusable(&error))?;
    }
    let file =
        OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(|error| unusable(&error))?;
    let writing = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Mutex::new(file));
    let set = if launch.settings.log_json {
        tracing::subscriber::set_global_default(writing.json().with_current_span(true).finish())
    } else {
        tracing::subscriber::set_global_default(writing.finish())
    };
    set.map_err(Failure::internal)
}
