//! How far a scan is, on stderr: after a second, on a terminal only, and gone when it ends.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::app::scan::Progress;

/// What takes less time shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that appears when things take long.
#[derive(Debug)]
pub(crate) struct Bar {
    began: Instant,
    wanted: bool,
    drawn: ProgressBar,
}

impl Bar {
    /// A bar that may appear.
    pub(crate) fn new(wanted: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        Self { began: Instant::now(), wanted, drawn: bar }
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, progress: Progress) {
        if self.wanted && self.drawn.is_hidden() && self.began.elapsed() >= PATIENCE {
            self.drawn.set_draw_target(ProgressDrawTarget::stderr());
        }
        match progress {
            Progress::Walking => self.drawn.set_message("looking for flakes"),
            Progress::Flakes { done, total } => {
                self.drawn.set_message("reading flakes");
                self.drawn.set_length(u64::try_from(total).unwrap_or(u64::MAX));
                self.drawn.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            }
        }
    }

    /// Takes it off the screen.
    pub(crate) fn clear(&self) {
        self.drawn.finish_and_clear();
    }
}
