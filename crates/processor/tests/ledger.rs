//! The ledger and the sweep: an upload is one run, and what got lost is found again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers stop at the first surprise")]

mod meddled;

use std::sync::Mutex;
use std::time::Duration;

use futures_lite::future::block_on;
use jiff::{SignedDuration, Timestamp};
use processor::{Arrival, OVERLOOKED_AFTER, Outcome, Processor, STUCK_AFTER, Settings, Swept, WINDOW};
use shared::events::{FileOverlooked, PipelineEvent, SweepDue};
use shared::identity::RunId;
use shared::ledger::{self, Entry, Place};
use shared::manifest::Manifest;
use shared::memory::{ManualClock, MemoryEvents, MemoryObjects};
use shared::ports::{FaultKind, ListingPlace, SourceObject};
use shared::stage::{Delivery, StageError};

use crate::meddled::Meddled;

const KEY: &str = "input/parts/x.csv";
const FILE: &str = "sku,price\nA,5\nB,x\n";

struct World {
    objects: MemoryObjects,
    events: MemoryEvents,
    clock: ManualClock,
    processor: Processor<MemoryObjects, MemoryEvents, ManualClock>,
}

fn settings() -> Settings {
    Settings { ledger: true, ..Settings::default() }
}

impl World {
    fn new() -> Self {
        let (objects, events) = (MemoryObjects::new(), MemoryEvents::new());
        let clock = ManualClock::at("2024-05-20T12:00:00Z".parse().unwrap());
        objects.set_now(now(&clock));
        let processor = Processor::new(objects.clone(), events.clone(), clock.clone(), settings());
        let world = Self { objects, events, clock, processor };
        world.set_contract("number");
        world
    }

    /// The contract by which a price is of this type.
    fn set_contract(&self, price: &str) {
        let contract = r#"{"name":"parts","schema":{"fields":[{"name":"sku","type":"string"},{"name":"price","type":"TYPE"}]}}"#;
        self.objects.put("b", "contracts/parts.json", contract.replace("TYPE", price));
    }

    fn upload(&self, key: &str) -> SourceObject {
        self.objects.put("b", key, FILE)
    }

    fn wait(&self, minutes: i64) {
        self.clock.advance(Duration::from_mins(minutes.unsigned_abs()));
        self.objects.set_now(now(&self.clock));
    }

    fn try_process(&self, source: &SourceObject) -> Result<Outcome, StageError> {
        block_on(self.processor.process(&Arrival { source: source.clone(), nonce: None }))
    }

    fn process(&self, source: &SourceObject) -> (Manifest, bool) {
        finished(self.try_process(source).unwrap())
    }

    fn replay(&self, source: &SourceObject, nonce: &str) -> Manifest {
        let arrival = Arrival { source: source.clone(), nonce: Some(nonce.to_owned()) };
        finished(block_on(self.processor.process(&arrival)).unwrap()).0
    }

    /// What the ledger says of an upload that was stored just now: its run, and whether that is settled.
    fn entry(&self, place: &Place) -> Option<(RunId, bool)> {
        let bytes = self.objects.get("b", &place.entry_key())?;
        let entry: Entry = serde_json::from_slice(&bytes).unwrap();
        Some((entry.run_id, self.objects.get("b", &place.settled_key()).is_some()))
    }

    /// What was published so far is not looked at.
    fn forget(&self) {
        drop(self.events.drain());
    }

    fn ledger_keys(&self) -> usize {
        self.objects.keys().iter().filter(|key| key.starts_with("ledger/")).count()
    }

    fn try_sweep(&self, from: Option<ListingPlace>, seconds: i64) -> Result<Swept, StageError> {
        let due = SweepDue { schema: 1, bucket: "b".into(), from };
        let deadline = now(&self.clock) + SignedDuration::from_secs(seconds);
        block_on(self.processor.sweep(&due, &Delivery { owner: "o".into(), deadline }))
    }

    fn sweep_from(&self, from: Option<ListingPlace>, seconds: i64) -> Swept {
        self.try_sweep(from, seconds).unwrap()
    }

    fn sweep(&self) -> Swept {
        self.sweep_from(None, 300)
    }

    /// The mail of a run is settled, as the notifier does it.
    fn settle(&self, manifest: &Manifest) {
        block_on(ledger::settle(&self.objects, "b", &Place::of_run(manifest).unwrap())).unwrap();
    }
}

