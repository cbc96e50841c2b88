//! Reading: pinned to what was announced, small objects whole, listings.

use shared::identity::ETag;
use shared::ports::{
    Body as _, Fault, FaultKind, Fetched, Location, MAX_SMALL_OBJECT_BYTES, Objects, SourceObject,
};

use crate::cases::{long, whole, word};
use crate::rooms::Bucket;
use crate::trace::{Case, Outcome, Trace, cases, kind};

/// All of them.
#[must_use]
pub fn cases<R: Bucket>() -> Vec<Case<R>> {
    cases![
        what_was_announced_is_read,
        an_empty_object_is_read,
        a_body_comes_in_pieces_and_stays_at_its_end,
        what_was_never_there_is_not_found,
        another_tag_is_a_change,
        what_was_replaced_is_a_change_without_a_version,
        an_old_version_is_read_after_it_was_replaced,
        what_is_gone_for_good_is_not_found,
        a_deleted_object_is_not_found_and_its_version_is,
        a_version_with_another_tag_is_a_change,
        keys_are_taken_as_they_are,
        keys_that_climb_are_only_keys,
        a_small_object_is_fetched_unless_its_tag_is_known,
        a_small_object_that_is_not_there_is_absent,
        a_small_object_has_a_limit,
        a_deleted_small_object_is_absent,
        contracts_are_listed_in_order,
        a_prefix_is_no_folder,
        what_is_deleted_is_not_listed,
        outputs_are_read_where_they_lie,
    ]
}

/// Opens an object as announced and reads it, in a word: its bytes, and whether size and tag are those that were announced.
async fn opened<R: Bucket>(room: &R, source: &SourceObject) -> Result<(String, bool, bool), FaultKind> {
    let (info, body) = kind(room.objects_for(source).open(source).await)?;
    let bytes = kind(whole(body, 64 * 1024).await)?;
    Ok((word(&bytes), info.size == bytes.len() as u64, info.etag == source.etag))
}

async fn what_was_announced_is_read<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let source = room.drop_object("input/announced/a.csv", b"id,n\n1,2\n").await?;
    trace.say("announced size", source.size);
    trace.say("bytes, size, tag", opened(room, &source).await);
    let (info, _) = room.objects_for(&source).open(&source).await?;
    trace.say("stored in whole seconds or finer, and after 1970", info.last_modified.as_second() >= 0);
    Ok(())
}

async fn an_empty_object_is_read<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let source = room.drop_object("input/empty/a.csv", b"").await?;
    trace.say("announced size", source.size);
    trace.say("bytes, size, tag", opened(room, &source).await);
    Ok(())
}

async fn a_body_comes_in_pieces_and_stays_at_its_end<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let bytes = long(300_001);
    let source = room.drop_object("input/pieces/a.csv", &bytes).await?;
    for at_a_time in [7, 4096, 1 << 20] {
        let (_, body) = room.objects_for(&source).open(&source).await?;
        let read = kind(whole(body, at_a_time).await).map(|read| read == bytes);
        trace.say(format!("{at_a_time} at a time, all of it"), read);
    }
    let (_, mut body) = room.objects_for(&source).open(&source).await?;
    let mut buffer = vec![0; 1 << 20];
    while body.read(&mut buffer).await? > 0 {}
    trace.say("once more at the end", kind(body.read(&mut buffer).await));
    trace.say("into no room", kind(body.read(&mut []).await));
    Ok(())
}

async fn what_was_never_there_is_not_found<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let there = room.drop_object("input/never/there.csv", b"1").await?;
    let source = SourceObject { key: "input/never/not-there.csv".to_owned(), version_id: None, ..there };
    trace.say("open", opened(room, &source).await);
    let at = Location::new(room.bucket(), "processed/never/not-there.csv");
    trace.say("open an output", kind(room.objects().open_output(&at).await.map(drop)));
    Ok(())
}

async fn another_tag_is_a_change<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let there = room.drop_object("input/tag/a.csv", b"1").await?;
    let etag = ETag::parse("00000000000000000000000000000000");
    trace.say("open", opened(room, &SourceObject { etag, version_id: None, ..there }).await);
    Ok(())
}

