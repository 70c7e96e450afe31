//! Which file the editor opens for an event, and where in it: the file that the event is about.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::tui::model::EventDetail;
use crate::tui::spot::Spot;

/// None when the event is about no file.
pub(super) fn of(detail: &EventDetail) -> Option<(PathBuf, Spot)> {
    let payload: Value = serde_json::from_str(&detail.payload).unwrap_or_default();
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    let flake = detail.flake_path.as_deref().map(Path::new);
    let spot = |of: fn(String) -> Spot, pointer: &str| text(pointer).map_or(Spot::File, |name| of(name.to_owned()));
    let (aggregate, action) = detail.row.kind.split_once('.')?;
    // What a file is called from within a flake is joined with its directory; a whole path stays as it is.
    let own = |file: &str| Some(flake.map_or_else(|| PathBuf::from(file), |flake| flake.join(file)));
    let (path, spot) = match (aggregate, action) {
        ("flake", "input_added") => (own("flake.nix"), spot(Spot::Declared, "/input/name")),
        ("flake", "input_changed") => (own("flake.nix"), spot(Spot::Declared, "/to/name")),
        ("flake", "updated") | ("lock_history", _) => (own("flake.lock"), spot(Spot::Locked, "/changes/0/input")),
        ("finding", _) => {
            let findings = payload.get("findings").and_then(Value::as_array).into_iter().flatten();
            let mut lines = findings.filter_map(|finding| u32::try_from(finding.get("line")?.as_u64()?).ok());
            let line = lines.next();
            (text("/file").and_then(own), line.map_or(Spot::File, Spot::Line))
        }
        ("pins" | "module" | "overlay", _) => (text("/file").and_then(own), Spot::File),
        // The generations of a profile come from no flake that is known.
        ("config", _) if text("/profile").is_some() => (None, Spot::File),
        _ => (own("flake.nix"), Spot::File),
    };
    Some((path.filter(|path| path.is_absolute())?, spot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::model::EventRow;

    fn place(kind: &str, payload: &str) -> Option<(String, Spot)> {
        let detail = EventDetail {
            row: EventRow { kind: kind.to_owned(), ..EventRow::default() },
            payload: payload.to_owned(),
            flake_path: Some("/home/ann/infra".to_owned()),
            ..EventDetail::default()
        };
        of(&detail).map(|(path, spot)| (path.display().to_string(), spot))
    }

    #[test]
    fn a_finding_opens_its_own_file_at_its_line() {
        let payload = r#"{"file":"/home/ann/infra/flake.lock","findings":[{"line":12},{"line":3}]}"#;
        assert_eq!(place("finding.raised", payload), Some(("/home/ann/infra/flake.lock".to_owned(), Spot::Line(12))));
        let second = r#"{"file":"/home/ann/infra/flake.nix","findings":[{"code":"no-lock"},{"line":3}]}"#;
        assert_eq!(place("finding.raised", second), Some(("/home/ann/infra/flake.nix".to_owned(), Spot::Line(3))));
        let gone = r#"{"file":"/home/ann/infra/mod.nix","fingerprints":["x:1"]}"#;
        assert_eq!(place("finding.resolved", gone), Some(("/home/ann/infra/mod.nix".to_owned(), Spot::File)));
        let whole = r#"{"file":"/home/ann/infra/flake.nix","findings":[{"line":null}]}"#;
        assert_eq!(place("finding.raised", whole), Some(("/home/ann/infra/flake.nix".to_owned(), Spot::File)));
    }

    #[test]
    fn what_changes_a_file_opens_it() {
        let changes = r#"{"changes":[{"input":"home-manager/nixpkgs"}]}"#;
        let locked = Spot::Locked("home-manager/nixpkgs".to_owned());
        for kind in ["flake.updated", "lock_history.recorded"] {
            assert_eq!(place(kind, changes), Some(("/home/ann/infra/flake.lock".to_owned(), locked.clone())));
        }
        let declared = Spot::Declared("nixpkgs".to_owned());
        let flake = "/home/ann/infra/flake.nix";
        assert_eq!(
            place("flake.input_added", r#"{"input":{"name":"nixpkgs"}}"#),
            Some((flake.to_owned(), declared.clone()))
        );
        assert_eq!(place("flake.input_changed", r#"{"to":{"name":"nixpkgs"}}"#), Some((flake.to_owned(), declared)));
        for kind in ["flake.input_removed", "flake.discovered", "config.discovered"] {
            assert_eq!(place(kind, "{}"), Some((flake.to_owned(), Spot::File)));
        }
        let module = place("module.updated", r#"{"file":"modules/web.nix"}"#);
        assert_eq!(module, Some(("/home/ann/infra/modules/web.nix".to_owned(), Spot::File)));
        let pins = place("pins.updated", r#"{"file":"/home/ann/npins/sources.json"}"#);
        assert_eq!(pins, Some(("/home/ann/npins/sources.json".to_owned(), Spot::File)));
    }

    #[test]
    fn what_is_about_no_file_opens_none() {
        assert_eq!(place("config.activated", r#"{"profile":"/nix/var/nix/profiles/system"}"#), None);
        assert_eq!(place("finding.raised", "null"), None, "erased");
        let detail = EventDetail {
            row: EventRow { kind: "module.deleted".to_owned(), ..EventRow::default() },
            payload: r#"{"file":"modules/web.nix"}"#.to_owned(),
            ..EventDetail::default()
        };
        assert_eq!(of(&detail), None, "its flake is not known");
    }
}
