//! The analyzer behind the Lambda edge: what a batch leads to, on ports in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its input has failed")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot find what it looks for has failed")]
#![expect(clippy::panic, reason = "a fixture of another kind is a failure")]

use std::collections::BTreeMap;

use analyzer::{Analyzer, Settings, handler};
use aws::edge::{Context, LambdaEvent, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::checksum::Checksum;
use shared::events::PipelineEvent;
use shared::identity::ContractDigest;
use shared::manifest::{AppliedContract, Manifest, Output, Outputs, ReadAs, Status};
use shared::memory::{ManualClock, MemoryAnalyses, MemoryEvents, MemoryModel, MemoryObjects};
use shared::ports::FaultKind;
use shared::record::NarratorKind;

const COMPLETE: &str = include_str!("../../../events/sqs_processing_complete.json");
const PROCESSED: &str = "\
model,price,source_file,source_row,received_at,run_id
iPhone 15,799,sales.csv,1,2026-06-01T08:00:00Z,4f8a
iPhone 15,699,sales.csv,2,2026-06-01T08:00:00Z,4f8a
Y28,249,sales.csv,4,2026-06-01T08:00:00Z,4f8a
";

struct World {
    objects: MemoryObjects,
    analyses: MemoryAnalyses,
    events: MemoryEvents,
    analyzer: Analyzer<MemoryObjects, MemoryAnalyses, MemoryModel, MemoryEvents, ManualClock>,
}

fn world() -> World {
    let (objects, analyses, events) = (MemoryObjects::new(), MemoryAnalyses::new(), MemoryEvents::new());
    let analyzer = Analyzer {
        objects: objects.clone(),
        analyses: analyses.clone(),
        model: None,
        events: events.clone(),
        clock: ManualClock::default(),
        settings: Settings::default(),
    };
    World { objects, analyses, events, analyzer }
}

fn invocation(payload: &str) -> LambdaEvent<SqsEvent> {
    let mut context = Context::default();
    context.request_id = "request-1".to_owned();
    let deadline = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(300);
    context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
    LambdaEvent::new(serde_json::from_str(payload).unwrap(), context)
}

/// The run that the fixture announces, as the processor leaves it behind.
fn processed(world: &World) -> Manifest {
    let payload: Value = serde_json::from_str(COMPLETE).unwrap();
    let event: Value = serde_json::from_str(payload["Records"][0]["body"].as_str().unwrap()).unwrap();
    let event = PipelineEvent::parse(PipelineEvent::PROCESSING_COMPLETE, event["detail"].clone()).unwrap();
    let PipelineEvent::ProcessingComplete(event) = event else { panic!("{event:?}") };
    let key = event.processed_key.clone().unwrap();
    world.objects.put(&event.source.bucket, &key, PROCESSED);
    let descriptor = json!({
        "name": "smartphone_sales",
        "schema": { "fields": [{ "name": "model", "type": "string" }, { "name": "price", "type": "number" }] },
        "gristmill": { "analysis": { "measures": [{ "field": "price", "unit": "USD" }], "dimensions": ["model"] } },
    });
    let (bytes, checksum) = (PROCESSED.len() as u64, Checksum::of(PROCESSED.as_bytes()));
    let rows = shared::events::Rows { total: 4, valid: 3, rejected: 1 };
    let manifest = Manifest {
        schema: event.schema,
        run_id: event.run_id,
        dataset: event.dataset,
        received_at: "2026-06-01T08:00:00Z".into(),
        status: Status::Completed,
        code: None,
        reason: None,
        rows,
        codes: BTreeMap::new(),
        violations: Vec::new(),
        outputs: Outputs {
            processed: Some(Output { key, bytes, records: 3, checksum }),
            ..Outputs::default()
        },
        read_as: Some(ReadAs {
            delimiter: ',',
            quote: None,
            escape: None,
            skip_initial_space: false,
            encoding: "utf-8".into(),
            columns: vec!["model".into(), "price".into()],
            notes: Vec::new(),
        }),
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
    manifest
}

#[tokio::test]
async fn a_processed_file_is_analysed_and_announced() {
    let world = world();
    let manifest = processed(&world);
    let response = handler::handle(&world.analyzer, invocation(COMPLETE)).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    let record = world.analyses.get(&manifest.run_id).unwrap();
    assert_eq!((record.records_analyzed, record.narrator), (3, NarratorKind::BuiltIn));
    assert_eq!(world.events.published(), [manifest.analysis_event(&record)]);
}

#[tokio::test]
async fn a_second_delivery_announces_the_same_analysis_again() {
    let world = world();
    processed(&world);
    handler::handle(&world.analyzer, invocation(COMPLETE)).await.unwrap();
    handler::handle(&world.analyzer, invocation(COMPLETE)).await.unwrap();
    let published = world.events.published();
    assert_eq!(published.len(), 2);
    assert_eq!(published[0], published[1]);
}

#[tokio::test]
async fn an_announcement_that_fails_is_caught_up_by_the_redelivery() {
    let world = world();
    processed(&world);
    world.events.fail_next("publish", FaultKind::Unavailable);
    let failed = handler::handle(&world.analyzer, invocation(COMPLETE)).await.unwrap_err();
    assert_eq!(failed.error_type, "Port.Unavailable");
    handler::handle(&world.analyzer, invocation(COMPLETE)).await.unwrap();
    assert_eq!(world.events.published().len(), 1);
}

#[tokio::test]
async fn a_run_without_a_manifest_fails_under_a_stable_name() {
    let failed = handler::handle(&world().analyzer, invocation(COMPLETE)).await.unwrap_err();
    assert_eq!(failed.error_type, "Stage.Broken");
}

#[tokio::test]
async fn a_refused_file_is_not_for_the_analyzer() {
    let world = world();
    let refused = include_str!("../../../events/sqs_file_rejected.json");
    let response = handler::handle(&world.analyzer, invocation(refused)).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    assert!(world.events.published().is_empty());
}
