//! A run of the simulation, written down as if it had been observed over HTTP, and damaged in one place each.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Map, Value, json};
use shared::manifest::Manifest;
use shared::ports::Task;

use super::*;
use crate::executor::Executor;
use crate::invariants::{self, Rule, Snapshot};
use crate::services::bus::Trigger;
use crate::world::{BEGINNING, MINUTE, lock};

/// An observation with the files beside it.
#[derive(Clone)]
struct Seen {
    observation: Observation,
    files: BTreeMap<String, Vec<u8>>,
}

impl Seen {
    fn world(&self) -> Result<World, Unreadable> {
        self.observation.world(|name| self.files.get(name).cloned().ok_or(io::ErrorKind::NotFound.into()))
    }

    /// The rules that are broken before and after the dead letters were moved back.
    fn broken(&self) -> Vec<Rule> {
        let world = self.world().unwrap();
        let mut violations = invariants::before_redrive(&world);
        violations.extend(invariants::after_redrive(&world, &self.observation.options()));
        let mut rules: Vec<Rule> = violations.into_iter().map(|violation| violation.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// The manifest of a run of "orders" that has records of both kinds, and the number of its upload.
    fn split(&self) -> Manifest {
        let manifests = self.observation.objects.iter().filter(|object| object.key.starts_with("manifests/"));
        let mut manifests =
            manifests.map(|object| serde_json::from_slice::<Manifest>(&self.files[&object.file]).unwrap());
        let is_split = |manifest: &Manifest| {
            let outputs = &manifest.outputs;
            outputs.processed.is_some() && outputs.rejected.is_some() && manifest.dataset == "orders"
        };
        manifests.find(is_split).unwrap()
    }

    fn object(&mut self, key: &str) -> &mut Object {
        self.observation.objects.iter_mut().find(|object| object.key == key).unwrap()
    }

    fn rewrite(&mut self, key: &str, change: impl FnOnce(&str) -> String) {
        let file = self.object(key).file.clone();
        let text = String::from_utf8(self.files[&file].clone()).unwrap();
        self.files.insert(file, change(&text).into_bytes());
    }

    fn item(&mut self, key: &str) -> &mut Map<String, Value> {
        let of = |item: &&mut Map<String, Value>| item["run_id"]["S"] == key;
        self.observation.items.iter_mut().find(of).unwrap()
    }

    /// The place of the call that did this to an item.
    fn call(&self, key: &str, values: &str) -> usize {
        let calls = self.observation.calls.iter();
        let of = |call: &Call| {
            call.asked["Key"]["run_id"]["S"] == key
                && call.asked["ExpressionAttributeValues"].to_string().contains(values)
        };
        calls.enumerate().find(|(_, call)| of(call)).unwrap().0
    }
}

/// A run without a fault, as it would be observed.
fn whole() -> Seen {
    let stages = Stages::deployed();
    let world = World::new(3, Plan::none(), Mechanisms::default());
    let mut executor = Executor::new(world, stages);
    {
        let mut world = lock(&executor.shared);
        crate::workload::furnish(&mut world);
        crate::workload::plan(&mut world, 3, 60, false);
    }
    executor.run_until(BEGINNING + 24 * 60 * MINUTE);
    let seen = observed(&lock(&executor.shared));
    assert_eq!(seen.broken(), [], "whole");
    seen
}

fn seconds(time: Timestamp) -> f64 {
    time.as_microsecond() as f64 / 1e6
}

fn observed(world: &World) -> Seen {
    let mut files = BTreeMap::new();
    let mut file = |bytes: &[u8]| {
        let name = format!("file-{}", files.len());
        files.insert(name.clone(), bytes.to_vec());
        name
    };
    let versions = world.bucket.below("").flat_map(|(key, all)| all.iter().map(move |one| (key, one)));
    let objects = versions
        .map(|(key, version)| Object {
            key: key.to_owned(),
            version_id: version.id(),
            etag: version.etag.as_str().to_owned(),
            modified: seconds(version.modified),
            file: file(&version.bytes),
        })
        .collect();
    let uploads = world
        .uploads
        .iter()
        .map(|upload| Dropped {
            key: upload.source.key.clone(),
            version_id: upload.source.version_id.clone().unwrap(),
            etag: upload.source.etag.as_str().to_owned(),
            stored: seconds(upload.stored),
            file: file(&upload.bytes),
            kind: upload.kind,
            deleted: upload.deleted,
        })
        .collect();
    let mails: Vec<Mail> = world
        .ses
        .all()
        .flat_map(|(run, mails)| mails.iter().map(move |mail| (run, mail)))
        .map(|(run, mail)| Mail {
            run_id: run.to_string(),
            send_id: mail.send_id.clone(),
            message_id: mail.message_id.clone(),
            at: seconds(mail.at),
        })
        .collect();
    let queues = Stage::ALL.map(|stage| (name(stage).to_owned(), Queue::default()));
    let observation = Observation {
        at: seconds(world.time()),
        bucket: crate::world::BUCKET.to_owned(),
        default_recipients: vec!["ops@example.com".to_owned()],
        objects,
        items: items_of(world),
        calls: calls_of(world, &mails),
        mails,
        queues: queues.into(),
        uploads,
    };
    Seen { observation, files }
}

/// The items as the adapter of `crates/aws` writes them.
fn items_of(world: &World) -> Vec<Map<String, Value>> {
    let mut items: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for ((run, task), item) in &world.table.tasks {
        let (key, prefix) = match task {
            Task::Analyze => (run.to_string(), "analyze"),
            Task::Notify => (format!("{run}#mail"), "notify"),
        };
        let found = items.entry(key.clone()).or_insert_with(|| Map::from_iter([("run_id".into(), s(&key))]));
        let number = |number: i64| json!({"N": number.to_string()});
        found.insert(format!("{prefix}_state"), s(word(*task, item)));
        found.insert(format!("{prefix}_owner"), s(&item.owner));
        found.insert(format!("{prefix}_fence"), number(item.fence.try_into().unwrap()));
        found.insert(format!("{prefix}_lease"), number(item.lease_until.as_millisecond()));
        if let Some(attempt) = &item.attempt {
            found.insert("send_id".into(), s(&attempt.send_id));
            found.insert("send_since".into(), number(attempt.since.as_millisecond()));
        }
        if let Some(ending) = &item.ending {
            found.insert("ended_at".into(), s(&ending.at.to_string()));
            found.extend(ending.message_id.as_ref().map(|id| ("message_id".into(), s(id))));
            found.extend(ending.code.as_ref().map(|code| ("refused_code".into(), s(code))));
        }
        for (kind, at) in world.table.heard.get(run).filter(|_| *task == Task::Notify).into_iter().flatten() {
            found.insert(format!("heard_{}", kind.as_str()), s(&at.to_string()));
        }
    }
    for (run, record) in &world.table.records {
        let Value::Object(plain) = serde_json::to_value(&**record).unwrap() else { unreachable!() };
        let item = items.get_mut(run.as_str()).unwrap();
        item.extend(plain.iter().map(|(name, value)| (name.clone(), typed(value))));
    }
    items.into_values().collect()
}

fn s(text: &str) -> Value {
    json!({"S": text})
}

fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(value) => json!({"BOOL": value}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => s(text),
        Value::Array(values) => json!({"L": values.iter().map(typed).collect::<Vec<_>>()}),
        Value::Object(values) => {
            json!({"M": values.iter().map(|(name, value)| (name.clone(), typed(value))).collect::<Map<_, _>>()})
        }
    }
}

fn word(task: Task, item: &shared::claims::TaskItem) -> &'static str {
    use shared::claims::TaskState as State;
    match (task, item.state) {
        (_, State::Claimed) => "CLAIMED",
        (_, State::Sending) => "SENDING",
        (Task::Analyze, State::Done) => "FINISHED",
        (Task::Notify, State::Done) => "SENT",
        (_, State::Refused) => "REFUSED",
        (_, State::Parked) => "PARKED",
    }
}

