use futures_lite::future::block_on;
use jiff::SignedDuration;
use shared::events::Rows;
use shared::identity::{ContractDigest, ETag};
use shared::record::NarratorKind;

use super::*;

fn run_id() -> RunId {
    RunId::of("b", "input/x.csv", &ETag::parse("e"), &ContractDigest::of(b"{}"), None)
}

fn record() -> AnalysisRecord {
    AnalysisRecord {
        analysis_id: run_id(),
        correlation_id: run_id().to_string(),
        dataset: "x".to_owned(),
        source_file: "input/x.csv".to_owned(),
        processed_file: None,
        records_analyzed: 0,
        analysis_timestamp: "2024-05-20T00:00:00Z".to_owned(),
        insights: Vec::new(),
        anomalies: Vec::new(),
        recommendations: Vec::new(),
        summary: "Nothing.".to_owned(),
        notification_sent: false,
        notification_timestamp: None,
        ttl: 0,
        facts: Vec::new(),
        narrator: NarratorKind::BuiltIn,
        narrator_reason: None,
        model: None,
        rows: Rows::default(),
    }
}

fn claim(task: Task, owner: &str, at: &str) -> Claim {
    let now: Timestamp = at.parse().unwrap();
    Claim {
        run_id: run_id(),
        task,
        owner: owner.to_owned(),
        now,
        lease_until: now + SignedDuration::from_secs(60),
        resend_before: Some(now - SignedDuration::from_mins(15)),
    }
}

fn granted(analyses: &FileAnalyses, claim: &Claim) -> Lease {
    match block_on(analyses.claim(claim)).unwrap() {
        Claimed::Granted(lease) => lease,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_finished_task_stays_finished_for_the_next_process() {
    let directory = tempfile::tempdir().unwrap();
    let analyses = FileAnalyses::new(directory.path().join("analyses"));
    let lease = granted(&analyses, &claim(Task::Analyze, "a", "2024-05-20T00:00:00Z"));
    assert_eq!(block_on(analyses.store(&lease, &record())).unwrap(), Commit::Stored);
    let again = FileAnalyses::new(directory.path().join("analyses"));
    let answer = block_on(again.claim(&claim(Task::Analyze, "b", "2024-05-21T00:00:00Z"))).unwrap();
    assert_eq!(answer, Claimed::Finished);
    assert_eq!(block_on(again.load(&run_id())).unwrap(), Some(record()));
}

#[test]
fn a_claim_is_for_its_owner_until_its_lease_ends() {
    let directory = tempfile::tempdir().unwrap();
    let analyses = FileAnalyses::new(directory.path().to_owned());
    let first = granted(&analyses, &claim(Task::Analyze, "a", "2024-05-20T00:00:00Z"));
    assert_eq!(granted(&analyses, &claim(Task::Analyze, "a", "2024-05-20T00:00:30Z")), first);
    let other = block_on(analyses.claim(&claim(Task::Analyze, "b", "2024-05-20T00:00:30Z"))).unwrap();
    assert_eq!(other, Claimed::Busy { until: "2024-05-20T00:01:00Z".parse().unwrap() });
    let second = granted(&analyses, &claim(Task::Analyze, "b", "2024-05-20T00:01:01Z"));
    assert_eq!(second.fence, first.fence + 1);
    assert_eq!(block_on(analyses.store(&first, &record())).unwrap(), Commit::Lost);
    assert_eq!(block_on(analyses.load(&run_id())).unwrap(), None);
}

#[test]
fn a_repeated_store_leaves_the_record_that_was_stored() {
    let directory = tempfile::tempdir().unwrap();
    let analyses = FileAnalyses::new(directory.path().to_owned());
    let lease = granted(&analyses, &claim(Task::Analyze, "a", "2024-05-20T12:00:00Z"));
    assert_eq!(block_on(analyses.store(&lease, &record())).unwrap(), Commit::Stored);
    let another = AnalysisRecord { summary: "another".to_owned(), ..record() };
    assert_eq!(block_on(analyses.store(&lease, &another)).unwrap(), Commit::Stored);
    assert_eq!(block_on(analyses.load(&run_id())).unwrap(), Some(record()));
}

#[test]
fn a_send_is_written_into_the_record() {
    let directory = tempfile::tempdir().unwrap();
    let analyses = FileAnalyses::new(directory.path().to_owned());
    let lease = granted(&analyses, &claim(Task::Analyze, "a", "2024-05-20T00:00:00Z"));
    block_on(analyses.store(&lease, &record())).unwrap();
    let lease = granted(&analyses, &claim(Task::Notify, "a", "2024-05-20T00:00:01Z"));
    let at: Timestamp = "2024-05-20T00:00:02Z".parse().unwrap();
    let sent = SendOutcome::Sent { message_id: "m".to_owned(), at };
    assert_eq!(block_on(analyses.end_send(&lease, &sent)).unwrap(), Commit::Lost, "it was never begun");
    assert_eq!(block_on(analyses.begin_send(&lease, "s", at)).unwrap(), Commit::Stored);
    assert_eq!(block_on(analyses.end_send(&lease, &sent)).unwrap(), Commit::Stored);
    block_on(analyses.mark(&run_id())).unwrap();
    let stored = block_on(analyses.load(&run_id())).unwrap().unwrap();
    assert!(stored.notification_sent);
    assert_eq!(stored.notification_timestamp.as_deref(), Some("2024-05-20T00:00:02Z"));
    let answer = block_on(analyses.claim(&claim(Task::Notify, "b", "2024-06-20T00:00:00Z"))).unwrap();
    assert_eq!(answer, Claimed::Finished);
}

#[test]
fn an_interrupted_send_is_taken_up_again_by_its_owner_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let analyses = FileAnalyses::new(directory.path().to_owned());
    let lease = granted(&analyses, &claim(Task::Notify, "a", "2024-05-20T00:00:00Z"));
    block_on(analyses.begin_send(&lease, "s", "2024-05-20T00:00:01Z".parse().unwrap())).unwrap();
    let other = block_on(analyses.claim(&claim(Task::Notify, "b", "2024-05-20T00:00:02Z"))).unwrap();
    assert!(matches!(other, Claimed::Unsettled { .. }), "{other:?}");
    let again = granted(&analyses, &claim(Task::Notify, "a", "2024-05-20T00:00:02Z"));
    assert_eq!(again.fence, lease.fence + 1);
}

#[test]
fn a_file_that_is_no_analysis_is_named_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let analyses = FileAnalyses::new(directory.path().to_owned());
    fs::write(analyses.path_of(&run_id()), "{").unwrap();
    let fault = block_on(analyses.claim(&claim(Task::Notify, "a", "2024-05-20T00:00:00Z"))).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert!(fault.source.unwrap().to_string().contains(run_id().as_str()));
    assert_eq!(fs::read(analyses.path_of(&run_id())).unwrap(), b"{");
}

#[test]
fn a_task_is_looked_at_without_being_claimed() {
    let directory = tempfile::tempdir().unwrap();
    let analyses = FileAnalyses::new(directory.path().to_owned());
    assert_eq!(block_on(analyses.task(&run_id(), Task::Notify)).unwrap(), None);
    assert!(!analyses.path_of(&run_id()).exists(), "a look writes nothing");
    let lease = granted(&analyses, &claim(Task::Notify, "a", "2024-05-20T00:00:00Z"));
    let mail = block_on(analyses.task(&run_id(), Task::Notify)).unwrap().unwrap();
    assert_eq!((mail.state, mail.fence), (TaskState::Claimed, lease.fence));
    assert_eq!(block_on(analyses.task(&run_id(), Task::Analyze)).unwrap(), None);
}
