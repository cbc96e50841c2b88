//! The table of analyses on DynamoDB: one item a run, with the record and the claims on it.
//!
//! | attribute | type | meaning |
//! | --- | --- | --- |
//! | `run_id` | S | partition key |
//! | `analysis_id`, `insights`, `facts`, … | | the record ([`AnalysisRecord`]), each field an attribute |
//! | `analyze_state` | S | `CLAIMED`, `FINISHED` |
//! | `notify_state` | S | `CLAIMED`, `SENDING`, `SENT`, `REFUSED` |
//! | `…_owner`, `…_fence`, `…_lease` | S, N, N | who holds the claim, its number, until when (ms since 1970) |
//! | `send_id`, `send_since` | S, N | the attempt at sending that has begun, and when (ms since 1970) |
//! | `message_id`, `refused_code`, `refused_at` | S | how the mail ended |
//! | `ttl` | N | when the item may be deleted (s since 1970) |
//!
//! Every write is one conditional `UpdateItem`. A condition that fails brings the old item along: when it shows
//! the very effect that was asked for, an earlier request of ours had landed and only its answer was lost.

mod expression;
mod task;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use shared::identity::RunId;
use shared::ports::{Analyses, Claim, Claimed, Commit, Fault, FaultKind, Lease, SendOutcome};
use shared::record::AnalysisRecord;

use crate::dynamodb::expression::Expression;
use crate::dynamodb::task::{OldItem, State, TaskNames};
use crate::fault::fault;

/// The attributes of an item.
type Item = HashMap<String, AttributeValue>;

const UPDATE: &str = "UpdateItem";
const GET: &str = "GetItem";
const KEY: &str = "run_id";

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
        run_id: &RunId,
        expression: Expression,
        condition: String,
    ) -> Result<Result<Item, OldItem>, Fault> {
        let (update, names, values) = expression.into_parts();
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(KEY, text(run_id.as_str()))
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
                    Ok(Err(OldItem(failed.item().cloned().unwrap_or_default())))
                }
                _ => Err(fault(UPDATE, error)),
            },
        }
    }

    /// A write under a lease: only while the task is in `from`, and only by its present owner. `landed` tells
    /// whether an item shows that the write had been made before.
    async fn commit(
        &self,
        lease: &Lease,
        mut expression: Expression,
        from: State,
        landed: impl Fn(&OldItem) -> bool,
    ) -> Result<Commit, Fault> {
        let names = TaskNames::of(lease.task);
        let condition = format!(
            "{} = {} AND {} = {} AND {} = {}",
            expression.name(names.owner),
            expression.value("held_by", text(&lease.owner)),
            expression.name(names.fence),
            expression.value("held_fence", number(lease.fence)),
            expression.name(names.state),
            expression.value("held_state", text(from.as_str())),
        );
        Ok(match self.update(&lease.run_id, expression, condition).await? {
            Ok(_) => Commit::Stored,
            Err(old) if old.is_held_by(lease) && landed(&old) => Commit::Stored,
            Err(_) => Commit::Lost,
        })
    }
}

impl Analyses for TableAnalyses {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Fault> {
        let (expression, condition) = task::claim_expression(claim, self.retention);
        let granted = |fence| {
            Claimed::Granted(Lease {
                run_id: claim.run_id.clone(),
                task: claim.task,
                owner: claim.owner.clone(),
                fence,
            })
        };
        match self.update(&claim.run_id, expression, condition).await? {
            Ok(new) => {
                let fence = task::fence_in(&new, claim.task);
                fence.map(granted).ok_or_else(|| Fault::new(UPDATE, FaultKind::Internal, "NoFence"))
            }
            Err(old) => old.answer(claim, granted),
        }
    }

    async fn store(&self, lease: &Lease, record: &AnalysisRecord) -> Result<Commit, Fault> {
        let names = TaskNames::of(lease.task);
        let mut expression = Expression::default();
        expression.set(names.state, "state", text(State::Finished.as_str()));
        for (attribute, value) in attributes(record)? {
            if attribute == "notification_sent" {
                // The notifier's word stands, whatever the order of the two.
                expression.set_if_absent(&attribute, "sent", value);
            } else {
                expression.set(&attribute, &attribute, value);
            }
        }
        let finished = |old: &OldItem| old.state(lease.task) == Some(State::Finished);
        self.commit(lease, expression, State::Claimed, finished).await
    }

    async fn load(&self, run_id: &RunId) -> Result<Option<AnalysisRecord>, Fault> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(KEY, text(run_id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| fault(GET, error))?;
        // An item without an analysis holds claims only.
        let Some(item) = answer.item.filter(|item| item.contains_key("analysis_id")) else {
            return Ok(None);
        };
        serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map(Some)
            .map_err(|error| Fault::new(GET, FaultKind::Invalid, "UnreadableRecord").caused_by(error))
    }

    async fn begin_send(&self, lease: &Lease, send_id: &str, at: Timestamp) -> Result<Commit, Fault> {
        let names = TaskNames::of(lease.task);
        let mut expression = Expression::default();
        expression.set(names.state, "state", text(State::Sending.as_str()));
        expression.set("send_id", "send_id", text(send_id));
        expression.set("send_since", "send_since", millis(at));
        let begun = |old: &OldItem| {
            old.state(lease.task) == Some(State::Sending) && old.text("send_id") == Some(send_id)
        };
        self.commit(lease, expression, State::Claimed, begun).await
    }

    async fn end_send(&self, lease: &Lease, outcome: &SendOutcome) -> Result<Commit, Fault> {
        let mut expression = Expression::default();
        let after = match outcome {
            SendOutcome::Sent { .. } => State::Sent,
            SendOutcome::NotSent => State::Claimed,
            SendOutcome::Refused { .. } => State::Refused,
        };
        expression.set(TaskNames::of(lease.task).state, "state", text(after.as_str()));
        match outcome {
            SendOutcome::Sent { message_id, at } => {
                expression.set("message_id", "message_id", text(message_id));
                expression.set("notification_sent", "sent", AttributeValue::Bool(true));
                expression.set("notification_timestamp", "sent_at", text(&at.to_string()));
            }
            SendOutcome::NotSent => {
                expression.remove("send_id");
                expression.remove("send_since");
            }
            SendOutcome::Refused { code, at } => {
                expression.set("refused_code", "refused_code", text(code));
                expression.set("refused_at", "refused_at", text(&at.to_string()));
            }
        }
        self.commit(lease, expression, State::Sending, |old| old.state(lease.task) == Some(after)).await
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
