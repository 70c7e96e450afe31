//! Draws the events: a sign, when, which type, about what, and what happened.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::History;
use crate::tui::model::{EventFilter, EventRow};
use crate::tui::moment;
use crate::tui::shared::Shared;
use crate::tui::text::{clean, cut, fit, thousands};
use crate::tui::theme::Theme;
use crate::tui::widget::pane::{self, scrollbar};

pub(super) fn draw(screen: &mut History, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = shared.theme;
    let focused = !screen.in_detail;
    let len = screen.window.len();
    let chosen = screen.list.chosen(len);
    let (head, events) = shared.summary.as_ref().map_or((0, 0), |summary| (summary.head, summary.events));
    let frame_of = pane::Pane {
        title: "Events",
        note: if screen.filter.is_set() { "filtered".to_owned() } else { thousands(events) },
        corner: "newest first".to_owned(),
        focused,
    };
    let inner = frame_of.draw(frame, area, theme);
    let inner = filters(screen, frame, inner, theme);
    let shown = screen.list.visible(len, inner);
    let columns = Columns::of(usize::from(inner.width), head);
    let lines: Vec<Line> = shown
        .clone()
        .filter_map(|index| Some((index, screen.window.get(index)?)))
        .map(|(index, row)| line(row, columns, (chosen == Some(index), focused), shared))
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
    scrollbar(frame, area, theme, len, &shown);
    if len == 0 {
        let text = match (screen.loaded, screen.filter.is_set()) {
            (false, _) => "reading",
            (true, true) => "no event fits the filters; x clears them",
            (true, false) => "no events yet",
        };
        frame.render_widget(Paragraph::new(text).style(theme.quiet()), inner);
    }
}

/// The sign of a type, so that a row can be told without colours.
pub(super) fn sign(kind: &str, theme: Theme) -> (&'static str, Style) {
    match kind.rsplit('.').next().unwrap_or_default() {
        "discovered" | "created" | "input_added" => ("+", theme.good()),
        "removed" | "deleted" | "input_removed" | "erased" | "unreachable" => ("-", theme.error()),
        "raised" => ("!", theme.warning()),
        "resolved" => ("o", theme.good()),
        "moved" => (">", theme.link()),
        _ => ("~", theme.accent()),
    }
}

/// The search and the filters that are set, one line each at most; gives back the room below.
fn filters(screen: &History, frame: &mut Frame, inner: Rect, theme: Theme) -> Rect {
    let mut inner = inner;
    let mut next = |wanted: bool| {
        if !wanted {
            return None;
        }
        let [line, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
        inner = rest;
        Some(line)
    };
    if let Some(line) = next(screen.typing || screen.filter.text.is_some()) {
        if screen.typing {
            screen.find.draw(frame, line, theme, "/ ");
        } else {
            let text = cut(screen.find.text(), usize::from(line.width).saturating_sub(2), theme.glyphs.cut);
            frame.render_widget(Line::from(vec![Span::styled("/ ", theme.accent()), Span::raw(text)]), line);
        }
    }
    let words = words(&screen.filter);
    if let Some(line) = next(!words.is_empty()) {
        let text = cut(&clean(&words), usize::from(line.width).saturating_sub(2), theme.glyphs.cut);
        frame.render_widget(
            Line::from(vec![Span::styled("= ", theme.accent()), Span::styled(text, theme.strong())]),
            line,
        );
    }
    inner
}

fn words(filter: &EventFilter) -> String {
    let parts = [
        filter.kind.as_ref().map(|kind| format!("type {kind}")),
        filter.since.map(|since| format!("since {}", moment::short(since))),
        filter.correlation.as_ref().map(|id| format!("together {id}")),
        filter.flake.as_ref().map(|flake| format!("flake {flake}")),
        filter.stream.as_ref().map(|stream| format!("stream {stream}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// How wide each column is; 0 leaves it out.
#[derive(Clone, Copy)]
struct Columns {
    position: usize,
    time: usize,
    kind: usize,
    subject: usize,
    rest: usize,
}

impl Columns {
    fn of(width: usize, head: i64) -> Self {
        let position = if width >= 56 { head.to_string().len().max(3) + 2 } else { 0 };
        let time = if width >= 44 { 12 } else { 0 };
        let kind = if width >= 62 { 22 } else { 18.min(width / 2) };
        let left = width.saturating_sub(4 + position + time + kind);
        let subject = if left >= 34 { 16 } else { left.min(14) };
        Self { position, time, kind, subject, rest: left.saturating_sub(subject) }
    }
}

fn line(row: &EventRow, columns: Columns, (chosen, focused): (bool, bool), shared: &Shared) -> Line<'static> {
    let theme = shared.theme;
    let mark = theme.glyphs.cut;
    let column = |text: &str, columns: usize| {
        if columns == 0 { String::new() } else { format!("{} ", fit(text, columns - 1, mark)) }
    };
    let (sign, style) = sign(&row.kind, theme);
    let position = if columns.position == 0 {
        String::new()
    } else {
        format!("{:>1$} ", format!("#{}", row.position), columns.position - 1)
    };
    let subject = row.subject.as_deref().map(|path| shared.path(path)).unwrap_or_default();
    let subject = subject.rsplit('/').next().unwrap_or_default().to_owned();
    let spans = vec![
        Span::styled(if chosen { theme.glyphs.pointer } else { "  " }, theme.accent()),
        Span::styled(position, theme.quiet()),
        Span::styled(column(&moment::brief(shared.now, row.occurred_at), columns.time), theme.quiet()),
        Span::styled(format!("{sign} "), style),
        Span::styled(column(&clean(&row.kind), columns.kind), style),
        Span::styled(column(&clean(&subject), columns.subject), theme.strong()),
        Span::raw(fit(&clean(&row.summary), columns.rest, mark)),
    ];
    if !(chosen && focused) {
        return Line::from(spans);
    }
    let style = theme.chosen(true);
    Line::from(spans.into_iter().map(|span| Span::styled(span.content, style)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_never_take_more_than_there_is() {
        for width in 0..200 {
            let c = Columns::of(width, 1_000_000);
            assert!(width < 24 || 4 + c.position + c.time + c.kind + c.subject + c.rest <= width, "{width}");
        }
    }
}
