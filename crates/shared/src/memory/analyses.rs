use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use crate::claims::{Attempt, Step, TaskItem, TaskState};
use crate::identity::RunId;
use crate::memory::{Script, lock, scripted};
use crate::ports::{
    Analyses, Claim, Claimed, Commit, Fault, FeedbackKind, Heard, Lease, MailFeedback, SendOutcome, Task,
};
use crate::record::AnalysisRecord;

#[derive(Debug, Default)]
struct Table {
    items: HashMap<(RunId, Task), TaskItem>,
    records: HashMap<RunId, AnalysisRecord>,
    heard: HashMap<RunId, BTreeMap<FeedbackKind, Timestamp>>,
}

impl Table {
    fn item(&mut self, run_id: &RunId, task: Task) -> Option<&mut TaskItem> {
        self.items.get_mut(&(run_id.clone(), task))
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
        self.item(run_id, task).map(|item| item.state)
    }

    /// A task of a run; `None` when it was never claimed.
    #[must_use]
    pub fn item(&self, run_id: &RunId, task: Task) -> Option<TaskItem> {
        lock(&self.table).items.get(&(run_id.clone(), task)).cloned()
    }

    /// What the mail service has said of the mail of a run, each with the first time it said so.
    #[must_use]
    pub fn heard(&self, run_id: &RunId) -> BTreeMap<FeedbackKind, Timestamp> {
        lock(&self.table).heard.get(run_id).cloned().unwrap_or_default()
    }

    fn step(&self, lease: &Lease, step: &Step) -> Commit {
        TaskItem::step(lock(&self.table).item(&lease.run_id, lease.task), lease, step)
    }
}

impl Analyses for MemoryAnalyses {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Fault> {
        self.script.before("claim")?;
        let claimed = {
            let mut table = lock(&self.table);
            let key = (claim.run_id.clone(), claim.task);
            let mut slot = table.items.remove(&key);
            let claimed = TaskItem::claim(&mut slot, claim);
            table.items.extend(slot.map(|item| (key, item)));
            claimed
        };
        self.script.after("claim")?;
        Ok(claimed)
    }

    async fn store(&self, lease: &Lease, record: &AnalysisRecord) -> Result<Commit, Fault> {
        self.script.before("store")?;
        let commit = self.step(lease, &Step::Finish);
        if commit == Commit::Stored {
            lock(&self.table).records.entry(lease.run_id.clone()).or_insert_with(|| record.clone());
        }
        self.script.after("store")?;
        Ok(commit)
    }

    async fn load(&self, run_id: &RunId) -> Result<Option<AnalysisRecord>, Fault> {
        self.script.before("load")?;
        Ok(self.get(run_id))
    }

    async fn task(&self, run_id: &RunId, task: Task) -> Result<Option<TaskItem>, Fault> {
        self.script.before("task")?;
        Ok(self.item(run_id, task))
    }

    async fn begin_send(&self, lease: &Lease, send_id: &str, at: Timestamp) -> Result<Commit, Fault> {
        self.script.before("begin_send")?;
        let attempt = Attempt { send_id: send_id.to_owned(), since: at };
        let commit = self.step(lease, &Step::BeginSend(attempt));
        self.script.after("begin_send")?;
        Ok(commit)
    }

    async fn end_send(&self, lease: &Lease, outcome: &SendOutcome) -> Result<Commit, Fault> {
        self.script.before("end_send")?;
        let commit = self.step(lease, &Step::EndSend(outcome.clone()));
        self.script.after("end_send")?;
        Ok(commit)
    }

    async fn park(&self, run_id: &RunId, send_id: &str, at: Timestamp) -> Result<(), Fault> {
        self.script.before("park")?;
        if let Some(item) = lock(&self.table).item(run_id, Task::Notify) {
            item.give_up(send_id, at);
        }
        self.script.after("park")
    }

    async fn hear(&self, feedback: &MailFeedback) -> Result<Heard, Fault> {
        self.script.before("hear")?;
        let heard = {
            let mut table = lock(&self.table);
            match table.item(&feedback.run_id, Task::Notify) {
                None => Heard::NoSuchRun,
                Some(item) => {
                    let heard = item.hear(feedback);
                    let all = table.heard.entry(feedback.run_id.clone()).or_default();
                    all.entry(feedback.kind).or_insert(feedback.at);
                    heard
                }
            }
        };
        self.script.after("hear")?;
        Ok(heard)
    }

    async fn mark(&self, run_id: &RunId) -> Result<(), Fault> {
        self.script.before("mark")?;
        {
            let mut table = lock(&self.table);
            let Table { items, records, .. } = &mut *table;
            let mail = items.get(&(run_id.clone(), Task::Notify));
            if let (Some(mail), Some(record)) = (mail, records.get_mut(run_id)) {
                mail.mark(record);
            }
        }
        self.script.after("mark")
    }
}

#[cfg(test)]
mod tests;
