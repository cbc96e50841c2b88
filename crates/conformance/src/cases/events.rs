//! The pipeline's bus: what goes in comes out.

use shared::events::{
    AnalysisComplete, FileOverlooked, FileRejected, MAX_REASON_BYTES, PipelineEvent, ProcessingComplete,
    Rows, SCHEMA_VERSION, SweepDue,
};
use shared::identity::ETag;
use shared::ports::{Events, ListingPlace, SourceObject};
use shared::record::NarratorKind;

use crate::cases::run_of;
use crate::rooms::Bus;
use crate::trace::{Case, Outcome, Trace, cases, kind};

/// All of them.
#[must_use]
pub fn cases<R: Bus>() -> Vec<Case<R>> {
    cases![
        a_processed_file_is_told_of,
        a_refused_file_is_told_of,
        an_analysis_is_told_of,
        an_overlooked_file_is_told_of,
        a_sweep_is_told_to_go_on,
        what_is_published_twice_comes_twice,
        nothing_in_an_event_is_taken_for_something_else,
    ]
}

fn source(key: &str) -> SourceObject {
    SourceObject {
        bucket: "gristmill-example".to_owned(),
        key: key.to_owned(),
        etag: ETag::parse("b1946ac92492d2347c6235b4d2611184"),
        version_id: Some("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e".to_owned()),
        size: 51_284,
    }
}

fn rejected(key: &str, reason: &str) -> PipelineEvent {
    let run_id = run_of(key);
    PipelineEvent::FileRejected(FileRejected {
        schema: SCHEMA_VERSION,
        correlation_id: run_id.as_str().to_owned(),
        manifest_key: format!("manifests/{run_id}.json"),
        run_id,
        dataset: "orders".to_owned(),
        source: source(key),
        code: "missing-label".to_owned(),
        reason: reason.to_owned(),
    })
}

/// Publishes events and says what came out, in an order that does not depend on the bus.
async fn through<R: Bus>(room: &R, trace: &Trace, events: &[PipelineEvent]) -> Outcome {
    for event in events {
        trace.say("publish", kind(room.events().publish(event).await));
    }
    let mut came = Vec::new();
    for event in room.published(events.len()).await? {
        came.push((event.detail_type(), event.source(), event.detail()?));
    }
    came.sort();
    trace.say("came out", came);
    Ok(())
}

async fn a_processed_file_is_told_of<R: Bus>(room: &R, trace: &Trace) -> Outcome {
    let run_id = run_of("processed");
    let whole = ProcessingComplete {
        schema: SCHEMA_VERSION,
        correlation_id: run_id.as_str().to_owned(),
        manifest_key: format!("manifests/{run_id}.json"),
        run_id,
        dataset: "orders".to_owned(),
        source: source("input/orders/May 2026 + June.csv"),
        rows: Rows { total: 10, valid: 7, rejected: 3 },
        processed_key: Some("processed/orders/a.csv".to_owned()),
        rejected_key: Some("rejected/orders/a.csv".to_owned()),
        errors_key: Some("rejected/orders/a.errors.csv".to_owned()),
    };
    let bare = ProcessingComplete {
        source: SourceObject { version_id: None, ..source("input/orders/b.csv") },
        rows: Rows::default(),
        processed_key: None,
        rejected_key: None,
        errors_key: None,
        ..whole.clone()
    };
    let events = [whole, bare].map(PipelineEvent::ProcessingComplete);
    through(room, trace, &events).await
}

async fn a_refused_file_is_told_of<R: Bus>(room: &R, trace: &Trace) -> Outcome {
    let longest = "ü".repeat(MAX_REASON_BYTES / 2);
    through(
        room,
        trace,
        &[rejected("input/a.csv", "The column is missing."), rejected("input/b.csv", &longest)],
    )
    .await
}

async fn an_analysis_is_told_of<R: Bus>(room: &R, trace: &Trace) -> Outcome {
    let run_id = run_of("analysed");
    let event = AnalysisComplete {
        schema: SCHEMA_VERSION,
        correlation_id: run_id.as_str().to_owned(),
        manifest_key: format!("manifests/{run_id}.json"),
        analysis_id: run_id.as_str().to_owned(),
        run_id,
        dataset: "orders".to_owned(),
        source: source("input/orders/a.csv"),
        narrator: NarratorKind::Partial,
        insights: 5,
        anomalies: 2,
        high_severity: 1,
    };
    through(room, trace, &[PipelineEvent::AnalysisComplete(event)]).await
}

async fn an_overlooked_file_is_told_of<R: Bus>(room: &R, trace: &Trace) -> Outcome {
    let event = FileOverlooked { schema: SCHEMA_VERSION, source: source("input/orders/a.csv") };
    through(room, trace, &[PipelineEvent::FileOverlooked(event)]).await
}

async fn a_sweep_is_told_to_go_on<R: Bus>(room: &R, trace: &Trace) -> Outcome {
    let from = ListingPlace { key: "input/a + b.csv".to_owned(), version_id: Some("v1".to_owned()) };
    let sweep = |from| SweepDue { schema: SCHEMA_VERSION, bucket: "gristmill-example".to_owned(), from };
    let events = [sweep(None), sweep(Some(from))].map(PipelineEvent::SweepDue);
    through(room, trace, &events).await
}

async fn what_is_published_twice_comes_twice<R: Bus>(room: &R, trace: &Trace) -> Outcome {
    let event = rejected("input/twice.csv", "Twice.");
    through(room, trace, &[event.clone(), event]).await
}

async fn nothing_in_an_event_is_taken_for_something_else<R: Bus>(room: &R, trace: &Trace) -> Outcome {
    let events =
        ["<id>", "<detail>", "${x}", "\"quoted\"", "back\\slash", "tab\tand\u{1}control", "☂", "100%+"]
            .map(|text| rejected(&format!("input/{text}.csv"), text));
    through(room, trace, &events).await
}
