//! In-memory adapters of every port, for tests and for simulation.
//!
//! They keep the promises that the ports make (pinned reads, write-once uploads, leases with fences), so that
//! what passes on them can be expected to pass on AWS. Every adapter is a handle: clones share one state. A
//! fault can be scripted for the next call of an operation, before its effect or after it.

mod analyses;
mod clock;
mod events;
mod mailer;
mod model;
mod objects;
mod queues;

pub use analyses::MemoryAnalyses;
pub use clock::ManualClock;
pub use events::MemoryEvents;
pub use mailer::MemoryMailer;
pub use model::MemoryModel;
pub use objects::{MemoryBody, MemoryObjects, MemoryUpload};
pub use queues::MemoryQueues;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ports::{Fault, FaultKind};

/// Locks, also when a test has panicked while it held the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a call fails before its effect or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

/// A fault that awaits its call.
#[derive(Debug)]
struct Scripted {
    operation: &'static str,
    moment: Moment,
    kind: FaultKind,
    /// Calls that pass before it.
    passes: usize,
}

/// The faults that are scripted for an adapter; each hits one call.
#[derive(Debug, Clone, Default)]
struct Script(Arc<Mutex<Vec<Scripted>>>);

impl Script {
    fn add(&self, operation: &'static str, moment: Moment, kind: FaultKind, passes: usize) {
        lock(&self.0).push(Scripted { operation, moment, kind, passes });
    }

    fn check(&self, operation: &'static str, moment: Moment) -> Result<(), Fault> {
        let mut faults = lock(&self.0);
        let Some(index) = faults.iter().position(|f| f.operation == operation && f.moment == moment) else {
            return Ok(());
        };
        if let Some(fault) = faults.get_mut(index)
            && fault.passes > 0
        {
            fault.passes -= 1;
            return Ok(());
        }
        Err(Fault::new(operation, faults.remove(index).kind, "Scripted"))
    }

    fn before(&self, operation: &'static str) -> Result<(), Fault> {
        self.check(operation, Moment::Before)
    }

    fn after(&self, operation: &'static str) -> Result<(), Fault> {
        self.check(operation, Moment::After)
    }
}

/// Gives an adapter with a field `script` its two ways of being told to fail.
macro_rules! scripted {
    ($adapter:ty) => {
        impl $adapter {
            /// Makes the next call of `operation`, named as the port's method, fail without any effect.
            pub fn fail_next(&self, operation: &'static str, kind: crate::ports::FaultKind) {
                self.fail_after(operation, 0, kind);
            }

            /// The same for the call after `passes` good ones.
            pub fn fail_after(&self, operation: &'static str, passes: usize, kind: crate::ports::FaultKind) {
                self.script.add(operation, crate::memory::Moment::Before, kind, passes);
            }

            /// Makes the next call of `operation` take effect and then fail, as when the answer is lost.
            /// An operation that only reads has no effect to lose; let it fail instead.
            pub fn lose_next_answer(&self, operation: &'static str) {
                self.lose_answer_after(operation, 0);
            }

            /// The same for the call after `passes` good ones.
            pub fn lose_answer_after(&self, operation: &'static str, passes: usize) {
                let kind = crate::ports::FaultKind::TimedOut;
                self.script.add(operation, crate::memory::Moment::After, kind, passes);
            }
        }
    };
}
use scripted;
