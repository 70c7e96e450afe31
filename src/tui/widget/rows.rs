//! A column of rows with one chosen: which are visible, and where a click lands. Draws nothing itself.

use std::ops::Range;

use ratatui::layout::{Position, Rect};

use super::stride::Stride;

/// The place in a column of rows.
#[derive(Debug, Default, Clone)]
pub(crate) struct Rows {
    chosen: usize,
    offset: usize,
    area: Rect,
}

impl Rows {
    /// The chosen row of `len`; none when there are none.
    pub(crate) fn chosen(&self, len: usize) -> Option<usize> {
        len.checked_sub(1).map(|last| self.chosen.min(last))
    }

    /// Chooses a row.
    pub(crate) fn choose(&mut self, row: usize) {
        self.chosen = row;
    }

    /// Moves, staying inside.
    pub(crate) fn go(&mut self, stride: Stride, len: usize) {
        match stride {
            Stride::By(rows) => self.step(rows, len),
            // One row of the old page stays visible.
            Stride::Page(pages) => {
                let rows = usize::from(self.area.height.max(2)).saturating_sub(1);
                self.step(pages.saturating_mul(isize::try_from(rows).unwrap_or(1)), len);
            }
            Stride::First => self.chosen = 0,
            Stride::Last => self.chosen = len.saturating_sub(1),
            Stride::To(at) => self.chosen = self.hit(at, len).unwrap_or(self.chosen),
        }
    }

    fn step(&mut self, by: isize, len: usize) {
        let now = self.chosen(len).unwrap_or(0);
        self.chosen = now.saturating_add_signed(by).min(len.saturating_sub(1));
    }

    /// Rows were put in front of all others: what is chosen and visible stays so.
    pub(crate) fn shift(&mut self, by: isize) {
        self.chosen = self.chosen.saturating_add_signed(by);
        self.offset = self.offset.saturating_add_signed(by);
    }

    /// The rows that fit into an area, the chosen one among them.
    pub(crate) fn visible(&mut self, len: usize, area: Rect) -> Range<usize> {
        let height = usize::from(area.height);
        self.area = area;
        self.chosen = self.chosen(len).unwrap_or(0);
        let margin = (height.saturating_sub(1) / 2).min(2);
        let highest = (self.chosen + margin + 1).saturating_sub(height);
        let lowest = self.chosen.saturating_sub(margin);
        self.offset = self.offset.clamp(highest.min(lowest), lowest).min(len.saturating_sub(height));
        self.offset..(self.offset + height).min(len)
    }

    fn hit(&self, at: Position, len: usize) -> Option<usize> {
        let row = self.offset + usize::from(at.y.saturating_sub(self.area.y));
        (self.area.contains(at) && row < len).then_some(row)
    }

    /// Whether a place of the screen lies in the column.
    pub(crate) fn contains(&self, at: Position) -> bool {
        self.area.contains(at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moving_stays_inside() {
        let mut rows = Rows::default();
        rows.go(Stride::By(-1), 3);
        assert_eq!(rows.chosen(3), Some(0));
        rows.go(Stride::By(9), 3);
        assert_eq!(rows.chosen(3), Some(2));
        assert_eq!(rows.chosen(0), None);
    }

    #[test]
    fn a_click_finds_the_row_that_is_drawn_there() {
        let mut rows = Rows::default();
        rows.go(Stride::Last, 100);
        let shown = rows.visible(100, Rect::new(5, 2, 10, 4));
        assert_eq!(shown, 96..100);
        assert_eq!(rows.hit(Position::new(6, 3), 100), Some(97));
        assert_eq!(rows.hit(Position::new(4, 3), 100), None);
    }

    proptest! {
        #[test]
        fn the_chosen_row_is_visible_and_no_room_is_wasted(
            len in 0_usize..200, height in 1_u16..40, moves in proptest::collection::vec(-30_isize..30, 0..20)
        ) {
            let mut rows = Rows::default();
            for by in moves {
                rows.go(Stride::By(by), len);
                let shown = rows.visible(len, Rect::new(0, 0, 10, height));
                prop_assert_eq!(shown.len(), len.min(usize::from(height)));
                prop_assert!(rows.chosen(len).is_none_or(|chosen| shown.contains(&chosen)));
            }
        }
    }
}
