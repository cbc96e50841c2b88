use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::identity::RunId;
use shared::ports::{Analyses, Claim, Claimed, Commit, Fault, FaultKind, Lease, SendOutcome, Task};
use shared::record::AnalysisRecord;

use super::{fault, replace};

/// The key that holds the claims, beside the record's own.
const TASKS: &str = "tasks";

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum State {
    Claimed,
    Sending { send_id: String, since: Timestamp },
    Done,
    Refused { code: String },
}

/// A task as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    #[serde(flatten)]
    state: State,
    owner: String,
    fence: u64,
    lease_until: Timestamp,
}

impl Held {
    /// What a claim gets, when it gets nothing new.
    fn answer(&self, claim: &Claim) -> Option<Claimed> {
        let mine = self.owner == claim.owner;
        match &self.state {
            State::Done | State::Refused { .. } => Some(Claimed::Finished),
            State::Claimed if self.lease_until < claim.now => None,
            State::Claimed if mine => Some(Claimed::Granted(Lease {
                run_id: claim.run_id.clone(),
                task: claim.task,
                owner: claim.owner.clone(),
                fence: self.fence,
            })),
            State::Claimed => Some(Claimed::Busy { until: self.lease_until }),
            // A send that was interrupted left some of three files, and sending again writes the same three: there
            // is no second mail to fear, so its owner need not wait.
            State::Sending { .. } if mine => None,
            State::Sending { since, .. } if *since < claim.unsettled_before => None,
            State::Sending { since, .. } => {
                let grace = claim.now.duration_since(claim.unsettled_before) + SignedDuration::from_millis(1);
                Some(Claimed::Busy { until: since.checked_add(grace).unwrap_or(Timestamp::MAX) })
            }
        }
    }
}

/// What is stored of a run.
#[derive(Debug, Default)]
struct Item {
    record: Option<AnalysisRecord>,
    tasks: BTreeMap<String, Held>,
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

    fn held_by(&mut self, lease: &Lease) -> Option<&mut Held> {
        let held = self.tasks.get_mut(name_of(lease.task))?;
        (held.owner == lease.owner && held.fence == lease.fence).then_some(held)
    }

    fn claim(&mut self, claim: &Claim) -> Claimed {
        let name = name_of(claim.task);
        let old = self.tasks.get(name);
        if let Some(answer) = old.and_then(|held| held.answer(claim)) {
            return answer;
        }
        let fence = old.map_or(0, |held| held.fence) + 1;
        let (owner, lease_until) = (claim.owner.clone(), claim.lease_until);
        let held = Held { state: State::Claimed, owner: owner.clone(), fence, lease_until };
        self.tasks.insert(name.to_owned(), held);
        Claimed::Granted(Lease { run_id: claim.run_id.clone(), task: claim.task, owner, fence })
    }

    fn store(&mut self, lease: &Lease, record: &AnalysisRecord) -> Commit {
        match self.held_by(lease) {
            Some(held) if matches!(held.state, State::Claimed | State::Done) => held.state = State::Done,
            _ => return Commit::Lost,
        }
        self.record = Some(record.clone());
        Commit::Stored
    }

    fn begin_send(&mut self, lease: &Lease, send_id: &str, at: Timestamp) -> Commit {
        match self.held_by(lease) {
            Some(held) if held.state == State::Claimed => {
                held.state = State::Sending { send_id: send_id.to_owned(), since: at };
                Commit::Stored
            }
            Some(Held { state: State::Sending { send_id: begun, .. }, .. }) if begun == send_id => {
                Commit::Stored
            }
            _ => Commit::Lost,
        }
    }

    fn end_send(&mut self, lease: &Lease, outcome: &SendOutcome) -> Commit {
        let after = match outcome {
            SendOutcome::Sent { .. } => State::Done,
            SendOutcome::NotSent => State::Claimed,
            SendOutcome::Refused { code, .. } => State::Refused { code: code.clone() },
        };
        match self.held_by(lease) {
            Some(held) if held.state == after => return Commit::Stored,
            Some(held) if matches!(held.state, State::Sending { .. }) => held.state = after,
            _ => return Commit::Lost,
        }
        if let (SendOutcome::Sent { at, .. }, Some(record)) = (outcome, &mut self.record) {
            record.notification_sent = true;
            record.notification_timestamp = Some(at.to_string());
        }
        Commit::Stored
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
        self.change(&lease.run_id, |item| item.store(lease, record))
    }

    async fn load(&self, run_id: &RunId) -> Result<Option<AnalysisRecord>, Fault> {
        Ok(self.read(run_id)?.record)
    }

    async fn begin_send(&self, lease: &Lease, send_id: &str, at: Timestamp) -> Result<Commit, Fault> {
        self.change(&lease.run_id, |item| item.begin_send(lease, send_id, at))
    }

    async fn end_send(&self, lease: &Lease, outcome: &SendOutcome) -> Result<Commit, Fault> {
        self.change(&lease.run_id, |item| item.end_send(lease, outcome))
    }
}

#[cfg(test)]
mod tests;
