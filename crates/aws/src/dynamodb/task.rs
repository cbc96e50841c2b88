//! The claims in an item: how one is asked for, and what an item that refused it says.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use shared::ports::{Claim, Claimed, Fault, FaultKind, Lease, Task};

use crate::dynamodb::expression::Expression;
use crate::dynamodb::{Item, UPDATE, millis, number, text};

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Claimed,
    Finished,
    Sending,
    Sent,
    Refused,
}

impl State {
    const ALL: [Self; 5] = [Self::Claimed, Self::Finished, Self::Sending, Self::Sent, Self::Refused];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "CLAIMED",
            Self::Finished => "FINISHED",
            Self::Sending => "SENDING",
            Self::Sent => "SENT",
            Self::Refused => "REFUSED",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What a task's attributes are called.
#[derive(Debug, Clone, Copy)]
pub(super) struct TaskNames {
    pub(super) state: &'static str,
    pub(super) owner: &'static str,
    pub(super) lease: &'static str,
    pub(super) fence: &'static str,
}

impl TaskNames {
    pub(super) fn of(task: Task) -> Self {
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

/// The update and the condition of a claim: the task is free, or its lease has run out, or a send that began
/// long ago was never settled.
pub(super) fn claim_expression(claim: &Claim, retention: SignedDuration) -> (Expression, String) {
    let names = TaskNames::of(claim.task);
    let mut expression = Expression::default();
    expression.set(names.state, "claimed", text(State::Claimed.as_str()));
    expression.set(names.owner, "owner", text(&claim.owner));
    expression.set(names.lease, "lease", millis(claim.lease_until));
    expression.add(names.fence, "one", number(1));
    let expires = claim.now.checked_add(retention).unwrap_or(Timestamp::MAX).as_second();
    expression.set_if_absent("ttl", "ttl", AttributeValue::N(expires.to_string()));

    let now = expression.value("now", millis(claim.now));
    let (state, lease) = (expression.name(names.state), expression.name(names.lease));
    let mut condition = format!("attribute_not_exists({state}) OR ({state} = :claimed AND {lease} < {now})");
    if claim.task == Task::Notify {
        let since = expression.name("send_since");
        let sending = expression.value("sending", text(State::Sending.as_str()));
        let before = expression.value("unsettled_before", millis(claim.unsettled_before));
        condition.push_str(&format!(" OR ({state} = {sending} AND {since} < {before})"));
    }
    (expression, condition)
}

/// The fence of a task in an item.
pub(super) fn fence_in(item: &Item, task: Task) -> Option<u64> {
    item.get(TaskNames::of(task).fence)?.as_n().ok()?.parse().ok()
}

/// An item that did not meet a condition.
#[derive(Debug)]
pub(super) struct OldItem(pub(super) Item);

impl OldItem {
    pub(super) fn text(&self, attribute: &str) -> Option<&str> {
        self.0.get(attribute)?.as_s().ok().map(String::as_str)
    }

    fn time(&self, attribute: &str) -> Option<Timestamp> {
        let millis = self.0.get(attribute)?.as_n().ok()?.parse().ok()?;
        Timestamp::from_millisecond(millis).ok()
    }

    pub(super) fn state(&self, task: Task) -> Option<State> {
        self.text(TaskNames::of(task).state).and_then(State::parse)
    }

    pub(super) fn is_held_by(&self, lease: &Lease) -> bool {
        self.text(TaskNames::of(lease.task).owner) == Some(lease.owner.as_str())
            && fence_in(&self.0, lease.task) == Some(lease.fence)
    }

    /// What a claim gets that this item refused.
    pub(super) fn answer(&self, claim: &Claim, granted: impl Fn(u64) -> Claimed) -> Result<Claimed, Fault> {
        let names = TaskNames::of(claim.task);
        let broken = || Fault::new(UPDATE, FaultKind::Internal, "UnreadableClaim");
        match self.state(claim.task).ok_or_else(broken)? {
            State::Finished | State::Sent | State::Refused => Ok(Claimed::Finished),
            State::Claimed if self.text(names.owner) == Some(claim.owner.as_str()) => {
                fence_in(&self.0, claim.task).map(granted).ok_or_else(broken)
            }
            State::Claimed => self.time(names.lease).map(|until| Claimed::Busy { until }).ok_or_else(broken),
            State::Sending => {
                let since = self.time("send_since").ok_or_else(broken)?;
                // The asker's grace after the beginning, and the next millisecond: "before" is strict.
                let grace = claim.now.duration_since(claim.unsettled_before) + SignedDuration::from_millis(1);
                Ok(Claimed::Busy { until: since.checked_add(grace).unwrap_or(Timestamp::MAX) })
            }
        }
    }
}
