//! The table of analyses on DynamoDB: two items a run.
//!
//! The item of the record, with the claims on computing it:
//!
//! | attribute | type | meaning |
//! | --- | --- | --- |
//! | `run_id` | S | partition key: the run id |
//! | `analysis_id`, `insights`, `facts`, … | | the record ([`AnalysisRecord`]), each field an attribute |
//! | `analyze_state` | S | `CLAIMED`, `FINISHED` |
//! | `analyze_owner`, `analyze_fence`, `analyze_lease` | S, N, N | who holds the claim, its number, until when (ms since 1970) |
//! | `notification_order` | N | the order of the mail's state that the record was told of last |
//! | `ttl` | N | when the item may be deleted (s since 1970) |
//!
//! The item of the mail. It is one of its own, because a mail is written about five times or more, and each write is
//! charged by the size of the whole item: a record has tens of kilobytes. It stands in neither index, which ask for
//! `dataset` and `correlation_id`:
//!
//! | attribute | type | meaning |
//! | --- | --- | --- |
//! | `run_id` | S | partition key: the run id and `#mail` |
//! | `notify_state` | S | `CLAIMED`, `SENDING`, `SENT`, `REFUSED`, `PARKED` |
//! | `notify_owner`, `notify_fence`, `notify_lease` | S, N, N | as above |
//! | `send_id`, `send_since` | S, N | the last attempt at sending, and when it began (ms since 1970) |
//! | `ended_at` | S | when the mail was sent, refused or parked |
//! | `message_id`, `refused_code` | S | how it ended: SES's id of the mail, why it does not go out |
//! | `heard_sent`, `heard_bounced`, … | S | when SES said so of the mail, the first time |
//! | `heard_bounced_code`, … | S | SES's own word for it |
//! | `ttl` | N | when the item may be deleted (s since 1970) |
//!
//! Every step is decided by [`TaskItem`] and made as one conditional `UpdateItem`. A condition that fails brings the
//! old item along: when it shows the very effect that was asked for, an earlier request of ours had landed and only
//! its answer was lost.

mod expression;
mod task;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use shared::claims::{Attempt, Step, TaskItem};
use shared::identity::RunId;
use shared::ports::{
    Analyses, Claim, Claimed, Commit, Fault, FaultKind, Heard, Lease, MailFeedback, SendOutcome, Task,
};
use shared::record::AnalysisRecord;

use crate::dynamodb::expression::Expression;
use crate::dynamodb::task::{Conditional, text_in};
use crate::fault::fault;

/// The attributes of an item.
type Item = HashMap<String, AttributeValue>;

const UPDATE: &str = "UpdateItem";
const GET: &str = "GetItem";
const KEY: &str = "run_id";
const ANALYSIS_ID: &str = "analysis_id";
const NOTIFICATION_SENT: &str = "notification_sent";
const NOTIFICATION_TIMESTAMP: &str = "notification_timestamp";
const NOTIFICATION_ORDER: &str = "notification_order";

/// How often a record is marked before another delivery has to go on. A mail changes its end twice at most: from
/// unknown to sent, and from sent to refused.
const MARKS: usize = 3;

/// The largest record that is stored, in bytes of JSON. DynamoDB takes items of up to 400 KB, which also hold
/// the claims.
pub const MAX_RECORD_BYTES: usize = 350 * 1024;

/// The table of analyses.
#[derive(Debug, Clone)]
pub struct TableAnalyses {
    client: Client,
    table: String,
    retention: SignedDuration,
}

