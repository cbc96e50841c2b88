//! Scenes that chance rarely plays: each of them once, with and without the mechanism that it is about.

use std::sync::Arc;

use notifier::Unsettled;
use shared::claims::TaskState;
use shared::identity::RunId;
use shared::ports::Task;

use crate::faults::{FaultKind, Operation, Place, Plan, Planned};
use crate::invariants::Rule;
use crate::mechanisms::Mechanisms;
use crate::run::Outcome;
use crate::scene::{Scene, drop_one};
use crate::services::bus::Stage;
use crate::services::s3::Write;
use crate::systematic::{Subject, singles};
use crate::workload::{self, Kind};
use crate::world::{MINUTE, SECOND, World};

fn nth(operation: Operation, nth: u64, fault: FaultKind) -> Planned {
    Planned { at: Place::Nth(operation, nth), fault }
}

fn without(names: &[&'static str]) -> Mechanisms {
    Mechanisms::without(names.iter().copied()).unwrap()
}

fn rules(outcome: &Outcome) -> Vec<Rule> {
    outcome.violations.iter().map(|violation| violation.rule).collect()
}

/// Everything holds, every planned fault struck, and there are so many mails.
#[track_caller]
fn holds(outcome: &Outcome, faults: u64, mails: u64) {
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    assert_eq!(outcome.figures.faults, faults, "{:?}", outcome.figures);
    assert_eq!(outcome.figures.mails, mails);
}

/// The one run of a scene with one file.
fn only_run(world: &World) -> RunId {
    let runs: Vec<&RunId> = world.announced.values().flatten().collect();
    assert_eq!(runs.len(), 1);
    runs[0].clone()
}

fn mail(outcome: &Outcome) -> TaskState {
    outcome.world.table.task(&only_run(&outcome.world), Task::Notify).unwrap().state
}

/// The message of a stage once more, from a time on.
fn again(scene: Scene, micros: i64, stage: Stage) -> Scene {
    scene.at(micros, move |world| {
        // Not what the mail service said, but what the stage was asked to do.
        let asked = world.log.iter().rfind(|(to, body)| *to == stage && !body.contains("aws.ses"));
        let body = Arc::clone(&asked.unwrap().1);
        world.send(stage, body);
    })
}

#[test]
fn a_scene_without_faults_is_one_run_one_analysis_and_one_mail() {
    let outcome = Scene::new(Plan::none()).file("orders", Kind::SomeBad).play();
    holds(&outcome, 0, 1);
    assert_eq!((outcome.figures.runs, outcome.figures.failures), (1, 0));
    assert_eq!(mail(&outcome), TaskState::Done);
    assert!(outcome.world.table.record(&only_run(&outcome.world)).unwrap().notification_sent);
}

/// A second message comes while the first is being worked on: it waits, and finds the work done.
fn duplicate_during_a_lease(mechanisms: Mechanisms) -> Outcome {
    let plan = Plan::Scripted(vec![nth(Operation::Store, 1, FaultKind::StallUnsent)]);
    let scene = Scene::with(plan, mechanisms).file("orders", Kind::SomeBad);
    let scene = scene.at(0, |world| world.stalls.push_back(MINUTE));
    again(scene, 30 * SECOND, Stage::Analyze).play()
}

#[test]
fn a_duplicate_during_a_lease_waits() {
    let outcome = duplicate_during_a_lease(Mechanisms::default());
    holds(&outcome, 1, 1);
    assert_eq!(outcome.figures.failures, 1, "the second one goes back to its queue");
    let outcome = duplicate_during_a_lease(without(&["lease"]));
    assert!(rules(&outcome).contains(&Rule::DoubleGrant), "without leases both are at it");
}

/// An owner whose sandbox was frozen and not ended wakes after another one took over, while that one is about to write
/// down what became of its mail. Its word must not count.
fn stale_owner(mechanisms: Mechanisms) -> Outcome {
    let plan = Plan::Scripted(vec![
        // The first owner's mail is refused for now, and it stands still before it writes that down.
        nth(Operation::SendEmail, 1, FaultKind::Throttle),
        nth(Operation::EndSend, 1, FaultKind::StallUnsent),
        // The second one sends, and stands still before it writes that down.
        nth(Operation::EndSend, 2, FaultKind::StallUnsent),
    ]);
    let scene = Scene::with(plan, mechanisms).file("orders", Kind::Clean).at(0, |world| {
        world.ends = false;
        world.stalls.extend([20 * MINUTE, 10 * MINUTE]);
    });
    // After the grace of a quarter of an hour, and before the first one wakes.
    again(scene, 17 * MINUTE, Stage::Notify).play()
}

#[test]
fn a_stale_owner_that_wakes_after_a_takeover_changes_nothing() {
    let outcome = stale_owner(without(&["ses_events"]));
    holds(&outcome, 3, 1);
    assert_eq!(mail(&outcome), TaskState::Done);
    let outcome = stale_owner(without(&["ses_events", "fence"]));
    assert!(
        outcome.figures.mails > 1,
        "without a fence its word lets a third one send: {:?}",
        outcome.figures
    );
}

/// An output of the run stands there with other bytes.
fn other_bytes(mechanisms: Mechanisms) -> (Outcome, String) {
    let rehearsal = Scene::new(Plan::none()).file("orders", Kind::Clean).play();
    let key = rehearsal.world.bucket.below("processed/").next().unwrap().0.to_owned();
    let there = key.clone();
    let scene = Scene::with(Plan::none(), mechanisms).at(0, move |world| {
        let bytes: Arc<[u8]> = b"other bytes\n".as_slice().into();
        let checksum = shared::checksum::Checksum::of(&bytes);
        let now = world.time();
        let write = Write { key: there.as_str().into(), bytes, checksum, if_none_match: false };
        world.bucket.put(&write, now).unwrap();
    });
    (scene.file("orders", Kind::Clean).play(), key)
}

#[test]
fn other_bytes_under_an_outputs_key_are_never_overwritten_and_never_taken_for_ours() {
    let (outcome, key) = other_bytes(Mechanisms::default());
    let stored = &outcome.world.bucket.current(&key).unwrap().bytes;
    assert_eq!(&**stored, b"other bytes\n");
    assert_eq!(outcome.figures.runs, 0, "no manifest names it");
    assert!(outcome.figures.dead_letters > 0, "a person is told");
    assert_eq!((outcome.figures.lost, outcome.figures.mails), (0, 0));
    let (outcome, _) = other_bytes(without(&["checksum_comparison"]));
    assert!(rules(&outcome).contains(&Rule::Partial), "{:?}", outcome.violations);
}

#[test]
fn a_mail_whose_200_is_lost_is_settled_by_the_mail_services_word() {
    let lost = nth(Operation::SendEmail, 1, FaultKind::LostResponse);
    let outcome = Scene::new(Plan::Scripted(vec![lost])).file("orders", Kind::Clean).play();
    holds(&outcome, 1, 1);
    assert_eq!(mail(&outcome), TaskState::Done);
    let outcome =
        Scene::with(Plan::Scripted(vec![lost]), without(&["ses_events"])).file("orders", Kind::Clean).play();
    assert_eq!(outcome.figures.mails, 2, "nobody says what became of it");
    let outcome = Scene::with(Plan::Scripted(vec![lost]), without(&["feedback_wait"]))
        .file("orders", Kind::Clean)
        .play();
    assert!(outcome.violations.is_empty() || outcome.figures.mails > 1);
    let outcome = Scene::with(Plan::Scripted(vec![lost]), without(&["ses_no_retries"]))
        .file("orders", Kind::Clean)
        .play();
    assert_eq!(outcome.figures.mails, 2, "the repeated call sends it again");
}

#[test]
fn the_mail_services_word_may_come_before_its_answer() {
    for dataset in ["orders", "viruses", "bounces"] {
        let plan = Plan::Scripted(vec![
            nth(Operation::Feedback, 1, FaultKind::EarlyFeedback),
            nth(Operation::Feedback, 2, FaultKind::EarlyFeedback),
            nth(Operation::EndSend, 1, FaultKind::LostResponse),
        ]);
        let outcome = Scene::new(plan).file(dataset, Kind::Clean).play();
        holds(&outcome, 3, 1);
        assert_eq!(outcome.figures.failures, 0, "{dataset}");
        let ended = if dataset == "viruses" { TaskState::Refused } else { TaskState::Done };
        assert_eq!(mail(&outcome), ended, "{dataset}");
    }
}

/// Crashed after the call, with the mail service's word minutes late: how many mails there are, for each of some seeds.
/// Each has the words at another time, within ten minutes; the message comes back after six.
fn words_that_come_late(mechanisms: &Mechanisms) -> Vec<u64> {
    let plan = Plan::Scripted(vec![
        nth(Operation::SendEmail, 1, FaultKind::CrashAfter),
        nth(Operation::Feedback, 1, FaultKind::LateFeedback),
        nth(Operation::Feedback, 2, FaultKind::LateFeedback),
    ]);
    let scene = |seed| Scene::seeded(seed, plan.clone(), mechanisms.clone());
    (1..=40).map(|seed| scene(seed).file("orders", Kind::Clean).play().figures.mails).collect()
}

#[test]
fn an_intent_to_send_holds_until_the_mail_services_word_comes_late() {
    assert_eq!(words_that_come_late(&Mechanisms::default()), [1; 40]);
    let without = words_that_come_late(&without(&["send_intent"]));
    assert!(without.iter().any(|mails| *mails > 1), "{without:?}");
}

#[test]
fn a_dead_letter_of_a_run_that_is_finished_meanwhile_sends_nothing_when_it_is_moved_back() {
    // The mail's task cannot be begun for so long that the message is given up; the sweep brings another one.
    let crashes = (1..=14).map(|number| nth(Operation::BeginSend, number, FaultKind::CrashBefore));
    let outcome = Scene::new(Plan::Scripted(crashes.collect())).file("orders", Kind::SomeBad).play();
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    assert!(outcome.figures.dead_letters > 0, "{:?}", outcome.figures);
    assert_eq!(outcome.figures.waiting, 0, "the sweep had it finished before anybody looked");
    assert_eq!((outcome.figures.mails, outcome.figures.dead_letters_after), (1, 0));
}

fn two_versions_within_a_second(mechanisms: Mechanisms) -> Outcome {
    let scene = Scene::with(Plan::none(), mechanisms)
        .at(SECOND, |world| drop_one(world, "orders", Kind::SomeBad, 1))
        .at(SECOND + SECOND / 2, |world| drop_one(world, "orders", Kind::Clean, 2));
    scene.play()
}

#[test]
fn two_versions_within_a_second_are_two_runs() {
    let outcome = two_versions_within_a_second(Mechanisms::default());
    holds(&outcome, 0, 2);
    assert_eq!(outcome.figures.runs, 2);
    let outcome = two_versions_within_a_second(without(&["pinned_reads"]));
    assert!(!outcome.violations.is_empty(), "without pins the first run reads the second file");
}

/// The same bytes twice within a second are one run with two times of arrival, of which the outputs show the one that
/// was first to finish.
#[test]
fn the_same_bytes_twice_within_a_second_are_one_run() {
    for apart in [1, SECOND / 10, SECOND / 2, 3 * SECOND] {
        let scene = Scene::new(Plan::none())
            .at(SECOND, |world| drop_one(world, "orders", Kind::SomeBad, 1))
            .at(SECOND + apart, |world| drop_one(world, "orders", Kind::SomeBad, 1));
        let outcome = scene.play();
        holds(&outcome, 0, 1);
        assert_eq!((outcome.figures.runs, outcome.figures.files), (1, 2));
    }
}

#[test]
fn a_file_that_is_deleted_before_it_is_read_leaves_nothing() {
    let scene = Scene::new(Plan::none())
        .at(SECOND, |world| drop_one(world, "orders", Kind::SomeBad, 1))
        .at(SECOND + 1, |world| workload::delete_upload(world, 0));
    let outcome = scene.play();
    holds(&outcome, 0, 0);
    assert_eq!((outcome.figures.runs, outcome.figures.dead_letters), (0, 0));
}

/// The contract is corrected between two deliveries of one upload: it is the run that it was, wherever the first delivery
/// stopped.
#[test]
fn a_contract_that_changes_between_two_deliveries_does_not_make_a_second_run() {
    for stopped_at in 1..=5 {
        let crash = nth(Operation::PutObject, stopped_at, FaultKind::CrashAfter);
        let scene =
            Scene::new(Plan::Scripted(vec![crash])).file("orders", Kind::SomeBad).at(MINUTE, |world| {
                let key = shared::keys::contract_key("orders");
                world.upload(&key, workload::contract("orders", 2).into());
            });
        let outcome = scene.play();
        holds(&outcome, 1, 1);
        assert_eq!(only_run(&outcome.world).as_str().len(), 32, "stopped at {stopped_at}");
    }
}

#[test]
fn what_nobody_told_of_is_found_by_the_sweep() {
    let lost = Plan::Scripted(vec![nth(Operation::Notification, 1, FaultKind::LostNotification)]);
    let outcome = Scene::new(lost.clone()).file("orders", Kind::SomeBad).play();
    holds(&outcome, 1, 1);
    let outcome = Scene::with(lost, without(&["sweep"])).file("orders", Kind::SomeBad).play();
    assert!(rules(&outcome).contains(&Rule::Lost));
}

/// The bus refuses an entry as often as it is published in one delivery.
fn refused_entry(mechanisms: Mechanisms) -> Outcome {
    let refused = (1..=4).map(|number| nth(Operation::PutEvents, number, FaultKind::RefusedEntry)).collect();
    Scene::with(Plan::Scripted(refused), mechanisms).file("orders", Kind::SomeBad).play()
}

#[test]
fn an_entry_that_the_bus_refuses_is_published_again() {
    holds(&refused_entry(without(&["sweep"])), 4, 1);
    let outcome = refused_entry(without(&["sweep", "failed_entries"]));
    assert!(rules(&outcome).contains(&Rule::Lost), "{:?}", outcome.violations);
}

fn dead_invocation(mechanisms: Mechanisms) -> Outcome {
    let crash = Plan::Scripted(vec![nth(Operation::GetObject, 1, FaultKind::CrashBefore)]);
    Scene::with(crash, mechanisms).file("orders", Kind::SomeBad).play()
}

#[test]
fn an_invocation_that_dies_loses_nothing_even_without_a_sweep() {
    holds(&dead_invocation(without(&["sweep"])), 1, 1);
    let outcome = dead_invocation(without(&["sweep", "acknowledge_last"]));
    assert!(rules(&outcome).contains(&Rule::Lost), "{:?}", outcome.violations);
}

/// The promise's one exception, and the setting that closes it.
#[test]
fn an_unknown_outcome_with_every_word_lost_is_a_second_mail_or_a_parked_one() {
    let plan = Plan::Scripted(vec![
        nth(Operation::SendEmail, 1, FaultKind::LostResponse),
        nth(Operation::Feedback, 1, FaultKind::LostFeedback),
        nth(Operation::Feedback, 2, FaultKind::LostFeedback),
    ]);
    let outcome = Scene::new(plan.clone()).file("orders", Kind::Clean).play();
    holds(&outcome, 3, 2);
    let parks = |stages: &mut crate::run::Stages| stages.notifier.unsettled = Unsettled::Park;
    let outcome = Scene::new(plan).told(parks).file("orders", Kind::Clean).play();
    holds(&outcome, 3, 1);
    assert_eq!((mail(&outcome), outcome.figures.parked), (TaskState::Parked, 1));
}

/// What is wrong after the run that a mechanism is about, when these are switched off as well.
fn harm(mechanism: &str, off: &[&'static str]) -> u64 {
    let mechanisms = without(off);
    let wrong = |outcome: Outcome| outcome.violations.len() as u64;
    match mechanism {
        "acknowledge_last" => wrong(dead_invocation(mechanisms)),
        "deterministic_keys" | "if_none_match" => {
            wrong(Scene::with(Plan::none(), mechanisms).file("orders", Kind::SomeBad).play())
        }
        "checksum_comparison" => {
            let (outcome, _) = other_bytes(mechanisms);
            outcome.violations.iter().filter(|violation| violation.rule == Rule::Partial).count() as u64
        }
        "lease" => wrong(duplicate_during_a_lease(mechanisms)),
        "fence" => stale_owner(mechanisms).figures.duplicate_mails,
        "send_intent" => words_that_come_late(&mechanisms).iter().map(|mails| mails - 1).sum(),
        "failed_entries" => wrong(refused_entry(mechanisms)),
        "pinned_reads" => wrong(two_versions_within_a_second(mechanisms)),
        "own_retry_check" | "ses_no_retries" | "feedback_wait" | "sweep" | "ses_events" => {
            singles(Subject::SPLIT, &mechanisms).bad.len() as u64
        }
        other => panic!("no run is about {other}"),
    }
}

/// Each mechanism is switched off in turn, and the run that is about it goes red; with it, the same run is green. The
/// sweep makes good what two of them are for, and SES's events what a third is for, so those are switched off on both
/// sides.
#[test]
fn every_mechanism_is_needed() {
    for name in Mechanisms::NAMES {
        let beside: &[&'static str] = match name {
            "acknowledge_last" | "failed_entries" => &["sweep"],
            "fence" => &["ses_events"],
            _ => &[],
        };
        assert_eq!(harm(name, beside), 0, "with {name}");
        let off: Vec<&'static str> = beside.iter().copied().chain([name]).collect();
        let wrong = harm(name, &off);
        assert!(wrong > 0, "without {name}");
    }
}
