//! Draws everything about one event: who and when, what was and what is, what belongs to it, and its payload.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::History;
use super::list::sign;
use crate::tui::model::EventDetail;
use crate::tui::moment;
use crate::tui::shared::Shared;
use crate::tui::text::{clean, cut, fit};
use crate::tui::widget::pane;
use crate::tui::widget::sheet::Sheet;

/// The column of labels.
const LABEL: usize = 11;
/// How many lines of a payload are shown.
const LINES: usize = 2_000;
/// How many differences are shown.
const DIFFERENCES: usize = 200;

pub(super) fn draw(screen: &mut History, frame: &mut Frame, area: Rect, shared: &Shared) {
    let position = screen.row().map(|row| row.position);
    let title = position.map_or_else(|| "Event".to_owned(), |position| format!("Event #{position}"));
    let frame_of = pane::Pane { title: &title, focused: screen.in_detail, ..pane::Pane::default() };
    let inner = frame_of.draw(frame, area, shared.theme);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let detail = screen.detail.as_ref().filter(|detail| Some(detail.row.position) == position);
    let lines = detail.map(|detail| sheet(detail, inner.width, shared)).unwrap_or_default();
    screen.scroll.draw(frame, area, inner, shared.theme, &lines);
}

fn sheet(detail: &EventDetail, width: u16, shared: &Shared) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let plain = Style::new();
    let mut sheet = Sheet::new(theme, width, LABEL);
    let (sign, style) = sign(&detail.row.kind, theme);
    sheet.item(sign, style, &detail.row.kind, theme.strong());
    if !detail.row.summary.is_empty() {
        sheet.text(&detail.row.summary, plain);
    }
    sheet.line(Line::default());
    if let Some(path) = &detail.flake_path {
        sheet.field("flake", &shared.path(path), plain);
    }
    sheet.field("occurred", &moment::long(detail.row.occurred_at), plain);
    if detail.recorded_at != detail.row.occurred_at {
        sheet.field("recorded", &moment::long(detail.recorded_at), plain);
    }
    sheet.field("by", &detail.actor, plain);
    sheet.field("stream", &detail.row.stream, theme.quiet());
    sheet.field("version", &format!("{} (schema {})", detail.version, detail.schema_version), theme.quiet());
    let payload: Option<Value> = serde_json::from_str(&detail.payload).ok();
    let differences = payload.as_ref().map(differences).unwrap_or_default();
    if !differences.is_empty() {
        sheet.heading("Was, and is now");
        for (path, from, to) in differences.into_iter().take(DIFFERENCES) {
            sheet.text(&path, theme.strong());
            if let Some(from) = from {
                sheet.item("-", theme.error(), &from, plain);
            }
            if let Some(to) = to {
                sheet.item("+", theme.good(), &to, plain);
            }
        }
    }
    causes(&mut sheet, detail, usize::from(width), shared);
    sheet.heading("Payload");
    match payload {
        Some(Value::Null) => sheet.text("erased", theme.warning()),
        Some(payload) => pretty(&mut sheet, &payload, usize::from(width), shared),
        None => sheet.text(&detail.payload, plain),
    }
    sheet.into_lines()
}

fn causes(sheet: &mut Sheet, detail: &EventDetail, width: usize, shared: &Shared) {
    let theme = shared.theme;
    sheet.heading("Cause");
    if let Some(command) = &detail.command {
        sheet.field("command", command, Style::new());
    }
    sheet.field("event", &detail.event_id, theme.quiet());
    sheet.field("caused by", &detail.causation_id, theme.quiet());
    sheet.field("together", &detail.row.correlation_id, theme.quiet());
    for row in &detail.related {
        let here = row.position == detail.row.position;
        let (sign, style) = sign(&row.kind, theme);
        let text = format!("#{} {} {}", row.position, row.kind, row.summary);
        let text = fit(&clean(&text), width.saturating_sub(4), theme.glyphs.cut);
        let pointer = if here { theme.glyphs.pointer } else { "  " };
        let text_style = if here { theme.strong() } else { Style::new() };
        sheet.line(Line::from(vec![
            Span::styled(pointer, theme.accent()),
            Span::styled(format!("{sign} "), style),
            Span::styled(text, text_style),
        ]));
    }
}

