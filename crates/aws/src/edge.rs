//! Where Lambda meets a stage: a batch of queue messages in, the answer for each out.
//!
//! A message that failed stays in the queue and comes back, and at last goes to the dead-letter queue; nothing is
//! swallowed. Lambda counts an invocation with partial failures as a success, so a batch of which no message
//! succeeded is an error of the invocation: that is what the function's `Errors` metric and its alarm see. The
//! event source mapping must have `ReportBatchItemFailures` switched on.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Diagnostic, service_fn};
use shared::events::Rows;
use shared::ports::{Clock, Disposition};
use shared::stage::{Delivery, StageError};
use tracing::Instrument as _;

use crate::trigger::{self, Message, NotATrigger, Trigger};

// A stage names these from here, so that it depends on no other crate of the edge.
pub use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
pub use lambda_runtime::{Context, Error as RuntimeError, LambdaEvent};

/// What is kept back of an invocation's time, to report before Lambda ends it.
const MARGIN: SignedDuration = SignedDuration::from_secs(1);

/// What a stage did with a message, for the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The outcome in one word.
    pub outcome: &'static str,
    /// Follows the run through all stages and logs.
    pub correlation_id: Option<String>,
    /// The dataset.
    pub dataset: Option<String>,
    /// The file's records.
    pub rows: Option<Rows>,
}

impl Answer {
    /// An answer of one word.
    #[must_use]
    pub fn new(outcome: &'static str) -> Self {
        Self { outcome, ..Self::default() }
    }

    /// The message was not for this stage.
    #[must_use]
    pub fn ignored() -> Self {
        Self::new("ignored")
    }

    /// The same, about a run.
    #[must_use]
    pub fn about(mut self, correlation_id: impl Into<String>, dataset: impl Into<String>) -> Self {
        self.correlation_id = Some(correlation_id.into());
        self.dataset = Some(dataset.into());
        self
    }

    /// The same, about a run whose dataset is not known here.
    #[must_use]
    pub fn about_run(mut self, correlation_id: impl Into<String>) -> Self {
        self.correlation_id = Some(correlation_id.into());
        self
    }

    /// The same, with the file's records.
    #[must_use]
    pub fn with_rows(mut self, rows: Rows) -> Self {
        self.rows = Some(rows);
        self
    }
}

/// Why a message failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The message is not one that the pipeline is fed with.
    #[error("the message cannot be read")]
    Message(#[from] NotATrigger),
    /// The stage did not finish.
    #[error("the stage did not finish")]
    Stage(#[from] StageError),
    /// The invocation's time was up.
    #[error("the invocation's time was up")]
    OutOfTime,
}

impl Failure {
    /// The stable name that alarms and dashboards key on.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Message(error) => error.error_type(),
            Self::Stage(error) => error.error_type(),
            Self::OutOfTime => "Edge.OutOfTime",
        }
    }

    /// Whether another delivery can help.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Message(_) => Disposition::Park,
            Self::Stage(error) => error.disposition(),
            Self::OutOfTime => Disposition::Retry,
        }
    }

    /// Two deliveries of one message that meet are no fault: one of them finishes the work.
    fn is_contention(&self) -> bool {
        matches!(self, Self::Stage(StageError::Busy { .. } | StageError::LeaseLost))
    }
}

/// An invocation of which no message succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchFailed {
    /// The type of its first failure.
    pub error_type: &'static str,
    /// That failure with its causes.
    pub reason: String,
    /// How many messages it had.
    pub messages: usize,
}

impl fmt::Display for BatchFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "none of {} messages succeeded; the first: {}", self.messages, self.reason)
    }
}

impl Error for BatchFailed {}

impl From<BatchFailed> for Diagnostic {
    fn from(failed: BatchFailed) -> Self {
        Self { error_type: failed.error_type.to_owned(), error_message: failed.to_string() }
    }
}

type Invocation = Pin<Box<dyn Future<Output = Result<SqsBatchResponse, BatchFailed>> + Send>>;

