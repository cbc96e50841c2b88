//! Claims, and the record that an analysis leaves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use shared::events::Rows;
use shared::facts::{Fact, FactKind, Value};
use shared::identity::RunId;
use shared::ports::{Analyses, Claim, Claimed, FaultKind, Lease, Task};
use shared::record::{AnalysisRecord, Anomaly, Insight, Level, ModelUse, NarratorKind, Recommendation};

use crate::cases::{run_of, second};
use crate::rooms::Desk;
use crate::trace::{Case, Outcome, Trace, Trouble, cases, kind};

/// How long a claim holds in these cases, in seconds.
pub const LEASE: i64 = 60;

/// All of them.
#[must_use]
pub fn cases<R: Desk>() -> Vec<Case<R>> {
    cases![
        a_free_task_is_granted,
        a_claimed_task_is_busy_until_its_lease_is_over,
        ones_own_repeated_claim_is_granted_again,
        an_owner_who_has_lost_the_task_is_busy_like_others,
        the_two_tasks_of_a_run_are_apart,
        two_runs_are_apart,
        a_stored_analysis_is_loaded_and_the_task_is_finished,
        a_stale_lease_stores_nothing,
        a_lease_that_was_never_granted_stores_nothing,
        ones_own_repeated_store_is_stored_and_the_first_record_stays,
        a_lease_that_is_over_still_stores_while_nobody_else_has_claimed,
        nothing_is_loaded_where_nothing_was_stored,
        a_record_comes_back_as_it_was,
        a_task_is_looked_at_without_a_claim,
    ]
}

/// What makes a record of a run.
type Make = fn(&RunId) -> AnalysisRecord;

/// A wish of an owner at a time, in seconds.
#[must_use]
pub fn claim(run_id: &RunId, task: Task, owner: &str, now: i64) -> Claim {
    Claim {
        run_id: run_id.clone(),
        task,
        owner: owner.to_owned(),
        now: second(now),
        lease_until: second(now + LEASE),
        resend_before: None,
    }
}

/// An answer to a claim, in a word. The run is the one that was asked for.
#[must_use]
pub fn claimed(answer: Claimed, run_id: &RunId) -> String {
    match answer {
        Claimed::Granted(lease) if lease.run_id == *run_id => {
            format!("granted {:?} to {} with fence {}", lease.task, lease.owner, lease.fence)
        }
        other => format!("{other:?}"),
    }
}

/// Claims, and says what came of it.
///
/// # Errors
/// What kind of fault came instead.
pub async fn say_claim(desk: &impl Analyses, trace: &Trace, wish: &Claim) {
    let answer = kind(desk.claim(wish).await).map(|answer| claimed(answer, &wish.run_id));
    let since = wish.now.duration_since(second(0)).as_secs();
    trace.say(format!("{} claims {:?} at {since}", wish.owner, wish.task), answer);
}

/// A lease that is granted, or trouble.
///
/// # Errors
/// When it is not granted.
pub async fn granted(desk: &impl Analyses, wish: &Claim) -> Result<Lease, Trouble> {
    match desk.claim(wish).await? {
        Claimed::Granted(lease) => Ok(lease),
        other => Err(format!("not granted: {other:?}").into()),
    }
}

/// A task as it is stored, in a word.
///
/// # Errors
/// What kind of fault came instead.
pub async fn state(desk: &impl Analyses, run: &RunId, task: Task) -> Result<String, FaultKind> {
    kind(desk.task(run, task).await).map(|item| format!("{item:?}"))
}

async fn a_free_task_is_granted<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("free"));
    trace.say("before", state(desk, &run, Task::Analyze).await);
    say_claim(desk, trace, &claim(&run, Task::Analyze, "a", 0)).await;
    trace.say("after", state(desk, &run, Task::Analyze).await);
    Ok(())
}

