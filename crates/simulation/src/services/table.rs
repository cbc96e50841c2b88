//! A table as DynamoDB keeps it: items that are written under a condition, which fails with the old item.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use shared::claims::{Step, TaskItem, TaskState};
use shared::identity::RunId;
use shared::ports::{Claim, FeedbackKind, Lease, MailFeedback, Task};
use shared::record::AnalysisRecord;

/// The table of analyses.
#[derive(Debug, Default)]
pub struct Table {
    pub(crate) tasks: HashMap<(RunId, Task), TaskItem>,
    pub(crate) records: BTreeMap<RunId, Arc<AnalysisRecord>>,
    pub(crate) heard: BTreeMap<RunId, BTreeMap<FeedbackKind, Timestamp>>,
    /// How far the mail was that a record was told of last.
    pub(crate) marks: HashMap<RunId, u8>,
    /// When each attempt at sending was written down, and when the mail service's word on it was first taken in.
    pub(crate) sends: BTreeMap<(RunId, String), Send>,
    /// Tasks that were granted while their owner could still be at work.
    pub(crate) double_grants: Vec<(RunId, Task)>,
    /// How many conditional writes of an analysis took effect.
    pub(crate) stores: BTreeMap<RunId, u32>,
}

impl Table {
    /// A claim as one conditional write.
    ///
    /// # Errors
    /// The old item, when the condition does not hold.
    pub fn claim(
        &mut self,
        now: Timestamp,
        claim: &Claim,
        with_lease: bool,
    ) -> Result<TaskItem, Box<TaskItem>> {
        let key = (claim.run_id.clone(), claim.task);
        let old = self.tasks.get(&key);
        let free = TaskItem::may_claim(old, claim)
            || (!with_lease && old.is_some_and(|old| old.state == TaskState::Claimed));
        match old {
            Some(old) if !free => Err(Box::new(old.clone())),
            old => {
                if old.is_some_and(|old| is_at_work(old, now) && old.owner != claim.owner) {
                    self.double_grants.push((claim.run_id.clone(), claim.task));
                }
                let new = TaskItem::claimed(old, claim);
                self.tasks.insert(key, new.clone());
                Ok(new)
            }
        }
    }

    /// A step as one conditional write.
    ///
    /// # Errors
    /// The old item, if there is one, when the condition does not hold.
    pub fn step(
        &mut self,
        now: Timestamp,
        lease: &Lease,
        step: &Step,
        rules: StepRules,
    ) -> Result<(), Option<Box<TaskItem>>> {
        let key = (lease.run_id.clone(), lease.task);
        let Some(item) = self.tasks.get_mut(&key) else { return Err(None) };
        let held = !rules.fence || item.is_held_by(lease);
        let from = item.state == step.from()
            || (!rules.intent && matches!(step, Step::EndSend(_)) && item.state == TaskState::Claimed);
        if !held || !from {
            return Err(Some(Box::new(item.clone())));
        }
        item.apply(step);
        if let Step::BeginSend(attempt) = step {
            let send = self.sends.entry((lease.run_id.clone(), attempt.send_id.clone())).or_default();
            send.begun.get_or_insert(now);
        }
        Ok(())
    }

    /// The step that stores an analysis.
    ///
    /// # Errors
    /// As [`Table::step`].
    pub fn store(
        &mut self,
        now: Timestamp,
        lease: &Lease,
        record: &Arc<AnalysisRecord>,
        rules: StepRules,
    ) -> Result<(), Option<Box<TaskItem>>> {
        self.step(now, lease, &Step::Finish, rules)?;
        *self.stores.entry(lease.run_id.clone()).or_default() += 1;
        self.records.insert(lease.run_id.clone(), Arc::clone(record));
        Ok(())
    }

    /// Gives up on a send.
    pub fn park(&mut self, run_id: &RunId, send_id: &str, at: Timestamp) {
        if let Some(item) = self.tasks.get_mut(&(run_id.clone(), Task::Notify)) {
            item.give_up(send_id, at);
        }
    }

    /// Settles a send by the mail service's word, as one conditional write.
    ///
    /// # Errors
    /// The old item, if there is one, when the word changes nothing.
    pub fn settle(&mut self, now: Timestamp, feedback: &MailFeedback) -> Result<(), Option<Box<TaskItem>>> {
        let Some(item) = self.tasks.get_mut(&(feedback.run_id.clone(), Task::Notify)) else {
            return Err(None);
        };
        let send = self.sends.entry((feedback.run_id.clone(), feedback.send_id.clone())).or_default();
        send.heard.get_or_insert(now);
        if !item.is_settled_by(feedback) {
            return Err(Some(Box::new(item.clone())));
        }
        item.settle(feedback);
        self.note(feedback);
        Ok(())
    }

    /// Writes down the mail service's word, the first time that it says so.
    pub fn note(&mut self, feedback: &MailFeedback) {
        let heard = self.heard.entry(feedback.run_id.clone()).or_default();
        heard.entry(feedback.kind).or_insert(feedback.at);
    }

    /// Makes a record say how its mail ended, as the mail's item said it before: unless the record has been told of a
    /// later state. A mark may land late, and the mail's states have an order.
    pub fn mark(&mut self, run_id: &RunId, mail: &TaskItem) {
        let Some(record) = self.records.get_mut(run_id) else { return };
        let told = self.marks.entry(run_id.clone()).or_default();
        if mail.order() < *told {
            return;
        }
        *told = mail.order();
        mail.mark(Arc::make_mut(record));
    }

    /// What the mail service has said of the mail of a run, each with the first time it said so.
    #[must_use]
    pub fn heard_of(&self, run_id: &RunId) -> BTreeMap<FeedbackKind, Timestamp> {
        self.heard.get(run_id).cloned().unwrap_or_default()
    }

    /// The order of the state that a record was told of last.
    #[must_use]
    pub fn marked(&self, run_id: &RunId) -> Option<u8> {
        self.marks.get(run_id).copied()
    }

    /// A task of a run.
    #[must_use]
    pub fn task(&self, run_id: &RunId, task: Task) -> Option<&TaskItem> {
        self.tasks.get(&(run_id.clone(), task))
    }

    /// Puts a task of a run in place, whatever it was.
    pub fn put_task(&mut self, run_id: &RunId, task: Task, item: TaskItem) {
        self.tasks.insert((run_id.clone(), task), item);
    }

    /// The analysis of a run.
    #[must_use]
    pub fn record(&self, run_id: &RunId) -> Option<&Arc<AnalysisRecord>> {
        self.records.get(run_id)
    }
}

/// What is remembered of an attempt at sending, for whoever judges the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Send {
    pub(crate) begun: Option<Timestamp>,
    pub(crate) heard: Option<Timestamp>,
}

/// What a step has to prove.
#[derive(Debug, Clone, Copy)]
pub struct StepRules {
    /// Whether owner and fence are compared.
    pub fence: bool,
    /// Whether a send was announced before.
    pub intent: bool,
}

/// Whether the owner of a task may still be at work: its function has not been ended yet. A lease outlives its function
/// by two seconds, for clocks that differ.
pub(crate) fn is_at_work(item: &TaskItem, now: Timestamp) -> bool {
    let ended = item.lease_until.checked_sub(SignedDuration::from_secs(2)).unwrap_or(item.lease_until);
    item.state == TaskState::Claimed && now < ended
}
