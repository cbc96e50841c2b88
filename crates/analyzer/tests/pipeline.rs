//! The analyzer on memory adapters: what happens once, twice, at the same time, and when something is not right.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use analyzer::{Analyzer, Outcome, Settings};
use futures_lite::future::block_on;
use serde_json::json;
use shared::checksum::Checksum;
use shared::contract::Contract;
use shared::events::{PipelineEvent, ProcessingComplete, Rows};
use shared::identity::{ETag, RunId};
use shared::keys::manifest_key;
use shared::manifest::{AppliedContract, Manifest, Output, Outputs, ReadAs, Status};
use shared::memory::{ManualClock, MemoryAnalyses, MemoryEvents, MemoryModel, MemoryObjects};
use shared::ports::{Analyses as _, Claim, FaultKind, ModelAnswer, SourceObject, StopReason, Task};
use shared::record::NarratorKind;
use shared::stage::{Delivery, StageError};

type MemoryAnalyzer = Analyzer<MemoryObjects, MemoryAnalyses, MemoryModel, MemoryEvents, ManualClock>;

const PROCESSED: &str = "model,price\nY28,119\nY28,121\nP4 Pro,800\n";
const PROCESSED_KEY: &str = "processed/phones/may-000000000000.csv";

fn contract_bytes() -> Vec<u8> {
    let descriptor = json!({
        "name": "phones",
        "title": "Phone sales",
        "schema": {"fields": [{"name": "model", "type": "string"}, {"name": "price", "type": "number"}]},
        "gristmill": {"provenance": [], "analysis": {"measures": ["price"], "dimensions": ["model"]}},
    });
    serde_json::to_vec(&descriptor).unwrap()
}

fn manifest(processed: &str) -> Manifest {
    let contract = Contract::parse(&contract_bytes()).unwrap();
    let source = SourceObject {
        bucket: "data".into(),
        key: "input/phones/may.csv".into(),
        etag: ETag::parse("e"),
        version_id: None,
        size: 99,
    };
    let valid = u64::try_from(processed.lines().count().saturating_sub(1)).unwrap();
    Manifest {
        schema: 1,
        run_id: RunId::of(&source.bucket, &source.key, &source.etag, &contract.digest, None),
        dataset: "phones".into(),
        source,
        received_at: "2024-05-20T10:00:00Z".into(),
        status: Status::Completed,
        code: None,
        reason: None,
        rows: Rows { total: valid + 1, valid, rejected: 1 },
        codes: BTreeMap::new(),
        violations: Vec::new(),
        outputs: Outputs {
            processed: (valid > 0).then(|| Output {
                key: PROCESSED_KEY.into(),
                bytes: u64::try_from(processed.len()).unwrap(),
                records: valid,
                checksum: Checksum::of(processed.as_bytes()),
            }),
            rejected: None,
            errors: None,
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
            digest: contract.digest.clone(),
            inferred: false,
            references: Vec::new(),
            descriptor: contract.descriptor,
        },
    }
}

/// An analyzer over a bucket that holds the manifest, and the event that announces it.
fn scene(manifest: &Manifest, processed: &str) -> (MemoryAnalyzer, ProcessingComplete) {
    let objects = MemoryObjects::new();
    objects.put("data", PROCESSED_KEY, processed);
    objects.put("data", &manifest_key(&manifest.run_id), serde_json::to_vec(manifest).unwrap());
    let analyzer = Analyzer {
        objects,
        analyses: MemoryAnalyses::new(),
        model: None,
        events: MemoryEvents::new(),
        clock: ManualClock::at("2024-05-20T10:01:00Z".parse().unwrap()),
        settings: Settings::default(),
    };
    let PipelineEvent::ProcessingComplete(event) = manifest.event() else {
        unreachable!("the run is completed")
    };
    (analyzer, event)
}

fn delivery(owner: &str) -> Delivery {
    Delivery { owner: owner.into(), deadline: "2024-05-20T10:06:00Z".parse().unwrap() }
}

fn analyze(analyzer: &MemoryAnalyzer, event: &ProcessingComplete) -> Result<Outcome, StageError> {
    block_on(analyzer.analyze(event, &delivery("one")))
}

fn is_broken(result: Result<Outcome, StageError>, expected: &str) -> bool {
    matches!(result, Err(StageError::Broken { what, .. }) if what == expected)
}