async fn a_claimed_task_is_busy_until_its_lease_is_over<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let desk = room.analyses();
    for task in [Task::Analyze, Task::Notify] {
        let run = run_of(&format!("busy {task:?}"));
        say_claim(desk, trace, &claim(&run, task, "a", 0)).await;
        for now in [0, 1, LEASE - 1, LEASE, LEASE + 1] {
            say_claim(desk, trace, &claim(&run, task, "b", now)).await;
        }
        trace.say("after", state(desk, &run, task).await);
        // The new lease counts.
        say_claim(desk, trace, &claim(&run, task, "c", 2 * LEASE)).await;
        say_claim(desk, trace, &claim(&run, task, "c", 2 * LEASE + 2)).await;
    }
    Ok(())
}

async fn ones_own_repeated_claim_is_granted_again<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("own"));
    for now in [0, 1, LEASE] {
        say_claim(desk, trace, &claim(&run, Task::Analyze, "a", now)).await;
        trace.say("after", state(desk, &run, Task::Analyze).await);
    }
    // After the lease it is a new grant.
    say_claim(desk, trace, &claim(&run, Task::Analyze, "a", LEASE + 1)).await;
    Ok(())
}

async fn an_owner_who_has_lost_the_task_is_busy_like_others<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("lost"));
    say_claim(desk, trace, &claim(&run, Task::Analyze, "a", 0)).await;
    say_claim(desk, trace, &claim(&run, Task::Analyze, "b", LEASE + 1)).await;
    say_claim(desk, trace, &claim(&run, Task::Analyze, "a", LEASE + 2)).await;
    say_claim(desk, trace, &claim(&run, Task::Analyze, "b", LEASE + 3)).await;
    Ok(())
}

async fn the_two_tasks_of_a_run_are_apart<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("apart"));
    for (task, owner) in
        [(Task::Analyze, "a"), (Task::Notify, "b"), (Task::Notify, "a"), (Task::Analyze, "b")]
    {
        say_claim(desk, trace, &claim(&run, task, owner, 0)).await;
    }
    let lease = granted(desk, &claim(&run, Task::Analyze, "a", 1)).await?;
    trace.say("store", kind(desk.store(&lease, &record(&run)).await));
    for task in [Task::Analyze, Task::Notify] {
        trace.say(format!("{task:?}"), state(desk, &run, task).await);
        say_claim(desk, trace, &claim(&run, task, "c", 2)).await;
    }
    Ok(())
}

async fn two_runs_are_apart<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, one, other) = (room.analyses(), run_of("one"), run_of("other"));
    let lease = granted(desk, &claim(&one, Task::Analyze, "a", 0)).await?;
    trace.say("store", kind(desk.store(&lease, &record(&one)).await));
    say_claim(desk, trace, &claim(&other, Task::Analyze, "a", 0)).await;
    let same = Lease { run_id: other.clone(), ..lease };
    trace.say("the other, as it was granted", kind(desk.store(&same, &record(&other)).await));
    trace.say("loaded", kind(desk.load(&other).await).map(|found| found == Some(record(&other))));
    Ok(())
}

async fn a_stored_analysis_is_loaded_and_the_task_is_finished<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("stored"));
    let lease = granted(desk, &claim(&run, Task::Analyze, "a", 0)).await?;
    trace.say("store", kind(desk.store(&lease, &record(&run)).await));
    trace.say("loaded", kind(desk.load(&run).await).map(|found| found == Some(record(&run))));
    trace.say("task", state(desk, &run, Task::Analyze).await);
    for (owner, now) in [("a", 1), ("b", 1), ("b", 10 * LEASE)] {
        say_claim(desk, trace, &claim(&run, Task::Analyze, owner, now)).await;
    }
    Ok(())
}

