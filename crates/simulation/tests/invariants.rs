//! The invariants see what they are for: a run that is whole, damaged in one place.
#![expect(clippy::unwrap_used, reason = "test helpers stop at the first surprise")]

use shared::claims::TaskState;
use shared::keys::manifest_key;
use shared::manifest::Manifest;
use shared::ports::Task;
use simulation::faults::Plan;
use simulation::invariants::{Rule, after_redrive, before_redrive};
use simulation::run::{Options, Outcome, run};
use simulation::services::s3::Write;
use simulation::world::World;

fn whole() -> (Options, Outcome) {
    let mut options = Options::random(4, 40, 0.0);
    options.plan = Plan::none();
    let outcome = run(&options);
    assert_eq!(outcome.violations, []);
    assert_eq!(after_redrive(&outcome.world, &options), [], "asked again, it is still whole");
    (options, outcome)
}

/// The manifest of a run that has records of both kinds.
fn split(world: &World) -> Manifest {
    let manifests = world
        .bucket
        .below("manifests/")
        .map(|(_, versions)| serde_json::from_slice::<Manifest>(&versions.last().unwrap().bytes).unwrap());
    let mut split = manifests.filter(|manifest| {
        let outputs = &manifest.outputs;
        outputs.processed.is_some() && outputs.rejected.is_some() && manifest.dataset == "orders"
    });
    split.next().unwrap()
}

/// Puts other bytes in the place of an object, as if it had been written so at once.
fn replace(world: &mut World, key: &str, bytes: &[u8]) {
    let version = world.bucket.current(key).unwrap().id();
    world.bucket.delete(key, &version);
    write(world, key, bytes);
}

fn write(world: &mut World, key: &str, bytes: &[u8]) {
    let checksum = shared::checksum::Checksum::of(bytes);
    let write = Write { key: key.into(), bytes: bytes.into(), checksum, if_none_match: false };
    let now = world.time();
    world.bucket.put(&write, now).unwrap();
}

fn rules(damage: impl FnOnce(&mut World, &Manifest)) -> Vec<Rule> {
    let (options, mut outcome) = whole();
    let manifest = split(&outcome.world);
    damage(&mut outcome.world, &manifest);
    let mut rules: Vec<Rule> =
        after_redrive(&outcome.world, &options).into_iter().map(|violation| violation.rule).collect();
    rules.extend(before_redrive(&outcome.world).into_iter().map(|violation| violation.rule));
    rules.sort_unstable();
    rules.dedup();
    rules
}

fn lines_of(world: &World, key: &str) -> Vec<String> {
    let bytes = &world.bucket.current(key).unwrap().bytes;
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_record_that_is_missing_is_seen() {
    let seen = rules(|world, manifest| {
        let key = &manifest.outputs.processed.as_ref().unwrap().key;
        let mut lines = lines_of(world, key);
        lines.pop();
        replace(world, key, format!("{}\n", lines.join("\n")).as_bytes());
    });
    assert_eq!(seen, [Rule::MissingRows, Rule::WrongCounts, Rule::Partial]);
}

#[test]
fn a_record_that_is_there_twice_is_seen() {
    let seen = rules(|world, manifest| {
        let key = &manifest.outputs.rejected.as_ref().unwrap().key;
        let mut lines = lines_of(world, key);
        lines.push(lines.last().unwrap().clone());
        replace(world, key, format!("{}\n", lines.join("\n")).as_bytes());
    });
    assert_eq!(seen, [Rule::DuplicateRows, Rule::WrongCounts, Rule::Partial]);
}

#[test]
fn a_record_that_was_changed_is_seen() {
    let seen = rules(|world, manifest| {
        let key = &manifest.outputs.processed.as_ref().unwrap().key;
        let text = lines_of(world, key).join("\n").replacen("2026-11-", "2027-11-", 1);
        replace(world, key, format!("{text}\n").as_bytes());
    });
    assert_eq!(seen, [Rule::MissingRows, Rule::DuplicateRows, Rule::Partial]);
}

#[test]
fn an_output_that_is_missing_is_seen() {
    let seen = rules(|world, manifest| {
        let key = manifest.outputs.errors.as_ref().unwrap().key.clone();
        let version = world.bucket.current(&key).unwrap().id();
        world.bucket.delete(&key, &version);
    });
    assert_eq!(seen, [Rule::Partial]);
}

#[test]
fn an_object_that_was_written_twice_is_seen() {
    let seen = rules(|world, manifest| {
        let key = manifest_key(&manifest.run_id);
        let bytes = world.bucket.current(&key).unwrap().bytes.to_vec();
        write(world, &key, &bytes);
    });
    assert_eq!(seen, [Rule::Versions]);
}

#[test]
fn a_run_without_its_manifest_is_seen() {
    let seen = rules(|world, manifest| {
        let key = manifest_key(&manifest.run_id);
        let version = world.bucket.current(&key).unwrap().id();
        world.bucket.delete(&key, &version);
    });
    assert_eq!(seen, [Rule::Lost, Rule::Unfinished]);
}

#[test]
fn an_upload_that_nobody_knows_is_seen() {
    let seen = rules(|world, _| {
        let bytes: std::sync::Arc<[u8]> = b"a,b\n1,2\n".as_slice().into();
        simulation::workload::drop_file(world, "input/orders/x.csv", bytes, simulation::workload::Kind::Any);
    });
    assert_eq!(seen, [Rule::Lost, Rule::Unfinished]);
}

#[test]
fn a_second_mail_is_seen() {
    let seen = rules(|world, manifest| {
        let mail = shared::ports::Mail {
            run_id: manifest.run_id.clone(),
            send_id: "another".to_owned(),
            from: String::new(),
            to: Vec::new(),
            subject: String::new(),
            text: String::new(),
            html: String::new(),
        };
        let now = world.time();
        world.ses.accept(&mail, now);
    });
    assert_eq!(seen, [Rule::DuplicateMail]);
}

#[test]
fn an_analysis_that_is_missing_and_a_mail_that_is_not_settled_are_seen() {
    let (options, outcome) = whole();
    let run = split(&outcome.world).run_id;
    let mut table = outcome.world;
    let mut item = table.table.task(&run, Task::Notify).unwrap().clone();
    item.state = TaskState::Sending;
    table.table.put_task(&run, Task::Notify, item);
    let rules: Vec<Rule> = after_redrive(&table, &options).into_iter().map(|found| found.rule).collect();
    assert_eq!(rules, [Rule::Unfinished, Rule::Unmarked]);
}
