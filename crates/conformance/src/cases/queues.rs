//! Queues, for those who operate the pipeline.

use std::time::Duration;

use shared::ports::{FaultKind, Letter, Queues};

use crate::rooms::Counter;
use crate::trace::{Case, Outcome, Trace, Trouble, cases, kind};

/// How long a message is hidden in cases that wait for it.
const SOON: Duration = Duration::from_secs(1);
/// How long to wait until it is to be seen again.
const SOON_AND_A_BIT: Duration = Duration::from_millis(1_300);
/// How long it is hidden in the others.
const LONG: Duration = Duration::from_secs(3600);

/// All of them.
#[must_use]
pub fn cases<R: Counter>() -> Vec<Case<R>> {
    cases![
        what_is_sent_is_received,
        bodies_come_as_they_were,
        a_body_has_a_limit,
        what_was_received_is_hidden_and_comes_back,
        what_was_deleted_does_not_come_back,
        what_was_released_comes_back_at_once,
        an_earlier_receipt_deletes_nothing,
        what_has_spent_its_receives_is_a_dead_letter,
        many_messages_are_all_received,
        a_queue_that_is_not_there_is_not_found,
    ]
}

/// Receives until nothing comes, and sorts by the bodies.
async fn all<R: Counter>(room: &R, queue: &str, hide_for: Duration) -> Result<Vec<Letter>, Trouble> {
    let mut letters = Vec::new();
    loop {
        let more = room.queues().receive(queue, hide_for).await?;
        if more.is_empty() {
            letters.sort_by(|one: &Letter, other| one.body.cmp(&other.body));
            return Ok(letters);
        }
        letters.extend(more);
    }
}

fn told(letters: &[Letter]) -> Vec<(&str, u32)> {
    letters.iter().map(|letter| (letter.body.as_str(), letter.receives)).collect()
}

async fn say_depth<R: Counter>(room: &R, trace: &Trace, queue: &str) {
    let depth = kind(room.queues().depth(queue).await);
    trace.say("visible, hidden, delayed", depth.map(|depth| (depth.visible, depth.hidden, depth.delayed)));
}

async fn what_is_sent_is_received<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, _) = room.make("sent").await?;
    say_depth(room, trace, &queue).await;
    trace.say("nothing", told(&all(room, &queue, LONG).await?));
    for body in ["a", "b", "a"] {
        trace.say("send", kind(room.queues().send(&queue, body).await));
    }
    say_depth(room, trace, &queue).await;
    let letters = all(room, &queue, LONG).await?;
    trace.say("received", told(&letters));
    let ids: std::collections::BTreeSet<_> = letters.iter().map(|letter| &letter.id).collect();
    let receipts: std::collections::BTreeSet<_> = letters.iter().map(|letter| &letter.receipt).collect();
    trace.say("ids, receipts", (ids.len(), receipts.len()));
    say_depth(room, trace, &queue).await;
    Ok(())
}

async fn bodies_come_as_they_were<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, _) = room.make("bodies").await?;
    for body in
        [" blanks ", "line\nline\r\n", "tab\t", "<a>&amp;\"'</a>", "{\"k\": \"100%+\"}", "☂ ü 日本 💥", "0"]
    {
        room.queues().send(&queue, body).await?;
    }
    trace.say("received", told(&all(room, &queue, LONG).await?));
    Ok(())
}

async fn a_body_has_a_limit<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, _) = room.make("limit").await?;
    let most = 1024 * 1024;
    for (name, body) in [
        ("the most", "x".repeat(most)),
        ("one more", "x".repeat(most + 1)),
        ("fewer characters and more bytes", "ü".repeat(most / 2 + 1)),
        ("nothing", String::new()),
        ("a control character", "a\u{1}".to_owned()),
    ] {
        trace.say(name, kind(room.queues().send(&queue, &body).await));
    }
    say_depth(room, trace, &queue).await;
    Ok(())
}

