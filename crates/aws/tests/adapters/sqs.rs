use std::time::Duration;

use aws::sqs::SqsQueues;
use serde_json::json;
use shared::ports::{Depth, FaultKind, Letter, Queues};

use crate::wire::{Reply, Wire, at_once};

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/mill-process";
const MINUTE: Duration = Duration::from_secs(60);

fn queues(wire: &Wire) -> SqsQueues {
    let config = aws_sdk_sqs::Config::builder()
        .with_test_defaults_v2()
        .retry_config(at_once(4))
        .http_client(wire.clone())
        .build();
    SqsQueues::new(aws_sdk_sqs::Client::from_conf(config))
}

/// A wire that knows the queue's address, and answers to the rest with these.
fn wire(replies: impl IntoIterator<Item = Reply>) -> Wire {
    let address = Reply::new(200, json!({ "QueueUrl": URL }).to_string());
    Wire::replying(std::iter::once(address).chain(replies))
}

/// The calls, as the protocol names them.
fn called(wire: &Wire) -> Vec<String> {
    let name = |target: &str| target.trim_start_matches("AmazonSQS.").to_owned();
    wire.sent().iter().map(|sent| name(sent.header("x-amz-target").unwrap())).collect()
}

#[tokio::test]
async fn a_body_is_sent_as_it_is_to_the_address_that_was_asked_for_once() {
    let sent = || Reply::new(200, r#"{"MessageId":"m1","MD5OfMessageBody":"x"}"#);
    let wire = wire([sent(), sent()]);
    let queues = queues(&wire);
    let body = "{\"key\": \"a\u{e4} \\u0001\"}\n";
    queues.send("mill-process", body).await.unwrap();
    queues.send("mill-process", "two").await.unwrap();
    assert_eq!(called(&wire), ["GetQueueUrl", "SendMessage", "SendMessage"]);
    assert_eq!(wire.sent()[0].json(), json!({ "QueueName": "mill-process" }));
    assert_eq!(wire.sent()[1].json(), json!({ "QueueUrl": URL, "MessageBody": body }));
    assert_eq!(queues.address("mill-process").await.unwrap(), URL);
}

#[tokio::test]
async fn letters_are_received_hidden_with_their_age_and_their_count() {
    let wire = wire([Reply::new(
        200,
        json!({ "Messages": [{
            "MessageId": "m1", "ReceiptHandle": "r1", "Body": "{}", "MD5OfBody": "x",
            "Attributes": { "SentTimestamp": "1700000000123", "ApproximateReceiveCount": "6" },
        }] })
        .to_string(),
    )]);
    let letters = queues(&wire).receive("q", MINUTE).await.unwrap();
    let expected = Letter {
        id: "m1".into(),
        receipt: "r1".into(),
        body: "{}".into(),
        sent_at: "2023-11-14T22:13:20.123Z".parse().unwrap(),
        receives: 6,
    };
    assert_eq!(letters, [expected]);
    let asked = wire.sent()[1].json();
    assert_eq!((&asked["VisibilityTimeout"], &asked["MaxNumberOfMessages"]), (&json!(60), &json!(10)));
    assert_eq!(asked["WaitTimeSeconds"], 1, "all of SQS's servers are asked");
    let names = asked["MessageSystemAttributeNames"].as_array().unwrap();
    assert_eq!(names, &["SentTimestamp", "ApproximateReceiveCount"]);
}

#[tokio::test]
async fn an_empty_answer_has_no_letters_and_an_incomplete_one_is_a_fault() {
    let wire = wire([
        Reply::new(200, "{}"),
        Reply::new(200, r#"{"Messages":[{"MessageId":"m1","ReceiptHandle":"r1","Body":"{}"}]}"#),
        Reply::new(200, "{}"),
    ]);
    let queues = queues(&wire);
    assert!(queues.receive("q", MINUTE).await.unwrap().is_empty());
    let fault = queues.receive("q", MINUTE).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Internal, "NoSentTimestamp"));
    assert_eq!(queues.send("q", "{}").await.unwrap_err().code, "NoMessageId");
}

#[tokio::test]
async fn a_letter_is_deleted_or_shown_again_by_its_receipt() {
    let stale = Reply::json_error(400, "com.amazonaws.sqs#ReceiptHandleIsInvalid");
    let wire = wire([Reply::new(200, "{}"), Reply::new(200, "{}"), stale]);
    let queues = queues(&wire);
    queues.release("q", "r1").await.unwrap();
    queues.delete("q", "r1").await.unwrap();
    queues.delete("q", "r1").await.unwrap();
    let names = ["GetQueueUrl", "ChangeMessageVisibility", "DeleteMessage", "DeleteMessage"];
    assert_eq!(called(&wire), names);
    let shown = json!({ "QueueUrl": URL, "ReceiptHandle": "r1", "VisibilityTimeout": 0 });
    assert_eq!(wire.sent()[1].json(), shown);
    assert_eq!(wire.sent()[2].json(), json!({ "QueueUrl": URL, "ReceiptHandle": "r1" }));
}

#[tokio::test]
async fn a_depth_counts_what_waits_what_is_hidden_and_what_is_delayed() {
    let counts = json!({ "Attributes": {
        "ApproximateNumberOfMessages": "300", "ApproximateNumberOfMessagesNotVisible": "7",
        "ApproximateNumberOfMessagesDelayed": "1",
    } });
    let wire = wire([Reply::new(200, counts.to_string()), Reply::new(200, r#"{"Attributes":{}}"#)]);
    let queues = queues(&wire);
    let depth = queues.depth("q").await.unwrap();
    assert_eq!(depth, Depth { visible: 300, hidden: 7, delayed: 1 });
    assert_eq!(depth.total(), 308);
    // What is not said is not nought.
    assert_eq!(queues.depth("q").await.unwrap_err().code, "NoApproximateNumberOfMessages");
}

#[tokio::test]
async fn what_sqs_refuses_is_told_by_its_code() {
    let missing = Reply::json_error(400, "com.amazonaws.sqs#QueueDoesNotExist")
        .with("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender");
    let fault = queues(&Wire::replying([missing])).depth("none").await.unwrap_err();
    assert_eq!((fault.operation, fault.kind), ("GetQueueUrl", FaultKind::NotFound));
    for (code, kind) in [
        ("AccessDeniedException", FaultKind::Denied),
        ("KMS.AccessDeniedException", FaultKind::Denied),
        ("OverLimit", FaultKind::Throttled),
    ] {
        let wire = wire([Reply::json_error(400, code)]);
        let fault = queues(&wire).receive("q", MINUTE).await.unwrap_err();
        assert_eq!((fault.operation, fault.kind), ("ReceiveMessage", kind), "{code}");
    }
}
