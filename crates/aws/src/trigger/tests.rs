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