fn now(clock: &ManualClock) -> Timestamp {
    use shared::ports::Clock as _;
    clock.now()
}

fn finished(outcome: Outcome) -> (Manifest, bool) {
    match outcome {
        Outcome::Finished { manifest, duplicate } => (*manifest, duplicate),
        other => panic!("{other:?}"),
    }
}

fn runs(events: &[PipelineEvent]) -> Vec<RunId> {
    events.iter().map(|event| event.run_id().unwrap().clone()).collect()
}

fn overlooked(events: &[PipelineEvent]) -> Vec<&SourceObject> {
    let sources = events.iter().map(|event| match event {
        PipelineEvent::FileOverlooked(event) => &event.source,
        other => panic!("{other:?}"),
    });
    sources.collect()
}

#[test]
fn an_upload_is_written_down_before_its_event_is_published() {
    let world = World::new();
    let source = world.upload(KEY);
    let place = Place::of(&source, now(&world.clock), None);
    world.events.fail_next("publish", FaultKind::Unavailable);
    assert!(world.try_process(&source).is_err());
    let (run_id, settled) = world.entry(&place).unwrap();
    assert!(world.events.published().is_empty() && !settled);
    let (manifest, duplicate) = world.process(&source);
    assert!(duplicate && manifest.run_id == run_id);
    assert_eq!(runs(&world.events.published()), [run_id]);

    // Every write of the way fails once; nobody hears of a run before its entry stands.
    let mut writes = 0;
    for nth in 0.. {
        let world = World::new();
        let source = world.upload(KEY);
        world.objects.fail_after("finish", nth, FaultKind::Unavailable);
        if world.try_process(&source).is_ok() {
            break;
        }
        writes += 1;
        assert!(world.events.published().is_empty(), "write {nth}");
        world.process(&source);
        assert!(world.entry(&place).is_some(), "write {nth}");
        assert_eq!(world.events.published().len(), 1, "write {nth}");
    }
    assert_eq!(writes, 5, "three outputs, the manifest, and the entry");
}

#[test]
fn a_delivery_that_comes_again_after_its_contract_changed_is_the_run_that_it_was() {
    let world = World::new();
    let source = world.upload(KEY);
    let (first, _) = world.process(&source);
    world.set_contract("string");
    let (again, duplicate) = world.process(&source);
    assert!(duplicate);
    assert_eq!(again, first);
    assert_eq!(runs(&world.events.published()), vec![first.run_id.clone(); 2]);
    // A new upload is judged by the new contract.
    let (corrected, duplicate) = world.process(&world.upload(KEY));
    assert!(!duplicate && corrected.run_id != first.run_id);
    assert_eq!((first.rows.rejected, corrected.rows.rejected), (1, 0));
}

/// Three outputs and the entry are written; the invocation dies before the manifest is.
fn dies_before_its_manifest(world: &World, source: &SourceObject) {
    world.objects.fail_after("create", 4, FaultKind::Unavailable);
    assert!(world.try_process(source).is_err());
    assert_eq!(world.ledger_keys(), 1);
    assert!(!world.objects.keys().iter().any(|key| key.starts_with("manifests/")));
}

#[test]
fn a_run_that_was_begun_is_finished_by_the_next_delivery() {
    let world = World::new();
    let source = world.upload(KEY);
    dies_before_its_manifest(&world, &source);
    let (manifest, duplicate) = world.process(&source);
    assert!(!duplicate);
    assert_eq!(world.entry(&Place::of(&source, now(&world.clock), None)), Some((manifest.run_id, false)));
}

#[test]
fn a_run_that_was_begun_under_another_contract_is_left_alone_as_long_as_it_may_be_at_work() {
    let world = World::new();
    let source = world.upload(KEY);
    dies_before_its_manifest(&world, &source);
    world.set_contract("string");
    assert!(matches!(world.try_process(&source), Err(StageError::Busy { .. })));
    world.wait(19);
    assert!(matches!(world.try_process(&source), Err(StageError::Busy { .. })));
    world.wait(1);
    let (second, duplicate) = world.process(&source);
    assert!(!duplicate && second.rows.rejected == 0, "the entry is void");
    let (again, duplicate) = world.process(&source);
    assert!(duplicate && again == second);
    assert_eq!(runs(&world.events.published()), vec![second.run_id; 2]);
}

