//! Fleet: every machine whose events are here, how fresh they are, and the flakes and troubles of the chosen one.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use serde_json::{Value, json};

use super::{Narrow, Screen, Target};
use crate::tui::action::Do;
use crate::tui::message::{Answer, Effect, Query};
use crate::tui::model::{Fleet as Known, FleetFlake, Machine};
use crate::tui::shared::Shared;
use crate::tui::text::{clean, count, cut, fit};
use crate::tui::theme::Theme;
use crate::tui::widget::field::Field;
use crate::tui::widget::pane::{self, scrollbar};
use crate::tui::widget::rows::Rows;
use crate::tui::widget::sheet::{Scroll, Sheet};
use crate::tui::widget::stride::Stride;
use crate::tui::{fuzzy, moment};

mod sync;

/// The column of labels.
const LABEL: usize = 8;
/// The column of ages.
const AGE: usize = 6;
/// The column of numbers of flakes.
const COUNT: usize = 5;

/// The state of the screen.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    known: Known,
    loaded: bool,
    /// Indices of the machines that the search finds.
    found: Vec<usize>,
    list: Rows,
    /// The machine to stay on when the list is another: its public key.
    chosen: Option<String>,
    scroll: Scroll,
    /// Whether the keys go to the details.
    in_detail: bool,
    find: Field,
    typing: bool,
}

impl Fleet {
    fn machine(&self) -> Option<&Machine> {
        let index = self.found.get(self.list.chosen(self.found.len())?)?;
        self.known.machines.get(*index)
    }

    /// Searches again and stays on the chosen machine when it is still there.
    fn search(&mut self) {
        let all = &self.known.machines;
        let texts: Vec<String> = all.iter().map(|it| format!("{}{}", name(it), mark(it, all))).collect();
        self.found = fuzzy::rank(self.find.text(), &texts);
        let at = |key: &str| {
            self.found.iter().position(|index| self.known.machines.get(*index).is_some_and(|it| it.origin == key))
        };
        let row = self.chosen.as_deref().and_then(at).unwrap_or(0);
        self.list.choose(row);
        self.settle();
    }

    fn settle(&mut self) {
        let now = self.machine().map(|machine| machine.origin.clone());
        if now.is_some() && now != self.chosen {
            self.chosen = now;
            self.scroll.go(Stride::First);
        }
    }

    fn back(&mut self) {
        if self.in_detail {
            self.in_detail = false;
        } else {
            self.find = Field::default();
            self.search();
        }
    }
}

impl Screen for Fleet {
    fn name(&self) -> &'static str {
        "fleet"
    }

    fn title(&self) -> (&'static str, Do) {
        ("Fleet", Do::Fleet)
    }

    fn ask(&mut self, shared: &mut Shared) -> Vec<Effect> {
        vec![shared.ask(Query::Fleet)]
    }

    fn answer(&mut self, answer: &Answer, _: &mut Shared) -> Vec<Effect> {
        if let Answer::Fleet(known) = answer {
            self.known = (**known).clone();
            self.loaded = true;
            self.search();
        }
        Vec::new()
    }

    fn perform(&mut self, what: Do, shared: &mut Shared) -> Vec<Effect> {
        if let Some(stride) = what.stride() {
            return self.go(stride, shared);
        }
        match what {
            Do::Back => self.back(),
            Do::NextPane | Do::PreviousPane => self.in_detail = !self.in_detail && self.machine().is_some(),
            Do::Open => self.in_detail = self.machine().is_some(),
            Do::Close => self.in_detail = false,
            Do::Find => {
                self.in_detail = false;
                self.typing = true;
            }
            _ => {}
        }
        Vec::new()
    }

    fn is_typing(&self) -> bool {
        self.typing
    }

    fn go(&mut self, stride: Stride, _: &mut Shared) -> Vec<Effect> {
        if self.in_detail {
            self.scroll.go(stride);
        } else {
            self.list.go(stride, self.found.len());
            self.settle();
        }
        Vec::new()
    }

    fn focus_at(&mut self, at: Position) -> bool {
        let (list, detail) = (self.list.contains(at), self.scroll.contains(at));
        self.in_detail = detail || self.in_detail && !list;
        list || detail
    }

    fn find(&mut self) -> (&mut Field, &mut bool) {
        (&mut self.find, &mut self.typing)
    }

    fn found_again(&mut self, _: &mut Shared) -> Vec<Effect> {
        self.search();
        Vec::new()
    }

    fn target(&self) -> Target {
        Target {
            id: self.machine().map(|machine| machine.origin.clone()),
            filtered: !self.find.text().is_empty(),
            ..Target::default()
        }
    }

    fn visit(&mut self, _: Narrow, _: &mut Shared) -> Vec<Effect> {
        Vec::new()
    }

    fn command(&self) -> String {
        if self.in_detail { "fleet flakes".to_owned() } else { "fleet".to_owned() }
    }

    fn draw(&mut self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let (list, detail) = match (area.width, self.in_detail) {
            (68.., _) => {
                let [list, detail] = Layout::horizontal([Constraint::Fill(42), Constraint::Fill(58)]).areas(area);
                (Some(list), Some(detail))
            }
            (_, false) => (Some(area), None),
            (_, true) => (None, Some(area)),
        };
        if let Some(area) = list {
            draw_list(self, frame, area, shared);
        }
        if let Some(area) = detail {
            draw_detail(self, frame, area, shared);
        }
    }

    fn save(&self) -> Value {
        json!({ "machine": self.chosen, "find": self.find.text() })
    }

    fn restore(&mut self, saved: &Value) {
        let text = |key: &str| saved.get(key).and_then(Value::as_str);
        self.chosen = text("machine").map(str::to_owned);
        self.find = Field::new(text("find").unwrap_or_default());
    }
}

