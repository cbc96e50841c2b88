use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_lite::future::block_on;
use operator::Operator;
use operator::names::Stage;
use operator::redrive::{Fate, HIDE, Moved, Redrive, Redriven, Step};
use shared::memory::MemoryQueues;
use shared::ports::{Depth, Fault, FaultKind, Letter, Queues};

use crate::mill::mortal::Death;
use crate::mill::{Mill, RECEIVES, Seen, read};

fn all(mill: &Mill) -> Redrive {
    Redrive { names: mill.names.clone(), stages: Stage::ALL.to_vec(), max: None, all: false, dry_run: false }
}

fn redrive_watched(mill: &Mill, redrive: &Redrive, seen: &mut Seen<Step>) -> Redriven {
    let mut done = Redriven::default();
    block_on(mill.operator().redrive(redrive, &read, seen, &mut done)).unwrap();
    done
}

fn redrive(mill: &Mill, redrive: &Redrive) -> Redriven {
    redrive_watched(mill, redrive, &mut Seen::default())
}

/// Messages that are dead, with these bodies.
fn bury(mill: &Mill, stage: Stage, bodies: impl IntoIterator<Item = String>) {
    for body in bodies {
        block_on(mill.queues.send(&mill.names.dead_letters(stage), &body)).unwrap();
    }
    mill.wait(Duration::from_secs(1));
}

