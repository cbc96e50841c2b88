//! How a mail is written down: before it is sent, when it ended, what the mail service says of it, and what the record
//! says of it.

use shared::identity::RunId;
use shared::ports::{Analyses, Claim, Commit, FeedbackKind, Lease, MailFeedback, SendOutcome, Task};

use crate::cases::analyses::{LEASE, claim, granted, record, say_claim, state};
use crate::cases::{run_of, second};
use crate::rooms::Desk;
use crate::trace::{Case, Outcome, Trace, Trouble, cases, kind};

/// The states that a mail can be in, by how it comes into them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Claimed,
    Sending,
    NotSent,
    TakenOver,
    Sent,
    Refused,
    Parked,
}

const STANDS: [Stand; 7] = [
    Stand::Claimed,
    Stand::Sending,
    Stand::NotSent,
    Stand::TakenOver,
    Stand::Sent,
    Stand::Refused,
    Stand::Parked,
];

/// All of them.
#[must_use]
pub fn cases<R: Desk>() -> Vec<Case<R>> {
    cases![
        each_state_is_written_down,
        each_state_answers_a_claim,
        an_unsettled_send_is_taken_over_after_its_grace_only,
        the_owner_of_an_unsettled_send_waits_like_others,
        ones_own_repeated_beginning_is_stored,
        another_beginning_is_lost,
        ones_own_repeated_ending_is_stored,
        an_ending_without_a_beginning_is_lost,
        a_stale_owner_writes_nothing_of_a_mail,
        a_send_that_did_not_go_out_is_tried_again,
        giving_up_is_for_the_attempt_that_is_meant,
        giving_up_changes_nothing_that_is_settled,
        each_word_is_heard_in_each_state,
        each_word_is_heard_of_another_attempt,
        a_word_that_comes_twice_is_answered_twice_the_same,
        a_word_of_an_unknown_run_is_nobodys,
        words_after_each_other_have_their_order,
        an_ending_after_the_word_is_stored,
        what_was_heard_is_written_down_once,
        the_record_says_how_the_mail_ended,
        the_record_follows_the_mail,
        a_mark_without_a_record_is_nothing,
        a_mark_without_a_mail_is_nothing,
    ]
}

fn sent(seconds: i64) -> SendOutcome {
    SendOutcome::Sent { message_id: format!("ses-{seconds}"), at: second(seconds) }
}

fn refused(seconds: i64) -> SendOutcome {
    SendOutcome::Refused { code: "MessageRejected".to_owned(), at: second(seconds) }
}

fn word(run: &RunId, kind: FeedbackKind, send_id: &str, seconds: i64) -> MailFeedback {
    let code = (kind == FeedbackKind::Bounced).then(|| "Permanent/General".to_owned());
    MailFeedback {
        run_id: run.clone(),
        send_id: send_id.to_owned(),
        message_id: "ses-word".to_owned(),
        kind,
        at: second(seconds),
        code,
    }
}

/// The wish of one who may take over a send that began before so many seconds.
fn taking_over(run: &RunId, owner: &str, now: i64, before: i64) -> Claim {
    Claim { resend_before: Some(second(before)), ..claim(run, Task::Notify, owner, now) }
}

/// Brings the mail of a run into a state, and says who holds it.
async fn bring(desk: &impl Analyses, run: &RunId, stand: Stand) -> Result<Lease, Trouble> {
    let lease = granted(desk, &claim(run, Task::Notify, "a", 0)).await?;
    if stand == Stand::Claimed {
        return Ok(lease);
    }
    let mut done = desk.begin_send(&lease, "s-1", second(5)).await?;
    match stand {
        Stand::Claimed | Stand::Sending => {}
        Stand::NotSent => done = desk.end_send(&lease, &SendOutcome::NotSent).await?,
        Stand::Sent => done = desk.end_send(&lease, &sent(7)).await?,
        Stand::Refused => done = desk.end_send(&lease, &refused(7)).await?,
        Stand::Parked => desk.park(run, "s-1", second(8)).await?,
        Stand::TakenOver => return granted(desk, &taking_over(run, "b", 1000, 6)).await,
    }
    if done == Commit::Stored { Ok(lease) } else { Err("the lease was lost".into()) }
}

async fn each_state_is_written_down<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    for stand in STANDS {
        let run = run_of(&format!("written {stand:?}"));
        let lease = bring(room.analyses(), &run, stand).await?;
        trace.say(
            format!("{stand:?}, {}/{}", lease.owner, lease.fence),
            state(room.analyses(), &run, Task::Notify).await,
        );
    }
    Ok(())
}

