//! A world as it was observed from outside, read into a [`World`], so that the same invariants judge it.
//!
//! What the local cloud's bucket, table, queues and mail service hold after real functions were at work on them. An observation is a folder with `observed.json` ([`Observation`]), and the bytes of objects and uploads in files beside it.
//! What cannot be seen in the end is taken from the calls that were seen on their way:
//!
//! | of the world | is read from |
//! | --- | --- |
//! | `bucket`: every version with its bytes, its tag and its time | the bucket; the checksum is computed from the bytes |
//! | `table.tasks`, `table.records`, `table.heard`, `table.marks` | the items of the table |
//! | `table.stores`: how often an analysis was stored | each `UpdateItem` that made an analysis `FINISHED` and was carried out |
//! | `table.sends`: when a send was begun, and when SES's word on it came | each `UpdateItem` that began a send and was carried out; each that settles one and was answered, told apart by SES's id of the mail |
//! | `table.double_grants` | each claim that was carried out, in the order of their effects, held against the claim before |
//! | `announced`: as which runs an upload was announced | each entry of a `PutEvents` that the bus took |
//! | `ses`: the mails | the mail service |
//! | `lanes`: messages, dead letters, invocations at work | the queues and the functions |
//! | `uploads` | whoever dropped them |
//!
//! The calls are also replayed as far as the tasks go: each task must end in the state, with the owner and the fence, that
//! the table shows. An observation that contradicts itself is no ground for a judgement.

mod calls;
mod items;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::checksum::Checksum;
use shared::identity::{ETag, RunId};
use shared::ports::SourceObject;

use crate::faults::Plan;
use crate::functions::Stages;
use crate::mechanisms::Mechanisms;
use crate::run::Options;
use crate::services::bus::Stage;
use crate::services::queue::Dead;
use crate::services::s3::Version;
use crate::services::ses::Accepted;
use crate::workload::{Kind, Upload};
use crate::world::{World, timestamp};

/// The name of the file in the folder of an observation.
pub const FILE: &str = "observed.json";

/// What was observed. Times are seconds since 1970; files are named relative to the folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Observation {
    /// When.
    pub at: f64,
    /// The bucket.
    pub bucket: String,
    /// Who gets the mails that no contract routes.
    pub default_recipients: Vec<String>,
    /// Every version of every object, for each key oldest first.
    pub objects: Vec<Object>,
    /// Every item of the table, as DynamoDB writes it.
    pub items: Vec<serde_json::Map<String, Value>>,
    /// Every mail that the mail service took.
    pub mails: Vec<Mail>,
    /// The queues of the stages: `processor`, `analyzer`, `notifier`.
    pub queues: BTreeMap<String, Queue>,
    /// Every file that was dropped into `input/`.
    pub uploads: Vec<Dropped>,
    /// Each `UpdateItem` and `PutEvents` that a service answered, in the order of their effects.
    pub calls: Vec<Call>,
}

/// A version of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Object {
    /// The key.
    pub key: String,
    /// The version.
    pub version_id: String,
    /// Its tag.
    pub etag: String,
    /// When it was stored.
    pub modified: f64,
    /// Where its bytes are.
    pub file: String,
}

/// A mail that the mail service took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mail {
    /// The run, from the mail's tags.
    pub run_id: String,
    /// The attempt, from the mail's tags.
    pub send_id: String,
    /// The mail service's id.
    pub message_id: String,
    /// When.
    pub at: f64,
}

/// The queue of a stage, with its function.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Queue {
    /// How many messages it has, hidden ones included.
    pub messages: u32,
    /// How many invocations of its function are at work.
    pub at_work: u32,
    /// The bodies of its dead letters.
    pub dead: Vec<String>,
}

/// A file that was dropped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dropped {
    /// The key.
    pub key: String,
    /// The version that S3 made of it.
    pub version_id: String,
    /// Its tag.
    pub etag: String,
    /// When S3 says that it was stored.
    pub stored: f64,
    /// Where its bytes are.
    pub file: String,
    /// What it is like.
    pub kind: Kind,
    /// Whether it was deleted for good.
    pub deleted: bool,
}

/// A call of DynamoDB or `EventBridge` that was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// When it was answered.
    pub at: f64,
    /// The status of the answer.
    pub status: u16,
    /// The body of the request.
    pub asked: Value,
    /// The body of the answer.
    pub answered: Value,
}

/// An observation that cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the observation cannot be judged: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

