//! Draws the details of what is chosen: a flake, or one of its inputs.

use std::path::Path;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::{Flakes, Pane, tree};
use crate::tui::model::{Anatomy, Change, FlakeRow, Problem};
use crate::tui::moment;
use crate::tui::shared::Shared;
use crate::tui::text::{clean, count};
use crate::tui::widget::pane;
use crate::tui::widget::sheet::Sheet;

/// How many recent changes are shown.
const CHANGES: usize = 30;
/// The column of labels.
const LABEL: usize = 11;

pub(super) fn draw(screen: &mut Flakes, frame: &mut Frame, area: Rect, shared: &Shared) {
    let row = screen.row().filter(|_| screen.of_input);
    let title = match (row, screen.flake()) {
        (Some(row), _) => row.path.clone(),
        (None, Some(flake)) => shared.path(&flake.path).rsplit('/').next().unwrap_or_default().to_owned(),
        (None, None) => "Details".to_owned(),
    };
    let title = clean(&title).into_owned();
    let frame_of = pane::Pane {
        title: &title,
        note: if row.is_some() { "input".to_owned() } else { "flake".to_owned() },
        corner: String::new(),
        focused: screen.focus == Pane::Detail,
    };
    let inner = frame_of.draw(frame, area, shared.theme);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let lines = match (screen.flake(), screen.anatomy(), row) {
        (Some(flake), Some(anatomy), Some(row)) => of_input(flake, anatomy, row, inner.width, shared),
        (Some(flake), anatomy, _) => of_flake(flake, anatomy, inner.width, shared),
        (None, ..) => Vec::new(),
    };
    screen.detail.draw(frame, area, inner, shared.theme, &lines);
}

/// The problems that name an input, in the flake's own two files: elsewhere the name means something else.
pub(super) fn problems<'a>(
    flake: &FlakeRow,
    anatomy: &'a Anatomy,
    row: &tree::Row,
) -> impl Iterator<Item = &'a Problem> {
    let names = [&row.path, &row.name].map(|name| format!("`{name}`"));
    let files = ["flake.nix", "flake.lock"].map(|name| Path::new(&flake.path).join(name));
    let is_own = move |problem: &Problem| files.iter().any(|file| file == Path::new(&problem.file));
    let is_named = move |problem: &Problem| names.iter().any(|name| problem.message.contains(name));
    anatomy.problems.iter().filter(move |problem| is_own(problem) && is_named(problem))
}

fn of_flake(flake: &FlakeRow, anatomy: Option<&Anatomy>, width: u16, shared: &Shared) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let plain = Style::new();
    let mut sheet = Sheet::new(theme, width, LABEL);
    if let Some(description) = &flake.description {
        sheet.text(description, theme.strong());
        sheet.line(Line::default());
    }
    sheet.field("path", &shared.path(&flake.path), plain);
    if let Some(lineage) = &flake.lineage {
        sheet.field("lineage", lineage, theme.source());
    }
    sheet.field("inputs", &format!("{}, {} locked", flake.inputs, count(flake.nodes, "node")), plain);
    if let Some(days) = super::list::nixpkgs_days(flake, shared) {
        sheet.field("nixpkgs", &format!("{} old", moment::days(days)), super::list::age_style(Some(days), theme));
    }
    sheet.field("id", &flake.id, theme.quiet());
    let Some(anatomy) = anatomy else { return sheet.into_lines() };
    list_problems(&mut sheet, anatomy.problems.iter(), shared);
    if !anatomy.duplicates.is_empty() {
        sheet.heading("Duplicates");
        for group in &anatomy.duplicates {
            sheet.item(theme.glyphs.duplicate, theme.warning(), &group.join(", "), plain);
        }
    }
    changes(&mut sheet, anatomy.changes.iter(), true, shared);
    sheet.into_lines()
}