#[test]
fn the_sweep_announces_the_upload_of_an_entry_without_a_manifest() {
    let world = World::new();
    let source = world.upload(KEY);
    dies_before_its_manifest(&world, &source);
    world.wait(15);
    assert_eq!((world.sweep().stuck, world.events.drain().len()), (0, 0));
    world.wait(15);
    let swept = world.sweep();
    assert_eq!((swept.stuck, swept.overlooked), (1, 0));
    let expected = PipelineEvent::FileOverlooked(FileOverlooked { schema: 1, source });
    assert_eq!(world.events.published(), [expected]);
}

#[test]
fn a_run_whose_upload_is_deleted_before_it_was_announced_is_announced_by_the_sweep() {
    let world = World::new();
    let source = world.upload(KEY);
    world.events.fail_next("publish", FaultKind::Unavailable);
    assert!(world.try_process(&source).is_err());
    world.objects.remove("b", KEY);
    assert!(matches!(world.try_process(&source), Ok(Outcome::SourceGone)));
    assert!(world.events.published().is_empty());
    world.wait(30);
    assert_eq!(world.sweep().stuck, 1);
    assert!(matches!(world.events.published()[..], [PipelineEvent::ProcessingComplete(_)]));
}

#[test]
fn two_deliveries_that_meet_under_two_contracts_are_the_run_that_the_ledger_names() {
    let world = World::new();
    let source = world.upload(KEY);
    // The first delivery is about to write its entry when the second, under the corrected contract, is through.
    let (first, second) = world.meeting("ledger/", &source, || world.set_contract("string"), &source);
    let (second, _) = finished(second.unwrap());
    let (first, _) = finished(first.unwrap());
    assert_eq!(first, second, "the one that was written down first");
    assert_eq!(runs(&world.events.published()), vec![second.run_id.clone(); 2]);
    let place = Place::of(&source, now(&world.clock), None);
    assert_eq!(world.entry(&place), Some((second.run_id, false)));
    let manifests = world.objects.keys().iter().filter(|key| key.starts_with("manifests/")).count();
    assert_eq!(manifests, 1, "the other one never became a run");
}

#[test]
fn the_same_file_uploaded_twice_within_moments_is_one_run_and_its_duplicate() {
    // A file of which the outputs hold their time of arrival, and one that has no outputs.
    for (file, meet_at) in [(FILE, "processed/"), ("", "manifests/")] {
        let world = World::new();
        let first = world.objects.put("b", KEY, file);
        world.wait(1);
        let second = world.objects.put("b", KEY, file);
        let meeting = world.meeting(meet_at, &second, || (), &first);
        let (late, early) = (finished(meeting.0.unwrap()), finished(meeting.1.unwrap()));
        assert!(!early.1 && late.1, "{meet_at}");
        assert_eq!(late.0, early.0, "{meet_at}");
        assert_eq!(early.0.source, first);
        let minute = SignedDuration::from_mins(1);
        let run_id = early.0.run_id;
        let places = [
            Place::of(&first, now(&world.clock) - minute, None),
            Place::of(&second, now(&world.clock), None),
        ];
        assert_eq!(world.entry(&places[0]), Some((run_id.clone(), false)), "{meet_at}");
        assert_eq!(world.entry(&places[1]), Some((run_id, true)), "{meet_at}");
    }
}

#[test]
fn other_bytes_under_one_upload_are_never_taken_for_its_twin() {
    let world = World::new();
    let source = world.upload(KEY);
    let other = {
        let calm = World::new();
        let source = calm.upload(KEY);
        calm.process(&source).0
    };
    world.objects.put("b", &other.outputs.processed.unwrap().key, "other bytes");
    let error = world.try_process(&source).unwrap_err();
    assert!(matches!(error, StageError::Port(fault) if fault.kind == FaultKind::Differs));
    assert_eq!(world.ledger_keys(), 0);
}

#[test]
fn the_same_bytes_again_are_one_run_with_an_entry_for_each_upload() {
    let world = World::new();
    let first = world.upload(KEY);
    let (manifest, _) = world.process(&first);
    let places = [Place::of(&first, now(&world.clock), None)];
    world.wait(60);
    let second = world.upload(KEY);
    let again = Place::of(&second, now(&world.clock), None);
    let (same, duplicate) = world.process(&second);
    assert!(duplicate && same == manifest);
    // The mail is that of the first upload: the second one has nothing left to do.
    assert_eq!(world.entry(&places[0]), Some((manifest.run_id.clone(), false)));
    assert_eq!(world.entry(&again), Some((manifest.run_id.clone(), true)));
    world.settle(&manifest);
    let keys = world.ledger_keys();
    assert_eq!(world.process(&second), (manifest, true));
    assert_eq!(world.ledger_keys(), keys, "four objects, whatever is repeated");
    assert_eq!(keys, 4);
}