impl Observation {
    /// Reads the observation in a folder, and the world that was observed.
    ///
    /// # Errors
    /// When there is none, or it has another form, or its parts contradict each other.
    pub fn read(folder: &Path) -> Result<(Self, World), Unreadable> {
        let path = folder.join(FILE);
        let told = |error: &dyn fmt::Display| Unreadable(format!("{}: {error}", path.display()));
        let bytes = std::fs::read(&path).map_err(|error| told(&error))?;
        let observation: Self = serde_json::from_slice(&bytes).map_err(|error| told(&error))?;
        let world = observation.world(|name| std::fs::read(folder.join(name)))?;
        Ok((observation, world))
    }

    /// What the rules are told of the functions.
    #[must_use]
    pub fn options(&self) -> Options {
        let mut stages = Stages::deployed();
        stages.notifier.default_recipients.clone_from(&self.default_recipients);
        Options {
            seed: 0,
            files: self.uploads.len(),
            plan: Plan::none(),
            mechanisms: Mechanisms::default(),
            stages,
            withdrawals: false,
            record: false,
        }
    }

    /// The world that was observed. `read` gives the bytes of a file.
    ///
    /// # Errors
    /// When a part of it cannot be read, or the parts contradict each other.
    pub fn world(&self, read: impl FnMut(&str) -> std::io::Result<Vec<u8>>) -> Result<World, Unreadable> {
        let mut world = World::new(0, Plan::none(), Mechanisms::default());
        world.now = micros(self.at);
        let mut files = Files { read, known: HashMap::new() };
        for object in &self.objects {
            let version = object.version(files.bytes(&object.file)?);
            world.bucket.keep(&object.key, version);
        }
        for dropped in &self.uploads {
            let upload = dropped.upload(&self.bucket, files.bytes(&dropped.file)?);
            world.uploads.push(upload);
        }
        for mail in &self.mails {
            let run_id = run_id(&mail.run_id)?;
            let (send_id, message_id) = (mail.send_id.clone(), mail.message_id.clone());
            world.ses.keep(run_id, Accepted { send_id, message_id, at: time(mail.at) });
        }
        for item in &self.items {
            items::keep(&mut world.table, item)?;
        }
        for stage in Stage::ALL {
            let queue = self.queues.get(name(stage));
            let queue = queue.ok_or_else(|| Unreadable(format!("there is no queue {}", name(stage))))?;
            let lane = world.lane_mut(stage);
            lane.active = queue.at_work;
            for number in 0..queue.messages {
                lane.queue.send(format!("message {number}").into());
            }
            for body in &queue.dead {
                lane.queue.bury(Dead { body: body.as_str().into(), reason: String::new() });
            }
        }
        calls::replay(&mut world, &self.calls, &self.mails)?;
        Ok(world)
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Process => "processor",
        Stage::Analyze => "analyzer",
        Stage::Notify => "notifier",
    }
}

/// The bytes of objects and uploads, each file read once.
struct Files<F> {
    read: F,
    known: HashMap<String, Arc<[u8]>>,
}

impl<F: FnMut(&str) -> std::io::Result<Vec<u8>>> Files<F> {
    fn bytes(&mut self, name: &str) -> Result<Arc<[u8]>, Unreadable> {
        if let Some(bytes) = self.known.get(name) {
            return Ok(Arc::clone(bytes));
        }
        let bytes = (self.read)(name).map_err(|error| Unreadable(format!("{name}: {error}")))?;
        let bytes: Arc<[u8]> = bytes.into();
        self.known.insert(name.to_owned(), Arc::clone(&bytes));
        Ok(bytes)
    }
}

impl Object {
    fn version(&self, bytes: Arc<[u8]>) -> Version {
        let checksum = Checksum::of(&bytes);
        let number = number_of(&self.version_id);
        Version { number, bytes, etag: ETag::parse(&self.etag), checksum, modified: time(self.modified) }
    }
}

impl Dropped {
    fn upload(&self, bucket: &str, bytes: Arc<[u8]>) -> Upload {
        let source = SourceObject {
            bucket: bucket.to_owned(),
            key: self.key.clone(),
            etag: ETag::parse(&self.etag),
            version_id: Some(self.version_id.clone()),
            size: bytes.len() as u64,
        };
        Upload { source, stored: time(self.stored), bytes, kind: self.kind, deleted: self.deleted }
    }
}

/// A number for a version, the same whenever it is observed.
fn number_of(version_id: &str) -> u64 {
    let prime = 0x0000_0100_0000_01b3;
    version_id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(prime))
}

fn run_id(text: &str) -> Result<RunId, Unreadable> {
    RunId::try_from(text.to_owned()).map_err(|_| Unreadable(format!("{text:?} is the id of no run")))
}

fn micros(seconds: f64) -> i64 {
    // As far as microseconds go, a time of this century fits into both.
    (seconds * 1e6).round() as i64
}

fn time(seconds: f64) -> Timestamp {
    timestamp(micros(seconds))
}