/// What a machine is called: `ada@desk`.
fn name(machine: &Machine) -> String {
    format!("{}@{}", machine.user, machine.host)
}

/// The beginning of a machine's key, after a space, where another one is called the same: as much of it as tells them apart. Empty
/// for every other.
fn mark(machine: &Machine, all: &[Machine]) -> String {
    const LEAST: usize = 6;
    let same = |other: &&Machine| {
        other.origin != machine.origin && (other.host == machine.host) && (other.user == machine.user)
    };
    let common = |other: &Machine| {
        other.origin.bytes().zip(machine.origin.bytes()).take_while(|(theirs, ours)| theirs == ours).count()
    };
    let longest = all.iter().filter(same).map(common).max();
    let key = longest.map(|common| machine.origin.get(..LEAST.max(common + 1)).unwrap_or(&machine.origin));
    key.map(|key| format!(" {key}")).unwrap_or_default()
}

fn draw_list(screen: &mut Fleet, frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = shared.theme;
    let (total, found) = (screen.known.machines.len(), screen.found.len());
    let frame_of = pane::Pane {
        title: "Machines",
        note: if found == total { total.to_string() } else { format!("{found} of {total}") },
        corner: "flakes, heard".to_owned(),
        focused: !screen.in_detail,
    };
    let mut inner = frame_of.draw(frame, area, theme);
    if screen.typing || !screen.find.text().is_empty() {
        let [line, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
        if screen.typing {
            screen.find.draw(frame, line, theme, "/ ");
        } else {
            let text = cut(screen.find.text(), usize::from(line.width).saturating_sub(2), theme.glyphs.cut);
            frame.render_widget(Line::from(vec![Span::styled("/ ", theme.accent()), Span::raw(text)]), line);
        }
        inner = rest;
    }
    let shown = screen.list.visible(found, inner);
    let chosen = screen.list.chosen(found);
    let machines = shown.clone().filter_map(|row| Some((row, screen.known.machines.get(*screen.found.get(row)?)?)));
    let lines: Vec<Line> = machines
        .map(|(row, machine)| {
            let mark = mark(machine, &screen.known.machines);
            line((machine, &mark), usize::from(inner.width), (chosen == Some(row), frame_of.focused), shared)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
    scrollbar(frame, area, theme, found, &shown);
    if found == 0 && screen.loaded {
        frame.render_widget(Paragraph::new("nothing found").style(theme.quiet()), inner);
    }
}

/// A sign, so that a state can be told without colours.
fn sign(machine: &Machine, theme: Theme) -> (&'static str, Style) {
    match (machine.state.as_str(), machine.behind) {
        ("active", 0) => (" ", theme.quiet()),
        ("active", _) => ("~", theme.accent()),
        ("retired", _) => ("-", theme.quiet()),
        _ => ("!", theme.error()),
    }
}

fn line(
    (machine, mark): (&Machine, &str),
    columns: usize,
    (chosen, focused): (bool, bool),
    shared: &Shared,
) -> Line<'static> {
    let theme = shared.theme;
    let (sign, style) = sign(machine, theme);
    // What tells it apart is not cut off.
    let room = columns.saturating_sub(2 + 2 + mark.len() + COUNT + 1 + AGE + 1);
    let own = if machine.own { " (this one)" } else { "" };
    let heard = machine.recorded_at.map_or_else(|| "never".to_owned(), |at| moment::age(shared.now, at));
    let spans = vec![
        Span::styled(if chosen { theme.glyphs.pointer } else { "  " }, theme.accent()),
        Span::styled(format!("{sign} "), style),
        Span::styled(fit(&clean(&format!("{}{own}", name(machine))), room, theme.glyphs.cut), theme.strong()),
        Span::styled(clean(mark).into_owned(), theme.quiet()),
        Span::raw(format!("{:>COUNT$} ", machine.flakes)),
        Span::styled(format!("{heard:>AGE$} "), theme.quiet()),
    ];
    if !(chosen && focused) {
        return Line::from(spans);
    }
    let style = theme.chosen(true);
    Line::from(spans.into_iter().map(|span| Span::styled(span.content, style)).collect::<Vec<_>>())
}

fn draw_detail(screen: &mut Fleet, frame: &mut Frame, area: Rect, shared: &Shared) {
    let title = |machine| clean(&format!("{}{}", name(machine), mark(machine, &screen.known.machines))).into_owned();
    let title = screen.machine().map_or_else(|| "Machine".to_owned(), title);
    let frame_of = pane::Pane { title: &title, focused: screen.in_detail, ..pane::Pane::default() };
    let inner = frame_of.draw(frame, area, shared.theme);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let lines = screen.machine().map(|machine| sheet(machine, &screen.known, inner.width, shared)).unwrap_or_default();
    screen.scroll.draw(frame, area, inner, shared.theme, &lines);
}

fn sheet(machine: &Machine, known: &Known, width: u16, shared: &Shared) -> Vec<Line<'static>> {
    let (theme, plain) = (shared.theme, Style::new());
    let mut sheet = Sheet::new(theme, width, LABEL);
    sheet.field("origin", &machine.origin, theme.quiet());
    let style = if machine.state == "active" { theme.good() } else { theme.error() };
    sheet.field("state", &machine.state, style);
    if let Some(reason) = &machine.reason {
        sheet.field("why", reason, theme.warning());
    }
    let heard = machine.recorded_at.map_or_else(|| "never".to_owned(), moment::long);
    sheet.field("heard", &heard, plain);
    sheet.field("shared", &count(machine.sequence, "event"), plain);
    // What this machine has not sent is said below, with why.
    if machine.behind > 0 && !(machine.own && known.sync.is_some()) {
        let what = if machine.own { "not sent yet" } else { "known to be missing here" };
        sheet.field("behind", &format!("{} {what}", count(machine.behind, "event")), theme.warning());
    }
    if machine.own {
        sync::draw(&mut sheet, known.sync.as_ref(), shared);
    }
    for parked in known.parked.iter().filter(|parked| parked.origin.as_ref() == Some(&machine.origin)) {
        sheet.heading("Parked");
        sheet.item("!", theme.warning(), &parked.reason, plain);
        sheet.text(&format!("{}: cim-nix sync parked show {}", moment::short(parked.since), parked.id), theme.quiet());
    }
    let mut lineage = None;
    for flake in known.flakes.iter().filter(|flake| flake.origin == machine.origin) {
        if lineage != Some(&flake.lineage) {
            sheet.heading(&clean(flake.lineage.as_deref().unwrap_or("without a remote")));
            lineage = Some(&flake.lineage);
        }
        self::flake(&mut sheet, flake, machine.own, known, shared);
    }
    sheet.into_lines()
}

/// A flake with its nixpkgs, and whether another machine has a newer one of the same lineage.
fn flake(sheet: &mut Sheet, flake: &FleetFlake, own: bool, known: &Known, shared: &Shared) {
    let theme = shared.theme;
    // Only paths of this machine lie in this user's home.
    let path = if own { shared.path(&flake.path) } else { flake.path.clone() };
    sheet.text(&path, theme.strong());
    let rev = flake.rev.as_deref().map_or("no nixpkgs", |rev| rev.get(..8).unwrap_or(rev));
    let age = flake.nixpkgs_modified.map(|at| format!(", made {}", moment::ago(shared.now, at))).unwrap_or_default();
    sheet.text(&format!("  nixpkgs {rev}{age}"), Style::new());
    let newer = known.flakes.iter().filter(|other| other.lineage.is_some() && other.lineage == flake.lineage);
    let newest =
        newer.filter(|other| other.nixpkgs_modified > flake.nixpkgs_modified).max_by_key(|it| it.nixpkgs_modified);
    if let Some(newest) = newest {
        let machine = known.machines.iter().find(|machine| machine.origin == newest.origin);
        let mark = machine.map(|machine| mark(machine, &known.machines)).unwrap_or_default();
        sheet.text(&format!("  newer on {}{mark}: {}", newest.host, newest.path), theme.warning());
    }
}