#[test]
fn a_run_is_analysed_stored_and_announced() {
    let manifest = manifest(PROCESSED);
    let (analyzer, event) = scene(&manifest, PROCESSED);
    let outcome = analyze(&analyzer, &event).unwrap();
    assert!(!outcome.duplicate);
    let record = outcome.record;
    assert_eq!(analyzer.analyses.get(&manifest.run_id).as_ref(), Some(&record));
    assert_eq!((record.records_analyzed, record.rows.rejected), (3, 1));
    assert_eq!(record.analysis_timestamp, "2024-05-20T10:01:00Z");
    // 365 days later.
    assert_eq!(record.ttl, "2025-05-20T10:01:00Z".parse::<jiff::Timestamp>().unwrap().as_second());
    assert_eq!(record.facts[1].value.0, 1040.into());
    assert_eq!(
        (record.narrator, record.narrator_reason.as_deref()),
        (NarratorKind::BuiltIn, Some("no model is configured"))
    );
    assert_eq!(analyzer.events.published(), [manifest.analysis_event(&record)]);
}

#[test]
fn a_second_delivery_stores_nothing_and_announces_again() {
    let manifest = manifest(PROCESSED);
    let (analyzer, event) = scene(&manifest, PROCESSED);
    let first = analyze(&analyzer, &event).unwrap();
    analyzer.clock.advance(Duration::from_secs(3_600));
    let second = block_on(analyzer.analyze(&event, &delivery("two"))).unwrap();
    assert!(second.duplicate);
    assert_eq!(second.record, first.record);
    let published = analyzer.events.published();
    assert_eq!(published.len(), 2);
    assert_eq!(published[0], published[1]);
}

#[test]
fn a_lost_announcement_is_made_up_for_by_the_next_delivery() {
    let manifest = manifest(PROCESSED);
    let (analyzer, event) = scene(&manifest, PROCESSED);
    analyzer.events.fail_next("publish", FaultKind::Unavailable);
    assert!(matches!(analyze(&analyzer, &event), Err(StageError::Port(_))));
    assert!(analyzer.events.published().is_empty());
    let outcome = block_on(analyzer.analyze(&event, &delivery("two"))).unwrap();
    assert!(outcome.duplicate);
    assert_eq!(analyzer.events.published().len(), 1);
}

#[test]
fn a_run_that_another_is_at_is_left_alone() {
    let manifest = manifest(PROCESSED);
    let (analyzer, event) = scene(&manifest, PROCESSED);
    let until = "2024-05-20T10:03:00Z".parse().unwrap();
    let now = "2024-05-20T10:01:00Z".parse().unwrap();
    let claim = Claim {
        run_id: event.run_id.clone(),
        task: Task::Analyze,
        owner: "other".into(),
        now,
        lease_until: until,
        resend_before: None,
    };
    block_on(analyzer.analyses.claim(&claim)).unwrap();
    assert!(matches!(analyze(&analyzer, &event), Err(StageError::Busy { .. })));
    assert!(analyzer.events.published().is_empty());
    // When its lease is over, the run is free.
    analyzer.clock.advance(Duration::from_secs(600));
    assert!(!block_on(analyzer.analyze(&event, &delivery("two"))).unwrap().duplicate);
}

#[test]
fn a_claim_lost_on_the_way_stores_and_announces_nothing() {
    let manifest = manifest(PROCESSED);
    let (mut analyzer, event) = scene(&manifest, PROCESSED);
    // While the model is thinking, the lease ends and another invocation claims the run.
    let model = MemoryModel::new();
    let (analyses, run_id) = (analyzer.analyses.clone(), event.run_id.clone());
    model.answer_with(move |_| {
        let now = "2024-05-20T12:00:00Z".parse().unwrap();
        let lease_until = "2024-05-20T12:05:00Z".parse().unwrap();
        let claim = Claim {
            run_id,
            task: Task::Analyze,
            owner: "other".into(),
            now,
            lease_until,
            resend_before: None,
        };
        block_on(analyses.claim(&claim))?;
        Err(shared::ports::Fault::new("ask", FaultKind::TimedOut, "Slow"))
    });
    analyzer.model = Some(model);
    assert!(matches!(analyze(&analyzer, &event), Err(StageError::LeaseLost)));
    assert!(analyzer.events.published().is_empty());
    assert_eq!(analyzer.analyses.get(&event.run_id), None);
}

