//! How far a long file is, for people.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Files below this size are done before a bar could be read.
const MIN_BYTES: u64 = 20_000_000;

/// A progress bar, or none.
#[derive(Debug, Clone)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// No bar.
    #[must_use]
    pub fn hidden() -> Self {
        Self(None)
    }

    /// A bar on standard error for `passes` passes over a file, if the file is long enough.
    #[must_use]
    pub fn over(name: &str, bytes: u64, passes: u64) -> Self {
        if bytes < MIN_BYTES {
            return Self::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(bytes * passes), ProgressDrawTarget::stderr_with_hz(10));
        let template = "{msg} [{bar:30}] {percent:>3} %";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(name.to_owned());
        Self(Some(bar))
    }

    /// So many bytes more.
    pub fn advance(&self, bytes: usize) {
        if let Some(bar) = &self.0 {
            bar.inc(bytes as u64);
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