async fn each_state_answers_a_claim<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    for stand in STANDS {
        let run = run_of(&format!("answers {stand:?}"));
        bring(room.analyses(), &run, stand).await?;
        trace.say("state", stand);
        say_claim(room.analyses(), trace, &claim(&run, Task::Notify, "c", 9)).await;
        say_claim(room.analyses(), trace, &claim(&run, Task::Notify, "c", 5000)).await;
        say_claim(room.analyses(), trace, &taking_over(&run, "d", 9000, 8000)).await;
    }
    Ok(())
}

async fn an_unsettled_send_is_taken_over_after_its_grace_only<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("grace"));
    bring(desk, &run, Stand::Sending).await?;
    // It began at 5, and its lease ends long before.
    for (before, now) in [(0, 100), (4, 200), (5, 300), (6, 400), (6, 401)] {
        trace.say(format!("before {before}"), state(desk, &run, Task::Notify).await.is_ok());
        say_claim(desk, trace, &taking_over(&run, "b", now, before)).await;
    }
    trace.say("after", state(desk, &run, Task::Notify).await);
    Ok(())
}

async fn the_owner_of_an_unsettled_send_waits_like_others<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("own unsettled"));
    bring(desk, &run, Stand::Sending).await?;
    say_claim(desk, trace, &claim(&run, Task::Notify, "a", 6)).await;
    say_claim(desk, trace, &claim(&run, Task::Notify, "a", 2 * LEASE)).await;
    trace.say("after", state(desk, &run, Task::Notify).await);
    Ok(())
}

async fn ones_own_repeated_beginning_is_stored<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("begins twice"));
    let lease = bring(desk, &run, Stand::Sending).await?;
    trace.say("the same", kind(desk.begin_send(&lease, "s-1", second(5)).await));
    trace.say("the same, later", kind(desk.begin_send(&lease, "s-1", second(6)).await));
    trace.say("after", state(desk, &run, Task::Notify).await);
    Ok(())
}

async fn another_beginning_is_lost<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let desk = room.analyses();
    for stand in [Stand::Sending, Stand::Sent, Stand::Refused, Stand::Parked] {
        let run = run_of(&format!("begins another {stand:?}"));
        let lease = bring(desk, &run, stand).await?;
        trace.say(format!("{stand:?}"), kind(desk.begin_send(&lease, "s-2", second(6)).await));
        trace.say("after", state(desk, &run, Task::Notify).await);
    }
    Ok(())
}

async fn ones_own_repeated_ending_is_stored<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let desk = room.analyses();
    for stand in [Stand::Sent, Stand::Refused, Stand::NotSent, Stand::Parked] {
        for outcome in [sent(7), sent(9), refused(9), SendOutcome::NotSent] {
            let run = run_of(&format!("ends twice {stand:?} {outcome:?}"));
            let lease = bring(desk, &run, stand).await?;
            trace.say(format!("{stand:?}, then {outcome:?}"), kind(desk.end_send(&lease, &outcome).await));
            trace.say("after", state(desk, &run, Task::Notify).await);
        }
    }
    Ok(())
}

async fn an_ending_without_a_beginning_is_lost<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let desk = room.analyses();
    for (name, outcome) in [("sent", sent(7)), ("refused", refused(7))] {
        let run = run_of(&format!("never began {name}"));
        let lease = bring(desk, &run, Stand::Claimed).await?;
        trace.say(name, kind(desk.end_send(&lease, &outcome).await));
        trace.say("after", state(desk, &run, Task::Notify).await);
    }
    Ok(())
}

async fn a_stale_owner_writes_nothing_of_a_mail<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("stale mail"));
    let stale = granted(desk, &claim(&run, Task::Notify, "a", 0)).await?;
    let fresh = granted(desk, &claim(&run, Task::Notify, "b", LEASE + 1)).await?;
    trace.say("begins", kind(desk.begin_send(&stale, "s-0", second(LEASE + 2)).await));
    trace.say("the fresh one begins", kind(desk.begin_send(&fresh, "s-1", second(LEASE + 3)).await));
    for outcome in [sent(LEASE + 4), refused(LEASE + 4), SendOutcome::NotSent] {
        trace.say(format!("ends {outcome:?}"), kind(desk.end_send(&stale, &outcome).await));
    }
    trace.say("after", state(desk, &run, Task::Notify).await);
    trace.say("the fresh one ends", kind(desk.end_send(&fresh, &sent(LEASE + 5)).await));
    trace.say("the stale one", kind(desk.end_send(&stale, &sent(LEASE + 6)).await));
    trace.say("after", state(desk, &run, Task::Notify).await);
    Ok(())
}