fn update(at: f64, key: &str, values: Value) -> Call {
    let asked = json!({"Key": {"run_id": {"S": key}}, "ExpressionAttributeValues": values});
    Call { at, status: 200, asked, answered: json!({"Attributes": {}}) }
}

fn claim(at: f64, key: &str, owner: &str, lease: i64) -> Call {
    update(at, key, json!({":claimed": s("CLAIMED"), ":owner": s(owner), ":lease": {"N": lease.to_string()}}))
}

/// Calls that lead to where the world is.
fn calls_of(world: &World, mails: &[Mail]) -> Vec<Call> {
    let mut calls = Vec::new();
    for ((run, task), item) in &world.table.tasks {
        assert_eq!(item.fence, 1, "without a fault nothing is claimed twice");
        let at = seconds(item.lease_until) - 60.0;
        let key = if *task == Task::Analyze { run.to_string() } else { format!("{run}#mail") };
        calls.push(claim(at, &key, &item.owner, item.lease_until.as_millisecond()));
        if let Some(attempt) = &item.attempt {
            let begin = json!({":state": s("SENDING"), ":send_id": s(&attempt.send_id), ":held_by": s("x")});
            calls.push(update(at, &key, begin));
        }
        calls.push(update(at + 1.0, &key, json!({":state": s(word(*task, item)), ":held_by": s("x")})));
    }
    for mail in mails {
        let heard = json!({":heard_at": s("x"), ":parked": s("PARKED"), ":message_id": s(&mail.message_id)});
        // It came when the notifier had written down the end already.
        let mut call = update(mail.at + 5.0, &format!("{}#mail", mail.run_id), heard);
        call.status = 400;
        call.answered = json!({"__type": "x#ConditionalCheckFailedException", "Item": {"run_id": s("x")}});
        calls.push(call);
    }
    for (_, body) in &world.log {
        let body: Value = serde_json::from_str(body).unwrap();
        if body["source"].as_str().is_some_and(|source| source.starts_with("gristmill")) {
            calls.push(put_events(body["detail-type"].as_str().unwrap(), &body["detail"]));
        }
    }
    calls
}

