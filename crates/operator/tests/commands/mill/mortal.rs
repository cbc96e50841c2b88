//! Ports whose user is killed at a call: before the call has its effect, or after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use operator::Operator;
use shared::identity::ETag;
use shared::memory::{ManualClock, MemoryAnalyses, MemoryBody, MemoryObjects, MemoryQueues, MemoryUpload};
use shared::ports::{
    Depth, Fault, FaultKind, Fetched, Inventory, Letter, ListingPlace, Location, Metadata, ObjectInfo,
    Objects, Queues, SourceObject, VersionPage,
};

use super::Mill;

/// When death comes: at which call, and whether that still has its effect. Dead is dead: no later call has any.
#[derive(Debug, Clone)]
pub(crate) struct Death {
    calls: Arc<AtomicU64>,
    at: u64,
    after_effect: bool,
}

impl Death {
    pub(crate) fn at(call: u64, after_effect: bool) -> Self {
        Self { calls: Arc::default(), at: call, after_effect }
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Makes a call, if whoever makes it still lives, and hands out its answer, if they live then.
    async fn call<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let killed = || Fault::new("call", FaultKind::Internal, "Killed");
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if number > self.at || (number == self.at && !self.after_effect) {
            return Err(killed());
        }
        let answer = call.await;
        if number == self.at { Err(killed()) } else { answer }
    }
}

/// A port in mortal hands.
#[derive(Debug, Clone)]
pub(crate) struct Mortal<P> {
    port: P,
    death: Death,
}

impl Queues for Mortal<MemoryQueues> {
    async fn send(&self, queue: &str, body: &str) -> Result<(), Fault> {
        self.death.call(self.port.send(queue, body)).await
    }

    async fn receive(&self, queue: &str, hide_for: Duration) -> Result<Vec<Letter>, Fault> {
        self.death.call(self.port.receive(queue, hide_for)).await
    }

    async fn delete(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        self.death.call(self.port.delete(queue, receipt)).await
    }

    async fn release(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        self.death.call(self.port.release(queue, receipt)).await
    }

    async fn depth(&self, queue: &str) -> Result<Depth, Fault> {
        self.death.call(self.port.depth(queue)).await
    }
}

impl Inventory for Mortal<MemoryObjects> {
    async fn versions(
        &self,
        bucket: &str,
        prefix: &str,
        from: Option<&ListingPlace>,
    ) -> Result<VersionPage, Fault> {
        self.death.call(self.port.versions(bucket, prefix, from)).await
    }
}

impl Objects for Mortal<MemoryObjects> {
    type Body = MemoryBody;
    type Upload = MemoryUpload;

    async fn open(&self, source: &SourceObject) -> Result<(ObjectInfo, MemoryBody), Fault> {
        self.death.call(self.port.open(source)).await
    }

    async fn open_output(&self, at: &Location) -> Result<(ObjectInfo, MemoryBody), Fault> {
        self.death.call(self.port.open_output(at)).await
    }

    async fn fetch(&self, at: &Location, known: Option<&ETag>) -> Result<Fetched, Fault> {
        self.death.call(self.port.fetch(at, known)).await
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Fault> {
        self.death.call(self.port.list(bucket, prefix)).await
    }

    async fn create(&self, at: &Location, metadata: Metadata) -> Result<MemoryUpload, Fault> {
        self.death.call(self.port.create(at, metadata)).await
    }
}

impl Mill {
    /// An operator who dies.
    pub(crate) fn mortal(
        &self,
        death: &Death,
    ) -> Operator<Mortal<MemoryObjects>, MemoryAnalyses, Mortal<MemoryQueues>, ManualClock> {
        let Operator { objects, analyses, queues, clock } = self.operator();
        Operator {
            objects: Mortal { port: objects, death: death.clone() },
            analyses,
            queues: Mortal { port: queues, death: death.clone() },
            clock,
        }
    }
}
