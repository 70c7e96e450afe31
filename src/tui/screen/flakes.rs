//! Flakes: the list, the inputs of the chosen one as a tree, and the details of what is chosen.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use serde_json::{Value, json};

use super::{Narrow, Screen, Target};
use crate::domain::shell;
use crate::tui::action::Do;
use crate::tui::fuzzy;
use crate::tui::message::{Answer, Effect, Query};
use crate::tui::model::{Anatomy, FlakeRow};
use crate::tui::shared::Shared;
use crate::tui::widget::field::Field;
use crate::tui::widget::rows::Rows;
use crate::tui::widget::sheet::Scroll;
use crate::tui::widget::stride::Stride;

mod detail;

mod list;

mod outline;

mod place;

mod tree;

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pane {
    #[default]
    List,
    Inputs,
    Detail,
}

/// The state of the screen.
#[derive(Debug, Default)]
pub(super) struct Flakes {
    all: Vec<FlakeRow>,
    loaded: bool,
    /// Indices of the flakes that the search finds.
    found: Vec<usize>,
    list: Rows,
    /// The flake to stay on when the list is another.
    chosen: Option<String>,
    anatomy: Option<Anatomy>,
    open: BTreeSet<String>,
    tree: Vec<tree::Row>,
    inputs: Rows,
    input: Option<String>,
    detail: Scroll,
    focus: Pane,
    /// Whether the details are those of the input or of the flake.
    of_input: bool,
    /// The searches of list and tree, and which of them is being typed.
    find_flake: Field,
    find_input: Field,
    typing: bool,
}

impl Flakes {
    fn flake(&self) -> Option<&FlakeRow> {
        self.found.get(self.list.chosen(self.found.len())?).and_then(|index| self.all.get(*index))
    }

    /// What is known of the chosen flake; nothing while the answer is on its way.
    fn anatomy(&self) -> Option<&Anatomy> {
        self.anatomy.as_ref().filter(|anatomy| self.flake().is_some_and(|flake| flake.id == anatomy.flake))
    }

    fn row(&self) -> Option<&tree::Row> {
        self.anatomy()?;
        self.tree.get(self.inputs.chosen(self.tree.len())?)
    }

    /// Searches the list again and stays on the chosen flake when it is still there.
    fn search(&mut self) {
        let texts: Vec<String> = self.all.iter().map(list::haystack).collect();
        self.found = fuzzy::rank(self.find_flake.text(), &texts);
        let at = |id: &str| self.found.iter().position(|index| self.all.get(*index).is_some_and(|f| f.id == id));
        let row = self.chosen.as_deref().and_then(at).unwrap_or(0);
        self.list.choose(row);
    }

    /// Builds the tree again and stays on the chosen input when it is still there.
    fn grow(&mut self) {
        self.tree =
            self.anatomy.as_ref().map(|a| tree::rows(a, &self.open, self.find_input.text())).unwrap_or_default();
        if let Some(row) = self.input.as_deref().and_then(|path| self.tree.iter().position(|row| row.path == path)) {
            self.inputs.choose(row);
        }
    }

    /// The chosen row of the list is another: ask for its anatomy.
    fn settle(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.detail.go(Stride::First);
        let Some(flake) = self.flake().map(|flake| flake.id.clone()) else { return Vec::new() };
        if self.chosen.as_deref() != Some(&flake) {
            self.inputs.go(Stride::First, self.tree.len());
            self.input = None;
            self.tree.clear();
        }
        self.chosen = Some(flake.clone());
        vec![shared.ask(Query::Anatomy { flake, at: shared.at })]
    }

    fn settle_input(&mut self) {
        self.detail.go(Stride::First);
        self.input = self.row().map(|row| row.path.clone());
    }

    fn focus(&mut self, pane: Pane) {
        self.focus = pane;
        if pane != Pane::Detail {
            self.of_input = pane == Pane::Inputs;
        }
        if pane == Pane::Inputs {
            self.settle_input();
        }
    }

    fn fold(&mut self, open: bool) -> bool {
        let Some(row) = self.row().filter(|row| row.open == Some(!open)) else { return false };
        let path = row.path.clone();
        self.input = Some(path.clone());
        if open {
            self.open.insert(path);
        } else {
            self.open.remove(&path);
        }
        self.grow();
        true
    }