async fn what_was_replaced_is_a_change_without_a_version<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let first = room.drop_object("input/replaced/a.csv", b"the first one\n").await?;
    let first = SourceObject { version_id: None, ..first };
    let second = room.drop_object("input/replaced/a.csv", b"the second\n").await?;
    let second = SourceObject { version_id: None, ..second };
    trace.say("the first", opened(room, &first).await);
    trace.say("the second", opened(room, &second).await);
    Ok(())
}

async fn an_old_version_is_read_after_it_was_replaced<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let mut told = Vec::new();
    for bytes in ["one", "two", "one"] {
        told.push(room.drop_object("input/versions/a.csv", bytes.as_bytes()).await?);
    }
    for (number, source) in told.iter().enumerate() {
        trace.say(format!("version {number}"), opened(room, source).await);
    }
    let ids: std::collections::BTreeSet<_> = told.iter().map(|source| source.version_id.clone()).collect();
    trace.say("ids", ids.len());
    let same = told.first().zip(told.get(2)).map(|(first, third)| first.etag == third.etag);
    trace.say("the same bytes have the same tag", same);
    Ok(())
}

async fn what_is_gone_for_good_is_not_found<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let source = room.drop_object("input/gone/a.csv", b"1").await?;
    room.remove(&source).await?;
    trace.say("open", opened(room, &source).await);
    trace.say("without a version", opened(room, &SourceObject { version_id: None, ..source }).await);
    Ok(())
}

async fn a_deleted_object_is_not_found_and_its_version_is<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let source = room.drop_object("input/deleted/a.csv", b"1").await?;
    room.delete(&source.key).await?;
    trace.say("its version", opened(room, &source).await);
    trace.say("without a version", opened(room, &SourceObject { version_id: None, ..source }).await);
    let again = room.drop_object("input/deleted/a.csv", b"2").await?;
    trace.say("dropped again", opened(room, &SourceObject { version_id: None, ..again }).await);
    Ok(())
}

async fn a_version_with_another_tag_is_a_change<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let first = room.drop_object("input/mixed/a.csv", b"1").await?;
    let second = room.drop_object("input/mixed/a.csv", b"2").await?;
    let mixed = SourceObject { etag: first.etag, ..second };
    trace.say("open", opened(room, &mixed).await);
    Ok(())
}

/// Keys that some decoding, some path or some XML would spoil.
pub const AWKWARD: [&str; 16] = [
    "May 2026 + June.csv",
    "100%.csv",
    "a%2Fb%20c+d.csv",
    "Umsätze/März/grün ☂.csv",
    "日本語.csv",
    "e\u{301}.csv",
    "<tag> & \"quotes\" 'n' so.csv",
    "question?mark=1&b#fragment.csv",
    "semi;colon:at@comma,equals=.csv",
    ".hidden/.dot.csv",
    "ends.with.dots...",
    "back\\slash.csv",
    "tab\tinside.csv",
    "[brackets]{braces}|pipe^caret`~.csv",
    "*star*.csv",
    "$HOME.csv",
];

async fn keys_are_taken_as_they_are<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    for name in AWKWARD {
        let source = room.drop_object(&format!("input/awkward/{name}"), name.as_bytes()).await?;
        trace.say(format!("key {name:?}"), (opened(room, &source).await, source.key));
    }
    Ok(())
}

async fn keys_that_climb_are_only_keys<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    for name in ["a/../b.csv", "./c.csv", "d//e.csv", "f/./g.csv", "ends/in/slash/", ".."] {
        let key = format!("processed/climb/{name}");
        room.drop_object(&key, name.as_bytes()).await?;
        let read = match room.objects().open_output(&Location::new(room.bucket(), &key)).await {
            Ok((_, body)) => whole(body, 64).await.map(|bytes| word(&bytes)),
            Err(fault) => Err(fault),
        };
        trace.say(name, kind(read));
    }
    Ok(())
}

/// What was fetched, in a word.
fn fetched(answer: Result<Fetched, Fault>) -> Result<String, FaultKind> {
    kind(answer).map(|fetched| match fetched {
        Fetched::Absent => "absent".to_owned(),
        Fetched::Unchanged => "unchanged".to_owned(),
        Fetched::Found(found) if found.info.size == found.bytes.len() as u64 => word(&found.bytes),
        Fetched::Found(found) => format!("{} bytes of {}", found.bytes.len(), found.info.size),
    })
}

