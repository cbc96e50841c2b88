//! What a stage needs from the world.
//!
//! A port is named for its role. Each has three sets of adapters: AWS (crate `aws`), local files (crate
//! `gristmill`) and memory ([`crate::memory`]). [`Queues`] and [`Inventory`], which a run over local files does not
//! need, have two. No SDK type appears in a signature.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::checksum::Checksum;
use crate::claims::TaskItem;
use crate::events::PipelineEvent;
use crate::identity::{ETag, RunId};
use crate::record::AnalysisRecord;

/// What went wrong at a port, told by the service's code and never by its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The service asks for fewer calls.
    Throttled,
    /// The service failed or could not be reached; the call may have had its effect.
    Unavailable,
    /// No answer in time; the call may have had its effect.
    TimedOut,
    /// Another writer is at the same object right now (S3's 409 `ConditionalRequestConflict`).
    Contended,
    /// What was asked for does not exist.
    NotFound,
    /// It exists, but is no longer what was announced (S3's 412 on `If-Match`).
    Changed,
    /// An output of this run exists with other bytes: the run is not deterministic. Never overwritten.
    Differs,
    /// Not allowed to.
    Denied,
    /// The request or the answer is not of the right form.
    Invalid,
    /// A bug or a broken environment: a disk that is full, an answer that makes no sense.
    Internal,
}

/// What a caller does about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It may pass: the delivery is tried again.
    Retry,
    /// It will not pass by itself: somebody has to act.
    Park,
}

/// A failed call at a port.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed: {code}")]
pub struct Fault {
    /// The call, as its service names it: `GetObject`, `PutEvents`, …
    pub operation: &'static str,
    /// What went wrong.
    pub kind: FaultKind,
    /// The service's own code, or a stable name of ours.
    pub code: String,
    /// The error underneath.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault without an error underneath.
    #[must_use]
    pub fn new(operation: &'static str, kind: FaultKind, code: impl Into<String>) -> Self {
        Self { operation, kind, code: code.into(), source: None }
    }

    /// The same fault, with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether another attempt can help.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        match self.kind {
            FaultKind::Throttled
            | FaultKind::Unavailable
            | FaultKind::TimedOut
            | FaultKind::Contended
            | FaultKind::Internal => Disposition::Retry,
            FaultKind::NotFound
            | FaultKind::Changed
            | FaultKind::Differs
            | FaultKind::Denied
            | FaultKind::Invalid => Disposition::Park,
        }
    }

    /// The stable name that alarms and dashboards key on.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self.kind {
            FaultKind::Throttled => "Port.Throttled",
            FaultKind::Unavailable => "Port.Unavailable",
            FaultKind::TimedOut => "Port.TimedOut",
            FaultKind::Contended => "Port.Contended",
            FaultKind::NotFound => "Port.NotFound",
            FaultKind::Changed => "Port.Changed",
            FaultKind::Differs => "Port.OutputDiffers",
            FaultKind::Denied => "Port.Denied",
            FaultKind::Invalid => "Port.Invalid",
            FaultKind::Internal => "Port.Internal",
        }
    }
}

/// A place in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
}

impl Location {
    /// A place in a bucket.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), key: key.into() }
    }
}

/// The exact object that a delivery announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceObject {
    /// The bucket it was dropped in.
    pub bucket: String,
    /// Its key, decoded.
    pub key: String,
    /// Its entity tag.
    pub etag: ETag,
    /// Its version, where the bucket keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

impl SourceObject {
    /// Where it lies.
    #[must_use]
    pub fn location(&self) -> Location {
        Location::new(&self.bucket, &self.key)
    }
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its entity tag.
    pub etag: ETag,
    /// Its size in bytes.
    pub size: u64,
    /// When it was stored.
    pub last_modified: Timestamp,
}

/// A small object, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmallObject {
    /// What is known of it.
    pub info: ObjectInfo,
    /// Its bytes, at most [`MAX_SMALL_OBJECT_BYTES`].
    pub bytes: Vec<u8>,
}

