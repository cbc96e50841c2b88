//! What must hold at the end of every run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use shared::claims::TaskState;
use shared::identity::RunId;
use shared::keys::manifest_key;
use shared::ledger::{Entry, LEDGER_PREFIX, Place};
use shared::manifest::{Manifest, Output, Status};
use shared::ports::Task;

use crate::run::Options;
use crate::services::bus::{self, Stage, Trigger};
use crate::services::ses::Accepted;
use crate::workload::{Kind, Upload};
use crate::world::{World, timestamp};

/// A rule that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// I1: a record is missing from the outputs of its run.
    MissingRows,
    /// I1: a record is in the outputs more than once.
    DuplicateRows,
    /// I1: the manifest counts something else than there is.
    WrongCounts,
    /// I2: an output that a manifest names is missing or another one.
    Partial,
    /// I2: an output is there that no manifest names, beside the manifest of its run.
    Unnamed,
    /// I3: an object was written more than once.
    Versions,
    /// I4: a run has no analysis, or it was stored more than once.
    Analyses,
    /// I5: a run has no mail, although it should have one.
    NoMail,
    /// I5: a run has more than one mail.
    DuplicateMail,
    /// I5: a run has a mail that it should not have.
    UnwantedMail,
    /// I5: the record does not say what became of the mail.
    Unmarked,
    /// I6: an upload ended nowhere.
    Lost,
    /// I6: an upload was announced as more than one run.
    TwoRuns,
    /// I6: an upload is not finished, although its dead letters were moved back.
    Unfinished,
    /// I7: a file is not what it should be: refused, held or split.
    Status,
    /// I8: a replay changed something.
    Replay,
    /// I9: a queue did not drain.
    Queue,
    /// A lone fault cost more than it may.
    Cost,
    /// I10: a task was granted while its owner could still be at work.
    DoubleGrant,
}

/// A broken rule, at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// What is wrong, and where.
    pub what: String,
    /// How much of it there is: records, mails, versions.
    pub count: u64,
}

impl Violation {
    fn new(rule: Rule, what: impl Into<String>) -> Self {
        Self { rule, what: what.into(), count: 1 }
    }

    pub(crate) fn absorbed(what: String) -> Self {
        Self::new(Rule::Cost, what)
    }

    fn counted(rule: Rule, what: impl Into<String>, count: u64) -> Self {
        Self { rule, what: what.into(), count }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} ({}): {}", self.rule, self.count, self.what)
    }
}

fn entry_of(world: &World, place: &Place) -> Option<Entry> {
    let stored = world.bucket.current(&place.entry_key())?;
    serde_json::from_slice(&stored.bytes).ok()
}

fn place_of(upload: &Upload) -> Place {
    Place::of(&upload.source, upload.stored, None)
}

fn manifest_of(world: &World, run_id: &RunId) -> Option<Manifest> {
    let stored = world.bucket.current(&manifest_key(run_id))?;
    serde_json::from_slice(&stored.bytes).ok()
}

/// The run that an upload is: the one that the ledger names, if it was made. Where that one was begun and never made, it
/// is the run of its bytes under its key: made of this upload, or of another one that repeated it.
fn run_of(world: &World, upload: &Upload) -> Option<RunId> {
    // Without an entry there is no manifest: it comes before.
    let named = entry_of(world, &place_of(upload))?.run_id;
    if world.bucket.current(&manifest_key(&named)).is_some() {
        return Some(named);
    }
    let manifests = world.bucket.below("manifests/");
    let mut runs: Vec<(bool, RunId)> = manifests
        .filter_map(|(_, versions)| serde_json::from_slice::<Manifest>(&versions.last()?.bytes).ok())
        .filter(|manifest| manifest.source.key == upload.source.key)
        .filter(|manifest| manifest.source.etag == upload.source.etag)
        .map(|manifest| (manifest.source == upload.source, manifest.run_id))
        .collect();
    runs.sort_unstable();
    runs.pop().map(|(_, run)| run)
}

