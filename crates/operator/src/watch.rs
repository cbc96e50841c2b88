use std::time::Duration;

use jiff::Timestamp;
use shared::ports::Clock;

/// Somebody who watches a command at work, and may end it.
pub trait Watch<S: ?Sized> {
    /// Sees a step that was just done.
    fn see(&mut self, step: &S);

    /// Whether the command is to end before its next message.
    fn is_over(&self) -> bool {
        false
    }
}

/// How long a wait lasts before somebody is asked whether it is over.
const SLICE: Duration = Duration::from_millis(250);

/// Waits, and says whether to go on. Whoever ends a command need not wait for the wait.
pub(crate) async fn pause<S: ?Sized, C: Clock>(clock: &C, duration: Duration, watch: &impl Watch<S>) -> bool {
    let mut left = duration;
    while !left.is_zero() {
        if watch.is_over() {
            return false;
        }
        let slice = left.min(SLICE);
        clock.sleep(slice).await;
        left -= slice;
    }
    !watch.is_over()
}

/// How long it is from one time to a later one; nought when the clock went back.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
