//! What a queue message says, in the shapes that the providers send it.
//!
//! | body | becomes |
//! | --- | --- |
//! | S3's "Object Created" through `EventBridge` | [`Trigger::Arrivals`], key as it stands |
//! | S3's own notification (`Records`) | [`Trigger::Arrivals`], keys form-decoded |
//! | an event of the pipeline, or the schedule's "Sweep Due" | [`Trigger::Pipeline`] |
//! | SES's events of a mail that carries our tags | [`Trigger::Feedback`] |
//! | `s3:TestEvent`, SES's events of other mails, any other detail type, removals | [`Trigger::Unrelated`]: nothing to do |
//! | anything else | [`NotATrigger`]: the message fails and ends in the dead-letter queue |
//!
//! `EventBridge` carries the key as it is; S3's own notification carries it as a form field, where `+` is a
//! space (Amazon S3 user guide, "Event message structure"). Decoding the one or not decoding the other would
//! corrupt keys.

mod feedback;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use shared::events::{NotAnEvent, PipelineEvent};
use shared::identity::ETag;
use shared::ports::{MailFeedback, SourceObject};

use crate::form;

const OBJECT_CREATED: &str = "Object Created";
const TEST_EVENT: &str = "s3:TestEvent";

/// A message, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The event's own id, to follow it through logs until a run id is known.
    pub id: Option<String>,
    /// What it says.
    pub trigger: Trigger,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Files were dropped. S3's own notification may carry several.
    Arrivals(Vec<Arrival>),
    /// A stage has something to tell.
    Pipeline(Box<PipelineEvent>),
    /// The mail service says what became of a mail.
    Feedback(MailFeedback),
    /// Somebody else's business.
    Unrelated {
        /// The type of what it is.
        kind: String,
    },
}

/// A file that was dropped.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// The exact object.
    pub source: SourceObject,
    /// Makes a forced replay a run of its own. S3 never sends one; an operator may.
    pub nonce: Option<String>,
}

/// A body that says nothing that we understand.
#[derive(Debug, thiserror::Error)]
pub enum NotATrigger {
    /// No JSON.
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but neither an event nor a notification.
    #[error("the body is neither an event nor an S3 notification")]
    Unknown,
    /// Of a type that we know, and not of its shape.
    #[error("the {kind} does not have its shape")]
    BadShape {
        /// The type.
        kind: &'static str,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// A key that no decoding makes into text.
    #[error("the key {key:?} is not a form-encoded text")]
    BadKey {
        /// The key as it came.
        key: String,
    },
    /// An event of the pipeline that cannot be read.
    #[error("the event of the pipeline cannot be read")]
    BadEvent(#[source] NotAnEvent),
}

impl NotATrigger {
    /// The stable name that alarms and dashboards key on.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "Message.NotJson",
            Self::Unknown => "Message.Unknown",
            Self::BadShape { .. } => "Message.BadShape",
            Self::BadKey { .. } => "Message.BadKey",
            Self::BadEvent(NotAnEvent::UnknownSchema { .. }) => "Message.UnknownSchema",
            Self::BadEvent(_) => "Message.BadEvent",
        }
    }
}

/// An event as `EventBridge` wraps it. A scheduled rule with an input of its own sends that input and nothing else:
/// it has neither id nor time.
#[derive(Debug, Deserialize)]
struct Envelope {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    time: Option<Timestamp>,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Value,
}

/// Reads the body of a queue message.
///
/// # Errors
/// [`NotATrigger`] when the body is not one that the pipeline is fed with.
pub fn parse(body: &str) -> Result<Message, NotATrigger> {
    let body: Value = serde_json::from_str(body).map_err(NotATrigger::NotJson)?;
    if body.get("detail-type").is_some() {
        let envelope: Envelope =
            serde_json::from_value(body).map_err(|source| NotATrigger::BadShape { kind: "event", source })?;
        let id = envelope.id.clone();
        return Ok(Message { id, trigger: of_envelope(envelope)? });
    }
    if body.get("Event").and_then(Value::as_str) == Some(TEST_EVENT) {
        return Ok(Message { id: None, trigger: Trigger::Unrelated { kind: TEST_EVENT.to_owned() } });
    }
    if body.get("Records").is_some() {
        return Ok(Message { id: None, trigger: of_notification(body)? });
    }
    Err(NotATrigger::Unknown)
}

