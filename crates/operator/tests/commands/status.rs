use std::time::Duration;

use futures_lite::future::block_on;
use operator::names::Stage;
use operator::pace::Bounds;
use operator::replay::{Replay, Replayed, Wanted};
use operator::status::{Look, Mail, NoStatus, Progress, Trouble};
use shared::manifest::Status;
use shared::ports::{Clock as _, Fault, FaultKind, Queues, SendFault};
use shared::record::NarratorKind;

use crate::mill::{BUCKET, Mill, Seen};

const KEY: &str = "input/parts/x.csv";

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn looks(mill: &Mill) -> Vec<Look> {
    block_on(mill.operator().status_of_file(BUCKET, KEY)).unwrap()
}

fn look(mill: &Mill) -> Look {
    let mut looks = looks(mill);
    assert_eq!(looks.len(), 1, "{looks:#?}");
    looks.remove(0)
}

/// How far the file is, what it waits for, and whether that is trouble.
fn told(mill: &Mill) -> (Progress, String, Option<Trouble>) {
    let look = look(mill);
    let trouble = look.trouble(mill.clock.now());
    (look.progress, look.waits_for().unwrap_or_default(), trouble)
}

fn lose_the_message(mill: &Mill, stage: Stage) {
    let queue = mill.names.queue(stage);
    for letter in block_on(mill.queues.receive(&queue, minutes(1))).unwrap() {
        block_on(mill.queues.delete(&queue, &letter.receipt)).unwrap();
    }
}

#[test]
fn a_file_is_followed_from_its_upload_to_its_mail() {
    let mill = Mill::new();
    let source = mill.drop_file(KEY);
    assert_eq!(told(&mill), (Progress::Unknown, "its announcement".into(), None));
    mill.wait(minutes(1));
    mill.work_at(Stage::Processor);
    assert_eq!(told(&mill), (Progress::Analyzing, "the analyzer".into(), None));
    mill.wait(minutes(1));
    mill.work_at(Stage::Analyzer);
    assert_eq!(told(&mill), (Progress::Mailing, "the notifier".into(), None));
    mill.work_at(Stage::Notifier);
    assert_eq!(told(&mill), (Progress::Finished, String::new(), None));
    mill.wait(minutes(1));
    let look = look(&mill);
    let outcome = look.outcome.clone().unwrap();
    assert_eq!((outcome.status, outcome.rows.valid, outcome.rows.rejected), (Status::Completed, 1, 1));
    assert_eq!((look.narrator, &look.source, look.is_replay), (Some(NarratorKind::BuiltIn), &source, false));
    assert!(matches!(look.mail, Mail::Sent { at: Some(_) }));
    assert_eq!(look.age(mill.clock.now()).as_secs(), 120, "since the processor took it");
    // By its run, too.
    let run = look.run_id.clone().unwrap();
    for named in [run.as_str(), run.short()] {
        assert_eq!(block_on(mill.operator().status_of_run(BUCKET, named)).unwrap(), look);
    }
}

#[test]
fn what_is_too_old_for_where_it_is_is_trouble_with_a_way_out() {
    let mill = Mill::new();
    mill.upload(KEY);
    let advice = |trouble| look(&mill).advice(trouble);
    mill.wait(minutes(15));
    assert_eq!(told(&mill).2, None);
    mill.wait(minutes(1));
    assert_eq!(told(&mill).2, Some(Trouble::Overlooked));
    assert!(advice(Trouble::Overlooked).contains("gristmill replay input/parts/x.csv"));
    let replay = Replay {
        bucket: BUCKET.into(),
        queue: mill.names.queue(Stage::Processor),
        wanted: Wanted::File { key: KEY.into(), version_id: None },
        nonce: None,
        bounds: Bounds::of(1.0, 9).unwrap(),
        id: "r".into(),
        dry_run: false,
    };
    block_on(mill.operator().replay(&replay, &mut Seen::default(), &mut Replayed::default())).unwrap();
    mill.work_at(Stage::Processor);
    lose_the_message(&mill, Stage::Analyzer);
    mill.wait(minutes(30));
    assert_eq!(told(&mill).2, None);
    mill.wait(minutes(1));
    assert_eq!(told(&mill), (Progress::Analyzing, "the analyzer".into(), Some(Trouble::Stuck)));
    assert!(advice(Trouble::Stuck).contains("redrive --stage analyzer --dry-run"));
    // The advice is good.
    block_on(mill.operator().replay(&replay, &mut Seen::default(), &mut Replayed::default())).unwrap();
    mill.work();
    assert_eq!(told(&mill).2, None);
}

#[test]
fn what_the_sweep_does_not_look_at_is_forgotten() {
    let mill = Mill::new();
    mill.upload(KEY);
    mill.wait(minutes(15 * 24 * 60));
    assert_eq!(told(&mill).2, Some(Trouble::Forgotten));
    assert!(look(&mill).advice(Trouble::Forgotten).contains("backfill"));
}

