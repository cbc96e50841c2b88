//! SES's own word on a mail.
//!
//! The events come from the event destination of our configuration set, through the account's default bus (Amazon
//! SES developer guide, "Monitoring SES events using Amazon EventBridge",
//! docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html; the detail is that of "Examples of event data that
//! Amazon SES publishes to Amazon SNS", docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html).
//! They come as well as they can: late, out of order, twice, and now and then not at all.
//!
//! | detail type | told in | code |
//! | --- | --- | --- |
//! | `Email Sent` | `send` | |
//! | `Email Delivered` | `delivery` | |
//! | `Email Delivery Delayed` | `deliveryDelay` | `delayType` |
//! | `Email Bounced` | `bounce` | `bounceType` and `bounceSubType` |
//! | `Email Complaint Received` | `complaint` | `complaintFeedbackType` |
//! | `Email Rejected` | `reject` | `reason` |
//! | `Email Rendering Failed` | `failure` | none: its message is free text |
//!
//! The rest of such an event (addresses, headers, the answers of foreign servers) is not read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use shared::identity::RunId;
use shared::ports::{FeedbackKind, MailFeedback};

use crate::trigger::{Envelope, NotATrigger, Trigger};

/// The source of SES's events.
pub(super) const SOURCE: &str = "aws.ses";

/// The longest code that is passed on, in bytes. Those of the documentation have at most 34.
const MAX_CODE_BYTES: usize = 64;

/// The kind that a detail type stands for, and the field that tells of it.
fn kind_of(detail_type: &str) -> Option<(FeedbackKind, &'static str)> {
    Some(match detail_type {
        "Email Sent" => (FeedbackKind::Sent, "send"),
        "Email Delivered" => (FeedbackKind::Delivered, "delivery"),
        "Email Delivery Delayed" => (FeedbackKind::Delayed, "deliveryDelay"),
        "Email Bounced" => (FeedbackKind::Bounced, "bounce"),
        "Email Complaint Received" => (FeedbackKind::Complained, "complaint"),
        "Email Rejected" => (FeedbackKind::Rejected, "reject"),
        "Email Rendering Failed" => (FeedbackKind::RenderingFailed, "failure"),
        _ => return None,
    })
}

/// What all of these events have.
#[derive(Debug, Deserialize)]
struct Detail {
    mail: Mail,
    /// What the event tells, under a name of its own for each type.
    #[serde(flatten)]
    told: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    /// Each tag with its values: those of the mail, and SES's own.
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

impl Mail {
    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name)?.first().map(String::as_str)
    }

    /// The run and the attempt that the mail belongs to, if it is one of ours.
    fn attempt(&self) -> Option<(RunId, String)> {
        let run_id = RunId::try_from(self.tag("run_id")?.to_owned()).ok()?;
        Some((run_id, self.tag("send_id")?.to_owned()))
    }
}

pub(super) fn of(envelope: Envelope) -> Result<Trigger, NotATrigger> {
    let Some((kind, field)) = kind_of(&envelope.detail_type) else {
        return Ok(Trigger::Unrelated { kind: envelope.detail_type });
    };
    let bad = |source| NotATrigger::BadShape { kind: "event of the mail service", source };
    let Detail { mail, told } = serde_json::from_value(envelope.detail).map_err(bad)?;
    let Some((run_id, send_id)) = mail.attempt() else {
        return Ok(Trigger::Unrelated { kind: envelope.detail_type });
    };
    let told = told.get(field);
    let word = |name: &str| told?.get(name)?.as_str();
    let happened = word("timestamp").and_then(|time| time.parse().ok());
    let untimed = || bad(serde::de::Error::missing_field("timestamp"));
    Ok(Trigger::Feedback(MailFeedback {
        run_id,
        send_id,
        message_id: mail.message_id,
        kind,
        at: happened.or(envelope.time).or(mail.timestamp).ok_or_else(untimed)?,
        code: code(kind, word),
    }))
}

/// SES's own words for what happened, where they are words of a list.
fn code<'w>(kind: FeedbackKind, word: impl Fn(&str) -> Option<&'w str>) -> Option<String> {
    let code = match kind {
        FeedbackKind::Bounced => {
            let words = [word("bounceType"), word("bounceSubType")];
            words.into_iter().flatten().collect::<Vec<_>>().join("/")
        }
        FeedbackKind::Complained => word("complaintFeedbackType")?.to_owned(),
        FeedbackKind::Delayed => word("delayType")?.to_owned(),
        FeedbackKind::Rejected => word("reason")?.to_owned(),
        FeedbackKind::Sent | FeedbackKind::Delivered | FeedbackKind::RenderingFailed => return None,
    };
    let is_of_words = |byte: u8| byte.is_ascii_alphanumeric() || b"/_- ".contains(&byte);
    // What is of another form may be free text, and hold an address.
    (!code.is_empty() && code.len() <= MAX_CODE_BYTES && code.bytes().all(is_of_words)).then_some(code)
}
