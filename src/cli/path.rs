//! Paths in answers: as text, and as base64 of the bytes where the text cannot hold them.

use std::path::Path;

use data_encoding::BASE64;
use serde::Serialize;

use crate::domain::path::RecordedPath;

/// The fields `path` and, when the path is not UTF-8, `path_bytes`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PathFields {
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl From<&RecordedPath> for PathFields {
    fn from(path: &RecordedPath) -> Self {
        Self { path: path.text().to_owned(), path_bytes: path.bytes().map(|bytes| BASE64.encode(bytes)) }
    }
}

impl From<&Path> for PathFields {
    fn from(path: &Path) -> Self {
        Self::from(&RecordedPath::new(path))
    }
}

/// A path for people: `~` for the home directory.
pub(crate) fn for_people(path: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    match path.strip_prefix(home.trim_end_matches('/')) {
        Some(rest) if home.len() > 1 && (rest.is_empty() || rest.starts_with('/')) => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn only_paths_that_are_not_utf8_carry_bytes() {
        let plain = serde_json::to_string(&PathFields::from(Path::new("/a"))).unwrap();
        assert_eq!(plain, r#"{"path":"/a"}"#);
        let odd = serde_json::to_string(&PathFields::from(Path::new(OsStr::from_bytes(b"/a\xff")))).unwrap();
        assert_eq!(odd, "{\"path\":\"/a\u{fffd}\",\"path_bytes\":\"L2H/\"}");
    }
}
