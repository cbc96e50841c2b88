use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use jiff::Timestamp;
use shared::ports::Clock;

/// The machine's time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// One file is at work at a time, so the thread itself may wait.
    async fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn draw(&self) -> f64 {
        // Seeded anew by the standard library each time; 32 bits fit into a double without loss.
        let bits = RandomState::new().build_hasher().finish();
        f64::from((bits >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_between_zero_and_one_and_not_always_the_same() {
        let draws: Vec<f64> = (0..8).map(|_| SystemClock.draw()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!(draws.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