    /// To the input that this one is an input of.
    fn climb(&mut self) -> bool {
        let parent = self.row().and_then(|row| row.path.rsplit_once('/')).map(|(above, _)| above.to_owned());
        let Some(row) = parent.and_then(|path| self.tree.iter().position(|row| row.path == path)) else { return false };
        self.inputs.choose(row);
        self.settle_input();
        true
    }

    fn open(&mut self) {
        match self.focus {
            Pane::List => self.focus(Pane::Inputs),
            Pane::Inputs => {
                if !self.fold(true) {
                    self.focus(Pane::Detail);
                }
            }
            Pane::Detail => {}
        }
    }

    fn close(&mut self) {
        match self.focus {
            Pane::Detail => self.focus(if self.of_input { Pane::Inputs } else { Pane::List }),
            Pane::Inputs => {
                if !self.fold(false) && !self.climb() {
                    self.focus(Pane::List);
                }
            }
            Pane::List => {}
        }
    }

    fn back(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let (field, _) = self.find();
        if !field.text().is_empty() {
            *field = Field::default();
            return self.found_again(shared);
        }
        self.close();
        Vec::new()
    }
}

/// A flake as a command line names it: a path that is not text is not what is shown of it.
fn named(flake: &FlakeRow) -> Cow<'_, str> {
    if flake.path.contains(char::REPLACEMENT_CHARACTER) { Cow::Borrowed(&flake.id) } else { shell::word(&flake.path) }
}

