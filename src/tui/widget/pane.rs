//! A framed pane: title left, a word right, and on the frame how far down one is.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders};

use crate::tui::theme::Theme;

/// What stands on the frame of a pane.
#[derive(Debug, Default)]
pub(crate) struct Pane<'a> {
    pub(crate) title: &'a str,
    /// Said quietly after the title.
    pub(crate) note: String,
    /// Stands on the right.
    pub(crate) corner: String,
    pub(crate) focused: bool,
}

impl Pane<'_> {
    /// Draws the frame and gives back the room inside, a column of air on each side.
    pub(crate) fn draw(&self, frame: &mut Frame, area: Rect, theme: Theme) -> Rect {
        let style = if self.focused { theme.accent().patch(theme.strong()) } else { theme.strong() };
        let mut title = vec![Span::raw(" "), Span::styled(self.title, style), Span::raw(" ")];
        if !self.note.is_empty() {
            title.push(Span::styled(format!("{} ", self.note), theme.quiet()));
        }
        let mut block = Block::new()
            .borders(Borders::ALL)
            .border_set(theme.border_set(self.focused))
            .border_style(theme.border(self.focused))
            .title_top(Line::from(title));
        if !self.corner.is_empty() {
            let corner = Span::styled(format!(" {} ", self.corner), theme.quiet());
            block = block.title_top(Line::from(corner).alignment(Alignment::Right));
        }
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    }
}

/// Draws on the right frame of a pane which part of `len` rows is visible; nothing when all are.
pub(crate) fn scrollbar(frame: &mut Frame, area: Rect, theme: Theme, len: usize, shown: &std::ops::Range<usize>) {
    let height = usize::from(area.height.saturating_sub(2));
    if shown.len() >= len || height == 0 || area.width == 0 {
        return;
    }
    let size = (height * shown.len() / len).max(1);
    let start = (height - size) * shown.start / (len - shown.len());
    let x = area.right() - 1;
    for row in start..start + size {
        let y = area.y + 1 + u16::try_from(row).unwrap_or(0);
        if let Some(cell) = frame.buffer_mut().cell_mut((x, y)) {
            cell.set_symbol(theme.glyphs.thumb).set_style(theme.accent());
        }
    }
}
