//! A move in a column of rows or a sheet of text: what keys and the mouse mean alike.

use crossterm::event::MouseEventKind;
use ratatui::layout::Position;

/// How many rows the wheel moves by.
const WHEEL: isize = 3;

/// A move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stride {
    /// By some rows.
    By(isize),
    /// By some pages.
    Page(isize),
    /// To the top.
    First,
    /// To the end.
    Last,
    /// To what is drawn at a place of the screen.
    To(Position),
}

impl Stride {
    /// What the wheel and a click mean; other kinds move nothing.
    pub(crate) const fn of_mouse(kind: MouseEventKind, at: Position) -> Option<Self> {
        match kind {
            MouseEventKind::ScrollUp => Some(Self::By(-WHEEL)),
            MouseEventKind::ScrollDown => Some(Self::By(WHEEL)),
            MouseEventKind::Down(_) => Some(Self::To(at)),
            _ => None,
        }
    }
}
