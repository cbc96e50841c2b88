//! How far a long file is, for people.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shared::rows::Record;
use shared::split::Witness;
use shared::validate::{Findings, Plan};

use crate::console::{counted, visible};

/// What is done within this time needs no bar: one that comes and goes at once is only seen as a flicker.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often the bar is drawn, in times a second.
const DRAWN_A_SECOND: u8 = 10;
/// The bar with its figures. The message is the file's name, the prefix what was rejected so far.
const TEMPLATE: &str =
    "{msg} [{bar:24}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left{prefix}";
/// The most characters of a file's name.
const MAX_NAME_CHARACTERS: usize = 40;

/// A progress bar, or none.
#[derive(Debug, Clone)]
pub struct Progress(Option<Arc<Bar>>);

#[derive(Debug)]
struct Bar {
    bar: ProgressBar,
    begun: Instant,
    shown: AtomicBool,
    rejected: AtomicU64,
}

impl Progress {
    /// No bar.
    #[must_use]
    pub fn hidden() -> Self {
        Self(None)
    }

    /// A bar on standard error for `passes` passes over a file. It appears when the file takes its time.
    #[must_use]
    pub fn over(name: &str, bytes: u64, passes: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(bytes * passes), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(shortened(&visible(name)));
        Self(Some(Arc::new(Bar {
            bar,
            begun: Instant::now(),
            shown: AtomicBool::new(false),
            rejected: AtomicU64::new(0),
        })))
    }

    /// So many bytes more.
    pub fn advance(&self, bytes: usize) {
        let Some(Bar { bar, begun, shown, rejected }) = self.0.as_deref() else { return };
        bar.inc(bytes as u64);
        if begun.elapsed() < PATIENCE {
            return;
        }
        if !shown.swap(true, Ordering::Relaxed) {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWN_A_SECOND));
        }
        let rejected = rejected.load(Ordering::Relaxed);
        if rejected > 0 {
            bar.set_prefix(format!(", {} rejected", counted(rejected, "row")));
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(Bar { bar, .. }) = self.0.as_deref() {
            bar.finish_and_clear();
        }
    }
}

/// Counts what is rejected.
impl Witness for Progress {
    fn rejected(&self, _: &Record<'_>, _: &Findings, _: &Plan) {
        if let Some(Bar { rejected, .. }) = self.0.as_deref() {
            rejected.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn restarted(&self) {
        if let Some(Bar { rejected, .. }) = self.0.as_deref() {
            rejected.store(0, Ordering::Relaxed);
        }
    }
}

/// The end of a long name: paths differ there.
fn shortened(name: &str) -> String {
    let characters = name.chars().count();
    if characters <= MAX_NAME_CHARACTERS {
        return name.to_owned();
    }
    let end: String = name.chars().skip(characters - MAX_NAME_CHARACTERS + 1).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_told_by_its_end() {
        assert_eq!(shortened("orders.csv"), "orders.csv");
        let long = shortened(&format!("{}/orders.csv", "x".repeat(80)));
        assert_eq!(long.chars().count(), MAX_NAME_CHARACTERS);
        assert!(long.starts_with('…') && long.ends_with("/orders.csv"), "{long}");
    }

    #[test]
    fn a_file_that_is_done_at_once_shows_no_bar() {
        let progress = Progress::over("orders.csv", 1_000, 1);
        progress.advance(1_000);
        let bar = progress.0.as_deref().unwrap();
        assert!(!bar.shown.load(Ordering::Relaxed));
        assert_eq!(bar.bar.position(), 1_000);
        progress.clear();
    }
}
