use futures_lite::future::block_on;

use super::*;
use crate::events::Rows;
use crate::identity::{ContractDigest, ETag};
use crate::ports::FaultKind;
use crate::record::NarratorKind;

fn run() -> RunId {
    RunId::of("b", "input/x.csv", &ETag::parse("e"), &ContractDigest::of(b"{}"), None)
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// A claim at a time, with a lease of 60 seconds and a grace of 900.
fn claim(task: Task, owner: &str, now: i64) -> Claim {
    Claim {
        run_id: run(),
        task,
        owner: owner.into(),
        now: second(now),
        lease_until: second(now + 60),
        resend_before: Some(second(now - 900)),
    }
}

fn ask(analyses: &MemoryAnalyses, task: Task, owner: &str, now: i64) -> Claimed {
    block_on(analyses.claim(&claim(task, owner, now))).unwrap()
}

fn granted(analyses: &MemoryAnalyses, task: Task, owner: &str, now: i64) -> Lease {
    match ask(analyses, task, owner, now) {
        Claimed::Granted(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn begin(analyses: &MemoryAnalyses, lease: &Lease, send_id: &str, at: i64) -> Commit {
    block_on(analyses.begin_send(lease, send_id, second(at))).unwrap()
}

fn end(analyses: &MemoryAnalyses, lease: &Lease, outcome: &SendOutcome) -> Commit {
    block_on(analyses.end_send(lease, outcome)).unwrap()
}

fn sent() -> SendOutcome {
    SendOutcome::Sent { message_id: "m".into(), at: second(5) }
}

fn record() -> AnalysisRecord {
    AnalysisRecord {
        analysis_id: run(),
        correlation_id: run().to_string(),
        dataset: "x".into(),
        source_file: "input/x.csv".into(),
        processed_file: None,
        records_analyzed: 0,
        analysis_timestamp: "2023-11-14T22:13:20Z".into(),
        insights: Vec::new(),
        anomalies: Vec::new(),
        recommendations: Vec::new(),
        summary: String::new(),
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

#[test]
fn a_claimed_task_answers_by_owner_and_time() {
    // First claim by "a" at 0, lease until 60; then one more claim. `Err` is "busy until".
    for (owner, now, expected) in [
        ("a", 0, Ok(1)),
        ("a", 60, Ok(1)),
        ("b", 0, Err(60)),
        ("b", 60, Err(60)),
        ("b", 61, Ok(2)),
        ("a", 61, Ok(2)),
    ] {
        for task in [Task::Analyze, Task::Notify] {
            let analyses = MemoryAnalyses::new();
            assert_eq!(granted(&analyses, task, "a", 0).fence, 1);
            let got = match ask(&analyses, task, owner, now) {
                Claimed::Granted(lease) => Ok(lease.fence),
                Claimed::Busy { until } => Err(until.as_second() - second(0).as_second()),
                other => panic!("{other:?}"),
            };
            assert_eq!(got, expected, "{owner} at {now}");
        }
    }
}

#[test]
fn the_two_tasks_of_a_run_are_claimed_apart() {
    let analyses = MemoryAnalyses::new();
    granted(&analyses, Task::Analyze, "a", 0);
    granted(&analyses, Task::Notify, "b", 0);
}

#[test]
fn a_stored_analysis_is_finished_and_stays_the_first() {
    let analyses = MemoryAnalyses::new();
    let lease = granted(&analyses, Task::Analyze, "a", 0);
    let store = |lease: &Lease| block_on(analyses.store(lease, &record())).unwrap();
    assert_eq!(store(&lease), Commit::Stored);
    assert_eq!(store(&lease), Commit::Stored, "the owner's own repeated request");
    for owner in ["a", "b"] {
        assert_eq!(ask(&analyses, Task::Analyze, owner, 1000), Claimed::Finished);
    }
    assert_eq!(block_on(analyses.load(&run())).unwrap().unwrap().analysis_id, run());
}

#[test]
fn an_owner_that_lost_its_lease_stores_nothing() {
    let analyses = MemoryAnalyses::new();
    let old = granted(&analyses, Task::Analyze, "a", 0);
    let new = granted(&analyses, Task::Analyze, "b", 61);
    assert_eq!(new.fence, 2);
    assert_eq!(block_on(analyses.store(&old, &record())).unwrap(), Commit::Lost);
    assert_eq!(analyses.get(&run()), None);
    let old = granted(&analyses, Task::Notify, "a", 0);
    let new = granted(&analyses, Task::Notify, "b", 61);
    assert_eq!(begin(&analyses, &old, "s1", 61), Commit::Lost);
    assert_eq!(begin(&analyses, &new, "s2", 61), Commit::Stored);
    assert_eq!(end(&analyses, &old, &sent()), Commit::Lost);
    let forged = Lease { owner: "c".into(), ..new.clone() };
    assert_eq!(end(&analyses, &forged, &sent()), Commit::Lost);
    assert_eq!(end(&analyses, &new, &sent()), Commit::Stored);
}

#[test]
fn an_unsettled_send_is_taken_over_only_after_the_grace() {
    // Began at 5; the grace is 900 seconds; the lease ended at 60.
    for (owner, now, taken_over) in [
        ("a", 10, false),
        ("b", 10, false),
        ("b", 100, false),
        ("b", 905, false),
        ("b", 906, true),
        ("a", 906, true),
    ] {
        let analyses = MemoryAnalyses::new();
        let lease = granted(&analyses, Task::Notify, "a", 0);
        assert_eq!(begin(&analyses, &lease, "s1", 5), Commit::Stored);
        match ask(&analyses, Task::Notify, owner, now) {
            Claimed::Granted(lease) => assert!(taken_over && lease.fence == 2, "{owner} at {now}"),
            Claimed::Unsettled { send_id, since } => {
                assert!(!taken_over, "{owner} at {now}");
                assert_eq!((send_id.as_str(), since), ("s1", second(5)));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn each_ending_of_a_send_leads_where_it_should() {
    let refused = SendOutcome::Refused { code: "MessageRejected".into(), at: second(5) };
    for (outcome, state, next) in [
        (sent(), TaskState::Done, Claimed::Finished),
        (refused, TaskState::Refused, Claimed::Finished),
        (SendOutcome::NotSent, TaskState::Claimed, Claimed::Busy { until: second(60) }),
    ] {
        let analyses = MemoryAnalyses::new();
        let lease = granted(&analyses, Task::Notify, "a", 0);
        assert_eq!(
            end(&analyses, &lease, &sent()),
            Commit::Lost,
            "a send that never began cannot have ended well"
        );
        begin(&analyses, &lease, "s1", 5);
        assert_eq!(begin(&analyses, &lease, "s1", 5), Commit::Stored, "the owner's own repeated request");
        assert_eq!(begin(&analyses, &lease, "s2", 5), Commit::Lost, "one send at a time");
        assert_eq!(end(&analyses, &lease, &outcome), Commit::Stored);
        assert_eq!(end(&analyses, &lease, &outcome), Commit::Stored, "the owner's own repeated request");
        assert_eq!(analyses.state(&run(), Task::Notify), Some(state));
        assert_eq!(ask(&analyses, Task::Notify, "b", 10), next);
    }
}

#[test]
fn a_sent_mail_marks_the_record_when_there_is_one() {
    for with_record in [true, false] {
        let analyses = MemoryAnalyses::new();
        if with_record {
            analyses.put(record());
        }
        let lease = granted(&analyses, Task::Notify, "a", 0);
        begin(&analyses, &lease, "s1", 5);
        assert_eq!(end(&analyses, &lease, &sent()), Commit::Stored);
        block_on(analyses.mark(&run())).unwrap();
        let marks = analyses.get(&run()).map(|r| (r.notification_sent, r.notification_timestamp));
        assert_eq!(marks, with_record.then(|| (true, Some("2023-11-14T22:13:25Z".to_owned()))));
    }
}

#[test]
fn a_claim_whose_answer_was_lost_is_granted_again() {
    let analyses = MemoryAnalyses::new();
    analyses.lose_next_answer("claim");
    let lost = block_on(analyses.claim(&claim(Task::Notify, "a", 0)));
    assert_eq!(lost.unwrap_err().kind, FaultKind::TimedOut);
    assert_eq!(granted(&analyses, Task::Notify, "a", 1).fence, 1);
}

#[test]
fn a_task_is_looked_at_without_being_claimed() {
    let analyses = MemoryAnalyses::new();
    let look = |task| block_on(analyses.task(&run(), task)).unwrap();
    assert_eq!(look(Task::Analyze), None);
    let lease = granted(&analyses, Task::Notify, "one", 0);
    assert_eq!(begin(&analyses, &lease, "s1", 1), Commit::Stored);
    let mail = look(Task::Notify).unwrap();
    assert_eq!((mail.state, mail.fence, mail.owner.as_str()), (TaskState::Sending, 1, "one"));
    assert_eq!(mail.attempt.unwrap().send_id, "s1");
    // The look has changed nothing: whoever holds the task still does.
    assert_eq!(end(&analyses, &lease, &sent()), Commit::Stored);
    assert_eq!(look(Task::Notify).unwrap().state, TaskState::Done);
    assert_eq!(look(Task::Analyze), None);
}