async fn a_send_that_did_not_go_out_is_tried_again<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("again"));
    let lease = bring(desk, &run, Stand::NotSent).await?;
    trace.say("begins again", kind(desk.begin_send(&lease, "s-2", second(10)).await));
    trace.say("state", state(desk, &run, Task::Notify).await);
    trace.say("ends", kind(desk.end_send(&lease, &sent(11)).await));
    trace.say("state", state(desk, &run, Task::Notify).await);
    // The claim of a send that did not go out is over like any other.
    let run = run_of("again, by another");
    bring(desk, &run, Stand::NotSent).await?;
    say_claim(desk, trace, &claim(&run, Task::Notify, "b", LEASE)).await;
    say_claim(desk, trace, &claim(&run, Task::Notify, "b", LEASE + 1)).await;
    Ok(())
}

async fn giving_up_is_for_the_attempt_that_is_meant<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("given up"));
    trace.say("of nothing", kind(desk.park(&run, "s-1", second(8)).await));
    trace.say("state", state(desk, &run, Task::Notify).await);
    bring(desk, &run, Stand::Sending).await?;
    trace.say("of another", kind(desk.park(&run, "s-2", second(8)).await));
    trace.say("state", state(desk, &run, Task::Notify).await);
    for seconds in [8, 9] {
        trace.say("of this one", kind(desk.park(&run, "s-1", second(seconds)).await));
        trace.say("state", state(desk, &run, Task::Notify).await);
    }
    Ok(())
}

async fn giving_up_changes_nothing_that_is_settled<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    for stand in STANDS {
        let run = run_of(&format!("given up {stand:?}"));
        bring(room.analyses(), &run, stand).await?;
        trace.say(format!("{stand:?}"), kind(room.analyses().park(&run, "s-1", second(2000)).await));
        trace.say("state", state(room.analyses(), &run, Task::Notify).await);
    }
    Ok(())
}

/// Lets each word be heard in each state, of this attempt.
async fn heard<R: Desk>(room: &R, trace: &Trace, send_id: &str) -> Outcome {
    for stand in STANDS {
        for feedback in FeedbackKind::ALL {
            let run = run_of(&format!("heard {stand:?} {feedback:?} {send_id}"));
            bring(room.analyses(), &run, stand).await?;
            let heard = room.analyses().hear(&word(&run, feedback, send_id, 3000)).await;
            trace.say(format!("{feedback:?} in {stand:?}"), kind(heard));
            trace.say("state", state(room.analyses(), &run, Task::Notify).await);
        }
    }
    Ok(())
}

async fn each_word_is_heard_in_each_state<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    heard(room, trace, "s-1").await
}

async fn each_word_is_heard_of_another_attempt<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    heard(room, trace, "s-0").await
}

async fn a_word_that_comes_twice_is_answered_twice_the_same<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    for stand in STANDS {
        for feedback in [FeedbackKind::Sent, FeedbackKind::Bounced, FeedbackKind::Rejected] {
            let run = run_of(&format!("twice {stand:?} {feedback:?}"));
            bring(room.analyses(), &run, stand).await?;
            for _ in 0..2 {
                let heard = room.analyses().hear(&word(&run, feedback, "s-1", 3000)).await;
                trace.say(format!("{feedback:?} in {stand:?}"), kind(heard));
            }
            trace.say("state", state(room.analyses(), &run, Task::Notify).await);
        }
    }
    Ok(())
}

async fn a_word_of_an_unknown_run_is_nobodys<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("nobody's"));
    for feedback in FeedbackKind::ALL {
        trace.say(format!("{feedback:?}"), kind(desk.hear(&word(&run, feedback, "s-1", 10)).await));
    }
    trace.say("state", state(desk, &run, Task::Notify).await);
    // A run that was analysed and never mailed has no mail either.
    granted(desk, &claim(&run, Task::Analyze, "a", 0)).await?;
    trace.say("analysed", kind(desk.hear(&word(&run, FeedbackKind::Sent, "s-1", 10)).await));
    trace.say("state", state(desk, &run, Task::Notify).await);
    Ok(())
}

