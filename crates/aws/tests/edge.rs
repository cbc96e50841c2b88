//! The edge on batches as Lambda delivers them.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its input has failed")]

use std::cell::RefCell;

use aws::edge::{Answer, BatchFailed, Context, LambdaEvent, SqsBatchResponse, SqsEvent, answer_batch};
use aws::trigger::Trigger;
use jiff::Timestamp;
use lambda_runtime::Diagnostic;
use serde_json::json;
use shared::memory::ManualClock;
use shared::ports::{Fault, FaultKind};
use shared::stage::{Delivery, StageError};

const CREATED: &str = include_str!("../../../events/s3_object_created.json");
const DELETED: &str = include_str!("../../../events/s3_object_deleted.json");
const DEADLINE_MS: u64 = 1_780_300_900_000;

fn batch(bodies: &[(&str, &str)]) -> LambdaEvent<SqsEvent> {
    let records: Vec<_> = bodies.iter().map(|(id, body)| json!({ "messageId": id, "body": body })).collect();
    let payload: SqsEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
    let mut context = Context::default();
    context.request_id = "request-1".to_owned();
    context.deadline = DEADLINE_MS;
    LambdaEvent::new(payload, context)
}

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_millisecond(i64::try_from(DEADLINE_MS).unwrap() - 60_000).unwrap())
}

fn failed_ids(response: &SqsBatchResponse) -> Vec<&str> {
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
}

fn throttled() -> StageError {
    Fault::new("GetObject", FaultKind::Throttled, "SlowDown").into()
}

/// Succeeds or fails by the key of the arrival.
async fn by_key(trigger: Trigger, _: Delivery) -> Result<Answer, StageError> {
    let Trigger::Arrivals(arrivals) = trigger else { return Ok(Answer::ignored()) };
    match arrivals.first().unwrap().source.key.as_str() {
        key if key.contains("throttled") => Err(throttled()),
        key if key.contains("busy") => Err(StageError::Busy { until: Timestamp::UNIX_EPOCH }),
        _ => Ok(Answer::new("processed")),
    }
}

fn keyed(name: &str) -> String {
    CREATED.replace("May 2026 + June", name)
}

#[tokio::test]
async fn only_the_failed_messages_go_back() {
    let event = batch(&[("m1", CREATED), ("m2", &keyed("throttled")), ("m3", "no JSON"), ("m4", DELETED)]);
    let response = answer_batch(event, &clock(), by_key).await.unwrap();
    assert_eq!(failed_ids(&response), ["m2", "m3"]);
}

#[tokio::test]
async fn a_batch_of_which_nothing_succeeded_is_an_error_with_a_stable_type() {
    let event = batch(&[("m1", &keyed("throttled")), ("m2", "no JSON")]);
    let failed = answer_batch(event, &clock(), by_key).await.unwrap_err();
    assert_eq!(failed.messages, 2);
    let diagnostic = Diagnostic::from(failed);
    assert_eq!(diagnostic.error_type, "Port.Throttled");
    assert!(diagnostic.error_message.contains("GetObject failed: SlowDown"), "{diagnostic:?}");
}

#[tokio::test]
async fn a_body_that_is_no_message_fails_with_its_type() {
    for (body, expected) in
        [("", "Message.NotJson"), ("{}", "Message.Unknown"), (r#"{"Records":3}"#, "Message.BadShape")]
    {
        let failed: BatchFailed = answer_batch(batch(&[("m1", body)]), &clock(), by_key).await.unwrap_err();
        assert_eq!(failed.error_type, expected);
    }
}

#[tokio::test]
async fn deliveries_that_meet_go_back_without_an_alarm() {
    let response = answer_batch(batch(&[("m1", &keyed("busy"))]), &clock(), by_key).await.unwrap();
    assert_eq!(failed_ids(&response), ["m1"]);
}

#[tokio::test]
async fn a_test_event_and_foreign_events_are_acknowledged_without_the_stage() {
    let test = include_str!("../../../events/s3_test_event.json");
    let never = |trigger: Trigger, _: Delivery| async move { panic!("{trigger:?}") };
    let response = answer_batch(batch(&[("m1", test), ("m2", DELETED)]), &clock(), never).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
}

#[tokio::test]
async fn the_delivery_names_its_owner_and_its_deadline() {
    let seen = RefCell::new(Vec::new());
    let note = |_: Trigger, delivery: Delivery| {
        seen.borrow_mut().push(delivery);
        async { Ok(Answer::new("processed")) }
    };
    answer_batch(batch(&[("m1", CREATED), ("m2", CREATED)]), &clock(), note).await.unwrap();
    let deadline = Timestamp::from_millisecond(i64::try_from(DEADLINE_MS).unwrap()).unwrap();
    let owners: Vec<_> = seen.borrow().iter().map(|delivery| delivery.owner.clone()).collect();
    assert_eq!(owners, ["request-1/m1", "request-1/m2"]);
    assert!(seen.borrow().iter().all(|delivery| delivery.deadline == deadline));
}

#[tokio::test]
async fn a_message_whose_time_is_up_goes_back_unbegun() {
    let late =
        ManualClock::at(Timestamp::from_millisecond(i64::try_from(DEADLINE_MS).unwrap() - 500).unwrap());
    let failed = answer_batch(batch(&[("m1", CREATED)]), &late, by_key).await.unwrap_err();
    assert_eq!(failed.error_type, "Edge.OutOfTime");
}

#[tokio::test]
async fn an_empty_batch_is_answered() {
    let response = answer_batch(batch(&[]), &clock(), by_key).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
}

#[tokio::test]
async fn what_ses_says_and_what_the_schedule_asks_reach_the_stage() {
    let bodies = [
        ("m1", include_str!("../../../events/ses_email_bounced.json")),
        ("m2", include_str!("../../../events/sweep_due.json")),
        ("m3", include_str!("../../../events/file_overlooked.json")),
    ];
    let seen = RefCell::new(Vec::new());
    let note = |trigger: Trigger, _: Delivery| {
        seen.borrow_mut().push(match trigger {
            Trigger::Feedback(feedback) => feedback.kind.as_str(),
            Trigger::Pipeline(event) => event.detail_type(),
            Trigger::Arrivals(_) | Trigger::Unrelated { .. } => "",
        });
        async { Ok(Answer::new("taken")) }
    };
    let response = answer_batch(batch(&bodies), &clock(), note).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    assert_eq!(*seen.borrow(), ["bounced", "Sweep Due", "File Overlooked"]);
}
