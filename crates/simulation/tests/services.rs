//! The services do what the real ones promise; without that, a run would prove nothing.
#![expect(clippy::unwrap_used, reason = "test helpers stop at the first surprise")]

use std::sync::Arc;

use fastrand::Rng;
use jiff::Timestamp;
use shared::checksum::Checksum;
use shared::claims::{Attempt, Step, TaskState};
use shared::identity::{ContractDigest, ETag, RunId};
use shared::ports::{Claim, FaultKind, FeedbackKind, ListingPlace, MailFeedback, Task};
use simulation::faults::{Operation, Place, Plan, Planned, Rates};
use simulation::services::bus::{Trigger, mail_feedback, object_created, parse, sweep_due};
use simulation::services::queue::Queue;
use simulation::services::s3::{Bucket, PAGE, Write};
use simulation::services::table::{StepRules, Table};

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn write(key: &str, bytes: &[u8], if_none_match: bool) -> Write {
    Write { key: key.into(), bytes: bytes.into(), checksum: Checksum::of(bytes), if_none_match }
}

#[test]
fn a_conditional_write_never_replaces_and_an_unconditional_one_makes_a_version() {
    let mut bucket = Bucket::default();
    bucket.put(&write("a", b"1", true), second(0)).unwrap();
    for bytes in [b"1", b"2"] {
        let refused = bucket.put(&write("a", bytes, true), second(1)).unwrap_err();
        assert_eq!((refused.kind, refused.code.as_str()), (FaultKind::Changed, "PreconditionFailed"));
    }
    assert_eq!(bucket.versions_of("a").len(), 1);
    bucket.put(&write("a", b"3", false), second(2)).unwrap();
    assert_eq!(bucket.versions_of("a").len(), 2);
    assert_eq!(&*bucket.current("a").unwrap().bytes, b"3");
}

#[test]
fn bytes_that_do_not_fit_their_checksum_are_not_stored() {
    let mut bucket = Bucket::default();
    let wrong = Write { checksum: Checksum::of(b"other"), ..write("a", b"1", true) };
    assert_eq!(bucket.put(&wrong, second(0)).unwrap_err().kind, FaultKind::Invalid);
    assert!(bucket.current("a").is_none());
}

#[test]
fn a_read_gets_the_version_and_the_tag_that_it_asks_for_or_nothing() {
    let mut bucket = Bucket::default();
    let old = bucket.put(&write("a", b"old", false), second(0)).unwrap().clone();
    let new = bucket.put(&write("a", b"new", false), second(0)).unwrap().clone();
    let get = |version: Option<&str>, tag: Option<&ETag>| {
        bucket.get("a", version, tag).map(|found| found.number).map_err(|fault| fault.kind)
    };
    assert_eq!(get(None, None), Ok(new.number));
    assert_eq!(get(Some(&old.id()), Some(&old.etag)), Ok(old.number));
    assert_eq!(get(Some(&old.id()), Some(&new.etag)), Err(FaultKind::Changed));
    assert_eq!(get(None, Some(&old.etag)), Err(FaultKind::Changed));
    bucket.delete("a", &old.id());
    assert_eq!(bucket.get("a", Some(&old.id()), None).unwrap_err().code, "NoSuchVersion");
    assert_eq!(bucket.get("b", None, None).unwrap_err().code, "NoSuchKey");
}

#[test]
fn s3_tells_the_time_to_the_second() {
    let mut bucket = Bucket::default();
    let time: Timestamp = "2026-11-21T10:00:00.987654Z".parse().unwrap();
    let stored = bucket.put(&write("a", b"1", false), time).unwrap();
    assert_eq!(stored.modified.to_string(), "2026-11-21T10:00:00Z");
}