/// Serves invocations until the environment ends: one at a time, or several where Lambda allows several.
///
/// # Errors
/// When the Runtime API cannot be reached; Lambda then starts a fresh environment.
pub async fn run<H, F>(handler: H) -> Result<(), RuntimeError>
where
    H: Fn(LambdaEvent<SqsEvent>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<SqsBatchResponse, BatchFailed>> + Send + 'static,
{
    // Boxed, because a stage's future nests deeper than the compiler follows when the runtime's lie around it.
    let boxed = move |event| -> Invocation { Box::pin(handler(event)) };
    lambda_runtime::run_concurrent(service_fn(boxed)).await
}

/// Gives each message of a batch to a stage, one after the other, and answers for each.
///
/// `work` is called for what concerns a stage: arrivals, events of the pipeline, and what the mail service says. What
/// it does not take it answers with [`Answer::ignored`].
///
/// # Errors
/// [`BatchFailed`] when no message succeeded, and not merely because other invocations are at the same runs.
pub async fn answer_batch<C, W, F>(
    event: LambdaEvent<SqsEvent>,
    clock: &C,
    work: W,
) -> Result<SqsBatchResponse, BatchFailed>
where
    C: Clock,
    W: Fn(Trigger, Delivery) -> F,
    F: Future<Output = Result<Answer, StageError>>,
{
    let LambdaEvent { payload, context } = event;
    let messages = payload.records.len();
    let mut response = SqsBatchResponse::default();
    let mut failures = Vec::new();
    for message in &payload.records {
        let id = message.message_id.clone().unwrap_or_default();
        let span = tracing::info_span!(
            "message",
            function_request_id = context.request_id,
            message_id = id,
            correlation_id = tracing::field::Empty,
        );
        if let Err(failure) = answer_one(message, &context, clock, &work).instrument(span).await {
            response.add_failure(id);
            failures.push(failure);
        }
    }
    match failures.iter().find(|failure| !failure.is_contention()) {
        Some(first) if failures.len() == messages => {
            Err(BatchFailed { error_type: first.error_type(), reason: told_in_full(first), messages })
        }
        _ => Ok(response),
    }
}

async fn answer_one<C, W, F>(
    message: &SqsMessage,
    context: &Context,
    clock: &C,
    work: &W,
) -> Result<(), Failure>
where
    C: Clock,
    W: Fn(Trigger, Delivery) -> F,
    F: Future<Output = Result<Answer, StageError>>,
{
    let started = clock.now();
    let delivery = delivery(message, context);
    let result = match trigger::parse(message.body.as_deref().unwrap_or_default()) {
        Err(error) => Err(Failure::Message(error)),
        Ok(Message { id, trigger }) => {
            if let Some(id) = correlation_id(&trigger).or(id) {
                tracing::Span::current().record("correlation_id", id);
            }
            match trigger {
                Trigger::Unrelated { kind } => {
                    tracing::info!(detail_type = kind, "a message that is not for this stage");
                    Ok(Answer::ignored())
                }
                trigger => before(&delivery, started, work(trigger, delivery.clone())).await,
            }
        }
    };
    log(&result, clock.now().duration_since(started));
    result.map(drop)
}

/// The run that an event is about. Of an arrival only the event's own id is known: its run also depends on the
/// contract. A sweep is about no run.
fn correlation_id(trigger: &Trigger) -> Option<String> {
    match trigger {
        Trigger::Pipeline(event) => event.run_id().map(ToString::to_string),
        Trigger::Feedback(feedback) => Some(feedback.run_id.to_string()),
        Trigger::Arrivals(_) | Trigger::Unrelated { .. } => None,
    }
}

fn delivery(message: &SqsMessage, context: &Context) -> Delivery {
    let id = message.message_id.as_deref().unwrap_or_default();
    let deadline = i64::try_from(context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Delivery { owner: format!("{}/{id}", context.request_id), deadline: deadline.unwrap_or(Timestamp::MAX) }
}

/// Ends the work shortly before Lambda would, so that the failure is reported and the process lives on.
async fn before<F>(delivery: &Delivery, now: Timestamp, work: F) -> Result<Answer, Failure>
where
    F: Future<Output = Result<Answer, StageError>>,
{
    let left = delivery.deadline.duration_since(now).saturating_sub(MARGIN);
    let Some(left) = Duration::try_from(left).ok().filter(|left| !left.is_zero()) else {
        return Err(Failure::OutOfTime);
    };
    match tokio::time::timeout(left, work).await {
        Ok(result) => result.map_err(Failure::Stage),
        Err(_elapsed) => Err(Failure::OutOfTime),
    }
}

/// One line an outcome, with everything that a search may ask for.
fn log(result: &Result<Answer, Failure>, took: SignedDuration) {
    let duration_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    match result {
        Ok(answer) => {
            if let Some(id) = &answer.correlation_id {
                tracing::Span::current().record("correlation_id", id);
            }
            tracing::info!(
                outcome = answer.outcome,
                dataset = answer.dataset,
                rows_total = answer.rows.map(|rows| rows.total),
                rows_ok = answer.rows.map(|rows| rows.valid),
                rows_rejected = answer.rows.map(|rows| rows.rejected),
                duration_ms,
                "message answered"
            );
        }
        Err(failure) if failure.disposition() == Disposition::Retry => {
            let (error_type, exception) = (failure.error_type(), told_in_full(failure));
            tracing::warn!(outcome = "failed", error_type, exception, duration_ms, "message comes back");
        }
        Err(failure) => {
            let (error_type, exception) = (failure.error_type(), told_in_full(failure));
            tracing::error!(outcome = "failed", error_type, exception, duration_ms, "message needs a person");
        }
    }
}

/// An error with all its causes.
fn told_in_full(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}
