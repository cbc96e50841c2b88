use std::collections::BTreeMap;

use aws::dynamodb::TableAnalyses;
use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::events::Rows;
use shared::facts::{Fact, FactKind};
use shared::identity::RunId;
use shared::ports::{Analyses, Claim, Claimed, Commit, FaultKind, Lease, SendOutcome, Task};
use shared::record::{AnalysisRecord, Insight, Level, ModelUse, NarratorKind};

use crate::wire::{Reply, Wire, at_once};

const RUN: &str = "4f8a1c2b3d4e5f60718293a4b5c6d7e8";

fn run() -> RunId {
    RunId::try_from(RUN.to_owned()).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn table(wire: &Wire) -> TableAnalyses {
    let config = aws_sdk_dynamodb::Config::builder()
        .with_test_defaults_v2()
        .retry_config(at_once(4))
        .http_client(wire.clone())
        .build();
    TableAnalyses::new(Client::from_conf(config), "analyses", 1)
}

fn claim(task: Task) -> Claim {
    Claim {
        run_id: run(),
        task,
        owner: "me".into(),
        now: at(1_000),
        lease_until: at(1_060),
        unsettled_before: at(100),
    }
}

fn lease(task: Task) -> Lease {
    Lease { run_id: run(), task, owner: "me".into(), fence: 3 }
}

fn condition_failed(old: &Value) -> Reply {
    let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    Reply::new(400, json!({ "__type": code, "message": "m", "Item": old }).to_string())
}

fn held(prefix: &str, owner: &str, state: &str, more: &Value) -> Value {
    let mut item = json!({ "run_id": { "S": RUN } });
    item[format!("{prefix}_owner")] = json!({ "S": owner });
    item[format!("{prefix}_state")] = json!({ "S": state });
    item[format!("{prefix}_fence")] = json!({ "N": "3" });
    item[format!("{prefix}_lease")] = json!({ "N": "1050000" });
    for (name, value) in more.as_object().unwrap() {
        item[name] = value.clone();
    }
    item
}

/// The expression with its placeholders filled in, so that a test reads what DynamoDB will do.
fn filled(asked: &Value, expression: &str) -> String {
    let mut text = asked[expression].as_str().unwrap().to_owned();
    let mut placeholders: Vec<(&String, String)> = Vec::new();
    for (name, attribute) in asked["ExpressionAttributeNames"].as_object().unwrap() {
        placeholders.push((name, attribute.as_str().unwrap().to_owned()));
    }
    for (label, value) in asked["ExpressionAttributeValues"].as_object().unwrap() {
        let (_, plain) = value.as_object().unwrap().iter().next().unwrap();
        placeholders.push((label, plain.as_str().map_or_else(|| plain.to_string(), str::to_owned)));
    }
    placeholders.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, value) in placeholders {
        text = text.replace(name.as_str(), &value);
    }
    text
}