#[test]
fn listings_come_in_pages_and_go_on_where_they_stopped() {
    let mut bucket = Bucket::default();
    for number in 0..PAGE + 5 {
        bucket.put(&write(&format!("x/{number:05}"), b"1", false), second(0)).unwrap();
    }
    bucket.put(&write("x/00000", b"2", false), second(1)).unwrap();
    bucket.put(&write("y", b"1", false), second(1)).unwrap();
    let (first, more) = bucket.list("x/", None);
    assert!(more && first.len() == PAGE);
    let (rest, more) = bucket.list("x/", first.last().map(String::as_str));
    assert!(!more && rest.len() == 5, "{rest:?}");

    let page = bucket.list_versions("b", "x/", None);
    assert_eq!(page.versions.len(), PAGE);
    let newest_first: Vec<u64> = page.versions.iter().take(2).map(|version| version.source.size).collect();
    assert_eq!(newest_first, [1, 1]);
    let ids: Vec<_> = page.versions.iter().take(2).map(|version| version.source.version_id.clone()).collect();
    assert_eq!(ids, [Some(format!("v{}", PAGE + 6)), Some("v1".to_owned())], "newest first");
    let rest = bucket.list_versions("b", "x/", page.next.as_ref());
    assert_eq!((rest.versions.len(), rest.next), (6, None));
    // A page may end between two versions of a key.
    let between = ListingPlace { key: "x/00000".to_owned(), version_id: ids[0].clone() };
    let rest = bucket.list_versions("b", "x/", Some(&between));
    assert_eq!(rest.versions[0].source.version_id, ids[1]);
}

#[test]
fn a_message_is_hidden_while_it_is_worked_on_and_comes_back_with_its_receipt_only() {
    let (mut queue, mut rng) = (Queue::new(3), Rng::with_seed(1));
    queue.send("m".into());
    let first = queue.receive(&mut rng).unwrap();
    assert!(queue.receive(&mut rng).is_none());
    queue.show(first.id, first.receipt);
    let second = queue.receive(&mut rng).unwrap();
    assert_eq!((second.id, second.receipt), (first.id, first.receipt + 1));
    queue.show(first.id, first.receipt);
    assert!(queue.receive(&mut rng).is_none(), "an old receipt shows nothing");
    queue.delete(second.id);
    queue.show(second.id, second.receipt);
    assert!(queue.receive(&mut rng).is_none() && queue.is_empty());
}

#[test]
fn what_was_handed_out_too_often_is_a_dead_letter_and_can_be_moved_back() {
    let (mut queue, mut rng) = (Queue::new(2), Rng::with_seed(1));
    queue.send("m".into());
    for _ in 0..2 {
        let received = queue.receive(&mut rng).unwrap();
        queue.failed(received.id, "it broke".to_owned());
        queue.show(received.id, received.receipt);
    }
    assert!(queue.receive(&mut rng).is_none());
    let dead: Vec<_> = queue.dead().iter().map(|dead| (&*dead.body, dead.reason.as_str())).collect();
    assert_eq!(dead, [("m", "it broke")]);
    assert!(queue.is_empty());
    assert_eq!(queue.redrive(), 1);
    assert!(queue.dead().is_empty());
    let received = queue.receive(&mut rng).unwrap();
    queue.show(received.id, received.receipt);
    assert!(queue.receive(&mut rng).is_some(), "its receives are counted anew");
}

#[test]
fn a_queue_keeps_no_order() {
    let (mut queue, mut rng) = (Queue::new(2), Rng::with_seed(1));
    for number in 0..20 {
        queue.send(number.to_string().into());
    }
    let received: Vec<Arc<str>> =
        std::iter::from_fn(|| queue.receive(&mut rng)).map(|received| received.body).collect();
    let mut sorted = received.clone();
    sorted.sort_by_key(|body| body.parse::<u32>().unwrap());
    assert_eq!(sorted.len(), 20);
    assert_ne!(received, sorted);
}

fn run() -> RunId {
    RunId::of("b", "input/x.csv", &ETag::parse("e"), &ContractDigest::of(b"{}"), None)
}

fn claim(owner: &str, now: i64) -> Claim {
    Claim {
        run_id: run(),
        task: Task::Notify,
        owner: owner.to_owned(),
        now: second(now),
        lease_until: second(now + 60),
        resend_before: Some(second(now - 900)),
    }
}

const RULES: StepRules = StepRules { fence: true, intent: true };

fn begin(table: &mut Table, owner: &str, fence: u64, now: i64, rules: StepRules) -> bool {
    let lease = shared::ports::Lease { run_id: run(), task: Task::Notify, owner: owner.to_owned(), fence };
    let step = Step::BeginSend(Attempt { send_id: format!("s{fence}"), since: second(now) });
    table.step(second(now), &lease, &step, rules).is_ok()
}