impl Screen for Flakes {
    fn name(&self) -> &'static str {
        "flakes"
    }

    fn title(&self) -> (&'static str, Do) {
        ("Flakes", Do::Flakes)
    }

    fn ask(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let list = shared.ask(Query::Flakes(shared.at));
        let anatomy = self.chosen.clone().map(|flake| shared.ask(Query::Anatomy { flake, at: shared.at }));
        std::iter::once(list).chain(anatomy).collect()
    }

    fn answer(&mut self, answer: &Answer, shared: &mut Shared) -> Vec<Effect> {
        match answer {
            Answer::Flakes(flakes) => {
                self.all.clone_from(flakes);
                self.loaded = true;
                let before = self.chosen.clone();
                self.search();
                if self.flake().map(|flake| &flake.id) == before.as_ref() { Vec::new() } else { self.settle(shared) }
            }
            Answer::Anatomy(anatomy) => {
                self.anatomy = Some((**anatomy).clone());
                self.grow();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn perform(&mut self, what: Do, shared: &mut Shared) -> Vec<Effect> {
        if let Some(stride) = what.stride() {
            return self.go(stride, shared);
        }
        match what {
            Do::Back => return self.back(shared),
            Do::NextPane => self.focus(match self.focus {
                Pane::List => Pane::Inputs,
                Pane::Inputs => Pane::Detail,
                Pane::Detail => Pane::List,
            }),
            Do::PreviousPane => self.focus(match self.focus {
                Pane::List => Pane::Detail,
                Pane::Inputs => Pane::List,
                Pane::Detail => Pane::Inputs,
            }),
            Do::Open => self.open(),
            Do::Close => self.close(),
            Do::Toggle => {
                let _ = self.fold(true) || self.fold(false);
            }
            Do::OpenAll | Do::CloseAll => {
                let all = self.anatomy().map(tree::foldable).unwrap_or_default();
                self.open = if what == Do::OpenAll { all } else { BTreeSet::new() };
                self.grow();
            }
            Do::Find => {
                if self.focus == Pane::Detail {
                    self.focus(Pane::Inputs);
                }
                self.typing = true;
            }
            _ => {}
        }
        Vec::new()
    }

    fn is_typing(&self) -> bool {
        self.typing
    }

    fn go(&mut self, stride: Stride, shared: &mut Shared) -> Vec<Effect> {
        match self.focus {
            Pane::List => {
                let before = self.flake().map(|flake| flake.id.clone());
                self.list.go(stride, self.found.len());
                if self.flake().map(|flake| &flake.id) != before.as_ref() {
                    return self.settle(shared);
                }
            }
            Pane::Inputs => {
                self.inputs.go(stride, self.tree.len());
                self.settle_input();
            }
            Pane::Detail => self.detail.go(stride),
        }
        Vec::new()
    }

    fn focus_at(&mut self, at: Position) -> bool {
        let panes = [
            (Pane::List, self.list.contains(at)),
            (Pane::Inputs, self.inputs.contains(at)),
            (Pane::Detail, self.detail.contains(at)),
        ];
        let pane = panes.into_iter().find_map(|(pane, holds)| holds.then_some(pane));
        if let Some(pane) = pane {
            self.focus(pane);
        }
        pane.is_some()
    }

    fn find(&mut self) -> (&mut Field, &mut bool) {
        let field = if self.focus == Pane::List { &mut self.find_flake } else { &mut self.find_input };
        (field, &mut self.typing)
    }

    fn found_again(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if self.focus == Pane::List {
            let before = self.chosen.clone();
            self.search();
            return if self.flake().map(|flake| &flake.id) == before.as_ref() {
                Vec::new()
            } else {
                self.settle(shared)
            };
        }
        self.grow();
        self.settle_input();
        Vec::new()
    }

    fn target(&self) -> Target {
        let Some(flake) = self.flake() else { return Target::default() };
        let row = self.row().filter(|_| self.of_input);
        Target {
            id: Some(row.map_or_else(|| flake.id.clone(), |row| row.path.clone())),
            file: Some(place::of(flake, self.anatomy(), row)),
            source: row.and_then(|row| self.anatomy().map(|a| tree::source(a, row))).filter(|text| !text.is_empty()),
            event: None,
            flake: Some(flake.id.clone()),
            filtered: !self.find_flake.text().is_empty() || !self.find_input.text().is_empty(),
        }
    }

    fn visit(&mut self, _: Narrow, _: &mut Shared) -> Vec<Effect> {
        Vec::new()
    }

    fn command(&self) -> String {
        match self.flake() {
            Some(flake) if self.of_input => format!("flake inputs {}", named(flake)),
            Some(flake) if self.focus == Pane::Detail => format!("flake show {}", named(flake)),
            _ => "flake list".to_owned(),
        }
    }

    fn draw(&mut self, frame: &mut Frame, area: Rect, shared: &Shared) {
        if self.loaded && self.all.is_empty() {
            return list::empty(frame, area, shared);
        }
        let [list, inputs, detail] = panes(area, self.focus);
        if let Some(area) = list {
            list::draw(self, frame, area, shared);
        }
        if let Some(area) = inputs {
            outline::draw(self, frame, area, shared);
        }
        if let Some(area) = detail {
            detail::draw(self, frame, area, shared);
        }
    }

    fn save(&self) -> Value {
        json!({
            "flake": self.chosen, "input": self.input, "open": self.open,
            "find_flake": self.find_flake.text(), "find_input": self.find_input.text(),
        })
    }

    fn restore(&mut self, saved: &Value) {
        let text = |key: &str| saved.get(key).and_then(Value::as_str);
        self.chosen = text("flake").map(str::to_owned);
        self.input = text("input").map(str::to_owned);
        self.find_flake = Field::new(text("find_flake").unwrap_or_default());
        self.find_input = Field::new(text("find_input").unwrap_or_default());
        let open = saved.get("open").and_then(Value::as_array);
        self.open = open.into_iter().flatten().filter_map(|path| path.as_str().map(str::to_owned)).collect();
    }
}

/// Where list, inputs and details go: three panes, two around the one with the keys, or that one alone.
fn panes(area: Rect, focus: Pane) -> [Option<Rect>; 3] {
    match (area.width, focus) {
        (112.., _) => {
            let [list, inputs, detail] =
                Layout::horizontal([Constraint::Fill(27), Constraint::Fill(40), Constraint::Fill(33)]).areas(area);
            [Some(list), Some(inputs), Some(detail)]
        }
        (68.., Pane::List) => {
            let [list, inputs] = Layout::horizontal([Constraint::Fill(42), Constraint::Fill(58)]).areas(area);
            [Some(list), Some(inputs), None]
        }
        (68.., _) => {
            let [inputs, detail] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
            [None, Some(inputs), Some(detail)]
        }
        (_, Pane::List) => [Some(area), None, None],
        (_, Pane::Inputs) => [None, Some(area), None],
        (_, Pane::Detail) => [None, None, Some(area)],
    }
}
