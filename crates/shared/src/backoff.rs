//! How long to wait before the next attempt: exponential backoff with full jitter.
//!
//! Full jitter draws each delay evenly between nothing and a ceiling that doubles (AWS Architecture Blog,
//! "Exponential Backoff And Jitter"). The draw is an argument: this module has no randomness of its own.

use std::time::Duration;

use crate::ports::{Clock, Disposition, Fault};

/// When to try again, and when to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The ceiling of the first delay.
    pub base: Duration,
    /// No delay is longer than this.
    pub cap: Duration,
    /// How often the call is made in all, the first time included.
    pub attempts: u32,
}

impl Backoff {
    /// Four attempts, the first delay below 100 ms, none above 5 s.
    pub const STANDARD: Self =
        Self { base: Duration::from_millis(100), cap: Duration::from_secs(5), attempts: 4 };

    /// The longest wait after the attempt numbered `attempt` (the first is 1).
    #[must_use]
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.base.saturating_mul(1_u32 << doublings).min(self.cap)
    }

    /// The wait after `attempt`, for a draw between 0 and 1. `None` when there is no further attempt.
    #[must_use]
    pub fn delay(&self, attempt: u32, draw: f64) -> Option<Duration> {
        (attempt < self.attempts).then(|| self.ceiling(attempt).mul_f64(draw.clamp(0.0, 1.0)))
    }
}

/// Makes a call until it works, until its fault is not one that passes, or until the attempts are used up.
///
/// This is the one layer that repeats a call of ours (a partly failed `PutEvents`, a 409 on a conditional
/// write). Calls that an SDK repeats by itself are not wrapped in it.
///
/// # Errors
/// The fault of the last attempt.
pub async fn retry<T, C, F>(policy: Backoff, clock: &C, mut call: impl FnMut() -> F) -> Result<T, Fault>
where
    C: Clock,
    F: Future<Output = Result<T, Fault>>,
{
    let mut attempt = 1;
    loop {
        let fault = match call().await {
            Ok(value) => return Ok(value),
            Err(fault) => fault,
        };
        if fault.disposition() != Disposition::Retry {
            return Err(fault);
        }
        let Some(wait) = policy.delay(attempt, clock.draw()) else { return Err(fault) };
        clock.sleep(wait).await;
        attempt += 1;
    }
}