/// The largest object that is read whole (contracts and manifests), in bytes. A larger one is
/// [`FaultKind::Invalid`].
pub const MAX_SMALL_OBJECT_BYTES: u64 = 4 * 1024 * 1024;

/// The answer to a conditional read of a small object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// There is no such object.
    Absent,
    /// It still carries the tag that the caller knows.
    Unchanged,
    /// Here it is.
    Found(SmallObject),
}

/// The metadata of an output: lower-case names and printable ASCII values.
pub type Metadata = BTreeMap<String, String>;

/// The answer to a write-once upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// This upload created the object.
    Created,
    /// The object was there already, with the same checksum: an earlier attempt had got this far.
    AlreadyThere,
}

/// A bucket or what stands in for it.
pub trait Objects: Send + Sync {
    /// An object being read.
    type Body: Body;
    /// An object being written.
    type Upload: Upload;

    /// Opens exactly the announced object: its version where it has one, and only while its tag matches.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] when it is gone, [`FaultKind::Changed`] when it was replaced.
    fn open(
        &self,
        source: &SourceObject,
    ) -> impl Future<Output = Result<(ObjectInfo, Self::Body), Fault>> + Send;

    /// Opens an output of a run, reached through its manifest. Outputs are written once, so no pin is needed;
    /// the reader compares what it gets with the size and the checksum in the manifest.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] when it is not there.
    fn open_output(
        &self,
        at: &Location,
    ) -> impl Future<Output = Result<(ObjectInfo, Self::Body), Fault>> + Send;

    /// Reads a small object whole, unless it still carries the tag in `known`.
    ///
    /// # Errors
    /// [`FaultKind::Invalid`] above [`MAX_SMALL_OBJECT_BYTES`]; a missing object is no error.
    fn fetch(
        &self,
        at: &Location,
        known: Option<&ETag>,
    ) -> impl Future<Output = Result<Fetched, Fault>> + Send;

    /// The keys below a prefix, in order.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn list(&self, bucket: &str, prefix: &str) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// Starts writing an object that must not exist yet. Nothing is visible before [`Upload::finish`].
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn create(
        &self,
        at: &Location,
        metadata: Metadata,
    ) -> impl Future<Output = Result<Self::Upload, Fault>> + Send;
}

/// Writes a small object whole, once.
///
/// # Errors
/// Whatever the service refuses; [`FaultKind::Differs`] when the key holds other bytes.
pub async fn put<O: Objects>(
    objects: &O,
    at: &Location,
    metadata: Metadata,
    bytes: &[u8],
) -> Result<Written, Fault> {
    let mut upload = objects.create(at, metadata).await?;
    if let Err(fault) = upload.write(bytes).await {
        let _ = upload.abort().await;
        return Err(fault);
    }
    upload.finish(&Checksum::of(bytes), Metadata::new()).await
}

/// A version of an object, as a listing tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// The exact object.
    pub source: SourceObject,
    /// When it was stored.
    pub last_modified: Timestamp,
    /// Whether it is what a reader of the key gets. No version of a deleted object is: a delete marker lies on top.
    pub is_latest: bool,
}

/// Where a listing goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingPlace {
    /// The last key that was listed.
    pub key: String,
    /// The last version of it, where the service names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

/// A part of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionPage {
    /// The versions, without delete markers.
    pub versions: Vec<StoredVersion>,
    /// Where the next part begins; `None` at the end.
    pub next: Option<ListingPlace>,
}

/// What lies in a bucket, version by version.
pub trait Inventory: Send + Sync {
    /// The versions below a prefix from a place on, at most a thousand.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn versions(
        &self,
        bucket: &str,
        prefix: &str,
        from: Option<&ListingPlace>,
    ) -> impl Future<Output = Result<VersionPage, Fault>> + Send;
}