/// What is missing for an upload to be finished; nothing when it is.
fn unfinished(world: &World, upload: &Upload) -> Option<String> {
    let place = place_of(upload);
    let Some(run_id) = &run_of(world, upload) else {
        // One that was deleted before its run was made is nobody's.
        return (!upload.deleted).then(|| "it has no run".to_owned());
    };
    let Some(manifest) = manifest_of(world, run_id) else {
        return Some(format!("its run {run_id} has no manifest"));
    };
    if manifest.status == Status::Completed && world.table.record(run_id).is_none() {
        return Some(format!("its run {run_id} has no analysis"));
    }
    let mail = world.table.task(run_id, Task::Notify).map(|item| item.state);
    if !mail.is_some_and(TaskState::is_settled) {
        return Some(format!("the mail of its run {run_id} is not settled: {mail:?}"));
    }
    if world.bucket.current(&place.settled_key()).is_none() {
        return Some(format!("it is not settled in the ledger, but its run {run_id} is finished"));
    }
    None
}

/// Whether every upload is finished or gone.
#[must_use]
pub fn is_settled(world: &World) -> bool {
    world.uploads.iter().all(|upload| {
        let place = place_of(upload);
        world.bucket.current(&place.settled_key()).is_some()
            || (upload.deleted && run_of(world, upload).is_none())
    })
}

/// The uploads that are not finished, with what is missing.
#[must_use]
pub fn waiting(world: &World) -> Vec<String> {
    let told =
        |upload: &Upload| unfinished(world, upload).map(|missing| format!("{}: {missing}", told(upload)));
    world.uploads.iter().filter_map(told).collect()
}

/// What must hold before the dead letters are moved back: nothing is lost out of sight.
#[must_use]
pub fn before_redrive(world: &World) -> Vec<Violation> {
    let (mut versions, mut runs) = (BTreeSet::new(), BTreeSet::new());
    for stage in Stage::ALL {
        for letter in world.lane(stage).queue.dead() {
            match bus::parse(&letter.body) {
                Ok(Trigger::Arrival(source)) => versions.extend(source.version_id),
                Ok(Trigger::Pipeline(event)) => {
                    runs.extend(event.run_id().cloned());
                    if let shared::events::PipelineEvent::FileOverlooked(event) = event {
                        versions.extend(event.source.version_id);
                    }
                }
                Ok(Trigger::Feedback(_)) | Err(_) => {}
            }
        }
    }
    let mut violations = Vec::new();
    for upload in &world.uploads {
        let Some(missing) = unfinished(world, upload) else { continue };
        let run = run_of(world, upload);
        let visible = upload.source.version_id.as_ref().is_some_and(|version| versions.contains(version))
            || run.as_ref().is_some_and(|run| runs.contains(run));
        if !visible {
            violations.push(Violation::new(Rule::Lost, format!("{}: {missing}", told(upload))));
        }
    }
    violations
}

/// What must hold when everything has been given its chance.
#[must_use]
pub fn after_redrive(world: &World, options: &Options) -> Vec<Violation> {
    let mut violations = drained(world);
    for upload in &world.uploads {
        if let Some(missing) = unfinished(world, upload) {
            violations.push(Violation::new(Rule::Unfinished, format!("{}: {missing}", told(upload))));
        }
        let version = upload.source.version_id.as_deref().unwrap_or_default();
        let runs = world.announced.get(version).map_or(0, BTreeSet::len);
        if runs > 1 {
            let what = format!("{} was announced as {runs} runs", told(upload));
            let records = String::from_utf8_lossy(&upload.bytes).lines().skip(1).count() as u64;
            violations.push(Violation::counted(Rule::TwoRuns, what, (runs as u64 - 1) * records));
        }
    }
    for (run, task) in &world.table.double_grants {
        let what = format!("the task {task:?} of run {run} was granted twice at the same time");
        violations.push(Violation::new(Rule::DoubleGrant, what));
    }
    let named = runs(world, options, &mut violations);
    outputs(world, &named, &mut violations);
    violations
}

