use aws::eventbridge::BusEvents;
use serde_json::Value;
use shared::events::{FileOverlooked, PipelineEvent, SweepDue};
use shared::identity::ETag;
use shared::memory::ManualClock;
use shared::ports::{Events, Fault, FaultKind, ListingPlace, SourceObject};

use crate::wire::{QUICK, Reply, Wire, at_once};

const GOOD: &str = r#"{"FailedEntryCount":0,"Entries":[{"EventId":"e1"}]}"#;

fn refused(code: &str) -> Reply {
    Reply::new(
        200,
        format!(r#"{{"FailedEntryCount":1,"Entries":[{{"ErrorCode":"{code}","ErrorMessage":"m"}}]}}"#),
    )
}

fn event() -> PipelineEvent {
    let fixture: Value =
        serde_json::from_str(include_str!("../../../../events/processing_complete.json")).unwrap();
    PipelineEvent::parse(PipelineEvent::PROCESSING_COMPLETE, fixture["detail"].clone()).unwrap()
}

async fn publish(wire: &Wire) -> Result<(), Fault> {
    publish_this(wire, &event()).await
}

async fn publish_this(wire: &Wire, event: &PipelineEvent) -> Result<(), Fault> {
    let config = aws_sdk_eventbridge::Config::builder()
        .with_test_defaults_v2()
        .retry_config(at_once(4))
        .http_client(wire.clone())
        .build();
    let client = aws_sdk_eventbridge::Client::from_conf(config);
    BusEvents::with_clock(client, "pipeline", ManualClock::default(), QUICK).publish(event).await
}

#[tokio::test]
async fn an_entry_says_what_it_is_and_which_object_it_is_about() {
    let wire = Wire::replying([Reply::new(200, GOOD)]);
    publish(&wire).await.unwrap();
    let asked = wire.only().json();
    let entry = &asked["Entries"][0];
    assert_eq!(asked["Entries"].as_array().unwrap().len(), 1);
    assert_eq!(entry["EventBusName"], "pipeline");
    assert_eq!(entry["Source"], "gristmill.processor");
    assert_eq!(entry["DetailType"], "Processing Complete");
    assert_eq!(
        entry["Resources"][0],
        "arn:aws:s3:::gristmill-example/input/smartphone_sales/May 2026 + June.csv"
    );
    assert_eq!(entry["Detail"].as_str().unwrap(), event().detail().unwrap());
}

#[tokio::test]
async fn a_sweep_is_about_a_bucket_and_an_overlooked_file_about_an_object() {
    let from = ListingPlace { key: "input/a.csv".into(), version_id: None };
    let sweep = SweepDue { schema: 1, bucket: "b".into(), from: Some(from) };
    let source = SourceObject {
        bucket: "b".into(),
        key: "input/a.csv".into(),
        etag: ETag::parse("e"),
        version_id: None,
        size: 1,
    };
    for (event, resource) in [
        (PipelineEvent::SweepDue(sweep), "arn:aws:s3:::b"),
        (PipelineEvent::FileOverlooked(FileOverlooked { schema: 1, source }), "arn:aws:s3:::b/input/a.csv"),
    ] {
        let wire = Wire::replying([Reply::new(200, GOOD)]);
        publish_this(&wire, &event).await.unwrap();
        let entry = wire.only().json()["Entries"][0].clone();
        assert_eq!(entry["Resources"], serde_json::json!([resource]));
        assert_eq!(entry["Source"], "gristmill.processor");
    }
}

#[tokio::test]
async fn an_entry_that_was_refused_for_now_is_sent_again_though_the_answer_was_200() {
    let wire =
        Wire::replying([refused("ThrottlingException"), refused("InternalFailure"), Reply::new(200, GOOD)]);
    publish(&wire).await.unwrap();
    assert_eq!(wire.sent().len(), 3);
}

#[tokio::test]
async fn an_entry_that_is_always_refused_is_a_fault_in_the_end() {
    let wire = Wire::answering(|_| refused("ThrottlingException"));
    let fault = publish(&wire).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Throttled, "ThrottlingException"));
    assert_eq!(wire.sent().len(), 5, "our attempts, not multiplied by the SDK's");
}

#[tokio::test]
async fn an_entry_that_can_never_pass_is_not_sent_again() {
    let wire = Wire::replying([refused("MalformedDetail")]);
    assert_eq!(publish(&wire).await.unwrap_err().kind, FaultKind::Invalid);
}

#[tokio::test]
async fn a_failed_call_is_repeated_by_the_sdk_alone() {
    let wire = Wire::answering(|_| Reply::json_error(500, "InternalException"));
    assert_eq!(publish(&wire).await.unwrap_err().kind, FaultKind::Unavailable);
    assert_eq!(wire.sent().len(), 4);
}

#[tokio::test]
async fn a_missing_permission_is_told_by_its_code() {
    let wire = Wire::replying([Reply::json_error(400, "AccessDeniedException")]);
    let fault = publish(&wire).await.unwrap_err();
    assert_eq!((fault.kind, fault.operation), (FaultKind::Denied, "PutEvents"));
}

#[tokio::test]
async fn a_fault_tells_its_cause_and_request_but_never_the_whole_answer() {
    let secret = r#"{"__type":"ValidationException","message":"too long","row":"SECRET"}"#;
    let wire = Wire::replying([Reply::new(400, secret).with("x-amzn-requestid", "r-1")]);
    let fault = publish(&wire).await.unwrap_err();
    let told = fault.source.unwrap().to_string();
    assert!(told.contains("too long") && told.contains("request r-1"), "{told}");
    assert!(!told.contains("SECRET"), "{told}");
}