/// An object being read, from front to back.
pub trait Body: Send {
    /// Reads the next bytes into `into` and says how many; 0 is the end.
    ///
    /// # Errors
    /// A broken connection that could not be resumed.
    fn read(&mut self, into: &mut [u8]) -> impl Future<Output = Result<usize, Fault>> + Send;
}

/// An object being written. It comes into being at [`finish`](Upload::finish), whole or not at all.
pub trait Upload: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Makes the object exist, if no object stands at its key.
    ///
    /// `late` is metadata that was not known at the start. S3 takes it only for objects below one part; the
    /// manifest holds it for all.
    ///
    /// # Errors
    /// [`FaultKind::Differs`] when the key holds other bytes.
    fn finish(
        self,
        checksum: &Checksum,
        late: Metadata,
    ) -> impl Future<Output = Result<Written, Fault>> + Send;

    /// Gives up and removes what was written so far.
    ///
    /// # Errors
    /// Whatever the service refuses. What is left then expires by the bucket's lifecycle rule.
    fn abort(self) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The pipeline's event bus.
pub trait Events: Send + Sync {
    /// Publishes an event; `Ok` means that the bus has it.
    ///
    /// # Errors
    /// Also when the bus answered but refused the entry (`FailedEntryCount`).
    fn publish(&self, event: &PipelineEvent) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The two pieces of work that are claimed before money or mail is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// Computing facts and asking the model.
    Analyze,
    /// Sending the mail.
    Notify,
}

/// A wish to do a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The run.
    pub run_id: RunId,
    /// The task.
    pub task: Task,
    /// Who asks: one invocation. A repeated request of the same owner is granted again.
    pub owner: String,
    /// The time of asking.
    pub now: Timestamp,
    /// Until when the claim holds.
    pub lease_until: Timestamp,
    /// A send that began before this and was never settled may be taken over; without it, none ever.
    pub resend_before: Option<Timestamp>,
}

/// A granted claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The run.
    pub run_id: RunId,
    /// The task.
    pub task: Task,
    /// The owner.
    pub owner: String,
    /// The number of this grant; a later grant of the same task has a higher one.
    pub fence: u64,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The task is the asker's.
    Granted(Lease),
    /// The task was done before: publish again, acknowledge.
    Finished,
    /// Somebody else is at it until then at the latest; come back.
    Busy {
        /// When it is worth asking again.
        until: Timestamp,
    },
    /// A send has begun, and nobody knows yet how it ended.
    Unsettled {
        /// The attempt.
        send_id: String,
        /// When it began.
        since: Timestamp,
    },
}

/// The answer to a write under a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// It is stored.
    Stored,
    /// The lease was lost to a later owner; nothing was stored.
    Lost,
}

/// How a send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The mail service took it.
    Sent {
        /// The mail service's id.
        message_id: String,
        /// When.
        at: Timestamp,
    },
    /// It certainly did not go out and may be tried again.
    NotSent,
    /// The mail service will not take it.
    Refused {
        /// The mail service's code.
        code: String,
        /// When.
        at: Timestamp,
    },
}

/// What the mail service reports of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackKind {
    /// It took the mail and will try to deliver it.
    Sent,
    /// The recipient's server took it.
    Delivered,
    /// The recipient's server does not take it for now.
    Delayed,
    /// The recipient's server refused it for good.
    Bounced,
    /// The recipient called it spam.
    Complained,
    /// The mail service threw it away: it found a virus.
    Rejected,
    /// The mail service could not make a mail of it.
    RenderingFailed,
}

impl FeedbackKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Sent,
        Self::Delivered,
        Self::Delayed,
        Self::Bounced,
        Self::Complained,
        Self::Rejected,
        Self::RenderingFailed,
    ];

    /// Whether the mail went out at all.
    #[must_use]
    pub fn is_out(self) -> bool {
        match self {
            Self::Sent | Self::Delivered | Self::Delayed | Self::Bounced | Self::Complained => true,
            Self::Rejected | Self::RenderingFailed => false,
        }
    }

    /// The kind as one word, for logs and attributes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Delayed => "delayed",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Rejected => "rejected",
            Self::RenderingFailed => "rendering_failed",
        }
    }
}

