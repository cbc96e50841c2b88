//! Says how far files and runs are, by what the stages themselves wrote down: the ledger, the manifests and the table.
//!
//! It only reads, and bounded: the versions of one key, one run, or the ledger's newest entries, day by day.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::{SignedDuration, Timestamp};
use processor::{OVERLOOKED_AFTER, STUCK_AFTER, WINDOW};
use serde::Serialize;
use shared::claims::{TaskItem, TaskState};
use shared::events::Rows;
use shared::identity::RunId;
use shared::keys::{INPUT_PREFIX, manifest_key};
use shared::ledger::{self, Noted, Place};
use shared::manifest::{Manifest, Status};
use shared::ports::{
    Analyses, Clock, Depth, Fault, FaultKind, Fetched, Inventory, ListingPlace, Location, Objects, Queues,
    SourceObject, StoredVersion, Task,
};
use shared::record::NarratorKind;

use crate::Operator;
use crate::names::{Names, Stage};

/// The end of the ledger's entries; the marks that a mail is settled end otherwise.
const ENTRY: &str = ".json";
/// The end of those marks.
const SETTLED: &str = ".settled";

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// The ledger does not know it: its announcement is on its way, or lost.
    Unknown,
    /// The processor has begun.
    Processing,
    /// It is split; there is no analysis yet.
    Analyzing,
    /// What is left is the mail.
    Mailing,
    /// Nothing is left to do.
    Finished,
}

impl Progress {
    /// The progress as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Processing => "processing",
            Self::Analyzing => "analyzing",
            Self::Mailing => "mailing",
            Self::Finished => "finished",
        }
    }

    /// The stage whose work is next; `None` when there is none left.
    #[must_use]
    pub fn stage(self) -> Option<Stage> {
        match self {
            Self::Unknown | Self::Processing => Some(Stage::Processor),
            Self::Analyzing => Some(Stage::Analyzer),
            Self::Mailing => Some(Stage::Notifier),
            Self::Finished => None,
        }
    }
}

/// What became of the mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Mail {
    /// Nobody has begun with it, or its item has expired since.
    None,
    /// The notifier is at it, or was when it was last heard of.
    Claimed,
    /// A send has begun, and nobody knows yet how it ended.
    Unsettled {
        /// When it began.
        since: Option<Timestamp>,
    },
    /// The mail service took it.
    Sent {
        /// When.
        at: Option<Timestamp>,
    },
    /// The mail service will not take it, or it has no recipient.
    Refused {
        /// The mail service's code, or a word of ours.
        code: Option<String>,
        /// When.
        at: Option<Timestamp>,
    },
    /// Nobody knows whether it is out, and it is not sent again by itself.
    Parked {
        /// Since when.
        since: Option<Timestamp>,
    },
}

impl Mail {
    fn of(item: Option<&TaskItem>) -> Self {
        let Some(item) = item else { return Self::None };
        let ended = item.ending.as_ref().map(|ending| ending.at);
        match item.state {
            TaskState::Claimed => Self::Claimed,
            TaskState::Sending => {
                Self::Unsettled { since: item.attempt.as_ref().map(|attempt| attempt.since) }
            }
            TaskState::Done => Self::Sent { at: ended },
            TaskState::Refused => {
                let code = item.ending.as_ref().and_then(|ending| ending.code.clone());
                Self::Refused { code, at: ended }
            }
            TaskState::Parked => Self::Parked { since: ended },
        }
    }
}

/// What the processor made of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The verdict's code, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The dataset.
    pub dataset: String,
    /// Its records.
    pub rows: Rows,
}

/// One upload, and the run that it became.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Look {
    /// The upload.
    pub source: SourceObject,
    /// When it was stored, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<Timestamp>,
    /// The run, once it is one.
    pub run_id: Option<RunId>,
    /// Whether the run is a forced replay.
    pub is_replay: bool,
    /// Whether the run is that of an earlier upload of the same bytes.
    pub is_duplicate: bool,
    /// How far it is.
    pub progress: Progress,
    /// Since when it has been known: when its entry in the ledger was written, or else when it was stored.
    pub since: Timestamp,
    /// What the processor made of it.
    pub outcome: Option<Outcome>,
    /// Who wrote the report.
    pub narrator: Option<NarratorKind>,
    /// What became of the mail.
    pub mail: Mail,
}

