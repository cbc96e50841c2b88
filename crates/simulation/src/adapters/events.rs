//! Events on the bus: an entry that was refused is published again, and at last an error.

use std::sync::Arc;

use shared::backoff::{Backoff, retry};
use shared::events::PipelineEvent;
use shared::ports::{Disposition, Events, Fault, FaultKind as PortFault};

use crate::faults::{FaultKind, Operation};
use crate::ports::Ports;
use crate::services::bus;
use crate::world::lock;

impl Events for Ports {
    async fn publish(&self, event: &PipelineEvent) -> Result<(), Fault> {
        let detail =
            event.detail().map_err(|_| Fault::new("PutEvents", PortFault::Internal, "UnwritableEvent"))?;
        let body: Arc<str> = bus::envelope(event.source(), event.detail_type(), &detail).into();
        // The outer result is what our policy repeats: refused entries.
        retry(Backoff::STANDARD, self, || async {
            match self.put_events(event, &body).await {
                Ok(None) => Ok(Ok(())),
                Ok(Some(refusal)) if refusal.disposition() == Disposition::Retry => Err(refusal),
                Ok(Some(refusal)) => Ok(Err(refusal)),
                Err(fault) => Ok(Err(fault)),
            }
        })
        .await?
    }
}

impl Ports {
    /// The call, with the entry that it refused.
    async fn put_events(&self, event: &PipelineEvent, body: &Arc<str>) -> Result<Option<Fault>, Fault> {
        let (event, body) = (event.clone(), Arc::clone(body));
        let refused = self
            .call_or(Operation::PutEvents, FaultKind::RefusedEntry, move |world| {
                world.publish(&event, &body);
                Ok(())
            })
            .await?;
        let looks = lock(&self.shared).mechanisms.failed_entries;
        let refusal = || Fault::new("PutEvents", PortFault::Unavailable, "InternalFailure");
        Ok((refused && looks).then(refusal))
    }
}
