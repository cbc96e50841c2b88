use std::sync::{Mutex, PoisonError};

use shared::events::PipelineEvent;
use shared::ports::{Events, Fault};

/// A bus that keeps what was published until the next stage is run.
#[derive(Debug, Default)]
pub struct LocalEvents(Mutex<Vec<PipelineEvent>>);

impl LocalEvents {
    /// Hands out what was published since the last call, in order.
    pub fn take(&self) -> Vec<PipelineEvent> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Events for &LocalEvents {
    async fn publish(&self, event: &PipelineEvent) -> Result<(), Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }
}
