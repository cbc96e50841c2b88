use std::time::Duration;

use futures_lite::future::block_on;
use jiff::Timestamp;
use operator::names::Stage;
use operator::pace::Bounds;
use operator::replay::{NotReplayed, Replay, Replayed, Step, Wanted};
use shared::keys::manifest_key;
use shared::ports::FaultKind;

use crate::mill::{BUCKET, Mill, Seen, at};

const HOUR: Duration = Duration::from_secs(3600);

fn of(mill: &Mill, wanted: Wanted) -> Replay {
    Replay {
        bucket: BUCKET.into(),
        queue: mill.names.queue(Stage::Processor),
        wanted,
        nonce: None,
        bounds: Bounds::of(100.0, 1000).unwrap(),
        id: "replay-1".into(),
        dry_run: false,
    }
}

fn file(key: &str) -> Wanted {
    Wanted::File { key: key.into(), version_id: None }
}

fn below(prefix: &str, since: Option<&str>) -> Wanted {
    Wanted::Below { prefix: prefix.into(), since: since.map(at) }
}

fn replay(mill: &Mill, replay: &Replay) -> Replayed {
    let mut done = Replayed::default();
    block_on(mill.operator().replay(replay, &mut Seen::default(), &mut done)).unwrap();
    done
}

fn refused(mill: &Mill, wanted: Wanted) -> NotReplayed {
    let mut done = Replayed::default();
    let refused = block_on(mill.operator().replay(&of(mill, wanted), &mut Seen::default(), &mut done));
    assert_eq!((done, mill.depths()), (Replayed::default(), (0, 0)));
    refused.unwrap_err()
}

fn forced(mill: &Mill, key: &str, nonce: &str) -> Replay {
    Replay { nonce: Some(nonce.into()), ..of(mill, file(key)) }
}

/// Everything that the bucket and the table hold.
fn state(mill: &Mill) -> (Vec<String>, usize) {
    let versions = mill.objects.keys().iter().map(|key| mill.objects.version_count(BUCKET, key)).sum();
    (mill.objects.keys(), versions)
}

#[test]
fn a_finished_run_that_is_announced_again_stays_as_it_is_and_sends_no_second_mail() {
    let mill = Mill::new();
    for key in ["input/parts/x.csv", "input/parts/y.csv"] {
        mill.drop_file(key);
    }
    mill.work();
    let (before, mails) = (state(&mill), mill.mails());
    assert_eq!(mails.values().sum::<usize>(), 2);
    let done = replay(&mill, &of(&mill, below("input/", None)));
    assert_eq!((done.announced, mill.depths().0), (2, 2));
    mill.work();
    assert_eq!((state(&mill), mill.mails(), mill.depths()), (before, mails, (0, 0)));
}

#[test]
fn a_forced_replay_is_a_run_with_a_mail_of_its_own_and_the_same_nonce_is_the_same_run() {
    let mill = Mill::new();
    mill.drop_file("input/parts/x.csv");
    mill.work();
    for (nonce, runs) in [("one", 2), ("one", 2), ("two", 3), ("one", 3)] {
        replay(&mill, &forced(&mill, "input/parts/x.csv", nonce));
        mill.work();
        let mails = mill.mails();
        assert!(mails.len() == runs && mails.values().all(|count| *count == 1), "{nonce}: {mails:?}");
    }
}

#[test]
fn a_run_that_is_stuck_goes_on() {
    let mill = Mill::new();
    mill.drop_file("input/parts/x.csv");
    assert!(mill.work_at(Stage::Processor));
    // Its event for the analyzer is lost.
    let queue = mill.names.queue(Stage::Analyzer);
    let letters = block_on(shared::ports::Queues::receive(&mill.queues, &queue, HOUR)).unwrap();
    block_on(shared::ports::Queues::delete(&mill.queues, &queue, &letters[0].receipt)).unwrap();
    mill.work();
    assert!(mill.mails().is_empty());
    replay(&mill, &of(&mill, file("input/parts/x.csv")));
    mill.work();
    assert_eq!(mill.mails().values().collect::<Vec<_>>(), [&1]);
}

