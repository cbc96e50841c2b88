//! What the notifier does with a batch of queue messages.

use aws::edge::{Answer, BatchFailed, LambdaEvent, SqsBatchResponse, SqsEvent, answer_batch};
use aws::trigger::Trigger;
use shared::events::PipelineEvent;
use shared::ports::{Analyses, Clock, FeedbackKind, Heard, MailFeedback, Mailer, Objects};
use shared::stage::{Delivery, StageError};

use crate::{Notifier, Outcome};

/// Sends the mails that a batch asks for, and takes in what the mail service says of earlier ones.
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
    answer_batch(event, &notifier.clock, |trigger, delivery| take(notifier, trigger, delivery)).await
}

async fn take<O, A, X, C>(
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
    match trigger {
        Trigger::Pipeline(event) => notify(notifier, &event, &delivery).await,
        Trigger::Feedback(feedback) => hear(notifier, &feedback).await,
        Trigger::Arrivals(_) | Trigger::Unrelated { .. } => Ok(Answer::ignored()),
    }
}

async fn notify<O, A, X, C>(
    notifier: &Notifier<O, A, X, C>,
    event: &PipelineEvent,
    delivery: &Delivery,
) -> Result<Answer, StageError>
where
    O: Objects,
    A: Analyses,
    X: Mailer,
    C: Clock,
{
    let (run_id, dataset) = match event {
        PipelineEvent::AnalysisComplete(event) => (&event.run_id, &event.dataset),
        PipelineEvent::FileRejected(event) => (&event.run_id, &event.dataset),
        // The analysis of that run brings its mail; the others are the processor's.
        PipelineEvent::ProcessingComplete(_)
        | PipelineEvent::FileOverlooked(_)
        | PipelineEvent::SweepDue(_) => return Ok(Answer::ignored()),
    };
    let outcome = notifier.notify(event, delivery).await?;
    let word = word(&outcome);
    match outcome {
        Outcome::Sent { .. } | Outcome::AlreadySent | Outcome::NoRecipients => {
            Ok(Answer::new(word).about(run_id.as_str(), dataset.as_str()))
        }
        // Everything is written down. The invocation fails all the same, once, so that an alarm tells of a report that
        // nobody got: the next delivery finds the run settled.
        Outcome::Refused { code } => Err(StageError::Unmailed { code }),
        Outcome::Parked => Err(StageError::Unmailed { code: "Unsettled".to_owned() }),
    }
}

async fn hear<O, A, X, C>(
    notifier: &Notifier<O, A, X, C>,
    feedback: &MailFeedback,
) -> Result<Answer, StageError>
where
    O: Objects,
    A: Analyses,
    X: Mailer,
    C: Clock,
{
    let heard = notifier.hear(feedback).await?;
    tell(feedback, heard);
    Ok(Answer::new(heard_word(heard)).about_run(feedback.run_id.as_str()))
}

/// What became of a mail that the mail service had taken. That somebody goes without it is told under a name of its
/// own: the delivery is done with, so this line is what an operator hears of it.
fn tell(feedback: &MailFeedback, heard: Heard) {
    let MailFeedback { send_id, message_id, kind, code, .. } = feedback;
    let (told, settled) = (kind.as_str(), heard == Heard::Settled);
    let error_type = match kind {
        FeedbackKind::Bounced => "Notifier.MailBounced",
        FeedbackKind::Complained => "Notifier.MailComplained",
        FeedbackKind::Rejected => "Notifier.MailRejected",
        FeedbackKind::RenderingFailed => "Notifier.MailRenderingFailed",
        FeedbackKind::Delayed => {
            tracing::warn!(told, settled, code, send_id, mail_id = message_id, "the mail is late");
            return;
        }
        FeedbackKind::Sent | FeedbackKind::Delivered => {
            tracing::info!(told, settled, send_id, mail_id = message_id, "the mail service told of a mail");
            return;
        }
    };
    tracing::error!(
        error_type,
        told,
        settled,
        code,
        send_id,
        mail_id = message_id,
        "the mail did not arrive well"
    );
}

fn heard_word(heard: Heard) -> &'static str {
    match heard {
        Heard::Settled => "settled",
        Heard::Known => "known",
        Heard::NoSuchRun => "no-such-run",
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Sent { message_id } => {
            tracing::info!(mail_id = message_id, "mail sent");
            "sent"
        }
        Outcome::AlreadySent => "already-sent",
        Outcome::Refused { code } => {
            tracing::error!(error_type = "Notifier.MailRefused", code, "the mail service refuses the mail");
            "refused"
        }
        Outcome::NoRecipients => {
            tracing::warn!("neither the contract nor the settings name a recipient");
            "no-recipients"
        }
        Outcome::Parked => {
            let error_type = "Notifier.MailParked";
            tracing::error!(error_type, "nobody can tell whether the mail went out; it is not sent again");
            "parked"
        }
    }
}