/// The mail service's own word on a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFeedback {
    /// The run that the mail reports on.
    pub run_id: RunId,
    /// The attempt at sending.
    pub send_id: String,
    /// The mail service's id.
    pub message_id: String,
    /// What it says.
    pub kind: FeedbackKind,
    /// When it happened.
    pub at: Timestamp,
    /// The mail service's own words for it, such as `Permanent/General`. Never an address.
    pub code: Option<String>,
}

/// What became of a feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It settled a send, now or when it was heard before.
    Settled,
    /// It is written down; how the send ended was known.
    Known,
    /// There is no such run: its item has expired, or the mail is somebody else's.
    NoSuchRun,
}

/// The store of analyses and of the claims on them.
pub trait Analyses: Send + Sync {
    /// Claims a task. One conditional write; when it is refused because the same owner's earlier request had
    /// already landed, it is granted.
    ///
    /// # Errors
    /// Whatever the service refuses; a task that is taken is no error.
    fn claim(&self, claim: &Claim) -> impl Future<Output = Result<Claimed, Fault>> + Send;

    /// Stores the analysis and marks the task as finished.
    ///
    /// # Errors
    /// Whatever the service refuses; a lost lease is no error.
    fn store(
        &self,
        lease: &Lease,
        record: &AnalysisRecord,
    ) -> impl Future<Output = Result<Commit, Fault>> + Send;

    /// The analysis of a run.
    ///
    /// # Errors
    /// Whatever the service refuses; a missing analysis is no error.
    fn load(&self, run_id: &RunId) -> impl Future<Output = Result<Option<AnalysisRecord>, Fault>> + Send;

