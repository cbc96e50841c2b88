//! The state machine of a claimed task, without the place where it is stored.
//!
//! ```text
//! (none) ── claim ─▶ Claimed ── finish ─────────────────────────────▶ Done      (an analysis)
//!                    │  ▲ lease over: claimed again, fence + 1
//!                    └─ begin_send ─▶ Sending ── end_send ─▶ Done | Refused | Claimed   (a mail)
//!                                     │  └─ the mail service's own word ─▶ Done | Refused
//!                                     └─ no word for the grace: claimed again, or Parked
//! ```
//!
//! A store makes each step as one conditional write: [`TaskItem::may_claim`] and [`TaskItem::admits`] are the
//! conditions, [`TaskItem::claimed`] and [`TaskItem::apply`] the effects. When a condition does not hold, the old
//! item is looked at ([`TaskItem::answer`], [`TaskItem::shows`]): it may show that the asker's own earlier request
//! had landed and only its answer was lost.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::RunId;
use crate::ports::{Claim, Claimed, Commit, Heard, Lease, MailFeedback, SendOutcome, Task};
use crate::record::AnalysisRecord;

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Somebody is at it.
    Claimed,
    /// A send has begun; how it ended is not known yet.
    Sending,
    /// The analysis is stored, or the mail is out.
    Done,
    /// The mail service will not take the mail.
    Refused,
    /// Nobody knows whether the mail is out, and it is not sent again: a person has to look.
    Parked,
}

impl TaskState {
    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Refused | Self::Parked)
    }
}

/// An attempt at sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id, which the mail carries.
    pub send_id: String,
    /// When it began.
    pub since: Timestamp,
}

/// How a mail ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// The mail service's id of the mail, if it took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The mail service's code, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A task of a run, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskItem {
    /// How far it is.
    pub state: TaskState,
    /// Who holds it, or held it last.
    pub owner: String,
    /// The number of the grant; each has a higher one than the one before.
    pub fence: u64,
    /// Until when the grant holds.
    pub lease_until: Timestamp,
    /// The last attempt at sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// How the mail ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
}

/// A step of whoever holds a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The analysis is stored with it.
    Finish,
    /// A send is about to begin.
    BeginSend(Attempt),
    /// A send has ended.
    EndSend(SendOutcome),
}

impl Step {
    /// The state that the step starts from.
    #[must_use]
    pub fn from(&self) -> TaskState {
        match self {
            Self::Finish | Self::BeginSend(_) => TaskState::Claimed,
            Self::EndSend(_) => TaskState::Sending,
        }
    }

    /// The state that the step leads to.
    #[must_use]
    pub fn to(&self) -> TaskState {
        match self {
            Self::Finish | Self::EndSend(SendOutcome::Sent { .. }) => TaskState::Done,
            Self::BeginSend(_) => TaskState::Sending,
            Self::EndSend(SendOutcome::NotSent) => TaskState::Claimed,
            Self::EndSend(SendOutcome::Refused { .. }) => TaskState::Refused,
        }
    }
}

impl TaskItem {
    /// The condition of a claim: the task is free, or its lease is over, or a send was never settled and its
    /// grace is over.
    #[must_use]
    pub fn may_claim(old: Option<&Self>, claim: &Claim) -> bool {
        let Some(old) = old else { return true };
        match old.state {
            TaskState::Claimed => old.lease_until < claim.now,
            TaskState::Sending => {
                let since = old.attempt.as_ref().map(|attempt| attempt.since);
                claim.resend_before.is_some_and(|before| since.is_none_or(|since| since < before))
            }
            TaskState::Done | TaskState::Refused | TaskState::Parked => false,
        }
    }

    /// The item after a claim whose condition held.
    #[must_use]
    pub fn claimed(old: Option<&Self>, claim: &Claim) -> Self {
        Self {
            state: TaskState::Claimed,
            owner: claim.owner.clone(),
            fence: old.map_or(0, |item| item.fence).saturating_add(1),
            lease_until: claim.lease_until,
            attempt: None,
            ending: None,
        }
    }

    /// What a claim gets whose condition did not hold on this item.
    #[must_use]
    pub fn answer(&self, claim: &Claim) -> Claimed {
        match (self.state, &self.attempt) {
            (TaskState::Done | TaskState::Refused | TaskState::Parked, _) => Claimed::Finished,
            // The asker's own earlier request had landed, and only its answer was lost.
            (TaskState::Claimed, _) if self.owner == claim.owner => {
                Claimed::Granted(self.lease(&claim.run_id, claim.task))
            }
            (TaskState::Sending, Some(Attempt { send_id, since })) => {
                Claimed::Unsettled { send_id: send_id.clone(), since: *since }
            }
            (TaskState::Claimed | TaskState::Sending, _) => Claimed::Busy { until: self.lease_until },
        }
    }

    /// A claim in a store that does all of it at once.
    pub fn claim(slot: &mut Option<Self>, claim: &Claim) -> Claimed {
        if !Self::may_claim(slot.as_ref(), claim)
            && let Some(item) = slot
        {
            return item.answer(claim);
        }
        let item = Self::claimed(slot.as_ref(), claim);
        let lease = item.lease(&claim.run_id, claim.task);
        *slot = Some(item);
        Claimed::Granted(lease)
    }

    /// The lease of whoever holds the task.
    #[must_use]
    pub fn lease(&self, run_id: &RunId, task: Task) -> Lease {
        Lease { run_id: run_id.clone(), task, owner: self.owner.clone(), fence: self.fence }
    }

    /// Whether the lease is the one that was granted last.
    #[must_use]
    pub fn is_held_by(&self, lease: &Lease) -> bool {
        self.owner == lease.owner && self.fence == lease.fence
    }