#[test]
fn a_second_upload_whose_delivery_failed_is_closed_by_the_next() {
    // Its entry and its settling.
    for nth in 0..2 {
        let world = World::new();
        world.process(&world.upload(KEY));
        world.wait(1);
        let second = world.upload(KEY);
        world.objects.fail_after("finish", nth, FaultKind::Unavailable);
        assert!(world.try_process(&second).is_err(), "{nth}");
        world.process(&second);
        let place = Place::of(&second, now(&world.clock), None);
        assert!(world.entry(&place).unwrap().1, "{nth}");
    }
}

#[test]
fn an_upload_that_only_repeated_a_run_and_died_behind_its_entry_is_closed_by_the_sweep() {
    let world = World::new();
    let (manifest, _) = world.process(&world.upload(KEY));
    world.settle(&manifest);
    world.wait(1);
    let second = world.upload(KEY);
    let place = Place::of(&second, now(&world.clock), None);
    world.objects.fail_after("finish", 1, FaultKind::Unavailable);
    assert!(world.try_process(&second).is_err());
    assert_eq!(world.entry(&place), Some((manifest.run_id.clone(), false)));
    world.forget();
    world.wait(STUCK_AFTER.as_mins());
    assert_eq!(world.sweep(), Swept { versions: 2, stuck: 1, ..Swept::default() });
    assert_eq!(world.entry(&place), Some((manifest.run_id, true)));
}

#[test]
fn a_forced_replay_has_its_own_place() {
    let world = World::new();
    let source = world.upload(KEY);
    let (usual, _) = world.process(&source);
    let forced = world.replay(&source, "again");
    assert_ne!(forced.run_id, usual.run_id);
    let stored = now(&world.clock);
    let places = [Place::of(&source, stored, None), Place::of(&source, stored, Some(&forced.run_id))];
    assert_eq!(world.entry(&places[0]), Some((usual.run_id.clone(), false)));
    assert_eq!(world.entry(&places[1]), Some((forced.run_id.clone(), false)));
    // What the notifier reads of the manifest leads to the same places.
    world.settle(&forced);
    assert_eq!(world.entry(&places[0]), Some((usual.run_id.clone(), false)));
    assert_eq!(world.entry(&places[1]), Some((forced.run_id, true)));
    world.settle(&usual);
    assert_eq!(world.entry(&places[0]), Some((usual.run_id, true)));
}

#[test]
fn an_entry_of_which_only_the_answer_was_lost_is_the_same_entry() {
    let world = World::new();
    let source = world.upload(KEY);
    world.objects.lose_answer_after("finish", 3);
    assert!(world.try_process(&source).is_err());
    let place = Place::of(&source, now(&world.clock), None);
    let (run_id, _) = world.entry(&place).unwrap();
    assert!(world.events.published().is_empty());
    world.process(&source);
    assert_eq!(runs(&world.events.published()), [run_id]);
    assert_eq!(world.objects.version_count("b", &place.entry_key()), 1);
}

#[test]
fn without_the_ledger_nothing_is_written_there() {
    let mut world = World::new();
    world.processor.settings.ledger = false;
    let source = world.upload(KEY);
    world.process(&source);
    assert_eq!(world.ledger_keys(), 0);
}

#[test]
fn an_upload_that_nobody_told_of_is_announced_and_then_processed() {
    let world = World::new();
    let source = world.upload(KEY);
    world.wait(14);
    assert_eq!(world.sweep(), Swept { versions: 1, ..Swept::default() }, "its own event may still come");
    world.wait(1);
    assert_eq!(world.sweep(), Swept { versions: 1, overlooked: 1, ..Swept::default() });
    let published = world.events.drain();
    assert_eq!(overlooked(&published), [&source]);
    world.process(&source);
    world.forget();
    world.wait(15);
    assert_eq!(world.sweep().overlooked, 0, "the ledger knows it");
}

