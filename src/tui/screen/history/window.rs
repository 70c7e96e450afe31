//! The part of the events that is held: a run of pages around the chosen one, so that a million events cost as much as
//! a thousand. Asks for the next page by the time and position of the last event, never by counting.

use std::collections::VecDeque;

use crate::tui::model::{EventRow, Page, Place};

/// How many events are held at most.
const MOST: usize = 1_000;
/// How close to an end the chosen event may come before the next page is asked for.
const NEAR: usize = 80;

/// Events, newest first, and whether there are more on either side.
#[derive(Debug, Default)]
pub(super) struct Window {
    rows: VecDeque<EventRow>,
    newest: bool,
    oldest: bool,
}

impl Window {
    /// How many events are held.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// One event.
    pub(super) fn get(&self, row: usize) -> Option<&EventRow> {
        self.rows.get(row)
    }

    /// Where an event stands.
    pub(super) fn find(&self, place: Place) -> Option<usize> {
        self.rows.binary_search_by(|row| place.cmp(&row.place())).ok()
    }

    /// Whether the newest event of all is held.
    pub(super) fn is_newest(&self) -> bool {
        self.newest
    }

    /// Whether all events are held.
    pub(super) fn is_whole(&self) -> bool {
        self.newest && self.oldest
    }

    /// The page to ask for when this row is chosen.
    pub(super) fn wants(&self, chosen: usize) -> Option<Page> {
        let below = self.rows.len().saturating_sub(chosen);
        match (self.rows.front(), self.rows.back()) {
            (_, Some(last)) if !self.oldest && below <= NEAR => Some(Page::OlderThan(last.place())),
            (Some(first), _) if !self.newest && chosen < NEAR => Some(Page::NewerThan(first.place())),
            _ => None,
        }
    }

    /// The page of what is held, for what has come since: it may have happened at any time.
    pub(super) fn again(&self) -> Page {
        self.rows.front().map_or(Page::Newest, |first| Page::Again(first.place(), self.rows.len()))
    }

    /// Takes a page; says by how many rows what was held has moved down.
    pub(super) fn take(&mut self, page: Page, rows: &[EventRow], end: bool) -> isize {
        let held = |row: &&EventRow| match (page, self.rows.front(), self.rows.back()) {
            (Page::OlderThan(_), _, Some(last)) => row.place() < last.place(),
            (Page::NewerThan(_), Some(first), _) => row.place() > first.place(),
            _ => true,
        };
        let rows: Vec<EventRow> = rows.iter().filter(held).cloned().collect();
        // A page without anything new is the end, whatever it says: asking again would bring the same.
        let end = end || rows.is_empty();
        match page {
            Page::OlderThan(_) => {
                self.rows.extend(rows);
                self.oldest = end;
                let over = self.rows.len().saturating_sub(MOST);
                self.newest &= over == 0;
                self.rows.drain(..over);
                -isize::try_from(over).unwrap_or(0)
            }
            Page::NewerThan(_) => {
                let came = rows.len();
                rows.into_iter().rev().for_each(|row| self.rows.push_front(row));
                self.newest = end;
                self.oldest &= self.rows.len() <= MOST;
                self.rows.truncate(MOST);
                isize::try_from(came).unwrap_or(0)
            }
            Page::Again(..) => {
                self.rows = rows.into();
                self.rows.truncate(MOST);
                // Whether there is anything newer is asked when the top comes near.
                self.newest = false;
                self.oldest = end && self.rows.len() < MOST;
                0
            }
            Page::Newest | Page::Oldest => {
                self.rows = rows.into();
                self.newest = page == Page::Newest || page == Page::Oldest && end;
                self.oldest = page == Page::Oldest || end;
                0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(positions: impl DoubleEndedIterator<Item = i64>) -> Vec<EventRow> {
        positions.rev().map(event).collect()
    }

    fn event(position: i64) -> EventRow {
        EventRow { position, occurred_at: position / 2, ..EventRow::default() }
    }

    fn place(position: i64) -> Place {
        event(position).place()
    }

    #[test]
    fn the_next_page_is_asked_for_before_the_end_is_seen() {
        let mut window = Window::default();
        window.take(Page::Newest, &events(801..=1000), false);
        assert_eq!(window.wants(0), None);
        assert_eq!(window.wants(150), Some(Page::OlderThan(place(801))));
        assert_eq!(window.take(Page::OlderThan(place(801)), &events(601..=800), false), 0);
        assert_eq!((window.len(), window.find(place(601))), (400, Some(399)));
    }

    #[test]
    fn what_is_held_stays_small_and_what_is_chosen_stays_chosen() {
        let mut window = Window::default();
        window.take(Page::Newest, &events(9_801..=10_000), false);
        let mut chosen = 0_isize;
        for start in (0..40).map(|n| 9_801 - n * 200) {
            chosen += window.take(Page::OlderThan(place(start)), &events(start - 200..start), false);
        }
        assert_eq!(window.len(), MOST);
        assert!(chosen < 0 && !window.is_newest());
        let first = window.get(0).map(|row| row.position).unwrap_or_default();
        assert_eq!(window.wants(0), Some(Page::NewerThan(place(first))));
        assert_eq!(window.take(Page::NewerThan(place(first)), &events(first + 1..=first + 200), false), 200);
        assert_eq!(window.find(place(first)), Some(200));
    }

    #[test]
    fn rows_that_are_held_already_are_not_held_twice() {
        let mut window = Window::default();
        window.take(Page::Newest, &events(1..=10), true);
        assert!(window.is_whole());
        assert_eq!(window.take(Page::NewerThan(place(10)), &events(10..=12), true), 2);
        assert_eq!(window.len(), 12);
    }

    #[test]
    fn what_came_late_is_put_where_it_belongs() {
        let mut window = Window::default();
        window.take(Page::Newest, &events(1..=10), true);
        assert_eq!(window.again(), Page::Again(place(10), 10));
        let mut rows = events(1..=10);
        rows.insert(4, EventRow { position: 11, occurred_at: 3, ..EventRow::default() });
        rows.sort_by_key(|row| std::cmp::Reverse(row.place()));
        assert_eq!(window.take(window.again(), &rows, true), 0);
        assert_eq!((window.len(), window.find(Place { occurred_at: 3, position: 11 })), (11, Some(3)));
        assert_eq!(window.wants(0), Some(Page::NewerThan(place(10))), "newer ones may have come as well");
    }
}