#[test]
fn a_mail_of_which_nobody_knows_and_one_that_is_refused_are_told_apart() {
    let unknown = || SendFault::Unknown(Fault::new("SendEmail", FaultKind::TimedOut, "TimedOut"));
    let mill = Mill::new();
    mill.drop_file(KEY);
    mill.mailer.fail_next(unknown());
    mill.work();
    let (progress, waits, trouble) = told(&mill);
    assert_eq!((progress, trouble), (Progress::Mailing, None));
    assert!(waits.starts_with("the mail service's word on a send that began at 2026-05-20T12:00"), "{waits}");
    // A person is asked.
    let run = look(&mill).run_id.unwrap();
    let item = mill.analyses.item(&run, shared::ports::Task::Notify).unwrap();
    let send_id = item.attempt.unwrap().send_id;
    block_on(shared::ports::Analyses::park(&mill.analyses, &run, &send_id, mill.clock.now())).unwrap();
    assert_eq!(told(&mill).2, Some(Trouble::Parked));
    assert!(look(&mill).advice(Trouble::Parked).contains("--force"));

    let mill = Mill::new();
    mill.drop_file(KEY);
    let code = Fault::new("SendEmail", FaultKind::Invalid, "MessageRejected");
    mill.mailer.fail_next(SendFault::Refused(code));
    mill.work();
    let look = look(&mill);
    assert_eq!((look.progress, look.trouble(mill.clock.now())), (Progress::Finished, None));
    assert!(matches!(look.mail, Mail::Refused { code: Some(code), .. } if code == "MessageRejected"));
}

#[test]
fn a_file_shows_all_its_versions_its_duplicates_and_its_forced_replays() {
    let mill = Mill::new();
    let first = mill.drop_file(KEY);
    mill.work();
    mill.wait(minutes(1));
    // The same bytes again: the run of the first.
    let twin = mill.drop_file(KEY);
    mill.work();
    mill.wait(minutes(1));
    let body = operator::announcement::body(&twin, "r", Some("again"));
    block_on(mill.queues.send(&mill.names.queue(Stage::Processor), &body)).unwrap();
    mill.work();
    mill.wait(minutes(1));
    let other = mill.objects.put(BUCKET, KEY, "");
    mill.announce(&other);
    mill.work();
    mill.upload("input/parts/x.csv.old");
    mill.objects.set_page_size(1);
    let looks = looks(&mill);
    let told: Vec<_> = looks.iter().map(|l| (&l.source, l.is_duplicate, l.is_replay)).collect();
    assert_eq!(
        told,
        [(&other, false, false), (&twin, false, true), (&twin, true, false), (&first, false, false)]
    );
    assert_eq!(looks[2].run_id, looks[3].run_id);
    assert!(looks.iter().all(|look| look.progress == Progress::Finished));
    assert_eq!(looks[0].outcome.as_ref().unwrap().status, Status::Rejected);
    assert_eq!(mill.mails().values().sum::<usize>(), 3);
}

#[test]
fn the_newest_runs_come_first_over_the_days_of_the_ledger() {
    let mill = Mill::new();
    mill.objects.set_page_size(3);
    for number in 0..7 {
        mill.drop_file(&format!("input/parts/{number}.csv"));
        mill.work();
        mill.wait(minutes(10 * 60));
    }
    mill.drop_file("input/parts/open.csv");
    mill.work_at(Stage::Processor);
    let recent = |last, days| block_on(mill.operator().status_of_last(BUCKET, last, days)).unwrap();
    let keys = |looks: &[Look]| looks.iter().map(|l| l.source.key.clone()).collect::<Vec<_>>();
    let three = recent(3, 15);
    assert_eq!(keys(&three.looks), ["input/parts/open.csv", "input/parts/6.csv", "input/parts/5.csv"]);
    // Two days hold three runs; the third is not looked at.
    assert_eq!((three.days, three.open), (2, 1));
    let all = recent(100, 15);
    assert_eq!((all.looks.len(), all.entries, all.open, all.days), (8, 8, 1, 15));
    assert_eq!(recent(100, 1).days, 1);
    // As many runs as are shown are read, and no more.
    assert!(recent(1, 15).looks.len() == 1);
}

#[test]
fn the_depths_of_all_queues_are_told() {
    let mill = Mill::new();
    mill.drop_file(KEY);
    block_on(mill.queues.send(&mill.names.dead_letters(Stage::Notifier), "x")).unwrap();
    let depths = block_on(mill.operator().depths(&mill.names)).unwrap();
    let told: Vec<_> = depths.iter().map(|(s, q)| (*s, q.queue.total(), q.dead_letters.total())).collect();
    assert_eq!(told, [(Stage::Processor, 1, 0), (Stage::Analyzer, 0, 0), (Stage::Notifier, 0, 1)]);
}

#[test]
fn what_is_not_there_is_told_apart_from_what_is_no_file() {
    let mill = Mill::new();
    let operator = mill.operator();
    mill.upload("input/parts/x.csv.old");
    let file = |key: &str| block_on(operator.status_of_file(BUCKET, key)).unwrap_err();
    assert!(matches!(file(KEY), NoStatus::NoSuchFile { .. }));
    assert!(matches!(file("processed/x.csv"), NoStatus::OutsideInput { .. }));
    let run = |run: &str| block_on(operator.status_of_run(BUCKET, run)).unwrap_err();
    assert!(matches!(run("0123456789ab"), NoStatus::NoSuchRun { .. }));
    for number in 0..40 {
        mill.drop_file(&format!("input/parts/{number}.csv"));
    }
    mill.work();
    // Of forty runs two begin with the same digit.
    let ambiguous = (0..16).filter(|digit| {
        let begin = format!("{digit:x}");
        matches!(block_on(operator.status_of_run(BUCKET, &begin)), Err(NoStatus::Ambiguous { runs: 2.., .. }))
    });
    assert!(ambiguous.count() > 0);
}
