//! What lies in a bucket, version by version.

use std::collections::BTreeSet;

use shared::ports::{Inventory, ListingPlace, Objects as _, VersionPage};

use crate::cases::objects::AWKWARD;
use crate::rooms::Shelf;
use crate::trace::{Case, Outcome, Trace, Trouble, cases};

/// More than a page of any of the adapters has.
const MORE_THAN_A_PAGE: usize = 1_003;

/// All of them.
#[must_use]
pub fn cases<R: Shelf>() -> Vec<Case<R>> {
    cases![
        nothing_is_listed_where_nothing_is,
        versions_come_by_key_and_the_newest_first,
        what_is_listed_is_what_was_announced,
        a_delete_marker_is_no_version_and_the_latest,
        a_prefix_of_versions_is_no_folder,
        awkward_keys_are_listed,
        more_than_a_page_is_listed_page_by_page,
        a_listing_goes_on_where_its_key_has_gone,
    ]
}

/// A page in a word: key, size, whether it is the latest.
fn page(page: &VersionPage) -> Vec<(String, u64, bool)> {
    page.versions.iter().map(|v| (v.source.key.clone(), v.source.size, v.is_latest)).collect()
}

async fn listed<R: Shelf>(room: &R, prefix: &str) -> Result<VersionPage, Trouble> {
    Ok(room.inventory().versions(room.bucket(), prefix, None).await?)
}

async fn nothing_is_listed_where_nothing_is<R: Shelf>(room: &R, trace: &Trace) -> Outcome {
    let found = listed(room, "input/nowhere/").await?;
    trace.say("page, more", (page(&found), found.next.is_some()));
    Ok(())
}

async fn versions_come_by_key_and_the_newest_first<R: Shelf>(room: &R, trace: &Trace) -> Outcome {
    for (name, bytes) in [("b", "1"), ("a", "22"), ("b", "333"), ("ä", "4"), ("B", "55555"), ("b", "666666")]
    {
        room.drop_object(&format!("input/order/{name}.csv"), bytes.as_bytes()).await?;
    }
    let found = listed(room, "input/order/").await?;
    trace.say("page, more", (page(&found), found.next.is_some()));
    Ok(())
}

async fn what_is_listed_is_what_was_announced<R: Shelf>(room: &R, trace: &Trace) -> Outcome {
    let mut told = Vec::new();
    for bytes in ["1", "22", ""] {
        told.insert(0, room.drop_object("input/told/a.csv", bytes.as_bytes()).await?);
    }
    let found = listed(room, "input/told/").await?;
    let sources: Vec<_> = found.versions.iter().map(|version| version.source.clone()).collect();
    trace.say("the same", sources == told);
    for version in &found.versions {
        let (info, _) = room.objects_for(&version.source).open(&version.source).await?;
        trace.say(
            "stored when it is read to be",
            info.last_modified.as_second() == version.last_modified.as_second(),
        );
    }
    Ok(())
}

async fn a_delete_marker_is_no_version_and_the_latest<R: Shelf>(room: &R, trace: &Trace) -> Outcome {
    for bytes in ["1", "22"] {
        room.drop_object("input/marked/a.csv", bytes.as_bytes()).await?;
    }
    room.delete("input/marked/a.csv").await?;
    trace.say("deleted", page(&listed(room, "input/marked/").await?));
    room.drop_object("input/marked/a.csv", b"333").await?;
    trace.say("dropped again", page(&listed(room, "input/marked/").await?));
    Ok(())
}

async fn a_prefix_of_versions_is_no_folder<R: Shelf>(room: &R, trace: &Trace) -> Outcome {
    for name in ["a", "a/b", "ab", "b"] {
        room.drop_object(&format!("input/shelf/{name}"), b"").await?;
    }
    for prefix in ["", "a", "a/", "c"] {
        trace.say(prefix, page(&listed(room, &format!("input/shelf/{prefix}")).await?));
    }
    Ok(())
}

async fn awkward_keys_are_listed<R: Shelf>(room: &R, trace: &Trace) -> Outcome {
    for name in AWKWARD.iter().chain(&["control\u{1}inside.csv", "a//b.csv", "c/../d.csv"]) {
        room.drop_object(&format!("input/odd/{name}"), b"1").await?;
    }
    trace.say("all", page(&listed(room, "input/odd/").await?));
    for name in AWKWARD {
        trace.say(name, page(&listed(room, &format!("input/odd/{name}")).await?).len());
    }
    Ok(())
}

async fn more_than_a_page_is_listed_page_by_page<R: Shelf>(room: &R, trace: &Trace) -> Outcome {
    for number in 0..MORE_THAN_A_PAGE {
        room.drop_object(&format!("input/many/{:04} +.csv", number / 2), number.to_string().as_bytes())
            .await?;
    }
    let (mut from, mut all) = (None, Vec::new());
    for _ in 0..10 {
        let found = room.inventory().versions(room.bucket(), "input/many/", from.as_ref()).await?;
        trace.say("a page", (found.versions.len(), found.next.is_some()));
        all.extend(found.versions);
        from = found.next;
        if from.is_none() {
            break;
        }
    }
    let order: Vec<_> = all.iter().map(|version| (version.source.key.clone(), version.source.size)).collect();
    let ids: BTreeSet<_> = all.iter().map(|version| version.source.version_id.clone()).collect();
    trace.say(
        "versions, ids, in order",
        (all.len(), ids.len(), order.is_sorted_by_key(|(key, _)| key.clone())),
    );
    trace.say("latest", all.iter().filter(|version| version.is_latest).count());
    let keys = room.objects().list(room.bucket(), "input/many/").await?;
    trace.say("keys", (keys.len(), keys.is_sorted()));
    Ok(())
}

async fn a_listing_goes_on_where_its_key_has_gone<R: Shelf>(room: &R, trace: &Trace) -> Outcome {
    let mut told = Vec::new();
    for name in ["a", "b", "c", "d"] {
        told.push(room.drop_object(&format!("input/going/{name}"), b"1").await?);
    }
    let place = |name: &str, version_id: Option<String>| ListingPlace {
        key: format!("input/going/{name}"),
        version_id,
    };
    let from_b = place("b", told.get(1).and_then(|source| source.version_id.clone()));
    for there in [true, false] {
        if let (false, Some(gone)) = (there, told.get(1)) {
            room.remove(gone).await?;
        }
        for from in [&from_b, &place("b", None), &place("bb", None)] {
            let found = room.inventory().versions(room.bucket(), "input/going/", Some(from)).await?;
            trace.say(format!("b is there: {there}"), page(&found));
        }
    }
    Ok(())
}
