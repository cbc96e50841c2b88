use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::claims::{Attempt, Step, TaskItem, TaskState};
use shared::identity::RunId;
use shared::ports::{
    Analyses, Claim, Claimed, Commit, Fault, FaultKind, Heard, Lease, MailFeedback, SendOutcome, Task,
};
use shared::record::AnalysisRecord;

use super::{fault, replace};

/// The key that holds the claims, beside the record's own.
const TASKS: &str = "tasks";

/// What is stored of a run.
#[derive(Debug, Default)]
struct Item {
    record: Option<AnalysisRecord>,
    tasks: BTreeMap<String, TaskItem>,
}

impl Item {
    fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let mut fields: Map<String, Value> = serde_json::from_slice(bytes)?;
        let tasks = fields.remove(TASKS).map_or_else(|| Ok(BTreeMap::new()), serde_json::from_value)?;
        let record =
            if fields.is_empty() { None } else { Some(serde_json::from_value(Value::Object(fields))?) };
        Ok(Self { record, tasks })
    }

    fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut fields = match &self.record {
            Some(record) => serde_json::to_value(record)?,
            None => Value::Object(Map::new()),
        };
        if let Some(fields) = fields.as_object_mut() {
            fields.insert(TASKS.to_owned(), serde_json::to_value(&self.tasks)?);
        }
        let mut bytes = serde_json::to_vec_pretty(&fields)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn claim(&mut self, claim: &Claim) -> Claimed {
        let name = name_of(claim.task);
        let mut slot = self.tasks.remove(name);
        if let Some(item) = &mut slot
            && item.state == TaskState::Sending
            && item.owner == claim.owner
        {
            // A send that was interrupted left some of three files, and sending again writes the same three: there
            // is no second mail to fear, so its owner need not wait.
            item.state = TaskState::Claimed;
            item.lease_until = Timestamp::MIN;
        }
        let claimed = TaskItem::claim(&mut slot, claim);
        self.tasks.extend(slot.map(|item| (name.to_owned(), item)));
        claimed
    }

    fn step(&mut self, lease: &Lease, step: &Step) -> Commit {
        TaskItem::step(self.tasks.get_mut(name_of(lease.task)), lease, step)
    }

    fn mail(&mut self) -> Option<&mut TaskItem> {
        self.tasks.get_mut(name_of(Task::Notify))
    }

    fn hear(&mut self, feedback: &MailFeedback) -> Heard {
        match self.mail() {
            None => Heard::NoSuchRun,
            Some(item) => item.hear(feedback),
        }
    }

    fn mark(&mut self) {
        if let (Some(mail), Some(record)) = (self.tasks.get(name_of(Task::Notify)), &mut self.record) {
            mail.mark(record);
        }
    }
}

fn name_of(task: Task) -> &'static str {
    match task {
        Task::Analyze => "analyze",
        Task::Notify => "notify",
    }
}

/// The store of analyses and of the claims on them: one JSON file a run.
///
/// Every change replaces the file whole. Between two processes at the same file at the same moment there is no
/// lock: both come to the same record and the same mail, and one of them may end by saying that it lost its claim.
#[derive(Debug, Clone)]
pub struct FileAnalyses {
    directory: PathBuf,
}

impl FileAnalyses {
    /// A store in this directory, which need not exist yet.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where a run's file is.
    #[must_use]
    pub fn path_of(&self, run_id: &RunId) -> PathBuf {
        self.directory.join(format!("{run_id}.json"))
    }

    fn read(&self, run_id: &RunId) -> Result<Item, Fault> {
        let path = self.path_of(run_id);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Item::default()),
            read => read.map_err(|error| fault("GetItem", &path, &error))?,
        };
        Item::read(&bytes).map_err(|error| {
            let cause = format!("{}: {error}; remove the file to start over", path.display());
            Fault::new("GetItem", FaultKind::Invalid, "NotAnAnalysis").caused_by(cause)
        })
    }

    fn change<T>(&self, run_id: &RunId, change: impl FnOnce(&mut Item) -> T) -> Result<T, Fault> {
        let mut item = self.read(run_id)?;
        let answer = change(&mut item);
        let bytes = item
            .write()
            .map_err(|error| Fault::new("PutItem", FaultKind::Internal, "NoJson").caused_by(error))?;
        replace("PutItem", &self.path_of(run_id), &bytes)?;
        Ok(answer)
    }
}

impl Analyses for FileAnalyses {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Fault> {
        let mut item = self.read(&claim.run_id)?;
        let before = item.tasks.clone();
        let claimed = item.claim(claim);
        if item.tasks != before {
            self.change(&claim.run_id, |stored| *stored = item)?;
        }
        Ok(claimed)
    }

    async fn store(&self, lease: &Lease, record: &AnalysisRecord) -> Result<Commit, Fault> {
        self.change(&lease.run_id, |item| {
            let commit = item.step(lease, &Step::Finish);
            if commit == Commit::Stored {
                // A repeated request finds its record, and leaves it: the first one may have been read meanwhile.
                item.record.get_or_insert_with(|| record.clone());
            }
            commit
        })
    }

    async fn load(&self, run_id: &RunId) -> Result<Option<AnalysisRecord>, Fault> {
        Ok(self.read(run_id)?.record)
    }

    async fn task(&self, run_id: &RunId, task: Task) -> Result<Option<TaskItem>, Fault> {
        Ok(self.read(run_id)?.tasks.remove(name_of(task)))
    }

    async fn begin_send(&self, lease: &Lease, send_id: &str, at: Timestamp) -> Result<Commit, Fault> {
        let attempt = Attempt { send_id: send_id.to_owned(), since: at };
        self.change(&lease.run_id, |item| item.step(lease, &Step::BeginSend(attempt)))
    }

    async fn end_send(&self, lease: &Lease, outcome: &SendOutcome) -> Result<Commit, Fault> {
        self.change(&lease.run_id, |item| item.step(lease, &Step::EndSend(outcome.clone())))
    }

    async fn park(&self, run_id: &RunId, send_id: &str, at: Timestamp) -> Result<(), Fault> {
        self.change(run_id, |item| {
            if let Some(mail) = item.mail() {
                mail.give_up(send_id, at);
            }
        })
    }

    async fn hear(&self, feedback: &MailFeedback) -> Result<Heard, Fault> {
        self.change(&feedback.run_id, |item| item.hear(feedback))
    }

    async fn mark(&self, run_id: &RunId) -> Result<(), Fault> {
        self.change(run_id, Item::mark)
    }
}

#[cfg(test)]
mod tests;
