use super::*;
use crate::identity::{ContractDigest, ETag};
use crate::ports::FeedbackKind;

fn run() -> RunId {
    RunId::of("b", "input/x.csv", &ETag::parse("e"), &ContractDigest::of(b"{}"), None)
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A claim with a lease of 60 seconds and a grace of 900.
fn claim(owner: &str, now: i64) -> Claim {
    Claim {
        run_id: run(),
        task: Task::Notify,
        owner: owner.into(),
        now: second(now),
        lease_until: second(now + 60),
        resend_before: Some(second(now - 900)),
    }
}

fn feedback(kind: FeedbackKind, send_id: &str) -> MailFeedback {
    MailFeedback {
        run_id: run(),
        send_id: send_id.into(),
        message_id: "ses".into(),
        kind,
        at: second(77),
        code: None,
    }
}

fn lease(owner: &str, fence: u64) -> Lease {
    Lease { run_id: run(), task: Task::Notify, owner: owner.into(), fence }
}

fn begin(send_id: &str, since: i64) -> Step {
    Step::BeginSend(Attempt { send_id: send_id.into(), since: second(since) })
}

fn sent() -> Step {
    Step::EndSend(SendOutcome::Sent { message_id: "m".into(), at: second(78) })
}

fn item(state: TaskState, send_id: Option<&str>) -> TaskItem {
    TaskItem {
        state,
        owner: "a".into(),
        fence: 1,
        lease_until: second(60),
        attempt: send_id.map(|send_id| Attempt { send_id: send_id.into(), since: second(5) }),
        ending: None,
    }
}

const STATES: [TaskState; 5] =
    [TaskState::Claimed, TaskState::Sending, TaskState::Done, TaskState::Refused, TaskState::Parked];

#[test]
fn a_claim_is_granted_where_its_condition_holds_and_to_whoever_holds_it_already() {
    // By state and time: free, or the item stays as it is.
    for (state, now, free) in [
        (TaskState::Claimed, 60, false),
        (TaskState::Claimed, 61, true),
        (TaskState::Sending, 61, false),
        (TaskState::Sending, 905, false),
        (TaskState::Sending, 906, true),
        (TaskState::Done, 9_999, false),
        (TaskState::Refused, 9_999, false),
        (TaskState::Parked, 9_999, false),
    ] {
        for owner in ["a", "b"] {
            let old = item(state, (state != TaskState::Claimed).then_some("s"));
            let mut slot = Some(old.clone());
            let claimed = TaskItem::claim(&mut slot, &claim(owner, now));
            assert_eq!(TaskItem::may_claim(Some(&old), &claim(owner, now)), free, "{state:?} at {now}");
            let after = slot.unwrap();
            if free {
                assert_eq!(claimed, Claimed::Granted(lease(owner, 2)));
                assert_eq!((after.state, after.fence, &after.attempt), (TaskState::Claimed, 2, &None));
            } else {
                let own = owner == "a" && state == TaskState::Claimed;
                assert_eq!(claimed == Claimed::Granted(lease("a", 1)), own, "{state:?} at {now} by {owner}");
                assert_eq!(after, old);
            }
        }
    }
}

#[test]
fn a_send_that_may_not_be_repeated_is_never_taken_over() {
    let old = item(TaskState::Sending, Some("s"));
    let wish = Claim { resend_before: None, ..claim("b", 1_000_000) };
    assert!(!TaskItem::may_claim(Some(&old), &wish));
    let since = second(5);
    assert_eq!(old.answer(&wish), Claimed::Unsettled { send_id: "s".into(), since });
    let free = item(TaskState::Claimed, None);
    assert!(TaskItem::may_claim(Some(&free), &wish), "nothing was sent yet");
}

#[test]
fn a_word_that_the_mail_is_out_settles_whatever_is_not_settled() {
    use FeedbackKind::{Bounced, Complained, Delayed, Delivered, Sent};
    for kind in [Sent, Delivered, Delayed, Bounced, Complained] {
        for (state, settles) in STATES.into_iter().zip([true, true, false, false, true]) {
            // Of whichever attempt: it is the same mail.
            for send_id in ["s", "another"] {
                let mut item = item(state, Some("s"));
                let before = item.clone();
                let heard = item.hear(&feedback(kind, send_id));
                assert_eq!(heard, if settles { Heard::Settled } else { Heard::Known }, "{kind:?} {state:?}");
                if settles {
                    assert_eq!(item.state, TaskState::Done);
                    let ending = item.ending.as_ref().unwrap();
                    assert_eq!((ending.message_id.as_deref(), &ending.code), (Some("ses"), &None));
                    assert_eq!(item.notification(), (true, Some(second(77).to_string())));
                } else {
                    assert_eq!(item, before);
                }
            }
        }
    }
}

#[test]
fn a_word_that_the_mail_will_not_go_out_counts_for_its_own_attempt() {
    for kind in [FeedbackKind::Rejected, FeedbackKind::RenderingFailed] {
        for (state, settles) in STATES.into_iter().zip([false, true, true, false, true]) {
            for send_id in ["s", "another"] {
                let mut item = item(state, Some("s"));
                let heard = item.hear(&feedback(kind, send_id));
                let expected = settles && send_id == "s";
                assert_eq!(heard == Heard::Settled, expected, "{kind:?} {state:?} {send_id}");
                assert_eq!(item.state == TaskState::Refused, expected || state == TaskState::Refused);
                assert!(!expected || item.notification() == (false, None));
            }
        }
    }
    let mut rejected = item(TaskState::Sending, Some("s"));
    rejected.hear(&feedback(FeedbackKind::Rejected, "s"));
    assert_eq!(rejected.ending.unwrap().code.as_deref(), Some("rejected"), "where there is no code");
}

#[test]
fn the_same_word_twice_is_answered_twice_the_same() {
    for state in STATES {
        for kind in [FeedbackKind::Sent, FeedbackKind::Rejected] {
            let mut item = item(state, Some("s"));
            let first = item.hear(&feedback(kind, "s"));
            let after = item.clone();
            assert_eq!(item.hear(&feedback(kind, "s")), first, "{kind:?} {state:?}");
            assert_eq!(item, after);
        }
    }
}

/// Everything that can happen to a mail, by two owners and at several times.
fn acts() -> Vec<Act> {
    let mut acts = Vec::new();
    for owner in ["a", "b"] {
        acts.extend([0, 61, 1_000, 2_000].map(|now| Act::Claim(claim(owner, now))));
        for fence in 1..=3 {
            let send_id = format!("s-{fence}");
            acts.push(Act::Step(lease(owner, fence), begin(&send_id, 10)));
            acts.push(Act::Step(lease(owner, fence), sent()));
        }
        acts.push(Act::Step(lease(owner, 1), Step::EndSend(SendOutcome::NotSent)));
    }
    for send_id in ["s-1", "s-2"] {
        acts.push(Act::Park(send_id.into()));
        acts.push(Act::Hear(feedback(FeedbackKind::Sent, send_id)));
        acts.push(Act::Hear(feedback(FeedbackKind::Rejected, send_id)));
    }
    acts
}

#[derive(Debug, Clone)]
enum Act {
    Claim(Claim),
    Step(Lease, Step),
    Park(String),
    Hear(MailFeedback),
}

impl Act {
    fn on(&self, slot: &mut Option<TaskItem>) -> String {
        match self {
            Self::Claim(claim) => format!("{:?}", TaskItem::claim(slot, claim)),
            Self::Step(lease, step) => format!("{:?}", TaskItem::step(slot.as_mut(), lease, step)),
            Self::Park(send_id) => {
                if let Some(item) = slot.as_mut() {
                    item.give_up(send_id, second(80));
                }
                String::new()
            }
            Self::Hear(feedback) => format!("{:?}", slot.as_mut().map(|item| item.hear(feedback))),
        }
    }
}

/// What must hold of every single change, whatever came before.
fn check(before: Option<&TaskItem>, after: Option<&TaskItem>, act: &Act) {
    let (Some(old), Some(new)) = (before, after) else { return };
    assert!(new.fence >= old.fence, "a fence never falls: {act:?} on {old:?}");
    if let Act::Step(lease, _) = act {
        assert!(old == new || old.is_held_by(lease), "a stale owner changes nothing: {act:?} on {old:?}");
    }
    let allowed: &[TaskState] = match old.state {
        TaskState::Claimed => &[TaskState::Claimed, TaskState::Sending, TaskState::Done],
        TaskState::Sending => &STATES,
        TaskState::Done => &[TaskState::Done, TaskState::Refused],
        TaskState::Refused => &[TaskState::Refused],
        TaskState::Parked => &[TaskState::Parked, TaskState::Done, TaskState::Refused],
    };
    assert!(allowed.contains(&new.state), "{act:?}: {old:?} to {new:?}");
    assert!(new.state != TaskState::Sending || new.attempt.is_some(), "{act:?}: {new:?}");
    assert_eq!(new.ending.is_some(), new.state.is_settled(), "{act:?}: {new:?}");
}

#[test]
fn whatever_the_order_no_step_is_undone_and_each_can_be_repeated() {
    // Every item that can be reached, each once.
    let acts = acts();
    let mut seen: Vec<Option<TaskItem>> = vec![None];
    let mut next = 0;
    while let Some(before) = seen.get(next).cloned() {
        next += 1;
        for act in &acts {
            let mut slot = before.clone();
            let said = act.on(&mut slot);
            check(before.as_ref(), slot.as_ref(), act);
            if slot == before {
                continue;
            }
            let mut again = slot.clone();
            assert_eq!(act.on(&mut again), said, "{act:?} on {before:?}");
            assert_eq!(again, slot, "{act:?} on {before:?}");
            // Beyond the third grant nothing new happens.
            if slot.as_ref().is_none_or(|item| item.fence <= 3) && !seen.contains(&slot) {
                seen.push(slot);
            }
        }
    }
    for state in STATES {
        assert!(seen.iter().flatten().any(|item| item.state == state), "{state:?} was never reached");
    }
    assert!(seen.len() > 50, "{}", seen.len());
}

#[test]
fn a_send_is_given_up_only_by_whoever_waited_for_that_very_attempt() {
    let sending = TaskItem {
        state: TaskState::Sending,
        owner: "a".into(),
        fence: 1,
        lease_until: second(60),
        attempt: Some(Attempt { send_id: "s-1".into(), since: second(5) }),
        ending: None,
    };
    for (send_id, expected) in [("s-1", TaskState::Parked), ("s-2", TaskState::Sending)] {
        let mut item = sending.clone();
        item.give_up(send_id, second(1_000));
        assert_eq!(item.state, expected, "{send_id}");
    }
}
