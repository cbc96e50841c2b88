//! Writing: whole or not at all, once, and never over anything.

use shared::checksum::Checksum;
use shared::ports::{FaultKind, Location, Metadata, Objects, Upload as _, Written, put};

use crate::cases::objects::AWKWARD;
use crate::cases::{long, whole, word};
use crate::rooms::Bucket;
use crate::trace::{Case, Outcome, Trace, cases, kind};

const MIB: usize = 1024 * 1024;
/// More than two parts of an upload, whatever their size is.
const SEVERAL_PARTS: usize = 21 * MIB + 12_345;

/// All of them.
#[must_use]
pub fn cases<R: Bucket>() -> Vec<Case<R>> {
    cases![
        what_is_finished_is_there,
        the_same_again_is_there_already,
        other_bytes_differ_and_change_nothing,
        nothing_is_there_before_the_end,
        what_is_given_up_was_never_there,
        what_is_forgotten_was_never_there,
        a_wrong_checksum_writes_nothing,
        an_empty_object_is_written,
        pieces_of_any_size_are_one_object,
        several_parts_are_one_object,
        several_parts_that_are_given_up_were_never_there,
        several_parts_with_a_wrong_checksum_write_nothing,
        of_two_uploads_the_first_to_end_makes_the_object,
        of_two_uploads_with_other_bytes_the_second_to_end_differs,
        what_somebody_else_has_put_there_is_compared,
        what_was_deleted_is_written_anew,
        metadata_comes_along,
        awkward_keys_are_written,
        keys_of_outputs_do_not_climb,
    ]
}

async fn write<R: Bucket>(room: &R, key: &str, bytes: &[u8]) -> Result<Written, FaultKind> {
    kind(put(&room.objects(), &Location::new(room.bucket(), key), Metadata::new(), bytes).await)
}

/// What lies at a key, in a word.
async fn there<R: Bucket>(room: &R, key: &str) -> Result<String, FaultKind> {
    let (info, body) = kind(room.objects().open_output(&Location::new(room.bucket(), key)).await)?;
    let bytes = kind(whole(body, MIB).await)?;
    Ok(if info.size == bytes.len() as u64 {
        word(&bytes)
    } else {
        format!("{} of {}", bytes.len(), info.size)
    })
}

async fn what_is_finished_is_there<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    trace.say("put", write(room, "processed/finished/a.csv", b"id\n1\n").await);
    trace.say("there", there(room, "processed/finished/a.csv").await);
    Ok(())
}

async fn the_same_again_is_there_already<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    for time in ["first", "second", "third"] {
        trace.say(time, write(room, "processed/same/a.csv", b"id\n1\n").await);
    }
    trace.say("there", there(room, "processed/same/a.csv").await);
    Ok(())
}

async fn other_bytes_differ_and_change_nothing<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    trace.say("put", write(room, "processed/differs/a.csv", b"id\n1\n").await);
    for (what, bytes) in [("other", &b"id\n2\n"[..]), ("longer", b"id\n1\n2\n"), ("none", b"")] {
        trace.say(what, write(room, "processed/differs/a.csv", bytes).await);
    }
    trace.say("there", there(room, "processed/differs/a.csv").await);
    Ok(())
}

async fn nothing_is_there_before_the_end<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "processed/before/a.csv");
    let mut upload = room.objects().create(&at, Metadata::new()).await?;
    trace.say("created", there(room, &at.key).await);
    upload.write(b"12").await?;
    trace.say("written", there(room, &at.key).await);
    trace.say("finish", kind(upload.finish(&Checksum::of(b"12"), Metadata::new()).await));
    trace.say("finished", there(room, &at.key).await);
    Ok(())
}

async fn what_is_given_up_was_never_there<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "processed/aborted/a.csv");
    let mut upload = room.objects().create(&at, Metadata::new()).await?;
    upload.write(b"12").await?;
    trace.say("abort", kind(upload.abort().await));
    trace.say("there", there(room, &at.key).await);
    let empty = room.objects().create(&at, Metadata::new()).await?;
    trace.say("abort at once", kind(empty.abort().await));
    trace.say("put", write(room, &at.key, b"34").await);
    Ok(())
}

async fn what_is_forgotten_was_never_there<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "processed/forgotten/a.csv");
    let mut upload = room.objects().create(&at, Metadata::new()).await?;
    upload.write(b"12").await?;
    drop(upload);
    trace.say("there", there(room, &at.key).await);
    trace.say("put", write(room, &at.key, b"34").await);
    trace.say("there", there(room, &at.key).await);
    Ok(())
}

async fn a_wrong_checksum_writes_nothing<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "processed/digest/a.csv");
    let mut upload = room.objects().create(&at, Metadata::new()).await?;
    upload.write(b"12").await?;
    trace.say("finish", kind(upload.finish(&Checksum::of(b"21"), Metadata::new()).await));
    trace.say("there", there(room, &at.key).await);
    Ok(())
}

async fn an_empty_object_is_written<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "processed/nothing/a.csv");
    for time in ["first", "second"] {
        let upload = room.objects().create(&at, Metadata::new()).await?;
        trace.say(time, kind(upload.finish(&Checksum::of(b""), Metadata::new()).await));
    }
    trace.say("there", there(room, &at.key).await);
    trace.say("other bytes", write(room, &at.key, b"1").await);
    Ok(())
}

