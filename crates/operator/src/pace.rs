//! How fast files are announced: never faster than a rate, and not while the pipeline is behind.

use std::time::Duration;

use jiff::Timestamp;
use shared::ports::{Clock, Depth, Fault, Queues};

use crate::watch::{Watch, between, pause};

/// How many messages are sent between two looks at the queue.
const LOOK_EVERY: u64 = 50;
/// How long a queue that is too deep is left alone before it is looked at again.
const WAIT: Duration = Duration::from_secs(5);

/// The bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The least time from one message to the next.
    pub interval: Duration,
    /// The most messages that the queue may have when another is sent, give or take fifty.
    pub max_depth: u64,
}

impl Bounds {
    /// So many messages a second at most. `None` unless the rate is a number above 0 and at most 1,000.
    #[must_use]
    pub fn of(rate: f64, max_depth: u64) -> Option<Self> {
        let interval = (rate > 0.0 && rate <= 1000.0).then(|| 1.0 / rate)?;
        // A rate that is all but nought waits for ages, which no Duration can hold.
        let interval = Duration::try_from_secs_f64(interval).ok()?;
        Some(Self { interval, max_depth })
    }
}

/// Somebody who sees that a command waits.
pub(crate) trait Waits {
    /// The step that says so.
    fn waiting(depth: Depth) -> Self;
}

/// The time of the next message.
#[derive(Debug)]
pub(crate) struct Pace<'a> {
    bounds: Bounds,
    queue: &'a str,
    next: Option<Timestamp>,
    sent: u64,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(bounds: Bounds, queue: &'a str) -> Self {
        Self { bounds, queue, next: None, sent: 0 }
    }

    /// Waits until the next message may be sent, and says whether it is to be.
    ///
    /// Each message is an interval behind the one before. Time that was lost is not made up for, so that no second ever
    /// sees more messages than the rate.
    pub(crate) async fn turn<S: Waits, Q: Queues, C: Clock>(
        &mut self,
        queues: &Q,
        clock: &C,
        watch: &mut impl Watch<S>,
    ) -> Result<bool, Fault> {
        if self.sent.is_multiple_of(LOOK_EVERY) && !self.wait_for_room(queues, clock, watch).await? {
            return Ok(false);
        }
        while let Some(next) = self.next {
            // A clock that went back must not hold the command up for longer than the interval.
            let wait = between(clock.now(), next).min(self.bounds.interval);
            if wait.is_zero() {
                break;
            }
            if !pause(clock, wait, watch).await {
                return Ok(false);
            }
            if between(clock.now(), next) > self.bounds.interval {
                break;
            }
        }
        self.next = clock.now().checked_add(self.bounds.interval).ok();
        self.sent += 1;
        Ok(!watch.is_over())
    }

    async fn wait_for_room<S: Waits, Q: Queues, C: Clock>(
        &self,
        queues: &Q,
        clock: &C,
        watch: &mut impl Watch<S>,
    ) -> Result<bool, Fault> {
        loop {
            let depth = queues.depth(self.queue).await?;
            if depth.total() < self.bounds.max_depth {
                return Ok(true);
            }
            watch.see(&S::waiting(depth));
            if !pause(clock, WAIT, watch).await {
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;
    use shared::memory::{ManualClock, MemoryQueues};

    use super::*;

    #[derive(Debug)]
    struct Waited(u64);

    impl Waits for Waited {
        fn waiting(depth: Depth) -> Self {
            Self(depth.total())
        }
    }

    #[derive(Default)]
    struct Patient(Vec<u64>);

    impl Watch<Waited> for Patient {
        fn see(&mut self, step: &Waited) {
            self.0.push(step.0);
        }

        fn is_over(&self) -> bool {
            self.0.len() > 3
        }
    }

    #[test]
    fn a_rate_is_a_number_above_nought() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1000.1, 1e-300] {
            assert_eq!(Bounds::of(rate, 1), None, "{rate}");
        }
        assert_eq!(Bounds::of(4.0, 1).unwrap().interval, Duration::from_millis(250));
        assert!(Bounds::of(0.001, 1).is_some());
    }

    /// Also when the work between two messages took longer than usual: no second has more than the rate.
    #[test]
    fn no_second_sees_more_messages_than_the_rate_whatever_was_lost() {
        let clock = ManualClock::default();
        let queues = MemoryQueues::new(clock.clone());
        queues.create("q");
        let mut pace = Pace::new(Bounds::of(10.0, 1000).unwrap(), "q");
        let mut times = Vec::new();
        for message in 0..100 {
            assert!(block_on(pace.turn(&queues, &clock, &mut Patient::default())).unwrap());
            times.push(clock.now());
            let work = if message % 30 == 0 { 900 } else { message % 3 * 40 };
            clock.advance(Duration::from_millis(work));
        }
        for (at, first) in times.iter().enumerate() {
            let within =
                times.iter().skip(at).filter(|time| between(*first, **time) < Duration::from_secs(1));
            assert!(within.count() <= 10, "{first}");
        }
    }

    #[test]
    fn a_clock_that_goes_back_holds_nobody_up() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let queues = MemoryQueues::new(clock.clone());
        queues.create("q");
        let mut pace = Pace::new(Bounds::of(1.0, 1000).unwrap(), "q");
        assert!(block_on(pace.turn(&queues, &clock, &mut Patient::default())).unwrap());
        clock.set("2025-01-01T00:00:00Z".parse().unwrap());
        assert!(block_on(pace.turn(&queues, &clock, &mut Patient::default())).unwrap());
        assert_eq!(clock.now().to_string(), "2025-01-01T00:00:01Z");
    }

    #[test]
    fn a_queue_that_is_too_deep_is_waited_for() {
        let clock = ManualClock::default();
        let queues = MemoryQueues::new(clock.clone());
        queues.create("q");
        for _ in 0..20 {
            block_on(queues.send("q", "x")).unwrap();
        }
        let turn = |watch: &mut Patient| {
            let mut pace = Pace::new(Bounds::of(10.0, 20).unwrap(), "q");
            block_on(pace.turn(&queues, &clock, watch)).unwrap()
        };
        let mut watch = Patient::default();
        assert!(!turn(&mut watch), "it was ended while it waited");
        assert_eq!(watch.0, [20; 4]);
        assert_eq!(between(Timestamp::UNIX_EPOCH, clock.now()), 3 * WAIT);
        // What was received and not deleted yet counts, too: it may come back.
        let letters = block_on(queues.receive("q", Duration::from_secs(600))).unwrap();
        assert!(!turn(&mut Patient::default()));
        block_on(queues.delete("q", &letters[0].receipt)).unwrap();
        assert!(turn(&mut Patient::default()));
    }
}