#[test]
fn a_processed_file_with_other_bytes_is_not_analysed() {
    let manifest = manifest(PROCESSED);
    let same_length = PROCESSED.replace("119", "919");
    for other in [same_length.as_str(), "model,price\n", ""] {
        let (analyzer, event) = scene(&manifest, other);
        assert!(is_broken(analyze(&analyzer, &event), "the processed file"), "{other:?}");
        assert_eq!(analyzer.analyses.get(&event.run_id), None);
        assert!(analyzer.events.published().is_empty());
    }
}

#[test]
fn a_processed_file_with_another_number_of_records_is_not_analysed() {
    let mut manifest = manifest(PROCESSED);
    manifest.rows = Rows { total: 4, valid: 4, rejected: 0 };
    let (analyzer, event) = scene(&manifest, PROCESSED);
    assert!(is_broken(analyze(&analyzer, &event), "the processed file"));
}

#[test]
fn a_manifest_that_is_missing_or_of_another_run_is_refused() {
    let manifest = manifest(PROCESSED);
    let (analyzer, event) = scene(&manifest, PROCESSED);
    analyzer.objects.remove("data", &event.manifest_key);
    assert!(is_broken(analyze(&analyzer, &event), "the manifest"));

    let (analyzer, mut event) = scene(&manifest, PROCESSED);
    let key = event.manifest_key.clone();
    event.run_id = RunId::of("other", "k", &ETag::parse("e"), &manifest.contract.digest, None);
    event.manifest_key = key;
    assert!(is_broken(analyze(&analyzer, &event), "the manifest"));
}

#[test]
fn a_run_without_valid_rows_asks_no_model() {
    let manifest = manifest("model,price\n");
    let (mut analyzer, event) = scene(&manifest, "");
    let model = MemoryModel::new();
    analyzer.model = Some(model.clone());
    let record = analyze(&analyzer, &event).unwrap().record;
    assert!(model.requests().is_empty());
    assert_eq!((record.records_analyzed, record.processed_file.as_deref()), (0, None));
    assert_eq!(record.summary, "Phone sales: the only row was rejected, so there is nothing to analyse.");
    assert_eq!(analyzer.events.published().len(), 1);
}

#[test]
fn a_model_that_fails_leaves_the_words_to_the_built_in_narrator() {
    let manifest = manifest(PROCESSED);
    let (mut analyzer, event) = scene(&manifest, PROCESSED);
    let model = MemoryModel::new();
    model.fail_next("ask", FaultKind::Throttled);
    analyzer.model = Some(model);
    let record = analyze(&analyzer, &event).unwrap().record;
    assert_eq!(record.narrator, NarratorKind::BuiltIn);
    assert_eq!(record.narrator_reason.as_deref(), Some("the model could not be asked (Port.Throttled)"));
}

#[test]
fn a_model_that_tells_the_truth_is_quoted() {
    let manifest = manifest(PROCESSED);
    let (mut analyzer, event) = scene(&manifest, PROCESSED);
    let model = MemoryModel::new();
    model.answer(ModelAnswer {
        model_id: "amazon.nova-micro-v1:0".into(),
        stop: StopReason::ToolUse,
        tool_input: Some(json!({
            "insights": [{
                "type": "measure", "description": "The price adds up to 1,040 over 3 rows.",
                "confidence": "high", "facts": ["f2"],
            }],
            "anomalies": [], "recommendations": [],
            "summary": "The sum of price is 1,040.", "summary_facts": ["f2"],
        })),
        input_tokens: 1_000,
        output_tokens: 200,
    });
    analyzer.model = Some(model);
    let record = analyze(&analyzer, &event).unwrap().record;
    assert_eq!((record.narrator, &record.narrator_reason), (NarratorKind::Bedrock, &None));
    assert_eq!(record.insights[0].description, "The price adds up to 1,040 over 3 rows.");
    assert_eq!(record.model.unwrap().cost_usd.as_deref(), Some("0.000063"));
}

#[test]
fn how_the_bytes_arrive_makes_no_difference() {
    let manifest = manifest(PROCESSED);
    let (analyzer, event) = scene(&manifest, PROCESSED);
    let whole = analyze(&analyzer, &event).unwrap().record;
    let (analyzer, event) = scene(&manifest, PROCESSED);
    analyzer.objects.set_read_size(1);
    assert_eq!(analyze(&analyzer, &event).unwrap().record, whole);
}