async fn pieces_of_any_size_are_one_object<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let bytes = long(200_000);
    for size in [1_usize, 7, 4096, 65_537, 200_000] {
        // A byte at a time of a few is enough.
        let bytes = if size == 1 { bytes.get(..999).unwrap_or_default() } else { &bytes };
        let at = Location::new(room.bucket(), format!("processed/pieces/{size}.csv"));
        let mut upload = room.objects().create(&at, Metadata::new()).await?;
        for piece in bytes.chunks(size) {
            upload.write(piece).await?;
            upload.write(b"").await?;
        }
        trace.say(format!("by {size}"), kind(upload.finish(&Checksum::of(bytes), Metadata::new()).await));
        trace.say("there", there(room, &at.key).await);
    }
    Ok(())
}

async fn several_parts_are_one_object<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let (key, mut bytes) = ("processed/parts/a.csv", long(SEVERAL_PARTS));
    trace.say("put", write(room, key, &bytes).await);
    trace.say("there", there(room, key).await);
    trace.say("the same again", write(room, key, &bytes).await);
    if let Some(byte) = bytes.get_mut(20 * MIB) {
        *byte ^= 1;
    }
    trace.say("another bit", write(room, key, &bytes).await);
    trace.say("few bytes", write(room, key, b"1").await);
    Ok(())
}

async fn several_parts_that_are_given_up_were_never_there<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "processed/parts-aborted/a.csv");
    let mut upload = room.objects().create(&at, Metadata::new()).await?;
    upload.write(&long(SEVERAL_PARTS)).await?;
    trace.say("before", there(room, &at.key).await);
    trace.say("abort", kind(upload.abort().await));
    trace.say("there", there(room, &at.key).await);
    Ok(())
}

async fn several_parts_with_a_wrong_checksum_write_nothing<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "processed/parts-digest/a.csv");
    let mut upload = room.objects().create(&at, Metadata::new()).await?;
    upload.write(&long(SEVERAL_PARTS)).await?;
    trace.say("finish", kind(upload.finish(&Checksum::of(b"21"), Metadata::new()).await));
    trace.say("there", there(room, &at.key).await);
    Ok(())
}

/// Two uploads of one key, which end one after the other.
async fn two<R: Bucket>(room: &R, trace: &Trace, key: &str, bytes: [&[u8]; 2]) -> Outcome {
    let at = Location::new(room.bucket(), key);
    let mut first = room.objects().create(&at, Metadata::new()).await?;
    let mut second = room.objects().create(&at, Metadata::new()).await?;
    let [one, other] = bytes;
    first.write(one).await?;
    second.write(other).await?;
    trace.say("the second", kind(second.finish(&Checksum::of(other), Metadata::new()).await));
    trace.say("the first", kind(first.finish(&Checksum::of(one), Metadata::new()).await));
    trace.say("there", there(room, key).await);
    Ok(())
}

async fn of_two_uploads_the_first_to_end_makes_the_object<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    two(room, trace, "processed/two/small.csv", [b"12", b"12"]).await?;
    let long = long(SEVERAL_PARTS);
    two(room, trace, "processed/two/large.csv", [&long, &long]).await
}

async fn of_two_uploads_with_other_bytes_the_second_to_end_differs<R: Bucket>(
    room: &R,
    trace: &Trace,
) -> Outcome {
    two(room, trace, "processed/two/other.csv", [b"12", b"34"]).await?;
    two(room, trace, "processed/two/other-large.csv", [&long(SEVERAL_PARTS), b"34"]).await
}

async fn what_somebody_else_has_put_there_is_compared<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    for (name, bytes) in [("same", &b"id\n1\n"[..]), ("other", b"id\n2\n")] {
        let key = format!("processed/else/{name}.csv");
        room.drop_object(&key, bytes).await?;
        trace.say(name, write(room, &key, b"id\n1\n").await);
        trace.say("there", there(room, &key).await);
    }
    Ok(())
}

async fn what_was_deleted_is_written_anew<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let key = "processed/anew/a.csv";
    trace.say("put", write(room, key, b"1").await);
    room.delete(key).await?;
    trace.say("there", there(room, key).await);
    trace.say("other bytes", write(room, key, b"2").await);
    trace.say("there", there(room, key).await);
    Ok(())
}

async fn metadata_comes_along<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    let at = Location::new(room.bucket(), "processed/metadata/a.csv");
    let metadata = |entries: &[(&str, &str)]| -> Metadata {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let early =
        metadata(&[("run-id", "4f8a"), ("source-key", "input/May%202026%20%2B%20June.csv"), ("empty", "")]);
    let mut upload = room.objects().create(&at, early).await?;
    upload.write(b"1").await?;
    upload.finish(&Checksum::of(b"1"), metadata(&[("record-count", "17")])).await?;
    trace.say("small", room.metadata(&at.key).await?);
    // Of a large object, what was known at the beginning.
    let at = Location::new(room.bucket(), "processed/metadata/large.csv");
    let bytes = long(SEVERAL_PARTS);
    let mut upload = room.objects().create(&at, metadata(&[("run-id", "4f8a")])).await?;
    upload.write(&bytes).await?;
    upload.finish(&Checksum::of(&bytes), Metadata::new()).await?;
    trace.say("large", room.metadata(&at.key).await?);
    Ok(())
}

async fn awkward_keys_are_written<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    for name in AWKWARD {
        let key = format!("processed/awkward/{name}");
        trace.say(name, (write(room, &key, name.as_bytes()).await, there(room, &key).await));
        trace.say("again", write(room, &key, name.as_bytes()).await);
    }
    Ok(())
}

async fn keys_of_outputs_do_not_climb<R: Bucket>(room: &R, trace: &Trace) -> Outcome {
    for name in ["a/../b.csv", "./c.csv", "d//e.csv"] {
        let key = format!("processed/outputs/{name}");
        trace.say(name, (write(room, &key, name.as_bytes()).await, there(room, &key).await));
    }
    Ok(())
}