#[tokio::test]
async fn a_claim_is_one_conditional_write() {
    let wire = Wire::replying([Reply::new(200, r#"{"Attributes":{"analyze_fence":{"N":"1"}}}"#)]);
    let claimed = table(&wire).claim(&claim(Task::Analyze)).await.unwrap();
    assert_eq!(claimed, Claimed::Granted(Lease { fence: 1, ..lease(Task::Analyze) }));
    let asked = wire.only().json();
    assert_eq!(asked["TableName"], "analyses");
    assert_eq!(asked["Key"], json!({ "run_id": { "S": RUN } }));
    assert_eq!(asked["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
    assert_eq!(
        filled(&asked, "ConditionExpression"),
        "attribute_not_exists(analyze_state) OR (analyze_state = CLAIMED AND analyze_lease < 1000000)"
    );
    assert_eq!(
        filled(&asked, "UpdateExpression"),
        "SET analyze_state = CLAIMED, analyze_owner = me, analyze_lease = 1060000, \
         ttl = if_not_exists(ttl, 87400) ADD analyze_fence 1"
    );
}

#[tokio::test]
async fn a_send_that_was_never_settled_may_be_taken_over() {
    let wire = Wire::replying([Reply::new(200, r#"{"Attributes":{"notify_fence":{"N":"2"}}}"#)]);
    table(&wire).claim(&claim(Task::Notify)).await.unwrap();
    assert_eq!(
        filled(&wire.only().json(), "ConditionExpression"),
        "attribute_not_exists(notify_state) OR (notify_state = CLAIMED AND notify_lease < 1000000) \
         OR (notify_state = SENDING AND send_since < 100000)"
    );
}

async fn refused_claim(task: Task, old: &Value) -> Claimed {
    let wire = Wire::replying([condition_failed(old)]);
    table(&wire).claim(&claim(task)).await.unwrap()
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_granted_to_its_own_owner() {
    let old = held("analyze", "me", "CLAIMED", &json!({}));
    assert_eq!(refused_claim(Task::Analyze, &old).await, Claimed::Granted(lease(Task::Analyze)));
}

#[tokio::test]
async fn a_task_of_another_owner_is_busy_until_its_lease_ends() {
    let old = held("analyze", "you", "CLAIMED", &json!({}));
    assert_eq!(refused_claim(Task::Analyze, &old).await, Claimed::Busy { until: at(1_050) });
}

#[tokio::test]
async fn a_task_that_is_done_is_finished_whoever_did_it() {
    for (prefix, task, state) in [
        ("analyze", Task::Analyze, "FINISHED"),
        ("notify", Task::Notify, "SENT"),
        ("notify", Task::Notify, "REFUSED"),
    ] {
        for owner in ["me", "you"] {
            assert_eq!(refused_claim(task, &held(prefix, owner, state, &json!({}))).await, Claimed::Finished);
        }
    }
}

#[tokio::test]
async fn an_unsettled_send_is_busy_until_the_grace_is_over() {
    let old = held("notify", "me", "SENDING", &json!({ "send_since": { "N": "500000" } }));
    let until = at(500 + 900).checked_add(SignedDuration::from_millis(1)).unwrap();
    assert_eq!(refused_claim(Task::Notify, &old).await, Claimed::Busy { until });
}

fn record() -> AnalysisRecord {
    AnalysisRecord {
        analysis_id: run(),
        correlation_id: RUN.into(),
        dataset: "smartphone_sales".into(),
        source_file: "input/smartphone_sales/sales.csv".into(),
        processed_file: None,
        records_analyzed: 717,
        analysis_timestamp: "2026-06-01T08:00:00Z".into(),
        insights: vec![Insight {
            kind: "top_group".into(),
            description: "iPhone 15 sold 10 times.".into(),
            confidence: Level::High,
            facts: vec!["f1".into()],
        }],
        anomalies: vec![],
        recommendations: vec![],
        summary: String::new(),
        notification_sent: false,
        notification_timestamp: None,
        ttl: 1_811_836_800,
        facts: ["604263", "842.77", "12345678901234567890.12345678", "-0.1"]
            .into_iter()
            .map(|number| Fact {
                id: "f1".into(),
                kind: FactKind::Sum,
                measure: Some("price".into()),
                subject: BTreeMap::from([("model".into(), "iPhone 15".into())]),
                value: number.parse::<rust_decimal::Decimal>().unwrap().into(),
                unit: None,
                of: 717,
                rank: None,
                approximate: false,
                error: None,
            })
            .collect(),
        narrator: NarratorKind::BuiltIn,
        narrator_reason: Some("the model is off".into()),
        model: Some(ModelUse {
            id: "m".into(),
            input_tokens: u64::MAX,
            output_tokens: 0,
            cost_usd: None,
            sentences_withheld: 1,
        }),
        rows: Rows { total: 1002, valid: 717, rejected: 285 },
    }
}

#[tokio::test]
async fn an_analysis_is_stored_under_its_lease_beside_the_notifiers_attributes() {
    let wire = Wire::replying([Reply::new(200, "{}")]);
    assert_eq!(table(&wire).store(&lease(Task::Analyze), &record()).await.unwrap(), Commit::Stored);
    let asked = wire.only().json();
    assert_eq!(
        filled(&asked, "ConditionExpression"),
        "analyze_owner = me AND analyze_fence = 3 AND analyze_state = CLAIMED"
    );
    let update = filled(&asked, "UpdateExpression");
    assert!(update.starts_with("SET analyze_state = FINISHED"), "{update}");
    assert!(update.contains("notification_sent = if_not_exists(notification_sent, false)"), "{update}");
    assert!(update.contains("records_analyzed = 717"), "{update}");
    assert!(!update.contains("notify_") && !update.contains("REMOVE"), "{update}");
}

#[tokio::test]
async fn what_is_stored_is_what_is_loaded() {
    let wire = Wire::replying([Reply::new(200, "{}")]);
    table(&wire).store(&lease(Task::Analyze), &record()).await.unwrap();
    let asked = wire.only().json();
    // The item that DynamoDB would make of it: every attribute that the update sets, and the claims.
    let mut item = held("analyze", "me", "FINISHED", &json!({}));
    for (name, attribute) in asked["ExpressionAttributeNames"].as_object().unwrap() {
        let label = format!(":{}", name.trim_start_matches('#'));
        if let Some(value) = asked["ExpressionAttributeValues"].get(label) {
            item[attribute.as_str().unwrap()] = value.clone();
        }
    }
    item["notification_sent"] = json!({ "BOOL": false });
    assert_eq!(item["ttl"], json!({ "N": "1811836800" }));
    let wire = Wire::replying([Reply::new(200, json!({ "Item": item }).to_string())]);
    assert_eq!(table(&wire).load(&run()).await.unwrap(), Some(record()));
    assert_eq!(wire.only().json()["ConsistentRead"], true);
}

#[tokio::test]
async fn an_item_of_claims_only_holds_no_analysis() {
    let claims = held("notify", "me", "CLAIMED", &json!({ "ttl": { "N": "1" } }));
    for answer in ["{}".to_owned(), json!({ "Item": claims }).to_string()] {
        let wire = Wire::replying([Reply::new(200, answer)]);
        assert_eq!(table(&wire).load(&run()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_record_that_is_too_large_is_refused_before_the_call() {
    let wire = Wire::replying([]);
    let large = AnalysisRecord { summary: "x".repeat(360_000), ..record() };
    let fault = table(&wire).store(&lease(Task::Analyze), &large).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Invalid, "RecordTooLarge"));
}

#[tokio::test]
async fn a_stored_analysis_whose_answer_was_lost_counts_as_stored() {
    for (owner, state, expected) in [
        ("me", "FINISHED", Commit::Stored),
        ("you", "FINISHED", Commit::Lost),
        ("you", "CLAIMED", Commit::Lost),
    ] {
        let wire = Wire::replying([condition_failed(&held("analyze", owner, state, &json!({})))]);
        let commit = table(&wire).store(&lease(Task::Analyze), &record()).await.unwrap();
        assert_eq!(commit, expected, "{owner} {state}");
    }
}

#[tokio::test]
async fn a_send_is_written_down_before_it_begins() {
    let wire = Wire::replying([Reply::new(200, "{}")]);
    table(&wire).begin_send(&lease(Task::Notify), "s-1", at(1_001)).await.unwrap();
    let asked = wire.only().json();
    assert_eq!(
        filled(&asked, "UpdateExpression"),
        "SET notify_state = SENDING, send_id = s-1, send_since = 1001000"
    );
    assert_eq!(
        filled(&asked, "ConditionExpression"),
        "notify_owner = me AND notify_fence = 3 AND notify_state = CLAIMED"
    );
}

#[tokio::test]
async fn a_begun_send_counts_as_begun_only_if_it_is_this_very_one() {
    for (send_id, expected) in [("s-1", Commit::Stored), ("s-2", Commit::Lost)] {
        let old = held("notify", "me", "SENDING", &json!({ "send_id": { "S": send_id } }));
        let wire = Wire::replying([condition_failed(&old)]);
        let commit = table(&wire).begin_send(&lease(Task::Notify), "s-1", at(1_001)).await.unwrap();
        assert_eq!(commit, expected);
    }
}

#[tokio::test]
async fn each_end_of_a_send_has_its_own_state() {
    for (outcome, update, landed) in [
        (
            SendOutcome::Sent { message_id: "m-1".into(), at: at(1_002) },
            "SET notify_state = SENT, message_id = m-1, notification_sent = true, \
             notification_timestamp = 1970-01-01T00:16:42Z",
            "SENT",
        ),
        (SendOutcome::NotSent, "SET notify_state = CLAIMED REMOVE send_id, send_since", "CLAIMED"),
        (
            SendOutcome::Refused { code: "MessageRejected".into(), at: at(1_002) },
            "SET notify_state = REFUSED, refused_code = MessageRejected, refused_at = 1970-01-01T00:16:42Z",
            "REFUSED",
        ),
    ] {
        let wire = Wire::replying([
            Reply::new(200, "{}"),
            condition_failed(&held("notify", "me", landed, &json!({}))),
            condition_failed(&held("notify", "you", landed, &json!({}))),
        ]);
        let table = table(&wire);
        let lease = lease(Task::Notify);
        assert_eq!(table.end_send(&lease, &outcome).await.unwrap(), Commit::Stored);
        assert_eq!(table.end_send(&lease, &outcome).await.unwrap(), Commit::Stored, "own retry");
        assert_eq!(table.end_send(&lease, &outcome).await.unwrap(), Commit::Lost, "another's");
        let asked = wire.sent()[0].json();
        assert_eq!(filled(&asked, "UpdateExpression"), update);
        assert!(filled(&asked, "ConditionExpression").ends_with("notify_state = SENDING"));
    }
}

#[tokio::test]
async fn throttling_is_repeated_and_then_told() {
    let code = "ProvisionedThroughputExceededException";
    let wire = Wire::answering(move |_| Reply::json_error(400, code));
    let fault = table(&wire).claim(&claim(Task::Analyze)).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Throttled, code));
    assert_eq!(wire.sent().len(), 4);
}
