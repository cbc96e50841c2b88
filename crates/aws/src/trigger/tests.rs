use serde_json::json;
use shared::identity::RunId;
use shared::ports::FeedbackKind;

use super::*;

fn only_arrival(body: &str) -> Arrival {
    match parse(body).unwrap().trigger {
        Trigger::Arrivals(mut arrivals) if arrivals.len() == 1 => arrivals.remove(0),
        other => panic!("{other:?}"),
    }
}

fn unrelated(body: &str) -> String {
    match parse(body).unwrap().trigger {
        Trigger::Unrelated { kind } => kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_object_created_event_names_one_exact_object() {
    let message = parse(include_str!("../../../../events/s3_object_created.json")).unwrap();
    assert_eq!(message.id.as_deref(), Some("17793124-05d4-b198-2fde-7ededc63b103"));
    let source = SourceObject {
        bucket: "gristmill-example".into(),
        key: "input/smartphone_sales/May 2026 + June.csv".into(),
        etag: ETag::parse("b1946ac92492d2347c6235b4d2611184"),
        version_id: Some("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e".into()),
        size: 51_284,
    };
    assert_eq!(message.trigger, Trigger::Arrivals(vec![Arrival { source, nonce: None }]));
}

#[test]
fn an_event_carries_its_key_as_it_is() {
    let body =
        include_str!("../../../../events/s3_object_created.json").replace("May 2026 + June", "100%2B+1");
    assert_eq!(only_arrival(&body).source.key, "input/smartphone_sales/100%2B+1.csv");
}

#[test]
fn an_emulators_spelling_is_understood_and_its_null_version_is_none() {
    let source = only_arrival(include_str!("../../../../events/s3_object_created_moto.json")).source;
    assert_eq!(source.etag, ETag::parse("b1946ac92492d2347c6235b4d2611184"));
    assert_eq!(source.version_id, None);
}

#[test]
fn a_notification_carries_its_keys_form_encoded() {
    let Trigger::Arrivals(arrivals) =
        parse(include_str!("../../../../events/s3_notification.json")).unwrap().trigger
    else {
        panic!("no arrivals")
    };
    let keys: Vec<&str> = arrivals.iter().map(|arrival| arrival.source.key.as_str()).collect();
    assert_eq!(
        keys,
        ["input/smartphone_sales/May 2026 + June.csv", "input/kunden/Umsätze 100%.csv"],
        "the removal between them is nobody's arrival"
    );
    assert_eq!(arrivals[0].source.version_id.as_deref(), Some("096fKKXTRTtl3on89fVO.nfljtsv6qko"));
}

#[test]
fn a_key_that_decodes_to_no_text_fails_the_message() {
    let body = include_str!("../../../../events/s3_notification.json").replace("%C3%A4", "%C3");
    assert_eq!(parse(&body).unwrap_err().error_type(), "Message.BadKey");
}

#[test]
fn a_test_event_and_other_types_are_not_our_business() {
    assert_eq!(unrelated(include_str!("../../../../events/s3_test_event.json")), "s3:TestEvent");
    assert_eq!(unrelated(include_str!("../../../../events/s3_object_deleted.json")), "Object Deleted");
    let removal = r#"{"Records":[{"eventName":"ObjectRemoved:Delete",
        "s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}"#;
    assert_eq!(unrelated(removal), "ObjectRemoved:Delete");
}

#[test]
fn the_pipelines_own_events_are_read() {
    for (body, detail_type) in [
        (include_str!("../../../../events/processing_complete.json"), PipelineEvent::PROCESSING_COMPLETE),
        (include_str!("../../../../events/file_rejected.json"), PipelineEvent::FILE_REJECTED),
        (include_str!("../../../../events/analysis_complete.json"), PipelineEvent::ANALYSIS_COMPLETE),
        (include_str!("../../../../events/file_overlooked.json"), PipelineEvent::FILE_OVERLOOKED),
    ] {
        let message = parse(body).unwrap();
        assert!(message.id.is_some());
        let Trigger::Pipeline(event) = message.trigger else { panic!("{detail_type}") };
        assert_eq!(event.detail_type(), detail_type);
        let written: Value = serde_json::from_str(&event.detail().unwrap()).unwrap();
        let fixture: Value = serde_json::from_str(body).unwrap();
        assert_eq!(written, fixture["detail"], "the fixture is what the stage writes");
    }
}

#[test]
fn a_replay_carries_its_nonce() {
    let mut body: Value =
        serde_json::from_str(include_str!("../../../../events/s3_object_created.json")).unwrap();
    body["detail"]["nonce"] = "again".into();
    assert_eq!(only_arrival(&body.to_string()).nonce.as_deref(), Some("again"));
}

#[test]
fn what_is_not_understood_is_never_swallowed() {
    let newer =
        include_str!("../../../../events/file_rejected.json").replace("\"schema\": 1", "\"schema\": 2");
    for (body, expected) in [
        ("", "Message.NotJson"),
        ("order_id,price\n1,2\n", "Message.NotJson"),
        ("{}", "Message.Unknown"),
        ("[]", "Message.Unknown"),
        (r#"{"Records":{}}"#, "Message.BadShape"),
        (r#"{"detail-type":"Object Created","detail":{}}"#, "Message.BadShape"),
        (r#"{"detail-type":"Object Created"}"#, "Message.BadShape"),
        (r#"{"detail-type":"Processing Complete","detail":{"schema":1}}"#, "Message.BadEvent"),
        (newer.as_str(), "Message.UnknownSchema"),
    ] {
        assert_eq!(parse(body).unwrap_err().error_type(), expected, "{body}");
    }
}

#[test]
fn the_schedules_constant_input_is_a_sweep() {
    let message = parse(include_str!("../../../../events/sweep_due.json")).unwrap();
    assert_eq!(message.id, None);
    let Trigger::Pipeline(event) = message.trigger else { panic!("no event") };
    let PipelineEvent::SweepDue(due) = *event else { panic!("{event:?}") };
    assert_eq!((due.bucket.as_str(), due.from), ("gristmill-example", None));
}

const DELIVERED: &str = include_str!("../../../../events/ses_email_delivered.json");
const BOUNCED: &str = include_str!("../../../../events/ses_email_bounced.json");

fn feedback(body: &str) -> MailFeedback {
    match parse(body).unwrap().trigger {
        Trigger::Feedback(feedback) => feedback,
        other => panic!("{other:?}"),
    }
}

fn changed(body: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut body = serde_json::from_str(body).unwrap();
    change(&mut body);
    body.to_string()
}

#[test]
fn what_ses_says_finds_its_run_and_its_attempt() {
    let expected = MailFeedback {
        run_id: RunId::try_from("4f8a1c2b3d4e5f60718293a4b5c6d7e8".to_owned()).unwrap(),
        send_id: "4f8a1c2b3d4e-1".into(),
        message_id: "0107018f8c2b1e4a-5b1c9c51-6f0e-4b1a-9b7e-2d6c1f0a7e11-000000".into(),
        kind: FeedbackKind::Delivered,
        at: "2026-06-01T08:00:11.705Z".parse().unwrap(),
        code: None,
    };
    assert_eq!(feedback(DELIVERED), expected);
    let bounced = feedback(BOUNCED);
    assert_eq!((bounced.kind, bounced.code.as_deref()), (FeedbackKind::Bounced, Some("Permanent/General")));
    assert_eq!(bounced.at.to_string(), "2026-06-01T08:00:11.669Z");
}

#[test]
fn each_of_sess_events_has_its_kind_and_its_code() {
    for (detail_type, field, told, kind, code) in [
        ("Email Sent", "send", json!({}), FeedbackKind::Sent, None),
        (
            "Email Delivery Delayed",
            "deliveryDelay",
            json!({ "delayType": "MailboxFull" }),
            FeedbackKind::Delayed,
            Some("MailboxFull"),
        ),
        (
            "Email Bounced",
            "bounce",
            json!({ "bounceType": "Transient" }),
            FeedbackKind::Bounced,
            Some("Transient"),
        ),
        ("Email Bounced", "bounce", json!({}), FeedbackKind::Bounced, None),
        (
            "Email Complaint Received",
            "complaint",
            json!({ "complaintFeedbackType": "abuse" }),
            FeedbackKind::Complained,
            Some("abuse"),
        ),
        ("Email Complaint Received", "complaint", json!({}), FeedbackKind::Complained, None),
        (
            "Email Rejected",
            "reject",
            json!({ "reason": "Bad content" }),
            FeedbackKind::Rejected,
            Some("Bad content"),
        ),
        (
            "Email Rendering Failed",
            "failure",
            json!({ "errorMessage": "Attribute 'name' is not present", "templateName": "t" }),
            FeedbackKind::RenderingFailed,
            None,
        ),
    ] {
        let body = changed(DELIVERED, |body| {
            body["detail-type"] = detail_type.into();
            body["detail"].as_object_mut().unwrap().remove("delivery");
            body["detail"][field] = told;
        });
        let feedback = feedback(&body);
        assert_eq!((feedback.kind, feedback.code.as_deref()), (kind, code), "{detail_type}");
        assert_eq!(feedback.at.to_string(), "2026-06-01T08:00:12Z", "the event's own time");
    }
}

#[test]
fn a_code_that_may_hold_an_address_is_not_passed_on() {
    for word in ["nobody@example.com", "550 5.1.1 <nobody>", "a\nb", "", &"x".repeat(65)] {
        let body = changed(BOUNCED, |body| {
            body["detail"]["bounce"]["bounceType"] = word.into();
            body["detail"]["bounce"].as_object_mut().unwrap().remove("bounceSubType");
        });
        assert_eq!(feedback(&body).code, None, "{word}");
    }
}

#[test]
fn a_mail_that_is_not_ours_is_not_our_business() {
    for tags in [
        json!({}),
        json!({ "run_id": ["4f8a"] , "send_id": ["s"] }),
        json!({ "run_id": [] }),
        json!({ "run_id": ["4f8a1c2b3d4e5f60718293a4b5c6d7e8"] }),
    ] {
        let body = changed(DELIVERED, |body| body["detail"]["mail"]["tags"] = tags.clone());
        assert_eq!(unrelated(&body), "Email Delivered", "{tags}");
    }
    let without =
        changed(DELIVERED, |body| drop(body["detail"]["mail"].as_object_mut().unwrap().remove("tags")));
    assert_eq!(unrelated(&without), "Email Delivered");
    for (name, value) in [("detail-type", "Email Opened"), ("source", "somebody.else")] {
        let body = changed(DELIVERED, |body| body[name] = value.into());
        unrelated(&body);
    }
}

#[test]
fn what_ses_says_without_a_mail_fails_the_message() {
    for field in ["mail", "messageId"] {
        let body = DELIVERED.replace(&format!("\"{field}\""), "\"other\"");
        assert_eq!(parse(&body).unwrap_err().error_type(), "Message.BadShape", "{field}");
    }
    let untimed = changed(DELIVERED, |body| {
        body.as_object_mut().unwrap().remove("time");
        body["detail"]["mail"].as_object_mut().unwrap().remove("timestamp");
        body["detail"]["delivery"]["timestamp"] = "soon".into();
    });
    assert_eq!(parse(&untimed).unwrap_err().error_type(), "Message.BadShape");
}
