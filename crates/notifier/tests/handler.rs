//! The notifier behind the Lambda edge: what a batch leads to, on ports in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its input has failed")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot find what it looks for has failed")]
#![expect(clippy::panic, reason = "a fixture of another kind is a failure")]

#[path = "../../aws/tests/paper/mod.rs"]
mod paper;

use std::collections::BTreeMap;

use aws::edge::{Context, LambdaEvent, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use notifier::{Notifier, Settings, Unsettled, handler};
use serde_json::{Value, json};
use shared::claims::TaskState;
use shared::events::{PipelineEvent, Rows};
use shared::identity::{ContractDigest, RunId};
use shared::manifest::{AppliedContract, Manifest, Outputs, Status};
use shared::memory::{ManualClock, MemoryAnalyses, MemoryMailer, MemoryObjects};
use shared::ports::{Fault, FaultKind, FeedbackKind, SendFault, Task};
use shared::violation::FileCode;

use crate::paper::{keep_the_log, logged};

const REJECTED: &str = include_str!("../../../events/sqs_file_rejected.json");

struct World {
    objects: MemoryObjects,
    analyses: MemoryAnalyses,
    mailer: MemoryMailer,
    clock: ManualClock,
    notifier: Notifier<MemoryObjects, MemoryAnalyses, MemoryMailer, ManualClock>,
}

fn world() -> World {
    let (objects, mailer, clock) = (MemoryObjects::new(), MemoryMailer::new(), ManualClock::default());
    let analyses = MemoryAnalyses::new();
    let notifier = Notifier {
        objects: objects.clone(),
        analyses: analyses.clone(),
        mailer: mailer.clone(),
        clock: clock.clone(),
        settings: Settings { from: "mill@example.com".into(), ..Settings::default() },
    };
    let world = World { objects, analyses, mailer, clock, notifier };
    put_manifest(&world);
    world
}

/// The run that the fixture is about, as the processor leaves it behind.
fn put_manifest(world: &World) {
    let payload: Value = serde_json::from_str(REJECTED).unwrap();
    let event: Value = serde_json::from_str(payload["Records"][0]["body"].as_str().unwrap()).unwrap();
    let event = PipelineEvent::parse(PipelineEvent::FILE_REJECTED, event["detail"].clone()).unwrap();
    let PipelineEvent::FileRejected(event) = event else { panic!("{event:?}") };
    let descriptor = json!({
        "name": "smartphone_sales",
        "schema": { "fields": [{ "name": "model", "type": "string" }] },
        "gristmill": { "routing": { "results": ["sales@example.com"], "problems": ["data@example.com"] } },
    });
    let manifest = Manifest {
        schema: event.schema,
        run_id: event.run_id,
        dataset: event.dataset,
        received_at: "2026-06-01T08:00:00Z".into(),
        status: Status::Rejected,
        code: Some(FileCode::MissingLabel),
        reason: Some(event.reason),
        rows: Rows::default(),
        codes: BTreeMap::new(),
        violations: Vec::new(),
        outputs: Outputs::default(),
        read_as: None,
        contract: AppliedContract {
            digest: ContractDigest::of(b"{}"),
            inferred: false,
            references: Vec::new(),
            descriptor,
        },
        source: event.source,
    };
    let bytes = serde_json::to_vec(&manifest).unwrap();
    world.objects.put(&manifest.source.bucket, &event.manifest_key, bytes);
}

fn invocation(world: &World, request: &str, payload: &str) -> LambdaEvent<SqsEvent> {
    use shared::ports::Clock as _;
    let mut context = Context::default();
    context.request_id = request.to_owned();
    let deadline: Timestamp = world.clock.now() + SignedDuration::from_secs(60);
    context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
    LambdaEvent::new(serde_json::from_str(payload).unwrap(), context)
}

#[tokio::test]
async fn the_owner_of_a_refused_file_is_told_once() {
    let world = world();
    for request in ["request-1", "request-2"] {
        let event = invocation(&world, request, REJECTED);
        let response = handler::handle(&world.notifier, event).await.unwrap();
        assert!(response.batch_item_failures.is_empty());
    }
    let mails = world.mailer.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["data@example.com"]);
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_waits_for_its_grace_without_an_alarm() {
    let world = world();
    world.mailer.lose_next_answer();
    let event = invocation(&world, "request-1", REJECTED);
    assert!(handler::handle(&world.notifier, event).await.is_err());
    let event = invocation(&world, "request-2", REJECTED);
    let response = handler::handle(&world.notifier, event).await.unwrap();
    assert_eq!(response.batch_item_failures.len(), 1, "the message comes back until the outcome is settled");
    assert_eq!(world.mailer.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_that_was_not_sent_fails_the_invocation_under_a_stable_name() {
    let world = world();
    for _ in 0..8 {
        let throttled = Fault::new("SendEmail", FaultKind::Throttled, "TooManyRequestsException");
        world.mailer.fail_next(SendFault::NotSent(throttled));
    }
    let event = invocation(&world, "request-1", REJECTED);
    let failed = handler::handle(&world.notifier, event).await.unwrap_err();
    assert_eq!(failed.error_type, "Port.Throttled");
}

#[tokio::test]
async fn a_processed_file_is_not_for_the_notifier() {
    let world = world();
    let complete = include_str!("../../../events/sqs_processing_complete.json");
    let event = invocation(&world, "request-1", complete);
    let response = handler::handle(&world.notifier, event).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    assert_eq!(world.mailer.attempts(), 0);
}

const DELIVERED: &str = include_str!("../../../events/sqs_ses_email_delivered.json");
const BOUNCED: &str = include_str!("../../../events/sqs_ses_email_bounced.json");

fn run() -> RunId {
    RunId::try_from("4f8a1c2b3d4e5f60718293a4b5c6d7e8".to_owned()).unwrap()
}

/// SES's word on the first attempt at the mail of the fixture's run.
fn told(detail_type: &str, field: &str, what: Value) -> String {
    let mut payload: Value = serde_json::from_str(DELIVERED).unwrap();
    let mut event: Value = serde_json::from_str(payload["Records"][0]["body"].as_str().unwrap()).unwrap();
    event["detail-type"] = detail_type.into();
    event["detail"][field] = what;
    payload["Records"][0]["body"] = event.to_string().into();
    payload.to_string()
}

async fn deliver(world: &World, payload: &str) -> Vec<String> {
    let event = invocation(world, "request", payload);
    let response = handler::handle(&world.notifier, event).await.unwrap();
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

#[tokio::test]
async fn what_ses_says_settles_a_mail_whose_answer_was_lost() {
    let world = world();
    world.mailer.lose_next_answer();
    let event = invocation(&world, "request-1", REJECTED);
    assert!(handler::handle(&world.notifier, event).await.is_err());
    assert!(deliver(&world, DELIVERED).await.is_empty());
    assert_eq!(world.analyses.state(&run(), Task::Notify), Some(TaskState::Done));
    assert!(deliver(&world, REJECTED).await.is_empty(), "the delivery is done with");
    assert_eq!(world.mailer.attempts(), 1);
}

#[tokio::test]
async fn each_word_of_ses_is_taken_in_and_acknowledged() {
    for (kind, payload, state) in [
        (FeedbackKind::Sent, told("Email Sent", "send", json!({})), TaskState::Done),
        (FeedbackKind::Delivered, DELIVERED.to_owned(), TaskState::Done),
        (FeedbackKind::Delayed, told("Email Delivery Delayed", "deliveryDelay", json!({})), TaskState::Done),
        (FeedbackKind::Bounced, BOUNCED.to_owned(), TaskState::Done),
        (FeedbackKind::Complained, told("Email Complaint Received", "complaint", json!({})), TaskState::Done),
        (FeedbackKind::Rejected, told("Email Rejected", "reject", json!({})), TaskState::Refused),
        (
            FeedbackKind::RenderingFailed,
            told("Email Rendering Failed", "failure", json!({})),
            TaskState::Refused,
        ),
    ] {
        let world = world();
        assert!(deliver(&world, REJECTED).await.is_empty());
        for _ in 0..2 {
            assert!(deliver(&world, &payload).await.is_empty(), "{kind:?}");
        }
        let heard: Vec<FeedbackKind> = world.analyses.heard(&run()).into_keys().collect();
        assert_eq!(heard, [kind]);
        assert_eq!(world.analyses.state(&run(), Task::Notify), Some(state), "{kind:?}");
        assert_eq!(world.mailer.attempts(), 1);
    }
}

#[tokio::test]
async fn a_word_of_a_mail_that_nobody_knows_is_acknowledged() {
    let world = world();
    assert!(deliver(&world, BOUNCED).await.is_empty());
    assert_eq!(world.analyses.item(&run(), Task::Notify), None);
}

#[tokio::test]
async fn a_word_that_cannot_be_written_down_comes_back() {
    let world = world();
    world.analyses.fail_next("hear", FaultKind::Throttled);
    let event = invocation(&world, "request-1", BOUNCED);
    let failed = handler::handle(&world.notifier, event).await.unwrap_err();
    assert_eq!(failed.error_type, "Port.Throttled");
}

#[tokio::test]
async fn a_mail_that_nobody_can_tell_of_is_parked_where_that_is_asked_for_and_fails_once() {
    let mut world = world();
    world.notifier.settings.unsettled = Unsettled::Park;
    world.mailer.lose_next_answer();
    let event = invocation(&world, "request-1", REJECTED);
    assert!(handler::handle(&world.notifier, event).await.is_err());
    world.clock.advance(std::time::Duration::from_mins(16));
    let event = invocation(&world, "request-2", REJECTED);
    let failed = handler::handle(&world.notifier, event).await.unwrap_err();
    assert_eq!(failed.error_type, "Stage.Unmailed", "an alarm tells of it");
    assert_eq!(world.analyses.state(&run(), Task::Notify), Some(TaskState::Parked));
    assert!(deliver(&world, REJECTED).await.is_empty());
    assert_eq!(world.mailer.attempts(), 1);
}

#[tokio::test]
async fn the_processors_own_messages_are_not_for_the_notifier() {
    let world = world();
    for payload in [
        include_str!("../../../events/sqs_sweep_due.json"),
        include_str!("../../../events/sqs_file_overlooked.json"),
    ] {
        assert!(deliver(&world, payload).await.is_empty());
    }
    assert_eq!(world.mailer.attempts(), 0);
}

#[tokio::test]
async fn what_an_operator_has_to_hear_of_is_logged_under_its_name_and_without_an_address() {
    keep_the_log();
    for (payload, level, name) in [
        (DELIVERED.to_owned(), "INFO", "told=\"delivered\""),
        (
            told("Email Delivery Delayed", "deliveryDelay", json!({ "delayType": "MailboxFull" })),
            "WARN",
            "MailboxFull",
        ),
        (BOUNCED.to_owned(), "ERROR", "Notifier.MailBounced"),
        (BOUNCED.to_owned(), "ERROR", "Permanent/General"),
        (told("Email Complaint Received", "complaint", json!({})), "ERROR", "Notifier.MailComplained"),
        (
            told("Email Rejected", "reject", json!({ "reason": "Bad content" })),
            "ERROR",
            "Notifier.MailRejected",
        ),
        (
            told("Email Rendering Failed", "failure", json!({ "errorMessage": "no data@example.com" })),
            "ERROR",
            "Notifier.MailRenderingFailed",
        ),
    ] {
        let world = world();
        deliver(&world, REJECTED).await;
        drop(logged());
        deliver(&world, &payload).await;
        let told = logged();
        assert!(told.lines().any(|line| line.contains(level) && line.contains(name)), "{name}: {told}");
        assert!(!told.contains('@') && told.contains("4f8a1c2b3d4e5f60718293a4b5c6d7e8"), "{told}");
    }
    let mut world = world();
    world.notifier.settings.unsettled = Unsettled::Park;
    world.mailer.lose_next_answer();
    assert!(handler::handle(&world.notifier, invocation(&world, "r", REJECTED)).await.is_err());
    world.clock.advance(std::time::Duration::from_mins(16));
    let failed = handler::handle(&world.notifier, invocation(&world, "s", REJECTED)).await.unwrap_err();
    assert_eq!(failed.error_type, "Stage.Unmailed", "an alarm tells of it");
    // Once: the next delivery finds the run settled.
    deliver(&world, REJECTED).await;
    let told = logged();
    assert!(
        told.lines().any(|line| line.contains("ERROR") && line.contains("Notifier.MailParked")),
        "{told}"
    );
}
