//! The calls that were seen on their way: what the table and the bus took, in the order in which they took it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::claims::{TaskItem, TaskState};
use shared::events::PipelineEvent;
use shared::identity::RunId;
use shared::ports::Task;

use super::items::{Item, number, state_of, task_of, text};
use super::{Call, Mail, Unreadable, run_id, time};
use crate::services::table::is_at_work;
use crate::world::World;

/// How far each task is, by the calls alone.
type Tasks = HashMap<(RunId, Task), TaskItem>;

/// Takes the calls in, and holds the tasks that come of them against those of the table.
pub(super) fn replay(world: &mut World, calls: &[Call], mails: &[Mail]) -> Result<(), Unreadable> {
    let mut tasks = Tasks::new();
    for call in calls {
        if let Some(entries) = call.asked.get("Entries").and_then(Value::as_array) {
            announcements(world, call, entries)?;
        } else if let Some(update) = Update::of(call)? {
            update.apply(world, &mut tasks, mails)?;
        }
    }
    for (key, item) in &world.table.tasks {
        let seen = tasks.remove(key).map(told);
        if seen.as_deref() != Some(told(item.clone()).as_str()) {
            let what = format!("the table says {} of {key:?}, and the calls {seen:?}", told(item.clone()));
            return Err(Unreadable(what));
        }
    }
    match tasks.keys().next() {
        Some(key) => Err(Unreadable(format!("{key:?} was claimed, and is not in the table"))),
        None => Ok(()),
    }
}

fn told(item: TaskItem) -> String {
    format!("{:?} by {}, fence {}", item.state, item.owner, item.fence)
}

/// The entries of a `PutEvents` that the bus took.
fn announcements(world: &mut World, call: &Call, entries: &[Value]) -> Result<(), Unreadable> {
    let taken = call.answered.get("Entries").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (entry, taken) in entries.iter().zip(taken) {
        let field = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        if call.status != 200 || taken.get("EventId").is_none() {
            continue;
        }
        let detail = serde_json::from_str(field("Detail"));
        let detail = detail.map_err(|error| Unreadable(format!("the detail of an event: {error}")))?;
        let event = PipelineEvent::parse(field("DetailType"), detail)
            .map_err(|error| Unreadable(format!("an event: {error}")))?;
        world.announce(&event);
    }
    Ok(())
}

/// An `UpdateItem`.
struct Update<'c> {
    at: Timestamp,
    run: RunId,
    task: Task,
    values: &'c Map<String, Value>,
    /// Whether its condition held; otherwise it did not, and this is whether an item was there.
    done: Result<(), bool>,
}

impl<'c> Update<'c> {
    /// The update that a call is; nothing if it was refused for another reason than its condition.
    fn of(call: &'c Call) -> Result<Option<Self>, Unreadable> {
        let unknown = || Unreadable(format!("a call of the table has another form: {:.300}", call.asked));
        let key: &Item = call.asked.get("Key").and_then(Value::as_object).ok_or_else(unknown)?;
        let (run, task) = task_of(text(key, "run_id").ok_or_else(unknown)?)?;
        let values = call.asked.get("ExpressionAttributeValues").and_then(Value::as_object);
        let kind = call.answered.get("__type").and_then(Value::as_str).unwrap_or_default();
        let done = match call.status {
            200 => Ok(()),
            400 if kind.ends_with("ConditionalCheckFailedException") => {
                let old = call.answered.get("Item").and_then(Value::as_object);
                Err(old.is_some_and(|item| !item.is_empty()))
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { at: time(call.at), run, task, values: values.ok_or_else(unknown)?, done }))
    }

    fn value(&self, name: &str) -> Option<&'c str> {
        text(self.values, name)
    }

    fn apply(&self, world: &mut World, tasks: &mut Tasks, mails: &[Mail]) -> Result<(), Unreadable> {
        if self.values.contains_key(":heard_at") && self.values.contains_key(":parked") {
            self.hear(world, mails);
        }
        if self.done.is_err() {
            return Ok(());
        }
        let key = (self.run.clone(), self.task);
        if let (Some(owner), Some(lease)) = (self.value(":owner"), number(self.values, ":lease")) {
            let old = tasks.get(&key);
            if old.is_some_and(|old| is_at_work(old, self.at) && old.owner != owner) {
                world.table.double_grants.push(key.clone());
            }
            let lease_until = Timestamp::from_millisecond(lease).unwrap_or(Timestamp::MIN);
            let fence = old.map_or(0, |old| old.fence) + 1;
            let (state, owner) = (TaskState::Claimed, owner.to_owned());
            tasks.insert(key, TaskItem { state, owner, fence, lease_until, attempt: None, ending: None });
            return Ok(());
        }
        let Some(state) = self.value(":state") else { return Ok(()) };
        let state = state_of(state).ok_or_else(|| Unreadable(format!("there is no state {state:?}")))?;
        let unclaimed = || Unreadable(format!("{key:?} went on unclaimed"));
        tasks.get_mut(&key).ok_or_else(unclaimed)?.state = state;
        match (self.task, state) {
            (Task::Analyze, TaskState::Done) => {
                *world.table.stores.entry(self.run.clone()).or_default() += 1;
            }
            (Task::Notify, TaskState::Sending) => {
                let send_id = self.value(":send_id").unwrap_or_default().to_owned();
                let send = world.table.sends.entry((self.run.clone(), send_id)).or_default();
                send.begun.get_or_insert(self.at);
            }
            _ => {}
        }
        Ok(())
    }

    /// The mail service's word was taken in, whether or not it changed anything.
    fn hear(&self, world: &mut World, mails: &[Mail]) {
        let message_id = self.value(":message_id").unwrap_or_default();
        let of = mails.iter().find(|mail| mail.message_id == message_id);
        let Some(mail) = of.filter(|_| self.done != Err(false)) else { return };
        // The mail's own tags say whose it is.
        let Ok(run) = run_id(&mail.run_id) else { return };
        let send = world.table.sends.entry((run, mail.send_id.clone())).or_default();
        send.heard.get_or_insert(self.at);
    }
}