async fn a_stale_lease_stores_nothing<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("stale"));
    let stale = granted(desk, &claim(&run, Task::Analyze, "a", 0)).await?;
    let fresh = granted(desk, &claim(&run, Task::Analyze, "b", LEASE + 1)).await?;
    trace.say("fences", (stale.fence, fresh.fence));
    let theirs = AnalysisRecord { summary: "stale".to_owned(), ..record(&run) };
    trace.say("the stale one", kind(desk.store(&stale, &theirs).await));
    trace.say("loaded", kind(desk.load(&run).await).map(|found| found.is_some()));
    trace.say("the fresh one", kind(desk.store(&fresh, &record(&run)).await));
    trace.say("the stale one again", kind(desk.store(&stale, &theirs).await));
    trace.say("loaded", kind(desk.load(&run).await).map(|found| found == Some(record(&run))));
    // The same owner, granted twice: only the later grant counts.
    let run = run_of("stale, of the same owner");
    let stale = granted(desk, &claim(&run, Task::Analyze, "a", 0)).await?;
    let fresh = granted(desk, &claim(&run, Task::Analyze, "a", LEASE + 1)).await?;
    trace.say("the stale one", kind(desk.store(&stale, &record(&run)).await));
    trace.say("the fresh one", kind(desk.store(&fresh, &record(&run)).await));
    Ok(())
}

async fn a_lease_that_was_never_granted_stores_nothing<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("never granted"));
    let lease = Lease { run_id: run.clone(), task: Task::Analyze, owner: "a".to_owned(), fence: 1 };
    trace.say("without a claim", kind(desk.store(&lease, &record(&run)).await));
    trace.say("loaded", kind(desk.load(&run).await).map(|found| found.is_some()));
    trace.say("task", state(desk, &run, Task::Analyze).await);
    granted(desk, &claim(&run, Task::Analyze, "a", 0)).await?;
    for lease in [
        Lease { fence: 0, ..lease.clone() },
        Lease { fence: 2, ..lease.clone() },
        Lease { owner: "b".to_owned(), ..lease },
    ] {
        let name = format!("of {} with fence {}", lease.owner, lease.fence);
        trace.say(name, kind(desk.store(&lease, &record(&run)).await));
    }
    Ok(())
}

async fn ones_own_repeated_store_is_stored_and_the_first_record_stays<R: Desk>(
    room: &R,
    trace: &Trace,
) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("repeated"));
    let lease = granted(desk, &claim(&run, Task::Analyze, "a", 0)).await?;
    trace.say("store", kind(desk.store(&lease, &record(&run)).await));
    trace.say("the same", kind(desk.store(&lease, &record(&run)).await));
    let another = AnalysisRecord { summary: "another".to_owned(), ..record(&run) };
    trace.say("another", kind(desk.store(&lease, &another).await));
    trace.say("loaded", kind(desk.load(&run).await).map(|found| found.map(|found| found.summary)));
    Ok(())
}

async fn a_lease_that_is_over_still_stores_while_nobody_else_has_claimed<R: Desk>(
    room: &R,
    trace: &Trace,
) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("over"));
    let wish = Claim { lease_until: Timestamp::UNIX_EPOCH, ..claim(&run, Task::Analyze, "a", 0) };
    let lease = granted(desk, &wish).await?;
    trace.say("store", kind(desk.store(&lease, &record(&run)).await));
    Ok(())
}

async fn nothing_is_loaded_where_nothing_was_stored<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("nothing"));
    trace.say("unknown", kind(desk.load(&run).await));
    granted(desk, &claim(&run, Task::Analyze, "a", 0)).await?;
    trace.say("claimed", kind(desk.load(&run).await));
    granted(desk, &claim(&run, Task::Notify, "a", 0)).await?;
    trace.say("claimed for its mail", kind(desk.load(&run).await));
    Ok(())
}

async fn a_record_comes_back_as_it_was<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let desk = room.analyses();
    let makes: [(&str, Make); 3] = [("full", record), ("bare", bare), ("large", large)];
    for (name, make) in makes {
        let run = run_of(name);
        let lease = granted(desk, &claim(&run, Task::Analyze, "a", 0)).await?;
        trace.say(name, kind(desk.store(&lease, &make(&run)).await));
        let found = desk.load(&run).await?;
        trace.say("the same", found.as_ref() == Some(&make(&run)));
        let json = found.map(|found| serde_json::to_string(&found)).transpose()?;
        trace.say("the same JSON", json == Some(serde_json::to_string(&make(&run))?));
    }
    Ok(())
}