/// What is wrong with an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Nobody has processed it, for longer than the sweep lets pass.
    Overlooked,
    /// Nobody has processed it, and the sweep does not look so far back.
    Forgotten,
    /// It was begun, and is not finished for longer than the sweep lets pass.
    Stuck,
    /// A person has to find out whether its mail is out.
    Parked,
}

impl Look {
    /// How long it has been known.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.since)
    }

    /// What is wrong with it, if anything is.
    #[must_use]
    pub fn trouble(&self, now: Timestamp) -> Option<Trouble> {
        let age = self.age(now);
        if matches!(self.mail, Mail::Parked { .. }) {
            return Some(Trouble::Parked);
        }
        match self.progress {
            Progress::Finished => None,
            Progress::Unknown if age > WINDOW => Some(Trouble::Forgotten),
            Progress::Unknown => (age > OVERLOOKED_AFTER).then_some(Trouble::Overlooked),
            Progress::Processing | Progress::Analyzing | Progress::Mailing => {
                (age > STUCK_AFTER).then_some(Trouble::Stuck)
            }
        }
    }

    /// What it waits for; `None` when it is finished.
    #[must_use]
    pub fn waits_for(&self) -> Option<String> {
        let waits = match (self.progress, &self.mail) {
            (Progress::Finished, _) => return None,
            (Progress::Unknown, _) => "its announcement".to_owned(),
            (Progress::Mailing, Mail::Unsettled { since }) => {
                let since = since.map(|since| format!(" that began at {since}")).unwrap_or_default();
                format!("the mail service's word on a send{since}")
            }
            (Progress::Mailing, Mail::Sent { .. } | Mail::Refused { .. } | Mail::Parked { .. }) => {
                "the notifier, to write down that it is settled".to_owned()
            }
            (progress, _) => progress.stage().map(|stage| format!("the {stage}")).unwrap_or_default(),
        };
        Some(waits)
    }

    /// What somebody should do who is told of the trouble.
    #[must_use]
    pub fn advice(&self, trouble: Trouble) -> String {
        let key = quoted(&self.source.key);
        let stage = self.progress.stage().unwrap_or(Stage::Processor);
        match trouble {
            Trouble::Overlooked => format!(
                "the sweep announces it again at doubling ages; to do so now: gristmill replay {key}. If that \
                 changes nothing: gristmill redrive --stage {stage} --dry-run, and the {stage}'s log"
            ),
            Trouble::Forgotten => format!(
                "it is older than the sweep looks; gristmill replay {key} announces it, gristmill backfill all \
                 such files"
            ),
            Trouble::Stuck => format!(
                "see whether its message is a dead letter: gristmill redrive --stage {stage} --dry-run; the \
                 {stage}'s log says why; then gristmill replay {key} makes it go on"
            ),
            Trouble::Parked => format!(
                "nobody knows whether its mail is out: ask a recipient. If it is not: gristmill replay {key} \
                 --force, which makes a new run with a new mail"
            ),
        }
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=+:@,".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The newest runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recent {
    /// The newest first.
    pub looks: Vec<Look>,
    /// How many days of the ledger were looked at.
    pub days: u32,
    /// How many entries they have.
    pub entries: u64,
    /// How many of those are not settled.
    pub open: u64,
}

