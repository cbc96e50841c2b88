//! What the notifier does with a batch of queue messages.

use aws::edge::{Answer, BatchFailed, LambdaEvent, SqsBatchResponse, SqsEvent, answer_batch};
use aws::trigger::Trigger;
use shared::events::PipelineEvent;
use shared::ports::{Analyses, Clock, Mailer, Objects};
use shared::stage::{Delivery, StageError};

use crate::{Notifier, Outcome};

/// Sends the mails that a batch asks for.
///
/// # Errors
/// [`BatchFailed`] when no message of the batch succeeded.
pub async fn handle<O, A, X, C>(
    notifier: &Notifier<O, A, X, C>,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, BatchFailed>
where
    O: Objects,
    A: Analyses,
    X: Mailer,
    C: Clock,
{
    answer_batch(event, &notifier.clock, |trigger, delivery| notify(notifier, trigger, delivery)).await
}

async fn notify<O, A, X, C>(
    notifier: &Notifier<O, A, X, C>,
    trigger: Trigger,
    delivery: Delivery,
) -> Result<Answer, StageError>
where
    O: Objects,
    A: Analyses,
    X: Mailer,
    C: Clock,
{
    let Trigger::Pipeline(event) = trigger else { return Ok(Answer::ignored()) };
    let dataset = match &*event {
        PipelineEvent::AnalysisComplete(event) => event.dataset.clone(),
        PipelineEvent::FileRejected(event) => event.dataset.clone(),
        // The analysis of that run brings its mail.
        PipelineEvent::ProcessingComplete(_) => return Ok(Answer::ignored()),
    };
    let outcome = notifier.notify(&event, &delivery).await?;
    Ok(Answer::new(word(&outcome)).about(event.run_id().as_str(), dataset))
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Sent { message_id } => {
            tracing::info!(mail_id = message_id, "mail sent");
            "sent"
        }
        Outcome::AlreadySent => "already-sent",
        // The delivery is done with, so this line is what an operator hears of it.
        Outcome::Refused { code } => {
            tracing::error!(error_type = "Notifier.MailRefused", code, "the mail service refuses the mail");
            "refused"
        }
        Outcome::NoRecipients => {
            tracing::warn!("neither the contract nor the settings name a recipient");
            "no-recipients"
        }
    }
}
