//! A task as an item: how it is read, and what each of its steps asks of the table.
//!
//! What is decided is decided by [`TaskItem`]. Each function here says one of its conditions and effects in the
//! table's language; `tests/adapters/dynamodb/agreement.rs` holds the two against each other.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use shared::claims::{Attempt, Ending, Step, TaskItem, TaskState};
use shared::identity::RunId;
use shared::ports::{Claim, Fault, FaultKind, FeedbackKind, Lease, MailFeedback, SendOutcome, Task};

use crate::dynamodb::expression::Expression;
use crate::dynamodb::{Item, millis, number, text};

const SEND_ID: &str = "send_id";
const SEND_SINCE: &str = "send_since";
const MESSAGE_ID: &str = "message_id";
const REFUSED_CODE: &str = "refused_code";
const ENDED_AT: &str = "ended_at";

/// An update and its condition.
pub(super) type Conditional = (Expression, String);

/// The partition key of the item that holds a task.
pub(super) fn key_of(run_id: &RunId, task: Task) -> String {
    match task {
        Task::Analyze => run_id.to_string(),
        Task::Notify => format!("{run_id}#mail"),
    }
}

/// What a task's attributes are called.
#[derive(Debug, Clone, Copy)]
struct TaskNames {
    state: &'static str,
    owner: &'static str,
    lease: &'static str,
    fence: &'static str,
}

impl TaskNames {
    fn of(task: Task) -> Self {
        match task {
            Task::Analyze => Self {
                state: "analyze_state",
                owner: "analyze_owner",
                lease: "analyze_lease",
                fence: "analyze_fence",
            },
            Task::Notify => Self {
                state: "notify_state",
                owner: "notify_owner",
                lease: "notify_lease",
                fence: "notify_fence",
            },
        }
    }
}

/// The attributes that [`read`] looks at.
pub(super) fn attributes(task: Task) -> Vec<&'static str> {
    let TaskNames { state, owner, lease, fence } = TaskNames::of(task);
    let mut names = vec![state, owner, lease, fence];
    if task == Task::Notify {
        names.extend([SEND_ID, SEND_SINCE, MESSAGE_ID, REFUSED_CODE, ENDED_AT]);
    }
    names
}

/// A state as it is stored.
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

fn state_of(task: Task, stored: &str) -> Option<TaskState> {
    let states = match task {
        Task::Analyze => [TaskState::Claimed, TaskState::Done].as_slice(),
        Task::Notify => {
            &[TaskState::Claimed, TaskState::Sending, TaskState::Done, TaskState::Refused, TaskState::Parked]
        }
    };
    states.iter().copied().find(|state| word(task, *state) == stored)
}

/// The task in an item; `None` when nobody has claimed it yet.
pub(super) fn read(operation: &'static str, item: &Item, task: Task) -> Result<Option<TaskItem>, Fault> {
    let names = TaskNames::of(task);
    let Some(state) = text_in(item, names.state) else { return Ok(None) };
    let broken = || Fault::new(operation, FaultKind::Internal, "UnreadableClaim");
    let attempt = match (text_in(item, SEND_ID), time_in(item, SEND_SINCE)) {
        (Some(send_id), Some(since)) => Some(Attempt { send_id: send_id.to_owned(), since }),
        (None, None) => None,
        _ => return Err(broken()),
    };
    Ok(Some(TaskItem {
        state: state_of(task, state).ok_or_else(broken)?,
        owner: text_in(item, names.owner).ok_or_else(broken)?.to_owned(),
        fence: fence_in(item, task).ok_or_else(broken)?,
        lease_until: time_in(item, names.lease).ok_or_else(broken)?,
        attempt,
        ending: ending_in(item),
    }))
}

fn ending_in(item: &Item) -> Option<Ending> {
    Some(Ending {
        at: text_in(item, ENDED_AT)?.parse().ok()?,
        message_id: text_in(item, MESSAGE_ID).map(str::to_owned),
        code: text_in(item, REFUSED_CODE).map(str::to_owned),
    })
}

pub(super) fn text_in<'i>(item: &'i Item, attribute: &str) -> Option<&'i str> {
    item.get(attribute)?.as_s().ok().map(String::as_str)
}

pub(super) fn number_in<N: std::str::FromStr>(item: &Item, attribute: &str) -> Option<N> {
    item.get(attribute)?.as_n().ok()?.parse().ok()
}

/// The fence of a task in an item.
pub(super) fn fence_in(item: &Item, task: Task) -> Option<u64> {
    number_in(item, TaskNames::of(task).fence)
}

fn time_in(item: &Item, attribute: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(number_in(item, attribute)?).ok()
}

/// [`TaskItem::may_claim`] and [`TaskItem::claimed`].
pub(super) fn claim(claim: &Claim, retention: SignedDuration) -> Conditional {
    let names = TaskNames::of(claim.task);
    let mut expression = Expression::default();
    expression.set(names.state, "claimed", text(word(claim.task, TaskState::Claimed)));
    expression.set(names.owner, "owner", text(&claim.owner));
    expression.set(names.lease, "lease", millis(claim.lease_until));
    expression.add(names.fence, "one", number(1));
    let expires = claim.now.checked_add(retention).unwrap_or(Timestamp::MAX).as_second();
    expression.set_if_absent("ttl", "ttl", AttributeValue::N(expires.to_string()));

    let now = expression.value("now", millis(claim.now));
    let (state, lease) = (expression.name(names.state), expression.name(names.lease));
    let mut condition = format!("attribute_not_exists({state}) OR ({state} = :claimed AND {lease} < {now})");
    if claim.task == Task::Notify {
        for attribute in [SEND_ID, SEND_SINCE, ENDED_AT, MESSAGE_ID, REFUSED_CODE] {
            expression.remove(attribute);
        }
        if let Some(before) = claim.resend_before {
            let since = expression.name(SEND_SINCE);
            let sending = expression.value("sending", text(word(claim.task, TaskState::Sending)));
            let before = expression.value("before", millis(before));
            let old = format!("attribute_not_exists({since}) OR {since} < {before}");
            condition.push_str(&format!(" OR ({state} = {sending} AND ({old}))"));
        }
    }
    (expression, condition)
}

