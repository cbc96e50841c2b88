use std::collections::BTreeMap;
use std::time::Duration;

use futures_lite::future::block_on;
use operator::backfill::{Backfill, Backfilled, NotBackfilled, Step};
use operator::names::Stage;
use operator::pace::Bounds;
use shared::ports::{Clock as _, Queues};

use crate::mill::mortal::Death;
use crate::mill::{BUCKET, Mill, Seen};

fn of(mill: &Mill) -> Backfill {
    Backfill {
        bucket: BUCKET.into(),
        queue: mill.names.queue(Stage::Processor),
        prefix: "input/parts/".into(),
        behind: None,
        bounds: Bounds::of(100.0, 1000).unwrap(),
        max: None,
        id: "backfill-1".into(),
        dry_run: false,
    }
}

fn backfill(mill: &Mill, backfill: &Backfill) -> Backfilled {
    let mut done = Backfilled::default();
    block_on(mill.operator().backfill(backfill, &mut Seen::default(), &mut done)).unwrap();
    done
}

fn counts(done: &Backfilled) -> (u64, u64, u64) {
    (done.announced, done.known, done.deleted)
}

fn key(number: usize) -> String {
    format!("input/parts/{number:03}.csv")
}

/// How often each file was announced, by the messages in the processor's queue.
fn announced(mill: &Mill) -> BTreeMap<String, usize> {
    let mut keys = BTreeMap::new();
    for body in mill.queues.bodies(&mill.names.queue(Stage::Processor)) {
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        *keys.entry(body["detail"]["object"]["key"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    keys
}

/// Uploads over several days: some were processed, one is deleted, one was replaced, and one is elsewhere.
fn with_old_files() -> Mill {
    let mill = Mill::new();
    mill.upload(&key(0));
    mill.upload(&key(1));
    mill.objects.delete(BUCKET, &key(1));
    mill.wait(Duration::from_secs(30 * 3600));
    mill.drop_file(&key(2));
    mill.work();
    mill.upload(&key(3));
    mill.wait(Duration::from_secs(30 * 3600));
    mill.drop_file(&key(4));
    mill.work();
    // What was processed is an older version: the latest is not known.
    mill.drop_file(&key(5));
    mill.work();
    mill.objects.put(BUCKET, &key(5), "sku,price\nZ,9\n");
    mill.upload("input/elsewhere/x.csv");
    mill.upload("input/parts/");
    mill
}

#[test]
fn what_the_ledger_does_not_know_is_announced_and_nothing_else() {
    let mill = with_old_files();
    assert_eq!(mill.mails().len(), 3);
    let dry = backfill(&mill, &Backfill { dry_run: true, ..of(&mill) });
    assert_eq!((counts(&dry), mill.depths()), ((3, 2, 1), (0, 0)));
    let done = backfill(&mill, &of(&mill));
    assert_eq!(counts(&done), (3, 2, 1));
    assert_eq!(announced(&mill).keys().collect::<Vec<_>>(), [&key(0), &key(3), &key(5)]);
    mill.work();
    let mails = mill.mails();
    assert!(mails.len() == 6 && mails.values().all(|count| *count == 1), "{mails:?}");
    // Everything has an entry by now.
    assert_eq!(counts(&backfill(&mill, &of(&mill))), (0, 5, 1));
}

/// At every call, before its effect and after it; with and without the pipeline at work in between.
#[test]
fn a_backfill_that_is_killed_at_any_call_loses_nothing_and_mails_nothing_twice() {
    let mut deaths = 0;
    for (after_effect, works_between) in [(false, false), (false, true), (true, false), (true, true)] {
        for call in 0.. {
            let mill = with_old_files();
            mill.objects.set_page_size(2);
            let death = Death::at(call, after_effect);
            let mut done = Backfilled::default();
            let ended = block_on(mill.mortal(&death).backfill(&of(&mill), &mut Seen::default(), &mut done));
            if death.calls() <= call {
                ended.unwrap();
                break;
            }
            deaths += 1;
            if works_between {
                mill.work();
            }
            // Once from the beginning, once from where it was.
            let behind = if call.is_multiple_of(2) { done.last } else { None };
            backfill(&mill, &Backfill { behind, ..of(&mill) });
            mill.work();
            let mails = mill.mails();
            assert!(mails.len() == 6 && mails.values().all(|count| *count == 1), "{call}: {mails:?}");
            assert_eq!(counts(&backfill(&mill, &of(&mill))), (0, 5, 1), "{call}");
            assert_eq!(mill.depths(), (0, 0));
        }
    }
    assert!(deaths > 40, "{deaths}");
}

#[test]
fn it_goes_on_behind_a_key_and_ends_at_its_maximum() {
    let mill = Mill::new();
    for number in 0..10 {
        mill.upload(&key(number));
    }
    let some = backfill(&mill, &Backfill { max: Some(4), ..of(&mill) });
    assert_eq!((some.announced, some.is_at_max, some.last.clone()), (4, true, Some(key(3))));
    let rest = backfill(&mill, &Backfill { behind: some.last, max: Some(6), ..of(&mill) });
    assert_eq!((rest.announced, rest.is_at_max, rest.last.clone()), (6, false, Some(key(9))));
    let announced = announced(&mill);
    assert!(announced.len() == 10 && announced.values().all(|count| *count == 1));
    let nothing = backfill(&mill, &Backfill { behind: rest.last.clone(), ..of(&mill) });
    assert_eq!((counts(&nothing), nothing.last), ((0, 0, 0), rest.last), "where it was is not forgotten");
}

#[test]
fn what_was_processed_since_the_ledger_was_listed_is_passed_over() {
    struct Late<'m>(&'m Mill, usize);
    impl operator::Watch<Step> for Late<'_> {
        fn see(&mut self, step: &Step) {
            assert!(!matches!(step, Step::Waiting(_)));
            self.1 += 1;
            if self.1 == 1 {
                // Hours go by, and S3 tells of all the others after all.
                self.0.wait(Duration::from_secs(3600));
                let operator = self.0.operator();
                backfill(self.0, &Backfill { behind: Some(key(0)), ..of(self.0) });
                drop(operator);
                self.0.work();
            }
        }
    }
    let mill = Mill::new();
    for number in 0..5 {
        mill.upload(&key(number));
    }
    let mut done = Backfilled::default();
    block_on(mill.operator().backfill(&of(&mill), &mut Late(&mill, 0), &mut done)).unwrap();
    assert_eq!(counts(&done), (1, 4, 0));
}

#[test]
fn the_rate_is_kept_and_a_deep_queue_is_waited_for() {
    /// The stages work off fifteen messages whenever somebody waits.
    struct Slow<'m>(&'m Mill, u64);
    impl operator::Watch<Step> for Slow<'_> {
        fn see(&mut self, step: &Step) {
            let Step::Waiting(depth) = step else { return };
            assert!(depth.total() >= 60, "{depth:?}");
            self.1 += 1;
            let queue = self.0.names.queue(Stage::Processor);
            for _ in 0..2 {
                for letter in block_on(self.0.queues.receive(&queue, Duration::from_secs(60))).unwrap() {
                    block_on(self.0.queues.delete(&queue, &letter.receipt)).unwrap();
                }
            }
        }
    }
    let mill = Mill::new();
    for number in 0..200 {
        mill.upload(&key(number));
    }
    let begun = mill.clock.now();
    let mut slow = Slow(&mill, 0);
    let mut done = Backfilled::default();
    let bounded = Backfill { bounds: Bounds::of(20.0, 60).unwrap(), ..of(&mill) };
    block_on(mill.operator().backfill(&bounded, &mut slow, &mut done)).unwrap();
    assert_eq!(done.announced, 200);
    assert!(slow.1 >= 2, "it has waited {} times", slow.1);
    let took = mill.clock.now().duration_since(begun).as_millis();
    // While somebody waits for the queue, the time to the next message goes by as well.
    let least = 197 * 50 + i128::from(slow.1) * 5_000;
    assert!(took >= least, "no faster than the rate: {took} ms, and {least} at least");
}

#[test]
fn it_is_ended_between_two_files_and_refuses_what_is_not_input() {
    let mill = Mill::new();
    for number in 0..10 {
        mill.upload(&key(number));
    }
    let mut watch = Seen { end_after: 4, ..Seen::default() };
    let mut done = Backfilled::default();
    block_on(mill.operator().backfill(&of(&mill), &mut watch, &mut done)).unwrap();
    assert_eq!((done.announced, done.is_cut_off, done.last), (4, true, Some(key(3))));
    let outside = Backfill { prefix: "manifests/".into(), ..of(&mill) };
    let refused =
        block_on(mill.operator().backfill(&outside, &mut Seen::default(), &mut Backfilled::default()));
    assert!(matches!(refused.unwrap_err(), NotBackfilled::OutsideInput { .. }));
}