/// Every run, one by one; with the outputs that they name.
fn runs(world: &World, options: &Options, violations: &mut Vec<Violation>) -> BTreeSet<String> {
    let uploads: HashMap<&str, &Upload> = world
        .uploads
        .iter()
        .filter_map(|upload| Some((upload.source.version_id.as_deref()?, upload)))
        .collect();
    let announced: BTreeSet<&RunId> = world.announced.values().flatten().collect();
    let mut named = BTreeSet::new();
    for (key, versions) in world.bucket.below("manifests/") {
        let Some(stored) = versions.last() else { continue };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&stored.bytes) else {
            violations.push(Violation::new(Rule::Partial, format!("{key} cannot be read")));
            continue;
        };
        let version = manifest.source.version_id.as_deref().unwrap_or_default();
        let Some(upload) = uploads.get(version) else { continue };
        let found = [&manifest.outputs.processed, &manifest.outputs.rejected, &manifest.outputs.errors];
        for output in found.into_iter().flatten() {
            named.insert(output.key.clone());
            check_output(world, &manifest, output, violations);
        }
        check_rows(world, &manifest, upload, violations);
        // A second delivery under another contract may leave a manifest that nobody is told of.
        if announced.contains(&manifest.run_id) {
            check_run(world, &manifest, upload, options, violations);
        }
    }
    named
}

fn check_output(world: &World, manifest: &Manifest, output: &Output, violations: &mut Vec<Violation>) {
    let what = match world.bucket.current(&output.key) {
        None => "is missing",
        Some(stored) if stored.bytes.len() as u64 != output.bytes || stored.checksum != output.checksum => {
            "is another one"
        }
        Some(_) => return,
    };
    let what = format!("{} of run {} {what}", output.key, manifest.run_id);
    violations.push(Violation::new(Rule::Partial, what));
}

/// Every record of the file, verbatim, once.
fn check_rows(world: &World, manifest: &Manifest, upload: &Upload, violations: &mut Vec<Violation>) {
    let run = &manifest.run_id;
    if manifest.status == Status::Rejected {
        if manifest.outputs.processed.is_some() || manifest.outputs.rejected.is_some() {
            let what = format!("run {run} refuses the file and has outputs");
            violations.push(Violation::new(Rule::Status, what));
        }
        return;
    }
    let input = String::from_utf8_lossy(&upload.bytes);
    let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
    for record in input.lines().skip(1) {
        *expected.entry(record).or_default() += 1;
    }
    let total: i64 = expected.values().sum();
    let mut counts = [0_u64; 2];
    let outputs = [&manifest.outputs.processed, &manifest.outputs.rejected];
    for (count, output) in counts.iter_mut().zip(outputs) {
        let Some(stored) = output.as_ref().and_then(|output| world.bucket.current(&output.key)) else {
            continue;
        };
        let text = String::from_utf8_lossy(&stored.bytes);
        for line in text.lines().skip(1) {
            *count += 1;
            // What was added comes after the record.
            let record = records(line).find(|record| expected.contains_key(record));
            match record.and_then(|record| expected.get_mut(record)) {
                Some(left) => *left -= 1,
                None => {
                    let what = format!("run {run} has a record that the file has not: {line}");
                    violations.push(Violation::new(Rule::DuplicateRows, what));
                }
            }
        }
    }
    let missing: i64 = expected.values().filter(|left| **left > 0).sum();
    let twice: i64 = expected.values().filter(|left| **left < 0).sum();
    if missing > 0 {
        let what = format!("run {run} of {} lacks {missing} of {total} records", upload.source.key);
        violations.push(Violation::counted(Rule::MissingRows, what, missing.unsigned_abs()));
    }
    if twice < 0 {
        let what = format!("run {run} of {} has records more than once", upload.source.key);
        violations.push(Violation::counted(Rule::DuplicateRows, what, twice.unsigned_abs()));
    }
    let rows = manifest.rows;
    if [rows.valid, rows.rejected] != counts || i64::try_from(rows.total).ok() != Some(total) {
        let what = format!("run {run} counts {rows:?}; there are {total} records, split into {counts:?}");
        violations.push(Violation::new(Rule::WrongCounts, what));
    }
}