fn put_events(detail_type: &str, detail: &Value) -> Call {
    let asked = json!({"Entries": [{"DetailType": detail_type, "Detail": detail.to_string()}]});
    let answered = json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]});
    Call { at: 0.0, status: 200, asked, answered }
}

#[test]
fn what_was_observed_is_the_world_that_it_was_observed_of() {
    let stages = Stages::deployed();
    let mut executor = Executor::new(World::new(4, Plan::none(), Mechanisms::default()), stages);
    {
        let mut world = lock(&executor.shared);
        crate::workload::furnish(&mut world);
        crate::workload::plan(&mut world, 4, 40, false);
    }
    executor.run_until(BEGINNING + 24 * 60 * MINUTE);
    let world = lock(&executor.shared);
    let again = observed(&world).world().unwrap();
    // A lease is written down to the millisecond.
    let tasks = |world: &World| {
        let all = world.table.tasks.iter().map(|((run, task), item)| {
            let attempt = item.attempt.as_ref().map(|attempt| attempt.send_id.clone());
            format!(
                "{run} {task:?} {:?} {} {} {attempt:?} {:?}",
                item.state, item.owner, item.fence, item.ending
            )
        });
        all.collect::<std::collections::BTreeSet<_>>()
    };
    assert!(tasks(&again) == tasks(&world));
    assert_eq!(again.table.records, world.table.records);
    assert_eq!(again.table.heard, world.table.heard);
    assert_eq!(again.table.stores, world.table.stores);
    assert_eq!(again.announced, world.announced);
    assert_eq!(again.table.sends.keys().collect::<Vec<_>>(), world.table.sends.keys().collect::<Vec<_>>());
    assert_eq!(again.uploads.len(), world.uploads.len());
    assert!(again.ses.all().eq(world.ses.all()));
}