async fn words_after_each_other_have_their_order<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    for first in FeedbackKind::ALL {
        for second_word in FeedbackKind::ALL {
            let run = run_of(&format!("order {first:?} {second_word:?}"));
            bring(room.analyses(), &run, Stand::Sending).await?;
            for (feedback, seconds) in [(first, 3000), (second_word, 3001)] {
                let heard = room.analyses().hear(&word(&run, feedback, "s-1", seconds)).await;
                trace.say(format!("{feedback:?}"), kind(heard));
            }
            trace.say("state", state(room.analyses(), &run, Task::Notify).await);
        }
    }
    Ok(())
}

async fn an_ending_after_the_word_is_stored<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    for feedback in [FeedbackKind::Sent, FeedbackKind::Rejected] {
        for outcome in [sent(7), refused(7), SendOutcome::NotSent] {
            let run = run_of(&format!("after the word {feedback:?} {outcome:?}"));
            let lease = bring(room.analyses(), &run, Stand::Sending).await?;
            room.analyses().hear(&word(&run, feedback, "s-1", 6)).await?;
            let ended = room.analyses().end_send(&lease, &outcome).await;
            trace.say(format!("{feedback:?}, then {outcome:?}"), kind(ended));
            trace.say("state", state(room.analyses(), &run, Task::Notify).await);
        }
    }
    Ok(())
}

async fn what_was_heard_is_written_down_once<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("written down"));
    bring(desk, &run, Stand::Sending).await?;
    trace.say("nothing yet", room.heard(&run).await?);
    for (number, feedback) in (10..).zip(FeedbackKind::ALL) {
        desk.hear(&word(&run, feedback, "s-1", number)).await?;
        desk.hear(&word(&run, feedback, "s-1", number + 100)).await?;
    }
    trace.say("all", room.heard(&run).await?);
    Ok(())
}

/// What the record says of its mail.
async fn told(desk: &impl Analyses, run: &RunId) -> Result<Option<(bool, Option<String>)>, Trouble> {
    let record = desk.load(run).await?;
    Ok(record.map(|record| (record.notification_sent, record.notification_timestamp)))
}

async fn stored(desk: &impl Analyses, run: &RunId) -> Outcome {
    let lease = granted(desk, &claim(run, Task::Analyze, "a", 0)).await?;
    desk.store(&lease, &record(run)).await?;
    Ok(())
}

async fn the_record_says_how_the_mail_ended<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    for stand in STANDS {
        let run = run_of(&format!("says {stand:?}"));
        stored(room.analyses(), &run).await?;
        bring(room.analyses(), &run, stand).await?;
        for _ in 0..2 {
            trace.say(format!("mark {stand:?}"), kind(room.analyses().mark(&run).await));
            trace.say("told", told(room.analyses(), &run).await?);
        }
        // Nothing else of the record has changed.
        let expected = record(&run);
        let found = room.analyses().load(&run).await?.map(|found| (found.facts, found.summary, found.ttl));
        trace.say("the rest", found == Some((expected.facts, expected.summary, expected.ttl)));
    }
    Ok(())
}

async fn the_record_follows_the_mail<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("follows"));
    stored(desk, &run).await?;
    bring(desk, &run, Stand::Sending).await?;
    desk.mark(&run).await?;
    trace.say("sending", told(desk, &run).await?);
    desk.park(&run, "s-1", second(8)).await?;
    desk.mark(&run).await?;
    trace.say("parked", told(desk, &run).await?);
    for (feedback, seconds) in
        [(FeedbackKind::Sent, 9), (FeedbackKind::Delivered, 10), (FeedbackKind::Rejected, 11)]
    {
        desk.hear(&word(&run, feedback, "s-1", seconds)).await?;
        desk.mark(&run).await?;
        trace.say(format!("{feedback:?}"), told(desk, &run).await?);
    }
    Ok(())
}

async fn a_mark_without_a_record_is_nothing<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("no record"));
    trace.say("unknown", kind(desk.mark(&run).await));
    bring(desk, &run, Stand::Sent).await?;
    trace.say("a mail only", kind(desk.mark(&run).await));
    trace.say("told", told(desk, &run).await?);
    granted(desk, &claim(&run, Task::Analyze, "a", 0)).await?;
    trace.say("claimed", kind(desk.mark(&run).await));
    trace.say("told", told(desk, &run).await?);
    Ok(())
}

async fn a_mark_without_a_mail_is_nothing<R: Desk>(room: &R, trace: &Trace) -> Outcome {
    let (desk, run) = (room.analyses(), run_of("no mail"));
    stored(desk, &run).await?;
    trace.say("mark", kind(desk.mark(&run).await));
    trace.say("told", told(desk, &run).await?);
    trace.say("state", state(desk, &run, Task::Notify).await);
    Ok(())
}