fn bodies(number: usize) -> Vec<String> {
    (0..number).map(|number| format!(r#"{{"detail-type":"Nobody's","detail":{number}}}"#)).collect()
}

/// A pipeline in which files are dead letters of each stage: bucket and table were out of order for a while.
fn with_dead_letters() -> Mill {
    let mill = Mill::new();
    for key in ["a", "b"] {
        mill.drop_file(&format!("input/parts/{key}.csv"));
        for _ in 0..RECEIVES {
            mill.objects.fail_next("create", FaultKind::Unavailable);
        }
        mill.work_until_dead();
    }
    for (key, done) in [("c", vec![Stage::Processor]), ("d", vec![Stage::Processor, Stage::Analyzer])] {
        mill.drop_file(&format!("input/parts/{key}.csv"));
        for stage in done {
            mill.work_at(stage);
        }
        for _ in 0..RECEIVES {
            mill.analyses.fail_next("claim", FaultKind::Unavailable);
        }
        mill.work_until_dead();
    }
    mill
}

fn dead(mill: &Mill) -> Vec<usize> {
    Stage::ALL.iter().map(|stage| mill.queues.bodies(&mill.names.dead_letters(*stage)).len()).collect()
}

#[test]
fn dead_letters_of_all_stages_go_back_and_each_file_gets_its_one_mail() {
    let mill = with_dead_letters();
    assert_eq!(dead(&mill), [2, 1, 1]);
    assert!(mill.mails().is_empty());
    let done = redrive(&mill, &all(&mill));
    assert_eq!((done.total().moved, done.total().left(), dead(&mill)), (4, 0, vec![0, 0, 0]));
    mill.work();
    let mails = mill.mails();
    assert!(mails.len() == 4 && mails.values().all(|count| *count == 1), "{mails:?}");
    assert_eq!(mill.depths(), (0, 0));
}

/// At every call, before its effect and after it: the letter is in one of the two queues, and the next redrive brings it
/// all to the one end.
#[test]
fn a_redrive_that_is_killed_at_any_call_loses_nothing_and_is_started_again() {
    let (mut deaths, mut doubled) = (0, 0);
    for after_effect in [false, true] {
        for call in 0.. {
            let mill = with_dead_letters();
            let death = Death::at(call, after_effect);
            let mut done = Redriven::default();
            let ended =
                block_on(mill.mortal(&death).redrive(&all(&mill), &read, &mut Seen::default(), &mut done));
            if death.calls() <= call {
                ended.unwrap();
                break;
            }
            deaths += 1;
            let (alive, left) = mill.depths();
            assert!(alive + left == 4 || alive + left == 5, "{call}: {alive} and {left}");
            doubled += usize::from(alive + left == 5);
            let again = redrive(&mill, &all(&mill));
            assert_eq!((again.total().left(), mill.depths().1), (0, 0), "{call}");
            mill.work();
            let mails = mill.mails();
            assert!(mails.len() == 4 && mails.values().all(|count| *count == 1), "{call}: {mails:?}");
            assert_eq!(mill.depths(), (0, 0), "{call}");
        }
    }
    assert!(deaths > 20, "{deaths}");
    // Between a send and the end of its deletion: twice sent, once a run.
    assert_eq!(doubled, 4 + 4, "after each send, and before each deletion");
}

#[test]
fn bodies_go_back_unchanged_and_only_into_the_queue_that_they_came_from() {
    let mill = Mill::new();
    let odd = vec!["{\"detail-type\": \"x\",\n \"detail\": \"\u{e4}\\u0001\"}".to_owned()];
    bury(&mill, Stage::Notifier, odd.clone());
    bury(&mill, Stage::Analyzer, bodies(2));
    let only = Redrive { stages: vec![Stage::Notifier], ..all(&mill) };
    assert_eq!(redrive(&mill, &only).stages.keys().collect::<Vec<_>>(), [&Stage::Notifier]);
    assert_eq!(mill.queues.bodies(&mill.names.queue(Stage::Notifier)), odd);
    assert_eq!(dead(&mill), [0, 2, 0]);
}

#[test]
fn a_dry_run_shows_each_letter_once_and_leaves_it_to_be_seen() {
    let mill = Mill::new();
    bury(&mill, Stage::Processor, bodies(25));
    let mut seen = Seen::default();
    let dry = Redrive { dry_run: true, ..all(&mill) };
    let done = redrive_watched(&mill, &dry, &mut seen);
    let mut shown: Vec<String> = seen
        .steps
        .iter()
        .map(|step| match step {
            Step::Letter { letter, fate: Fate::Shown, .. } => letter.body.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    shown.sort_unstable();
    let mut expected = bodies(25);
    expected.sort_unstable();
    assert_eq!((shown, done.total().moved), (expected, 25));
    let queue = mill.names.dead_letters(Stage::Processor);
    assert_eq!(block_on(mill.queues.depth(&queue)).unwrap().visible, 25);
    assert_eq!(mill.depths(), (0, 25));
    // And with a maximum, too.
    assert_eq!(redrive(&mill, &Redrive { max: Some(3), ..dry }).total().moved, 3);
    assert_eq!(block_on(mill.queues.depth(&queue)).unwrap().visible, 25);
}

#[test]
fn what_no_stage_understands_is_shown_and_left_unless_all_is_asked_for() {
    let mill = Mill::new();
    bury(&mill, Stage::Analyzer, ["hello".to_owned()].into_iter().chain(bodies(12)));
    let done = redrive(&mill, &all(&mill));
    let expected = Moved { moved: 12, not_understood: 1, ..Moved::default() };
    assert_eq!((done.stages[&Stage::Analyzer], dead(&mill)), (expected, vec![0, 1, 0]));
    let queue = mill.names.dead_letters(Stage::Analyzer);
    assert_eq!(block_on(mill.queues.depth(&queue)).unwrap().visible, 1, "it is to be seen at once");
    let done = redrive(&mill, &Redrive { all: true, ..all(&mill) });
    assert_eq!((done.total().moved, dead(&mill)), (1, vec![0, 0, 0]));
}

#[test]
fn a_maximum_holds_over_all_queues_and_what_is_not_moved_is_shown_again() {
    let mill = Mill::new();
    bury(&mill, Stage::Processor, bodies(12));
    bury(&mill, Stage::Notifier, bodies(12));
    let some = Redrive { max: Some(15), ..all(&mill) };
    let done = redrive(&mill, &some);
    assert_eq!((done.total().moved, done.is_at_max, mill.depths()), (15, true, (15, 9)));
    let queue = mill.names.dead_letters(Stage::Notifier);
    assert_eq!(block_on(mill.queues.depth(&queue)).unwrap().visible, 9);
    let done = redrive(&mill, &some);
    assert_eq!((done.total().moved, done.is_at_max, mill.depths()), (9, false, (24, 0)));
}

#[test]
fn it_is_ended_between_two_letters() {
    let mill = Mill::new();
    bury(&mill, Stage::Processor, bodies(12));
    let mut seen = Seen { end_after: 5, ..Seen::default() };
    let done = redrive_watched(&mill, &all(&mill), &mut seen);
    assert_eq!((done.total().moved, done.is_cut_off, mill.depths()), (5, true, (5, 7)));
    let queue = mill.names.dead_letters(Stage::Processor);
    assert_eq!(block_on(mill.queues.depth(&queue)).unwrap().visible, 7);
}

#[test]
fn letters_that_another_command_had_received_when_it_was_killed_are_waited_for() {
    let mill = Mill::new();
    bury(&mill, Stage::Processor, bodies(12));
    let queue = mill.names.dead_letters(Stage::Processor);
    assert_eq!(block_on(mill.queues.receive(&queue, HIDE)).unwrap().len(), 10);
    let mut seen = Seen::default();
    let done = redrive_watched(&mill, &all(&mill), &mut seen);
    assert_eq!((done.total().moved, mill.depths()), (12, (12, 0)));
    assert!(seen.steps.iter().any(|step| matches!(step, Step::Waiting { hidden: 10, .. })));
    // But not for ever: somebody else may be at them for hours.
    bury(&mill, Stage::Processor, bodies(3));
    block_on(mill.queues.receive(&queue, Duration::from_secs(6 * 3600))).unwrap();
    let done = redrive(&mill, &all(&mill));
    assert_eq!((done.total().moved, done.total().hidden), (0, 3));
}

/// A letter whose cause is not mended is dead again in no time: each is moved once, and the command ends.
#[test]
fn letters_that_come_back_while_it_is_at_work_are_left_to_the_next() {
    struct Broken<'m>(&'m Mill, Vec<Fate>);
    impl operator::Watch<Step> for Broken<'_> {
        fn see(&mut self, step: &Step) {
            let Step::Letter { letter, fate, .. } = step else { return };
            self.1.push(*fate);
            assert!(self.1.len() < 50, "it goes on for ever");
            if *fate == Fate::Moved {
                self.0.wait(Duration::from_secs(1));
                bury(self.0, Stage::Processor, [letter.body.clone()]);
            }
        }
    }
    let mill = Mill::new();
    // Twice the same event, both dead for long: both are moved.
    bury(&mill, Stage::Processor, bodies(3).into_iter().chain(bodies(3)));
    let mut broken = Broken(&mill, Vec::new());
    let mut done = Redriven::default();
    block_on(mill.operator().redrive(&all(&mill), &read, &mut broken, &mut done)).unwrap();
    let expected = Moved { moved: 6, came_back: 6, ..Moved::default() };
    assert_eq!((done.stages[&Stage::Processor], mill.depths()), (expected, (6, 6)));
    assert_eq!(redrive(&mill, &all(&mill)).total().moved, 6, "the next one moves them");
}

#[test]
fn no_letter_counts_as_moved_whose_deletion_failed() {
    let mill = Mill::new();
    bury(&mill, Stage::Processor, bodies(3));
    mill.queues.fail_next("delete", FaultKind::Unavailable);
    let mut done = Redriven::default();
    let ended = block_on(mill.operator().redrive(&all(&mill), &read, &mut Seen::default(), &mut done));
    assert_eq!(ended.unwrap_err().kind, FaultKind::Unavailable);
    assert_eq!((done.total().moved, mill.depths()), (0, (1, 3)));
    mill.wait(HIDE);
    assert_eq!(redrive(&mill, &all(&mill)).total().moved, 3);
    assert_eq!(mill.depths(), (4, 0));
}

/// Queues that forget the first deletion, as SQS may on rare occasions.
#[derive(Debug)]
struct Forgetful(MemoryQueues, AtomicBool);

impl Queues for Forgetful {
    async fn send(&self, queue: &str, body: &str) -> Result<(), Fault> {
        self.0.send(queue, body).await
    }

    async fn receive(&self, queue: &str, hide_for: Duration) -> Result<Vec<Letter>, Fault> {
        self.0.receive(queue, hide_for).await
    }

    async fn delete(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        if self.1.swap(true, Ordering::Relaxed) { self.0.delete(queue, receipt).await } else { Ok(()) }
    }

    async fn release(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        self.0.release(queue, receipt).await
    }

    async fn depth(&self, queue: &str) -> Result<Depth, Fault> {
        self.0.depth(queue).await
    }
}

#[test]
fn a_letter_that_is_shown_again_though_it_was_deleted_is_deleted_again_and_not_sent() {
    let mill = Mill::new();
    bury(&mill, Stage::Processor, bodies(3));
    let Operator { objects, analyses, queues, clock } = mill.operator();
    let operator = Operator { objects, analyses, queues: Forgetful(queues, AtomicBool::new(false)), clock };
    let mut done = Redriven::default();
    block_on(operator.redrive(&all(&mill), &read, &mut Seen::default(), &mut done)).unwrap();
    assert_eq!((done.total().moved, mill.depths()), (3, (3, 0)));
}
