//! What frames every screen: tabs and the moment above, the ledger and the keys below.

use std::fmt::Write as _;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::action::{Do, entry};
use super::model::{At, Sync};
use super::moment;
use super::shared::Shared;
use super::text::{clean, count, cut, cut_left, thousands, width};
use super::theme::Theme;

/// The least size that can be used.
const LEAST: (u16, u16) = (20, 5);
/// From this height on the ledger has a line of its own.
const ROOMY: u16 = 14;
/// The name at the left of the tabs, air included.
const NAME: &str = " cim-nix  ";

/// What the frame says about the screen inside.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) tabs: Vec<(&'static str, Do)>,
    pub(super) current: usize,
    pub(super) command: String,
    pub(super) likeness: &'static str,
    pub(super) typing: bool,
}

/// Draws the frame; gives back the room for the screen, or nothing when there is none.
pub(super) fn draw(frame: &mut Frame, area: Rect, shared: &Shared, words: &Words) -> Option<Rect> {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = cut("terminal too small", usize::from(area.width), shared.theme.glyphs.cut);
        frame.render_widget(Paragraph::new(text), area);
        return None;
    }
    let ledger = u16::from(area.height >= ROOMY);
    let [top, body, status, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(ledger),
        Constraint::Length(1),
    ])
    .areas(area);
    tabs(frame, top, shared, words);
    if ledger == 1 {
        ledger_line(frame, status, shared, words);
    }
    keys(frame, bottom, shared, words);
    Some(body)
}

/// The tab at a place of the screen.
pub(super) fn tab_at(words: &Words, at: Position) -> Option<usize> {
    let mut left = width(NAME);
    words.tabs.iter().position(|(title, _)| {
        let start = left;
        left += width(title) + 5;
        at.y == 0 && (start..left - 1).contains(&usize::from(at.x))
    })
}

