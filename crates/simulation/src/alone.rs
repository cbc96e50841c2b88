//! One call after the other in a world of its own, without functions: for whoever wants to know what the adapters answer.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::faults::Plan;
use crate::mechanisms::Mechanisms;
use crate::ports::Ports;
use crate::services::bus::Stage;
use crate::world::{Due, Shared, World, lock};

/// A world in which nothing goes wrong and nobody is at work but the one who asks.
#[derive(Debug)]
pub struct Alone {
    shared: Shared,
    delivered: Mutex<Vec<(Stage, Arc<str>)>>,
}

impl Alone {
    /// An empty world.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let world = World::new(seed, Plan::none(), Mechanisms::default());
        Self { shared: Arc::new(Mutex::new(world)), delivered: Mutex::default() }
    }

    /// The ports, with a clock that is right.
    #[must_use]
    pub fn ports(&self) -> Ports {
        Ports::new(Arc::clone(&self.shared), 0)
    }

    /// Looks at the world, or changes it from outside.
    pub fn world<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(&mut lock(&self.shared))
    }

    /// Runs a future to its end, in virtual time; `None` when it waits for something that never comes.
    pub fn run<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Some(output);
            }
            while !self.step()? {}
        }
    }

    /// What was delivered to the queues since the last call, after everything that is due.
    #[must_use]
    pub fn delivered(&self) -> Vec<(Stage, Arc<str>)> {
        while self.step().is_some() {}
        std::mem::take(&mut *self.delivered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does the next thing that is due, and says whether somebody is woken by it.
    fn step(&self) -> Option<bool> {
        let due = lock(&self.shared).next_due(i64::MAX, |_| true)?;
        match due {
            Due::Wake(_) => return Some(true),
            Due::Effect(effect) => effect(&mut lock(&self.shared)),
            Due::Deliver { stage, body } => {
                let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
                delivered.push((stage, body));
            }
            // Nobody is at work whose time could be up, and nothing is hidden.
            Due::Kill(_) | Due::Show { .. } | Due::Invoke { .. } => {}
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use shared::ports::{Location, Metadata, Written, put};

    use super::*;

    #[test]
    fn a_call_ends_and_what_never_comes_is_said_to_never_come() {
        let alone = Alone::new(1);
        let ports = alone.ports();
        let at = Location::new("b", "processed/a");
        let written = alone.run(put(&ports, &at, Metadata::new(), b"1"));
        assert_eq!(written.unwrap().unwrap(), Written::Created);
        assert!(alone.world(|world| world.bucket.current("processed/a").is_some()));
        assert!(alone.run(std::future::pending::<()>()).is_none());
    }

    #[test]
    fn a_dropped_file_is_delivered_to_the_processors_queue() {
        let alone = Alone::new(1);
        alone.world(|world| world.upload("input/a.csv", Arc::from(&b"1"[..])));
        let delivered = alone.delivered();
        assert_eq!(delivered.iter().map(|(stage, _)| *stage).collect::<Vec<_>>(), [Stage::Process]);
        assert!(alone.delivered().is_empty());
    }
}
