use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use crate::memory::lock;
use crate::ports::Clock;

/// A clock that stands still until it is told otherwise. To sleep is to move it forward at once.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<Mutex<Timestamp>>,
    draw: Arc<Mutex<f64>>,
}

impl ManualClock {
    /// A clock that shows this time and draws 0.5.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now: Arc::new(Mutex::new(now)), draw: Arc::new(Mutex::new(0.5)) }
    }

    /// Sets the time.
    pub fn set(&self, now: Timestamp) {
        *lock(&self.now) = now;
    }

    /// Moves the time forward.
    pub fn advance(&self, duration: Duration) {
        let mut now = lock(&self.now);
        *now = now.checked_add(duration).unwrap_or(Timestamp::MAX);
    }

    /// Sets what [`Clock::draw`] draws.
    pub fn set_draw(&self, draw: f64) {
        *lock(&self.draw) = draw;
    }
}

impl Default for ManualClock {
    /// The Unix epoch.
    fn default() -> Self {
        Self::at(Timestamp::UNIX_EPOCH)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *lock(&self.now)
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }

    fn draw(&self) -> f64 {
        *lock(&self.draw)
    }
}
