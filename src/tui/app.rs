//! The state of the interface and how a message changes it. Pure: what must be done in the world is returned as
//! effects, so that everything here is tested without a terminal.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, MouseEvent};
use ratatui::Frame;
use ratatui::layout::{Position, Size};
use serde_json::{Value, json};

use super::action::{ACTIONS, Action, Do, Need, entry};
use super::keymap::{self, Key};
use super::message::{Answer, Effect, Message, Query, ScanNews};
use super::model::At;
use super::overlay::{Overlay, Wish};
use super::screen::{self, Narrow, SAME, Screen, Target};
use super::shared::Shared;
use super::{chrome, moment, overlay};
use crate::domain::shell;

/// The whole interface.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) shared: Shared,
    screens: Vec<Box<dyn Screen>>,
    current: usize,
    overlay: Option<Overlay>,
}

impl App {
    /// The interface before its first message.
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared, screens: screen::all(), current: 0, overlay: None }
    }

    /// What is asked at the very beginning.
    pub(crate) fn start(&mut self) -> Vec<Effect> {
        self.ask()
    }

    /// Takes one message; says what must be done.
    pub(crate) fn update(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Clock(now) => self.shared.now = now,
            Message::Resize(width, height) => self.shared.size = Size::new(width, height),
            Message::Key(key) if key.kind != KeyEventKind::Release => return self.key(key),
            Message::Paste(text) => return self.paste(&text),
            Message::Mouse(mouse) => return self.mouse(mouse),
            Message::Answer(ticket, answer) if self.shared.awaits(ticket) => return self.answer(answer),
            Message::Refused(ticket, why) if self.shared.awaits(ticket) => self.shared.complain(why),
            Message::Key(_) | Message::Answer(..) | Message::Refused(..) => {}
            Message::Changed if self.shared.at == At::Now => return self.ask(),
            Message::Changed => return vec![self.shared.ask(Query::Summary(self.shared.at))],
            Message::Scan(news) => return self.scan(news),
            Message::Edited(Ok(())) => return self.ask(),
            Message::Edited(Err(why)) => self.shared.complain(why),
            Message::Copied(way) => self.shared.say(way),
            Message::Terminate | Message::Panicked | Message::Replaced(_) => return vec![Effect::Quit],
            Message::Suspend => return vec![Effect::Suspend],
            Message::NoShell => self.shared.say("there is no shell to go to"),
            Message::Resumed => return vec![Effect::Retake],
        }
        Vec::new()
    }

    /// Draws everything.
    pub(crate) fn draw(&mut self, frame: &mut Frame) {
        let area = frame.area();
        let Some(body) = chrome::draw(frame, area, &self.shared, &self.chrome()) else { return };
        if let Some(screen) = self.screens.get_mut(self.current) {
            screen.draw(frame, body, &self.shared);
        }
        if let Some(overlay) = &mut self.overlay {
            overlay.draw(frame, area, &self.shared);
        }
    }

    /// What is worth remembering until the next start.
    pub(crate) fn save(&self) -> Value {
        let screens: serde_json::Map<String, Value> =
            self.screens.iter().map(|screen| (screen.name().to_owned(), screen.save())).collect();
        json!({ "screen": self.screen().map(Screen::name), "screens": screens })
    }

    /// Takes what was remembered.
    pub(crate) fn restore(&mut self, saved: &Value) {
        for screen in &mut self.screens {
            if let Some(saved) = saved.get("screens").and_then(|screens| screens.get(screen.name())) {
                screen.restore(saved);
            }
        }
        let name = saved.get("screen").and_then(Value::as_str);
        self.current = self.screens.iter().position(|screen| Some(screen.name()) == name).unwrap_or(0);
    }

    fn screen(&self) -> Option<&dyn Screen> {
        self.screens.get(self.current).map(AsRef::as_ref)
    }

    fn name(&self) -> &'static str {
        self.screen().map_or("", Screen::name)
    }

    fn target(&self) -> Target {
        self.screen().map(Screen::target).unwrap_or_default()
    }

    /// The command line that prints what is shown.
    fn command(&self) -> String {
        let db = self.shared.named.as_deref().map(|db| shell::flag("db", db)).unwrap_or_default();
        if let Some(command) = self.overlay.as_ref().and_then(Overlay::command) {
            return format!("cim-nix{db} {command}");
        }
        let command = self.screen().map(Screen::command).unwrap_or_default();
        let at = moment::flag(self.shared.at).map(|at| format!(" --at '{at}'")).unwrap_or_default();
        format!("cim-nix{db} {command}{at}")
    }

    fn chrome(&self) -> chrome::Words {
        chrome::Words {
            tabs: self.screens.iter().map(|screen| screen.title()).collect(),
            current: self.current,
            command: self.command(),
            likeness: self.screen().map_or(SAME, Screen::likeness),
            typing: self.screen().is_some_and(Screen::is_typing),
        }
    }

    /// Asks for everything that is shown.
    fn ask(&mut self) -> Vec<Effect> {
        let mut effects = self.screens.get_mut(self.current).map(|s| s.ask(&mut self.shared)).unwrap_or_default();
        effects.push(self.shared.ask(Query::Summary(self.shared.at)));
        effects
    }

    fn on_screen(&mut self, go: impl FnOnce(&mut dyn Screen, &mut Shared) -> Vec<Effect>) -> Vec<Effect> {
        self.screens.get_mut(self.current).map(|screen| go(screen.as_mut(), &mut self.shared)).unwrap_or_default()
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.shared.notice = None;
        let meant = Key::from(key);
        if let Some(overlay) = &mut self.overlay {
            let wish = overlay.key(key, &mut self.shared);
            return self.grant(wish);
        }
        let always = [Key::parse("ctrl-c"), Key::parse("ctrl-z"), Key::parse("ctrl-l"), Key::parse("ctrl-p")];
        if self.screen().is_some_and(Screen::is_typing) && !always.contains(&Some(meant)) {
            return self.on_screen(|screen, shared| screen.key(key, shared));
        }
        match keymap::lookup(meant, self.name()) {
            Some(action) => self.perform(action),
            None => self.unknown(key),
        }
    }

    fn unknown(&mut self, key: KeyEvent) -> Vec<Effect> {
        #[cfg(debug_assertions)]
        if key.code == KeyCode::F(12) && std::env::var_os("CIM_NIX_TEST_PANIC").is_some() {
            return vec![Effect::Panic];
        }
        if let KeyCode::Char(c) = key.code {
            let c = super::text::clean(&c.to_string()).into_owned();
            self.shared.say(format!("`{c}` means nothing here; ? shows the keys"));
        }
        Vec::new()
    }

    fn paste(&mut self, text: &str) -> Vec<Effect> {
        if let Some(overlay) = &mut self.overlay {
            overlay.paste(text);
            return Vec::new();
        }
        if self.screen().is_some_and(Screen::is_typing) {
            return self.on_screen(|screen, shared| screen.paste(text, shared));
        }
        Vec::new()
    }

    fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        let at = Position::new(mouse.column, mouse.row);
        if self.overlay.is_some() {
            return Vec::new();
        }
        if let Some(tab) = chrome::tab_at(&self.chrome(), at).filter(|_| mouse.kind.is_down()) {
            return self.go(tab);
        }
        self.on_screen(|screen, shared| screen.mouse(mouse.kind, at, shared))
    }

    fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        match answer {
            Answer::Summary(summary) => self.shared.summary = Some(summary),
            Answer::Step(at) => return self.look_at(self.no_later_than_now(at)),
            Answer::Difference(rows) => {
                let (from, to) = (self.shared.mark.unwrap_or_default(), self.shared.at);
                self.overlay = Some(overlay::difference(from, to, &rows, &self.shared));
            }
            answer => {
                let shared = &mut self.shared;
                return self.screens.iter_mut().flat_map(|screen| screen.answer(&answer, shared)).collect();
            }
        }
        Vec::new()
    }

    fn scan(&mut self, news: ScanNews) -> Vec<Effect> {
        match news {
            ScanNews::Progress(text) => {
                self.shared.scan = Some(text);
                return Vec::new();
            }
            ScanNews::Done(Ok(text)) => {
                self.shared.has_roots = true;
                self.shared.say(text);
            }
            ScanNews::Done(Err(why)) => self.shared.complain(why),
        }
        self.shared.scan = None;
        self.shared.stopping = false;
        self.ask()
    }

    /// Why an action is not possible now; none when it is.
    fn refusal(&self, action: &Action) -> Option<&'static str> {
        let target = self.target();
        let there = |need: &Need| match need {
            Need::Choice => target.id.is_some(),
            Need::File => target.file.is_some(),
            Need::Source => target.source.is_some(),
            Need::Event => target.event.is_some(),
            Need::Flake => target.flake.is_some(),
            Need::Past => self.shared.at != At::Now,
            Need::Mark => self.shared.mark.is_some(),
            Need::Filter => target.filtered,
            Need::NoScan => self.shared.scan.is_none(),
            Need::Scan => self.shared.scan.is_some(),
        };
        action.needs.iter().find(|need| !there(need)).map(|need| need.missing())
    }

    fn perform(&mut self, action: &Action) -> Vec<Effect> {
        if let Some(why) = self.refusal(action) {
            self.shared.say(format!("{}: {why}", action.title.to_lowercase()));
            return Vec::new();
        }
        let target = self.target();
        match action.what {
            Do::Quit => return vec![Effect::Quit],
            Do::Suspend => return vec![Effect::Suspend],
            Do::Redraw => return std::iter::once(Effect::Redraw).chain(self.ask()).collect(),
            Do::Help => self.overlay = Some(overlay::help(self.name())),
            Do::Palette => self.overlay = Some(self.palette()),
            Do::Flakes | Do::History | Do::Fleet => return self.go_to(action.what),
            Do::HistoryOfFlake => return self.history_of(target.flake),
            Do::Earlier | Do::Later => {
                let forward = action.what == Do::Later;
                return vec![self.shared.ask(Query::Step { from: self.shared.at, forward })];
            }
            Do::DayEarlier => return self.move_day(-moment::DAY),
            Do::DayLater => return self.move_day(moment::DAY),
            Do::GoTo => self.overlay = Some(overlay::ask_moment()),
            Do::FilterSince => self.overlay = Some(overlay::ask_since()),
            Do::FilterType => self.overlay = Some(overlay::types()),
            Do::Present => return self.look_at(At::Now),
            Do::AsOf => return target.event.map(|event| self.look_at(At::Position(event))).unwrap_or_default(),
            Do::Mark => self.mark(),
            Do::Diff => {
                let mark = self.shared.mark.unwrap_or_default();
                return vec![self.shared.ask(Query::Difference(mark, self.shared.at))];
            }
            Do::Scan => self.overlay = Some(overlay::ask_scan(&self.shared)),
            Do::StopScan => {
                self.shared.stopping = true;
                return vec![Effect::StopScan];
            }
            Do::Edit => return target.file.map(|(path, spot)| Effect::Edit(path, spot)).into_iter().collect(),
            Do::CopyId => return target.id.map(Effect::Copy).into_iter().collect(),
            Do::CopyPath => {
                return target.file.map(|(path, _)| Effect::Copy(path.display().to_string())).into_iter().collect();
            }
            Do::CopySource => return target.source.map(Effect::Copy).into_iter().collect(),
            Do::CopyCommand => return vec![Effect::Copy(self.command())],
            what => return self.on_screen(|screen, shared| screen.perform(what, shared)),
        }
        Vec::new()
    }

    fn palette(&self) -> Overlay {
        let entries = ACTIONS.iter().filter(|action| action.is_on(self.name()) && action.what != Do::Palette);
        overlay::palette(entries.map(|action| (action, self.refusal(action))))
    }

    /// Does what an overlay was left with.
    fn grant(&mut self, wish: Wish) -> Vec<Effect> {
        if !matches!(wish, Wish::Stay) {
            self.overlay = None;
        }
        match wish {
            Wish::Stay | Wish::Close => Vec::new(),
            Wish::Do(what) => entry(what).map(|action| self.perform(action)).unwrap_or_default(),
            Wish::LookAt(at) => self.look_at(at),
            Wish::Narrow(to) => self.on_screen(|screen, shared| screen.visit(to, shared)),
            Wish::Scan(path) => {
                self.shared.scan = Some("starting".to_owned());
                vec![Effect::Scan(path.into_iter().collect())]
            }
        }
    }

    fn go(&mut self, screen: usize) -> Vec<Effect> {
        self.current = screen;
        self.ask()
    }

    fn go_to(&mut self, what: Do) -> Vec<Effect> {
        let screen = self.screens.iter().position(|screen| screen.title().1 == what);
        screen.map(|screen| self.go(screen)).unwrap_or_default()
    }

    fn history_of(&mut self, flake: Option<String>) -> Vec<Effect> {
        let Some(flake) = flake else { return Vec::new() };
        let mut effects = self.go_to(Do::History);
        let to = Narrow::Flake(flake);
        effects.extend(self.on_screen(|screen, shared| screen.visit(to, shared)));
        effects
    }

    fn look_at(&mut self, at: At) -> Vec<Effect> {
        if at == self.shared.at {
            self.shared.say(if at == At::Now { "this is the present" } else { "there is nothing before this" });
            return Vec::new();
        }
        self.shared.at = at;
        match at {
            At::Now => self.shared.say("back to now"),
            at => self.shared.say(format!("as of {}; n comes back to now", moment::name(at))),
        }
        self.ask()
    }

    /// A day back or on, from the moment that is looked at; what lies ahead of the present is the present.
    fn move_day(&mut self, by: i64) -> Vec<Effect> {
        let at = match self.shared.at {
            At::Now => At::Occurred(self.shared.now.saturating_add(by)),
            At::Occurred(time) => At::Occurred(time.saturating_add(by)),
            At::Seen(time) => At::Seen(time.saturating_add(by)),
            At::Position(from) => return vec![self.shared.ask(Query::Day { from, by })],
        };
        self.look_at(self.no_later_than_now(at))
    }

    const fn no_later_than_now(&self, at: At) -> At {
        match at {
            At::Occurred(time) | At::Seen(time) if time >= self.shared.now => At::Now,
            at => at,
        }
    }

    fn mark(&mut self) {
        let at = match self.shared.at {
            At::Now => At::Position(self.shared.summary.as_ref().map_or(0, |summary| summary.head)),
            at => at,
        };
        self.shared.mark = Some(at);
        self.shared.say(format!("marked {}; d compares another moment with it", moment::name(at)));
    }
}

#[cfg(test)]
mod tests;