/// The queues of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StageQueues {
    /// The messages that the stage is fed with.
    pub queue: Depth,
    /// What it could not work off.
    pub dead_letters: Depth,
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum NoStatus {
    /// The pipeline takes no such key.
    #[error("{key}: the pipeline takes files below {INPUT_PREFIX} only")]
    OutsideInput {
        /// The key.
        key: String,
    },
    /// There is no such file.
    #[error("{key}: there is no such file")]
    NoSuchFile {
        /// The key.
        key: String,
    },
    /// No run's id begins so.
    #[error("{run}: there is no such run")]
    NoSuchRun {
        /// What was asked for.
        run: String,
    },
    /// More than one run's id begins so.
    #[error("{run}: {runs} runs begin so")]
    Ambiguous {
        /// What was asked for.
        run: String,
        /// How many there are.
        runs: usize,
    },
    /// A call failed.
    #[error(transparent)]
    Port(#[from] Fault),
}

impl<O: Inventory + Objects, A: Analyses, Q: Queues, C: Clock> Operator<O, A, Q, C> {
    /// All versions of a file, the newest first, each with its run and its forced replays.
    ///
    /// # Errors
    /// [`NoStatus`].
    pub async fn status_of_file(&self, bucket: &str, key: &str) -> Result<Vec<Look>, NoStatus> {
        if !key.starts_with(INPUT_PREFIX) {
            return Err(NoStatus::OutsideInput { key: key.to_owned() });
        }
        let mut looks = Vec::new();
        let mut from: Option<ListingPlace> = None;
        loop {
            let page = self.objects.versions(bucket, key, from.as_ref()).await?;
            // A key comes before all that begin with it.
            let is_past = page.versions.iter().any(|version| version.source.key != key);
            for version in page.versions.into_iter().filter(|version| version.source.key == key) {
                looks.extend(self.looks_of(bucket, version).await?);
            }
            from = page.next;
            if is_past || from.is_none() {
                break;
            }
        }
        if looks.is_empty() { Err(NoStatus::NoSuchFile { key: key.to_owned() }) } else { Ok(looks) }
    }

    /// A run, by its id or by how that begins.
    ///
    /// # Errors
    /// [`NoStatus`]. A run is found by its manifest; one that has none yet is found by its file only.
    pub async fn status_of_run(&self, bucket: &str, run: &str) -> Result<Look, NoStatus> {
        let keys = self.objects.list(bucket, manifest_key_begin(run).as_str()).await?;
        let [key] = keys.as_slice() else {
            let run = run.to_owned();
            return Err(if keys.is_empty() {
                NoStatus::NoSuchRun { run }
            } else {
                NoStatus::Ambiguous { run, runs: keys.len() }
            });
        };
        let missing = || NoStatus::NoSuchRun { run: run.to_owned() };
        let manifest = self.manifest_at(&Location::new(bucket, key)).await?.ok_or_else(missing)?;
        let stored: Option<Timestamp> = manifest.received_at.parse().ok();
        let place = Place::of_run(&manifest);
        let noted = match &place {
            Some(place) => ledger::look_up(&self.objects, bucket, place).await?,
            None => None,
        };
        let entry = match (place, noted) {
            (Some(place), Some(noted)) => (place.entry_key(), noted),
            // The manifest outlives its entry by the moments in which a lifecycle rule takes both away.
            _ => return Err(missing()),
        };
        let mut look = self.look(bucket, &entry.0, entry.1).await?;
        look.stored = stored;
        Ok(look)
    }

    /// The newest runs by the ledger, over so many of its days at most.
    ///
    /// # Errors
    /// Whatever the services refuse.
    pub async fn status_of_last(&self, bucket: &str, last: usize, days: u32) -> Result<Recent, Fault> {
        let mut recent = Recent::default();
        let mut newest: BinaryHeap<Reverse<(Timestamp, String)>> = BinaryHeap::new();
        let mut settled: u64 = 0;
        let mut day = ledger::day_of(self.clock.now());
        while recent.days < days && newest.len() < last {
            let prefix = ledger::prefix_of(day);
            let mut from: Option<ListingPlace> = None;
            loop {
                let page = self.objects.versions(bucket, &prefix, from.as_ref()).await?;
                for StoredVersion { source: SourceObject { key, .. }, last_modified, .. } in page.versions {
                    if key.ends_with(SETTLED) {
                        settled += 1;
                    } else if key.ends_with(ENTRY) {
                        recent.entries += 1;
                        newest.push(Reverse((last_modified, key)));
                        if newest.len() > last {
                            newest.pop();
                        }
                    }
                }
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
            recent.days += 1;
            let Ok(before) = day.yesterday() else { break };
            day = before;
        }
        recent.open = recent.entries.saturating_sub(settled);
        for Reverse((_, key)) in newest.into_sorted_vec() {
            // An entry that is gone has expired meanwhile.
            if let Some(noted) = ledger::read(&self.objects, &Location::new(bucket, key.as_str())).await? {
                recent.looks.push(self.look(bucket, &key, noted).await?);
            }
        }
        Ok(recent)
    }

    /// How deep the queues of each stage are.
    ///
    /// # Errors
    /// Whatever the service refuses.
    pub async fn depths(&self, names: &Names) -> Result<Vec<(Stage, StageQueues)>, Fault> {
        let mut depths = Vec::new();
        for stage in Stage::ALL {
            let queue = self.queues.depth(&names.queue(stage)).await?;
            let dead_letters = self.queues.depth(&names.dead_letters(stage)).await?;
            depths.push((stage, StageQueues { queue, dead_letters }));
        }
        Ok(depths)
    }

    /// What the ledger has of one upload: its run, and each forced replay.
    async fn looks_of(&self, bucket: &str, version: StoredVersion) -> Result<Vec<Look>, Fault> {
        let StoredVersion { source, last_modified: stored, .. } = version;
        let place = Place::of(&source, stored, None);
        let mut looks = Vec::new();
        for key in self.objects.list(bucket, place.prefix()).await? {
            if !key.ends_with(ENTRY) {
                continue;
            }
            if let Some(noted) = ledger::read(&self.objects, &Location::new(bucket, key.as_str())).await? {
                looks.push(Look { stored: Some(stored), ..self.look(bucket, &key, noted).await? });
            }
        }
        if looks.is_empty() {
            looks.push(Look {
                source,
                stored: Some(stored),
                run_id: None,
                is_replay: false,
                is_duplicate: false,
                progress: Progress::Unknown,
                since: stored,
                outcome: None,
                narrator: None,
                mail: Mail::None,
            });
        }
        looks.sort_by_key(|look| Reverse(look.since));
        Ok(looks)
    }

    /// How far the run of an entry is.
    async fn look(&self, bucket: &str, entry_key: &str, noted: Noted) -> Result<Look, Fault> {
        let Noted { entry, since } = noted;
        let stem = entry_key.strip_suffix(ENTRY).unwrap_or(entry_key);
        let settled = Location::new(bucket, format!("{stem}{SETTLED}"));
        let is_settled = self.objects.fetch(&settled, None).await? != Fetched::Absent;
        let manifest = self.manifest_at(&Location::new(bucket, manifest_key(&entry.run_id))).await?;
        let mut look = Look {
            is_duplicate: manifest.as_ref().is_some_and(|manifest| manifest.source != entry.source),
            source: entry.source,
            stored: None,
            run_id: Some(entry.run_id.clone()),
            is_replay: stem.rsplit('/').next().is_some_and(|name| name.contains('.')),
            progress: if is_settled { Progress::Finished } else { Progress::Processing },
            since,
            outcome: None,
            narrator: None,
            mail: Mail::None,
        };
        let Some(manifest) = manifest else { return Ok(look) };
        let mut progress = Progress::Mailing;
        if manifest.status == Status::Completed {
            let analysis = self.analyses.task(&entry.run_id, Task::Analyze).await?;
            if analysis.is_some_and(|item| item.state == TaskState::Done) {
                let record = self.analyses.load(&entry.run_id).await?;
                look.narrator = record.map(|record| record.narrator);
            } else {
                progress = Progress::Analyzing;
            }
        }
        look.mail = Mail::of(self.analyses.task(&entry.run_id, Task::Notify).await?.as_ref());
        if !is_settled {
            look.progress = progress;
        }
        let Manifest { status, code, dataset, rows, .. } = manifest;
        look.outcome = Some(Outcome { status, code: code.map(|code| code.to_string()), dataset, rows });
        Ok(look)
    }

    async fn manifest_at(&self, at: &Location) -> Result<Option<Manifest>, Fault> {
        let Fetched::Found(found) = self.objects.fetch(at, None).await? else { return Ok(None) };
        serde_json::from_slice(&found.bytes).map(Some).map_err(|error| {
            let cause = format!("{}: {error}", at.key);
            Fault::new("GetObject", FaultKind::Invalid, "UnreadableManifest").caused_by(cause)
        })
    }
}

/// How the key of the manifest begins of a run whose id begins so.
fn manifest_key_begin(run: &str) -> String {
    format!("manifests/{run}")
}