async fn a_small_object_is_fetched_unless_its_tag_is_known<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "manifests/fetched.json");
    room.drop_object(&at.key, b"{\"n\": 1}").await?;
    let objects = room.objects();
    trace.say("without a tag", fetched(objects.fetch(&at, None).await));
    let Fetched::Found(found) = objects.fetch(&at, None).await? else { return Err("it is not there".into()) };
    trace.say("with its tag", fetched(objects.fetch(&at, Some(&found.info.etag)).await));
    trace.say("with another", fetched(objects.fetch(&at, Some(&ETag::parse("another"))).await));
    room.drop_object(&at.key, b"{\"n\": 2}").await?;
    trace.say("with the tag that it had", fetched(objects.fetch(&at, Some(&found.info.etag)).await));
    room.drop_object(&at.key, b"").await?;
    trace.say("empty", fetched(objects.fetch(&at, None).await));
    Ok(())
}

async fn a_small_object_that_is_not_there_is_absent<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let objects = room.objects();
    for key in ["manifests/absent.json", "contracts/absent.json", "contracts/absent folder/absent + 1.json"] {
        let at = Location::new(room.bucket(), key);
        trace.say(key, fetched(objects.fetch(&at, None).await));
        trace.say("with a tag", fetched(objects.fetch(&at, Some(&ETag::parse("known"))).await));
    }
    Ok(())
}

async fn a_small_object_has_a_limit<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let most = usize::try_from(MAX_SMALL_OBJECT_BYTES)?;
    for size in [most, most + 1] {
        let at = Location::new(room.bucket(), format!("manifests/limit-{size}.json"));
        room.drop_object(&at.key, &long(size)).await?;
        trace.say(format!("{size} bytes"), fetched(room.objects().fetch(&at, None).await));
    }
    Ok(())
}

async fn a_deleted_small_object_is_absent<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "manifests/deleted.json");
    room.drop_object(&at.key, b"{}").await?;
    room.delete(&at.key).await?;
    trace.say("fetch", fetched(room.objects().fetch(&at, None).await));
    trace.say("open an output", kind(room.objects().open_output(&at).await.map(drop)));
    Ok(())
}

async fn contracts_are_listed_in_order<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    trace.say("before", kind(room.objects().list(room.bucket(), "contracts/").await));
    for name in ["orders.json", "Zebra.json", "a b + c%20.json", "ärzte.json", "orders_2.json"] {
        room.drop_object(&format!("contracts/{name}"), b"{}").await?;
    }
    trace.say("after", kind(room.objects().list(room.bucket(), "contracts/").await));
    Ok(())
}

async fn a_prefix_is_no_folder<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    for name in ["a", "a/b", "a/b/c", "ab", "a b+%", "b"] {
        room.drop_object(&format!("processed/prefix/{name}"), b"").await?;
    }
    for prefix in ["", "a", "a/", "a/b", "a b+%", "c"] {
        let prefix = format!("processed/prefix/{prefix}");
        trace.say(&prefix, kind(room.objects().list(room.bucket(), &prefix).await));
    }
    Ok(())
}

async fn what_is_deleted_is_not_listed<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    for name in ["a", "b"] {
        room.drop_object(&format!("processed/unlisted/{name}"), b"").await?;
    }
    room.delete("processed/unlisted/a").await?;
    trace.say("list", kind(room.objects().list(room.bucket(), "processed/unlisted/").await));
    Ok(())
}

async fn outputs_are_read_where_they_lie<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    for (name, bytes) in [("a.csv", long(70_000)), ("empty.csv", Vec::new()), ("ü + %.csv", b"1".to_vec())] {
        let at = Location::new(room.bucket(), format!("processed/lies/{name}"));
        room.drop_object(&at.key, &bytes).await?;
        let (info, body) = room.objects().open_output(&at).await?;
        trace.say(name, (info.size, kind(whole(body, 1000).await.map(|read| word(&read)))));
    }
    Ok(())
}
