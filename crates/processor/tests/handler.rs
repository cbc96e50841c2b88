//! The processor behind the Lambda edge: what a batch leads to, on ports in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its input has failed")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot find what it looks for has failed")]

#[path = "../../aws/tests/paper/mod.rs"]
mod paper;

use aws::edge::{Context, LambdaEvent, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use processor::{Processor, Settings, handler};
use serde_json::{Value, json};
use shared::events::{PipelineEvent, Rows};
use shared::memory::{ManualClock, MemoryEvents, MemoryObjects};
use shared::ports::{FaultKind, SourceObject};

use crate::paper::{keep_the_log, logged};

const BUCKET: &str = "gristmill-example";
const KEY: &str = "input/smartphone_sales/May 2026 + June.csv";
const FILE: &str = "model,price\niPhone 15,799\nP4 Pro,n/a\nY28,249\n";
const ARRIVAL: &str = include_str!("../../../events/sqs_object_created.json");

struct World {
    objects: MemoryObjects,
    events: MemoryEvents,
    processor: Processor<MemoryObjects, MemoryEvents, ManualClock>,
}

fn world() -> World {
    let (objects, events) = (MemoryObjects::new(), MemoryEvents::new());
    let contract = json!({
        "name": "smartphone_sales",
        "schema": { "fields": [{ "name": "model", "type": "string" }, { "name": "price", "type": "number" }] },
    });
    objects.put(BUCKET, "contracts/smartphone_sales.json", contract.to_string());
    let processor =
        Processor::new(objects.clone(), events.clone(), ManualClock::default(), Settings::default());
    World { objects, events, processor }
}

fn invocation(payload: Value) -> LambdaEvent<SqsEvent> {
    let mut context = Context::default();
    context.request_id = "request-1".to_owned();
    let deadline = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(300);
    context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
    LambdaEvent::new(serde_json::from_value(payload).unwrap(), context)
}

/// The fixture, announcing an object that is really there.
fn announcing(source: &SourceObject) -> LambdaEvent<SqsEvent> {
    let mut payload: Value = serde_json::from_str(ARRIVAL).unwrap();
    let mut event: Value = serde_json::from_str(payload["Records"][0]["body"].as_str().unwrap()).unwrap();
    event["detail"]["object"]["etag"] = source.etag.as_str().into();
    event["detail"]["object"]["version-id"] = source.version_id.clone().into();
    event["detail"]["object"]["size"] = source.size.into();
    payload["Records"][0]["body"] = event.to_string().into();
    invocation(payload)
}

/// S3's own notification of several objects in one message.
fn notifying(sources: &[SourceObject]) -> LambdaEvent<SqsEvent> {
    let records: Vec<Value> = sources
        .iter()
        .map(|source| {
            json!({
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "bucket": { "name": source.bucket },
                    "object": {
                        "key": source.key.replace('+', "%2B").replace(' ', "+"),
                        "size": source.size,
                        "eTag": source.etag.as_str(),
                        "versionId": source.version_id,
                    },
                },
            })
        })
        .collect();
    let body = json!({ "Records": records }).to_string();
    invocation(json!({ "Records": [{ "messageId": "m1", "body": body }] }))
}

#[tokio::test]
async fn a_file_that_arrives_is_split_and_announced() {
    let world = world();
    let source = world.objects.put(BUCKET, KEY, FILE);
    let response = handler::handle(&world.processor, announcing(&source)).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    let published = world.events.published();
    let [PipelineEvent::ProcessingComplete(event)] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!(event.rows, Rows { total: 3, valid: 2, rejected: 1 });
    assert_eq!(event.source, source);
    assert!(world.objects.get(BUCKET, &event.manifest_key).is_some());
}

#[tokio::test]
async fn a_second_delivery_writes_nothing_and_announces_again() {
    let world = world();
    let source = world.objects.put(BUCKET, KEY, FILE);
    handler::handle(&world.processor, announcing(&source)).await.unwrap();
    let keys = world.objects.keys();
    handler::handle(&world.processor, announcing(&source)).await.unwrap();
    assert_eq!(world.objects.keys(), keys);
    assert!(keys.iter().all(|key| world.objects.version_count(BUCKET, key) == 1));
    let published = world.events.published();
    assert_eq!(published.len(), 2);
    assert_eq!(published[0], published[1]);
}

