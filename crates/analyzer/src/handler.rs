//! What the analyzer does with a batch of queue messages.

use aws::edge::{Answer, BatchFailed, LambdaEvent, SqsBatchResponse, SqsEvent, answer_batch};
use aws::trigger::Trigger;
use shared::events::PipelineEvent;
use shared::ports::{Analyses, Clock, Events, Model, Objects};
use shared::stage::{Delivery, StageError};

use crate::{Analyzer, Outcome};

/// Analyses the runs that a batch announces.
///
/// # Errors
/// [`BatchFailed`] when no message of the batch succeeded.
pub async fn handle<O, A, M, E, C>(
    analyzer: &Analyzer<O, A, M, E, C>,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, BatchFailed>
where
    O: Objects,
    A: Analyses,
    M: Model,
    E: Events,
    C: Clock,
{
    answer_batch(event, &analyzer.clock, |trigger, delivery| analyze(analyzer, trigger, delivery)).await
}

async fn analyze<O, A, M, E, C>(
    analyzer: &Analyzer<O, A, M, E, C>,
    trigger: Trigger,
    delivery: Delivery,
) -> Result<Answer, StageError>
where
    O: Objects,
    A: Analyses,
    M: Model,
    E: Events,
    C: Clock,
{
    let Trigger::Pipeline(event) = trigger else { return Ok(Answer::ignored()) };
    match *event {
        PipelineEvent::ProcessingComplete(event) => analyzer.analyze(&event, &delivery).await.map(answer),
        PipelineEvent::FileRejected(_)
        | PipelineEvent::AnalysisComplete(_)
        | PipelineEvent::FileOverlooked(_)
        | PipelineEvent::SweepDue(_) => Ok(Answer::ignored()),
    }
}

fn answer(outcome: Outcome) -> Answer {
    let Outcome { record, duplicate } = outcome;
    Answer::new(if duplicate { "duplicate" } else { "analyzed" })
        .about(record.analysis_id.as_str(), record.dataset)
        .with_rows(record.rows)
}