#[test]
fn each_version_is_missed_for_itself() {
    let world = World::new();
    let first = world.upload(KEY);
    let second = world.objects.put("b", KEY, "sku,price\nC,7\n");
    world.process(&second);
    world.forget();
    world.wait(15);
    assert_eq!(world.sweep(), Swept { versions: 2, overlooked: 1, ..Swept::default() });
    assert_eq!(overlooked(&world.events.drain()), [&first]);
}

#[test]
fn a_run_whose_mail_is_not_settled_is_announced_again() {
    let world = World::new();
    let source = world.upload(KEY);
    let (manifest, _) = world.process(&source);
    world.forget();
    world.wait(29);
    assert_eq!(world.sweep(), Swept { versions: 1, ..Swept::default() });
    world.wait(1);
    assert_eq!(world.sweep(), Swept { versions: 1, stuck: 1, ..Swept::default() });
    assert_eq!(world.events.drain(), [manifest.event()]);
    world.settle(&manifest);
    world.wait(30);
    assert_eq!(world.sweep(), Swept { versions: 1, ..Swept::default() }, "settled");
    assert!(world.events.drain().is_empty());
}

#[test]
fn a_refused_file_and_a_forced_replay_are_announced_again_as_what_they_are() {
    let world = World::new();
    let refused = world.process(&world.objects.put("b", KEY, "")).0;
    let source = world.upload("input/parts/y.csv");
    let usual = world.process(&source).0;
    let forced = world.replay(&source, "again");
    world.settle(&usual);
    world.forget();
    world.wait(30);
    assert_eq!(world.sweep().stuck, 2);
    let mut announced = runs(&world.events.drain());
    announced.sort_by_key(ToString::to_string);
    let mut expected = [refused.run_id, forced.run_id];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(announced, expected);
}

#[test]
fn what_lasts_is_announced_at_doubling_ages_until_the_window_is_over() {
    let world = World::new();
    world.upload(KEY);
    let mut ages = Vec::new();
    let sweeps = WINDOW.as_mins() / 15 + 8;
    for sweep in 1..=sweeps {
        world.wait(15);
        if world.sweep().overlooked > 0 {
            ages.push(sweep * 15);
        }
    }
    // Each threshold by the sweep that meets it exactly, and the one that comes before the next minute is over.
    let doubling: Vec<i64> = (0..11).map(|power| OVERLOOKED_AFTER.as_mins() << power).collect();
    for age in &doubling {
        assert!(ages.contains(age), "{age}: {ages:?}");
    }
    assert!(ages.len() <= 2 * doubling.len(), "{ages:?}");
    assert!(ages.iter().all(|age| *age <= WINDOW.as_mins()), "{ages:?}");
}

#[test]
fn what_is_older_than_the_window_is_let_go() {
    let world = World::new();
    world.upload("input/parts/lost.csv");
    world.process(&world.upload(KEY));
    world.forget();
    // At this age, a power of two of the first, both would be due.
    let age = 15 << 11;
    assert!(age > WINDOW.as_mins());
    world.wait(age);
    assert_eq!(world.sweep(), Swept { versions: 2, ..Swept::default() });
    assert!(world.events.drain().is_empty());
}

#[test]
fn folder_markers_and_what_lies_elsewhere_are_no_uploads() {
    let world = World::new();
    world.objects.put("b", "input/", "");
    world.objects.put("b", "input/parts/", "");
    world.objects.put("b", "rejected/parts/x.csv", FILE);
    world.objects.put("other", KEY, FILE);
    world.wait(15);
    assert_eq!(world.sweep(), Swept { versions: 2, ..Swept::default() });
}

#[test]
fn an_input_that_was_deleted_is_not_missed_and_its_run_is_finished_all_the_same() {
    let world = World::new();
    let lost = world.upload("input/parts/lost.csv");
    let (manifest, _) = world.process(&world.upload(KEY));
    world.objects.remove("b", &lost.key);
    world.objects.remove("b", KEY);
    world.forget();
    world.wait(30);
    assert_eq!(world.sweep(), Swept { stuck: 1, ..Swept::default() });
    assert_eq!(runs(&world.events.drain()), [manifest.run_id]);
    assert_eq!(world.try_process(&lost).unwrap(), Outcome::SourceGone);
}

/// What a sweep that was cut short asked for.
fn rest(events: &mut Vec<PipelineEvent>) -> Option<ListingPlace> {
    let Some(PipelineEvent::SweepDue(_)) = events.last() else { return None };
    let Some(PipelineEvent::SweepDue(due)) = events.pop() else { return None };
    assert_eq!(due.bucket, "b");
    due.from
}