async fn what_was_received_is_hidden_and_comes_back<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, _) = room.make("hidden").await?;
    room.queues().send(&queue, "a").await?;
    // A receive of none may wait a while itself, so only one is made.
    let first = room.queues().receive(&queue, SOON).await?;
    trace.say("first", told(&first));
    say_depth(room, trace, &queue).await;
    room.wait(SOON_AND_A_BIT).await;
    say_depth(room, trace, &queue).await;
    let second = room.queues().receive(&queue, LONG).await?;
    trace.say("second", told(&second));
    let pairs = first.first().zip(second.first());
    trace.say(
        "the same, with another receipt, sent when it was",
        pairs.map(|(one, other)| {
            (one.id == other.id, one.receipt != other.receipt, one.sent_at == other.sent_at)
        }),
    );
    trace.say("third", told(&all(room, &queue, LONG).await?));
    Ok(())
}

async fn what_was_deleted_does_not_come_back<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, _) = room.make("deleted").await?;
    for body in ["a", "b"] {
        room.queues().send(&queue, body).await?;
    }
    for letter in all(room, &queue, LONG).await? {
        if letter.body == "a" {
            trace.say("delete", kind(room.queues().delete(&queue, &letter.receipt).await));
            trace.say("once more", kind(room.queues().delete(&queue, &letter.receipt).await));
        } else {
            trace.say("release", kind(room.queues().release(&queue, &letter.receipt).await));
        }
    }
    trace.say("received", told(&all(room, &queue, LONG).await?));
    Ok(())
}

async fn what_was_released_comes_back_at_once<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, _) = room.make("released").await?;
    room.queues().send(&queue, "a").await?;
    for letter in room.queues().receive(&queue, LONG).await? {
        trace.say("release", kind(room.queues().release(&queue, &letter.receipt).await));
    }
    say_depth(room, trace, &queue).await;
    let again = room.queues().receive(&queue, LONG).await?;
    trace.say("received", told(&again));
    for letter in again {
        trace.say("delete", kind(room.queues().delete(&queue, &letter.receipt).await));
    }
    say_depth(room, trace, &queue).await;
    Ok(())
}

async fn an_earlier_receipt_deletes_nothing<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, _) = room.make("earlier").await?;
    room.queues().send(&queue, "a").await?;
    let first = room.queues().receive(&queue, LONG).await?;
    for letter in &first {
        room.queues().release(&queue, &letter.receipt).await?;
    }
    trace.say("second", told(&room.queues().receive(&queue, LONG).await?));
    for letter in &first {
        trace.say("delete by the first", kind(room.queues().delete(&queue, &letter.receipt).await));
    }
    say_depth(room, trace, &queue).await;
    Ok(())
}

async fn what_has_spent_its_receives_is_a_dead_letter<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, dead) = room.make("spent").await?;
    room.queues().send(&queue, "a").await?;
    let mut sent_at = None;
    for _ in 0..2 {
        let letters = room.queues().receive(&queue, LONG).await?;
        trace.say("received", told(&letters));
        say_depth(room, trace, &dead).await;
        for letter in letters {
            sent_at = Some(letter.sent_at);
            room.queues().release(&queue, &letter.receipt).await?;
        }
    }
    trace.say("a third time", told(&all(room, &queue, LONG).await?));
    say_depth(room, trace, &queue).await;
    say_depth(room, trace, &dead).await;
    let letters = all(room, &dead, LONG).await?;
    trace.say("dead", told(&letters));
    trace.say("sent when it was", letters.iter().all(|letter| Some(letter.sent_at) == sent_at));
    Ok(())
}

async fn many_messages_are_all_received<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, _) = room.make("many").await?;
    for number in 0..25 {
        room.queues().send(&queue, &format!("{number:02}")).await?;
    }
    let first = room.queues().receive(&queue, LONG).await?;
    trace.say("ten at most", first.len() <= shared::ports::MAX_LETTERS && !first.is_empty());
    let mut letters = all(room, &queue, LONG).await?;
    letters.extend(first);
    letters.sort_by(|one, other| one.body.cmp(&other.body));
    trace.say("all", told(&letters));
    Ok(())
}

async fn a_queue_that_is_not_there_is_not_found<R: Counter>(room: &R, trace: &Trace) -> Outcome {
    let (queue, queues) = ("conformance-no-such-queue", room.queues());
    let kinds: [Result<(), FaultKind>; 5] = [
        kind(queues.send(queue, "a").await),
        kind(queues.receive(queue, LONG).await.map(drop)),
        kind(queues.delete(queue, "r").await),
        kind(queues.release(queue, "r").await),
        kind(queues.depth(queue).await.map(drop)),
    ];
    trace.say("all", kinds);
    Ok(())
}