/// Each damage, and the rules that it breaks. The table of `localcloud/CHAOS.md` is this one.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of damages")]
fn each_rule_goes_red_when_what_was_observed_is_damaged() {
    use Rule::*;
    type Damage = fn(&mut Seen, &Manifest);
    let damages: &[(&str, Damage, &[Rule])] = &[
        (
            "a record is taken out of an output",
            |seen, split| {
                let key = split.outputs.processed.as_ref().unwrap().key.clone();
                seen.rewrite(&key, |text| text.rsplitn(3, '\n').nth(2).unwrap().to_owned() + "\n");
            },
            &[MissingRows, WrongCounts, Partial],
        ),
        (
            "a record is put into an output again",
            |seen, split| {
                let key = split.outputs.rejected.as_ref().unwrap().key.clone();
                seen.rewrite(&key, |text| format!("{text}{}\n", text.lines().last().unwrap()));
            },
            &[DuplicateRows, WrongCounts, Partial],
        ),
        (
            "a manifest counts one record more",
            |seen, split| {
                let key = shared::keys::manifest_key(&split.run_id);
                seen.rewrite(&key, |text| {
                    let mut manifest: Manifest = serde_json::from_str(text).unwrap();
                    manifest.rows.valid += 1;
                    serde_json::to_string(&manifest).unwrap()
                });
            },
            &[WrongCounts],
        ),
        (
            "an output is gone",
            |seen, split| {
                let key = &split.outputs.errors.as_ref().unwrap().key;
                seen.observation.objects.retain(|object| object.key != *key);
            },
            &[Partial],
        ),
        (
            "an output that no manifest names",
            |seen, split| {
                let mut more = seen.object(&split.outputs.processed.as_ref().unwrap().key).clone();
                more.key = more.key.replace("/orders/", "/orders/more-");
                seen.observation.objects.push(more);
            },
            &[Unnamed],
        ),
        (
            "a ledger entry has a second version",
            |seen, _| {
                let objects = &mut seen.observation.objects;
                let of =
                    |object: &&Object| object.key.starts_with("ledger/") && object.key.ends_with(".json");
                let again =
                    Object { version_id: "other".to_owned(), ..objects.iter().find(of).unwrap().clone() };
                objects.push(again);
            },
            &[Versions],
        ),
        (
            "an analysis was stored twice",
            |seen, split| {
                let call = seen.call(split.run_id.as_str(), "FINISHED");
                let again = seen.observation.calls[call].clone();
                seen.observation.calls.push(again);
            },
            &[Analyses],
        ),
        (
            "a mail is gone",
            |seen, split| {
                seen.observation.mails.retain(|mail| mail.run_id != split.run_id.as_str());
            },
            &[NoMail],
        ),
        (
            "the same attempt made two mails",
            |seen, split| {
                let mails = &mut seen.observation.mails;
                let mail = mails.iter().find(|mail| mail.run_id == split.run_id.as_str()).unwrap().clone();
                mails.push(Mail { message_id: "other".to_owned(), ..mail });
            },
            &[DuplicateMail],
        ),
        (
            "a second attempt although the first one's word had come",
            |seen, split| {
                second_mail(seen, split, 3600.0);
            },
            &[DuplicateMail],
        ),
        (
            "a second attempt of which nobody could know better",
            |seen, split| {
                second_mail(seen, split, -3600.0);
            },
            &[],
        ),
        (
            "a mail that nobody should have",
            |seen, _| {
                let objects = &seen.observation.objects;
                let refusal =
                    objects.iter().filter(|object| object.key.starts_with("manifests/")).find_map(|object| {
                        let manifest = serde_json::from_slice::<Manifest>(&seen.files[&object.file]).unwrap();
                        (manifest.dataset == "refusals").then_some(manifest.run_id)
                    });
                let run_id = refusal.unwrap().to_string();
                let (send_id, message_id) = ("send".to_owned(), "mail".to_owned());
                seen.observation.mails.push(Mail { run_id, send_id, message_id, at: 0.0 });
            },
            &[UnwantedMail],
        ),
        (
            "a record does not say that its mail is out",
            |seen, split| {
                let item = seen.item(split.run_id.as_str());
                item.insert("notification_sent".to_owned(), json!({"BOOL": false}));
            },
            &[Unmarked],
        ),
        (
            "an upload that nobody knows of",
            |seen, _| {
                let other = Dropped {
                    version_id: "other".to_owned(),
                    key: "input/orders/other.csv".to_owned(),
                    ..seen.observation.uploads[0].clone()
                };
                seen.observation.uploads.push(other);
            },
            &[Lost, Unfinished],
        ),
        (
            "an upload that only a dead letter knows of",
            |seen, _| {
                let other = Dropped {
                    version_id: "other".to_owned(),
                    key: "input/orders/other.csv".to_owned(),
                    ..seen.observation.uploads[0].clone()
                };
                let source = other.upload("bucket", Arc::from(&b""[..])).source;
                seen.observation.uploads.push(other);
                let body = crate::services::bus::object_created(&source);
                assert_eq!(crate::services::bus::parse(&body), Ok(Trigger::Arrival(source)));
                seen.observation.queues.get_mut("processor").unwrap().dead.push(body);
            },
            &[Unfinished, Queue],
        ),
        (
            "an upload was announced as another run too",
            |seen, split| {
                let calls = seen.observation.calls.clone();
                let of = |call: &&Call| {
                    let asked = call.asked.to_string();
                    asked.contains("Processing Complete") && asked.contains(split.run_id.as_str())
                };
                let mut other = calls.iter().find(of).unwrap().clone();
                let told = other.asked.to_string().replace(split.run_id.as_str(), &"0".repeat(32));
                other.asked = serde_json::from_str(&told).unwrap();
                seen.observation.calls.push(other);
            },
            &[TwoRuns],
        ),
        (
            "an upload is not settled in the ledger",
            |seen, split| {
                let settled = shared::ledger::Place::of_run(split).unwrap().settled_key();
                seen.observation.objects.retain(|object| object.key != settled);
            },
            &[Lost, Unfinished],
        ),
        (
            "a file with bad records should have been refused",
            |seen, split| {
                let version = split.source.version_id.clone().unwrap();
                let uploads = &mut seen.observation.uploads;
                uploads.iter_mut().find(|upload| upload.version_id == version).unwrap().kind = Kind::Refused;
            },
            &[Status],
        ),
        (
            "a message is still in a queue",
            |seen, _| {
                seen.observation.queues.get_mut("notifier").unwrap().messages = 1;
            },
            &[Queue],
        ),
        (
            "an invocation is still at work",
            |seen, _| {
                seen.observation.queues.get_mut("analyzer").unwrap().at_work = 1;
            },
            &[Queue],
        ),
        (
            "a task was granted while its owner could be at work",
            |seen, split| {
                let place = seen.call(split.run_id.as_str(), "CLAIMED");
                let at = seen.observation.calls[place].at;
                let first = claim(at - 10.0, split.run_id.as_str(), "another", ((at + 50.0) * 1000.0) as i64);
                seen.observation.calls.insert(place, first);
                seen.item(split.run_id.as_str()).insert("analyze_fence".to_owned(), json!({"N": "2"}));
            },
            &[DoubleGrant],
        ),
    ];
    let whole = whole();
    let split = whole.split();
    for (what, damage, expected) in damages {
        let mut seen = whole.clone();
        damage(&mut seen, &split);
        assert_eq!(seen.broken(), *expected, "{what}");
    }
}