impl TableAnalyses {
    /// The table of that name. An item that never gets a record (the mail about a refused file) expires
    /// so many days after its first claim; the record says itself when it expires.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>, retention_days: u32) -> Self {
        let retention = SignedDuration::from_hours(24 * i64::from(retention_days));
        Self { client, table: table.into(), retention }
    }

    /// One conditional write. `Err` of the inner result is the old item of a condition that did not hold.
    async fn update(
        &self,
        key: String,
        (expression, condition): Conditional,
    ) -> Result<Result<Item, Item>, Fault> {
        let (update, names, values) = expression.into_parts();
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(KEY, AttributeValue::S(key))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            // Not ALL_NEW: the item may hold a record of hundreds of kilobytes that nobody here looks at.
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(Ok(answer.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Err(failed.item().cloned().unwrap_or_default()))
                }
                _ => Err(fault(UPDATE, error)),
            },
        }
    }

    /// The item as it is now, whole or only these attributes of it.
    async fn get(&self, key: String, only: Option<&str>) -> Result<Item, Fault> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(KEY, AttributeValue::S(key))
            .set_projection_expression(only.map(str::to_owned))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| fault(GET, error))?;
        Ok(answer.item.unwrap_or_default())
    }

    /// A step under a lease, with what else is written by it.
    async fn step(
        &self,
        lease: &Lease,
        step: &Step,
        more: impl FnOnce(&mut Expression),
    ) -> Result<Commit, Fault> {
        let (mut expression, condition) = task::step(lease, step);
        more(&mut expression);
        let key = task::key_of(&lease.run_id, lease.task);
        let old = match self.update(key, (expression, condition)).await? {
            Ok(_) => return Ok(Commit::Stored),
            Err(old) => task::read(UPDATE, &old, lease.task)?,
        };
        let shown = old.is_some_and(|item| item.shows(lease, step));
        Ok(if shown { Commit::Stored } else { Commit::Lost })
    }

    /// What the mail of a run makes of its record; `None` where there is no mail.
    async fn notification(&self, run_id: &RunId) -> Result<Option<Notification>, Fault> {
        let item = self.get(task::key_of(run_id, Task::Notify), None).await?;
        Ok(task::read(GET, &item, Task::Notify)?.map(|item| Notification::of(&item)))
    }

    /// Whether there is a record that says something else of its mail.
    ///
    /// A write whose condition fails is charged like one that is made: by the size of the item, tens of write units
    /// for a record. A read of two attributes is charged by the size of the item too, but in read units, which are
    /// four times as large and a fifth of the price. A mail is marked three times or more (by the notifier, and for each of
    /// SES's events), and only the first changes anything: so it is read before it is written.
    async fn is_otherwise(&self, run_id: &RunId, said: &Notification) -> Result<bool, Fault> {
        let only =
            format!("{ANALYSIS_ID}, {NOTIFICATION_SENT}, {NOTIFICATION_TIMESTAMP}, {NOTIFICATION_ORDER}");
        let item = self.get(task::key_of(run_id, Task::Analyze), Some(&only)).await?;
        let sent = item.get(NOTIFICATION_SENT).and_then(|sent| sent.as_bool().ok()).copied();
        let at = text_in(&item, NOTIFICATION_TIMESTAMP);
        let order: Option<u8> = task::number_in(&item, NOTIFICATION_ORDER);
        let same =
            sent == Some(said.sent) && at == said.at.as_deref() && said.order == order.unwrap_or_default();
        Ok(item.contains_key(ANALYSIS_ID) && !same)
    }
}

/// What a record says of its mail.
#[derive(Debug, PartialEq, Eq)]
struct Notification {
    sent: bool,
    at: Option<String>,
    /// The order of the mail's state ([`TaskItem::order`]).
    order: u8,
}

impl Notification {
    fn of(item: &TaskItem) -> Self {
        let (sent, at) = item.notification();
        Self { sent, at, order: item.order() }
    }

    fn write(&self) -> Conditional {
        let mut expression = Expression::default();
        expression.set(NOTIFICATION_SENT, "sent", AttributeValue::Bool(self.sent));
        match &self.at {
            Some(at) => expression.set(NOTIFICATION_TIMESTAMP, "sent_at", text(at)),
            None => expression.remove(NOTIFICATION_TIMESTAMP),
        }
        expression.set(NOTIFICATION_ORDER, "order", number(self.order.into()));
        // Without a record, nothing is to be marked: the item may hold claims only, or have expired. And a request that
        // was given up may land late, when the record has been told of a later state.
        let (record, order) = (expression.name(ANALYSIS_ID), expression.name(NOTIFICATION_ORDER));
        let condition =
            format!("attribute_exists({record}) AND (attribute_not_exists({order}) OR {order} <= :order)");
        (expression, condition)
    }
}

impl Analyses for TableAnalyses {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Fault> {
        let key = task::key_of(&claim.run_id, claim.task);
        match self.update(key, task::claim(claim, self.retention)).await? {
            Ok(new) => {
                let fence = task::fence_in(&new, claim.task);
                let fence = fence.ok_or_else(|| Fault::new(UPDATE, FaultKind::Internal, "NoFence"))?;
                let owner = claim.owner.clone();
                Ok(Claimed::Granted(Lease { run_id: claim.run_id.clone(), task: claim.task, owner, fence }))
            }
            Err(old) => task::read(UPDATE, &old, claim.task)?
                .map(|item| item.answer(claim))
                .ok_or_else(|| Fault::new(UPDATE, FaultKind::Internal, "UnreadableClaim")),
        }
    }

