//! The property of the fuzz target `event`, at volume, on the ordinary compiler.
//!
//! How many inputs are made is set by `GRISTMILL_CASES`, for each of the properties.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test stops at the first surprise; how much is tested is said from outside, and told"
)]

mod event;

use aws::trigger::{Trigger, parse};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// How many inputs a property gets when nobody says so.
const CASES: u32 = 2_000;

fn run<S: Strategy>(strategy: S, property: impl Fn(S::Value)) {
    let cases = std::env::var("GRISTMILL_CASES").ok().map_or(CASES, |cases| cases.parse().unwrap());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |input| {
        property(input);
        Ok::<(), TestCaseError>(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    println!("{cases} inputs");
}

const EVENTS: [&str; 12] = [
    include_str!("../../../../events/s3_object_created.json"),
    include_str!("../../../../events/s3_object_created_moto.json"),
    include_str!("../../../../events/s3_notification.json"),
    include_str!("../../../../events/s3_object_deleted.json"),
    include_str!("../../../../events/s3_test_event.json"),
    include_str!("../../../../events/processing_complete.json"),
    include_str!("../../../../events/file_rejected.json"),
    include_str!("../../../../events/analysis_complete.json"),
    include_str!("../../../../events/file_overlooked.json"),
    include_str!("../../../../events/sweep_due.json"),
    include_str!("../../../../events/ses_email_delivered.json"),
    include_str!("../../../../events/ses_email_bounced.json"),
];

/// An event as it is sent, damaged in a few places.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    const PARTS: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "null",
        "true",
        "0",
        "-1",
        "1e99",
        "99999999999999999999",
        "\"\"",
        "\"key\"",
        "%",
        "%ff",
        "+",
        "\\u0000",
        "\\ud800",
        "\u{e9}",
        "..",
        "\"schema\"",
        "[[[[[[[[",
    ];
    let edit = (any::<prop::sample::Index>(), 0_usize..8, 0..PARTS.len());
    (0..EVENTS.len(), prop::collection::vec(edit, 0..4)).prop_map(|(event, edits)| {
        let mut bytes = EVENTS[event].as_bytes().to_vec();
        for (at, removed, part) in edits {
            let at = at.index(bytes.len());
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, PARTS[part].bytes());
        }
        bytes
    })
}

#[test]
fn a_message_is_understood_whole_or_refused_under_a_stable_name() {
    run(damaged(), |input| event::check(&input));
}

#[test]
fn any_key_arrives_as_it_is_from_eventbridge_and_decoded_from_s3_itself() {
    run(any::<String>(), |key| {
        event::check_key(&key);
        let bridged = serde_json::json!({
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": "b"}, "object": {"key": key, "size": 1, "etag": "e"}},
        });
        assert_eq!(arrived(&bridged.to_string()), key);
        // A form field: spaces as "+", everything else that is not plain as "%XX".
        let encoded = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC);
        let notified = serde_json::json!({"Records": [{
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "b"}, "object": {
                "key": encoded.to_string().replace("%20", "+"), "size": 1, "eTag": "e",
            }},
        }]});
        assert_eq!(arrived(&notified.to_string()), key);
    });
}

#[test]
fn whatever_ses_calls_it_no_address_gets_through() {
    const BOUNCED: &str = include_str!("../../../../events/ses_email_bounced.json");
    let field = prop::sample::select(vec!["bounceType", "bounceSubType"]);
    run((field, any::<String>(), "[a-z]{1,8}@[a-z]{1,8}"), |(field, word, address)| {
        let mut event: serde_json::Value = serde_json::from_str(BOUNCED).unwrap();
        event["detail"]["bounce"][field] = format!("{word}{address}").into();
        let Trigger::Feedback(feedback) = parse(&event.to_string()).unwrap().trigger else {
            panic!("{event}")
        };
        assert_eq!(feedback.code, None);
    });
}

fn arrived(body: &str) -> String {
    match parse(body).unwrap().trigger {
        Trigger::Arrivals(mut arrivals) => arrivals.remove(0).source.key,
        other => panic!("{other:?}"),
    }
}
