//! What the processor does with a batch of queue messages.

use aws::edge::{Answer, BatchFailed, LambdaEvent, SqsBatchResponse, SqsEvent, answer_batch};
use aws::trigger::{self, Trigger};
use shared::events::{PipelineEvent, SweepDue};
use shared::ports::{Clock, Events, Inventory, Objects};
use shared::stage::{Delivery, StageError};

use crate::{Arrival, Outcome, Processor, Swept};

/// Processes the files that a batch announces, and sweeps when it is time to.
///
/// # Errors
/// [`BatchFailed`] when no message of the batch succeeded.
pub async fn handle<O, E, C>(
    processor: &Processor<O, E, C>,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, BatchFailed>
where
    O: Objects + Inventory,
    E: Events,
    C: Clock,
{
    answer_batch(event, &processor.clock, |trigger, delivery| take(processor, trigger, delivery)).await
}

async fn take<O, E, C>(
    processor: &Processor<O, E, C>,
    trigger: Trigger,
    delivery: Delivery,
) -> Result<Answer, StageError>
where
    O: Objects + Inventory,
    E: Events,
    C: Clock,
{
    match trigger {
        Trigger::Arrivals(arrivals) => process(processor, arrivals).await,
        Trigger::Pipeline(event) => match *event {
            PipelineEvent::SweepDue(due) => sweep(processor, &due, &delivery).await,
            PipelineEvent::FileOverlooked(event) => {
                process(processor, vec![trigger::Arrival { source: event.source, nonce: None }]).await
            }
            // Our own, on their way to the others.
            PipelineEvent::ProcessingComplete(_)
            | PipelineEvent::FileRejected(_)
            | PipelineEvent::AnalysisComplete(_) => Ok(Answer::ignored()),
        },
        Trigger::Feedback(_) | Trigger::Unrelated { .. } => Ok(Answer::ignored()),
    }
}

/// All files of a message get their chance; one that fails brings the message back, and the others are then
/// found finished.
async fn process<O, E, C>(
    processor: &Processor<O, E, C>,
    arrivals: Vec<trigger::Arrival>,
) -> Result<Answer, StageError>
where
    O: Objects,
    E: Events,
    C: Clock,
{
    let mut result = Ok(Answer::ignored());
    for trigger::Arrival { source, nonce } in arrivals {
        tracing::info!(bucket = source.bucket, key = source.key, etag = source.etag.as_str(), "file arrived");
        let processed = processor.process(&Arrival { source, nonce }).await.map(answer);
        result = result.and(processed);
    }
    result
}

/// What is found has no other witness than these lines: the events that announce it look like any others.
async fn sweep<O, E, C>(
    processor: &Processor<O, E, C>,
    due: &SweepDue,
    delivery: &Delivery,
) -> Result<Answer, StageError>
where
    O: Objects + Inventory,
    E: Events,
    C: Clock,
{
    let Swept { versions, overlooked, stuck, goes_on } = processor.sweep(due, delivery).await?;
    tracing::info!(bucket = due.bucket, versions, overlooked, stuck, goes_on, "swept");
    if overlooked > 0 {
        let error_type = "Processor.FilesOverlooked";
        tracing::warn!(error_type, overlooked, "files that nobody told of were announced");
    }
    if stuck > 0 {
        let error_type = "Processor.RunsStuck";
        tracing::warn!(error_type, stuck, "runs whose mail is not settled were announced again");
    }
    Ok(Answer::new("swept"))
}

fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Finished { manifest, duplicate } => {
            Answer::new(if duplicate { "duplicate" } else { manifest.status.as_str() })
                .about(manifest.run_id.as_str(), manifest.dataset.as_str())
                .with_rows(manifest.rows)
        }
        Outcome::Superseded => Answer::new("superseded"),
        Outcome::SourceGone => Answer::new("source-gone"),
        Outcome::Ignored => Answer::ignored(),
    }
}
