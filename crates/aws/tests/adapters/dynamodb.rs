use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws::dynamodb::TableAnalyses;
use aws_sdk_dynamodb::Client;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::claims::TaskState;
use shared::events::Rows;
use shared::facts::{Fact, FactKind};
use shared::identity::RunId;
use shared::ports::{
    Analyses, Claim, Claimed, Commit, FaultKind, FeedbackKind, Heard, Lease, MailFeedback, SendOutcome, Task,
};
use shared::record::{AnalysisRecord, Insight, Level, ModelUse, NarratorKind};

use self::table::Table;
use crate::wire::{Reply, Wire, at_once};

mod agreement;
mod table;

const RUN: &str = "4f8a1c2b3d4e5f60718293a4b5c6d7e8";

fn run() -> RunId {
    RunId::try_from(RUN.to_owned()).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn on(wire: &Wire) -> TableAnalyses {
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
        resend_before: Some(at(100)),
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
    let claimed = on(&wire).claim(&claim(Task::Analyze)).await.unwrap();
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
async fn a_send_that_was_never_settled_may_be_taken_over_where_it_may_be_sent_again() {
    let over = "attribute_not_exists(notify_state) OR (notify_state = CLAIMED AND notify_lease < 1000000)";
    let resend = format!(
        "{over} OR (notify_state = SENDING AND (attribute_not_exists(send_since) OR send_since < 100000))"
    );
    for (resend_before, condition) in [(Some(at(100)), resend.as_str()), (None, over)] {
        let wire = Wire::replying([Reply::new(200, r#"{"Attributes":{"notify_fence":{"N":"2"}}}"#)]);
        on(&wire).claim(&Claim { resend_before, ..claim(Task::Notify) }).await.unwrap();
        let asked = wire.only().json();
        assert_eq!(filled(&asked, "ConditionExpression"), condition);
        assert_eq!(asked["Key"], json!({ "run_id": { "S": format!("{RUN}#mail") } }), "an item of its own");
        let update = filled(&asked, "UpdateExpression");
        assert!(update.contains(" REMOVE send_id, send_since, "), "{update}");
        for indexed in ["dataset", "correlation_id"] {
            assert!(!update.contains(indexed), "the mail's item is in no index: {update}");
        }
    }
}

async fn refused_claim(task: Task, old: &Value) -> Claimed {
    let wire = Wire::replying([condition_failed(old)]);
    on(&wire).claim(&claim(task)).await.unwrap()
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
        ("notify", Task::Notify, "PARKED"),
    ] {
        for owner in ["me", "you"] {
            assert_eq!(refused_claim(task, &held(prefix, owner, state, &json!({}))).await, Claimed::Finished);
        }
    }
}

#[tokio::test]
async fn an_unsettled_send_is_told_with_its_beginning() {
    let attempt = json!({ "send_id": { "S": "s-1" }, "send_since": { "N": "500000" } });
    let unsettled = Claimed::Unsettled { send_id: "s-1".into(), since: at(500) };
    for owner in ["me", "you"] {
        assert_eq!(refused_claim(Task::Notify, &held("notify", owner, "SENDING", &attempt)).await, unsettled);
    }
}

#[tokio::test]
async fn an_item_that_makes_no_sense_is_a_fault_and_no_answer() {
    for (state, more) in [
        ("ASLEEP", json!({})),
        ("FINISHED", json!({})),
        ("SENDING", json!({ "send_id": { "S": "s-1" } })),
        ("CLAIMED", json!({ "notify_lease": { "S": "soon" } })),
    ] {
        let wire = Wire::replying([condition_failed(&held("notify", "me", state, &more))]);
        let fault = on(&wire).claim(&claim(Task::Notify)).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Internal, "UnreadableClaim"), "{state}");
    }
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
async fn an_analysis_is_stored_under_its_lease_with_its_claim() {
    let wire = Wire::replying([Reply::new(200, "{}")]);
    assert_eq!(on(&wire).store(&lease(Task::Analyze), &record()).await.unwrap(), Commit::Stored);
    let asked = wire.only().json();
    assert_eq!(
        filled(&asked, "ConditionExpression"),
        "analyze_owner = me AND analyze_fence = 3 AND analyze_state = CLAIMED"
    );
    let update = filled(&asked, "UpdateExpression");
    assert!(update.starts_with("SET analyze_state = FINISHED"), "{update}");
    assert!(update.contains("notification_sent = false"), "{update}");
    assert!(update.contains("records_analyzed = 717"), "{update}");
    assert!(!update.contains("notify_") && !update.contains("REMOVE"), "{update}");
}

#[tokio::test]
async fn what_is_stored_is_what_is_loaded() {
    let wire = Wire::replying([Reply::new(200, "{}")]);
    on(&wire).store(&lease(Task::Analyze), &record()).await.unwrap();
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
    assert_eq!(on(&wire).load(&run()).await.unwrap(), Some(record()));
    assert_eq!(wire.only().json()["ConsistentRead"], true);
}

#[tokio::test]
async fn an_item_of_claims_only_holds_no_analysis() {
    let claims = held("analyze", "me", "CLAIMED", &json!({ "ttl": { "N": "1" } }));
    for answer in ["{}".to_owned(), json!({ "Item": claims }).to_string()] {
        let wire = Wire::replying([Reply::new(200, answer)]);
        assert_eq!(on(&wire).load(&run()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_record_that_is_too_large_is_refused_before_the_call() {
    let wire = Wire::replying([]);
    let large = AnalysisRecord { summary: "x".repeat(360_000), ..record() };
    let fault = on(&wire).store(&lease(Task::Analyze), &large).await.unwrap_err();
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
        let commit = on(&wire).store(&lease(Task::Analyze), &record()).await.unwrap();
        assert_eq!(commit, expected, "{owner} {state}");
    }
}

#[tokio::test]
async fn a_send_is_written_down_before_it_begins() {
    let wire = Wire::replying([Reply::new(200, "{}")]);
    on(&wire).begin_send(&lease(Task::Notify), "s-1", at(1_001)).await.unwrap();
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
        let attempt = json!({ "send_id": { "S": send_id }, "send_since": { "N": "1001000" } });
        let old = held("notify", "me", "SENDING", &attempt);
        let wire = Wire::replying([condition_failed(&old)]);
        let commit = on(&wire).begin_send(&lease(Task::Notify), "s-1", at(1_001)).await.unwrap();
        assert_eq!(commit, expected);
    }
}

#[tokio::test]
async fn each_end_of_a_send_has_its_own_state() {
    for (outcome, update, landed) in [
        (
            SendOutcome::Sent { message_id: "m-1".into(), at: at(1_002) },
            "SET notify_state = SENT, ended_at = 1970-01-01T00:16:42Z, message_id = m-1 REMOVE refused_code",
            "SENT",
        ),
        (SendOutcome::NotSent, "SET notify_state = CLAIMED REMOVE send_id, send_since", "CLAIMED"),
        (
            SendOutcome::Refused { code: "MessageRejected".into(), at: at(1_002) },
            "SET notify_state = REFUSED, ended_at = 1970-01-01T00:16:42Z, refused_code = MessageRejected \
             REMOVE message_id",
            "REFUSED",
        ),
    ] {
        let wire = Wire::replying([
            Reply::new(200, "{}"),
            condition_failed(&held("notify", "me", landed, &json!({}))),
            condition_failed(&held("notify", "you", landed, &json!({}))),
        ]);
        let table = on(&wire);
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
    let fault = on(&wire).claim(&claim(Task::Analyze)).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Throttled, code));
    assert_eq!(wire.sent().len(), 4);
}

/// A mail whose sending has begun, and the record of its run.
fn sending() -> Table {
    let table = Table::default();
    let attempt = json!({ "send_id": { "S": "s-1" }, "send_since": { "N": "1001000" } });
    table.put(&format!("{RUN}#mail"), held("notify", "me", "SENDING", &attempt));
    let unsaid = json!({ "BOOL": false });
    table.put(
        RUN,
        json!({ "analysis_id": { "S": RUN }, "summary": { "S": "s" }, "notification_sent": unsaid }),
    );
    table
}

fn told(kind: FeedbackKind, second: i64) -> MailFeedback {
    let code = (kind == FeedbackKind::Bounced).then(|| "Permanent/General".to_owned());
    MailFeedback {
        run_id: run(),
        send_id: "s-1".into(),
        message_id: "m-1".into(),
        kind,
        at: at(second),
        code,
    }
}

#[tokio::test]
async fn what_ses_says_is_written_down_the_first_time_and_settles_once() {
    let table = sending();
    let adapter = on(&table.wire());
    for (kind, second, expected) in [
        (FeedbackKind::Sent, 1_002, Heard::Settled),
        (FeedbackKind::Sent, 1_002, Heard::Settled),
        (FeedbackKind::Delayed, 1_003, Heard::Known),
        (FeedbackKind::Delayed, 1_004, Heard::Known),
        (FeedbackKind::Bounced, 1_005, Heard::Known),
    ] {
        assert_eq!(adapter.hear(&told(kind, second)).await.unwrap(), expected, "{kind:?}");
    }
    let item = table.get(&format!("{RUN}#mail")).unwrap();
    let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    assert_eq!(text("notify_state"), "SENT");
    assert_eq!(text("message_id"), "m-1");
    assert_eq!(text("ended_at"), "1970-01-01T00:16:42Z");
    assert_eq!(text("heard_sent"), "1970-01-01T00:16:42Z");
    assert_eq!(text("heard_delayed"), "1970-01-01T00:16:43Z", "the first of the two");
    assert_eq!(text("heard_bounced"), "1970-01-01T00:16:45Z");
    assert_eq!(text("heard_bounced_code"), "Permanent/General");
    assert_eq!(item.get("heard_delivered"), None);
}

#[tokio::test]
async fn a_word_that_was_heard_before_costs_one_write() {
    let table = sending();
    let wire = table.wire();
    for (kind, calls) in [
        (FeedbackKind::Sent, 1),
        (FeedbackKind::Sent, 1),
        (FeedbackKind::Delivered, 2),
        (FeedbackKind::Delivered, 1),
    ] {
        let before = wire.sent().len();
        on(&wire).hear(&told(kind, 1_002)).await.unwrap();
        assert_eq!(wire.sent().len() - before, calls, "{kind:?}");
    }
}

#[tokio::test]
async fn a_word_of_a_mail_that_nobody_knows_makes_no_item() {
    let table = Table::default();
    for kind in [FeedbackKind::Delivered, FeedbackKind::Rejected] {
        assert_eq!(on(&table.wire()).hear(&told(kind, 1)).await.unwrap(), Heard::NoSuchRun);
    }
    assert_eq!(table.get(&format!("{RUN}#mail")), None);
}

fn marks(table: &Table) -> (Option<bool>, Option<String>) {
    let record = table.get(RUN).unwrap();
    let at = record.get("notification_timestamp").map(|at| at["S"].as_str().unwrap().to_owned());
    (record["notification_sent"]["BOOL"].as_bool(), at)
}

#[tokio::test]
async fn the_record_follows_the_mail_and_is_written_only_when_it_says_something_else() {
    let table = sending();
    let wire = table.wire();
    let adapter = on(&wire);
    let sent_at = Some("1970-01-01T00:16:42Z".to_owned());
    for (feedback, expected, calls) in [
        (None, (Some(false), None), 2),
        // Read the mail, read the record, write it, read the mail again.
        (Some(told(FeedbackKind::Sent, 1_002)), (Some(true), sent_at.clone()), 4),
        (None, (Some(true), sent_at.clone()), 2),
        (Some(told(FeedbackKind::Delivered, 1_003)), (Some(true), sent_at), 2),
        (Some(told(FeedbackKind::Rejected, 1_004)), (Some(false), None), 4),
        (None, (Some(false), None), 2),
    ] {
        if let Some(feedback) = &feedback {
            adapter.hear(feedback).await.unwrap();
        }
        let before = wire.sent().len();
        adapter.mark(&run()).await.unwrap();
        assert_eq!(marks(&table), expected, "{feedback:?}");
        assert_eq!(wire.sent().len() - before, calls, "{feedback:?}");
    }
    assert_eq!(table.get(RUN).unwrap()["summary"]["S"], "s", "the rest of the record stays");
    let asked = wire.sent().into_iter().map(|sent| sent.json());
    let only = asked.filter_map(|asked| Some(asked.get("ProjectionExpression")?.as_str()?.to_owned()));
    assert!(only.clone().count() >= 6);
    assert!(only.eq(vec!["analysis_id, notification_sent, notification_timestamp, notification_order"; 6]));
}

#[tokio::test]
async fn a_mail_without_a_record_and_a_record_without_a_mail_have_nothing_to_be_marked() {
    let table = sending();
    table.put(RUN, json!({ "analyze_state": { "S": "CLAIMED" } }));
    on(&table.wire()).hear(&told(FeedbackKind::Sent, 1_002)).await.unwrap();
    on(&table.wire()).mark(&run()).await.unwrap();
    assert_eq!(table.get(RUN).unwrap().get("notification_sent"), None, "claims alone are no record");
    let table = sending();
    table.remove(&format!("{RUN}#mail"));
    on(&table.wire()).mark(&run()).await.unwrap();
    assert_eq!(marks(&table), (Some(false), None));
}

#[tokio::test]
async fn the_last_to_mark_a_record_looks_at_the_mail_again() {
    let table = sending();
    on(&table.wire()).hear(&told(FeedbackKind::Sent, 1_002)).await.unwrap();
    let (other, mut writes) = (table.clone(), 0);
    // While the record is being written, SES throws the mail away, and whoever heard that has marked the record.
    let wire = Wire::answering(move |sent| {
        if sent.header("x-amz-target").unwrap().ends_with("UpdateItem") && writes == 0 {
            writes += 1;
            let mut mail = other.get(&format!("{RUN}#mail")).unwrap();
            mail["notify_state"] = json!({ "S": "REFUSED" });
            other.put(&format!("{RUN}#mail"), mail);
        }
        other.answer(sent)
    });
    on(&wire).mark(&run()).await.unwrap();
    assert_eq!(marks(&table), (Some(false), None));
}

#[tokio::test]
async fn a_record_is_not_told_of_an_earlier_state_by_a_request_that_lands_late() {
    let table = sending();
    on(&table.wire()).hear(&told(FeedbackKind::Sent, 1_002)).await.unwrap();
    // The request that says "sent" is held up on its way, and given up.
    let (other, held) = (table.clone(), Arc::new(Mutex::new(None)));
    let late = Arc::clone(&held);
    let wire = Wire::answering(move |sent| {
        if sent.header("x-amz-target").unwrap().ends_with("UpdateItem") {
            *late.lock().unwrap() = Some(sent.clone());
            return Reply::json_error(400, "ValidationException");
        }
        other.answer(sent)
    });
    assert!(on(&wire).mark(&run()).await.is_err());
    let adapter = on(&table.wire());
    adapter.hear(&told(FeedbackKind::Rejected, 1_004)).await.unwrap();
    adapter.mark(&run()).await.unwrap();
    let before = table.get(RUN);
    assert_eq!((marks(&table), order_of(&table)), ((Some(false), None), Some(3)));
    // Now it lands.
    let late = held.lock().unwrap().take().unwrap();
    table.answer(&late);
    assert_eq!(table.get(RUN), before);
}

fn order_of(table: &Table) -> Option<u8> {
    table.get(RUN)?.get("notification_order")?["N"].as_str()?.parse().ok()
}

#[tokio::test]
async fn a_send_is_given_up_only_while_nobody_knows_how_it_ended() {
    for (state, send_id, expected) in
        [("SENDING", "s-1", "PARKED"), ("SENDING", "s-2", "SENDING"), ("SENT", "s-1", "SENT")]
    {
        let table = Table::default();
        let attempt = json!({ "send_id": { "S": send_id }, "send_since": { "N": "1" } });
        table.put(&format!("{RUN}#mail"), held("notify", "you", state, &attempt));
        for _ in 0..2 {
            on(&table.wire()).park(&run(), "s-1", at(2_000)).await.unwrap();
            assert_eq!(table.get(&format!("{RUN}#mail")).unwrap()["notify_state"]["S"], expected);
        }
    }
}

#[tokio::test]
async fn a_task_is_looked_at_without_its_record_and_without_a_write() {
    let more = json!({
        "send_id": { "S": "s1" }, "send_since": { "N": "1020000" },
        "ended_at": { "S": "1970-01-01T00:17:30Z" }, "message_id": { "S": "m1" },
    });
    let mail = held("notify", "me", "SENT", &more);
    let wire = Wire::replying([
        Reply::new(200, json!({ "Item": mail }).to_string()),
        Reply::new(200, "{}"),
        Reply::new(200, json!({ "Item": { "notify_state": { "S": "LOST" } } }).to_string()),
    ]);
    let analyses = on(&wire);
    let item = analyses.task(&run(), Task::Notify).await.unwrap().unwrap();
    assert_eq!((item.state, item.owner.as_str(), item.fence), (TaskState::Done, "me", 3));
    assert_eq!(item.attempt.unwrap().since, at(1_020));
    assert_eq!(item.ending.unwrap().message_id.as_deref(), Some("m1"));
    assert_eq!(analyses.task(&run(), Task::Analyze).await.unwrap(), None);
    assert_eq!(analyses.task(&run(), Task::Notify).await.unwrap_err().code, "UnreadableClaim");
    let asked = wire.sent();
    assert!(asked.iter().all(|sent| sent.header("x-amz-target").unwrap().ends_with("GetItem")));
    assert_eq!(asked[0].json()["Key"]["run_id"]["S"], format!("{RUN}#mail"));
    assert_eq!(asked[0].json()["ConsistentRead"], true);
    let names = "analyze_state, analyze_owner, analyze_lease, analyze_fence";
    assert_eq!(asked[1].json()["ProjectionExpression"], names);
}