async fn a_task_is_looked_at_without_a_claim<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("looked at"));
    for task in [Task::Analyze, Task::Notify] {
        trace.say("unknown", state(desk, &run, task).await);
        granted(desk, &claim(&run, task, "a", 0)).await?;
        trace.say("claimed", state(desk, &run, task).await);
        trace.say("once more", state(desk, &run, task).await);
        say_claim(desk, trace, &claim(&run, task, "a", 1)).await;
    }
    Ok(())
}

fn bare(run: &RunId) -> AnalysisRecord {
    AnalysisRecord {
        processed_file: None,
        insights: Vec::new(),
        anomalies: Vec::new(),
        recommendations: Vec::new(),
        summary: String::new(),
        facts: Vec::new(),
        narrator_reason: None,
        model: None,
        ..record(run)
    }
}

fn large(run: &RunId) -> AnalysisRecord {
    AnalysisRecord { summary: "☂".repeat(40_000), ..record(run) }
}

fn fact(id: &str, value: Value) -> Fact {
    Fact {
        id: id.to_owned(),
        kind: FactKind::GroupSum,
        measure: Some("price".to_owned()),
        subject: BTreeMap::from([("model".to_owned(), "Größe \"XL\"".to_owned())]),
        value,
        unit: Some("EUR".to_owned()),
        of: 717,
        rank: Some(1),
        approximate: true,
        error: Some(Value(Decimal::new(1, 2))),
    }
}

/// A record with something in each of its fields.
#[must_use]
pub fn record(run: &RunId) -> AnalysisRecord {
    let facts = || vec!["f1".to_owned(), "f2".to_owned()];
    AnalysisRecord {
        analysis_id: run.clone(),
        correlation_id: run.as_str().to_owned(),
        dataset: "orders".to_owned(),
        source_file: "input/orders/May 2026 + June.csv".to_owned(),
        processed_file: Some("processed/orders/May-2026-June-4f8a1c2b3d4e.csv".to_owned()),
        records_analyzed: 717,
        analysis_timestamp: "2026-06-01T08:00:05Z".to_owned(),
        insights: vec![Insight {
            kind: "top_group".to_owned(),
            description: "XL is the most frequent.".to_owned(),
            confidence: Level::High,
            facts: facts(),
        }],
        anomalies: vec![Anomaly {
            kind: "flag".to_owned(),
            description: "3 rows are flagged.".to_owned(),
            severity: Level::Low,
            facts: Vec::new(),
        }],
        recommendations: vec![Recommendation {
            category: "data_quality".to_owned(),
            action: "Ask the sender.".to_owned(),
            priority: Level::Medium,
            facts: facts(),
        }],
        summary: "717 rows; ☂ and \"quotes\".".to_owned(),
        notification_sent: false,
        notification_timestamp: None,
        ttl: 1_800_000_000,
        facts: vec![
            fact("f1", Value::from(717)),
            fact("f2", Value(Decimal::new(-12_345_678_901_234, 6))),
            fact("f3", Value(Decimal::from_i128_with_scale(123_456_789_012_345_678_901_234, 8))),
            fact("f4", Value(Decimal::new(1, 7))),
        ],
        narrator: NarratorKind::Partial,
        narrator_reason: Some("one sentence was withheld".to_owned()),
        model: Some(ModelUse {
            id: "amazon.nova-lite-v1:0".to_owned(),
            input_tokens: 1200,
            output_tokens: 300,
            cost_usd: Some("0.000144".to_owned()),
            sentences_withheld: 1,
        }),
        rows: Rows { total: 1002, valid: 717, rejected: 285 },
    }
}