fn of_input(flake: &FlakeRow, anatomy: &Anatomy, row: &tree::Row, width: u16, shared: &Shared) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let mut sheet = Sheet::new(theme, width, LABEL);
    declaration(&mut sheet, anatomy, row, shared);
    if let Some(node) = tree::node(anatomy, row) {
        sheet.heading("Locked");
        for (label, value) in &node.locked {
            let style = if label == "rev" { theme.strong() } else { Style::new() };
            sheet.field(label, value, style);
        }
        if let Some(modified) = node.modified {
            let text = format!("{}, {}", moment::short(modified), moment::ago(shared.time(), modified));
            sheet.field("made", &text, Style::new());
        }
        if let Some(since) = node.since {
            let text = format!("{}, {}", moment::short(since), moment::ago(shared.time(), since));
            sheet.field("here since", &text, Style::new());
        }
        if !node.original.is_empty() {
            sheet.heading("Asked for");
            for (label, value) in &node.original {
                sheet.field(label, value, Style::new());
            }
        }
    }
    if let Some(key) = &row.node {
        let followers = tree::followers(anatomy, key);
        if !followers.is_empty() {
            sheet.heading("Followed by");
            for path in followers {
                sheet.item(theme.glyphs.follows.trim(), theme.link(), &path, Style::new());
            }
        }
        let group = anatomy.duplicates.iter().find(|group| group.contains(key));
        for other in group.into_iter().flatten().filter(|other| *other != key) {
            sheet.heading("Also locked as");
            sheet.item(theme.glyphs.duplicate, theme.warning(), other, Style::new());
        }
    }
    list_problems(&mut sheet, problems(flake, anatomy, row), shared);
    changes(&mut sheet, anatomy.changes.iter().filter(|change| change.input == row.path), false, shared);
    sheet.into_lines()
}

fn declaration(sheet: &mut Sheet, anatomy: &Anatomy, row: &tree::Row, shared: &Shared) {
    let theme = shared.theme;
    let source = tree::source(anatomy, row);
    if !source.is_empty() {
        sheet.text(&source, theme.source());
    }
    match row.follows.as_deref() {
        Some("") => sheet.text("follows the flake itself", theme.link()),
        Some(to) => sheet.text(&format!("follows {to}"), theme.link()),
        None => {}
    }
    match row.state {
        tree::State::Plain => {}
        tree::State::NotLocked => sheet.text("! not in flake.lock: run `nix flake lock`", theme.warning()),
        tree::State::NotDeclared => sheet.text("! in flake.lock, but not in flake.nix any more", theme.warning()),
        tree::State::FromRegistry => sheet.text("! not declared: Nix asks the flake registry for it", theme.warning()),
    }
    if let Some(key) = &row.node {
        sheet.field("node", key, Style::new());
    }
    let is_flake =
        tree::declared(anatomy, row).map_or_else(|| tree::node(anatomy, row).is_none_or(|n| n.flake), |i| i.flake);
    if !is_flake {
        sheet.field("flake", "no, plain source", Style::new());
    }
    let overrides = tree::declared(anatomy, row).map(|input| input.overrides.as_slice()).unwrap_or_default();
    if !overrides.is_empty() {
        sheet.heading("Overrides");
        for (path, what) in overrides {
            sheet.field(path, what, theme.link());
        }
    }
}

fn list_problems<'a>(sheet: &mut Sheet, problems: impl Iterator<Item = &'a Problem>, shared: &Shared) {
    let theme = shared.theme;
    for (index, problem) in problems.enumerate() {
        if index == 0 {
            sheet.heading("Problems");
        }
        let (sign, style) = match problem.severity.as_str() {
            "error" => ("!!", theme.error()),
            "warning" => ("! ", theme.warning()),
            _ => ("i ", theme.quiet()),
        };
        sheet.item(sign, style, &problem.message, Style::new());
        let name = problem.file.rsplit('/').next().unwrap_or_default();
        let place = problem.line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
        sheet.item("  ", style, &format!("{place}  {}", problem.code), theme.quiet());
    }
}

fn changes<'a>(sheet: &mut Sheet, changes: impl Iterator<Item = &'a Change>, name: bool, shared: &Shared) {
    let theme = shared.theme;
    for (index, change) in changes.take(CHANGES).enumerate() {
        if index == 0 {
            sheet.heading("Recent changes");
        }
        let arrow = theme.glyphs.arrow;
        let what = match (&change.from, &change.to) {
            (Some(from), Some(to)) => format!("{from} {arrow} {to}"),
            (None, Some(to)) => format!("added {to}"),
            (Some(from), None) => format!("removed {from}"),
            (None, None) => "changed".to_owned(),
        };
        let (sign, style) = match (&change.from, &change.to) {
            (None, _) => ("+", theme.good()),
            (_, None) => ("-", theme.error()),
            _ => ("~", theme.accent()),
        };
        let text = if name { format!("{} {what}", change.input) } else { what };
        sheet.item(sign, style, &text, Style::new());
        if let Some(summary) = &change.summary {
            sheet.item(" ", style, summary, theme.quiet());
        }
        let by = change.author.as_deref().map(|author| format!(" by {author}")).unwrap_or_default();
        let commit = change.commit.as_deref().map(|id| format!(" in {}", id.chars().take(8).collect::<String>()));
        let line = format!("{}{}{by}", moment::short(change.occurred_at), commit.unwrap_or_default());
        sheet.item(" ", style, &line, theme.quiet());
    }
}