    async fn store(&self, lease: &Lease, record: &AnalysisRecord) -> Result<Commit, Fault> {
        let attributes = attributes(record)?;
        let record = |expression: &mut Expression| {
            for (attribute, value) in attributes {
                expression.set(&attribute, &attribute, value);
            }
        };
        self.step(lease, &Step::Finish, record).await
    }

    async fn load(&self, run_id: &RunId) -> Result<Option<AnalysisRecord>, Fault> {
        let item = self.get(task::key_of(run_id, Task::Analyze), None).await?;
        // An item without an analysis holds claims only.
        if !item.contains_key(ANALYSIS_ID) {
            return Ok(None);
        }
        serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map(Some)
            .map_err(|error| Fault::new(GET, FaultKind::Invalid, "UnreadableRecord").caused_by(error))
    }

    async fn task(&self, run_id: &RunId, task: Task) -> Result<Option<TaskItem>, Fault> {
        // Not with the record, which may have hundreds of kilobytes.
        let only = task::attributes(task).join(", ");
        let item = self.get(task::key_of(run_id, task), Some(&only)).await?;
        task::read(GET, &item, task)
    }

    async fn begin_send(&self, lease: &Lease, send_id: &str, at: Timestamp) -> Result<Commit, Fault> {
        let attempt = Attempt { send_id: send_id.to_owned(), since: at };
        self.step(lease, &Step::BeginSend(attempt), |_| ()).await
    }

    async fn end_send(&self, lease: &Lease, outcome: &SendOutcome) -> Result<Commit, Fault> {
        self.step(lease, &Step::EndSend(outcome.clone()), |_| ()).await
    }

    async fn park(&self, run_id: &RunId, send_id: &str, at: Timestamp) -> Result<(), Fault> {
        // A condition that fails says that the send was settled meanwhile, or that our own request had landed.
        self.update(task::key_of(run_id, Task::Notify), task::park(send_id, at)).await.map(drop)
    }

    async fn hear(&self, feedback: &MailFeedback) -> Result<Heard, Fault> {
        let key = task::key_of(&feedback.run_id, Task::Notify);
        let old = match self.update(key.clone(), task::settle(feedback)).await? {
            Ok(_) => return Ok(Heard::Settled),
            Err(old) => old,
        };
        let Some(item) = task::read(UPDATE, &old, Task::Notify)? else { return Ok(Heard::NoSuchRun) };
        if !task::has_heard(&old, feedback.kind) {
            // When this condition fails, another delivery of the same word was faster.
            let _first = self.update(key, task::note(feedback)).await?;
        }
        Ok(if item.was_settled_by(feedback) { Heard::Settled } else { Heard::Known })
    }

    async fn mark(&self, run_id: &RunId) -> Result<(), Fault> {
        let Some(mut said) = self.notification(run_id).await? else { return Ok(()) };
        for _ in 0..MARKS {
            if !self.is_otherwise(run_id, &said).await? {
                return Ok(());
            }
            let key = task::key_of(run_id, Task::Analyze);
            if self.update(key, said.write()).await?.is_err() {
                return Ok(());
            }
            // Whoever changed the mail while the record was written has perhaps found the record as it was before,
            // and left it so: the last to write looks again.
            match self.notification(run_id).await? {
                Some(now) if now != said => said = now,
                _ => return Ok(()),
            }
        }
        Err(Fault::new(UPDATE, FaultKind::Contended, "MailKeepsChanging"))
    }
}

/// The attributes of a record, if it is small enough to be stored.
fn attributes(record: &AnalysisRecord) -> Result<Item, Fault> {
    let unwritable = || Fault::new(UPDATE, FaultKind::Invalid, "UnwritableRecord");
    let bytes = serde_json::to_vec(record).map_err(|error| unwritable().caused_by(error))?.len();
    if bytes > MAX_RECORD_BYTES {
        return Err(Fault::new(UPDATE, FaultKind::Invalid, "RecordTooLarge"));
    }
    serde_dynamo::aws_sdk_dynamodb_1::to_item(record).map_err(|error| unwritable().caused_by(error))
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn millis(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_millisecond().to_string())
}
