//! What the adapter asks of the table says the same as the state machine of the claims.
//!
//! For every item that can be told apart by a condition, each step is made twice: on a [`Table`] through the adapter,
//! and on [`TaskItem`]. Answers and items must be the same; and a step that had an effect and is made again, as when
//! its answer was lost, must be answered the same.

use serde_json::{Map, Value, json};
use shared::claims::{Attempt, Ending, Step, TaskItem};
use shared::ports::{FeedbackKind, Heard, MailFeedback};

use super::table::Table;
use super::*;

const NOW: i64 = 10_000;

fn word(task: Task, state: TaskState) -> &'static str {
    match (task, state) {
        (_, TaskState::Claimed) => "CLAIMED",
        (_, TaskState::Sending) => "SENDING",
        (Task::Analyze, TaskState::Done) => "FINISHED",
        (Task::Notify, TaskState::Done) => "SENT",
        (_, TaskState::Refused) => "REFUSED",
        (_, TaskState::Parked) => "PARKED",
    }
}

fn prefix(task: Task) -> &'static str {
    match task {
        Task::Analyze => "analyze",
        Task::Notify => "notify",
    }
}

fn key(task: Task) -> String {
    match task {
        Task::Analyze => RUN.to_owned(),
        Task::Notify => format!("{RUN}#mail"),
    }
}

/// The item as the documentation of the module has it.
fn stored(task: Task, item: &TaskItem) -> Value {
    let mut attributes = Map::new();
    let mut set = |name: String, kind: &str, value: String| {
        attributes.insert(name, json!({ kind: value }));
    };
    let prefix = prefix(task);
    set(format!("{prefix}_state"), "S", word(task, item.state).into());
    set(format!("{prefix}_owner"), "S", item.owner.clone());
    set(format!("{prefix}_fence"), "N", item.fence.to_string());
    set(format!("{prefix}_lease"), "N", item.lease_until.as_millisecond().to_string());
    if let Some(Attempt { send_id, since }) = &item.attempt {
        set("send_id".into(), "S", send_id.clone());
        set("send_since".into(), "N", since.as_millisecond().to_string());
    }
    if let Some(Ending { at, message_id, code }) = &item.ending {
        set("ended_at".into(), "S", at.to_string());
        for (name, value) in [("message_id", message_id), ("refused_code", code)] {
            if let Some(value) = value {
                set(name.into(), "S", value.clone());
            }
        }
    }
    Value::Object(attributes)
}

/// The part of the table's item that a task is made of.
fn of_the_task(table: &Table, task: Task) -> Option<Value> {
    let mut item = table.get(&key(task))?;
    let others = |name: &String| name == "run_id" || name == "ttl" || name.starts_with("heard_");
    item.as_object_mut().unwrap().retain(|name, _| !others(name));
    Some(item)
}

fn items(task: Task) -> Vec<Option<TaskItem>> {
    let mut items = vec![None];
    let states = match task {
        Task::Analyze => [TaskState::Claimed, TaskState::Done].as_slice(),
        Task::Notify => {
            &[TaskState::Claimed, TaskState::Sending, TaskState::Done, TaskState::Refused, TaskState::Parked]
        }
    };
    let attempt = |send_id: &str, since| Some(Attempt { send_id: send_id.into(), since: at(since) });
    let attempts = match task {
        Task::Analyze => vec![None],
        // Before the grace, at its edge, within it; and another one.
        Task::Notify => {
            vec![None, attempt("s-1", NOW - 901), attempt("s-1", NOW - 900), attempt("s-2", NOW - 1)]
        }
    };
    let ending = |message_id: Option<&str>, code: Option<&str>| {
        Some(Ending { at: at(NOW - 1), message_id: message_id.map(Into::into), code: code.map(Into::into) })
    };
    for state in states {
        let endings = match state {
            TaskState::Done if task == Task::Notify => vec![None, ending(Some("m-1"), None)],
            TaskState::Refused => {
                vec![ending(None, Some("MessageRejected")), ending(Some("m-1"), Some("Virus"))]
            }
            TaskState::Parked => vec![ending(None, None)],
            _ => vec![None],
        };
        for ending in endings {
            for attempt in &attempts {
                for (owner, fence, lease) in combinations() {
                    items.push(Some(TaskItem {
                        state: *state,
                        owner: owner.into(),
                        fence,
                        lease_until: at(lease),
                        attempt: attempt.clone(),
                        ending: ending.clone(),
                    }));
                }
            }
        }
    }
    items
}

/// Owners, fences, and leases that are over, end now, and hold.
fn combinations() -> impl Iterator<Item = (&'static str, u64, i64)> {
    let owners = ["me", "you"];
    owners.into_iter().flat_map(|owner| {
        [2, 3].into_iter().flat_map(move |fence| {
            [NOW - 1, NOW, NOW + 1].into_iter().map(move |lease| (owner, fence, lease))
        })
    })
}