fn pretty(sheet: &mut Sheet, payload: &Value, width: usize, shared: &Shared) {
    let theme = shared.theme;
    let text = serde_json::to_string_pretty(payload).unwrap_or_default();
    for line in text.lines().take(LINES) {
        let line = cut(&clean(line), width, theme.glyphs.cut);
        let spans = match line.split_once("\": ") {
            Some((key, value)) => vec![Span::styled(format!("{key}\": "), theme.accent()), Span::raw(value.to_owned())],
            None => vec![Span::raw(line)],
        };
        sheet.line(Line::from(spans));
    }
    if text.lines().count() > LINES {
        sheet.text("the rest is left out here; `event show` prints all of it", theme.quiet());
    }
}

/// Every leaf below a `from` and a `to` that differs, with its path; what names an input or a node goes first.
fn differences(value: &Value) -> Vec<(String, Option<String>, Option<String>)> {
    let mut out = Vec::new();
    collect(value, "", &mut out);
    out
}

type Difference = (String, Option<String>, Option<String>);

fn collect(value: &Value, path: &str, out: &mut Vec<Difference>) {
    match value {
        Value::Object(fields) if fields.contains_key("from") || fields.contains_key("to") => {
            let name = ["input", "name", "key"].iter().find_map(|key| fields.get(*key).and_then(Value::as_str));
            let path = name.map_or_else(|| path.to_owned(), str::to_owned);
            let (mut from, mut to) = (Vec::new(), Vec::new());
            leaves(fields.get("from").unwrap_or(&Value::Null), &path, &mut from);
            leaves(fields.get("to").unwrap_or(&Value::Null), &path, &mut to);
            compare(&from, &to, out);
            let told = |key: &str| matches!(key, "from" | "to") || key == "nodes" && fields.contains_key("changes");
            for (key, value) in fields.iter().filter(|(key, _)| !told(key)) {
                collect(value, key, out);
            }
        }
        // A change of a lock is told twice, node by node and by input path; the paths are for people.
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| !(key.as_str() == "nodes" && fields.contains_key("changes")))
            .for_each(|(key, value)| collect(value, &below(path, key), out)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, out)),
        _ => {}
    }
}

fn compare(from: &[(String, String)], to: &[(String, String)], out: &mut Vec<Difference>) {
    let find = |leaves: &[(String, String)], path: &str| {
        leaves.iter().find(|(other, _)| other == path).map(|(_, value)| value.clone())
    };
    for (path, before) in from {
        let after = find(to, path);
        if after.as_ref() != Some(before) {
            out.push((path.clone(), Some(before.clone()), after));
        }
    }
    for (path, after) in to.iter().filter(|(path, _)| find(from, path).is_none()) {
        out.push((path.clone(), None, Some(after.clone())));
    }
}

fn leaves(value: &Value, path: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => fields.iter().for_each(|(key, value)| leaves(value, &below(path, key), out)),
        Value::String(text) => out.push((path.to_owned(), text.clone())),
        other => out.push((path.to_owned(), other.to_string())),
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_and_what_is_are_put_side_by_side() {
        let payload = json!({"changes": [{"input": "nixpkgs", "node": "nixpkgs",
            "from": {"rev": "a", "type": "github"}, "to": {"rev": "b", "type": "github", "ref": "main"}}]});
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            differences(&payload),
            [("nixpkgs.rev".to_owned(), text("a"), text("b")), ("nixpkgs.ref".to_owned(), None, text("main"))]
        );
    }

    #[test]
    fn a_plain_change_has_no_path() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(differences(&json!({"from": "old", "to": "new"})), [(String::new(), text("old"), text("new"))]);
        assert_eq!(differences(&json!({"from": null, "to": "new"})), [(String::new(), None, text("new"))]);
        assert_eq!(differences(&json!({"name": "x"})), []);
    }
}