#[tokio::test]
async fn a_call_that_fails_fails_the_invocation_under_a_stable_name() {
    let world = world();
    let source = world.objects.put(BUCKET, KEY, FILE);
    world.events.fail_next("publish", FaultKind::Throttled);
    let failed = handler::handle(&world.processor, announcing(&source)).await.unwrap_err();
    assert_eq!(failed.error_type, "Port.Throttled");
    handler::handle(&world.processor, announcing(&source)).await.unwrap();
    assert_eq!(world.events.published().len(), 1, "the redelivery catches up");
}

#[tokio::test]
async fn a_file_that_was_replaced_or_deleted_is_acknowledged() {
    let world = world();
    let old = world.objects.put(BUCKET, KEY, FILE);
    world.objects.remove(BUCKET, KEY);
    let response = handler::handle(&world.processor, announcing(&old)).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    assert!(world.events.published().is_empty());
}

#[tokio::test]
async fn every_file_of_a_notification_gets_its_chance() {
    let world = world();
    let first = world.objects.put(BUCKET, KEY, FILE);
    let second = world.objects.put(BUCKET, "input/smartphone_sales/b.csv", FILE);
    world.objects.fail_next("open", FaultKind::Unavailable);
    let failed =
        handler::handle(&world.processor, notifying(&[first.clone(), second.clone()])).await.unwrap_err();
    assert_eq!(failed.error_type, "Port.Unavailable");
    assert_eq!(world.events.published().len(), 1, "the second file did not wait for the first");
    handler::handle(&world.processor, notifying(&[first, second])).await.unwrap();
    assert_eq!(world.events.published().len(), 3);
}

#[tokio::test]
async fn an_upload_that_was_overlooked_is_found_by_the_sweep_and_arrives() {
    let mut world = world();
    world.processor.settings.ledger = true;
    let source = world.objects.put(BUCKET, KEY, FILE);
    world.processor.clock.advance(std::time::Duration::from_mins(15));
    let sweep = include_str!("../../../events/sqs_sweep_due.json");
    let mut event = invocation(serde_json::from_str(sweep).unwrap());
    event.context.deadline += 15 * 60 * 1000;
    let deadline = event.context.deadline;
    keep_the_log();
    let response = handler::handle(&world.processor, event).await.unwrap();
    let told = logged();
    for (level, name) in [("INFO", "versions=1"), ("WARN", "Processor.FilesOverlooked")] {
        assert!(told.lines().any(|line| line.contains(level) && line.contains(name)), "{name}: {told}");
    }
    assert!(!told.contains("Processor.RunsStuck"), "{told}");
    assert!(response.batch_item_failures.is_empty());
    let published = world.events.drain();
    let [PipelineEvent::FileOverlooked(overlooked)] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!(overlooked.source, source);

    // As the rule brings it back.
    let mut payload: Value =
        serde_json::from_str(include_str!("../../../events/sqs_file_overlooked.json")).unwrap();
    let mut body: Value = serde_json::from_str(payload["Records"][0]["body"].as_str().unwrap()).unwrap();
    body["detail"] = serde_json::from_str(&published[0].detail().unwrap()).unwrap();
    payload["Records"][0]["body"] = body.to_string().into();
    let mut event = invocation(payload);
    event.context.deadline = deadline;
    handler::handle(&world.processor, event).await.unwrap();
    let published = world.events.published();
    let [PipelineEvent::ProcessingComplete(event)] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!(event.source, source);
}

#[tokio::test]
async fn a_sweep_that_fails_brings_its_message_back() {
    let world = world();
    world.objects.fail_next("versions", FaultKind::Denied);
    let sweep = include_str!("../../../events/sqs_sweep_due.json");
    let failed = handler::handle(&world.processor, invocation(serde_json::from_str(sweep).unwrap())).await;
    assert_eq!(failed.unwrap_err().error_type, "Port.Denied");
}

#[tokio::test]
async fn what_ses_says_is_not_for_the_processor() {
    let world = world();
    let payload = serde_json::from_str(include_str!("../../../events/sqs_ses_email_bounced.json")).unwrap();
    let response = handler::handle(&world.processor, invocation(payload)).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    assert!(world.events.published().is_empty());
}

#[tokio::test]
async fn the_pipelines_own_events_are_not_for_the_processor() {
    let world = world();
    let payload = serde_json::from_str(include_str!("../../../events/sqs_processing_complete.json")).unwrap();
    let response = handler::handle(&world.processor, invocation(payload)).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    assert!(world.events.published().is_empty());
}
