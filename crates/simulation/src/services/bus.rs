//! The event buses: which rule takes which event to which queue, as `infrastructure/stages.tf` has it.

use serde_json::{Value, json};
use shared::events::PipelineEvent;
use shared::ports::{FeedbackKind, MailFeedback, SourceObject};

/// A stage, with its queue and its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Splits files, and sweeps.
    Process,
    /// Analyses runs.
    Analyze,
    /// Sends mails, and hears what became of them.
    Notify,
}

impl Stage {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Process, Self::Analyze, Self::Notify];
}

/// The stage that an event of the pipeline goes to.
#[must_use]
pub fn target(event: &PipelineEvent) -> Stage {
    match event {
        PipelineEvent::FileOverlooked(_) | PipelineEvent::SweepDue(_) => Stage::Process,
        PipelineEvent::ProcessingComplete(_) => Stage::Analyze,
        PipelineEvent::FileRejected(_) | PipelineEvent::AnalysisComplete(_) => Stage::Notify,
    }
}

/// An event as `EventBridge` wraps it. The unique id that it gives each event is left out: nothing reads it.
#[must_use]
pub fn envelope(source: &str, detail_type: &str, detail: &str) -> String {
    format!(
        "{{\"version\":\"0\",\"source\":\"{source}\",\"detail-type\":\"{detail_type}\",\"detail\":{detail}}}"
    )
}

/// S3's word on an object.
#[must_use]
pub fn object_created(source: &SourceObject) -> String {
    let detail = json!({
        "version": "0",
        "bucket": {"name": source.bucket},
        "object": {
            "key": source.key,
            "size": source.size,
            "etag": source.etag.as_str(),
            "version-id": source.version_id,
        },
        "reason": "PutObject",
    });
    envelope("aws.s3", "Object Created", &detail.to_string())
}

/// The time for a sweep.
#[must_use]
pub fn sweep_due(bucket: &str) -> String {
    let detail = json!({"schema": 1, "bucket": bucket});
    envelope("gristmill.schedule", PipelineEvent::SWEEP_DUE, &detail.to_string())
}

/// The mail service's word on a mail.
#[must_use]
pub fn mail_feedback(feedback: &MailFeedback) -> String {
    let (kind, detail_type) = match feedback.kind {
        FeedbackKind::Sent => ("Send", "Email Sent"),
        FeedbackKind::Delivered => ("Delivery", "Email Delivered"),
        FeedbackKind::Delayed => ("DeliveryDelay", "Email Delivery Delayed"),
        FeedbackKind::Bounced => ("Bounce", "Email Bounced"),
        FeedbackKind::Complained => ("Complaint", "Email Complaint Received"),
        FeedbackKind::Rejected => ("Reject", "Email Rejected"),
        FeedbackKind::RenderingFailed => ("Rendering Failure", "Email Rendering Failed"),
    };
    let detail = json!({
        "eventType": kind,
        "mail": {
            "timestamp": feedback.at.to_string(),
            "messageId": feedback.message_id,
            "tags": {"run_id": [feedback.run_id.as_str()], "send_id": [feedback.send_id]},
        },
        "code": feedback.code,
    });
    envelope("aws.ses", detail_type, &detail.to_string())
}

/// What a message says to a function.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// A file was dropped.
    Arrival(SourceObject),
    /// A stage has something to tell.
    Pipeline(PipelineEvent),
    /// The mail service says what became of a mail.
    Feedback(MailFeedback),
}

/// Reads the body of a message.
///
/// # Errors
/// What is wrong with it.
pub fn parse(body: &str) -> Result<Trigger, String> {
    let mut body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let detail = body.get_mut("detail").map(Value::take).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("source") {
        "aws.s3" => arrival(&detail).map(Trigger::Arrival).ok_or_else(|| "no object".to_owned()),
        "aws.ses" => feedback(&detail).map(Trigger::Feedback).ok_or_else(|| "no mail".to_owned()),
        _ => PipelineEvent::parse(text("detail-type"), detail)
            .map(Trigger::Pipeline)
            .map_err(|error| error.to_string()),
    }
}

fn arrival(detail: &Value) -> Option<SourceObject> {
    let object = detail.get("object")?;
    Some(SourceObject {
        bucket: detail.get("bucket")?.get("name")?.as_str()?.to_owned(),
        key: object.get("key")?.as_str()?.to_owned(),
        etag: shared::identity::ETag::parse(object.get("etag")?.as_str()?),
        version_id: object.get("version-id").and_then(Value::as_str).map(str::to_owned),
        size: object.get("size")?.as_u64()?,
    })
}

fn feedback(detail: &Value) -> Option<MailFeedback> {
    let mail = detail.get("mail")?;
    let tag = |name: &str| mail.get("tags")?.get(name)?.get(0)?.as_str();
    let kind = match detail.get("eventType")?.as_str()? {
        "Send" => FeedbackKind::Sent,
        "Delivery" => FeedbackKind::Delivered,
        "DeliveryDelay" => FeedbackKind::Delayed,
        "Bounce" => FeedbackKind::Bounced,
        "Complaint" => FeedbackKind::Complained,
        "Reject" => FeedbackKind::Rejected,
        "Rendering Failure" => FeedbackKind::RenderingFailed,
        _ => return None,
    };
    Some(MailFeedback {
        run_id: tag("run_id")?.to_owned().try_into().ok()?,
        send_id: tag("send_id")?.to_owned(),
        message_id: mail.get("messageId")?.as_str()?.to_owned(),
        kind,
        at: mail.get("timestamp")?.as_str()?.parse().ok()?,
        code: detail.get("code").and_then(Value::as_str).map(str::to_owned),
    })
}
