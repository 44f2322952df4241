//! How far a download is: a bar in a terminal, a line now and then elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// What is told of one download.
pub(super) struct Progress<'a> {
    bar: ProgressBar,
    say: &'a dyn Fn(&str),
    told: Instant,
    total: u64,
}

impl<'a> Progress<'a> {
    /// A download of so many bytes that begins now.
    pub(super) fn new(total: u64, say: &'a dyn Fn(&str)) -> Self {
        // It hides itself where standard error is no terminal.
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {decimal_bytes} of {decimal_total_bytes}") {
            bar.set_style(style);
        }
        Self { bar, say, told: Instant::now(), total }
    }

    /// So many bytes are there. The client may keep more than the file itself, and keep it twice.
    pub(super) fn at(&mut self, bytes: u64) {
        let bytes = bytes.min(self.total);
        self.bar.set_position(bytes);
        if self.bar.is_hidden() && self.told.elapsed() > EVERY {
            (self.say)(&format!("{} of {}", megabytes(bytes), megabytes(self.total)));
            self.told = Instant::now();
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `24 MB`.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{} MB", (bytes + 500_000) / 1_000_000)
}