/// Every beginning of a line that ends before a comma, longest first.
fn records(line: &str) -> impl Iterator<Item = &str> {
    let commas = line.rmatch_indices(',').map(|(at, _)| at);
    commas.filter_map(|at| line.get(..at))
}

/// The analysis and the mail of a run, and what the file should have become.
fn check_run(
    world: &World,
    manifest: &Manifest,
    upload: &Upload,
    options: &Options,
    violations: &mut Vec<Violation>,
) {
    let run = &manifest.run_id;
    let wrong = match upload.kind {
        Kind::Clean => manifest.status != Status::Completed || manifest.rows.rejected > 0,
        Kind::SomeBad => manifest.status != Status::Completed || manifest.rows.rejected == 0,
        Kind::AllBad => manifest.status != Status::Completed || manifest.rows.valid > 0,
        Kind::Refused | Kind::Empty => manifest.status != Status::Rejected,
        Kind::Held => manifest.status != Status::Held,
        Kind::Any => false,
    };
    if wrong {
        let what = format!("run {run} of {}: {:?} became {:?}", told(upload), upload.kind, manifest.status);
        violations.push(Violation::new(Rule::Status, what));
    }
    let stores = world.table.stores.get(run).copied().unwrap_or_default();
    if stores != u32::from(manifest.status == Status::Completed) {
        let what = format!("run {run} ({}) was stored {stores} times", manifest.status.as_str());
        violations.push(Violation::new(Rule::Analyses, what));
    }
    check_mail(world, manifest, options, violations);
}

fn check_mail(world: &World, manifest: &Manifest, options: &Options, violations: &mut Vec<Violation>) {
    let run = &manifest.run_id;
    let Some(item) = world.table.task(run, Task::Notify) else { return };
    let mails = world.ses.of(run);
    let routed = ["orders", "readings", "bounces", "viruses"].contains(&manifest.dataset.as_str())
        && !manifest.contract.descriptor.is_null();
    let default = manifest.dataset != "refusals" && !options.stages.notifier.default_recipients.is_empty();
    let wanted = routed || default;
    match (mails.len(), wanted) {
        (0, true) if item.state != TaskState::Parked => {
            violations.push(Violation::new(Rule::NoMail, format!("run {run}: {:?}", item.state)));
        }
        (1.., false) => {
            let what = format!("run {run} of {} has mails: {mails:?}", manifest.dataset);
            violations.push(Violation::new(Rule::UnwantedMail, what));
        }
        (2.., true) if !nobody_knew(world, run, mails) => {
            let what = format!("run {run} has mails: {mails:?}");
            violations.push(Violation::counted(Rule::DuplicateMail, what, mails.len() as u64 - 1));
        }
        _ => {}
    }
    if let Some(record) = world.table.record(run) {
        let marked = (record.notification_sent, record.notification_timestamp.clone());
        if marked != item.notification() {
            let what = format!("run {run} is marked {marked:?}, and its mail is {:?}", item.state);
            violations.push(Violation::new(Rule::Unmarked, what));
        }
    }
}

/// Whether each second mail was sent because nobody could know of the one before: its outcome was not known (or the
/// state would have refused the next attempt) and the mail service's word on it had not come when the next attempt was
/// written down. This is the one window that the promise leaves open; such mails are counted.
fn nobody_knew(world: &World, run: &RunId, mails: &[Accepted]) -> bool {
    let send = |mail: &Accepted| world.table.sends.get(&(run.clone(), mail.send_id.clone())).copied();
    mails.windows(2).all(|pair| {
        let [before, after] = pair else { return false };
        let heard = send(before).and_then(|send| send.heard);
        let begun = send(after).and_then(|send| send.begun);
        match (heard, begun) {
            (_, None) => false,
            (None, Some(_)) => before.send_id != after.send_id,
            (Some(heard), Some(begun)) => before.send_id != after.send_id && heard > begun,
        }
    })
}

