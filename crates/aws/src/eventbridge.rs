//! The pipeline's bus on `EventBridge`.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use shared::backoff::{Backoff, retry};
use shared::events::PipelineEvent;
use shared::ports::{Clock, Disposition, Events, Fault, FaultKind};

use crate::clock::SystemClock;
use crate::fault::{fault, kind_of};

const OPERATION: &str = "PutEvents";

/// Publishes on one bus.
///
/// `PutEvents` answers 200 also when it refused the entry, and the SDK does not repeat that; this adapter does.
#[derive(Debug, Clone)]
pub struct BusEvents<C = SystemClock> {
    client: Client,
    bus: String,
    clock: C,
    refused: Backoff,
}

impl BusEvents {
    /// Publishes on the bus of that name or ARN.
    #[must_use]
    pub fn new(client: Client, bus: impl Into<String>) -> Self {
        Self::with_clock(client, bus, SystemClock, Backoff::STANDARD)
    }
}

impl<C: Clock> BusEvents<C> {
    /// The same with another clock, and another policy for entries that were refused for a reason that passes.
    #[must_use]
    pub fn with_clock(client: Client, bus: impl Into<String>, clock: C, refused: Backoff) -> Self {
        Self { client, bus: bus.into(), clock, refused }
    }
}

impl<C: Clock> Events for BusEvents<C> {
    async fn publish(&self, event: &PipelineEvent) -> Result<(), Fault> {
        let entry = self.entry(event)?;
        // The outer result is what our policy repeats: refused entries. A failed call, which the SDK has
        // repeated already, travels in the inner one.
        retry(self.refused, &self.clock, || async {
            match self.client.put_events().entries(entry.clone()).send().await {
                Ok(answer) => match verdict(&answer) {
                    Err(refusal) if refusal.disposition() == Disposition::Retry => Err(refusal),
                    verdict => Ok(verdict),
                },
                Err(error) => Ok(Err(fault(OPERATION, error))),
            }
        })
        .await?
    }
}

impl<C: Clock> BusEvents<C> {
    fn entry(&self, event: &PipelineEvent) -> Result<PutEventsRequestEntry, Fault> {
        let detail = event.detail().map_err(|error| {
            Fault::new(OPERATION, FaultKind::Internal, "UnwritableEvent").caused_by(error)
        })?;
        Ok(PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(event.source())
            .detail_type(event.detail_type())
            .detail(detail)
            .resources(resource(event))
            .build())
    }
}

/// The ARN of the object that the event is about, or of the bucket.
fn resource(event: &PipelineEvent) -> String {
    match event.about() {
        (bucket, Some(key)) => format!("arn:aws:s3:::{bucket}/{key}"),
        (bucket, None) => format!("arn:aws:s3:::{bucket}"),
    }
}

fn verdict(answer: &PutEventsOutput) -> Result<(), Fault> {
    if answer.failed_entry_count() == 0 {
        return Ok(());
    }
    let code = answer.entries().iter().find_map(|entry| entry.error_code()).unwrap_or("UnknownRefusal");
    // No status belongs to an entry; what is not a known code is a request that will not get better.
    let kind = if code == "UnknownRefusal" { FaultKind::Unavailable } else { kind_of(code, 400) };
    Err(Fault::new(OPERATION, kind, code))
}
