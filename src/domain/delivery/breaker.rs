//! The circuit breaker: counts results, and says when to stop trying for a while.

use std::collections::VecDeque;

/// How many failures in a row trip it.
pub(super) const IN_A_ROW: u32 = 5;
/// How many results are looked back at.
const WINDOW: usize = 20;

/// A window of results, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaker {
    results: VecDeque<bool>,
}

impl Breaker {
    /// Takes in one result.
    pub fn record(&mut self, worked: bool) {
        if worked && self.is_tripped() {
            // The one attempt worked: what was before it counts no more.
            self.results.clear();
        }
        if self.results.len() == WINDOW {
            self.results.pop_front();
        }
        self.results.push_back(worked);
    }

    /// Whether five failed in a row, or half of the last twenty.
    pub fn is_tripped(&self) -> bool {
        let failures = self.results.iter().filter(|worked| !**worked).count();
        let in_a_row = self.results.iter().rev().take_while(|worked| !**worked).count();
        in_a_row >= IN_A_ROW as usize || (self.results.len() == WINDOW && failures * 2 >= WINDOW)
    }
}
