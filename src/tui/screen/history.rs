//! History: every recorded event, newest first, filtered, and everything about the chosen one.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use serde_json::{Value, json};

use super::{Narrow, SAME, Screen, Target};
use crate::domain::shell;
use crate::tui::action::Do;
use crate::tui::message::{Answer, Effect, Query};
use crate::tui::model::{At, EventDetail, EventFilter, EventRow, Page};
use crate::tui::moment;
use crate::tui::shared::Shared;
use crate::tui::widget::field::Field;
use crate::tui::widget::rows::Rows;
use crate::tui::widget::sheet::Scroll;
use crate::tui::widget::stride::Stride;
use window::Window;

mod detail;

mod list;

mod place;

mod window;

/// The state of the screen.
#[derive(Debug, Default)]
pub(super) struct History {
    filter: EventFilter,
    at: At,
    window: Window,
    loaded: bool,
    list: Rows,
    detail: Option<EventDetail>,
    scroll: Scroll,
    /// Whether the keys go to the details.
    in_detail: bool,
    find: Field,
    typing: bool,
}

impl History {
    fn row(&self) -> Option<&EventRow> {
        self.window.get(self.list.chosen(self.window.len())?)
    }

    fn events(&self, page: Page, shared: &mut Shared) -> Effect {
        shared.ask(Query::Events { filter: self.filter.clone(), at: self.at, page })
    }

    /// Begins at the newest event again: the filter or the moment is another.
    fn begin(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.at = shared.at;
        self.list.go(Stride::First, self.window.len());
        vec![self.events(Page::Newest, shared)]
    }

    /// The chosen event is another: ask for it, and for the next page when an end is near.
    fn settle(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let mut effects = Vec::new();
        let known = self.detail.as_ref().map(|detail| detail.row.position);
        if let Some(position) = self.row().map(|row| row.position).filter(|position| known != Some(*position)) {
            self.scroll.go(Stride::First);
            effects.push(shared.ask(Query::Event(position)));
        }
        let chosen = self.list.chosen(self.window.len()).unwrap_or(0);
        if let Some(page) = self.window.wants(chosen) {
            effects.push(self.events(page, shared));
        }
        effects
    }

    /// The page that a move asks for, where what is held does not reach that far.
    fn beyond(&self, stride: Stride) -> Option<Page> {
        match stride {
            Stride::First if !self.window.is_whole() && !self.window.is_newest() => Some(Page::Newest),
            Stride::Last if !self.window.is_whole() => Some(Page::Oldest),
            _ => None,
        }
    }

    fn set(&mut self, filter: EventFilter, shared: &mut Shared) -> Vec<Effect> {
        self.filter = filter;
        self.in_detail = false;
        self.begin(shared)
    }

    fn narrow(&mut self, what: Do, shared: &mut Shared) -> Vec<Effect> {
        let Some(row) = self.row() else { return Vec::new() };
        let filter = self.filter.clone();
        let filter = if what == Do::FilterStream {
            EventFilter { stream: Some(row.stream.clone()), ..filter }
        } else {
            EventFilter { correlation: Some(row.correlation_id.clone()), ..filter }
        };
        self.set(filter, shared)
    }

    fn back(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if self.in_detail {
            self.in_detail = false;
            return Vec::new();
        }
        if self.filter.is_set() { self.clear(shared) } else { Vec::new() }
    }

    fn clear(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.find = Field::default();
        self.set(EventFilter::default(), shared)
    }

    fn page(&mut self, page: Page, rows: &[EventRow], end: bool, shared: &mut Shared) -> Vec<Effect> {
        let following = self.list.chosen(self.window.len()).unwrap_or(0) == 0 && self.window.is_newest();
        let before = self.row().map(EventRow::place);
        let shift = self.window.take(page, rows, end);
        self.loaded = true;
        match page {
            Page::Oldest => self.list.go(Stride::Last, self.window.len()),
            Page::OlderThan(_) | Page::NewerThan(_) if !(following && shift > 0) => self.list.shift(shift),
            Page::Again(..) => {
                let row = before.and_then(|place| self.window.find(place));
                self.list.choose(row.unwrap_or(0));
            }
            Page::Newest if !following => {
                let row = before.and_then(|place| self.window.find(place));
                self.list.choose(row.unwrap_or(0));
            }
            _ => self.list.go(Stride::First, self.window.len()),
        }
        self.settle(shared)
    }
}

