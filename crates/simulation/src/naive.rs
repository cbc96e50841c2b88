//! The usual pipeline of this kind, for contrast: the same services, the same files, the same faults.
//!
//! The bus calls the functions directly; Lambda tries an event twice more and then drops it. Each function catches every
//! error and answers success. Outputs have the time in their names, an `ETag` is looked up and later written without a
//! condition, analyses have random ids, the latest bytes of a key are read, refused entries are not looked at, and
//! the mail is sent with the SDK's retries.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};
use shared::checksum::Checksum;
use shared::identity::{ContractDigest, RunId};
use shared::ports::{Clock as _, Fault, Mail};

use crate::executor::Executor;
use crate::faults::Operation;
use crate::functions::Finished;
use crate::ports::Ports;
use crate::report::Figures;
use crate::run::Options;
use crate::services::bus::{Stage, Trigger, envelope, parse};
use crate::services::s3::Write;
use crate::workload::{self, Kind, Upload};
use crate::world::{BEGINNING, BUCKET, Ending, MINUTE, SECOND, World, lock};

/// The clocks of two invocations differ by this at most, in microseconds.
const SKEW: i64 = 2 * SECOND;

/// What the naive stages store, and what is counted of it. An upload is told by its version here, which the stages
/// themselves never look at.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// The table that is asked whether a file was processed.
    etags: HashSet<String>,
    /// The analyses.
    analyses: BTreeMap<String, u64>,
    /// The mails.
    mails: BTreeMap<String, u64>,
    /// The outputs, with the number of their records and whether the other half is wanted.
    outputs: BTreeMap<String, Vec<Outputs>>,
}

/// What one invocation wrote.
#[derive(Debug, Clone, Copy, Default)]
struct Outputs {
    wanted: [u64; 2],
    written: [bool; 2],
}

impl Outputs {
    /// How many records were written.
    fn records(&self) -> u64 {
        let halves = self.wanted.iter().zip(self.written);
        halves.map(|(wanted, written)| if written { *wanted } else { 0 }).sum()
    }

    /// Whether one half was written, and the other half, which is wanted too, was not.
    fn is_partial(&self) -> bool {
        let any = self.written.iter().any(|written| *written);
        any && self.wanted.iter().zip(self.written).any(|(wanted, written)| *wanted > 0 && !written)
    }
}

/// An invocation of a naive stage: whatever happens, it says that all is well.
pub(crate) async fn invoke(ports: Ports, stage: Stage, body: Arc<str>) -> Finished {
    let _swallowed = match stage {
        Stage::Process => process(&ports, &body).await,
        Stage::Analyze => analyze(&ports, &body).await,
        Stage::Notify => notify(&ports, &body).await,
    };
    Finished { ending: Ending::Done, cache: None }
}

async fn process(ports: &Ports, body: &str) -> Result<(), Fault> {
    let Ok(Trigger::Arrival(source)) = parse(body) else { return Ok(()) };
    let version = source.version_id.clone().unwrap_or_default();
    let etag = source.etag.as_str().to_owned();
    let (asked, key) = (etag.clone(), source.key.clone());
    if ports.call(Operation::GetItem, move |world| Ok(world.naive.etags.contains(&asked))).await? {
        return Ok(());
    }
    let found = ports.call(Operation::GetObject, move |world| world.bucket.get(&key, None, None)).await?;
    let text = String::from_utf8_lossy(&found.bytes).into_owned();
    let header = text.lines().next().unwrap_or_default();
    let (good, bad): (Vec<&str>, Vec<&str>) = text.lines().skip(1).partition(|line| is_good(line));
    let stamp = ports.now().as_millisecond();
    let name = format!("{}-{stamp}", shared::keys::stem(shared::keys::file_name(&source.key)));
    let wanted = [good.len() as u64, bad.len() as u64];
    let number = {
        let mut world = lock(&ports.shared);
        let all = world.naive.outputs.entry(version.clone()).or_default();
        all.push(Outputs { wanted, written: [false; 2] });
        all.len() - 1
    };
    for (half, folder, records) in [(0, "processed", &good), (1, "rejected", &bad)] {
        if records.is_empty() {
            continue;
        }
        let bytes: Arc<[u8]> = format!("{header}\n{}\n", records.join("\n")).into_bytes().into();
        let checksum = Checksum::of(&bytes);
        let key: Arc<str> = format!("{folder}/{name}.csv").into();
        let (write, version) = (Write { key, bytes, checksum, if_none_match: false }, version.clone());
        let put = move |world: &mut World| {
            let now = world.time();
            world.bucket.put(&write, now)?;
            let all = world.naive.outputs.get_mut(&version).and_then(|all| all.get_mut(number));
            if let Some(written) = all.and_then(|outputs| outputs.written.get_mut(half)) {
                *written = true;
            }
            Ok(())
        };
        ports.call(Operation::PutObject, put).await?;
    }
    let marked = move |world: &mut World| {
        world.naive.etags.insert(etag);
        Ok(())
    };
    ports.call(Operation::PutItem, marked).await?;
    publish(ports, Stage::Analyze, &version).await
}

