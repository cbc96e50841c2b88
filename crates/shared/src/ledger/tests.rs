use futures_lite::future::block_on;

use super::*;
use crate::identity::{ContractDigest, ETag};
use crate::memory::MemoryObjects;

fn source() -> SourceObject {
    SourceObject {
        bucket: "b".into(),
        key: "input/parts/x.csv".into(),
        etag: ETag::parse("e1"),
        version_id: Some("v1".into()),
        size: 4,
    }
}

fn run(nonce: Option<&str>) -> RunId {
    RunId::of("b", "input/parts/x.csv", &ETag::parse("e1"), &ContractDigest::of(b"{}"), nonce)
}

fn stored() -> Timestamp {
    "2026-11-21T23:59:59Z".parse().unwrap()
}

#[test]
fn a_place_follows_the_published_formula() {
    // printf 'b\0input/parts/x.csv\0e1\0v1' | sha256sum
    let place = Place::of(&source(), stored(), None);
    assert_eq!(place.entry_key(), "ledger/2026-11-21/ff327e0c5a19f420a715a08616a0d446.json");
    assert_eq!(place.settled_key(), "ledger/2026-11-21/ff327e0c5a19f420a715a08616a0d446.settled");
    let unversioned = Place::of(&SourceObject { version_id: None, ..source() }, stored(), None);
    assert_eq!(unversioned.entry_key(), "ledger/2026-11-21/797b119d8702dde08e36d7fe36b39434.json");
    let forced = run(Some("again"));
    let replay = Place::of(&source(), stored(), Some(&forced));
    assert_eq!(
        replay.entry_key(),
        format!("ledger/2026-11-21/ff327e0c5a19f420a715a08616a0d446.{}.json", forced.short())
    );
}

#[test]
fn every_part_of_an_upload_and_its_day_make_another_place() {
    let usual = Place::of(&source(), stored(), None);
    for other in [
        SourceObject { bucket: "c".into(), ..source() },
        SourceObject { key: "input/parts/y.csv".into(), ..source() },
        SourceObject { etag: ETag::parse("e2"), ..source() },
        SourceObject { version_id: Some("v2".into()), ..source() },
        SourceObject { version_id: None, ..source() },
    ] {
        assert_ne!(Place::of(&other, stored(), None), usual, "{other:?}");
    }
    assert_eq!(Place::of(&SourceObject { size: 5, ..source() }, stored(), None), usual);
    let midnight = stored().checked_add(std::time::Duration::from_secs(1)).unwrap();
    assert!(Place::of(&source(), midnight, None).entry_key().starts_with("ledger/2026-11-22/"));
}

#[test]
fn the_first_run_that_an_upload_is_bound_to_stays() {
    let objects = MemoryObjects::new();
    objects.set_now(stored());
    let place = Place::of(&source(), stored(), None);
    let bind = |run_id| block_on(bind(&objects, &place, &source(), run_id)).unwrap();
    assert_eq!(block_on(look_up(&objects, "b", &place)).unwrap(), None);
    let (first, other) = (run(None), run(Some("other")));
    assert_eq!(bind(&first), Bound::Ours);
    let since = stored();
    objects.set_now(since.checked_add(std::time::Duration::from_mins(1)).unwrap());
    assert_eq!(bind(&first), Bound::Ours, "again");
    let noted =
        Noted { entry: Entry { schema: SCHEMA_VERSION, run_id: first.clone(), source: source() }, since };
    assert_eq!(bind(&other), Bound::Other(noted.clone()), "under another contract");
    assert_eq!(block_on(look_up(&objects, "b", &place)).unwrap(), Some(noted));
    assert_eq!(objects.version_count("b", &place.entry_key()), 1);
}

#[test]
fn a_binding_of_which_only_the_answer_was_lost_is_the_same_binding() {
    let objects = MemoryObjects::new();
    let place = Place::of(&source(), stored(), None);
    objects.lose_next_answer("finish");
    let lost = block_on(bind(&objects, &place, &source(), &run(None)));
    assert_eq!(lost.unwrap_err().kind, FaultKind::TimedOut);
    assert_eq!(block_on(bind(&objects, &place, &source(), &run(None))).unwrap(), Bound::Ours);
    let other = block_on(bind(&objects, &place, &source(), &run(Some("n")))).unwrap();
    assert!(matches!(other, Bound::Other(noted) if noted.entry.run_id == run(None)));
}

#[test]
fn an_entry_that_cannot_be_read_is_a_fault_and_not_an_absent_one() {
    let objects = MemoryObjects::new();
    let place = Place::of(&source(), stored(), None);
    objects.put("b", &place.entry_key(), "{");
    for fault in [
        block_on(look_up(&objects, "b", &place)).unwrap_err(),
        block_on(bind(&objects, &place, &source(), &run(None))).unwrap_err(),
    ] {
        assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Invalid, "UnreadableEntry"));
    }
}

#[test]
fn settling_is_one_object_however_often_and_by_whichever_run() {
    let objects = MemoryObjects::new();
    let place = Place::of(&source(), stored(), None);
    objects.lose_next_answer("finish");
    assert!(block_on(settle(&objects, "b", &place)).is_err());
    for _ in 0..2 {
        block_on(settle(&objects, "b", &place)).unwrap();
    }
    assert_eq!(objects.version_count("b", &place.settled_key()), 1);
    assert_eq!(objects.keys(), [place.settled_key()]);
}

#[test]
fn how_far_an_upload_is_follows_from_the_keys_in_any_order() {
    let places: Vec<Place> = ["v1", "v2", "v3"]
        .map(|version| SourceObject { version_id: Some(version.into()), ..source() })
        .map(|source| Place::of(&source, stored(), None))
        .into();
    let keys = [
        places[0].entry_key(),
        places[1].entry_key(),
        places[1].settled_key(),
        places[2].settled_key(),
        "ledger/2026-11-21/notes.txt".to_owned(),
    ];
    for backwards in [false, true] {
        let mut ledger = Ledger::default();
        let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        if backwards {
            keys.reverse();
        }
        // As it comes: page by page, and a page twice.
        for page in [&keys[..2], &keys[2..], &keys[..]] {
            ledger.extend(page.iter().copied());
        }
        assert_eq!(ledger.progress(&places[0]), Some(Progress::Open));
        assert_eq!(ledger.progress(&places[1]), Some(Progress::Settled));
        assert_eq!(ledger.progress(&places[2]), Some(Progress::Settled), "settled is settled");
        assert_eq!(ledger.progress(&Place::of(&source(), Timestamp::UNIX_EPOCH, None)), None);
        assert_eq!(ledger.open().collect::<Vec<_>>(), [&places[0]]);
    }
}