/// What lies in the bucket besides inputs and contracts: each written once, and each named.
fn outputs(world: &World, named: &BTreeSet<String>, violations: &mut Vec<Violation>) {
    for prefix in ["processed/", "rejected/", "manifests/", LEDGER_PREFIX] {
        for (key, versions) in world.bucket.below(prefix) {
            if versions.len() > 1 {
                let what = format!("{key} has {} versions", versions.len());
                violations.push(Violation::counted(Rule::Versions, what, versions.len() as u64 - 1));
            }
            let is_output = !matches!(prefix, "manifests/" | LEDGER_PREFIX);
            if is_output && !named.contains(key) && is_referenced(world, key) {
                violations.push(Violation::new(Rule::Unnamed, format!("{key} is named by no manifest")));
            }
        }
    }
}

/// Whether a manifest of the run that a key is called after stands beside it.
fn is_referenced(world: &World, key: &str) -> bool {
    let bare = key.trim_end_matches(".csv").trim_end_matches(".errors");
    let run12 = bare.rsplit('-').next().unwrap_or_default();
    world.bucket.below(&format!("manifests/{run12}")).next().is_some()
}

/// Every queue is empty.
#[must_use]
pub fn drained(world: &World) -> Vec<Violation> {
    let mut violations = Vec::new();
    for stage in Stage::ALL {
        let lane = world.lane(stage);
        if !lane.queue.is_empty() || lane.active > 0 {
            let what = format!("{stage:?} has {} messages and {} at work", lane.queue.len(), lane.active);
            violations.push(Violation::new(Rule::Queue, what));
        }
        for letter in lane.queue.dead() {
            let what = format!("{stage:?} has a dead letter: {} {:.300}", letter.reason, letter.body);
            violations.push(Violation::new(Rule::Queue, what));
        }
    }
    violations
}

fn told(upload: &Upload) -> String {
    let version = upload.source.version_id.as_deref().unwrap_or_default();
    format!("{} {version}", upload.source.key)
}

/// Everything that a replay must not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<String, u64>);

impl Snapshot {
    /// The world as it is.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let mut all = BTreeMap::new();
        for (key, versions) in world.bucket.below("") {
            let of = versions.iter().map(|v| (v.number, v.checksum.clone())).collect::<Vec<_>>();
            all.insert(format!("object {key}"), digest(&of));
        }
        for ((run, task), item) in &world.table.tasks {
            let item = serde_json::to_string(item).unwrap_or_default();
            all.insert(format!("item {run} {task:?}"), digest(&item));
        }
        for (run, record) in &world.table.records {
            let record = serde_json::to_string(&**record).unwrap_or_default();
            all.insert(format!("record {run}"), digest(&record));
        }
        for (run, heard) in &world.table.heard {
            all.insert(format!("heard {run}"), digest(heard));
        }
        for (run, mails) in world.ses.all() {
            all.insert(format!("mails of {run}"), digest(&mails.len()));
        }
        Self(all)
    }

    /// What is different afterwards.
    #[must_use]
    pub fn compare(&self, after: &Self) -> Vec<Violation> {
        let keys: BTreeSet<&String> = self.0.keys().chain(after.0.keys()).collect();
        keys.into_iter()
            .filter(|key| self.0.get(*key) != after.0.get(*key))
            .map(|key| Violation::new(Rule::Replay, format!("a replay changed {key}")))
            .collect()
    }
}

fn digest(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// A time in words.
#[must_use]
pub fn time(world: &World) -> String {
    timestamp(world.now).to_string()
}
