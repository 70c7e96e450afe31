//! A sheet of text that scrolls: headings, label and value lines, sentences. The details of everything are drawn
//! with it.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane::scrollbar;
use super::stride::Stride;
use crate::tui::text::{clean, fit, wrap};
use crate::tui::theme::Theme;

/// Builds the lines of a sheet for a width.
#[derive(Debug)]
pub(crate) struct Sheet {
    theme: Theme,
    width: usize,
    label: usize,
    lines: Vec<Line<'static>>,
}

impl Sheet {
    /// An empty sheet; `label` is the width of the column of labels.
    pub(crate) fn new(theme: Theme, width: u16, label: usize) -> Self {
        Self { theme, width: usize::from(width), label, lines: Vec::new() }
    }

    /// A heading, with air above.
    pub(crate) fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(Line::styled(text.to_owned(), self.theme.heading()));
    }

    /// A label and its value, the value broken into lines under itself.
    pub(crate) fn field(&mut self, label: &str, value: &str, style: Style) {
        let mut label = fit(&clean(label), self.label, self.theme.glyphs.cut);
        for line in wrap(&clean(value), self.width.saturating_sub(self.label + 1)) {
            let spans = vec![Span::styled(format!("{label} "), self.theme.quiet()), Span::styled(line, style)];
            self.lines.push(Line::from(spans));
            label = " ".repeat(self.label);
        }
    }

    /// A sentence.
    pub(crate) fn text(&mut self, text: &str, style: Style) {
        self.lines.extend(wrap(&clean(text), self.width).into_iter().map(|line| Line::styled(line, style)));
    }

    /// A sentence behind a sign, broken into lines under itself.
    pub(crate) fn item(&mut self, sign: &str, sign_style: Style, text: &str, style: Style) {
        let indent = crate::tui::text::width(sign) + 1;
        let mut sign = format!("{sign} ");
        for line in wrap(&clean(text), self.width.saturating_sub(indent)) {
            self.lines.push(Line::from(vec![Span::styled(sign, sign_style), Span::styled(line, style)]));
            sign = " ".repeat(indent);
        }
    }

    /// A line made elsewhere; it must be clean and fit.
    pub(crate) fn line(&mut self, line: Line<'static>) {
        self.lines.push(line);
    }

    /// The lines.
    pub(crate) fn into_lines(self) -> Vec<Line<'static>> {
        self.lines
    }
}

/// How far a sheet is scrolled.
#[derive(Debug, Default, Clone)]
pub(crate) struct Scroll {
    offset: usize,
    area: Rect,
    len: usize,
}

impl Scroll {
    /// Scrolls, staying inside; a place in the text is as good as any other.
    pub(crate) fn go(&mut self, stride: Stride) {
        let page = isize::try_from(self.area.height.max(2) - 1).unwrap_or(1);
        match stride {
            Stride::By(lines) => self.offset = self.offset.saturating_add_signed(lines).min(self.most()),
            Stride::Page(pages) => self.go(Stride::By(pages.saturating_mul(page))),
            Stride::First => self.offset = 0,
            Stride::Last => self.offset = self.most(),
            Stride::To(_) => {}
        }
    }

    /// Whether a place of the screen lies in the sheet.
    pub(crate) fn contains(&self, at: Position) -> bool {
        self.area.contains(at)
    }

    /// Draws the visible lines into `inner` and the scroll bar onto the frame `outer`.
    pub(crate) fn draw(&mut self, frame: &mut Frame, outer: Rect, inner: Rect, theme: Theme, lines: &[Line]) {
        self.area = inner;
        self.len = lines.len();
        self.offset = self.offset.min(self.most());
        let end = (self.offset + usize::from(inner.height)).min(lines.len());
        let visible: Vec<Line> = lines.get(self.offset..end).unwrap_or_default().to_vec();
        frame.render_widget(Paragraph::new(visible), inner);
        scrollbar(frame, outer, theme, lines.len(), &(self.offset..end));
    }

    fn most(&self) -> usize {
        self.len.saturating_sub(usize::from(self.area.height))
    }
}