fn of_envelope(envelope: Envelope) -> Result<Trigger, NotATrigger> {
    if envelope.detail_type == OBJECT_CREATED {
        let detail: ObjectCreated = serde_json::from_value(envelope.detail)
            .map_err(|source| NotATrigger::BadShape { kind: OBJECT_CREATED, source })?;
        return Ok(Trigger::Arrivals(vec![detail.into()]));
    }
    if envelope.source.as_deref() == Some(feedback::SOURCE) {
        return feedback::of(envelope);
    }
    match PipelineEvent::parse(&envelope.detail_type, envelope.detail) {
        Ok(event) => Ok(Trigger::Pipeline(Box::new(event))),
        Err(NotAnEvent::UnknownDetailType { found }) => Ok(Trigger::Unrelated { kind: found }),
        Err(error) => Err(NotATrigger::BadEvent(error)),
    }
}

/// The detail of S3's "Object Created" (`EventBridge` events reference, "Amazon S3 Object Created").
#[derive(Debug, Deserialize)]
struct ObjectCreated {
    bucket: BucketName,
    object: CreatedObject,
    #[serde(default)]
    nonce: Option<String>,
}

#[derive(Debug, Deserialize)]
struct BucketName {
    name: String,
}

#[derive(Debug, Deserialize)]
struct CreatedObject {
    key: String,
    #[serde(default)]
    size: u64,
    // Emulators spell it as S3's own notification does.
    #[serde(alias = "eTag")]
    etag: ETag,
    #[serde(default, rename = "version-id", alias = "versionId")]
    version_id: Option<String>,
}

impl From<ObjectCreated> for Arrival {
    fn from(created: ObjectCreated) -> Self {
        let ObjectCreated { bucket, object, nonce } = created;
        let key = object.key.clone();
        Self { source: object.at(bucket.name, key), nonce }
    }
}

impl CreatedObject {
    fn at(self, bucket: String, key: String) -> SourceObject {
        let version_id = self.version_id.filter(|version| version != "null" && !version.is_empty());
        SourceObject { bucket, key, etag: self.etag, version_id, size: self.size }
    }
}

/// S3's own notification.
#[derive(Debug, Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    #[serde(rename = "eventName")]
    event_name: String,
    s3: RecordedObject,
}

#[derive(Debug, Deserialize)]
struct RecordedObject {
    bucket: BucketName,
    object: Value,
}

fn of_notification(body: Value) -> Result<Trigger, NotATrigger> {
    let bad = |source| NotATrigger::BadShape { kind: "S3 notification", source };
    let notification: Notification = serde_json::from_value(body).map_err(bad)?;
    let mut arrivals = Vec::new();
    let mut other = None;
    for record in notification.records {
        if !record.event_name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
            other = Some(record.event_name);
            continue;
        }
        // Read only now: what is removed has no tag.
        let object: CreatedObject = serde_json::from_value(record.s3.object).map_err(bad)?;
        let key = form_decoded(&object.key)?;
        arrivals.push(Arrival { source: object.at(record.s3.bucket.name, key), nonce: None });
    }
    match other {
        Some(kind) if arrivals.is_empty() => Ok(Trigger::Unrelated { kind }),
        _ => Ok(Trigger::Arrivals(arrivals)),
    }
}

fn form_decoded(key: &str) -> Result<String, NotATrigger> {
    form::decoded(key).ok_or_else(|| NotATrigger::BadKey { key: key.to_owned() })
}

#[cfg(test)]
mod tests;
