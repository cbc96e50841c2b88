//! A table as DynamoDB keeps it: items that are written under a condition, which fails with the old item.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use shared::claims::{Step, TaskItem, TaskState};
use shared::identity::RunId;
use shared::ports::{Claim, FeedbackKind, Heard, Lease, MailFeedback, Task};
use shared::record::AnalysisRecord;

/// The table of analyses.
#[derive(Debug, Default)]
pub struct Table {
    pub(crate) tasks: HashMap<(RunId, Task), TaskItem>,
    pub(crate) records: BTreeMap<RunId, Arc<AnalysisRecord>>,
    pub(crate) heard: BTreeMap<RunId, BTreeMap<FeedbackKind, Timestamp>>,
    /// How many conditional writes of an analysis took effect.
    pub(crate) stores: BTreeMap<RunId, u32>,
}

impl Table {
    /// A claim as one conditional write.
    ///
    /// # Errors
    /// The old item, when the condition does not hold.
    pub fn claim(&mut self, claim: &Claim, with_lease: bool) -> Result<TaskItem, TaskItem> {
        let key = (claim.run_id.clone(), claim.task);
        let old = self.tasks.get(&key);
        let free = TaskItem::may_claim(old, claim)
            || (!with_lease && old.is_some_and(|old| old.state == TaskState::Claimed));
        match old {
            Some(old) if !free => Err(old.clone()),
            old => {
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
    pub fn step(&mut self, lease: &Lease, step: &Step, rules: StepRules) -> Result<(), Option<TaskItem>> {
        let key = (lease.run_id.clone(), lease.task);
        let Some(item) = self.tasks.get_mut(&key) else { return Err(None) };
        let held = !rules.fence || item.is_held_by(lease);
        let from = item.state == step.from()
            || (!rules.intent && matches!(step, Step::EndSend(_)) && item.state == TaskState::Claimed);
        if !held || !from {
            return Err(Some(item.clone()));
        }
        item.apply(step);
        Ok(())
    }

    /// The step that stores an analysis.
    ///
    /// # Errors
    /// As [`Table::step`].
    pub fn store(
        &mut self,
        lease: &Lease,
        record: &Arc<AnalysisRecord>,
        rules: StepRules,
    ) -> Result<(), Option<TaskItem>> {
        self.step(lease, &Step::Finish, rules)?;
        *self.stores.entry(lease.run_id.clone()).or_default() += 1;
        self.records.insert(lease.run_id.clone(), Arc::clone(record));
        Ok(())
    }

    /// Gives up on a send.
    pub fn park(&mut self, run_id: &RunId, send_id: &str, at: Timestamp) {
        if let Some(item) = self.tasks.get_mut(&(run_id.clone(), Task::Notify))
            && item.may_park(send_id)
        {
            item.park(at);
        }
    }

    /// Takes in the mail service's word.
    pub fn hear(&mut self, feedback: &MailFeedback) -> Heard {
        let Some(item) = self.tasks.get_mut(&(feedback.run_id.clone(), Task::Notify)) else {
            return Heard::NoSuchRun;
        };
        let settles = item.is_settled_by(feedback);
        if settles {
            item.settle(feedback);
        }
        let heard = self.heard.entry(feedback.run_id.clone()).or_default();
        heard.entry(feedback.kind).or_insert(feedback.at);
        if settles { Heard::Settled } else { Heard::Known }
    }

    /// Makes a record say how its mail ended, as an item of the mail said it before.
    pub fn mark(&mut self, run_id: &RunId, notification: (bool, Option<String>)) {
        if let Some(record) = self.records.get_mut(run_id) {
            let record = Arc::make_mut(record);
            (record.notification_sent, record.notification_timestamp) = notification;
        }
    }

    /// A task of a run.
    #[must_use]
    pub fn task(&self, run_id: &RunId, task: Task) -> Option<&TaskItem> {
        self.tasks.get(&(run_id.clone(), task))
    }

    /// The analysis of a run.
    #[must_use]
    pub fn record(&self, run_id: &RunId) -> Option<&Arc<AnalysisRecord>> {
        self.records.get(run_id)
    }
}

/// What a step has to prove.
#[derive(Debug, Clone, Copy)]
pub struct StepRules {
    /// Whether owner and fence are compared.
    pub fence: bool,
    /// Whether a send was announced before.
    pub intent: bool,
}
