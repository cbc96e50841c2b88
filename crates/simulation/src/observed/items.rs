//! The items of the table. Their attributes are those of `crates/aws/src/dynamodb.rs`, read anew here: who judges does not
//! take the word of who is judged.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::claims::{Attempt, Ending, TaskItem, TaskState};
use shared::identity::RunId;
use shared::ports::{FeedbackKind, Task};
use shared::record::AnalysisRecord;

use super::{Unreadable, run_id};
use crate::services::table::Table;

/// An item as DynamoDB writes it: each attribute with its type.
pub(super) type Item = Map<String, Value>;

/// The run and the task that a key stands for.
pub(super) fn task_of(key: &str) -> Result<(RunId, Task), Unreadable> {
    Ok(match key.strip_suffix("#mail") {
        Some(run) => (run_id(run)?, Task::Notify),
        None => (run_id(key)?, Task::Analyze),
    })
}

/// Takes an item in.
pub(super) fn keep(table: &mut Table, item: &Item) -> Result<(), Unreadable> {
    let key = text(item, "run_id").ok_or_else(|| Unreadable("an item has no key".to_owned()))?;
    let (run, kind) = task_of(key)?;
    if let Some(task) = task(item, kind)? {
        table.put_task(&run, kind, task);
    }
    if kind == Task::Notify {
        for word in FeedbackKind::ALL {
            if let Some(at) = text(item, &format!("heard_{}", word.as_str())) {
                table.heard.entry(run.clone()).or_default().insert(word, parsed(key, at)?);
            }
        }
    } else if item.contains_key("analysis_id") {
        table.records.insert(run.clone(), Arc::new(record(key, item)?));
        if let Some(order) = number(item, "notification_order") {
            table.marks.insert(run, u8::try_from(order).unwrap_or(u8::MAX));
        }
    }
    Ok(())
}

fn task(item: &Item, kind: Task) -> Result<Option<TaskItem>, Unreadable> {
    let prefix = match kind {
        Task::Analyze => "analyze",
        Task::Notify => "notify",
    };
    let Some(state) = text(item, &format!("{prefix}_state")) else { return Ok(None) };
    let whole = || -> Option<TaskItem> {
        let attempt = match (text(item, "send_id"), number(item, "send_since")) {
            (Some(send_id), Some(since)) => {
                Some(Attempt { send_id: send_id.to_owned(), since: Timestamp::from_millisecond(since).ok()? })
            }
            (None, None) => None,
            _ => return None,
        };
        let ending = match text(item, "ended_at") {
            Some(at) => Some(Ending {
                at: at.parse().ok()?,
                message_id: text(item, "message_id").map(str::to_owned),
                code: text(item, "refused_code").map(str::to_owned),
            }),
            None => None,
        };
        Some(TaskItem {
            state: state_of(state)?,
            owner: text(item, &format!("{prefix}_owner"))?.to_owned(),
            fence: u64::try_from(number(item, &format!("{prefix}_fence"))?).ok()?,
            lease_until: Timestamp::from_millisecond(number(item, &format!("{prefix}_lease"))?).ok()?,
            attempt,
            ending,
        })
    };
    let task = whole().ok_or_else(|| Unreadable(format!("the claim in {item:?} has another form")))?;
    Ok(Some(task))
}

/// The state that a word stands for.
pub(super) fn state_of(word: &str) -> Option<TaskState> {
    Some(match word {
        "CLAIMED" => TaskState::Claimed,
        "SENDING" => TaskState::Sending,
        "FINISHED" | "SENT" => TaskState::Done,
        "REFUSED" => TaskState::Refused,
        "PARKED" => TaskState::Parked,
        _ => return None,
    })
}

fn record(key: &str, item: &Item) -> Result<AnalysisRecord, Unreadable> {
    serde_json::from_value(Value::Object(plain_all(item)))
        .map_err(|error| Unreadable(format!("the record of {key}: {error}")))
}

fn plain_all(values: &Item) -> Item {
    values.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// A value without its type.
fn plain(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else {
        return Value::Null;
    };
    match (kind.as_str(), value) {
        ("N", Value::String(number)) => serde_json::from_str(number).unwrap_or(Value::Null),
        ("NULL", _) => Value::Null,
        ("L", Value::Array(values)) => values.iter().map(plain).collect(),
        ("M", Value::Object(values)) => Value::Object(plain_all(values)),
        _ => value.clone(),
    }
}

/// A text attribute.
pub(super) fn text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name)?.get("S")?.as_str()
}

/// A number attribute.
pub(super) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.get("N")?.as_str()?.parse().ok()
}

fn parsed(key: &str, time: &str) -> Result<Timestamp, Unreadable> {
    time.parse().map_err(|error| Unreadable(format!("a time of {key}: {error}")))
}
