//! Time and chance of the machine.

use std::time::Duration;

use jiff::Timestamp;
use shared::ports::Clock;

/// The machine's clock, Tokio's timer and a small generator of random numbers.
///
/// Chance is only used to spread retries, so it need not be hard to guess.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn draw(&self) -> f64 {
        fastrand::f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_lies_between_nought_and_one() {
        let draws: Vec<f64> = (0..100).map(|_| SystemClock.draw()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!(draws.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
