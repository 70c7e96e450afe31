//! What the program tells of itself beside its answers: the log file, written only when `CIM_NIX_LOG` or the setting `log`
//! asks for it, and traces, sent only when `otlp_endpoint` does.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use super::context::Launch;
use super::failure::{Failure, Kind};
use super::traces::{self, Layer, Sending};

/// Sends what the program logs to the file, and its spans to the collector, when that is asked for. Nothing logs arguments
/// or file contents. What is returned must be kept until the end.
pub(super) fn start(launch: &Launch) -> Result<Option<Sending>, Failure> {
    let mut layers: Vec<Layer> = Vec::new();
    if let Some(filter) = &launch.settings.log {
        layers.push(file_layer(filter, open(launch)?, launch.settings.log_json)?);
    }
    let mut sending = None;
    if let Some(endpoint) = &launch.settings.otlp_endpoint {
        let (layer, sent) = traces::to(endpoint)?;
        layers.push(layer);
        sending = Some(sent);
    }
    if !layers.is_empty() {
        tracing::subscriber::set_global_default(Registry::default().with(layers)).map_err(Failure::internal)?;
    }
    Ok(sending)
}

fn open(launch: &Launch) -> Result<File, Failure> {
    let path = launch.places.log_file();
    let unusable =
        |error: &std::io::Error| Failure::file("write the log file", &path, error).hinted("unset `CIM_NIX_LOG`");
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(|error| unusable(&error))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(|error| unusable(&error))
}

fn file_layer(filter: &str, file: File, json: bool) -> Result<Layer, Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::new(Kind::Settings, format!("`log` is no filter: {error}")).hinted("write `debug`, for example")
    })?;
    let writing = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
    Ok(if json {
        writing.json().with_current_span(true).with_filter(filter).boxed()
    } else {
        writing.with_filter(filter).boxed()
    })
}