/// [`TaskItem::admits`] and [`TaskItem::apply`].
pub(super) fn step(lease: &Lease, step: &Step) -> Conditional {
    let names = TaskNames::of(lease.task);
    let mut expression = Expression::default();
    expression.set(names.state, "state", text(word(lease.task, step.to())));
    match step {
        Step::Finish => {}
        Step::BeginSend(Attempt { send_id, since }) => {
            expression.set(SEND_ID, SEND_ID, text(send_id));
            expression.set(SEND_SINCE, SEND_SINCE, millis(*since));
        }
        Step::EndSend(SendOutcome::NotSent) => {
            expression.remove(SEND_ID);
            expression.remove(SEND_SINCE);
        }
        Step::EndSend(SendOutcome::Sent { message_id, at }) => {
            set_ending(&mut expression, *at, Some(message_id), None);
        }
        Step::EndSend(SendOutcome::Refused { code, at }) => {
            set_ending(&mut expression, *at, None, Some(code));
        }
    }
    let condition = format!(
        "{} = {} AND {} = {} AND {} = {}",
        expression.name(names.owner),
        expression.value("held_by", text(&lease.owner)),
        expression.name(names.fence),
        expression.value("held_fence", number(lease.fence)),
        expression.name(names.state),
        expression.value("held_state", text(word(lease.task, step.from()))),
    );
    (expression, condition)
}

/// [`TaskItem::may_park`] and [`TaskItem::park`].
pub(super) fn park(send_id: &str, at: Timestamp) -> Conditional {
    let mut expression = Expression::default();
    let names = TaskNames::of(Task::Notify);
    expression.set(names.state, "state", text(word(Task::Notify, TaskState::Parked)));
    set_ending(&mut expression, at, None, None);
    let condition = format!(
        "{} = {} AND {} = {}",
        expression.name(names.state),
        expression.value("sending", text(word(Task::Notify, TaskState::Sending))),
        expression.name(SEND_ID),
        expression.value("parked_send", text(send_id)),
    );
    (expression, condition)
}

/// [`TaskItem::is_settled_by`] and [`TaskItem::settle`]; and that it was heard.
pub(super) fn settle(feedback: &MailFeedback) -> Conditional {
    let task = Task::Notify;
    let mut expression = Expression::default();
    let state = expression.name(TaskNames::of(task).state);
    let (after, Ending { at, message_id, code }) = TaskItem::settled_by(feedback);
    expression.set(TaskNames::of(task).state, "state", text(word(task, after)));
    set_ending(&mut expression, at, message_id.as_deref(), code.as_deref());
    let [at_name, code_name] = heard_names(feedback.kind);
    expression.set_if_absent(&at_name, "heard_at", text(&feedback.at.to_string()));
    if let Some(code) = &feedback.code {
        expression.set_if_absent(&code_name, "heard_code", text(code));
    }
    let sending = expression.value("sending", text(word(task, TaskState::Sending)));
    let parked = expression.value("parked", text(word(task, TaskState::Parked)));
    // What an item does not have is in no list: an item that is not there is not made.
    let condition = if feedback.kind.is_out() {
        let claimed = expression.value("claimed", text(word(task, TaskState::Claimed)));
        format!("{state} IN ({claimed}, {sending}, {parked})")
    } else {
        let done = expression.value("done", text(word(task, TaskState::Done)));
        let send_id = expression.name(SEND_ID);
        let same = expression.value("heard_send", text(&feedback.send_id));
        format!("{send_id} = {same} AND {state} IN ({sending}, {done}, {parked})")
    };
    (expression, condition)
}

/// That a word was heard which settles nothing, the first time that it is.
pub(super) fn note(feedback: &MailFeedback) -> Conditional {
    let mut expression = Expression::default();
    let [at_name, code_name] = heard_names(feedback.kind);
    expression.set(&at_name, "heard_at", text(&feedback.at.to_string()));
    if let Some(code) = &feedback.code {
        expression.set(&code_name, "heard_code", text(code));
    }
    let (state, heard) = (expression.name(TaskNames::of(Task::Notify).state), expression.name(&at_name));
    let condition = format!("attribute_exists({state}) AND attribute_not_exists({heard})");
    (expression, condition)
}

/// Whether such a word was heard before.
pub(super) fn has_heard(item: &Item, kind: FeedbackKind) -> bool {
    let [at_name, _] = heard_names(kind);
    item.contains_key(&at_name)
}

fn heard_names(kind: FeedbackKind) -> [String; 2] {
    [format!("heard_{}", kind.as_str()), format!("heard_{}_code", kind.as_str())]
}

/// How the mail ended, in place of how it was said to have ended before.
fn set_ending(expression: &mut Expression, at: Timestamp, message_id: Option<&str>, code: Option<&str>) {
    expression.set(ENDED_AT, ENDED_AT, text(&at.to_string()));
    for (attribute, value) in [(MESSAGE_ID, message_id), (REFUSED_CODE, code)] {
        match value {
            Some(value) => expression.set(attribute, attribute, text(value)),
            None => expression.remove(attribute),
        }
    }
}