#[test]
fn the_latest_version_is_announced_or_the_one_that_is_named() {
    let mill = Mill::new();
    let first = mill.upload("input/parts/x.csv");
    let second = mill.objects.put(BUCKET, "input/parts/x.csv", "sku,price\nC,7\n");
    mill.upload("input/parts/x.csv.old");
    mill.objects.set_page_size(1);
    let announced = |wanted| {
        let mut seen = Seen::default();
        let mut done = Replayed::default();
        block_on(mill.operator().replay(&of(&mill, wanted), &mut seen, &mut done)).unwrap();
        seen.steps
            .into_iter()
            .map(|step| match step {
                Step::Announced(version) => (version.source, true),
                Step::Deleted(version) => (version.source, false),
                Step::Waiting(depth) => panic!("{depth:?}"),
            })
            .collect::<Vec<_>>()
    };
    let version =
        |id: &Option<String>| Wanted::File { key: "input/parts/x.csv".into(), version_id: id.clone() };
    assert_eq!(announced(file("input/parts/x.csv")), [(second.clone(), true)]);
    assert_eq!(announced(version(&first.version_id)), [(first.clone(), true)]);
    mill.objects.delete(BUCKET, "input/parts/x.csv");
    assert_eq!(announced(file("input/parts/x.csv")), [(second.clone(), false)], "left out and counted");
    assert_eq!(announced(version(&first.version_id)), [(first, true)]);
    assert_eq!(announced(below("input/parts/x.csv", None)).len(), 2);
    let Err(error) = block_on(mill.operator().replay(
        &of(&mill, version(&Some("none".into()))),
        &mut Seen::default(),
        &mut Replayed::default(),
    )) else {
        panic!("there is no such version")
    };
    assert!(matches!(error, NotReplayed::NoSuchVersion { .. }));
}

#[test]
fn only_what_was_stored_since_then_is_announced() {
    let mill = Mill::new();
    mill.upload("input/parts/old.csv");
    mill.upload("input/parts/old-and-deleted.csv");
    mill.wait(HOUR);
    mill.upload("input/parts/new.csv");
    mill.upload("input/parts/new-and-deleted.csv");
    for key in ["input/parts/old-and-deleted.csv", "input/parts/new-and-deleted.csv"] {
        mill.objects.delete(BUCKET, key);
    }
    let count = |since: &str| {
        let done = replay(&mill, &Replay { dry_run: true, ..of(&mill, below("input/", Some(since))) });
        (done.announced, done.deleted)
    };
    assert_eq!(count("2026-05-20T12:00:00Z"), (2, 2));
    assert_eq!(count("2026-05-20T12:00:01Z"), (1, 1));
    assert_eq!(count("2026-05-20T13:00:00Z"), (1, 1));
    assert_eq!(count("2026-05-20T13:00:01Z"), (0, 0));
    assert_eq!(mill.depths(), (0, 0), "a dry run sends nothing");
}

#[test]
fn what_the_pipeline_does_not_take_is_refused() {
    let mill = Mill::new();
    for wanted in [file("processed/parts/x.csv"), below("", None), below("inp", None)] {
        assert!(matches!(refused(&mill, wanted), NotReplayed::OutsideInput { .. }));
    }
    mill.upload("input/parts/x.csv.old");
    for key in ["input/parts/none.csv", "input/parts/x.csv"] {
        assert!(matches!(refused(&mill, file(key)), NotReplayed::NoSuchFile { .. }));
    }
}

#[test]
fn files_are_announced_one_by_one_under_the_rate_until_it_is_ended() {
    let mill = Mill::new();
    for number in 0..20 {
        mill.upload(&format!("input/parts/{number:02}.csv"));
    }
    let begun: Timestamp = shared::ports::Clock::now(&mill.clock);
    let slowly = Replay { bounds: Bounds::of(2.0, 1000).unwrap(), ..of(&mill, below("input/", None)) };
    let mut done = Replayed::default();
    let mut watch = Seen { end_after: 9, ..Seen::default() };
    block_on(mill.operator().replay(&slowly, &mut watch, &mut done)).unwrap();
    assert_eq!((done.announced, done.is_cut_off, mill.depths().0), (9, true, 9));
    let took = shared::ports::Clock::now(&mill.clock).duration_since(begun);
    assert_eq!(took.as_millis(), 8 * 500);
    // A fault ends it too, and what was sent stays sent.
    mill.queues.fail_after("send", 3, FaultKind::Unavailable);
    let mut done = Replayed::default();
    assert!(block_on(mill.operator().replay(&slowly, &mut Seen::default(), &mut done)).is_err());
    assert_eq!((done.announced, mill.depths().0), (3, 12));
    // And so it is with a forced one, which is started again with its nonce.
    let forced = Replay { nonce: Some("n".into()), ..slowly };
    let mut watch = Seen { end_after: 9, ..Seen::default() };
    block_on(mill.operator().replay(&forced, &mut watch, &mut Replayed::default())).unwrap();
    replay(&mill, &forced);
    mill.work();
    let mails = mill.mails();
    // Nine files were announced without a nonce, and each of the twenty with it.
    assert!(mails.len() == 29 && mails.values().all(|count| *count == 1), "{mails:?}");
    for run in mails.keys() {
        let run = shared::identity::RunId::try_from(run.clone()).unwrap();
        assert_eq!(mill.objects.version_count(BUCKET, &manifest_key(&run)), 1);
    }
}
