//! What the processor does with a batch of queue messages.

use aws::edge::{Answer, BatchFailed, LambdaEvent, SqsBatchResponse, SqsEvent, answer_batch};
use aws::trigger::{self, Trigger};
use shared::ports::{Clock, Events, Objects};
use shared::stage::StageError;

use crate::{Arrival, Outcome, Processor};

/// Processes the files that a batch announces.
///
/// # Errors
/// [`BatchFailed`] when no message of the batch succeeded.
pub async fn handle<O, E, C>(
    processor: &Processor<O, E, C>,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, BatchFailed>
where
    O: Objects,
    E: Events,
    C: Clock,
{
    answer_batch(event, &processor.clock, |trigger, _delivery| process(processor, trigger)).await
}

/// All files of a message get their chance; one that fails brings the message back, and the others are then
/// found finished.
async fn process<O, E, C>(processor: &Processor<O, E, C>, trigger: Trigger) -> Result<Answer, StageError>
where
    O: Objects,
    E: Events,
    C: Clock,
{
    let Trigger::Arrivals(arrivals) = trigger else { return Ok(Answer::ignored()) };
    let mut result = Ok(Answer::ignored());
    for trigger::Arrival { source, nonce } in arrivals {
        tracing::info!(bucket = source.bucket, key = source.key, etag = source.etag.as_str(), "file arrived");
        let processed = processor.process(&Arrival { source, nonce }).await.map(answer);
        result = result.and(processed);
    }
    result
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