/// A second mail by a second attempt, which began so many seconds after SES's word on the first one.
fn second_mail(seen: &mut Seen, split: &Manifest, later: f64) {
    let run = split.run_id.as_str();
    let mail = seen.observation.mails.iter().find(|mail| mail.run_id == run).unwrap().clone();
    let heard = mail.at + 5.0;
    let key = format!("{run}#mail");
    let begin = json!({":state": s("SENDING"), ":send_id": s("second"), ":held_by": s("x")});
    let place = seen.call(&key, "SENDING");
    seen.observation.calls.insert(place + 1, update(heard + later, &key, begin));
    let second = Mail { send_id: "second".to_owned(), message_id: "other".to_owned(), ..mail };
    seen.observation.mails.push(second);
}

#[test]
fn whatever_a_replay_changed_is_seen() {
    let whole = whole();
    let split = whole.split();
    let before = Snapshot::of(&whole.world().unwrap());
    assert_eq!(before.compare(&Snapshot::of(&whole.clone().world().unwrap())), []);
    type Change = fn(&mut Seen, &Manifest);
    let changes: &[(&str, Change)] = &[
        ("bytes", |seen, split| {
            let key = split.outputs.processed.as_ref().unwrap().key.clone();
            seen.rewrite(&key, |text| text.replacen("2026", "2027", 1));
        }),
        ("version", |seen, split| {
            let key = split.outputs.processed.as_ref().unwrap().key.clone();
            seen.object(&key).version_id = "other".to_owned();
        }),
        ("record", |seen, split| {
            seen.item(split.run_id.as_str()).insert("summary".to_owned(), s("other"));
        }),
        ("ending", |seen, split| {
            let item = seen.item(&format!("{}#mail", split.run_id));
            item.insert("message_id".to_owned(), s("other"));
        }),
        ("word", |seen, split| {
            let item = seen.item(&format!("{}#mail", split.run_id));
            item.insert("heard_complained".to_owned(), s("2026-11-21T00:00:00Z"));
        }),
        ("mail", |seen, split| {
            let mails = &mut seen.observation.mails;
            let mail = mails.iter().find(|mail| mail.run_id == split.run_id.as_str()).unwrap().clone();
            mails.push(mail);
        }),
    ];
    for (what, change) in changes {
        let mut seen = whole.clone();
        change(&mut seen, &split);
        let rules = before.compare(&Snapshot::of(&seen.world().unwrap()));
        assert!(
            !rules.is_empty() && rules.iter().all(|found| found.rule == Rule::Replay),
            "{what}: {rules:?}"
        );
    }
}

#[test]
fn an_observation_that_contradicts_itself_is_not_judged() {
    let whole = whole();
    let split = whole.split();
    type Damage = fn(&mut Seen, &Manifest);
    let damages: &[(&str, Damage)] = &[
        ("a step is missing", |seen, split| {
            let call = seen.call(split.run_id.as_str(), "FINISHED");
            seen.observation.calls.remove(call);
        }),
        ("a claim is missing", |seen, split| {
            let call = seen.call(split.run_id.as_str(), "CLAIMED");
            seen.observation.calls.remove(call);
        }),
        ("an item is missing", |seen, split| {
            seen.observation.items.retain(|item| item["run_id"]["S"] != split.run_id.as_str());
        }),
        ("a file is missing", |seen, split| {
            let file = seen.object(&shared::keys::manifest_key(&split.run_id)).file.clone();
            seen.files.remove(&file);
        }),
        ("a queue is missing", |seen, _| {
            seen.observation.queues.remove("notifier");
        }),
        ("a record has another form", |seen, split| {
            seen.item(split.run_id.as_str()).remove("summary");
        }),
    ];
    for (what, damage) in damages {
        let mut seen = whole.clone();
        damage(&mut seen, &split);
        assert!(seen.world().is_err(), "{what}");
    }
}