/// What is done to an item.
#[derive(Debug, Clone)]
enum Act {
    Claim(Claim),
    Step(Step),
    Park(&'static str),
    Hear(MailFeedback),
}

/// What comes back.
#[derive(Debug, PartialEq)]
enum Said {
    Claimed(Claimed),
    Commit(Commit),
    Nothing,
    Heard(Heard),
}

fn feedback(kind: FeedbackKind, send_id: &str, code: Option<&str>) -> MailFeedback {
    MailFeedback {
        run_id: run(),
        send_id: send_id.into(),
        message_id: "m-1".into(),
        kind,
        at: at(NOW + 5),
        code: code.map(Into::into),
    }
}

fn acts(task: Task) -> Vec<Act> {
    let claim = |resend| Claim {
        run_id: run(),
        task,
        owner: "me".into(),
        now: at(NOW),
        lease_until: at(NOW + 60),
        resend_before: resend,
    };
    let mut acts = vec![Act::Claim(claim(None))];
    if task == Task::Analyze {
        acts.push(Act::Step(Step::Finish));
        return acts;
    }
    acts.push(Act::Claim(claim(Some(at(NOW - 900)))));
    for send_id in ["s-1", "s-2"] {
        acts.push(Act::Step(Step::BeginSend(Attempt { send_id: send_id.into(), since: at(NOW) })));
        acts.push(Act::Park(send_id));
        for (kind, code) in [
            (FeedbackKind::Sent, None),
            (FeedbackKind::Bounced, Some("Permanent/General")),
            (FeedbackKind::Rejected, Some("Bad content")),
            (FeedbackKind::RenderingFailed, None),
        ] {
            acts.push(Act::Hear(feedback(kind, send_id, code)));
        }
    }
    for outcome in [
        SendOutcome::Sent { message_id: "m-2".into(), at: at(NOW) },
        SendOutcome::NotSent,
        SendOutcome::Refused { code: "MessageRejected".into(), at: at(NOW) },
    ] {
        acts.push(Act::Step(Step::EndSend(outcome)));
    }
    acts
}

fn by_the_machine(slot: &mut Option<TaskItem>, task: Task, act: &Act) -> Said {
    match act {
        Act::Claim(claim) => Said::Claimed(TaskItem::claim(slot, claim)),
        Act::Step(step) => Said::Commit(TaskItem::step(slot.as_mut(), &lease(task), step)),
        Act::Park(send_id) => {
            if let Some(item) = slot.as_mut() {
                item.give_up(send_id, at(NOW));
            }
            Said::Nothing
        }
        Act::Hear(feedback) => {
            Said::Heard(slot.as_mut().map_or(Heard::NoSuchRun, |item| item.hear(feedback)))
        }
    }
}

async fn by_the_adapter(table: &TableAnalyses, task: Task, act: &Act) -> Said {
    let lease = lease(task);
    match act {
        Act::Claim(claim) => Said::Claimed(table.claim(claim).await.unwrap()),
        Act::Step(Step::Finish) => Said::Commit(table.store(&lease, &record()).await.unwrap()),
        Act::Step(Step::BeginSend(Attempt { send_id, since })) => {
            Said::Commit(table.begin_send(&lease, send_id, *since).await.unwrap())
        }
        Act::Step(Step::EndSend(outcome)) => Said::Commit(table.end_send(&lease, outcome).await.unwrap()),
        Act::Park(send_id) => {
            table.park(&run(), send_id, at(NOW)).await.unwrap();
            Said::Nothing
        }
        Act::Hear(feedback) => Said::Heard(table.hear(feedback).await.unwrap()),
    }
}

#[tokio::test]
async fn every_condition_says_what_the_state_machine_says() {
    let (mut cases, mut effects) = (0, 0);
    for task in [Task::Analyze, Task::Notify] {
        let store = Table::default();
        let adapter = super::on(&store.wire());
        for (item, act) in
            items(task).iter().flat_map(|item| acts(task).into_iter().map(move |act| (item, act)))
        {
            store.clear();
            if let Some(item) = item {
                store.put(&key(task), stored(task, item));
            }
            let mut slot = item.clone();
            let expected = by_the_machine(&mut slot, task, &act);
            let has_effect = slot != *item;
            for attempt in if has_effect { ["first", "again"].as_slice() } else { &["first"] } {
                let said = by_the_adapter(&adapter, task, &act).await;
                assert_eq!(said, expected, "{attempt}: {act:?} on {item:?}");
                let left = of_the_task(&store, task).map(|left| without_the_record(&left));
                let should = slot.as_ref().map(|slot| stored(task, slot));
                assert_eq!(left, should, "{attempt}: {act:?} on {item:?}");
                effects += usize::from(has_effect);
            }
            cases += 1;
        }
    }
    // 24 and a missing item with 2 acts; 5 states in 7 forms with 4 attempts, 12 owners and fences and leases.
    assert_eq!(cases, 25 * 2 + (7 * 4 * 12 + 1) * 17, "every combination was tried");
    assert!(effects > 1_000, "{effects}");
}

fn without_the_record(item: &Value) -> Value {
    let ours = ["analyze_", "notify_", "send_", "ended_at", "message_id", "refused_code"];
    let item = item.as_object().unwrap().clone();
    item.into_iter().filter(|(name, _)| ours.iter().any(|prefix| name.starts_with(prefix))).collect()
}
