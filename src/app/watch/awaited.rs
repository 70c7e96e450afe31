//! Directories without a flake in which one is expected: bounded in number and in time, as nobody says when none will come.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many are awaited at most; those that came first give way.
const MOST: usize = 1_000;
/// For how long.
const LONGEST: Duration = Duration::from_hours(24);

/// Directories, each with the moment since which it is awaited.
#[derive(Debug, Default)]
pub(super) struct Awaited(BTreeMap<PathBuf, Instant>);

impl Awaited {
    /// Awaits more of them, the first ones if they are too many; returns whether any is new.
    pub(super) fn add(&mut self, directories: impl IntoIterator<Item = PathBuf>, now: Instant) -> bool {
        let mut is_new = false;
        for directory in directories.into_iter().take(MOST) {
            self.0.entry(directory).or_insert_with(|| {
                is_new = true;
                now
            });
        }
        let excess = self.0.len().saturating_sub(MOST);
        if excess > 0 {
            let mut by_age: Vec<_> = self.0.iter().map(|(directory, since)| (*since, directory.clone())).collect();
            by_age.sort_unstable();
            for (_, directory) in by_age.into_iter().take(excess) {
                self.0.remove(&directory);
            }
        }
        is_new
    }

    /// Keeps those for which this holds, as long as they are awaited.
    pub(super) fn keep(&mut self, holds: impl Fn(&Path) -> bool, now: Instant) {
        self.0.retain(|directory, since| now.duration_since(*since) < LONGEST && holds(directory));
    }

    /// Awaits none any more; returns whether there were any.
    pub(super) fn clear(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }

    pub(super) fn contains(&self, directory: &Path) -> bool {
        self.0.contains_key(directory)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(prefix: &str, count: usize) -> Vec<PathBuf> {
        (0..count).map(|index| PathBuf::from(format!("/{prefix}{index:04}"))).collect()
    }

    #[test]
    fn they_are_awaited_for_a_day() {
        let begun = Instant::now();
        let mut awaited = Awaited::default();
        assert!(awaited.add(named("a", 2), begun));
        assert!(!awaited.add(named("a", 2), begun + LONGEST / 2), "those it knows stay as old as they are");
        awaited.keep(|directory| directory != Path::new("/a0000"), begun + LONGEST / 2);
        assert_eq!(awaited.iter().collect::<Vec<_>>(), [Path::new("/a0001")]);
        awaited.keep(|_| true, begun + LONGEST);
        assert!(!awaited.clear());
    }

    #[test]
    fn they_are_no_more_than_a_thousand_and_the_oldest_give_way() {
        let begun = Instant::now();
        let mut awaited = Awaited::default();
        awaited.add(named("z", 10), begun);
        awaited.add(named("a", MOST + 5), begun + QUITE_A_WHILE);
        assert_eq!(awaited.iter().count(), MOST);
        assert!(!awaited.contains(Path::new("/z0000")) && awaited.contains(Path::new("/a0000")));
        assert!(!awaited.contains(Path::new("/a1004")), "the first ones of many");
        awaited.add(named("b", 1), begun + 2 * QUITE_A_WHILE);
        assert!(awaited.contains(Path::new("/b0000")) && awaited.iter().count() == MOST);
    }

    const QUITE_A_WHILE: Duration = Duration::from_mins(1);
}