#[test]
fn a_long_listing_is_gone_through_page_by_page() {
    let world = World::new();
    world.objects.set_page_size(3);
    for file in 0..20 {
        world.upload(&format!("input/parts/{file:02}.csv"));
    }
    world.wait(15);
    assert_eq!(world.sweep(), Swept { versions: 20, overlooked: 20, ..Swept::default() });
}

#[test]
fn a_listing_that_is_too_long_for_one_invocation_is_handed_over() {
    let world = World::new();
    world.objects.set_page_size(1);
    for file in 0..120 {
        world.upload(&format!("input/parts/{file:03}.csv"));
    }
    world.wait(15);
    let (mut from, mut parts, mut found) = (None, Vec::new(), Vec::new());
    loop {
        let swept = world.sweep_from(from, 300);
        let mut events = world.events.drain();
        from = rest(&mut events);
        assert_eq!(from.is_some(), swept.goes_on);
        found.extend(overlooked(&events).into_iter().cloned());
        parts.push(swept.versions);
        if !swept.goes_on {
            break;
        }
    }
    assert_eq!(parts, [50, 50, 20]);
    found.dedup();
    assert_eq!(found.len(), 120, "each once");
}

#[test]
fn an_invocation_that_runs_out_of_time_hands_over_and_gets_on() {
    let world = World::new();
    world.objects.set_page_size(1);
    let mut unsettled = Vec::new();
    for file in 0..3 {
        let source = world.upload(&format!("input/parts/{file}.csv"));
        unsettled.push(world.process(&source).0.run_id);
    }
    world.upload("input/parts/8.csv");
    world.upload("input/parts/9.csv");
    world.forget();
    world.wait(STUCK_AFTER.as_mins());
    let (mut from, mut stuck, mut missed, mut parts) = (None, Vec::new(), Vec::new(), 0);
    loop {
        // What is left of the invocation is not enough from its beginning on.
        let swept = world.sweep_from(from, 10);
        let mut events = world.events.drain();
        from = rest(&mut events);
        parts += 1;
        for event in &events {
            match event {
                PipelineEvent::FileOverlooked(event) => missed.push(event.source.key.clone()),
                other => stuck.push(other.run_id().unwrap().clone()),
            }
        }
        if !swept.goes_on {
            break;
        }
        assert!(parts < 20, "it does not get on");
    }
    stuck.sort_by_key(ToString::to_string);
    unsettled.sort_by_key(ToString::to_string);
    assert_eq!(stuck, unsettled, "each once");
    assert_eq!(missed, ["input/parts/8.csv", "input/parts/9.csv"]);
    assert_eq!(parts, 3 + 5, "one entry or one page at a time");
}

#[test]
fn a_sweep_that_fails_begins_again_and_misses_nothing() {
    let world = World::new();
    world.upload("input/parts/a.csv");
    world.upload("input/parts/b.csv");
    world.wait(15);
    for call in ["list", "versions"] {
        world.objects.fail_next(call, FaultKind::Throttled);
        assert!(matches!(world.try_sweep(None, 300), Err(StageError::Port(_))), "{call}");
    }
    world.events.fail_after("publish", 1, FaultKind::Unavailable);
    assert!(world.try_sweep(None, 300).is_err());
    assert_eq!(world.sweep().overlooked, 2);
}

impl World {
    /// A delivery of `first` that is held up right before it writes below `prefix`, and one of `second` that goes
    /// through meanwhile, after `change`.
    fn meeting(
        &self,
        prefix: &'static str,
        first: &SourceObject,
        change: impl FnOnce() + Send,
        second: &SourceObject,
    ) -> (Result<Outcome, StageError>, Result<Outcome, StageError>) {
        let (change, meanwhile) = (Mutex::new(Some(change)), Mutex::new(None));
        let outcome = {
            let meddling = |call: &'static str, key: &str| {
                if call == "create"
                    && key.starts_with(prefix)
                    && let Some(change) = change.lock().unwrap().take()
                {
                    change();
                    *meanwhile.lock().unwrap() = Some(self.try_process(second));
                }
            };
            let objects = Meddled { objects: self.objects.clone(), meddling };
            let processor = Processor::new(objects, self.events.clone(), self.clock.clone(), settings());
            block_on(processor.process(&Arrival { source: first.clone(), nonce: None }))
        };
        (outcome, meanwhile.into_inner().unwrap().unwrap())
    }
}
