use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::identity::RunId;
use crate::memory::{Script, lock, scripted};
use crate::ports::{Analyses, Claim, Claimed, Commit, Fault, Lease, SendOutcome, Task};
use crate::record::AnalysisRecord;

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// Somebody is at it.
    Claimed,
    /// A send has begun; how it ended is not known yet.
    Sending {
        /// The attempt.
        send_id: String,
        /// When it began.
        since: Timestamp,
    },
    /// The analysis is stored, or the mail is out.
    Done,
    /// The mail service will not take the mail.
    Refused {
        /// The mail service's code.
        code: String,
    },
}

#[derive(Debug, Clone)]
struct Item {
    state: TaskState,
    owner: String,
    fence: u64,
    lease_until: Timestamp,
}

impl Item {
    fn is_held_by(&self, lease: &Lease) -> bool {
        self.owner == lease.owner && self.fence == lease.fence
    }

    /// What a claim on this item gets, when it gets nothing new.
    fn answer(&self, claim: &Claim) -> Option<Claimed> {
        match &self.state {
            TaskState::Done | TaskState::Refused { .. } => Some(Claimed::Finished),
            TaskState::Claimed if self.lease_until < claim.now => None,
            // The owner's own earlier request had landed, and only its answer was lost.
            TaskState::Claimed if self.owner == claim.owner => Some(Claimed::Granted(Lease {
                run_id: claim.run_id.clone(),
                task: claim.task,
                owner: claim.owner.clone(),
                fence: self.fence,
            })),
            TaskState::Claimed => Some(Claimed::Busy { until: self.lease_until }),
            TaskState::Sending { since, .. } if *since < claim.unsettled_before => None,
            TaskState::Sending { since, .. } => {
                // The asker's grace after the beginning, and the next millisecond: "before" is strict.
                let grace = claim.now.duration_since(claim.unsettled_before) + SignedDuration::from_millis(1);
                Some(Claimed::Busy { until: since.checked_add(grace).unwrap_or(Timestamp::MAX) })
            }
        }
    }
}

#[derive(Debug, Default)]
struct Table {
    items: HashMap<(RunId, Task), Item>,
    records: HashMap<RunId, AnalysisRecord>,
}

impl Table {
    fn item(&mut self, lease: &Lease) -> Option<&mut Item> {
        let item = self.items.get_mut(&(lease.run_id.clone(), lease.task))?;
        item.is_held_by(lease).then_some(item)
    }
}

/// The store of analyses and of the claims on them.
#[derive(Debug, Clone, Default)]
pub struct MemoryAnalyses {
    table: Arc<Mutex<Table>>,
    script: Script,
}

scripted!(MemoryAnalyses);

impl MemoryAnalyses {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a record in place without a claim.
    pub fn put(&self, record: AnalysisRecord) {
        lock(&self.table).records.insert(record.analysis_id.clone(), record);
    }

    /// The record of a run.
    #[must_use]
    pub fn get(&self, run_id: &RunId) -> Option<AnalysisRecord> {
        lock(&self.table).records.get(run_id).cloned()
    }

    /// How far a task of a run is; `None` when it was never claimed.
    #[must_use]
    pub fn state(&self, run_id: &RunId, task: Task) -> Option<TaskState> {
        lock(&self.table).items.get(&(run_id.clone(), task)).map(|item| item.state.clone())
    }

    fn put_record(&self, lease: &Lease, record: &AnalysisRecord) -> Commit {
        let mut table = lock(&self.table);
        match table.item(lease) {
            // Done under the same fence: the owner's own earlier request had landed.
            Some(item) if matches!(item.state, TaskState::Claimed | TaskState::Done) => {
                item.state = TaskState::Done;
                table.records.insert(lease.run_id.clone(), record.clone());
                Commit::Stored
            }
            _ => Commit::Lost,
        }
    }

    fn settle(&self, lease: &Lease, outcome: &SendOutcome) -> Commit {
        let after = match outcome {
            SendOutcome::Sent { .. } => TaskState::Done,
            SendOutcome::NotSent => TaskState::Claimed,
            SendOutcome::Refused { code, .. } => TaskState::Refused { code: code.clone() },
        };
        let mut table = lock(&self.table);
        match table.item(lease) {
            Some(item) if item.state == after => return Commit::Stored,
            Some(item) if matches!(item.state, TaskState::Sending { .. }) => item.state = after,
            _ => return Commit::Lost,
        }
        if let SendOutcome::Sent { at, .. } = outcome
            && let Some(record) = table.records.get_mut(&lease.run_id)
        {
            record.notification_sent = true;
            record.notification_timestamp = Some(at.to_string());
        }
        Commit::Stored
    }
}

impl Analyses for MemoryAnalyses {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Fault> {
        self.script.before("claim")?;
        let claimed = {
            let mut table = lock(&self.table);
            let key = (claim.run_id.clone(), claim.task);
            let old = table.items.get(&key);
            match old.and_then(|item| item.answer(claim)) {
                Some(answer) => answer,
                None => {
                    let fence = old.map_or(0, |item| item.fence) + 1;
                    let (owner, lease_until) = (claim.owner.clone(), claim.lease_until);
                    let item = Item { state: TaskState::Claimed, owner: owner.clone(), fence, lease_until };
                    table.items.insert(key, item);
                    Claimed::Granted(Lease { run_id: claim.run_id.clone(), task: claim.task, owner, fence })
                }
            }
        };
        self.script.after("claim")?;
        Ok(claimed)
    }

    async fn store(&self, lease: &Lease, record: &AnalysisRecord) -> Result<Commit, Fault> {
        self.script.before("store")?;
        let commit = self.put_record(lease, record);
        self.script.after("store")?;
        Ok(commit)
    }

    async fn load(&self, run_id: &RunId) -> Result<Option<AnalysisRecord>, Fault> {
        self.script.before("load")?;
        Ok(self.get(run_id))
    }

    async fn begin_send(&self, lease: &Lease, send_id: &str, at: Timestamp) -> Result<Commit, Fault> {
        self.script.before("begin_send")?;
        let commit = match lock(&self.table).item(lease) {
            Some(item) if item.state == TaskState::Claimed => {
                item.state = TaskState::Sending { send_id: send_id.to_owned(), since: at };
                Commit::Stored
            }
            Some(Item { state: TaskState::Sending { send_id: begun, .. }, .. }) if begun == send_id => {
                Commit::Stored
            }
            _ => Commit::Lost,
        };
        self.script.after("begin_send")?;
        Ok(commit)
    }

    async fn end_send(&self, lease: &Lease, outcome: &SendOutcome) -> Result<Commit, Fault> {
        self.script.before("end_send")?;
        let commit = self.settle(lease, outcome);
        self.script.after("end_send")?;
        Ok(commit)
    }
}

#[cfg(test)]
mod tests;
