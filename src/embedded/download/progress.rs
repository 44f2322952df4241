//! Progress of a download: a progress bar in a terminal, otherwise a line every few seconds.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Interval between lines if there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress of one download.
pub(super) struct Progress<'a> {
    bar: ProgressBar,
    say: &'a dyn Fn(&str),
    last_line: Instant,
    total: u64,
}

impl<'a> Progress<'a> {
    /// Starts the progress of a download of `total` bytes.
    pub(super) fn new(total: u64, say: &'a dyn Fn(&str)) -> Self {
        // The bar hides itself if standard error is not a terminal.
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {decimal_bytes} of {decimal_total_bytes}") {
            bar.set_style(style);
        }
        Self { bar, say, last_line: Instant::now(), total }
    }

    /// Updates the number of downloaded bytes. The client may store more than the file, or store it twice, so it is
    /// capped.
    pub(super) fn at(&mut self, bytes: u64) {
        let bytes = bytes.min(self.total);
        self.bar.set_position(bytes);
        if self.bar.is_hidden() && self.last_line.elapsed() > LINE_INTERVAL {
            (self.say)(&format!("{} of {}", megabytes(bytes), megabytes(self.total)));
            self.last_line = Instant::now();
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Formats a size, such as `24 MB`.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{} MB", (bytes + 500_000) / 1_000_000)
}