/// A record of three cells of which the second is a number.
fn is_good(line: &str) -> bool {
    let cells: Vec<&str> = line.split(',').collect();
    cells.len() == 3 && cells.get(1).is_some_and(|cell| cell.parse::<f64>().is_ok())
}

async fn analyze(ports: &Ports, body: &str) -> Result<(), Fault> {
    let version = version_in(body);
    let of = version.clone();
    let store = move |world: &mut World| {
        *world.naive.analyses.entry(of).or_default() += 1;
        Ok(())
    };
    ports.call(Operation::GetObject, |_| Ok(())).await?;
    // Each analysis has an id of its own, so a repeated request is another item.
    ports.call(Operation::PutItem, store).await?;
    publish(ports, Stage::Notify, &version).await
}

async fn notify(ports: &Ports, body: &str) -> Result<(), Fault> {
    let version = version_in(body);
    ports.call(Operation::GetItem, |_| Ok(())).await?;
    let etag = shared::identity::ETag::parse(&version);
    let mail = Mail {
        run_id: RunId::of(BUCKET, "naive", &etag, &ContractDigest::of(b""), None),
        send_id: String::new(),
        from: String::new(),
        to: Vec::new(),
        subject: String::new(),
        text: String::new(),
        html: String::new(),
    };
    let send = move |world: &mut World| {
        *world.naive.mails.entry(version).or_default() += 1;
        Ok(world.accept(&mail))
    };
    ports.call(Operation::SendEmail, send).await?;
    ports.call(Operation::PutItem, |_| Ok(())).await
}

async fn publish(ports: &Ports, stage: Stage, version: &str) -> Result<(), Fault> {
    let body: Arc<str> = envelope("naive", "next", &json!({"version": version}).to_string()).into();
    let put = move |world: &mut World| {
        world.route(stage, &body);
        Ok(())
    };
    match ports.call(Operation::PutEvents, put).await {
        // An answer of 200 is an answer of 200.
        Err(fault) if fault.code == crate::faults::FaultKind::RefusedEntry.name() => Ok(()),
        answer => answer,
    }
}

fn version_in(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let version = body.get("detail").and_then(|detail| detail.get("version"));
    version.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Runs the naive stages over the same files, with the same faults.
#[must_use]
pub fn run(options: &Options) -> Figures {
    let mut world = World::new(options.seed, options.plan.clone(), options.mechanisms.clone());
    world.direct = true;
    world.skew = SKEW;
    workload::furnish(&mut world);
    let length = workload::plan(&mut world, options.seed, options.files, options.withdrawals);
    let mut executor = Executor::new(world, options.stages.clone());
    executor.run_until(BEGINNING + length + 24 * 60 * MINUTE);
    let world = lock(&executor.shared);
    let mut figures = Figures::of(&world, &[]);
    figures.virtual_seconds = (world.now - BEGINNING) / SECOND;
    count(&world, &mut figures);
    figures
}

/// Counts what went wrong, over the files that any pipeline should get through: not broken, and not deleted. The same
/// bytes under the same key are one file, however often they are dropped.
fn count(world: &World, figures: &mut Figures) {
    let mut files: BTreeMap<(&str, &str), Vec<&Upload>> = BTreeMap::new();
    for upload in &world.uploads {
        files.entry((&upload.source.key, upload.source.etag.as_str())).or_default().push(upload);
    }
    figures.runs = 0;
    for uploads in files.values() {
        let broken = |upload: &&Upload| matches!(upload.kind, Kind::Empty | Kind::Refused);
        if uploads.iter().any(|upload| upload.deleted || broken(upload)) {
            continue;
        }
        figures.runs += 1;
        let versions = || uploads.iter().filter_map(|upload| upload.source.version_id.as_deref());
        let store = &world.naive;
        let outputs: Vec<&Outputs> =
            versions().filter_map(|version| store.outputs.get(version)).flatten().collect();
        let sum = |counts: &BTreeMap<String, u64>| -> u64 {
            versions().filter_map(|version| counts.get(version)).sum()
        };
        let written: u64 = outputs.iter().map(|outputs| outputs.records()).sum();
        let records = outputs.iter().map(|outputs| outputs.wanted.iter().sum()).max().unwrap_or(0);
        figures.duplicate_rows += written.saturating_sub(records);
        figures.partial += outputs.iter().filter(|outputs| outputs.is_partial()).count() as u64;
        figures.duplicate_analyses += sum(&store.analyses).saturating_sub(1);
        figures.lost += u64::from(sum(&store.mails) == 0);
    }
}