fn tabs(frame: &mut Frame, area: Rect, shared: &Shared, words: &Words) {
    let theme = shared.theme;
    let tabs = words.tabs.iter().enumerate().map(|(index, (title, what))| {
        let key = entry(*what).and_then(|action| action.keys.first()).copied().unwrap_or_default();
        Span::styled(format!(" {key} {title} "), theme.badge(index == words.current))
    });
    let mut tabs: Vec<Span<'_>> = tabs.collect();
    // Where there is no room for all, that which is shown is seen.
    let wide = |tabs: &[Span<'_>]| tabs.iter().map(|tab| width(&tab.content) + 1).sum::<usize>();
    let mut shown = words.current + 1;
    while shown > 1 && width(NAME) + wide(tabs.get(..shown).unwrap_or_default()) > usize::from(area.width) {
        tabs.remove(0);
        shown -= 1;
    }
    let mut spans = vec![Span::styled(NAME, theme.accent().patch(theme.strong()))];
    spans.extend(tabs.into_iter().flat_map(|tab| [tab, Span::raw(" ")]));
    frame.render_widget(Line::from(spans), area);
    let moment = match (&shared.scan, shared.at) {
        (_, At::Occurred(_) | At::Seen(_) | At::Position(_)) => {
            let text = format!(" {} as of {} ", theme.glyphs.past, moment::name(shared.at));
            Span::styled(text, theme.warning().add_modifier(ratatui::style::Modifier::REVERSED))
        }
        (Some(_), At::Now) => {
            let doing = if shared.stopping { "stopping" } else { "scanning" };
            Span::styled(format!("{} {doing} ", theme.glyphs.live), theme.accent())
        }
        (None, At::Now) => Span::styled(format!("{} live ", theme.glyphs.live), theme.good()),
    };
    let room = usize::from(area.width).saturating_sub(width(NAME) + 20);
    if width(&moment.content) <= room {
        frame.render_widget(Line::from(moment).alignment(Alignment::Right), area);
    }
}

fn ledger_line(frame: &mut Frame, area: Rect, shared: &Shared, words: &Words) {
    let theme = shared.theme;
    let columns = usize::from(area.width);
    let mut left = vec![Span::raw(" ")];
    if let Some(summary) = &shared.summary {
        // A time of the past is no position: what had happened by then lies anywhere in the log.
        let events = match shared.at {
            At::Occurred(_) => count(summary.events, "event"),
            At::Now | At::Seen(_) | At::Position(_) => format!("#{}", thousands(summary.events)),
        };
        left.push(Span::styled(events, theme.strong()));
        left.push(Span::styled(format!("  {}", count(summary.flakes, "flake")), theme.quiet()));
        if summary.problems > 0 {
            left.push(Span::styled(format!("  ! {}", summary.problems), theme.warning()));
        }
        if let Some(sync) = &summary.sync {
            left.push(sync_words(sync, theme));
        }
        left.push(Span::raw("  "));
    }
    let used: usize = left.iter().map(|span| width(&span.content)).sum();
    let command = clean(&words.command).into_owned();
    let label = words.likeness;
    let wants = width(label) + width(&command) + 1;
    let db = cut_left(&shared.path(&shared.db), columns.saturating_sub(used + wants + 2).min(48), theme.glyphs.cut);
    if width(&db) >= 8 {
        left.push(Span::styled(db, theme.quiet()));
    }
    let used: usize = left.iter().map(|span| width(&span.content)).sum();
    frame.render_widget(Line::from(left), area);
    let room = columns.saturating_sub(used + 2);
    if room > width(label) + 12 {
        let command = cut(&command, room - width(label) - 1, theme.glyphs.cut);
        let spans = vec![Span::styled(label, theme.quiet()), Span::raw(command), Span::raw(" ")];
        frame.render_widget(Line::from(spans).alignment(Alignment::Right), area);
    }
}

/// Where synchronisation stands: `sync live`, `sync backoff 12 behind`, `sync blocked: forked`.
fn sync_words(sync: &Sync, theme: Theme) -> Span<'static> {
    let mut text = format!("  sync {}", sync.state);
    if let Some(reason) = &sync.reason {
        text.push_str(": ");
        text.push_str(&clean(reason));
    }
    if sync.backlog > 0 {
        let _ = write!(text, " {} behind", thousands(sync.backlog));
    }
    if sync.parked > 0 {
        let _ = write!(text, " {} parked", sync.parked);
    }
    let style = match sync.state.as_str() {
        "blocked" => theme.error(),
        _ if sync.parked > 0 => theme.warning(),
        "live" => theme.good(),
        "backoff" | "open" => theme.warning(),
        _ => theme.quiet(),
    };
    Span::styled(text, style)
}

fn keys(frame: &mut Frame, area: Rect, shared: &Shared, words: &Words) {
    let theme = shared.theme;
    let columns = usize::from(area.width).saturating_sub(2);
    if let Some(notice) = &shared.notice {
        let (sign, style) = if notice.bad { ("! ", theme.error()) } else { ("", theme.accent()) };
        let text = cut(&clean(&format!("{sign}{}", notice.text)), columns, theme.glyphs.cut);
        frame.render_widget(Line::styled(format!(" {text}"), style), area);
        return;
    }
    if let Some(progress) = &shared.scan {
        let text = if shared.stopping {
            format!("stopping: what is begun is finished  ({progress})")
        } else {
            format!("scanning: {progress}  (ctrl-x stops)")
        };
        let text = cut(&clean(&text), columns, theme.glyphs.cut);
        frame.render_widget(Line::styled(format!(" {text}"), theme.accent()), area);
        return;
    }
    if words.typing {
        let text = cut("type to find   enter keeps   esc shows all", columns, theme.glyphs.cut);
        frame.render_widget(Line::styled(format!(" {text}"), theme.quiet()), area);
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    let mut left = columns;
    for what in [Do::Help, Do::Palette, Do::Find, Do::NextPane, Do::Edit, Do::GoTo, Do::Scan, Do::Quit] {
        let Some(action) = entry(what) else { continue };
        let key = action.keys.first().copied().unwrap_or_default();
        let title = action.title.to_lowercase();
        let wants = width(key) + width(&title) + 4;
        if wants > left {
            break;
        }
        left -= wants;
        spans.push(Span::styled(key, theme.accent()));
        spans.push(Span::styled(format!(" {title}   "), theme.quiet()));
    }
    frame.render_widget(Line::from(spans), area);
}
