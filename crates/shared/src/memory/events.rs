use std::sync::{Arc, Mutex};

use crate::events::PipelineEvent;
use crate::memory::{Script, lock, scripted};
use crate::ports::{Events, Fault};

/// An event bus that keeps what was published.
#[derive(Debug, Clone, Default)]
pub struct MemoryEvents {
    published: Arc<Mutex<Vec<PipelineEvent>>>,
    script: Script,
}

scripted!(MemoryEvents);

impl MemoryEvents {
    /// An empty bus.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every event that the bus took, in order.
    #[must_use]
    pub fn published(&self) -> Vec<PipelineEvent> {
        lock(&self.published).clone()
    }

    /// Hands out what was published since the last call.
    #[must_use]
    pub fn drain(&self) -> Vec<PipelineEvent> {
        std::mem::take(&mut *lock(&self.published))
    }
}

impl Events for MemoryEvents {
    async fn publish(&self, event: &PipelineEvent) -> Result<(), Fault> {
        self.script.before("publish")?;
        lock(&self.published).push(event.clone());
        self.script.after("publish")
    }
}
