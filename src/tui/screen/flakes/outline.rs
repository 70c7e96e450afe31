//! Draws the tree of inputs: folds, sources, follows, duplicates, ages.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::list::{chosen_line, gutter, marked, search};
use super::{Flakes, Pane, tree};
use crate::tui::model::Anatomy;
use crate::tui::moment;
use crate::tui::shared::Shared;
use crate::tui::text::{clean, cut, fit, width};
use crate::tui::theme::Theme;
use crate::tui::widget::pane::{self, scrollbar};

/// The column of ages.
const AGE: usize = 6;
/// The least room that a name gets before its source.
const NAME: usize = 16;

pub(super) fn draw(screen: &mut Flakes, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = shared.theme;
    let focused = screen.focus == Pane::Inputs;
    let name = screen.flake().map(|flake| shared.path(&flake.path)).unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    let copies = screen.anatomy().map_or(0, |anatomy| anatomy.duplicates.len());
    let frame_of = pane::Pane {
        title: "Inputs",
        note: format!("of {}", clean(&name)),
        corner: if copies == 0 { String::new() } else { format!("{copies} {} duplicated", theme.glyphs.duplicate) },
        focused,
    };
    let mut inner = frame_of.draw(frame, area, theme);
    if screen.typing && screen.focus != Pane::List || !screen.find_input.text().is_empty() {
        inner = search(frame, inner, theme, &screen.find_input, screen.typing && screen.focus != Pane::List);
    }
    let len = if screen.anatomy().is_some() { screen.tree.len() } else { 0 };
    let shown = screen.inputs.visible(len, inner);
    let Some(anatomy) = screen.anatomy() else { return };
    if len == 0 {
        let text = if screen.find_input.text().is_empty() { "no inputs" } else { "nothing found" };
        frame.render_widget(Paragraph::new(text).style(theme.quiet()), inner);
        return;
    }
    let chosen = screen.inputs.chosen(len).filter(|_| screen.of_input);
    let rows = screen.tree.get(shown.clone()).unwrap_or_default();
    let names = NAME.max(rows.iter().map(|row| row.depth * 2 + 2 + width(&row.name)).max().unwrap_or(0));
    let columns = Columns { all: usize::from(inner.width), names: names.min(usize::from(inner.width) * 2 / 5) };
    let lines: Vec<Line> = shown
        .clone()
        .zip(rows)
        .map(|(index, row)| {
            let spans = line(anatomy, row, columns, chosen == Some(index), screen.find_input.text(), shared);
            chosen_line(spans, chosen == Some(index), focused, theme)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
    scrollbar(frame, area, theme, len, &shown);
}

#[derive(Clone, Copy)]
struct Columns {
    all: usize,
    names: usize,
}

fn line(
    anatomy: &Anatomy,
    row: &tree::Row,
    columns: Columns,
    chosen: bool,
    query: &str,
    shared: &Shared,
) -> Vec<Span<'static>> {
    let theme = shared.theme;
    let glyphs = theme.glyphs;
    let fold = match row.open {
        Some(true) => glyphs.open,
        Some(false) => glyphs.closed,
        None => glyphs.leaf,
    };
    let indent = row.depth * 2;
    let name = cut(&clean(&row.name), columns.names.saturating_sub(indent + 2), glyphs.cut);
    let pad = columns.names.saturating_sub(indent + 2 + width(&name));
    let mut spans = vec![gutter(theme, chosen), Span::raw(" ".repeat(indent)), Span::styled(fold, theme.quiet())];
    let style = if row.depth == 0 { theme.strong() } else { ratatui::style::Style::new() };
    spans.extend(marked(&name, query, style, theme));
    spans.push(Span::raw(" ".repeat(pad + 1)));
    let room = columns.all.saturating_sub(2 + columns.names + 1 + 1 + AGE);
    spans.extend(about(anatomy, row, room, theme));
    let modified = tree::node(anatomy, row).filter(|_| row.follows.is_none()).and_then(|node| node.modified);
    let age = modified.map(|time| moment::age(shared.time(), time)).unwrap_or_default();
    spans.push(Span::styled(format!(" {age:>AGE$}"), theme.quiet()));
    spans
}

/// What stands behind the name: whom it follows, what is wrong, how many copies there are, where it comes from.
fn about(anatomy: &Anatomy, row: &tree::Row, room: usize, theme: Theme) -> Vec<Span<'static>> {
    let glyphs = theme.glyphs;
    let mut spans = Vec::new();
    let mut left = room;
    let mut say = |text: String, style| {
        let text = cut(&text, left, glyphs.cut);
        left = left.saturating_sub(width(&text));
        spans.push(Span::styled(text, style));
    };
    match row.state {
        tree::State::Plain => {}
        tree::State::NotLocked => say("! not locked ".to_owned(), theme.warning()),
        tree::State::NotDeclared => say("! not declared ".to_owned(), theme.warning()),
        tree::State::FromRegistry => say("! registry ".to_owned(), theme.warning()),
    }
    if let Some(to) = &row.follows {
        let to = if to.is_empty() { "the flake itself".to_owned() } else { clean(to).into_owned() };
        say(format!("{}{to}", glyphs.follows), theme.link());
    } else {
        let copies = anatomy.duplicates.iter().find(|group| row.node.as_ref().is_some_and(|key| group.contains(key)));
        if let Some(group) = copies {
            say(format!("{}{} ", glyphs.duplicate, group.len()), theme.warning());
        }
        say(clean(&tree::source(anatomy, row)).into_owned(), theme.source());
    }
    spans.push(Span::raw(fit("", left, "")));
    spans
}