#[test]
fn a_condition_that_fails_brings_the_old_item_and_changes_nothing() {
    let mut table = Table::default();
    assert_eq!(table.claim(second(0), &claim("a", 0), true).unwrap().fence, 1);
    let old = table.claim(second(1), &claim("b", 1), true).unwrap_err();
    assert_eq!((old.owner.as_str(), old.fence), ("a", 1));
    assert_eq!(table.claim(second(61), &claim("b", 61), true).unwrap().fence, 2);
    assert!(!begin(&mut table, "a", 1, 62, RULES), "an owner that was taken over");
    assert!(begin(&mut table, "a", 1, 62, StepRules { fence: false, ..RULES }), "without the fence it may");
    let item = table.task(&run(), Task::Notify).unwrap();
    assert_eq!((item.state, item.owner.as_str()), (TaskState::Sending, "b"));
    assert_eq!(table.claim(second(63), &claim("c", 63), true).unwrap_err().state, TaskState::Sending);
}

#[test]
fn without_the_lease_a_task_is_granted_to_anybody() {
    let mut table = Table::default();
    table.claim(second(0), &claim("a", 0), false).unwrap();
    assert_eq!(table.claim(second(1), &claim("b", 1), false).unwrap().fence, 2);
}

#[test]
fn messages_are_read_as_they_were_written() {
    let source = shared::ports::SourceObject {
        bucket: "b".to_owned(),
        key: "input/a b+%.csv".to_owned(),
        etag: ETag::parse("e"),
        version_id: Some("v1".to_owned()),
        size: 3,
    };
    assert_eq!(parse(&object_created(&source)), Ok(Trigger::Arrival(source)));
    let Ok(Trigger::Pipeline(due)) = parse(&sweep_due("b")) else { panic!("no event") };
    assert_eq!(due.about(), ("b", None));
    for kind in [FeedbackKind::Sent, FeedbackKind::Rejected, FeedbackKind::RenderingFailed] {
        let feedback = MailFeedback {
            run_id: run(),
            send_id: "s".to_owned(),
            message_id: "m".to_owned(),
            kind,
            at: second(0),
            code: None,
        };
        assert_eq!(parse(&mail_feedback(&feedback)), Ok(Trigger::Feedback(feedback)));
    }
    assert!(parse("no JSON").is_err() && parse("{}").is_err());
}

#[test]
fn a_planned_fault_strikes_where_it_is_planned() {
    let count = |plan: Plan| {
        let mut options = simulation::run::Options::random(3, 10, 0.0);
        (options.plan, options.record) = (plan, true);
        let outcome = simulation::run::run(&options);
        assert_eq!(outcome.violations, []);
        let struck =
            outcome.world.recorded.unwrap_or_default().into_iter().filter(|call| call.fault.is_some());
        struck.map(|call| (call.number, call.operation, call.nth)).collect::<Vec<_>>()
    };
    use simulation::faults::FaultKind::{CrashAfter, LostNotification};
    let at = |at, fault| Plan::Scripted(vec![Planned { at, fault }]);
    let put = count(at(Place::Nth(Operation::PutObject, 2), CrashAfter));
    assert!(matches!(put.as_slice(), [(_, Operation::PutObject, 2)]), "{put:?}");
    let number = put[0].0;
    assert_eq!(count(Plan::at_call(number, CrashAfter)), put, "the same call by its number");
    assert_eq!(count(Plan::at_call(number, LostNotification)), [], "a fault that cannot happen there");
}

#[test]
fn a_rate_is_a_rate() {
    let rates = Rates::NONE.with(simulation::faults::FaultKind::Throttle, 1.0);
    assert!(rates.of(simulation::faults::FaultKind::Throttle) > 0.99);
    let mut options = simulation::run::Options::random(3, 3, 0.0);
    options.plan = Plan::Random(Rates::NONE.with(simulation::faults::FaultKind::DuplicateNotification, 1.0));
    let outcome = simulation::run::run(&options);
    assert_eq!(outcome.violations, []);
    let notifications = outcome.figures.counts.of(simulation::faults::FaultKind::DuplicateNotification);
    assert_eq!(notifications, outcome.figures.files);
}