    /// How far a task of a run is, without claiming it; `None` when nobody has claimed it yet.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn task(
        &self,
        run_id: &RunId,
        task: Task,
    ) -> impl Future<Output = Result<Option<TaskItem>, Fault>> + Send;

    /// Writes down that a send is about to begin.
    ///
    /// # Errors
    /// Whatever the service refuses; a lost lease is no error.
    fn begin_send(
        &self,
        lease: &Lease,
        send_id: &str,
        at: Timestamp,
    ) -> impl Future<Output = Result<Commit, Fault>> + Send;

    /// Writes down how a send ended. What the mail service itself has said of it meanwhile stands.
    ///
    /// # Errors
    /// Whatever the service refuses; a lost lease is no error.
    fn end_send(
        &self,
        lease: &Lease,
        outcome: &SendOutcome,
    ) -> impl Future<Output = Result<Commit, Fault>> + Send;

    /// Gives up waiting for word of an unsettled send: a person has to look. Nothing happens when it was settled
    /// meanwhile.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn park(
        &self,
        run_id: &RunId,
        send_id: &str,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Writes down what the mail service reports of a mail, and settles the send by it.
    ///
    /// # Errors
    /// Whatever the service refuses; a run that is not known is no error.
    fn hear(&self, feedback: &MailFeedback) -> impl Future<Output = Result<Heard, Fault>> + Send;

    /// Makes the record say how the mail ended: `notification_sent` and `notification_timestamp`. Safe to repeat;
    /// a run without a record has nothing to be marked.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn mark(&self, run_id: &RunId) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// What a model is asked: one turn, one tool that it must use.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    /// The standing instruction.
    pub system: String,
    /// The question with its facts.
    pub prompt: String,
    /// The name of the tool that carries the answer.
    pub tool_name: String,
    /// What the tool is for.
    pub tool_description: String,
    /// The JSON Schema of the tool's input.
    pub tool_schema: serde_json::Value,
    /// The most tokens that the answer may have.
    pub max_output_tokens: u32,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// It used the tool.
    ToolUse,
    /// It ran out of tokens.
    MaxTokens,
    /// It ended its turn without the tool.
    EndTurn,
    /// A filter stepped in.
    Filtered,
    /// The tool call was not well formed.
    Malformed,
    /// Anything else, as the service names it.
    Other(String),
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswer {
    /// The model that answered.
    pub model_id: String,
    /// Why it stopped.
    pub stop: StopReason,
    /// The tool's input, when it used the tool.
    pub tool_input: Option<serde_json::Value>,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

/// A language model.
pub trait Model: Send + Sync {
    /// Asks once.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn ask(&self, request: &ModelRequest) -> impl Future<Output = Result<ModelAnswer, Fault>> + Send;
}

/// A mail, ready to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The run that it reports on.
    pub run_id: RunId,
    /// This attempt at sending, so that the mail service's feedback finds its way back.
    pub send_id: String,
    /// The sender's address.
    pub from: String,
    /// The recipients' addresses, from configuration or contract only.
    pub to: Vec<String>,
    /// The subject, free of control characters.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendFault {
    /// It certainly did not go out, and may be tried again.
    #[error("the mail was not sent and may be tried again")]
    NotSent(#[source] Fault),
    /// It did not go out and will not.
    #[error("the mail service refuses the mail")]
    Refused(#[source] Fault),
    /// Nobody can tell: the answer got lost.
    #[error("nobody can tell whether the mail was sent")]
    Unknown(#[source] Fault),
}

/// A mail service.
pub trait Mailer: Send + Sync {
    /// Hands over a mail once, without repeating the call.
    ///
    /// # Errors
    /// [`SendFault`] says what is known of the mail.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<String, SendFault>> + Send;
}

/// A message that was received from a queue and is hidden from others for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The queue's id of the message, the same at each receive.
    pub id: String,
    /// What this receive is answered with, to delete or to release.
    pub receipt: String,
    /// What was sent.
    pub body: String,
    /// When it was sent first. A message keeps this time on its way into a dead-letter queue.
    pub sent_at: Timestamp,
    /// How often it was received, this time included.
    pub receives: u32,
}

/// How many messages a queue has, as far as the queue itself can tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// Messages that wait to be received.
    pub visible: u64,
    /// Messages that were received and not deleted yet.
    pub hidden: u64,
    /// Messages that may not be received yet.
    pub delayed: u64,
}

impl Depth {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.visible.saturating_add(self.hidden).saturating_add(self.delayed)
    }
}

/// The most messages that one receive brings.
pub const MAX_LETTERS: usize = 10;

/// Queues by their names, for those who operate the pipeline. The stages are fed by Lambda and know no queue.
pub trait Queues: Send + Sync {
    /// Puts a message into a queue. `Ok` means that the queue has it, and is never said otherwise.
    ///
    /// # Errors
    /// Whatever the service refuses. When no answer came, the queue may have the message.
    fn send(&self, queue: &str, body: &str) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Receives up to [`MAX_LETTERS`] messages and hides them so long. None is a sign that the queue has none to be
    /// seen, and no proof.
    ///
    /// # Errors
    /// Whatever the service refuses. When no answer came, messages may be hidden.
    fn receive(
        &self,
        queue: &str,
        hide_for: Duration,
    ) -> impl Future<Output = Result<Vec<Letter>, Fault>> + Send;

    /// Deletes a message that was received. Safe to repeat.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn delete(&self, queue: &str, receipt: &str) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Shows a message to others again that was received and not deleted.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn release(&self, queue: &str, receipt: &str) -> impl Future<Output = Result<(), Fault>> + Send;

    /// How many messages a queue has.
    ///
    /// # Errors
    /// Whatever the service refuses.
    fn depth(&self, queue: &str) -> impl Future<Output = Result<Depth, Fault>> + Send;
}

/// Time and chance.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// A number between 0 and 1, evenly drawn.
    fn draw(&self) -> f64;
}