impl Screen for History {
    fn name(&self) -> &'static str {
        "history"
    }

    fn title(&self) -> (&'static str, Do) {
        ("History", Do::History)
    }

    fn ask(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if !self.loaded || self.at != shared.at {
            return self.begin(shared);
        }
        // At the top the newest replace what is held; elsewhere the rows under the eye must not move.
        let following = self.list.chosen(self.window.len()).unwrap_or(0) == 0;
        let page = if self.window.is_newest() && following { Page::Newest } else { self.window.again() };
        vec![self.events(page, shared)]
    }

    fn answer(&mut self, answer: &Answer, shared: &mut Shared) -> Vec<Effect> {
        match answer {
            Answer::Events { page, rows, end } => self.page(*page, rows, *end, shared),
            Answer::Event(detail) => {
                self.detail = detail.as_deref().cloned();
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
            Do::Back => self.back(shared),
            Do::FilterStream | Do::FilterCause => self.narrow(what, shared),
            Do::ClearFilters => self.clear(shared),
            Do::NextPane | Do::PreviousPane | Do::Open | Do::Close => {
                self.in_detail = match what {
                    Do::Open => self.row().is_some(),
                    Do::Close => false,
                    _ => !self.in_detail,
                };
                Vec::new()
            }
            Do::Find => {
                self.in_detail = false;
                self.typing = true;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn is_typing(&self) -> bool {
        self.typing
    }

    fn go(&mut self, stride: Stride, shared: &mut Shared) -> Vec<Effect> {
        if self.in_detail {
            self.scroll.go(stride);
            return Vec::new();
        }
        if let Some(page) = self.beyond(stride) {
            return vec![self.events(page, shared)];
        }
        self.list.go(stride, self.window.len());
        self.settle(shared)
    }

    fn focus_at(&mut self, at: Position) -> bool {
        let (list, detail) = (self.list.contains(at), self.scroll.contains(at));
        self.in_detail = detail || self.in_detail && !list;
        list || detail
    }

    fn find(&mut self) -> (&mut Field, &mut bool) {
        (&mut self.find, &mut self.typing)
    }

    fn found_again(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let text = self.find.text().trim();
        let text = (!text.is_empty()).then(|| text.to_owned());
        self.set(EventFilter { text, ..self.filter.clone() }, shared)
    }

    fn target(&self) -> Target {
        let row = self.row();
        let detail = self.detail.as_ref().filter(|detail| row.is_some_and(|row| row.position == detail.row.position));
        let flake = row.and_then(|row| row.stream.strip_prefix("flake/").or(row.stream.strip_prefix("lock_history/")));
        Target {
            id: detail.map(|detail| detail.event_id.clone()),
            file: detail.and_then(place::of),
            source: None,
            event: row.map(|row| row.position),
            flake: flake.map(str::to_owned),
            filtered: self.filter.is_set(),
        }
    }

    fn visit(&mut self, to: Narrow, shared: &mut Shared) -> Vec<Effect> {
        let filter = match to {
            Narrow::Flake(flake) => {
                self.find = Field::default();
                EventFilter { flake: Some(flake), ..EventFilter::default() }
            }
            Narrow::Type(kind) => EventFilter { kind, ..self.filter.clone() },
            Narrow::Since(since) => EventFilter { since, ..self.filter.clone() },
        };
        self.set(filter, shared)
    }

    fn command(&self) -> String {
        if let (true, Some(row)) = (self.in_detail, self.row()) {
            return format!("event show {}", row.position);
        }
        let mut command = "log".to_owned();
        let flags = [
            ("type", self.filter.kind.clone()),
            ("flake", self.filter.flake.clone()),
            ("stream", self.filter.stream.clone()),
            ("correlation", self.filter.correlation.clone()),
            ("since", self.filter.since.map(moment::exact)),
            ("find", self.filter.text.clone()),
        ];
        for (flag, value) in flags {
            if let Some(value) = value {
                command.push_str(&shell::flag(flag, &value));
            }
        }
        command
    }

    fn likeness(&self) -> &'static str {
        // A search finds what is called alike as well.
        if self.filter.text.is_some() && !self.in_detail { "close to: " } else { SAME }
    }

    fn draw(&mut self, frame: &mut Frame, area: Rect, shared: &Shared) {
        let (list, detail) = match (area.width, self.in_detail) {
            (72.., _) => {
                let [list, detail] = Layout::horizontal([Constraint::Fill(63), Constraint::Fill(37)]).areas(area);
                (Some(list), Some(detail))
            }
            (_, false) => (Some(area), None),
            (_, true) => (None, Some(area)),
        };
        if let Some(area) = list {
            list::draw(self, frame, area, shared);
        }
        if let Some(area) = detail {
            detail::draw(self, frame, area, shared);
        }
    }

    fn save(&self) -> Value {
        let filter = &self.filter;
        json!({
            "type": filter.kind, "stream": filter.stream, "flake": filter.flake,
            "correlation": filter.correlation, "text": filter.text, "since": filter.since,
        })
    }

    fn restore(&mut self, saved: &Value) {
        let text = |key: &str| saved.get(key).and_then(Value::as_str).map(str::to_owned);
        self.filter = EventFilter {
            kind: text("type"),
            stream: text("stream"),
            flake: text("flake"),
            correlation: text("correlation"),
            text: text("text"),
            since: saved.get("since").and_then(Value::as_i64),
        };
        self.find = Field::new(self.filter.text.as_deref().unwrap_or_default());
    }
}