    /// The condition of a step.
    #[must_use]
    pub fn admits(&self, lease: &Lease, step: &Step) -> bool {
        self.is_held_by(lease) && self.state == step.from()
    }

    /// The effect of a step whose condition held.
    pub fn apply(&mut self, step: &Step) {
        self.state = step.to();
        match step {
            Step::Finish => {}
            Step::BeginSend(attempt) => self.attempt = Some(attempt.clone()),
            Step::EndSend(SendOutcome::NotSent) => self.attempt = None,
            Step::EndSend(SendOutcome::Sent { message_id, at }) => {
                self.ending = Some(Ending { at: *at, message_id: Some(message_id.clone()), code: None });
            }
            Step::EndSend(SendOutcome::Refused { code, at }) => {
                self.ending = Some(Ending { at: *at, message_id: None, code: Some(code.clone()) });
            }
        }
    }

    /// Whether an item on which a step's condition did not hold shows that the step is not lost: the holder's own
    /// earlier request had landed, or the mail service itself has settled the send.
    #[must_use]
    pub fn shows(&self, lease: &Lease, step: &Step) -> bool {
        self.is_held_by(lease)
            && match step {
                Step::Finish => self.state == TaskState::Done,
                Step::BeginSend(attempt) => {
                    self.state == TaskState::Sending
                        && self.attempt.as_ref().is_some_and(|begun| begun.send_id == attempt.send_id)
                }
                Step::EndSend(SendOutcome::NotSent) => {
                    self.state == TaskState::Claimed || self.state.is_settled()
                }
                Step::EndSend(_) => self.state.is_settled(),
            }
    }

    /// A step in a store that does all of it at once.
    pub fn step(slot: Option<&mut Self>, lease: &Lease, step: &Step) -> Commit {
        match slot {
            Some(item) if item.admits(lease, step) => {
                item.apply(step);
                Commit::Stored
            }
            Some(item) if item.shows(lease, step) => Commit::Stored,
            _ => Commit::Lost,
        }
    }

    /// The condition under which the mail service's word changes the state: a mail that is out settles whatever is
    /// not settled, also after somebody else has taken over or given up; a mail that it threw away is not out, if
    /// this is the attempt that the item knows.
    #[must_use]
    pub fn is_settled_by(&self, feedback: &MailFeedback) -> bool {
        if feedback.kind.is_out() {
            return !matches!(self.state, TaskState::Done | TaskState::Refused);
        }
        let same = self.attempt.as_ref().is_some_and(|attempt| attempt.send_id == feedback.send_id);
        same && matches!(self.state, TaskState::Sending | TaskState::Done | TaskState::Parked)
    }

    /// The state that the mail service's word leads to, and the ending that it tells of.
    #[must_use]
    pub fn settled_by(feedback: &MailFeedback) -> (TaskState, Ending) {
        let code = || feedback.code.clone().unwrap_or_else(|| feedback.kind.as_str().to_owned());
        let is_out = feedback.kind.is_out();
        let ending = Ending {
            at: feedback.at,
            message_id: Some(feedback.message_id.clone()),
            code: (!is_out).then(code),
        };
        (if is_out { TaskState::Done } else { TaskState::Refused }, ending)
    }

    /// The effect of the mail service's word whose condition held.
    pub fn settle(&mut self, feedback: &MailFeedback) {
        let (state, ending) = Self::settled_by(feedback);
        self.state = state;
        self.ending = Some(ending);
    }

    /// Whether the item shows the effect of this very word: an earlier request had landed and only its answer was
    /// lost, or the word was delivered twice.
    #[must_use]
    pub fn was_settled_by(&self, feedback: &MailFeedback) -> bool {
        let (state, ending) = Self::settled_by(feedback);
        self.state == state && self.ending.as_ref() == Some(&ending)
    }

    /// What the mail service's word does to the mail: it settles it, or was known. Safe to repeat.
    pub fn hear(&mut self, feedback: &MailFeedback) -> Heard {
        if self.is_settled_by(feedback) {
            self.settle(feedback);
        }
        if self.was_settled_by(feedback) { Heard::Settled } else { Heard::Known }
    }

    /// The condition of giving up on a send.
    #[must_use]
    pub fn may_park(&self, send_id: &str) -> bool {
        self.state == TaskState::Sending
            && self.attempt.as_ref().is_some_and(|attempt| attempt.send_id == send_id)
    }

    /// The effect of giving up.
    pub fn park(&mut self, at: Timestamp) {
        self.state = TaskState::Parked;
        self.ending = Some(Ending { at, message_id: None, code: None });
    }

    /// Giving up in a store that does all of it at once.
    pub fn give_up(&mut self, send_id: &str, at: Timestamp) {
        if self.may_park(send_id) {
            self.park(at);
        }
    }

    /// The order of a mail's states: none goes back. A record that has been told of a state is not told of an earlier one
    /// any more, however late that word lands.
    #[must_use]
    pub fn order(&self) -> u8 {
        match self.state {
            TaskState::Claimed | TaskState::Sending => 0,
            TaskState::Parked => 1,
            TaskState::Done => 2,
            TaskState::Refused => 3,
        }
    }

    /// What the record of the run says of its mail: whether and when it was sent.
    #[must_use]
    pub fn notification(&self) -> (bool, Option<String>) {
        let sent = self.state == TaskState::Done;
        let at = self.ending.as_ref().map(|ending| ending.at.to_string());
        (sent, at.filter(|_| sent))
    }

    /// Makes the record of the run say so.
    pub fn mark(&self, record: &mut AnalysisRecord) {
        (record.notification_sent, record.notification_timestamp) = self.notification();
    }
}

#[cfg(test)]
mod tests;
